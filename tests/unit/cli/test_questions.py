"""The four questions of docs/sql.md, asked of a few made-up people whose answers are known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from onesource.cli import asof, dictionary
from onesource.cli.statement import understand
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue
from onesource.lake import reader

if TYPE_CHECKING:
    import duckdb

HOME = Path(__file__).resolve().parents[3]
TEXT = (HOME / "docs" / "sql.md").read_text(encoding="utf-8").split("### Four questions")[1]
QUESTIONS = re.findall(r"```sql\n(.*?)```", TEXT, flags=re.DOTALL)
XING, SHILOU = "141123000000", "141126000000"
FIRST, LATER = "2024-01-21 06:00:00", "2024-01-24 06:00:00"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(HOME / "schemas", odcs=False)


def ask(
    question: str, catalogue: Catalogue, rows: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[tuple[Any, ...]]:
    with reader.database() as con:
        known = dictionary.known_tables(catalogue)
        statement = understand(con, question, known, asof.tables(catalogue))
        for table in statement.tables:
            _make(con, table, catalogue, rows.get(table, ()))
        asof.add(con, statement.asof)
        return [tuple(map(str, r)) for r in con.execute(statement.sql).fetchall()]


def _make(
    con: duckdb.DuckDBPyConnection,
    table: str,
    catalogue: Catalogue,
    rows: Sequence[Mapping[str, Any]],
) -> None:
    columns = {str(r[0]): str(r[1]) for r in dictionary.column_rows(catalogue, table)}
    shape = ", ".join(f"{reader.identifier(n)} {kind}" for n, kind in columns.items())
    con.execute(f"CREATE SCHEMA IF NOT EXISTS {table.split('.')[0]}")
    con.execute(f"CREATE TABLE {table} ({shape})")
    for row in rows:
        assert set(row) <= set(columns), set(row) - set(columns)
        marks = ", ".join("?" for _ in row)
        names = ", ".join(map(reader.identifier, row))
        con.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))


def person(no: int, county: str, **more: Any) -> dict[str, Any]:
    return {"person_id": f"P{no}", "county_code": county, "is_registered": True,
            "valid_from": "2010-01-01", "known_from": FIRST, **more}  # fmt: skip


def member(no: int, **more: Any) -> dict[str, Any]:
    return {"household_id": "H1", "household_kind": "低保家庭", "person_id": f"P{no}",
            "valid_from": "2022-01-01", "known_from": FIRST, **more}  # fmt: skip


def test_a_list_as_known_then_and_as_known_now(catalogue: Catalogue) -> None:
    rows = {
        "registry.person": [person(1, XING), person(2, XING), person(3, SHILOU)],
        "registry.household_member": [
            member(1),
            member(2, known_from=LATER),  # learned late: it held all the same
            member(3),
            {**member(1), "household_kind": "户籍户", "household_id": "H2"},
        ],
    }
    assert ask(QUESTIONS[0], catalogue, rows) == [("then", "1"), ("now", "2")]


def test_a_household_that_left_and_came_back(catalogue: Catalogue) -> None:
    def held(no: str, start: str, end: str | None, **more: Any) -> dict[str, Any]:
        return {"household_id": no, "household_no": no, "household_kind": "低保家庭",
                "valid_from": start, "valid_to": end, "known_from": FIRST, **more}  # fmt: skip

    rows = {
        "registry.household": [
            held("back", "2020-01-01", "2023-03-01"), held("back", "2023-09-01", None),
            held("gone", "2020-01-01", "2023-03-01"),
            # Another head, the same day: it never left.
            held("stayed", "2020-01-01", "2023-03-01"), held("stayed", "2023-03-01", None),
            # It came back by what was believed once, and no more.
            held("error", "2020-01-01", "2023-03-01"),
            held("error", "2023-09-01", None, known_to=LATER),
        ]
    }  # fmt: skip
    assert ask(QUESTIONS[1], catalogue, rows) == [("back", "2023-03-01", "2023-09-01")]


def test_who_moved_by_todays_corrections_and_by_which_file(catalogue: Catalogue) -> None:
    rows = {
        "registry.person": [
            person(1, XING, known_to=LATER), person(1, SHILOU, known_from=LATER),
            person(2, XING),
            person(3, SHILOU, known_from=LATER),
        ],
        "registry.person_source": [
            {"person_id": "P1", "delivery_id": "d1", "known_from": FIRST},
            {"person_id": "P1", "delivery_id": "d2", "known_from": LATER},
            {"person_id": "P3", "delivery_id": "d2", "known_from": LATER},
            {"person_id": "P2", "delivery_id": "d3", "known_from": LATER},
        ],
        "ops.deliveries": [
            {"delivery_id": d, "file_name": f"{d}.csv"} for d in ("d1", "d2", "d3")
        ],
    }  # fmt: skip
    assert ask(QUESTIONS[2], catalogue, rows) == [
        (XING, SHILOU, "d2.csv", "1"),
        ("None", SHILOU, "d2.csv", "1"),
    ]
