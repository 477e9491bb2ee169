"""Rows without a sound identity number against the population registry (DOMAIN §5.2).

The order is that of the rules: (3) the number mistyped in one place, (4) mother, birth date and
order of a newborn, (5) name, birth date, sex and village, which only proposes; then the frozen
model. Only a person who is clearly the best, above the threshold, is linked; everything else is a
candidate. Nothing is ever linked by name alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds

from onesource.clean.standardisers import Context, standardise_values
from onesource.errors import UsageError
from onesource.lake import reader
from onesource.registry.linkage import decide
from onesource.registry.linkage.blocking import block, view_sql
from onesource.registry.linkage.levels import MACROS, comparison
from onesource.registry.linkage.model import FrozenModel
from onesource.registry.linkage.rules import apply_rules
from onesource.registry.linkage.score import narrow, score
from onesource.registry.linkage.spec import Spec
from onesource.registry.linkage.words import add_names, add_words

if TYPE_CHECKING:
    import duckdb

# Rows of the answer: see `link_unnumbered`.
_COLUMNS: list[tuple[str, Any]] = [
    ("row_id", pa.string()),
    ("person_id", pa.string()),
    ("score", pa.float64()),
    ("rule", pa.string()),
    ("decision", pa.string()),
    ("explanation", pa.string()),
    ("model_digest", pa.string()),
]
PAIRS = pa.schema([pa.field(name, kind) for name, kind in _COLUMNS])
MODEL_FILE = Path("linkage") / "person.json"
# Among 3.4 million people a name that one of them has is as rare as this.
RAREST_NAME = 1e-6
_PARENTS = ("mother_id_no", "father_id_no", "guardian_id_no")
_TEXTS = (
    "name", "sex", "birth_date", "county_code", "division_code", "address", "phone",
    *_PARENTS, "birth_order",
)  # fmt: skip
# Name, birth date, sex and village together only propose (rule 5): `identity` false means that a
# comparison does not count as evidence beside the name.
SPEC = Spec.model_validate(
    {
        "kind": "person",
        "fields": {f: {"standardiser": "raw"} for f in (*_TEXTS, "id_no")},
        "rules": [
            {
                "name": "number_mistyped",
                "near": ["id_no"],
                "one_fails": ["id_no"],
                "equal": ["name", "birth_date", "county_code"],
                "score": 0.9999,
            },
            {
                "name": "mother_birth_order",
                "equal": ["mother_id_no", "birth_date", "birth_order"],
                "not_other": ["sex"],
                "score": 0.9999,
            },
            {
                "name": "mother_birth",
                "equal": ["mother_id_no", "birth_date"],
                "not_other": ["sex", "birth_order"],
                "score": 0.999,
            },
        ],
        "comparisons": [
            {"kind": "chinese_name", "fields": ["name"]},
            {"kind": "date", "fields": ["birth_date"], "identity": False},
            {"kind": "exact", "fields": ["sex"], "frequency": False, "identity": False},
            {"kind": "code", "fields": ["division_code"], "identity": False},
            {"kind": "text", "fields": ["address"], "levels": [0.85, 0.6, 0.35]},
            {
                "kind": "string",
                "fields": ["phone"],
                "measure": "levenshtein",
                "levels": [1],
                "frequency": False,
            },
            {
                "kind": "string",
                "fields": ["id_no"],
                "measure": "levenshtein",
                "levels": [1, 2],
                "frequency": False,
            },
            *({"kind": "exact", "fields": [p], "frequency": False} for p in _PARENTS),
        ],
        "blocking": [
            ["name", "birth_date"],
            ["name", "division_code"],
            ["phone"],
            ["id_no.first14"],
            ["id_no.last8"],
            ["birth_date", "sex", "division_code"],
            ["birth_date", "county_code", "name.first1"],
            ["name", "birth_date.year", "county_code"],
            *([p, "birth_date.year"] for p in _PARENTS),
        ],
        "limits": {"pairs_per_key": 20_000, "pairs": 20_000_000},
        "threshold": 0.99,
        "candidate_threshold": 0.2,
    }
)
VILLAGE_RULE = "name_birth_sex_village"
Say = Callable[[str], None]


def link_unnumbered(
    rows: pa.Table,
    reference: pa.Table | ds.Dataset,
    *,
    model: FrozenModel,
    context: Context,
    say: Say = lambda _: None,
) -> pa.Table:
    """Pairs of rows without a sound number and persons of the registry, columns `PAIRS`.

    rows: `row_id` and, as far as there are, name, sex, birth_date, county_code, division_code (12
    digits), address, phone, mother_id_no, father_id_no, guardian_id_no, birth_order and
    id_no_delivered (the digits that failed). reference: `person_id` and the same, with id_no (sound
    or null) and hukou_division_code for division_code; a person may stand several times, under
    every name and address. All values as silver has them (dates as dates or ISO text).

    decision: `link` (at most one person per row: above the threshold, and clearly better than any
    other) or `candidate`. rule: the declared rule, `model` or `candidate`. score: the chance that
    they are one. Best first within a row, rows in the order of row_id. Deterministic: a function
    of its arguments; nothing is written. Memory grows with `rows` and the persons that share a
    key with one of them. say: hears of keys that were split or left out.
    Raises UsageError without row_id or person_id, ContractError for a model of another release.
    """
    for table, column in ((rows, "row_id"), (reference, "person_id")):
        if column not in table.schema.names:
            raise UsageError(f"there is no column {column}", where="link_unnumbered")
    people = reference.count_rows() if isinstance(reference, ds.Dataset) else reference.num_rows
    if not rows.num_rows or not people:
        return PAIRS.empty_table()
    spec = SPEC.model_copy(update={"threshold": model.threshold})
    comparisons = [comparison(c) for c in spec.comparisons]
    with reader.database() as con:
        for macro in MACROS:
            con.execute(macro)
        build_person_records(con, spec, rows, reference, context)
        apply_rules(con, spec, dedupe=False, say=say)
        block(con, spec, dedupe=False, say=say)
        _keep_compared(con)
        add_names(con, [c.spec.fields[0] for c in comparisons if c.spec.kind == "chinese_name"])
        persons = con.execute("SELECT count(DISTINCT person_id) FROM reference").fetchall()[0][0]
        frequencies = {
            "name": "SELECT name, n / (SELECT sum(n) FROM reference_names) AS tf_name "
            "FROM reference_names"
        }
        fitted = model.model(comparisons, int(persons))
        # Most pairs agree in their key and in little else: whatever their addresses say, they are
        # no candidates. The addresses of a million people would be taken apart for nothing.
        texts = [c.name for c in comparisons if c.spec.kind == "text"]
        least = spec.candidate_threshold
        narrow(con, comparisons, fitted, least, texts, frequencies, rarest=RAREST_NAME)
        _keep_compared(con)
        add_words(con, [c.spec.fields[0] for c in comparisons if c.spec.kind == "text"])
        score(con, comparisons, fitted, least, frequencies, rarest=RAREST_NAME)
        pairs = decide.gather(con, spec, comparisons)
        village = _same_village(con)
        names = con.execute("SELECT rid, row_id, person_id FROM ids").fetchall()
    ids = {rid: row or person for rid, row, person in names}
    return _answer(pairs, ids, village, spec, model.digest)


def build_person_records(
    con: duckdb.DuckDBPyConnection,
    spec: Spec,
    rows: pa.Table,
    reference: pa.Table | ds.Dataset,
    context: Context,
) -> None:
    """Makes `records` (all rows, and the persons that share a blocking key with one), `ids` (rid,
    row_id, person_id) and `reference_names` (name, n persons) from what Arrow can scan."""
    con.register("rows", rows.append_column("sound", _sound(rows, context)))
    files = reader.files_sql(getattr(reference, "files", ()))
    if files is None:
        con.register("reference", reference)
    else:
        con.execute(f"CREATE VIEW reference AS SELECT * FROM {files}")
    con.execute(
        "CREATE TABLE left_rows AS SELECT row_number() OVER (ORDER BY CAST(row_id AS VARCHAR)) - 1 "
        f"AS rid, 0::TINYINT AS side, {_columns(rows, reference=False)}, "
        "CAST(row_id AS VARCHAR) AS row_id, NULL::VARCHAR AS person_id FROM rows"
    )
    n = rows.num_rows
    con.execute(
        f"CREATE VIEW right_rows AS SELECT {_columns(reference, reference=True)}, "
        "CAST(person_id AS VARCHAR) AS person_id FROM reference"
    )
    con.execute(
        "CREATE TABLE reference_names AS SELECT name, count(DISTINCT person_id) AS n "
        "FROM right_rows WHERE name IS NOT NULL GROUP BY name"
    )
    wanted = []
    for i, rule in enumerate([*spec.blocking, *(r.equal for r in spec.rules)]):
        key = _key(rule)
        con.execute(f"CREATE TABLE wanted_{i} AS SELECT DISTINCT {key} AS key FROM left_rows")
        con.execute(f"DELETE FROM wanted_{i} WHERE key IS NULL")
        if con.execute(f"SELECT count(*) FROM wanted_{i}").fetchall()[0][0]:
            wanted.append(f"{key} IN (SELECT key FROM wanted_{i})")
    # One pass over the registry: every row that has a key in common with one of ours.
    con.execute(
        "CREATE TABLE right_kept AS SELECT DISTINCT * FROM right_rows WHERE "
        + (" OR ".join(wanted) or "false")
    )
    fields = ", ".join(f"{f}, {f}__raw, {f}__bad" for f in spec.fields)
    con.execute(
        f"CREATE TABLE both_rows AS SELECT rid, side, {fields}, row_id, person_id FROM left_rows "
        f"UNION ALL SELECT {n} + row_number() OVER (ORDER BY person_id, ALL_FIELDS) - 1, 1, "
        f"{fields}, NULL, person_id FROM right_kept".replace("ALL_FIELDS", ", ".join(spec.fields))
    )
    con.execute(f"CREATE TABLE records AS SELECT rid, side, {fields} FROM both_rows ORDER BY rid")
    con.execute("CREATE TABLE ids AS SELECT rid, row_id, person_id FROM both_rows")
    for table in ("left_rows", "right_kept", "both_rows"):
        con.execute(f"DROP TABLE {table}")


def _keep_compared(con: duckdb.DuckDBPyConnection) -> None:
    """Of `records` those that stand in a pair: words and sounds of the others would be for
    nothing, and of millions of addresses they take minutes."""
    con.execute(
        "CREATE OR REPLACE TABLE records AS SELECT * FROM records WHERE rid IN (SELECT join_key_l "
        "FROM pairs UNION SELECT join_key_r FROM pairs UNION SELECT rid_l FROM ruled UNION "
        "SELECT rid_r FROM ruled) ORDER BY rid"
    )


def _key(views: Sequence[str]) -> str:
    """SQL of one key of several views as a number, null where one of them is: of two keys with one
    number a row too many is kept, and makes no pair."""
    parts = [f"nullif({view_sql(v)[0]}, '')" for v in views]
    there = " AND ".join(f"{p} IS NOT NULL" for p in parts)
    return f"CASE WHEN {there} THEN hash({', '.join(parts)}) END"


def _sound(rows: pa.Table, context: Context) -> pa.Array[Any]:
    """Does the number as delivered pass its check? (null: none was delivered)"""
    if "id_no_delivered" not in rows.column_names:
        return pa.nulls(rows.num_rows, pa.bool_())
    texts = rows.column("id_no_delivered").cast(pa.string()).to_pylist()
    answers = standardise_values("resident_id", {}, texts, context)
    found = [None if v == "EMPTY" else v == "OK" for _, v, _ in answers]
    return pa.array(found, pa.bool_())


def _columns(table: pa.Table | ds.Dataset, *, reference: bool) -> str:
    """The fields of the spec from what a table has, as text; null where it has none."""
    there = set(table.schema.names)
    found = []
    for f in _TEXTS:
        source = f
        if f == "division_code" and f not in there:
            source = "hukou_division_code"
        value = (
            f"nullif(trim(CAST({source} AS VARCHAR)), '')" if source in there else "NULL::VARCHAR"
        )
        if f == "county_code" and source in there:
            value = f"left({value}, 6)"
        found.append(f"{value} AS {f}, NULL::VARCHAR AS {f}__raw, false AS {f}__bad")
    number = "id_no" if reference else "id_no_delivered"
    if number in there and reference:
        text = f"nullif(upper(trim(CAST({number} AS VARCHAR))), '')"  # sound, and so without signs
    elif number in there:
        text = (
            f"nullif(upper(regexp_replace(CAST({number} AS VARCHAR), '[^0-9A-Za-z]', '', 'g')), '')"
        )
    else:
        text = "NULL::VARCHAR"
    bad = "false" if reference else "coalesce(NOT sound, false)"
    found.append(f"{text} AS id_no, {text} AS id_no__raw, {bad} AS id_no__bad")
    return ", ".join(found)


def _same_village(con: duckdb.DuckDBPyConnection) -> set[tuple[int, int]]:
    """Rule (5): pairs that agree in name, birth date, sex and village."""
    return set(
        con.execute(
            "SELECT l.rid, r.rid FROM records l JOIN records r USING (name, birth_date, sex, "
            "division_code) WHERE l.side = 0 AND r.side = 1 AND length(division_code) = 12 "
            "AND division_code NOT LIKE '%000'"
        ).fetchall()
    )


def _answer(
    pairs: Sequence[decide.Pair],
    ids: dict[int, str],
    village: set[tuple[int, int]],
    spec: Spec,
    digest: str,
) -> pa.Table:
    """The pairs of rows and persons: of a person's several rows the best, links where unique."""
    by_row: dict[str, dict[str, decide.Pair]] = defaultdict(dict)
    for p in pairs:  # best first
        by_row[ids[p.left]].setdefault(ids[p.right], p)
    found = []
    for row in sorted(by_row):
        ranked = sorted(by_row[row].items(), key=lambda x: (-x[1].weight, -x[1].score, x[0]))
        best = ranked[0][1]
        clear = len(ranked) == 1 or ranked[1][1].weight < best.weight - decide.MARGIN_BITS
        for i, (person, p) in enumerate(ranked):
            links = i == 0 and clear and not p.is_candidate and p.score >= spec.threshold
            words = p.explanation
            rule = p.rule
            if not links:
                rule = VILLAGE_RULE if (p.left, p.right) in village else decide.CANDIDATE
                if p.score >= spec.threshold:
                    words += "; not the only one that fits" if not clear else "; not the best"
            score_ = p.score if links else min(p.score, spec.threshold * 0.99)
            decision = "link" if links else "candidate"
            found.append((row, person, score_, rule, decision, words, digest))
    columns = list(zip(*found, strict=True)) or [()] * len(PAIRS)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, PAIRS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=PAIRS)
