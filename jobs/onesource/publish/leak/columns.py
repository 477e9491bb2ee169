"""Columns of Arrow: which cells need a look, and the look at those.

RE2 and numpy pass over all cells; Python sees those that they flag, each distinct value once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from onesource.publish.leak import digits, names, words
from onesource.publish.leak.digits import Known
from onesource.publish.leak.gather import Gather
from onesource.publish.leak.headings import Column
from onesource.publish.leak.model import Hit, Kind
from onesource.publish.leak.unwrap import as_text

_DECIMAL = r"^ *[-+]?[0-9]*[.][0-9]*[1-9][0-9]*(?:[eE]-?0?[0-9])? *$"
_WHOLE = "^[0-9]{12,18}$"
# The look of numbers: identifiers and what else could be of their kind.
_LOOKS = {
    "id15": "^[0-9]{15}(?:[.]0*)?$",
    "id18": "^[0-9]{17}[0-9Xx](?:[.]0*)?$",
    "card": "^[0-9]{16,19}(?:[.]0*)?$",
    "mobile13": "^[+]?[0-9]{13}(?:[.]0*)?$",
}
_LENGTHS = {"id15": (15, 15), "id18": (18, 18), "card": (16, 19)}
_NEAR = "^-?[0-9]{9,13}(?:[.][0-9]*)?$"
_BESIDE = 50  # rows of a batch in which names beside an identifier are looked for
Ints = npt.NDArray[np.uint64]
Rows = int | list[int]  # the number of the first row, or of each
Values = Any  # an Arrow array; the stubs know too few of its kinds


@dataclass(frozen=True)
class Looking:
    """What the look at one file needs."""

    against: Known
    decimals: int
    out: Gather

    def within(self, member: str) -> Looking:
        """The same for a member of an archive, named in every place."""
        return replace(self, out=self.out.within(member))


def look_at_batch(batch: pa.RecordBatch, columns: list[Column], row: Rows, to: Looking) -> None:
    """Looks at the rows of a batch; `row` numbers them, for places."""
    found: set[int] = set()
    for column, values in zip(columns, batch.columns, strict=True):
        found |= look_at_column(values, column, row, to)
    for at in sorted(found)[:_BESIDE]:
        _beside(batch, columns, at, row, to)


def _beside(batch: pa.RecordBatch, columns: list[Column], at: int, row: Rows, to: Looking) -> None:
    """Names in the other cells of a row that has an identifier."""
    for column, values in zip(columns, batch.columns, strict=True):
        if not column.is_person and _is_text(values.type):
            value = values[at].as_py()
            if isinstance(value, str) and len(value) < 9 and names.is_name(value, latin=False):
                hit = Hit(Kind.PERSON_NAME, True, len(value), note="beside an identifier")
                to.out.add(hit, _place(column, row, at), column)


def look_at_column(values: Values, column: Column, row: Rows, to: Looking) -> set[int]:
    """Looks at one column of any type; returns the positions that hold an identifier for sure."""
    kind = values.type
    if isinstance(values, pa.ExtensionArray):
        return look_at_column(values.storage, column, row, to)
    if pa.types.is_dictionary(kind):
        return look_at_column(values.dictionary_decode(), column, row, to)
    if _is_text(kind):
        return _texts(values.cast(pa.large_string()), column, row, to)
    if pa.types.is_integer(kind):
        return _integers(values, column, row, to)
    if pa.types.is_floating(kind):
        return _floats(values, column, row, to)
    if pa.types.is_decimal(kind):
        return _texts(values.cast(pa.string()).cast(pa.large_string()), column, row, to)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or _is_odd_binary(kind):
        texts = [None if v is None else as_text(v) for v in values.to_pylist()]
        return _texts(pa.array(texts, pa.large_string()), column, row, to)
    if pa.types.is_nested(kind):
        for inner, rows in _inside(values, row):
            look_at_column(inner, column, rows, to)
    elif not (pa.types.is_temporal(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)):
        to.out.problem(Kind.UNREADABLE, column.place, f"a column of the type {kind}")
    return set()


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _is_odd_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_fixed_size_binary(kind) or pa.types.is_binary_view(kind))


def _inside(values: Values, rows: Rows) -> Iterator[tuple[Values, Rows]]:
    """What a nested column holds, with the row of each value."""
    kind = values.type
    if pa.types.is_struct(kind):
        yield from ((inner, rows) for inner in values.flatten())
        return
    if pa.types.is_map(kind):
        spans = np.diff(values.offsets.to_numpy())
        parents = np.repeat(np.arange(len(values)), spans)
        first, end = int(values.offsets[0].as_py()), int(values.offsets[len(values)].as_py())
        inners = [values.keys[first:end], values.items[first:end]]
    else:
        indices: Any = pc.list_parent_indices(values)
        parents = indices.to_numpy()
        inners = [values.flatten()]
    numbers = [_number(rows, int(p)) for p in parents]
    yield from ((inner, numbers) for inner in inners if len(inner) == len(numbers))


def _number(rows: Rows, at: int) -> int:
    return rows + at if isinstance(rows, int) else rows[at]


def _place(column: Column, rows: Rows, at: int) -> str:
    row = _number(rows, at)
    return f"{column.place}, row {row}" if column.place else f"row {row}"


def _texts(values: Values, column: Column, row: Rows, to: Looking) -> set[int]:
    if column.is_person:
        _persons(values, column, row, to)
    if column.is_coordinate:
        _text_coordinates(values, column, row, to)
    at = np.flatnonzero(matches(values, words.flag_text(to.decimals)))
    if not len(at):
        return set()
    flagged = values.take(pa.array(at))
    keep = np.flatnonzero(_worth_a_look(flagged, to.against))
    at, flagged = at[keep], flagged.take(pa.array(keep))
    return _look_once_each(flagged, at, values, column, row, to)


def _worth_a_look(flagged: Values, against: Known) -> npt.NDArray[np.bool_]:
    """Without decimal numbers, and without whole numbers that are no identifiers."""
    keep = ~matches(flagged, _DECIMAL)
    at = np.flatnonzero(matches(flagged, _WHOLE))
    if len(at):
        numbers = flagged.take(pa.array(at)).cast(pa.uint64()).to_numpy()
        keep[at] = could_identify(numbers, against)
    return keep


def _look_once_each(
    flagged: Values,
    at: npt.NDArray[np.int64],
    values: Values,
    column: Column,
    row: Rows,
    to: Looking,
) -> set[int]:
    coded = flagged.dictionary_encode()
    codes = coded.indices.to_numpy()
    found: set[int] = set()
    shapes: set[str] = set()
    for code, value in enumerate(coded.dictionary.to_pylist()):
        hits = words.look(value, to.against, to.decimals)
        hits = [h for h in hits if h.kind is not Kind.PERSON_NAME or not _lawful(column)]
        if not hits:
            continue
        rows = at[codes == code]
        for hit in hits:
            to.out.add(hit, _place(column, row, int(rows[0])), column, len(rows))
            shapes.add(hit.shape)
            if hit.sure and hit.kind in (Kind.RESIDENT_ID, Kind.MOBILE, Kind.BANK_CARD):
                found.update(int(r) for r in rows[:_BESIDE])
    _tell_alike(values, shapes, column, to)
    return found


def _lawful(column: Column) -> bool:
    """A person's column that is not looked at as one is one whose names are public by law."""
    return not column.is_person and any(names.is_heading(h) for h in column.headings)


