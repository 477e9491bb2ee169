"""`onesource sql`: what it answers, what it writes down, and what it says when it cannot."""

from __future__ import annotations

import io
import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from onesource.cli.sql import ask
from onesource.errors import OneSourceError, UsageError
from onesource.lake import ops
from onesource.run import ledger
from tests.unit.conftest import SmallLake, coal_rows

COAL = "silver.energy_coal_day"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def answer(lake: SmallLake, sql: str, *, terminal: bool = False, **more: object) -> str:
    out = Terminal() if terminal else io.StringIO()
    ask(lake.settings, lake.catalogue, sql, out=out, **more)  # type: ignore[arg-type]
    return out.getvalue()


def refusal(lake: SmallLake, sql: str) -> str:
    with pytest.raises(OneSourceError) as e:
        answer(lake, sql)
    line = e.value.line()
    assert "\n" not in line
    return line


def reads(lake: SmallLake) -> list[dict[str, object]]:
    return list(ops.rows(lake.settings, "reads"))


# What is answered


def test_a_select_gives_csv_where_there_is_no_terminal(small_lake: SmallLake) -> None:
    sql = f"SELECT county_code, day, output_t FROM {COAL} ORDER BY day, county_code"
    assert answer(small_lake, sql) == (
        "county_code,day,output_t\n"
        "141126,2024-06-01,1200.500\n"
        "141127,2024-06-01,\n"
        "141126,2024-06-02,99.250\n"
    )


def test_hidden_rows_and_columns_are_never_seen(small_lake: SmallLake) -> None:
    assert answer(small_lake, f"SELECT count(*) AS n FROM {COAL} WHERE day < '2024-06-01'") == (
        "n\n0\n"
    )
    assert "there is no column _state" in refusal(small_lake, f"SELECT _state FROM {COAL}")


def test_the_contracts_columns_come_first_and_the_technical_ones_last(
    small_lake: SmallLake,
) -> None:
    header = answer(small_lake, f"SELECT * FROM {COAL} LIMIT 0")
    assert header.strip() == (
        "county_code,day,output_t,note,_scope,_issues,_delivery_id,_line,_received_at"
    )


def test_times_are_iso_in_beijing_time_and_nested_values_are_json(small_lake: SmallLake) -> None:
    sql = f"SELECT _received_at, _issues FROM {COAL} WHERE county_code = '141127'"
    assert answer(small_lake, sql) == (
        "_received_at,_issues\n"
        '2024-06-02T09:30:00+08:00,"[{""field"":""note"",""verdict"":""FMT""}]"\n'
    )


def test_layers_code_lists_and_ops_can_be_joined(small_lake: SmallLake) -> None:
    sql = """
        WITH total AS (
          SELECT county_code, sum(output_t) AS t FROM silver.energy_coal_day GROUP BY 1
        )
        SELECT c.name, t.t, m.output_t = t.t AS same
        FROM total t
        JOIN codelist.county c ON c.code = t.county_code AND c.valid_from < DATE '2024-01-01'
        JOIN curated.energy_coal_month m USING (county_code)
        LEFT JOIN ops.reads r ON false
        WHERE t.t IS NOT NULL -- 岚县 has none
        ;  -- the end
    """
    assert answer(small_lake, sql) == "name,t,same\n石楼县,1299.750,true\n"


def test_the_same_table_can_be_read_twice_in_one_statement(small_lake: SmallLake) -> None:
    sql = f"SELECT count(*) AS n FROM {COAL} a JOIN {COAL} b ON a.day = b.day"
    assert answer(small_lake, sql) == "n\n5\n"


def test_show_tables_names_every_table_with_what_is_served(small_lake: SmallLake) -> None:
    lines = answer(small_lake, "SHOW TABLES").splitlines()
    assert lines[0] == "table,name_zh,rows,version,served_at"
    assert lines[1].startswith("silver.energy_coal_day,coal_day,3,1,20")
    assert "ops.deliveries,交付登记,,," in lines
    assert "codelist.county,县区代码,2,," in lines
    only = answer(small_lake, "show tables from curated").splitlines()
    assert [line.split(",")[0] for line in only[1:]] == ["curated.energy_coal_month"]


