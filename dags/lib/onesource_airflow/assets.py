"""The assets that tie the DAGs together: a sector's inbox, a feed, a served table."""

from __future__ import annotations

import os

from airflow.sdk import Asset, AssetWatcher

from onesource_airflow import places
from onesource_airflow.watch import InboxTrigger

_POLL_SECONDS = float(os.environ.get("ONESOURCE_INBOX_SECONDS") or 30)


def inbox(sector: str) -> Asset:
    """Files in the inbox of a sector: the triggerer looks, and an event starts the sector."""
    folder = places.inbox() / sector
    trigger = InboxTrigger(folder=str(folder), seconds=_POLL_SECONDS)
    return Asset(
        name=f"inbox/{sector}",
        uri=f"onesource://inbox/{sector}",
        group="inbox",
        watchers=[AssetWatcher(name=f"files in inbox/{sector}", trigger=trigger)],
    )


def feed(identity: str) -> Asset:
    """A feed that was delivered by other ways: whoever did so makes an event (UI, REST API)."""
    return Asset(name=f"feed/{identity}", uri=f"onesource://feed/{identity}", group="feed")


def table(name: str) -> Asset:
    """A served table; its events carry `version`, `rows`, `verdict`."""
    return Asset(
        name=name, uri=f"onesource://lake/{name.replace('.', '/')}", group=name.split(".")[0]
    )
