"""`onesource status --html FILE`: the lake on one page for the engineer, to be opened anywhere.

The file stands alone: no script, no request. It holds no rows, only counts and reasons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from onesource.config import BEIJING, Settings
from onesource.lake.files import write_atomically
from onesource.run.nights import History, history
from onesource.run.overview import Overview, TableStatus, overview

_LAYERS = ("silver", "registry", "curated")
_ROW, _WIDTH, _GAP, _TOP = 26, 300, 90, 40
_SPARK_W, _SPARK_H = 120, 24


@dataclass(frozen=True)
class Box:
    """A table in the drawing: its corner, its name without the layer, its state."""

    x: int
    y: int
    name: str
    title: str
    state: str


@dataclass(frozen=True)
class Drawing:
    """The graph of tables: boxes by layer, and a path for each input."""

    width: int
    height: int
    boxes: tuple[Box, ...]
    lines: tuple[str, ...]


def write_status_page(settings: Settings, path: Path, day: date | None = None) -> None:
    """Writes the page. Raises OneSourceError when the file cannot be written."""
    found = overview(settings, day)
    past = history(settings)
    page = _environment().get_template("status.html.j2")
    text = page.render(
        o=found,
        h=past,
        series={s.table: s for s in past.series},
        drawing=drawing(found, past),
        spark=sparkline,
        minute=_minute,
        states={"passed": "通过", "held": "扣留", "failed": "出错", "waiting": "待数据"},
    )
    write_atomically(path, text)


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("onesource.cli"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def drawing(found: Overview, past: History) -> Drawing:
    """Places every table in the column of its layer, in the order of their names."""
    boxes: dict[str, Box] = {}
    for column, layer in enumerate(_LAYERS):
        own = [t for t in found.tables if t.table.startswith(f"{layer}.")]
        for row, t in enumerate(sorted(own, key=lambda t: t.table)):
            x = column * (_WIDTH + _GAP)
            boxes[t.table] = Box(
                x, _TOP + row * (_ROW + 8), t.table.split(".", 1)[1], _title(t), t.verdict
            )
    lines = [
        _line(boxes[a], boxes[b]) for a, b in past.edges if a in boxes and b in boxes and a != b
    ]
    height = max((b.y for b in boxes.values()), default=0) + _ROW + 8
    width = len(_LAYERS) * _WIDTH + (len(_LAYERS) - 1) * _GAP + 40
    return Drawing(width, height, tuple(boxes.values()), tuple(lines))


def _title(t: TableStatus) -> str:
    reason = f"：{t.reason_zh} {t.reason_en}" if t.reason_en else ""
    return f"{t.name_zh} {t.verdict}{reason}"


def _line(a: Box, b: Box) -> str:
    """From the right edge of a table to the left edge of what is built from it; within a layer,
    round the right side."""
    y1, y2 = a.y + _ROW // 2, b.y + _ROW // 2
    x1 = a.x + _WIDTH
    if a.x == b.x:
        out = x1 + 30
        return f"M{x1} {y1} C{out} {y1} {out} {y2} {x1} {y2}"
    middle = (x1 + b.x) // 2
    return f"M{x1} {y1} C{middle} {y1} {middle} {y2} {b.x} {y2}"


def sparkline(values: Sequence[int]) -> str:
    """Points of a small line over the runs, for an SVG of 120 × 24; empty for less than two."""
    if len(values) < 2:
        return ""
    most, least = max(values), min(values)
    span = (most - least) or 1
    step = (_SPARK_W - 4) / (len(values) - 1)
    return " ".join(
        f"{2 + i * step:.1f},{_SPARK_H - 3 - (v - least) / span * (_SPARK_H - 6):.1f}"
        for i, v in enumerate(values)
    )


def _minute(at: str | None) -> str:
    return f"{datetime.fromisoformat(at).astimezone(BEIJING):%Y-%m-%d %H:%M}" if at else "–"
