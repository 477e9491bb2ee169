"""Writes the pages of a release."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from onesource.contracts.model import CodeList
from onesource.publish.model import BuiltDataset, HeldDataset, Release
from onesource.publish.portal import view, words
from onesource.publish.portal.cells import preview
from onesource.publish.portal.examples import examples
from onesource.publish.portal.view import Drawings, drawings
from onesource.publish.processes import Processes

HERE = Path(__file__).resolve().parent
EARLIER_SHOWN = 12
_LARGE = 300_000  # rows: some seconds of one core
# E-mail addresses and web addresses in a contact become links; nothing else does.
_MAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_WEB = re.compile(r"https?://[^\s<>\"']+")


@dataclass(frozen=True)
class Card:
    """A dataset as the index shows it."""

    dataset: BuiltDataset | HeldDataset
    department: str
    formats: tuple[str, ...]
    words: str

    @property
    def is_held(self) -> bool:
        return isinstance(self.dataset, HeldDataset)


@dataclass(frozen=True)
class Theme:
    name: str
    anchor: str
    cards: tuple[Card, ...]


def write_portal(
    folder: Path,
    release: Release,
    *,
    codelists: Mapping[str, CodeList] | None = None,
    processes: Processes | None = None,
) -> None:
    """Writes `index.html` and one `<name>.html` for each dataset, also for those that are held.

    Replaces pages of the same names. Each page stands alone: style and script are in it and are
    named by their digest in the page's security policy, which allows nothing else. The same
    arguments give the same bytes. codelists: whose codes the dictionaries show, where given.
    processes: for a large release; None: this one alone.
    """
    for name, text in _Pages(release, codelists or {}, processes or Processes(1)).all():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


class _Pages:
    def __init__(
        self, release: Release, codelists: Mapping[str, CodeList], processes: Processes
    ) -> None:
        self.release, self.codelists, self.processes = release, codelists, processes
        self.environment = _environment()
        self.uri = release.base_uri.rstrip("/") + f"/releases/{release.id}/"
        self.site = {
            "release": release,
            "uri": self.uri,
            "earlier": release.history[:EARLIER_SHOWN],
            **_assets(),
        }

    def all(self) -> Iterable[tuple[str, str]]:
        yield "index.html", self._render("index.html.j2", **self._index())
        datasets = self.release.datasets
        # Of the release, drawings need the names and places of its divisions only.
        bare = replace(self.release, datasets=(), held=())
        is_large = sum(d.rows for d in datasets) > _LARGE
        work = [(d, bare) for d in datasets]
        drawn = self.processes.each(drawings, work, is_large=is_large)
        for d, drawing in zip(datasets, drawn, strict=True):
            page = self._render("dataset.html.j2", **self._dataset(d, drawing))
            yield f"{d.name}.html", page
        for h in self.release.held:
            yield f"{h.contract.name}.html", self._render("held.html.j2", **self._held(h))

    def _render(self, template: str, **values: Any) -> str:
        text = self.environment.get_template(template).render(**self.site, **values)
        return text.strip() + "\n"

    def _department(self, d: BuiltDataset | HeldDataset) -> str:
        return view.department(d.contract, self.release)

    def _card(self, d: BuiltDataset | HeldDataset) -> Card:
        formats = tuple(f.label for f in view.downloads(d)) if isinstance(d, BuiltDataset) else ()
        return Card(d, self._department(d), formats, view.search_words(d))

    def _index(self) -> Mapping[str, Any]:
        cards = [self._card(d) for d in self.release.datasets]
        cards += [self._card(h) for h in self.release.held]
        cards.sort(key=lambda c: (c.is_held, c.dataset.contract.name))
        names = sorted({c.dataset.contract.open.theme for c in cards})
        themes = [
            Theme(n, f"theme-{i}", tuple(c for c in cards if c.dataset.contract.open.theme == n))
            for i, n in enumerate(names, start=1)
        ]
        rank = [label for label, _ in words.FORMATS.values()]
        formats = {f for c in cards for f in c.formats}
        return {
            "themes": themes,
            "departments": sorted({c.department for c in cards}),
            "formats": sorted(formats, key=lambda f: (rank.index(f) if f in rank else 99, f)),
            "rows": sum(d.rows for d in self.release.datasets),
            "cells": sum(d.rows * len(d.contract.fields) for d in self.release.datasets),
        }

    def _dataset(self, d: BuiltDataset, drawing: Drawings) -> Mapping[str, Any]:
        return {
            "dataset": d,
            "contract": d.contract,
            "open": d.contract.open,
            "department": self._department(d),
            "downloads": view.downloads(d),
            "chart_title": view.chart_title(d.contract),
            "chart": drawing.chart,
            "tile_maps": drawing.tile_maps,
            "points": drawing.points,
            "preview": preview(d),
            "dictionary": view.dictionary(d.contract, self.codelists),
            "examples": examples(d, self.uri),
            "change_words": view.change_words(d.difference),
            "change_tables": view.change_tables(d.difference),
            "proof": view.proof_items(d),
            "place": self._place(d),
            "related": view.related(d, self.release),
        }

    def _held(self, h: HeldDataset) -> Mapping[str, Any]:
        return {
            "held": h,
            "contract": h.contract,
            "open": h.contract.open,
            "department": self._department(h),
            "place": self._place(h),
            "related": view.related(h, self.release),
        }

    def _place(self, d: BuiltDataset | HeldDataset) -> str:
        code = d.contract.open.spatial
        names = {**self.release.counties, self.release.city_code: self.release.city}
        return f"{names[code]}（{code}）" if code in names else code


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "size": words.size,
        "beijing": words.beijing,
        "number": words.number,
        "contact": _contact,
        # A file's path as an address: a name may hold what an address may not.
        "address": lambda path: quote(path, safe="/"),
    }
    return environment


def _contact(text: str) -> Markup:
    """The text, escaped, its addresses as links."""
    parts: list[Markup] = []
    at = 0
    found = [(m, "mailto:") for m in _MAIL.finditer(text)]
    found += [(m, "") for m in _WEB.finditer(text)]
    for match, scheme in sorted(found, key=lambda f: f[0].start()):
        if match.start() < at:
            continue
        parts.append(Markup("{}").format(text[at : match.start()]))
        parts.append(Markup('<a href="{}{}">{}</a>').format(scheme, match[0], match[0]))
        at = match.end()
    return Markup("").join([*parts, Markup("{}").format(text[at:])])


def _assets() -> Mapping[str, Markup]:
    """Style, script and the policy that allows these two and nothing else."""
    style = (HERE / "assets" / "portal.css").read_text(encoding="utf-8").strip()
    script = (HERE / "assets" / "portal.js").read_text(encoding="utf-8").strip()
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return {"style": Markup(style), "script": Markup(script), "policy": Markup(policy)}


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
