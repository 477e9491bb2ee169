"""The pages of a release: whole, escaped, the same every time, and their examples run."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pytest

from onesource.publish.guard import _allowance
from onesource.publish.leak import Confidence, scan
from onesource.publish.model import DataFile, Release
from onesource.publish.portal import write_portal
from onesource.publish.portal.examples import examples
from tests.browser.demonstration import PLAIN, demonstration, held, plain
from tests.browser.open_data import COUNTY, built, contract, release_of

VOID = {"meta", "link", "input", "br", "img", "hr"}


class Tree(HTMLParser):
    """What a checker of pages needs: elements with their attributes, texts, links, nesting."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.unmatched: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1] == tag:
            self.open.pop()
        else:
            self.unmatched.append(tag)

    def all(self, *tags: str) -> list[dict[str, str]]:
        return [attrs for tag, attrs in self.found if tag in tags]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Release]]:
    folder = tmp_path_factory.mktemp("release")
    made = demonstration(folder)
    write_portal(folder, made)
    yield folder, made


def pages(folder: Path) -> dict[str, str]:
    return {p.name: p.read_text(encoding="utf-8") for p in sorted(folder.glob("*.html"))}


def test_every_dataset_and_every_held_one_has_its_page(release: tuple[Path, Release]) -> None:
    folder, made = release
    names = {f"{d.name}.html" for d in made.datasets}
    assert set(pages(folder)) == names | {"index.html", "clinic_visit_month.html"}


def test_the_same_release_gives_the_same_bytes(
    release: tuple[Path, Release], tmp_path: Path
) -> None:
    folder, _ = release
    script = (
        "import sys; from pathlib import Path; from tests.browser.demonstration import *;"
        "from onesource.publish.portal import write_portal;"
        "f = Path(sys.argv[1]); write_portal(f, demonstration(f))"
    )
    # Another process with another hash seed, zone and language.
    env = os.environ | {"PYTHONHASHSEED": "7", "TZ": "America/Lima", "LANG": "C", "LC_ALL": "C"}
    home = Path(__file__).resolve().parents[3]
    env["PYTHONPATH"] = str(home)
    subprocess.run([sys.executable, "-c", script, tmp_path], check=True, env=env, cwd=home)
    assert pages(tmp_path) == pages(folder)


def test_every_page_is_well_formed_and_no_text_becomes_markup(
    release: tuple[Path, Release],
) -> None:
    for name, text in pages(release[0]).items():
        tree = Tree(text)
        assert (tree.unmatched, tree.open) == ([], []), name
        assert len(tree.all("script")) == 1, name
        assert "window.broken=1</script>" not in text, name
        assert tree.all("img", "iframe", "object", "form")[1:] == [], name
        handlers = [a for _, attrs in tree.found for a in attrs if a.startswith("on")]
        assert handlers == [], name
        assert [a for _, attrs in tree.found for a in attrs if a == "style"] == [], name


def test_the_policy_names_style_and_script_by_digest_and_allows_nothing_else(
    release: tuple[Path, Release],
) -> None:
    for text in pages(release[0]).values():
        policy = Tree(text).all("meta")[1]["content"]
        assert policy.startswith("default-src 'none'; ")
        assert "unsafe" not in policy and "http" not in policy and "*" not in policy


def test_every_link_inside_leads_to_a_file_or_a_place_that_exists(
    release: tuple[Path, Release],
) -> None:
    folder, made = release
    texts = pages(folder)
    ids = {
        name: {a["id"] for _, a in Tree(text).found if "id" in a} for name, text in texts.items()
    }
    for name, text in texts.items():
        for link in Tree(text).all("a", "link"):
            address, _, place = link["href"].partition("#")
            if re.match(r"(https?|mailto|data):", address):
                continue
            if address.startswith("../"):
                assert address.split("/")[1] in made.history
                continue
            target = unquote(address) or name
            assert (folder / target).is_file(), f"{name}: {address}"
            assert not place or place in ids[target], f"{name}: #{place}"


