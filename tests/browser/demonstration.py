"""A release to look at: fourteen datasets of a made-up city. All figures are synthetic."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from onesource.publish.model import BuiltDataset, Difference, HeldDataset, Quality, Release
from tests.browser.open_data import (
    COUNTIES,
    COUNTY,
    DATA,
    ENERGY,
    RELEASE_FILES,
    STATISTICS,
    TOURISM,
    built,
    column,
    contract,
    decimal,
    noise,
    release_of,
)


def year_book(folder: Path) -> BuiltDataset:
    made = contract(
        "county_yearbook",
        "县(市、区)统计年鉴主要指标",
        "Main figures of the county year-book",
        [
            *COUNTY,
            column("year", "年份", "integer", key=True),
            column("gdp_yuan", "地区生产总值", "number", unit="yuan", description="当年价格。"),
            column("population_10k", "常住人口", "number", unit="10k person"),
            column("suspect_zh", "存疑说明", description="指标之间不一致时的说明。"),
        ],
        STATISTICS,
        theme="经济建设",
        keywords=["统计", "人口", "地区生产总值"],
        cycle="每年",
        temporal="year",
        method="由各年统计年鉴录入,指标之间相互核对;存疑的数值保留原值并注明原因。",
        limitations="2000 年以前的区划与今不同。",
        chart={"measure": "gdp_yuan", "time": "year", "county": "county_code"},
    )
    rows: list[list[Any]] = []
    for code, name in COUNTIES.items():
        base = 2e9 + 8e9 * noise("gdp", code)
        for year in range(2000, 2023):
            grown = base * 1.09 ** (year - 2000) * (0.9 + 0.2 * noise(code, year))
            known = not (code == "141128" and year in (2008, 2009))
            suspect = "与三次产业之和相差 12%" if noise("s", code, year) > 0.97 else None
            gdp = decimal(grown) if known else None
            rows.append([code, name, year, gdp, decimal(10 + 50 * noise("p", code)), suspect])
    keys = tuple({"county_code": "141128", "year": str(y)} for y in (2010, 2011))
    return built(
        folder,
        made,
        rows,
        difference=Difference(
            286,
            len(rows),
            schema=("+ suspect_zh",),
            counts={"added": 13, "changed": 2},
            keys={"changed": keys},
            reasons=("市统计局 2026-11-20 更正方山县 2010–2011 年数据",),
        ),
    )


def coal_output(folder: Path) -> BuiltDataset:
    hidden = {"141121", "141122", "141127", "141130", "141182"}
    rule = {
        "respondents": "enterprises",
        "dimensions": [{"column": "county_code", "total": "141100"}, {"column": "month"}],
        "values": ["output_t"],
        "unaffected": ["county_name"],
        "contributions": {"source": "curated.energy_coal_mine_month", "contributor": "mine_id"},
    }
    made = contract(
        "coal_output_month",
        "分县原煤月产量",
        "Raw coal output by county and month",
        [
            *COUNTY,
            column("month", "月份", key=True, description="YYYY-MM"),
            column("output_t", "产量", "number", unit="t"),
            column("conf_status", "公布状态", enum=("F", "C"), description="C:隐去"),
        ],
        ENERGY,
        theme="资源能源",
        theme_eu="ENER",
        keywords=["煤炭", "产量"],
        grain="一县一月一行,另有全市合计",
        temporal="month",
        disclosure_rule=rule,
        chart={"measure": "output_t", "time": "month", "county": "county_code"},
    )
    rows: list[list[Any]] = []
    for month in (f"{y}-{m:02d}" for y in (2025, 2026) for m in range(1, 13)):
        if month > "2026-10":
            continue
        total = 0.0
        for code, name in COUNTIES.items():
            value = 0.0 if code == "141126" else 3e5 + 2e6 * noise(code) * (0.8 + noise(month))
            total += value
            away = code in hidden
            shown = None if away else decimal(value)
            rows.append([code, name, month, shown, "C" if away else "F"])
        rows.append(["141100", "吕梁市", month, decimal(total), "F"])
    counts = {"cells": len(rows), "suppressed": 110, "primary": 110, "complementary": 0}
    return built(
        folder,
        made,
        sorted(rows, key=lambda r: (r[0], r[2])),
        proof={"tables": {"coal_output_month": counts}},
        difference=Difference(
            294,
            308,
            counts={"added": 14},
            keys={"added": tuple({"county_code": c, "month": "2026-10"} for c in COUNTIES)},
        ),
    )


def mines(folder: Path) -> BuiltDataset:
    made = contract(
        "coal_mine",
        "煤矿名录与核定产能",
        "Coal mines and approved capacity",
        [
            column("mine_id", "煤矿编号", key=True),
            column("mine_name", "煤矿名称", required=True),
            column("county_code", "县(市、区)代码", codelist="county"),
            column("status", "状态", enum=("生产", "在建", "停产")),
            column("capacity_mtpa", "核定产能", "number", unit="Mt/a"),
            column("longitude", "经度", "number", unit="deg"),
            column("latitude", "纬度", "number", unit="deg"),
        ],
        ENERGY,
        theme="资源能源",
        theme_eu="ENER",
        keywords=["煤矿", "产能"],
        grain="一座煤矿一行",
        cycle="每季度",
        place={"longitude": "longitude", "latitude": "latitude", "decimals": 3},
        chart={"measure": "capacity_mtpa", "county": "county_code"},
    )
    codes = list(COUNTIES)
    rows = [
        [
            f"M{i:04d}",
            f"演示{i}号煤矿",
            codes[int(noise("c", i) * 12.99)],
            ("生产", "在建", "停产")[int(noise("st", i) * 2.99)],
            decimal(0.3 + 5 * noise("cap", i) ** 2),
            decimal(110.7 + 1.3 * noise("x", i)),
            decimal(36.9 + 1.5 * noise("y", i)),
        ]
        for i in range(1, 96)
    ]
    rows[3][5] = rows[3][6] = None
    return built(folder, made, rows, quality=Quality(92.0, "2026-10-02T18:05:00+00:00", False))


def renewable(folder: Path) -> BuiltDataset:
    made = contract(
        "renewable_output_month",
        "风光发电月统计",
        "Wind and solar output by month",
        [
            column("energy_kind", "能源类型", key=True, enum=("风电", "光伏")),
            column("month", "月份", key=True),
            column("energy_mwh", "发电量", "number", unit="MWh"),
        ],
        ENERGY,
        theme="资源能源",
        theme_eu="ENER",
        keywords=["风电", "光伏", "新能源"],
        grain="一种能源一月一行",
        temporal="month",
        chart={"measure": "energy_mwh", "time": "month"},
    )
    months = [f"{y}-{m:02d}" for y in (2023, 2024, 2025) for m in range(1, 13)]
    rows = [
        [kind, month, decimal(60000 + 40000 * noise(kind, month) + 600 * i)]
        for kind in ("风电", "光伏")
        for i, month in enumerate(months)
        if not (kind == "光伏" and month == "2024-05")
    ]
    return built(
        folder,
        made,
        rows,
        quality=Quality(
            99.1,
            "2026-11-01T18:05:00+00:00",
            True,
            "11 月数据未通过质量关:发电量合计与总表不符",
            "the data of November did not pass the gate",
        ),
    )


def visitors(folder: Path) -> BuiltDataset:
    made = contract(
        "scenic_day",
        "景区日接待人次",
        "Visitors to scenic spots by day",
        [
            column("day", "日期", "date", key=True),
            column("spot", "景区", key=True),
            column("visitors", "接待人次", "integer", unit="visit"),
        ],
        TOURISM,
        theme="文化旅游",
        theme_eu="SOCI",
        keywords=["景区", "旅游"],
        cycle="每日",
        temporal="day",
        opening="依条件公开",
        condition="用于公开发表时请注明数据来源和发布编号。",
        chart={"measure": "visitors", "time": "day"},
    )
    first = date(2026, 1, 1)
    rows = [
        [first + timedelta(days=i), spot, int(400 + 6000 * noise(spot, i) ** 3)]
        for i in range(300)
        for spot in ("碛口古镇", "北武当山", "玄中寺")
    ]
    return built(folder, made, sorted(rows))


def hostile(folder: Path) -> BuiltDataset:
    """Names and cells that would run or break a page which does not escape them."""
    evil = "<script>window.broken=1</script>"
    made = contract(
        "division_change",
        f"行政区划变更 {evil}",
        f"Changes of divisions \"'>{evil}",
        [
            column("code", "代码", key=True),
            column("what", f"事项 {evil}", description="</td></table><img src=x onerror=broken()>"),
            column("at", "时间", "timestamp"),
            column("merged", "是否合并", "boolean"),
        ],
        theme="基础信息",
        theme_eu="REGI",
        summary_zh=f"乡镇撤并与更名。{evil}",
        keywords=['"><b>', "区划"],
        contact=f'数据科 {evil} https://example.org/?a=1&b="2',
        method=evil,
        cycle="不定期",
    )
    at = datetime(2021, 5, 1, 8, 30)
    rows = [
        ["141124109000", evil, at, True],
        ["141126104000", "=HYPERLINK(1) & 'x'", None, False],
        ["141126104001", "很长的说明" * 60, at, None],
    ]
    unjudged = Quality(None, "", None)
    return built(folder, made, rows, quality=unjudged, difference=Difference(None, 3))


def plain(folder: Path, name: str, zh: str, en: str, theme: str, office: str) -> BuiltDataset:
    columns = [column("code", "代码", key=True), column("name", "名称", required=True)]
    made = contract(name, zh, en, columns, office, theme=theme, cycle="每年")
    return built(folder, made, [[f"{i:03d}", f"{zh}{i}"] for i in range(1, 31)])


def held() -> HeldDataset:
    made = contract(
        "clinic_visit_month",
        "医疗机构月诊疗量",
        "Visits to clinics by month",
        [column("month", "月份", key=True)],
        theme="医疗卫生",
        theme_eu="HEAL",
    )
    return HeldDataset(
        made,
        "开放审批已于 2026-10-31 到期,待市卫生健康委员会续批。",
        "The approval ended on 2026-10-31 and has not been renewed.",
    )


PLAIN = (
    ("division_history", "行政区划沿革", "History of divisions", "基础信息", DATA),
    ("data_quality", "数据质量与时效", "Data quality and freshness", "政务公开", DATA),
    ("catalogue", "开放数据目录", "The catalogue itself", "政务公开", DATA),
    ("heritage", "文物保护单位名录", "Protected heritage", "文化旅游", TOURISM),
    ("library", "公共图书馆名录", "Public libraries", "文化旅游", TOURISM),
    ("price_index", "居民消费价格指数", "Consumer prices", "经济建设", STATISTICS),
    ("bus_stop", "公交站点名录", "Bus stops", "交通运输", DATA),
)


def demonstration(folder: Path) -> Release:
    """The release, with the files of its datasets and stand-ins for those around the pages."""
    datasets = [year_book(folder), coal_output(folder), mines(folder), renewable(folder)]
    datasets += [visitors(folder), hostile(folder)]
    datasets += [plain(folder, *p) for p in PLAIN]
    for name in RELEASE_FILES:
        (folder / name).write_text("stand-in\n")
    return release_of(datasets, (held(),))
