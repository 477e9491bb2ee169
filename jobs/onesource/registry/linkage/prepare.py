"""Rows of text become comparable columns: table `records` in DuckDB, one row per row delivered.

Columns: `rid` (whole number, left rows first), `side` (0 left, 1 right), and for each field of the
spec its value under its own name (text; number: double; null: nothing usable), `<field>__raw` (the
text with only letters and digits left, capitals: for a number that failed its check) and
`<field>__bad` (true where the standardiser refused it). Text fields also get their words with
weights (see `words`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from onesource.clean.standardisers import Context, standardise_values
from onesource.errors import UsageError
from onesource.registry.linkage.dates import day_text, order_of
from onesource.registry.linkage.spec import FieldSpec, Spec

if TYPE_CHECKING:
    import duckdb

OWN_STANDARDISERS = ("folded", "number", "raw", "sex")
# What people write for nothing; a single stroke or dot stands for it as well.
NOTHING = "'nan', 'null', 'none', 'n a', 'na', 'nil', 'unknown', 'missing', '无', '不详', '未知'"
FOLD = (
    "trim(regexp_replace(regexp_replace(lower(strip_accents(nfc_normalize({x}))), "
    "'[''’`]', '', 'g'), '[^\\p{L}\\p{N}]+', ' ', 'g'))"
)


def headers_of(field: FieldSpec, name: str, side: int) -> list[str]:
    """The headers under which a field stands on one side; more than one are put together."""
    found = (field.left, field.right)[side] or field.column or name
    return [found] if isinstance(found, str) else list(found)


def build_records(
    con: duckdb.DuckDBPyConnection, spec: Spec, tables: Sequence[pa.Table], context: Context
) -> None:
    """Makes `records` from one table (its duplicates are sought) or two, all columns text.

    Raises UsageError naming a header that a table does not have.
    """
    parts, first = [], 0
    for side, table in enumerate(tables):
        texts = {n: _text(table, headers_of(f, n, side), side, n) for n, f in spec.fields.items()}
        columns: dict[str, pa.Array[Any]] = {
            "rid": pa.array(range(first, first + table.num_rows), pa.int64()),
            "side": pa.array([side] * table.num_rows, pa.int8()),
        }
        for name, f in spec.fields.items():
            columns[name], columns[f"{name}__bad"] = _values(texts[name], f, context)
            columns[f"{name}__raw"] = texts[name]
        parts.append(pa.table(columns))
        first += table.num_rows
    con.register("prepared", pa.concat_tables(parts))
    con.execute(f"CREATE TABLE records AS SELECT {_select(spec)} FROM prepared ORDER BY rid")
    con.unregister("prepared")
    _derive(con, spec)


def _text(table: pa.Table, headers: list[str], side: int, name: str) -> pa.Array[Any]:
    """The text of one field; several columns are joined by a blank, empty ones left out."""
    for h in headers:
        if h not in table.column_names:
            shown = ", ".join(c for c in table.column_names if not c.startswith("_"))
            raise UsageError(
                f"there is no column {h}",
                where=f"the {('left', 'right')[side]} file, field {name}",
                todo=f"its columns are {shown}",
            )
    columns = [table.column(h).to_pylist() for h in headers]
    if len(columns) == 1:
        return pa.array(columns[0], pa.string())
    joined = (" ".join(v.strip() for v in row if v and v.strip()) for row in zip(*columns))  # noqa: B905
    return pa.array([v or None for v in joined], pa.string())


def _values(
    raw: pa.Array[Any], field: FieldSpec, context: Context
) -> tuple[pa.Array[Any], pa.Array[Any]]:
    """(value, was it refused) of a field; own standardisers are applied later, in SQL."""
    if field.standardiser in OWN_STANDARDISERS:
        return raw, pa.array([False] * len(raw), pa.bool_())
    coded = raw.dictionary_encode()
    texts = coded.dictionary.to_pylist()
    answers = list(standardise_values(field.standardiser, field.args, texts, context))
    found = [v for v, _, _ in answers]
    bad = [verdict not in ("OK", "EMPTY") for _, verdict, _ in answers]
    if field.standardiser == "date":
        found = _days(texts, found, field)
    value = pa.array([*found, None], pa.string())
    refused = pa.array([*bad, False], pa.bool_())
    at: Any = coded.indices.fill_null(len(texts))
    return value.take(at), refused.take(at)


def _days(
    texts: Sequence[str | None], found: Sequence[str | None], field: FieldSpec
) -> list[str | None]:
    """Days that the standardiser leaves open (03/04/1980) or refuses (19450231, a typing error
    that still agrees in year and month) are read by their numbers."""
    order = order_of(texts) if field.day_order == "auto" else field.day_order
    return [v or day_text(t, order) for v, t in zip(found, texts, strict=True)]


def _select(spec: Spec) -> str:
    columns = ["rid", "side"]
    for name, f in spec.fields.items():
        own = {"folded": _folded, "number": _number, "raw": _raw, "sex": _sex}.get(f.standardiser)
        value = own(name) if own else name
        compact = (
            f"upper(regexp_replace(nfc_normalize({name}__raw), '[^\\p{{L}}\\p{{N}}]', '', 'g'))"
        )
        columns += [
            f"{value} AS {name}",
            f"nullif({compact}, '') AS {name}__raw",
            f"{name}__bad",
        ]
    return ", ".join(columns)


def _folded(name: str) -> str:
    text = FOLD.replace("{x}", name)
    return f"CASE WHEN {text} IN ({NOTHING}, '') THEN NULL ELSE {text} END"


def _raw(name: str) -> str:
    return f"nullif(trim({name}), '')"


def _sex(name: str) -> str:
    """1 male, 2 female (GB/T 2261.1), however it is written."""
    text = FOLD.replace("{x}", name)
    male = "'1', 'm', 'male', 'man', 'mr', '男', '男性'"
    female = "'2', 'f', 'female', 'woman', 'ms', 'mrs', '女', '女性'"
    return f"CASE WHEN {text} IN ({male}) THEN '1' WHEN {text} IN ({female}) THEN '2' END"


def _number(name: str) -> str:
    """The first number in the text: `$1,234.50` is 1234.5."""
    plain = f"replace(replace({name}, ',', ''), '，', '')"
    return f"TRY_CAST(regexp_extract({plain}, '-?[0-9]+(\\.[0-9]+)?') AS DOUBLE)"


def _derive(con: duckdb.DuckDBPyConnection, spec: Spec) -> None:
    """A missing birth date or sex is read from a sound identity number of the same row."""
    for name, f in spec.fields.items():
        if f.derive is None:
            continue
        number = f.derive
        if f.standardiser == "date":
            taken = "strftime(try_strptime(substr({n}, 7, 8), '%Y%m%d'), '%Y-%m-%d')"
        else:
            taken = "CASE WHEN CAST(substr({n}, 17, 1) AS INT) % 2 = 1 THEN '1' ELSE '2' END"
        con.execute(
            f"UPDATE records SET {name} = {taken.format(n=number)} WHERE {name} IS NULL "
            f"AND regexp_full_match({number}, '[0-9]{{17}}[0-9X]')"
        )


def folded(text: str) -> str:
    """The same folding in Python, for headers: `Date_of-Birth` and `date of birth` are one."""
    return re.sub(r"[\W_]+", "", text.casefold())


Say = Callable[[str], None]
