"""The pages in a real Chromium, as a reader meets them."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from tests.browser.chromium import Page

PAGES = (
    *("index.html", "county_yearbook.html", "coal_output_month.html", "coal_mine.html"),
    *("renewable_output_month.html", "scenic_day.html", "division_change.html"),
    "clinic_visit_month.html",
)
SHOWN = "Array.from(document.querySelectorAll('.card:not([hidden]) h3 a')).map(a => a.textContent)"
# The contrast of every text against what is painted under it (WCAG 2, 1.4.3).
CONTRAST = """(() => {
  const rgb = c => (c.match(/[\\d.]+/g) || []).map(Number);
  const lum = ([r, g, b]) => [r, g, b].map(v => { v /= 255;
    return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; })
    .reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
  const under = e => {
    for (let p = e; p; p = p.parentElement) {
      if (p.tagName === 'g' && p.querySelector(':scope > rect'))
        return rgb(getComputedStyle(p.querySelector('rect')).fill);
      const c = rgb(getComputedStyle(p).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = Array.from(e.childNodes).some(n => n.nodeType === 3 && n.data.trim());
    if (!own || !e.getClientRects().length || e.closest('title, script, style, meter')) continue;
    const style = getComputedStyle(e), isSvg = e instanceof SVGElement;
    const a = lum(rgb(isSvg ? style.fill : style.color)), b = lum(under(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5) poor.push([ratio.toFixed(2), e.className.baseVal ?? e.className,
      e.textContent.slice(0, 30)]);
  }
  return poor;
})()"""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_without_an_error_and_asks_for_nothing_else(
    page: Page, address: str, name: str
) -> None:
    page.open(address + name)
    assert page.run("document.querySelectorAll('h1').length") == 1
    assert page.messages == []
    assert [r for r in page.requests if not r.startswith("data:")] == [address + name]
    assert page.run("typeof window.broken") == "undefined"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_from_disk(page: Page, folder: Path, name: str) -> None:
    page.open((folder / name).as_uri())
    assert page.messages == []
    # Style and script are let through by the policy.
    assert page.run("getComputedStyle(document.querySelector('.skip')).position") == "absolute"
    scripted = "!document.getElementById('filters')?.hidden && !document.querySelector('.example')"
    assert page.run(f"({scripted}) || !!document.querySelector('.copy')")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("煤矿", ["煤矿名录与核定产能"]),
        ("原煤 月产", ["分县原煤月产量"]),
        ("GENERATION_没有", []),
        ("gdp_yuan", ["县(市、区)统计年鉴主要指标"]),
        ("307/demo/heritage", ["文物保护单位名录"]),
        ("ＣＯＡＬ　ｍｉｎｅ", ["煤矿名录与核定产能"]),
    ],
)
def test_search_finds_parts_of_chinese_names_columns_and_codes(
    page: Page, address: str, words: str, names: list[str]
) -> None:
    page.open(address + "index.html")
    page.click("#q")
    page.type(words)
    assert page.run(SHOWN) == names
    assert page.run("document.getElementById('none').hidden") == bool(names)
    assert str(len(names)) in page.run("document.getElementById('count').textContent")


def test_filters_work_together_are_kept_in_the_address_and_are_cleared(
    page: Page, address: str
) -> None:
    page.open(address + "index.html")
    every = page.run(SHOWN)
    set_ = "(() => {{ const s = document.getElementById('{}'); s.value = '{}';"
    fire = "s.dispatchEvent(new Event('change', {bubbles: true})); })()"
    page.run(set_.format("theme", "资源能源") + fire)
    assert len(page.run(SHOWN)) == 3
    page.run(set_.format("format", "GeoJSON") + fire)
    assert page.run(SHOWN) == ["煤矿名录与核定产能"]
    found = page.run("location.href")
    page.open(found)
    assert page.run(SHOWN) == ["煤矿名录与核定产能"]
    page.click("button[type=reset]")
    page.wait(f"{SHOWN}.length === {len(every)}", "the filters were not cleared")
    assert page.run("location.search") == ""


def test_an_address_with_unknown_filters_shows_everything(page: Page, address: str) -> None:
    page.open(address + "index.html?theme=%E6%97%A0&x=%3Cscript%3E")
    assert len(page.run(SHOWN)) == 14
    assert page.messages == []


def test_without_script_everything_is_listed_and_can_be_reached(
    page: Page, address: str, folder: Path
) -> None:
    page.without_script()
    page.open(address + "index.html")
    text = page.call("Runtime.evaluate", expression="document.body.innerText")["result"]["value"]
    assert "搜索" not in text and "煤矿名录与核定产能" in text
    page.open(address + "coal_mine.html")
    assert page.messages == []


def test_a_download_link_gives_the_file(
    page: Page, address: str, folder: Path, tmp_path: Path
) -> None:
    page.download_to(tmp_path)
    page.open(address + "coal_mine.html")
    page.click(".actions a")
    wanted = folder / "datasets" / "coal_mine" / "coal_mine.xlsx"
    got = tmp_path / "coal_mine.xlsx"
    until = time.monotonic() + 20
    while not got.exists() and time.monotonic() < until:
        page.run("1")
        time.sleep(0.05)
    assert hashlib.sha256(got.read_bytes()).digest() == hashlib.sha256(wanted.read_bytes()).digest()


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("width", [320, 768, 1280])
def test_no_page_is_wider_than_the_window(page: Page, address: str, name: str, width: int) -> None:
    page.resize(width, 800)
    page.open(address + name)
    wide = page.run("document.documentElement.scrollWidth")
    assert wide <= width
    # What is wider scrolls inside a region that a keyboard can reach.
    assert page.run(
        "Array.from(document.querySelectorAll('.scroll, pre')).every(e =>"
        " e.scrollWidth <= e.clientWidth + 1 || e.tabIndex === 0 || e.tagName === 'PRE')"
    )


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(page: Page, address: str, name: str, scheme: str) -> None:
    if scheme == "dark":
        page.dark()
    page.open(address + name)
    page.run("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.run(CONTRAST) == []


def test_the_keyboard_reaches_the_text_first_and_its_place_is_seen(
    page: Page, address: str
) -> None:
    page.open(address + "index.html")
    page.press("Tab", 9)
    assert page.run("document.activeElement.className") == "skip"
    assert page.run("document.activeElement.getBoundingClientRect().left") >= 0
    for _ in range(5):
        page.press("Tab", 9)
    outline = page.run("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"


def test_examples_read_over_the_web_carry_the_address(page: Page, address: str) -> None:
    page.open(address + "coal_mine.html")
    code = page.run("document.querySelector('[data-language=pandas]').textContent")
    assert f'"{address}datasets/coal_mine/coal_mine.csv"' in code


def test_a_filter_by_keyboard_keeps_the_status_readable_aloud(page: Page, address: str) -> None:
    page.open(address + "index.html")
    page.run("document.getElementById('theme').focus()")
    page.press("ArrowDown", 40)
    page.wait(f"{SHOWN}.length < 14", "the arrow key changed nothing")
    assert page.run("document.getElementById('count').getAttribute('aria-live')") == "polite"


def test_the_contrast_check_sees_what_is_too_pale(page: Page, address: str) -> None:
    page.open(address + "coal_mine.html")
    page.run("document.querySelector('h1').style.color = '#999'")
    page.run("document.querySelector('.q0 text').style.fill = '#bbb'")
    assert len(page.run(CONTRAST)) == 2


def test_print_hides_what_paper_cannot_use(page: Page, address: str) -> None:
    page.open(address + "coal_mine.html")
    page.call("Emulation.setEmulatedMedia", media="print")
    assert page.run("getComputedStyle(document.querySelector('.toc')).display") == "none"
    assert page.run("getComputedStyle(document.querySelector('.scroll')).overflowX") == "visible"