def test_no_page_asks_another_host_for_anything(release: tuple[Path, Release]) -> None:
    for name, text in pages(release[0]).items():
        for tag, attrs in Tree(text).found:
            assert "src" not in attrs and "srcset" not in attrs, name
            if tag == "link":
                assert not attrs["href"].startswith(("http", "//")), name
        style = text.split("<style>")[1].split("</style>")[0]
        assert "url(" not in style and "@import" not in style


def test_pages_can_be_used_with_a_screen_reader(release: tuple[Path, Release]) -> None:
    for name, text in pages(release[0]).items():
        tree = Tree(text)
        assert tree.all("html") == [{"lang": "zh-CN"}]
        assert [len(tree.all(t)) for t in ("h1", "main", "header", "footer")] == [1, 1, 1, 1]
        levels = [int(t[1]) for t, _ in tree.found if re.fullmatch("h[1-6]", t)]
        steps = pairwise(levels)
        assert levels[0] == 1 and all(b <= a + 1 for a, b in steps), f"{name}: {levels}"
        ids = [a["id"] for _, a in tree.found if "id" in a]
        assert len(ids) == len(set(ids)), name
        for attrs in tree.all("svg"):
            assert attrs["role"] == "img" and attrs["aria-labelledby"] in ids, name
        for attrs in tree.all("section"):
            assert attrs["aria-labelledby"] in ids, name
        labels = {a.get("for") for a in tree.all("label")}
        assert {a["id"] for a in tree.all("input", "select")} <= labels
        assert len(tree.all("table")) == len(tree.all("caption"))
        assert all("scope" in a for a in tree.all("th"))
        assert all(
            "tabindex" in a and a.get("role") == "region" and a.get("aria-label")
            for a in tree.all("div")
            if "scroll" in a.get("class", "").split()
        )


def test_the_index_stays_below_a_megabyte_with_a_hundred_datasets(tmp_path: Path) -> None:
    long = "用于说明数据集内容、来源和口径的摘要。" * 10
    columns = [*COUNTY, *((f"figure_{i}", f"很长的指标名称{i}", "number", {}) for i in range(40))]
    datasets = [
        built(
            tmp_path,
            contract(f"dataset_{i}", f"数据集{i}", "A dataset", columns, summary_zh=long),
            [["141102", "离石区", *[None] * 40]],
            files=False,
        )
        for i in range(100)
    ]
    write_portal(tmp_path, release_of(datasets))
    assert len(pages(tmp_path)) == 101
    assert (tmp_path / "index.html").stat().st_size < 1_000_000


def test_a_held_dataset_says_why_and_leads_to_the_release_before(
    release: tuple[Path, Release], tmp_path: Path
) -> None:
    text = pages(release[0])["clinic_visit_month.html"]
    assert held().reason_zh in text and held().reason_en in text
    assert 'href="../20261123-0b7d4410/index.html#d-clinic_visit_month"' in text
    assert [a for a in Tree(text).all("a") if "download" in a] == []
    assert "本期暂缓发布" in pages(release[0])["index.html"]
    first = release_of([plain(tmp_path, *PLAIN[0])], [held()], previous=None, history=())
    write_portal(tmp_path, first)
    assert "首期" in pages(tmp_path)["clinic_visit_month.html"]


def test_downloads_show_size_and_checksum_of_the_very_file_and_the_sheet_comes_first(
    release: tuple[Path, Release],
) -> None:
    folder, _ = release
    text = pages(folder)["coal_mine.html"]
    links = [a["href"] for a in Tree(text).all("a") if "download" in a]
    assert links[0].endswith("coal_mine.xlsx")
    for kind in ("xlsx", "csv", "parquet", "geojson"):
        data = (folder / "datasets" / "coal_mine" / f"coal_mine.{kind}").read_bytes()
        assert hashlib.sha256(data).hexdigest() in text


