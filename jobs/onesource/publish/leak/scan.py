"""The leak gate: what stands in the finished files of a release and must not."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath

from onesource.config import Settings
from onesource.contracts.load import load_codelist
from onesource.publish.leak.columns import Looking
from onesource.publish.leak.contents import look_at_contents
from onesource.publish.leak.digits import Known
from onesource.publish.leak.gather import Gather
from onesource.publish.leak.headings import safe
from onesource.publish.leak.lines import look_at_text
from onesource.publish.leak.model import Allowance, Finding, Kind
from onesource.publish.processes import Processes

_DATASETS = "datasets"
_LARGE = 32 << 20  # bytes: some seconds of one core


def scan(
    folder: Path,
    allowances: Mapping[str, Allowance],
    *,
    processes: Processes | None = None,
    divisions: Collection[str] | None = None,
    last_year: int | None = None,
) -> list[Finding]:
    """What is found in all files, pages and names of a release, in the order of the files.

    `allowances`: dataset → what its contract allows; a dataset that is not in it is allowed
    nothing. `divisions`: every division code that ever was (`ever_divisions`); None: those of the
    project's code list. `last_year`: of a birth; None: the present year. `processes`: for a
    large release; None: this one alone. Reads every byte once or twice, in bounded memory. Never
    raises for what a file holds: what cannot be looked at is a finding that stops. Raises
    NotADirectoryError where there is no folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(folder)
    codes = ever_divisions(Settings.from_environment().schemas) if divisions is None else divisions
    against = Known(frozenset(codes), last_year or datetime.now(UTC).year)
    paths = sorted(_entries(folder))
    datasets = {PurePosixPath(p).parts[1] for p in paths if _is_of_dataset(p)} | set(allowances)
    one = partial(_scan_file, folder, allowances, datasets, against)
    sizes = {p: _size(folder / p) for p in paths}
    # The largest first, so that no core is left with the last of them alone.
    order = sorted(paths, key=lambda p: -sizes[p])
    is_large = sum(sizes.values()) > _LARGE
    found = (processes or Processes(1)).each(one, order, is_large=is_large)
    by_path = dict(zip(order, found, strict=True))
    return [f for p in paths for f in by_path[p]]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def ever_divisions(schemas: Path) -> frozenset[str]:
    """Codes of all divisions that ever were (GB/T 2260), from the project's code list; empty, so
    that the province alone is judged, where a project has none."""
    path = schemas / "codelists" / "gb2260.csv"
    return frozenset(r.code for r in load_codelist(path).rows) if path.is_file() else frozenset()


def dataset_of(path: str, datasets: Collection[str]) -> str | None:
    """The dataset to which a file belongs: `datasets/<name>/…`, or a page or folder of its name."""
    parts = PurePosixPath(path).parts
    if _is_of_dataset(path):
        return parts[1]
    for part in (*parts[:-1], parts[-1].split(".")[0]):
        if part in datasets:
            return part
    return None


def _is_of_dataset(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return len(parts) > 2 and parts[0] == _DATASETS


def _entries(folder: Path) -> Iterator[str]:
    """Files, links and what else there is, and empty folders; relative, with `/`."""
    for root, dirs, files in os.walk(folder):
        here = Path(root).relative_to(folder)
        for name in (*files, *(d for d in dirs if (Path(root) / d).is_symlink())):
            yield (here / name).as_posix()
        if not files and not dirs and root != str(folder):
            yield here.as_posix() + "/"


def _scan_file(
    folder: Path,
    allowances: Mapping[str, Allowance],
    datasets: Collection[str],
    against: Known,
    relative: str,
) -> list[Finding]:
    dataset = dataset_of(relative, datasets)
    allowance = allowances.get(dataset or "", Allowance())
    out = Gather(dataset and safe(dataset, against), safe(relative, against))
    to = Looking(against, allowance.decimals(), out)
    for part in PurePosixPath(relative).parts:
        look_at_text(os.fsencode(part).decode("utf-8", "replace"), "name of the file", to)
    path = folder / relative
    if path.is_symlink() or not path.is_file():
        if not relative.endswith("/"):
            out.problem(Kind.UNREADABLE, "", "a link or device, not a file")
    else:
        try:
            with path.open("rb") as raw:
                look_at_contents(raw, path.name, allowance, to)
        except OSError as e:
            out.problem(Kind.UNREADABLE, "", f"cannot be read ({type(e).__name__})")
    return list(out.findings())