def _tell_alike(values: Values, shapes: set[str], column: Column, to: Looking) -> None:
    """Counts the numbers of a batch that look like the hits in it."""
    for shape in shapes & set(_LOOKS):
        to.out.alike(column, shape, int(matches(values, _LOOKS[shape]).sum()))
    if "mobile" in shapes:
        near = values.filter(pc.match_substring_regex(values, _NEAR))
        whole = pc.replace_substring_regex(near, r"[.].*$|^-", "")
        to.out.alike(column, "mobile", _near(pc.utf8_length(whole).to_numpy(zero_copy_only=False)))


def matches(values: Values, pattern: str) -> npt.NDArray[np.bool_]:
    """In which texts an RE2 pattern occurs; in a null it does not."""
    mask: Any = pc.match_substring_regex(values, pattern)
    found: npt.NDArray[np.bool_] = mask.fill_null(False).to_numpy(zero_copy_only=False)
    return found.astype(bool)


def _near(lengths: npt.NDArray[Any]) -> int:
    """How many numbers are of eleven digits or about; codes that are all of one other length
    (twelve digits of a village) are not about."""
    others = lengths[lengths != 11]
    about = len(others) if set(others.tolist()) - {12, 13} else 0
    return int((lengths == 11).sum()) + about


def could_identify(numbers: Ints, against: Known) -> npt.NDArray[np.bool_]:
    """Which whole numbers could be an ID, a mobile or a card: a coarse mask, never too narrow."""
    n = numbers.astype(np.uint64)
    mask = (n >= 13 * 10**9) & (n < 20 * 10**9)
    mask |= (n >= 8613 * 10**9) & (n < 8620 * 10**9)
    long = np.flatnonzero(n >= 10**14)
    if len(long):
        x = n[long]
        old = (x < 10**15) & _is_day(x // 1000 % 10**6) & _is_known(x // 10**9, against)
        new = (x >= 10**17) & (x < 10**18) & _is_day(x // 10**4 % 10**6)
        longer = (x >= 10**18) & (_is_day(x // 10**5 % 10**6) | _is_day(x // 10**4 % 10**6))
        mask[long] = old | new | longer | ((x >= 10**15) & _is_luhn(x))
    return np.asarray(mask)


def _is_day(yymmdd: Ints) -> npt.NDArray[np.bool_]:
    month, day = yymmdd // 100 % 100, yymmdd % 100
    return np.asarray((month >= 1) & (month <= 12) & (day >= 1) & (day <= 31))


def _is_known(codes: Ints, against: Known) -> npt.NDArray[np.bool_]:
    if not against.divisions:
        return np.ones(len(codes), bool)
    known = np.array([int(c) for c in against.divisions] + [810000, 820000, 830000], np.uint64)
    return np.isin(codes, known)


def _is_luhn(n: Ints) -> npt.NDArray[np.bool_]:
    total = np.zeros(len(n), np.uint64)
    for i in range(20):
        d = n // 10**i % 10 if i < 19 else n // np.uint64(10**19)
        if i % 2:
            d = d * 2
            d = d - 9 * (d > 9).astype(np.uint64)
        total += d
    return np.asarray(total % 10 == 0)


def _integers(values: Values, column: Column, row: Rows, to: Looking) -> set[int]:
    if values.type.bit_width < 64:
        return set()  # ten digits at most
    signed = values.fill_null(0).to_numpy(zero_copy_only=False)
    n = np.where(signed > 0, signed, 0).astype(np.uint64)
    at = np.flatnonzero(could_identify(n, to.against))
    if not len(at):
        return set()
    texts = values.cast(pa.large_string())
    return _look_once_each(texts.take(pa.array(at)), at, texts, column, row, to)


def _floats(values: Values, column: Column, row: Rows, to: Looking) -> set[int]:
    x = values.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)
    if column.is_coordinate:
        with np.errstate(invalid="ignore"):
            fine = np.abs(x - np.round(x, to.decimals)) > 1e-9
            fine &= np.abs(x) <= 180
        if fine.any():
            hit = Hit(Kind.COORDINATE, True, 0, note=f"finer than {to.decimals} decimals")
            first = int(np.flatnonzero(fine)[0])
            to.out.add(hit, _place(column, row, first), column, int(fine.sum()))
    with np.errstate(invalid="ignore"):
        at = np.flatnonzero((x >= 1e10) & (x < 1e19) & (np.floor(x) == x))
    found: set[int] = set()
    if len(at):
        at = at[could_identify_float(x[at])]
    for i in at.tolist():
        for hit in digits.of_float(float(x[i]), to.against):
            to.out.add(hit, _place(column, row, i), column)
            found.add(i)
    if found:
        whole = x[np.isfinite(x) & (np.abs(x) >= 1) & (np.abs(x) < 1e19)]
        lengths = np.floor(np.log10(np.abs(whole))).astype(int) + 1
        to.out.alike(column, "mobile", _near(lengths[(lengths > 8) & (lengths < 14)]))
        for shape, (least, most) in _LENGTHS.items():
            to.out.alike(column, shape, int(((lengths >= least) & (lengths <= most)).sum()))
    return found


def could_identify_float(x: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """The same for floats, whose last digits are rounded: mobiles, and numbers with a date."""
    n = x.astype(np.uint64)
    mask = (n >= 13 * 10**9) & (n < 20 * 10**9)
    mask |= (n >= 10**14) & (n < 10**15) & _is_day(n // 1000 % 10**6)
    mask |= (n >= 10**17) & (n < 10**18) & _is_day(n // 10**4 % 10**6)
    mask |= (n >= 10**15) & (n < 10**17) & _is_luhn(n)
    return np.asarray(mask)


def _persons(values: Values, column: Column, row: Rows, to: Looking) -> None:
    counts = pc.value_counts(values)
    named = [
        (c["values"].as_py(), c["counts"].as_py())
        for c in counts
        if c["values"].is_valid and names.is_name(c["values"].as_py())
    ]
    if named:
        first = pc.index(values, pa.scalar(named[0][0], values.type)).as_py()
        hit = Hit(Kind.PERSON_NAME, True, len(named[0][0]), note="under a heading of persons")
        to.out.add(hit, _place(column, row, first), column, sum(n for _, n in named))


def _text_coordinates(values: Values, column: Column, row: Rows, to: Looking) -> None:
    at = np.flatnonzero(matches(values, finer_than(to.decimals)))
    fine = [
        i
        for i, v in zip(at.tolist(), values.take(pa.array(at)).to_pylist(), strict=True)
        if _is_fine(v, to.decimals)
    ]
    if fine:
        hit = Hit(Kind.COORDINATE, True, 0, note=f"finer than {to.decimals} decimals")
        to.out.add(hit, _place(column, row, fine[0]), column, len(fine))


def finer_than(decimals: int) -> str:
    """What a text with a number of more decimals matches (RE2); it may match others, too."""
    return rf"[.][0-9]{{{decimals}}}[0-9]*[1-9]"


def _is_fine(text: str, decimals: int) -> bool:
    found = words.NUMBER.findall(text)
    return any(abs(float(n)) <= 180 and words.finer(n, decimals) for n in found)
