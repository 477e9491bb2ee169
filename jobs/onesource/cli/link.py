"""`onesource link`: which rows of two lists, or of one, are the same."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from onesource.cli import answer
from onesource.cli.standardise import context_of
from onesource.config import Settings
from onesource.errors import UsageError
from onesource.registry.linkage.decide import Pair
from onesource.registry.linkage.files import List, read_list
from onesource.registry.linkage.link import Linked, cluster_rows, link_tables
from onesource.registry.linkage.spec import Source, Spec, load_spec
from onesource.registry.linkage.suggest import suggest

PAIRS = ("left", "right", "score", "rule", "explanation")
CLUSTERS = ("row", "cluster")


@dataclass(frozen=True)
class Wanted:
    """What the command was asked for."""

    file: Path
    other: Path | None = None
    spec: Path | None = None
    to: str | None = None
    dedupe: bool = False
    candidates: bool = False
    csv: Path | None = None
    purpose: str = ""


def link_command(settings: Settings, wanted: Wanted) -> int:
    """Serves the command. Raises UsageError, ContractError or DeliveryRefused."""
    _check(wanted)
    spec = load_spec(wanted.spec) if wanted.spec else None
    if wanted.to is not None:
        from onesource.cli.link_registry import link_to_registry

        return link_to_registry(settings, wanted, spec)
    left = read_list(wanted.file, spec.left if spec else Source())
    right = None
    if wanted.other is not None:
        right = read_list(wanted.other, spec.right if spec else Source())
    if spec is None:
        spec = suggest(left.table.column_names, (right or left).table.column_names)
        say(
            f"no spec: compared by {', '.join(spec.fields)}, as the headers say; "
            "docs/link.md shows how to say it yourself"
        )
    lists = [left] if right is None else [left, right]
    for side, found in enumerate(lists):
        _check_id(spec, side, found, (wanted.file, wanted.other)[side])
    context = context_of(settings, "division")
    linked = link_tables([x.table for x in lists], spec, context, say=say)
    ids = [i for side, x in enumerate(lists) for i in x.ids(spec.id_column(side))]
    if wanted.dedupe:
        homes = cluster_rows(linked, spec)
        rows: Iterable[Sequence[str]] = ((ids[row], ids[homes[row]]) for row in sorted(homes))
        send(CLUSTERS, rows, wanted.csv)
    else:
        send(PAIRS, pair_rows(shown_pairs(linked, wanted.candidates), ids), wanted.csv)
    say(_summary(linked, wanted.candidates, spec))
    return 0


def _check(wanted: Wanted) -> None:
    if wanted.to is not None and wanted.other is not None:
        raise UsageError(
            "--to and a second file are both given", todo="link to the registry or to the file"
        )
    if wanted.to is not None and wanted.to not in ("person", "organisation"):
        raise UsageError(f"--to {wanted.to} is no registry", todo="person or organisation")
    if wanted.dedupe and wanted.to is not None:
        raise UsageError("--dedupe is for files", todo="leave --to away")


def _check_id(spec: Spec, side: int, found: List, path: Path | None) -> None:
    column = spec.id_column(side)
    if column is None:
        return
    if column not in found.table.column_names:
        shown = ", ".join(found.table.column_names)
        raise UsageError(
            f"there is no id column {column}", where=str(path), todo=f"its columns are {shown}"
        )
    ids = found.ids(column)
    if len(set(ids)) < len(ids):
        raise UsageError(
            f"the id column {column} holds a value twice",
            where=str(path),
            todo="name another in the spec, or none: then the line numbers stand for the rows",
        )


def shown_pairs(linked: Linked, candidates: bool) -> list[Pair]:
    """The links, with the candidates behind them where they are wanted; best first."""
    return [*linked.links, *linked.candidates] if candidates else list(linked.links)


def pair_rows(pairs: Sequence[Pair], ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for p in pairs:
        yield ids[p.left], ids[p.right], f"{p.score:.6f}", p.rule, p.explanation


def send(header: Sequence[str], rows: Iterable[Sequence[str]], csv: Path | None) -> None:
    """To the file, whole or not at all, or as CSV on standard output."""
    if csv is None:
        answer.stream_csv(sys.stdout, header, rows)
        sys.stdout.flush()
        return
    with answer.whole_file(csv) as part:
        n = answer.write_csv(part, header, rows)
    say(f"{csv}: {n} rows")


def _summary(linked: Linked, shown: bool, spec: Spec) -> str:
    more = "" if shown or not linked.candidates else "; --candidates shows them"
    return (
        f"{len(linked.links):,} pairs linked (score from {spec.threshold:g}), "
        f"{len(linked.candidates):,} candidates below{more}; {linked.pairs:,} pairs compared"
    )


def say(words: str) -> None:
    """A plain line for the person at the terminal; standard output holds the answer only."""
    print(words, file=sys.stderr)
