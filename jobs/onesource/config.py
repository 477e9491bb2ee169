"""Where things are: read once from the environment, then passed on."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from onesource.errors import UsageError

LAYERS = ("landing", "bronze", "silver", "quarantine", "registry", "curated", "ops")
# China keeps one civil time without summer time since 1991; departments' times are in it.
BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")


@dataclass(frozen=True)
class Settings:
    """The places and switches of one process.

    home: the checkout (schemas/, expectations/, jobs/sql/). lake: root of all layers unless
    `ONESOURCE_ROOT_<LAYER>` parts one. spark: a master URL or `sc://…`. open: what the public gets.
    """

    home: Path
    lake: Path
    keys: Path
    spark: str = "local[*]"
    roots: Mapping[str, Path] = field(default_factory=dict)
    cache: Path = Path(".cache")
    open: Path = Path("open")

    @staticmethod
    def from_environment(env: Mapping[str, str] | None = None) -> Settings:
        """Reads ONESOURCE_HOME, _LAKE, _ROOT_<LAYER>, _KEYS, _SPARK, _CACHE,
        _OPEN.

        Raises UsageError when the project's folder cannot be found.
        """
        env = os.environ if env is None else env
        home = Path(env["ONESOURCE_HOME"]) if env.get("ONESOURCE_HOME") else _find_home()
        home = home.resolve()
        if not (home / "schemas").is_dir():
            raise UsageError(
                f"no folder schemas/ in {home}",
                todo="set ONESOURCE_HOME to the project's folder, or work inside it",
            )
        lake = Path(env.get("ONESOURCE_LAKE") or home / "lake").absolute()
        roots = {
            layer: Path(env[f"ONESOURCE_ROOT_{layer.upper()}"]).absolute()
            for layer in LAYERS
            if env.get(f"ONESOURCE_ROOT_{layer.upper()}")
        }
        return Settings(
            home=home,
            lake=lake,
            keys=Path(env.get("ONESOURCE_KEYS") or home / "keys").absolute(),
            spark=env.get("ONESOURCE_SPARK") or "local[*]",
            roots=roots,
            cache=Path(env.get("ONESOURCE_CACHE") or home / ".cache").absolute(),
            open=Path(env.get("ONESOURCE_OPEN") or home / "open").absolute(),
        )

    @property
    def schemas(self) -> Path:
        return self.home / "schemas"

    @property
    def expectations(self) -> Path:
        return self.home / "expectations"

    @property
    def sql(self) -> Path:
        return self.home / "jobs" / "sql"

    def root(self, layer: str) -> Path:
        """The root folder of a layer: parted by the environment, or `<lake>/<layer>`."""
        return self.roots.get(layer, self.lake / layer)


def _find_home() -> Path:
    for folder in (Path.cwd(), *Path.cwd().parents):
        if (folder / "schemas").is_dir() and (folder / "jobs" / "onesource").is_dir():
            return folder
    # An editable install lives at <home>/jobs/onesource/config.py.
    return Path(__file__).resolve().parents[2]


def now() -> datetime:
    """The present, with microseconds, in UTC."""
    return datetime.now(UTC)
