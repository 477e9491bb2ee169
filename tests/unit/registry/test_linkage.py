"""The linker on small made-up lists (all persons synthetic)."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from onesource.cli.standardise import context_of
from onesource.config import Settings
from onesource.errors import ContractError
from onesource.lake.reader import database
from onesource.registry.linkage.blocking import block
from onesource.registry.linkage.clusters import clusters
from onesource.registry.linkage.dates import day_text, order_of
from onesource.registry.linkage.decide import Pair, assign
from onesource.registry.linkage.files import read_list
from onesource.registry.linkage.levels import MACROS, comparison
from onesource.registry.linkage.link import Linked, link_tables
from onesource.registry.linkage.model import load_model
from onesource.registry.linkage.persons import (
    MODEL_FILE,
    RAREST_NAME,
    SPEC,
    build_person_records,
    link_unnumbered,
)
from onesource.registry.linkage.score import narrow, score
from onesource.registry.linkage.spec import Source, Spec, load_spec
from onesource.registry.linkage.suggest import suggest
from onesource.registry.linkage.words import add_derived

SETTINGS = Settings.from_environment()
CONTEXT = context_of(SETTINGS, "division")


def table(header: str, *rows: str) -> pa.Table:
    names = header.split(",")
    cells = [[c or None for c in row.split(",")] for row in rows]
    return pa.table({n: pa.array([r[i] for r in cells], pa.string()) for i, n in enumerate(names)})


def linked(left: pa.Table, right: pa.Table, spec: Spec | None = None) -> Linked:
    spec = spec or suggest(left.column_names, right.column_names)
    return link_tables([left, right], spec, CONTEXT)


def ends(found: Linked) -> set[tuple[int, int]]:
    return {(p.left, p.right - found.first_right) for p in found.links}


def test_a_variant_character_and_another_way_to_write_the_day_are_the_same_person() -> None:
    header = "姓名,性别,出生日期,地址"
    left = table(header, "张伟,男,1980-01-02,凤山街道1号", "王芳,女,1975/3/4,临泉镇2号")
    right = table(header, "王芳,2,19750304,临泉镇2号", "張偉,1,1980年1月2日,凤山街道1号")
    assert ends(linked(left, right)) == {(0, 1), (1, 0)}


def test_the_name_alone_is_never_more_than_a_candidate() -> None:
    names = table("姓名", "欧阳震华", "王芳")
    found = linked(names, names)
    assert found.links == []
    assert {(p.left, p.right - 2) for p in found.candidates} >= {(0, 0)}
    assert all(p.rule == "candidate" and p.score < 0.8 for p in found.candidates)


def test_a_mistyped_number_links_when_one_side_fails_its_check_and_the_rest_agrees() -> None:
    header = "身份证号,姓名,出生日期,县区"
    left = table(header, "14112419900101079X,李娜,1990-01-01,临县")  # the check says 069X
    right = table(header, "14112419900101069X,李娜,1990-01-01,141124", ",李娜,1991-01-01,141124")
    found = linked(left, right)
    assert [(p.left, p.right - 1, p.rule) for p in found.links] == [(0, 0, "number_mistyped")]


def test_swapped_names_and_days_in_two_formats_are_found() -> None:
    header = "given_name,surname,dob,suburb"
    left = table(header, "mary,halloran,19520413,dunmore", "peter,ashby,19600101,felton")
    right = table(header, "halloran,mary,13/04/1952,dunmore", "peter,ashby,30/12/1971,gorley")
    assert ends(linked(left, right)) == {(0, 0)}


def test_the_same_lists_give_the_same_scores_whatever_their_order() -> None:
    header = "given_name,surname,dob,suburb"
    rows = [f"g{i % 7}a,s{i}ton,19{50 + i % 40}0{1 + i % 9}1{i % 9},town{i % 5}" for i in range(60)]
    one, two = table(header, *rows), table(header, *reversed(rows))
    first, second = linked(one, one), linked(one, two)
    assert {(p.left, p.right - 60) for p in first.links} == {(i, i) for i in range(60)}
    assert {(p.left, 119 - p.right) for p in second.links} == {(i, i) for i in range(60)}
    again = linked(one, one)
    assert [(p.left, p.right, p.score) for p in again.links] == [
        (p.left, p.right, p.score) for p in first.links
    ]


def test_one_huge_block_is_split_or_left_out_and_said() -> None:
    rows = [f"wang,{1950 + i % 50}-01-0{1 + i % 9},{i}" for i in range(200)]
    people = table("surname,dob,phone", *rows)
    spec = Spec.model_validate(
        {
            "fields": {"surname": {}, "dob": {"standardiser": "date"}},
            "comparisons": [
                {"kind": "string", "fields": ["surname"]},
                {"kind": "date", "fields": ["dob"]},
            ],
            "blocking": [["surname"]],
            "limits": {"pairs_per_key": 100},
        }
    )
    said: list[str] = []
    found = link_tables([people], spec, CONTEXT, say=said.append)
    assert "split by dob.year" in said[0]
    assert not any("wang" in words for words in said)
    assert found.pairs < 1000


def test_a_chain_of_doubtful_pairs_does_not_become_one_cluster() -> None:
    pairs = [(0, 1, 0.9), (1, 2, 0.6), (2, 3, 0.9)]
    assert clusters(range(5), pairs, cohesion=0.3) == {0: 0, 1: 0, 2: 2, 3: 2, 4: 4}
    assert clusters(range(5), pairs, cohesion=0.0) == {0: 0, 1: 0, 2: 0, 3: 0, 4: 4}


def test_one_to_one_gives_each_row_its_best_and_best_keeps_equals() -> None:
    pairs = [
        Pair(0, 10, 0.99, 20.0, "model", ""),
        Pair(0, 11, 0.98, 19.0, "model", ""),
        Pair(1, 10, 0.9, 5.0, "model", ""),
    ]
    assert [(p.left, p.right) for p in assign(pairs, "one_to_one")] == [(0, 10)]
    assert [(p.left, p.right) for p in assign(pairs, "best")] == [(0, 10), (0, 11)]
    assert len(assign(pairs, "all")) == 3


def test_the_order_of_day_and_month_is_read_from_the_column() -> None:
    assert order_of(["03/04/1980", "12/25/1980"]) == "mdy"
    assert day_text("03/04/1980", "mdy") == "1980-03-04"
    assert day_text("25/12/1980", "mdy") == "1980-12-25"
    assert day_text("19450231", "dmy") == "1945-02-31"
    assert day_text("about 1945", "dmy") is None


@pytest.mark.parametrize(
    ("spec", "line", "words"),
    [
        ("fields: {a: }\ncomparisons:\n  - {kind: text, field: b}\n", 3, "no field b"),
        ("fields: {a: }\ncomparisons:\n  - {kind: tekst, field: a}\n", 3, "kind"),
        ("fields: {a: }\nthreshhold: 1\ncomparisons: [{kind: text, field: a}]\n", 2, "no such key"),
        ("fields: {a: {standardiser: nope}}\ncomparisons: [{kind: text, field: a}]\n", 1, "nope"),
        ("fields: {a: }\ncomparisons: [{kind: text, field: a}]\nblocking: [a.frist]\n", 3, "frist"),
        ("fields: {a: }\ncomparisons: [{kind: text, field: a}]\nrules: [{name: r, near: [a]}]\n",
         3, "no field must be equal"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_spec_is_named_by_line_and_key(
    tmp_path: Path, spec: str, line: int, words: str
) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text(spec, encoding="utf-8")
    with pytest.raises(ContractError, match=words) as error:
        load_spec(path)
    assert f"spec.yaml:{line}:" in error.value.line()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
def test_a_list_is_read_in_any_encoding_and_delimiter(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("编号|姓名\n1|张伟\n\n2|王芳，女\n", encoding=encoding)
    found = read_list(path, Source())
    assert found.table.column("姓名").to_pylist() == ["张伟", "王芳，女"]
    assert found.ids(None) == ["2", "4"]
    assert found.ids("编号") == ["1", "2"]


def test_western_european_text_is_not_read_as_chinese(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("id,name\n1,José Müller\n2,Café Zoë\n".encode("latin-1"))
    assert read_list(path, Source()).table.column("name").to_pylist() == ["José Müller", "Café Zoë"]


# -- rows without a sound number ----------------------------------------------------------------

PERSONS = table(
    "person_id,id_no,name,sex,birth_date,county_code,hukou_division_code,phone,mother_id_no,birth_order",
    "P1,14112419900101069X,李娜,2,1990-01-01,141124,141124101201,13900000001,,",
    "P2,,王小宝,1,2022-05-06,141124,141124101201,,141124199001010606,1",
    "P3,,王大宝,1,2022-05-06,141124,141124101201,,141124199001010606,2",
    "P4,,赵六,1,1970-02-03,141123,141123101201,,,",
    "P5,,孙七,1,1980-02-03,141123,141123101201,13900000005,,",
    "P6,,孙七,1,1980-02-03,141123,141123101201,13900000005,,",
)


def asked(row: str) -> list[tuple[str, str, str]]:
    header = (
        "row_id,id_no_delivered,name,sex,birth_date,county_code,division_code,phone,"
        "mother_id_no,birth_order"
    )
    model = load_model(SETTINGS.schemas / MODEL_FILE)
    found = link_unnumbered(table(header, row), PERSONS, model=model, context=CONTEXT)
    assert all(d == model.digest for d in found.column("model_digest").to_pylist())
    return [(a["person_id"], a["rule"], a["decision"]) for a in found.to_pylist()]


def test_a_number_mistyped_in_one_place_finds_its_person() -> None:
    row = "r,14112419900101068X,李娜,2,1990-01-01,141124,,,,"
    assert asked(row)[0] == ("P1", "number_mistyped", "link")


def test_a_newborn_without_a_name_is_found_by_mother_birth_date_and_order() -> None:
    row = "r,,,1,2022-05-06,141124,,,141124199001010606,2"
    assert asked(row)[0] == ("P3", "mother_birth_order", "link")


def test_twins_that_nothing_parts_are_candidates_both() -> None:
    row = "r,,,1,2022-05-06,141124,,,141124199001010606,"
    assert {(p, d) for p, _, d in asked(row)} == {("P2", "candidate"), ("P3", "candidate")}


def test_name_birth_date_sex_and_village_only_propose() -> None:
    row = "r,,赵六,1,1970-02-03,141123,141123101201,,,"
    assert asked(row) == [("P4", "name_birth_sex_village", "candidate")]


def test_two_persons_that_fit_alike_are_candidates_both() -> None:
    row = "r,,孙七,1,1980-02-03,141123,141123101201,13900000005,,"
    assert {(p, d) for p, _, d in asked(row)} == {("P5", "candidate"), ("P6", "candidate")}


def made_up(seed: int, n: int, header: str) -> pa.Table:
    """People of few names, days and places, so that many of them agree in much."""
    rng = random.Random(seed)
    rows = []
    for k in range(n):
        name = rng.choice("王李张") + rng.choice(["娜", "小宝", "小保", "大宝", "伟", ""])
        born = f"{rng.choice([1970, 1990])}-0{rng.randint(1, 3)}-0{rng.randint(1, 3)}"
        village = f"14112{rng.randint(3, 4)}10120{rng.randint(1, 2)}"
        place = rng.choice(["兴县蔚汾镇城关村", "兴县蔚汾镇", "岚县东村镇", "临县"])
        house = f"{place}{rng.randint(1, 40)}号" if rng.random() < 0.9 else ""
        cells = (f"r{k}", name, rng.choice("12"), born, village[:6], village, house,
                 rng.choice(["", f"1390000000{rng.randint(1, 9)}"]))  # fmt: skip
        rows.append(",".join(cells))
    return table(header, *rows)


def test_no_pair_goes_unseen_that_would_score_enough() -> None:
    columns = "name,sex,birth_date,county_code,division_code,address,phone"
    rows = made_up(1, 150, f"row_id,{columns}")
    people = made_up(2, 400, f"person_id,{columns}")
    comparisons = [comparison(c) for c in SPEC.comparisons]
    model = load_model(SETTINGS.schemas / MODEL_FILE).model(comparisons, 400)
    names = {"name": "SELECT name, n / (SELECT sum(n) FROM reference_names) AS tf_name "
                     "FROM reference_names"}  # fmt: skip
    with database() as con:
        for macro in MACROS:
            con.execute(macro)
        build_person_records(con, SPEC, rows, people, CONTEXT)
        block(con, SPEC, dedupe=False, say=lambda _: None)
        add_derived(con, SPEC)
        for least in (0.2, 0.9):
            con.execute("CREATE OR REPLACE TABLE every AS SELECT * FROM pairs")
            score(con, comparisons, model, least, names, rarest=RAREST_NAME)
            narrow(con, comparisons, model, least, ["address"], names, rarest=RAREST_NAME)
            missed = con.execute(
                "SELECT count(*) FROM scored WHERE (rid_l, rid_r) NOT IN "
                "(SELECT (join_key_l, join_key_r) FROM pairs)"
            ).fetchall()
            sizes = [
                con.execute(f"SELECT count(*) FROM {t}").fetchall()[0][0]
                for t in ("scored", "pairs", "every")
            ]
            assert missed == [(0,)]
            assert 0 < sizes[0] <= sizes[1] < sizes[2]
            con.execute("CREATE OR REPLACE TABLE pairs AS SELECT * FROM every")


def test_a_model_with_other_levels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "person.json"
    text = (SETTINGS.schemas / MODEL_FILE).read_text(encoding="utf-8")
    path.write_text(text.replace('"one_character"', '"two_characters"'), encoding="utf-8")
    with pytest.raises(ContractError, match="name has other levels"):
        rows = table("row_id,name", "r,李娜")
        link_unnumbered(rows, PERSONS, model=load_model(path), context=CONTEXT)