@pytest.mark.parametrize("sql", [f"DESCRIBE {COAL}", f"DESC {COAL}", f"describe table {COAL};"])
def test_describe_says_what_the_contract_says(small_lake: SmallLake, sql: str) -> None:
    lines = answer(small_lake, sql).splitlines()
    assert lines[:4] == [
        "column,type,name_zh,unit,description,code_list,key",
        "county_code,VARCHAR,县区代码,,,county,key",
        "day,DATE,日期,,,,key",
        'output_t,"DECIMAL(18,3)",原煤产量,t,Raw coal of the day.,,',
    ]
    assert any(line.startswith("_delivery_id,VARCHAR,交付编号") for line in lines)


def test_every_technical_column_of_silver_is_described() -> None:
    from onesource.clean.stage import TECHNICAL
    from onesource.cli import dictionary
    from onesource.lake.reader import HIDDEN

    assert set(dictionary.TECHNICAL) == set(TECHNICAL) - HIDDEN


def test_every_column_of_the_ops_tables_has_a_chinese_name(small_lake: SmallLake) -> None:
    from onesource.cli import dictionary
    from onesource.run import ops_tables

    for table in ops_tables.columns():
        rows = dictionary.column_rows(small_lake.catalogue, table)
        assert all(row[2] for row in rows), table


def test_summarize_describe_of_a_query_values_and_explain_are_answered(
    small_lake: SmallLake,
) -> None:
    assert "output_t" in answer(small_lake, f"SUMMARIZE {COAL}")
    assert "BIGINT" in answer(small_lake, "DESCRIBE SELECT count(*) AS n")
    assert answer(small_lake, "VALUES (1, 'a'), (2, NULL)").splitlines()[1:] == ["1,a", "2,"]
    plan = answer(small_lake, f"-- why\nEXPLAIN SELECT county_code FROM {COAL} WHERE day > '2024'")
    assert plan.startswith("plan\n") and "_state" in plan


def test_an_earlier_run_can_be_asked(small_lake: SmallLake) -> None:
    sql = f"SELECT count(*) AS n FROM {COAL}"
    assert answer(small_lake, sql, run="r1") == "n\n2\n"
    assert answer(small_lake, sql, run="r2") == answer(small_lake, sql) == "n\n3\n"
    with pytest.raises(UsageError, match="no run r9 was served"):
        answer(small_lake, sql, run="r9")
    with pytest.raises(OneSourceError, match="up to run r1 no version of it was served"):
        answer(small_lake, "FROM registry.person", run="r1")


# Where it goes


def test_csv_goes_to_a_file_that_is_whole_or_not_there(
    small_lake: SmallLake, tmp_path: Path
) -> None:
    target = tmp_path / "out.csv"
    answer(small_lake, f"SELECT county_code, note FROM {COAL} ORDER BY day, 1 LIMIT 2", csv=target)
    assert target.read_bytes().decode() == (
        'county_code,note\n141126,"产量,“估”\n第二行"\n141127,\n'
    )
    with pytest.raises(UsageError):
        answer(small_lake, f"SELECT CAST(note AS INT) FROM {COAL}", csv=target)
    assert target.read_text().startswith("county_code")
    assert [p.name for p in tmp_path.glob("*out.csv*")] == ["out.csv"]


def test_parquet_keeps_the_types(small_lake: SmallLake, tmp_path: Path) -> None:
    target = tmp_path / "out.parquet"
    answer(small_lake, f"SELECT county_code, day, output_t FROM {COAL} ORDER BY 2", parquet=target)
    table = pq.read_table(target)
    assert [str(t) for t in table.schema.types] == ["string", "date32[day]", "decimal128(18, 3)"]
    assert table.num_rows == 3
    answer(small_lake, "SHOW TABLES", parquet=target)
    assert pq.read_table(target).column_names[:2] == ["table", "name_zh"]