def test_a_suppressed_cell_is_marked_and_a_missing_one_is_not(
    release: tuple[Path, Release], tmp_path: Path
) -> None:
    _, made = release
    coal = next(d for d in made.datasets if d.name == "coal_output_month")
    table = coal.table.slice(40, 30)
    write_portal(tmp_path, release_of([replace(coal, table=table)]))
    text = pages(tmp_path)["coal_output_month.html"]
    assert text.count(">隐去</abbr>") > 0 and "按统计披露控制规则" in text
    year_book = pages(release[0])["county_yearbook.html"]
    assert "隐去</abbr>" not in year_book and "没有数据（空值）" in year_book


def test_a_total_does_not_take_the_scale_of_the_chart_of_its_parts(
    release: tuple[Path, Release],
) -> None:
    text = pages(release[0])["coal_output_month.html"]
    chart = text.split('id="chart"')[1].split('id="preview"')[0]
    assert "柳林县" in chart and "吕梁市：" not in chart
    assert "文水县" in chart.split("没有公布数值，未画出")[0]


def test_an_empty_dataset_has_a_page(tmp_path: Path) -> None:
    columns = [*COUNTY, ("year", "年", "integer", {"key": True}), ("v", "值", "number", {})]
    chart = {"measure": "v", "time": "year", "county": "county_code"}
    place = {"longitude": "v", "latitude": "v"}
    made = contract("empty", "空", "Empty", columns, chart=chart, place=place)
    write_portal(tmp_path, release_of([built(tmp_path, made, [])]))
    assert "本期没有数据行" in pages(tmp_path)["empty.html"]


def test_the_examples_run_in_the_folder_of_the_release(release: tuple[Path, Release]) -> None:
    folder, made = release
    for d in made.datasets:
        shown = {e.language: e.local for e in examples(d, "https://data.example.org/x/")}
        assert set(shown) == {"duckdb", "pandas", "r", "python", "curl"}
        here = Path.cwd()
        os.chdir(folder)
        try:
            with duckdb.connect() as con:
                for statement in filter(str.strip, shown["duckdb"].split(";\n")):
                    assert con.sql(statement).to_arrow_table().num_rows
        finally:
            os.chdir(here)
    coal = next(d for d in made.datasets if d.name == "coal_output_month")
    shown = {e.language: e.local for e in examples(coal, "https://data.example.org/x/")}
    for language in ("pandas", "python"):
        done = subprocess.run(
            [sys.executable, "-c", shown[language] + "\n"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        # 22 months of 13 counties and the city; a code stays text.
        assert "308" in done.stdout and "141100" in done.stdout


def test_the_curl_example_checks_what_it_fetched(
    release: tuple[Path, Release], tmp_path: Path
) -> None:
    folder, made = release
    mine = next(d for d in made.datasets if d.name == "coal_mine")
    code = next(e.local for e in examples(mine, folder.as_uri() + "/") if e.language == "curl")
    done = subprocess.run(["/bin/sh", "-ec", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "coal_mine.csv: OK" in done.stdout


def test_examples_quote_names_that_would_break_out() -> None:
    columns = [('a"b', "名", "string", {"key": True}), ("m'x", "值", "number", {})]
    made = contract("odd", "怪", "Odd", columns, chart={"measure": "m'x", "time": 'a"b'})
    d = built(Path(), made, [["x", None]], files=False)
    file = DataFile("datasets/odd/it's.csv", "csv", "text/csv", 1, "0" * 64)
    shown = {e.language: e.local for e in examples(replace(d, files=(file,)), "https://x/")}
    compile(shown["pandas"], "example", "exec")
    assert '"a""b"' in shown["duckdb"] and "it''s.csv" in shown["duckdb"]


def test_the_pages_give_the_leak_gate_no_cause(release: tuple[Path, Release]) -> None:
    """Figures of eleven digits, sums and checksums are no telephone numbers or cards."""
    folder, made = release
    allowed = {d.name: _allowance(d.contract) for d in made.datasets}
    stopped = [
        f
        for f in scan(folder, allowed)
        if f.file.endswith(".html") and f.confidence is Confidence.STOP
    ]
    assert stopped == []
