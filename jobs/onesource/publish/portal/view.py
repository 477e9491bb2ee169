"""What the page of a dataset says, in the words of the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from onesource.contracts.model import CodeList, Contract, FieldSpec
from onesource.publish.model import BuiltDataset, DataFile, Difference, HeldDataset, Release
from onesource.publish.portal.line_chart import LineChart, line_chart
from onesource.publish.portal.point_map import PointMap, point_map
from onesource.publish.portal.series import chart_series, county_values
from onesource.publish.portal.tile_grid import Tile
from onesource.publish.portal.tile_map import TileMap, tile_map
from onesource.publish.portal.words import FORMATS, TYPES, unit_zh

MAPS_SHOWN = 4
KEYS_ON_PAGE = 20
CODES_ON_PAGE = 60
KINDS = (("added", "新增", "added"), ("changed", "更正", "changed"), ("removed", "移除", "removed"))
PROOF_WORDS = (
    ("cells", "单元格总数"),
    ("suppressed", "隐去的单元格"),
    ("primary", "其中直接隐去"),
    ("complementary", "其中为防反推另行隐去"),
)


@dataclass(frozen=True)
class Download:
    file: DataFile
    label: str
    note: str

    @property
    def name(self) -> str:
        return self.file.path.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class DictionaryRow:
    """codes: code and name of each, where they are known and few."""

    field: FieldSpec
    type: str
    unit: str
    codelist: str
    codes: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ChangeTable:
    """Keys of one kind. more: how many there are that the page does not show."""

    word: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int


def department(contract: Contract, release: Release) -> str:
    """Who provides the dataset, as the office was called on the day of the release."""
    uscc = contract.properties.provider_uscc or ""
    if uscc in release.departments:
        return release.departments[uscc]
    if uscc == release.publisher.get("uscc"):
        return release.publisher["name"]
    # A steward is written "office section"; the office is what readers filter by.
    said = (contract.properties.steward or contract.open.contact).split()
    return said[0] if said else uscc


def downloads(dataset: BuiltDataset) -> tuple[Download, ...]:
    """The data files, those for most readers first."""
    order = list(FORMATS)
    known = sorted(
        dataset.files,
        key=lambda f: (order.index(f.format.lower()) if f.format.lower() in order else 99, f.path),
    )
    return tuple(Download(f, *FORMATS.get(f.format.lower(), (f.format.upper(), ""))) for f in known)


def dictionary(contract: Contract, codelists: Mapping[str, CodeList]) -> tuple[DictionaryRow, ...]:
    return tuple(_dictionary_row(f, codelists) for f in contract.fields)


def _dictionary_row(field: FieldSpec, codelists: Mapping[str, CodeList]) -> DictionaryRow:
    codelist = field.properties.codelist or ""
    codes: tuple[tuple[str, str], ...] = tuple((c, "") for c in field.enum)
    found = codelists.get(codelist)
    if found and len(found.rows) <= CODES_ON_PAGE:
        codes = tuple(dict.fromkeys((r.code, r.name) for r in found.rows))
    kind = TYPES.get(field.logical_type, field.logical_type)
    title = found.title if found else codelist
    return DictionaryRow(field, kind, unit_zh(field.properties.unit), title, codes)


@dataclass(frozen=True)
class Drawings:
    """What is drawn of a dataset, where there is something to draw."""

    chart: LineChart | None
    tile_maps: tuple[TileMap, ...]
    points: PointMap | None


def drawings(work: tuple[BuiltDataset, Release]) -> Drawings:
    dataset, release = work
    tiles = {code: Tile(*at) for code, at in release.tile_grid.items()}
    return Drawings(
        line_chart_of(dataset, release),
        tile_maps_of(dataset, release, tiles),
        point_map_of(dataset, release),
    )


def line_chart_of(dataset: BuiltDataset, release: Release) -> LineChart | None:
    chart = dataset.contract.open.chart
    if chart is None or chart.time is None:
        return None
    places = {**release.counties, release.city_code: release.city}
    found = chart_series(dataset, chart, places)
    return line_chart(found, _measure_unit(dataset)) if found else None


def tile_maps_of(
    dataset: BuiltDataset, release: Release, tiles: Mapping[str, Tile]
) -> tuple[TileMap, ...]:
    """One map for each facet, the first few of them."""
    chart = dataset.contract.open.chart
    if chart is None or chart.county is None or not release.counties:
        return ()
    unit = _measure_unit(dataset)
    return tuple(
        tile_map(values, release.counties, tiles, unit, facet=facet, time=time, how=how)
        for facet, time, values, how in county_values(dataset, chart, release.counties)[:MAPS_SHOWN]
    )


def point_map_of(dataset: BuiltDataset, release: Release) -> PointMap | None:
    return point_map(dataset, release.counties) if dataset.contract.open.place else None


def chart_title(contract: Contract) -> str:
    chart = contract.open.chart
    if chart is None:
        return ""
    return chart.title_zh or contract.field(chart.measure).business_name


def _measure_unit(dataset: BuiltDataset) -> str:
    chart = dataset.contract.open.chart
    assert chart is not None
    return unit_zh(dataset.contract.field(chart.measure).properties.unit)


def change_tables(diff: Difference) -> tuple[ChangeTable, ...]:
    """The first keys of each kind that has any; a new dataset has none to tell apart."""
    if diff.rows_before is None:
        return ()
    made = []
    for kind, zh, en in KINDS:
        keys = diff.keys.get(kind, ())
        if not keys:
            continue
        heads = tuple(keys[0])
        rows = tuple(tuple(k.get(h, "") for h in heads) for k in keys[:KEYS_ON_PAGE])
        made.append(
            ChangeTable(f"{zh} {en}", heads, rows, diff.counts.get(kind, len(keys)) - len(rows))
        )
    return tuple(made)


def change_words(diff: Difference) -> str:
    """One sentence on rows."""
    if diff.rows_before is None:
        return "本期新增的数据集"
    if diff.is_empty:
        return "与上一期相同"
    parts = [f"{zh} {diff.counts[k]:,} 行" for k, zh, _ in KINDS if diff.counts.get(k)]
    if diff.schema:
        parts.append("数据项有变化：" + "，".join(diff.schema))
    return f"{diff.rows_before:,} 行变为 {diff.rows:,} 行；" + "，".join(parts)


def proof_items(dataset: BuiltDataset) -> tuple[tuple[str, str], ...]:
    """How many cells were taken away; the whole proof is in a file."""
    counts = dataset.proof.get("tables", {}).get(dataset.name, {})
    return tuple((zh, f"{counts[key]:,}") for key, zh in PROOF_WORDS if key in counts)


def search_words(dataset: BuiltDataset | HeldDataset) -> str:
    """What a search finds beside the text of the card: column names, codes, keywords."""
    c = dataset.contract
    fields = [w for f in c.fields for w in (f.business_name, f.name)]
    known = [c.name, c.properties.catalogue_code or "", c.open.theme, *c.open.keywords, *fields]
    return " ".join(dict.fromkeys(w for w in known if w))


def related(dataset: BuiltDataset | HeldDataset, release: Release) -> tuple[BuiltDataset, ...]:
    """Other datasets with the same source, theme or a keyword in common; the closest first."""
    mine = dataset.contract.open

    def closeness(other: BuiltDataset) -> int:
        o = other.contract.open
        shared = len(set(o.keywords) & set(mine.keywords))
        return 4 * (o.source == mine.source) + 2 * (o.theme == mine.theme) + shared

    others = [d for d in release.datasets if d.name != dataset.contract.name and closeness(d)]
    return tuple(sorted(others, key=lambda d: (-closeness(d), d.name))[:5])