def test_a_file_that_cannot_be_written_is_one_line(small_lake: SmallLake, tmp_path: Path) -> None:
    with pytest.raises(OneSourceError, match="cannot be written"):
        answer(small_lake, "SELECT 1", csv=tmp_path / "no" / "such" / "folder.csv")


def test_a_terminal_gets_a_table_with_chinese_names_in_line(
    small_lake: SmallLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.cells import cell_len

    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    shown = answer(small_lake, "FROM curated.energy_coal_month ORDER BY 1", terminal=True)
    lines = [line.rstrip() for line in shown.splitlines() if line.strip()]
    assert "county_name" in lines[0] and "县区" in lines[1]
    starts = {
        cell_len(line.split(text)[0])
        for line in lines
        for text in ("石楼县", "岚县")
        if text in line
    }
    assert len(starts) == 1
    assert "∅" in shown and "2 rows" in shown


def test_a_value_cannot_steer_the_terminal(small_lake: SmallLake) -> None:
    shown = answer(small_lake, "SELECT 'a' || chr(27) || '[2Jb' AS x", terminal=True)
    assert "\x1b[2J" not in shown and "\ufffd[2Jb" in shown


def test_a_terminal_gets_the_first_rows_and_a_note(small_lake: SmallLake) -> None:
    shown = answer(small_lake, "SELECT * FROM range(200)", terminal=True)
    assert "the first 100 rows; there are more" in shown and "150" not in shown


def test_a_table_wider_than_the_terminal_is_shown_row_by_row(
    small_lake: SmallLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    shown = answer(small_lake, f"FROM {COAL} ORDER BY day LIMIT 1", terminal=True)
    assert "row 1" in shown and "原煤产量" in shown


# What is written down


def test_a_read_is_recorded_without_the_text_of_the_statement(small_lake: SmallLake) -> None:
    answer(
        small_lake, "SELECT name FROM registry.person WHERE person_id = 'p1'", purpose="a test 测试"
    )
    (row,) = reads(small_lake)
    assert row["tables"] == ["registry.person"] and row["rows"] == 1
    assert row["purpose"] == "a test 测试" and row["run"] == "r2" and row["who"]
    assert str(row["statement_digest"]).startswith("hmac-sha256:")
    assert "p1" not in json.dumps(row)
    assert "registry.person" in answer(small_lake, "SELECT tables FROM ops.reads")


def test_a_read_that_cannot_be_recorded_is_refused_for_guarded_tables_p11(
    small_lake: SmallLake, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = small_lake.settings.root("ops")
    blocked.mkdir(parents=True, exist_ok=True)
    (blocked / "reads").write_text("a file where the folder should be")
    for table in ("registry.person", COAL):
        assert "cannot be recorded" in refusal(small_lake, f"FROM {table}")
        with pytest.raises(OneSourceError, match="cannot be recorded"):
            answer(small_lake, f"FROM {table}", csv=tmp_path / "out.csv")
        assert not (tmp_path / "out.csv").exists()
    assert "石楼县" in answer(small_lake, "FROM curated.energy_coal_month")
    assert "could not be recorded" in capsys.readouterr().err


def test_a_long_answer_to_a_pipe_is_recorded_when_it_begins_and_when_it_ends(
    small_lake: SmallLake,
) -> None:
    answer(small_lake, f"SELECT r.range FROM range(20000) r, {COAL} c WHERE c.day = '2024-06-02'")
    assert [row["rows"] for row in reads(small_lake)] == [None, 20000]


# The ops tables


def test_steps_and_results_are_tables_and_a_torn_line_is_none(small_lake: SmallLake) -> None:
    event = {"table": COAL, "verdict": "passed", "version": 1, "inputs": {"a": 1}, "seconds": 1.5}
    ledger.record(small_lake.settings, "r1", event)
    path = small_lake.settings.root("ops") / "steps" / "r1.jsonl"
    path.write_bytes(path.read_bytes() + b'{"run": "r2", "table": "torn')
    sql = "SELECT run, \"table\", version, inputs->>'a' AS a, \"at\" > '2020-01-01' AS ok "
    assert answer(small_lake, sql + "FROM ops.steps") == (
        f"run,table,version,a,ok\nr1,{COAL},1,1,true\n"
    )
    assert answer(small_lake, "SELECT count(*) AS n FROM ops.quality_results") == "n\n0\n"


def test_deliveries_show_what_became_of_them_and_whether_rows_were_conserved_p3(
    small_lake: SmallLake, tmp_path: Path
) -> None:
    from onesource.ingest import landing

    feed = small_lake.catalogue.feeds["energy.coal_day"]
    for name, control in (("good", {"rows": 3}), ("bad", {"rows": 4}), ("late", {})):
        payload = landing.incoming_folder(small_lake.settings) / name
        payload.write_text(name)
        record = landing.Record(
            delivery_id=name,
            feed=feed.id,
            file_name=f"coal_day_{name}.csv",
            digest=f"sha256:{name}",
            size=4,
            rows=3,
            received_at="2024-06-02T01:30:00+00:00",
            statement_at="2024-06-01T00:00:00+08:00",
            statement_from="receipt",
            scope={"county": "141126"},
            control=control,
        )
        landing.store(small_lake.settings, feed, record, payload)
    counts = {"delivered": 3, "accepted": 2, "quarantined": 1, "superseded": 0}
    ledger.record(
        small_lake.settings,
        "r1",
        {
            "table": COAL,
            "verdict": "passed",
            "deliveries": [{"id": d, "outcome": "loaded", **counts} for d in ("good", "bad")],
        },
    )
    sql = "SELECT delivery_id, outcome, rows_accepted, is_conserved, scope->>'county' AS c"
    assert answer(small_lake, f"{sql} FROM ops.deliveries ORDER BY delivery_id") == (
        "delivery_id,outcome,rows_accepted,is_conserved,c\n"
        "bad,loaded,2,false,141126\n"
        "good,loaded,2,true,141126\n"
        "late,waiting,,,141126\n"
    )
    assert answer(small_lake, "SELECT count(*) AS n FROM ops.expected_deliveries") == "n\n0\n"


# Errors


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT * FROM silver.coal_day", "did you mean silver.energy_coal_day?"),
        ("SELECT * FROM energy_coal_day", "did you mean silver.energy_coal_day, "),
        ("SELECT * FROM ops.read", "did you mean ops.reads"),
        (f"SELECT county_cod FROM {COAL}", "did you mean county_code?"),
        (f"SELECT c.县区代码 FROM {COAL} c", "did you mean county_code?"),
        (f"SELECT nothing_like_it FROM {COAL}", "DESCRIBE a table"),
        ("SELCT 1", 'syntax error at or near "SELCT"'),
        ("", "no statement was given"),
        ("-- nothing", "no statement was given"),
        (f"PIVOT {COAL} ON county_code", "PIVOT needs its values written out"),
        (f"SELECT sum(note) FROM {COAL}", "No function matches"),
    ],
)
def test_an_error_says_what_is_wrong_and_what_is_nearest(
    small_lake: SmallLake, sql: str, says: str
) -> None:
    assert says in refusal(small_lake, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT CAST(name AS INT) FROM registry.person",
        "SELECT CAST(name || '''x' AS DATE) FROM registry.person",
        "SELECT strptime(name, '%Y') FROM registry.person",
        "SELECT name::DECIMAL(3,1) FROM registry.person",
        "SELECT regexp_matches('x', name || '[') FROM registry.person",
        'SELECT * FROM registry.person WHERE name = "张三(虚构)"',
        'SELECT * FROM registry.person WHERE name = "张三"',
        "SELECT * FROM registry.person WHERE name = 张三",
        "SELECT * FROM registry.person WHERE 142325199001011234",
        "SELECT * FROM registry.person WHERE x y 142325199001011234",
        "SELECT to_json(name)->'$[' FROM registry.person",
    ],
)
def test_no_message_repeats_a_persons_value_p10(small_lake: SmallLake, sql: str) -> None:
    try:
        answer(small_lake, sql)
    except OneSourceError as e:
        assert not any(v in str(e) for v in ("张三", "李四", "142325199001011234")), str(e)


