"""Who looks whether files came: a trigger that the triggerer runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from onesource_airflow.inbox import settled


class InboxTrigger(BaseEventTrigger):
    """Fires when settled files lie in a folder, and again when others do."""

    def __init__(self, folder: str, seconds: float) -> None:
        super().__init__()
        self.folder, self.seconds = folder, seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        where = f"{type(self).__module__}.{type(self).__qualname__}"
        return where, {"folder": self.folder, "seconds": self.seconds}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        told: set[Path] = set()
        while True:
            files = set(await asyncio.to_thread(settled, Path(self.folder)))
            if files - told:
                yield TriggerEvent({"files": len(files)})
            told = files
            await asyncio.sleep(self.seconds)
