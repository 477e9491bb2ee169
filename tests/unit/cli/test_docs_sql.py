"""Every example of docs/sql.md is understood, and fits the project's contracts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from onesource.cli import asof, dictionary
from onesource.cli.statement import understand
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Catalogue
from onesource.lake import reader

HOME = Path(__file__).resolve().parents[3]
TEXT = (HOME / "docs" / "sql.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sql\n(.*?)```", TEXT, flags=re.DOTALL)
LINES = re.findall(r'onesource sql (?:--run RUN )?"(.*?)"\n', TEXT)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue(HOME / "schemas", odcs=False)


@pytest.mark.parametrize("sql", [*BLOCKS, *LINES])
def test_an_example_fits_the_contracts(sql: str, catalogue: Catalogue) -> None:
    with reader.database() as con:
        known = dictionary.known_tables(catalogue)
        statement = understand(con, sql, known, asof.tables(catalogue))
        for table in statement.tables:
            layer, name = table.split(".", 1)
            columns = ", ".join(
                f"{reader.identifier(str(r[0]))} {r[1]}"
                for r in dictionary.column_rows(catalogue, table)
            )
            con.execute(f"CREATE SCHEMA IF NOT EXISTS {layer}")
            con.execute(f"CREATE TABLE {layer}.{name} ({columns})")
        asof.add(con, statement.asof)
        if statement.kind == "query":
            assert con.execute(statement.sql).fetchall() in ([], [(0,)])


def test_the_examples_are_found() -> None:
    assert len(BLOCKS) >= 8 and len(LINES) >= 4
