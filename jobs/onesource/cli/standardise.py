"""`onesource standardise NAME`: raw values on stdin, one a line → CSV on stdout, without a JVM.

Every line gives exactly one row, in order, whatever it holds: bytes that are no UTF-8 get the
verdict ENCODING and come back as they were.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from onesource.clean.standardisers import Answer, Context, answering, check_args, describe
from onesource.config import Settings
from onesource.contracts.model import CodeList
from onesource.errors import UsageError

HEADER = b"raw,value,verdict,detail\n"
BATCH_LINES, BATCH_BYTES = 100_000, 16_000_000
THREADS = 2
# A line as text, and was it UTF-8?
Line = tuple[str, bool]
Answering = Callable[[Sequence[str | None]], Sequence[Answer]]


def standardise_main(settings: Settings, name: str, args: Sequence[str]) -> int:
    """Serves the command on this process's stdin and stdout. Raises UsageError."""
    return standardise_command(
        settings, name, parsed_args(args), sys.stdin.buffer, sys.stdout.buffer
    )


def parsed_args(args: Sequence[str]) -> dict[str, str]:
    """`k=v` words as a dict. Raises UsageError."""
    parsed: dict[str, str] = {}
    for word in args:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise UsageError(f"--arg {word} is no key=value", todo="write --arg unit=万元")
        if key in parsed:
            raise UsageError(f"--arg {key} is given twice")
        parsed[key] = value
    return parsed


def standardise_command(
    settings: Settings, name: str, args: Mapping[str, str], stdin: BinaryIO, stdout: BinaryIO
) -> int:
    """Reads `stdin` to its end and writes a header and one CSV row a line. Returns 0.

    Works in batches: memory does not grow with the input. Raises UsageError or ContractError
    before anything is read.
    """
    check_args(name, args)
    context = context_of(settings, name)
    # Wrong arguments are found before the first line is read.
    answering(name, args, context)
    stdout.write(HEADER)
    # At a terminal each line is answered at once.
    batch_lines = 1 if stdin.isatty() else BATCH_LINES
    batches = _batches(_lines(stdin), batch_lines)
    for rows in _in_order(batches, lambda batch: _rows(batch, answering(name, args, context))):
        stdout.write(rows)
        stdout.flush()
    return 0


def _rows(batch: Sequence[Line], answer: Answering) -> bytes:
    answers = answer([text if good else None for text, good in batch])
    return b"".join(_row(line, a) for line, a in zip(batch, answers, strict=True))


def _in_order(
    batches: Iterator[list[Line]], work: Callable[[list[Line]], bytes]
) -> Iterator[bytes]:
    """The results in the order of the batches; the next is computed while one is written."""
    with ThreadPoolExecutor(THREADS) as pool:
        waiting: deque[Future[bytes]] = deque()
        for batch in batches:
            waiting.append(pool.submit(work, batch))
            if len(waiting) >= THREADS or len(batch) == 1:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def context_of(settings: Settings, name: str) -> Context:
    """The code lists that ship, and the divisions that ship where the standardiser reads them."""
    from onesource.contracts.load import load_codelist

    codelists: dict[str, CodeList] = _Lazy(settings.schemas / "codelists", load_codelist)
    if not describe(name).reads_divisions:
        return Context(codelists=codelists)
    from onesource.clean.standardisers.division import shipped_index

    return Context(codelists=codelists, division=shipped_index(settings.schemas))


class _Lazy(dict[str, CodeList]):
    """The code lists of a folder, each read when it is first asked for."""

    def __init__(self, folder: Path, load: object) -> None:
        super().__init__()
        self._paths = {p.stem: p for p in sorted(folder.glob("*.csv"))}
        self._load = load

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __missing__(self, name: str) -> CodeList:
        found: CodeList = self._load(self._paths[name])  # type: ignore[operator]
        self[name] = found
        return found


def _lines(stdin: BinaryIO) -> Iterator[Line]:
    """The lines without their end (LF or CRLF); only these end a line."""
    for raw in stdin:
        line = raw.removesuffix(b"\n").removesuffix(b"\r")
        try:
            yield line.decode("utf-8"), True
        except UnicodeDecodeError:
            yield line.decode("utf-8", "surrogateescape"), False


def _batches(lines: Iterable[Line], limit: int) -> Iterator[list[Line]]:
    batch: list[Line] = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line[0])
        if len(batch) >= limit or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _row(line: Line, answer: Answer) -> bytes:
    raw, good = line
    value, verdict, detail = answer if good else (None, "ENCODING", "")
    row = ",".join((_cell(raw), _cell(value or ""), verdict, _cell(detail)))
    return (row + "\n").encode("utf-8", "surrogateescape")


def _cell(text: str) -> str:
    """A CSV cell after RFC 4180: quoted where it holds a comma, a quote or a line end."""
    if '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return f'"{text}"' if "," in text or "\r" in text or "\n" in text else text
