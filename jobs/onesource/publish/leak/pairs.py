"""Names beside dates of birth: together they name a person as surely as a number.

In columns, one of the two headings must say it (a person's name, a birth): 文水 and 方山 look like
names, too, and stand beside many dates. In a text the two stand close together in one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from onesource.publish.leak import names

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_BIRTH = re.compile(r"birth|born|(?:^|_)dob(?:$|_)|csrq|出生|生日|生于", re.IGNORECASE)
_YEAR = r"(?:18[9]\d|19\d\d|20\d\d)"
_DAY = (
    rf"{_YEAR}(?:[-/.年](?:0?[1-9]|1[0-2])[-/.月](?:[12]\d|3[01]|0?[1-9])日?"
    r"|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))"
)
_WHOLE_DAY = (
    rf"{_YEAR}(?:[-/.年](?:0?[1-9]|1[0-2])[-/.月](?:[12]\d|3[01]|0?[1-9])日?"
    r"|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))"
)
_LINE = re.compile(
    rf"(?<![{_HAN}])(?P<name>{names.NAME})(?![{_HAN}·])"
    rf"(?P<between>[^{_HAN}\n]{{0,40}}(?:出生(?:日期|年月)?|生日|生于)?[^{_HAN}\d\n]{{0,12}})"
    rf"(?<!\d)(?P<day>{_DAY})(?!\d)"
)
_ROWS = 65_536


def in_line(line: str) -> bool:
    """Does a name stand close before a day, with a word of birth, or nothing but marks, between?"""
    for m in _LINE.finditer(line):
        between = m["between"]
        plain = re.fullmatch(r"[\s,，;；|\t\"':：()（）/-]*", between)
        if (plain or _BIRTH.search(between)) and names.is_name(m["name"], latin=False):
            return True
    return False


def in_parquet(raw: IO[bytes]) -> Iterator[tuple[str, str]]:
    """Pairs of columns (name, birth) of a Parquet file of which a row holds both."""
    file = pq.ParquetFile(raw)
    found: set[tuple[str, str]] = set()
    for batch in file.iter_batches(batch_size=_ROWS):
        for pair in in_batch(batch):
            if pair not in found:
                found.add(pair)
                yield pair


def in_batch(batch: pa.RecordBatch) -> Iterable[tuple[str, str]]:
    """Pairs of columns of a batch of rows of which one holds a name and a day of birth."""
    texts = {n: c for n, c in zip(batch.schema.names, batch.columns, strict=True) if _is_text(c)}
    days = {n: _has_day(c) for n, c in zip(batch.schema.names, batch.columns, strict=True)}
    days = {n: mask for n, mask in days.items() if mask is not None}
    for name, column in texts.items():
        said = names.is_heading(name)
        births = [d for d in days if d != name and (said or _BIRTH.search(d))]
        if not births:
            continue
        mask = _has_name(column)
        for day in births:
            both: Any = pc.and_(mask, days[day])
            if pc.any(both).as_py():
                yield name, day


def _is_text(column: Any) -> bool:
    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))


def _has_name(column: Any) -> Any:
    coded = column.dictionary_encode()
    is_name = [
        v is not None and names.is_name(v, latin=False) for v in coded.dictionary.to_pylist()
    ]
    if not is_name:
        return pa.array([False] * len(column), pa.bool_())
    mask: Any = pa.array(is_name, pa.bool_()).take(coded.indices)
    return mask.fill_null(False)


def _has_day(column: Any) -> Any:
    """In which rows the column has a day; None: in none, or it has no days."""
    if pa.types.is_date(column.type):
        return column.is_valid()
    if _is_text(column):
        mask: Any = pc.match_substring_regex(column, _WHOLE_DAY)
        return mask.fill_null(False) if pc.any(mask).as_py() else None
    return None
