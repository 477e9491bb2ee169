"""Where a table, a delivery and a record stand in the lake."""

from __future__ import annotations

from pathlib import Path

from onesource.config import Settings
from onesource.contracts.model import Contract, Kind


def bronze_path(settings: Settings, feed: Contract) -> Path:
    return settings.root("bronze") / feed.sector / feed.name


def quarantine_path(settings: Settings, feed: Contract) -> Path:
    return settings.root("quarantine") / feed.sector / feed.name


def table_path(settings: Settings, contract: Contract) -> Path:
    """The Delta folder of a served table (silver, registry or curated).

    Silver of base feeds that name persons stands in the registries' zone, as `_silver/…`: no
    other zone above quarantine may hold identities.
    """
    if contract.kind is Kind.REGISTRY:
        return settings.root("registry") / contract.name
    if contract.holds_identities:
        return settings.root("registry") / "_silver" / contract.sector / contract.name
    layer = "silver" if contract.kind is Kind.FEED else "curated"
    return settings.root(layer) / contract.sector / contract.name


def landing_path(settings: Settings, feed: Contract) -> Path:
    return settings.root("landing") / feed.sector / feed.name


def staging_path(settings: Settings, feed: Contract, step: str) -> Path:
    """Where a batch stands between standardising and serving; removed after the step.

    Under quarantine's root: it holds rejected rows with their raw values.
    """
    return settings.root("quarantine") / "_staging" / feed.sector / f"{feed.name}-{step}"


def scratch_path(settings: Settings, table: str, step: str) -> Path:
    """Where the builder of a registry table may put rows down while it works; removed after it."""
    return settings.root("registry") / "_staging" / f"{table.split('.', 1)[1]}-{step}"


def told_path(settings: Settings, table: str, version: int) -> Path:
    """What the patch that made a version of a registry table touched."""
    return settings.root("registry") / "_told" / table.split(".", 1)[1] / str(version)
