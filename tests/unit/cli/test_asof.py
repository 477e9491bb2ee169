"""As known on a day, about a day: the functions `…_asof`, and the questions of officials.

All persons are made up."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pytest
import yaml

from onesource.cli import asof
from onesource.cli.sql import ask
from onesource.cli.statement import understand
from onesource.contracts.load import load_catalogue
from onesource.errors import UsageError
from onesource.lake import ops, reader
from tests.integration.small_city import field, key
from tests.unit.conftest import PERSON, SmallLake

KNOWN = frozenset({"registry.person", "registry.division", "curated.other"})
CLOCKED = frozenset({"registry.person", "registry.division"})
Row = tuple[str, str, str, str | None, str, str | None]
# number, county, kind, valid from and to, known from and to (Beijing time, by the hour)
POOR: Sequence[Row] = (
    # As delivered in 2018: two poor households; P2's exit of 2017 was reported in 2019 only.
    ("P1", "141123", "poor", "2016-01-01", None, "2016-02-01T09", None),
    ("P2", "141123", "poor", "2016-01-01", None, "2016-02-01T09", "2019-03-05T10"),
    ("P2", "141123", "poor", "2016-01-01", "2017-12-01", "2019-03-05T10", None),
    # P3 left in 2017 and came back.
    ("P3", "141123", "poor", "2016-01-01", "2017-06-01", "2017-06-10T09", None),
    ("P3", "141123", "poor", "2018-05-01", None, "2018-05-09T09", None),
    # P4 was received in the last hour of 2018, Beijing time.
    ("P4", "141123", "poor", "2018-01-01", None, "2018-12-31T23", None),
)  # fmt: skip


def table(rows: Sequence[Row]) -> pa.Table:
    day = lambda text: date.fromisoformat(text) if text else None  # noqa: E731
    at = lambda text: datetime.fromisoformat(f"{text}:00:00+08:00") if text else None  # noqa: E731
    stamp = pa.timestamp("us", tz="UTC")
    return pa.table(
        {
            "person_id": [r[0] for r in rows],
            "county_code": [r[1] for r in rows],
            "kind": [r[2] for r in rows],
            "valid_from": pa.array([day(r[3]) for r in rows], pa.date32()),
            "valid_to": pa.array([day(r[4]) for r in rows], pa.date32()),
            "known_from": pa.array([at(r[5]) for r in rows], stamp),
            "known_to": pa.array([at(r[6]) for r in rows], stamp),
        }
    )


@pytest.fixture
def con() -> Iterator[Any]:
    with reader.database() as con:
        reader.add_rows(con, "registry.person", table(POOR))
        asof.add(con, ["registry.person"])
        reader.lock(con)
        yield con


def persons(con: Any, arguments: str) -> list[str]:
    sql = f"SELECT person_id FROM registry.person_asof({arguments}) ORDER BY person_id"
    assert understand(con, sql, KNOWN, CLOCKED).asof == ("registry.person",)
    return [r[0] for r in con.execute(sql).fetchall()]


@pytest.mark.parametrize(
    ("about", "known", "found"),
    [
        # What was known at the end of 2018 of that day, and what is known of it now.
        ("'2018-12-31'", "'2018-12-31'", ["P1", "P2", "P3", "P4"]),
        ("'2018-12-31'", "NULL", ["P1", "P3", "P4"]),
        # The end of a day is meant in Beijing time: 23:00 of it is still known, a moment is exact.
        ("'2018-12-31'", "DATE '2018-12-30'", ["P1", "P2", "P3"]),
        ("'2018-12-31'", "'2018-12-31 23:00:00'", ["P1", "P2", "P3", "P4"]),
        ("'2018-12-31'", "TIMESTAMPTZ '2018-12-31 22:59:59+08:00'", ["P1", "P2", "P3"]),
        # A correction holds from the moment of its receipt, to the microsecond.
        ("'2018-12-31'", "'2019-03-05 09:59:59.999999'", ["P1", "P2", "P3", "P4"]),
        ("'2018-12-31'", "'2019-03-05 10:00:00'", ["P1", "P3", "P4"]),
        # valid_to is the first day on which it holds no more.
        ("'2017-05-31'", "NULL", ["P1", "P2", "P3"]),
        ("'2017-06-01'", "NULL", ["P1", "P2"]),
        ("'2015-12-31'", "NULL", []),
        ("'2018-12-31'", "'2016-01-31'", []),
    ],
)
def test_the_past_is_told_as_it_was_known(
    con: Any, about: str, known: str, found: list[str]
) -> None:
    assert persons(con, f"{about}, {known}") == found
    assert persons(con, f"about := {about}, known := {known}") == found


def test_without_arguments_it_is_what_is_known_now_about_today(con: Any) -> None:
    assert persons(con, "") == persons(con, "today(), now()") == ["P1", "P3", "P4"]


def test_a_series_of_days_can_be_asked_at_once(con: Any) -> None:
    sql = (
        "SELECT CAST(d AS DATE), count(*) FROM "
        "generate_series(DATE '2016-06-30', DATE '2018-06-30', INTERVAL 1 YEAR) s(d), "
        "registry.person_asof(d) GROUP BY ALL ORDER BY ALL"
    )
    assert [r[1] for r in con.execute(sql).fetchall()] == [3, 2, 3]


def test_official_asks_what_changed_of_a_count_and_which_row_changed_it(con: Any) -> None:
    sql = (
        "SELECT coalesce(a.person_id, b.person_id), a.person_id IS NULL, b.known_from "
        "FROM registry.person_asof('2018-12-31', '2018-12-31') a "
        "FULL JOIN registry.person_asof('2018-12-31') b USING (person_id) "
        "WHERE a.person_id IS NULL OR b.person_id IS NULL"
    )
    assert con.execute(sql).fetchall() == [("P2", False, None)]


def test_official_asks_who_left_in_2017_and_came_back(con: Any) -> None:
    sql = (
        "SELECT DISTINCT o.person_id FROM registry.person o "
        "JOIN registry.person_asof('2018-12-31') n USING (person_id) "
        "WHERE o.known_to IS NULL AND year(o.valid_to) = 2017 AND n.valid_from >= o.valid_to"
    )
    assert con.execute(sql).fetchall() == [("P3",)]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT * FROM registry.persn_asof('2018-12-31')", "did you mean registry.person_asof"),
        ("SELECT * FROM curated.other_asof('2018-12-31')", "has no valid_from, valid_to"),
        ("SELECT * FROM anything(1)", "about the past: registry.division_asof, registry.person_as"),
        ("SELECT * FROM person_asof('2018-12-31')", "did you mean registry.person_asof"),
        ("SELECT * FROM read_csv('/etc/passwd')", "is no table that can be asked"),
        ("SELECT * FROM registry.person_asof(getenv('HOME'))", "looks outside"),
    ],
)
def test_a_function_that_there_is_not_is_answered_in_one_line(sql: str, words: str) -> None:
    with reader.database() as con, pytest.raises(UsageError) as e:
        understand(con, sql, KNOWN, CLOCKED)
    assert words in e.value.line() and "\n" not in e.value.line()


@pytest.fixture
def clocked_lake(small_lake: SmallLake) -> SmallLake:
    """Run `r3` served a table on two clocks; P4, received before, came with run `r4` only."""
    settings = small_lake.settings
    fields = [key("person_id"), field("county_code"), field("kind")]
    fields += [field(n, "date") for n in ("valid_from", "valid_to")]
    fields += [field(n, "timestamp") for n in ("known_from", "known_to")]
    contract = PERSON | {
        "id": "registry.household",
        "schema": [{"name": "household", "properties": fields}],
    }
    path = settings.schemas / "registry" / "household.yaml"
    path.write_text(yaml.safe_dump(contract, allow_unicode=True), encoding="utf-8")
    lake = SmallLake(settings, load_catalogue(settings.schemas, odcs=False))
    for run, rows in (("r3", POOR[:-1]), ("r4", POOR[-1:])):
        version = lake.put("registry.household", table(rows))
        lake.serve(run, {"registry.household": version})
    return lake


def asked(lake: SmallLake, sql: str, run: str | None = None) -> str:
    out = io.StringIO()
    ask(lake.settings, lake.catalogue, sql, out=out, run=run)
    return out.getvalue()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("1, 2, 3", "the arguments of household_asof() do not fit"),
        ("abut := '2018-12-31'", "the arguments of household_asof() do not fit"),
        ("'not a day'", "invalid date"),
        ("'2018-12-31', 'never'", "invalid timestamp"),
    ],
)
def test_arguments_that_do_not_fit_are_answered_in_one_line(
    clocked_lake: SmallLake, arguments: str, words: str
) -> None:
    with pytest.raises(UsageError) as e:
        asked(clocked_lake, f"SELECT * FROM registry.household_asof({arguments})")
    line = e.value.line()
    assert words in line and "\n" not in line


def test_known_is_told_by_receipt_and_a_run_by_what_was_served(clocked_lake: SmallLake) -> None:
    sql = "SELECT count(*) AS n FROM registry.household_asof('2018-12-31', '2018-12-31')"
    assert asked(clocked_lake, sql) == "n\n4\n"
    assert asked(clocked_lake, sql, run="r3") == "n\n3\n"
    read = list(ops.rows(clocked_lake.settings, "reads"))
    assert [r["tables"] for r in read] == [["registry.household"]] * 2


def test_only_tables_on_two_clocks_have_the_function(clocked_lake: SmallLake) -> None:
    assert asof.tables(clocked_lake.catalogue) == {"registry.household"}
    with pytest.raises(UsageError, match=r"registry\.household_asof"):
        asked(clocked_lake, "SELECT * FROM registry.person_asof('2018-12-31')")