def test_a_statement_too_large_for_the_memory_says_so(
    small_lake: SmallLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onesource.lake.reader._memory_limit", lambda: 32 << 20)
    sql = "SELECT a.range, b.name FROM range(3000000) a, registry.person b ORDER BY hash(a.range)"
    assert "needs more memory" in refusal(small_lake, sql)


def test_an_empty_lake_a_vanished_version_and_a_damaged_manifest_are_one_line(
    small_lake: SmallLake,
) -> None:
    lake = small_lake.settings.lake
    data = next((lake / "silver" / "energy" / "coal_day").glob("*.parquet"))
    data.rename(data.with_suffix(".gone"))
    assert "was removed" in refusal(small_lake, f"FROM {COAL}")
    small_lake.serve("r3", {COAL: 7})
    assert f"version 7 of {COAL} cannot be opened" in refusal(small_lake, f"FROM {COAL}")
    (lake / "silver").rename(lake / "elsewhere")
    assert "its folder is gone" in refusal(small_lake, f"FROM {COAL}")
    (lake / "served.json").write_text("{")
    assert "is damaged" in refusal(small_lake, f"FROM {COAL}")
    (lake / "served.json").unlink()
    assert "nothing was ever served" in refusal(small_lake, f"FROM {COAL}")
    assert f"{COAL},coal_day,,," in answer(small_lake, "SHOW TABLES")


def test_an_empty_commit_is_never_read_as_no_change(small_lake: SmallLake) -> None:
    small_lake.put(COAL, coal_rows(("141126", "2024-06-03", "1", None)))
    small_lake.serve("r3", {COAL: 2})
    log = small_lake.settings.lake / "silver" / "energy" / "coal_day" / "_delta_log"
    (log / f"{2:020d}.json").write_text("")
    assert "its commit file is empty" in refusal(small_lake, f"FROM {COAL}")


# Closed


ATTACKS = [
    line
    for line in (Path(__file__).parent / "attacks.sql.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


@pytest.mark.parametrize("sql", ATTACKS)
def test_nothing_but_the_data_is_reachable(small_lake: SmallLake, sql: str) -> None:
    refusal(small_lake, sql)
    assert not Path("/tmp/attack.csv").exists() and not Path("/tmp/attack").exists()  # noqa: S108
    assert reads(small_lake) == []


def test_the_database_is_locked_should_the_first_guard_miss_something(
    small_lake: SmallLake, tmp_path: Path
) -> None:
    import duckdb

    from onesource.lake import reader

    (tmp_path / "secret.csv").write_text("a\n1\n")
    with reader.database() as con:
        reader.lock(con)
        for sql in (
            f"SELECT * FROM read_csv('{tmp_path}/secret.csv')",
            f"SELECT * FROM '{tmp_path}/secret.csv'",
            f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
            f"ATTACH '{tmp_path}/x.db'",
            "SET enable_external_access = true",
            "SET memory_limit = '64GB'",
            "LOAD httpfs",
            "SELECT * FROM small_lake",
            f"SELECT * FROM glob('{tmp_path}/*')",
        ):
            with pytest.raises(duckdb.Error):
                con.execute(sql).fetchall()


def test_every_table_function_that_is_not_known_to_be_harmless_is_refused(
    small_lake: SmallLake,
) -> None:
    from onesource.cli.statement import _TABLE_FUNCTIONS
    from onesource.lake import reader

    with reader.database() as con:
        names = con.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() "
            "WHERE function_type LIKE 'table%'"
        ).fetchall()
    for (name,) in names:
        if name not in _TABLE_FUNCTIONS:
            assert "is no table" in refusal(small_lake, f"SELECT * FROM {name}('x')")


def test_scalar_functions_that_sound_like_the_outside_are_refused(small_lake: SmallLake) -> None:
    """A new version of DuckDB brings new functions: their names are looked at here."""
    import re

    from onesource.cli.statement import _REFUSED
    from onesource.lake import reader

    outside = re.compile(
        r".*(read|write|file|env|setting|secret|extension|http|_log|log_|load|install|attach|query"
        r"|sql|variable|glob|sleep|nextval|setval|pragma|duckdb).*"
    )
    harmless = {"parse_filename"}
    with reader.database() as con:
        names = con.execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() "
            "WHERE function_type IN ('scalar', 'macro')"
        ).fetchall()
    heard = {n for (n,) in names if outside.fullmatch(n)} - harmless
    assert {n for n in heard if not _REFUSED.fullmatch(n)} == set()


# Fast


def test_the_command_answers_small_tables_fast_and_without_heavy_imports(
    small_lake: SmallLake,
) -> None:
    code = (
        "import sys; from onesource.cli.main import app\n"
        "try: app(['sql', sys.argv[1]])\n"
        "except SystemExit: pass\n"
        "heavy = {'pyspark', 'great_expectations'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    env = {
        "ONESOURCE_HOME": str(small_lake.settings.home),
        "ONESOURCE_LAKE": str(small_lake.settings.lake),
    }
    took: list[float] = []
    for _ in range(3):
        begun = _seconds_of_children()
        done = subprocess.run(
            [sys.executable, "-c", code, f"SELECT count(*) AS n FROM {COAL}"],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        took.append(_seconds_of_children() - begun)
        assert done.stdout == "n\n3\n", done.stderr
        assert done.stderr == ""
    # The promise is 2 s. Processor time (0.8 s when it was last measured), the best of three: how
    # long a busy machine lets a process wait is not the command's doing.
    assert min(took) < 2


def _seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_the_statement_can_come_on_standard_input(small_lake: SmallLake) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "onesource.cli.main", "sql", "-"],
        input="SELECT 1 AS one",
        env={
            "ONESOURCE_HOME": str(small_lake.settings.home),
            "ONESOURCE_LAKE": str(small_lake.settings.lake),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "one\n1\n", done.stderr


def sql_process(small_lake: SmallLake, sql: str, **pipes: Any) -> subprocess.Popen[bytes]:
    env = {
        "ONESOURCE_HOME": str(small_lake.settings.home),
        "ONESOURCE_LAKE": str(small_lake.settings.lake),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "onesource.cli.main", "sql", sql], env=env, **pipes
    )


def test_ctrl_c_stops_a_statement_with_one_line(small_lake: SmallLake) -> None:
    numbers = "SELECT a.range FROM range(10000000) a, range(10000000) b ORDER BY random()"
    asked = sql_process(small_lake, numbers, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    time.sleep(4)  # to be inside the statement; earlier, Python itself would stop it
    asked.send_signal(signal.SIGINT)
    said = asked.communicate(timeout=20)[1]
    assert (asked.returncode, said) == (130, b"onesource: stopped\n")


def test_a_reader_that_has_seen_enough_is_no_error(small_lake: SmallLake) -> None:
    asked = sql_process(
        small_lake,
        "SELECT range FROM range(3000000)",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert asked.stdout is not None
    assert asked.stdout.readline() == b"range\n"
    asked.stdout.close()
    assert asked.stderr is not None
    assert (asked.stderr.read(), asked.wait(timeout=20)) == (b"", 0)


@pytest.mark.parametrize("sql", ["SELECT '\udcff'", "SELECT 1 AS a\0b"])
def test_a_statement_that_is_no_text_is_refused(small_lake: SmallLake, sql: str) -> None:
    with pytest.raises(UsageError, match="no UTF-8 text"):
        answer(small_lake, sql)
