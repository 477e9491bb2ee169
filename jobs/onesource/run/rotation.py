"""Rotation of the person key: one run makes all tokens and keys anew, and is served whole or not.

The next version waits in the folder until that run has served every table that holds tokens or
keys; only then it comes into use. A run in between works with the version in use. A rotation that
stopped goes on with the version that waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from onesource import person_keys
from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.curate.persons import uses_person_key
from onesource.errors import OneSourceError
from onesource.lake.manifest import read_manifest
from onesource.person_keys import PersonKey
from onesource.run.active_key import active_key, known_keys
from onesource.run.engine import RunReport, run
from onesource.run.plan import build_graph


@dataclass(frozen=True)
class KeyStatus:
    """One version: `in use`, `waits` or `old`, and the served tables that were made with it."""

    key: PersonKey
    state: str
    tables: tuple[str, ...]


def status(settings: Settings) -> list[KeyStatus]:
    """Every version that there is, oldest first. Raises OneSourceError."""
    active_key(settings)
    ring = person_keys.ring(settings.keys)
    made = known_keys(settings)
    served = read_manifest(settings).tables
    found = []
    for key in ring.keys:
        tables = sorted(t for t, k in made.items() if k == key.id and t in served)
        newer = "waits" if key.version > ring.active else "old"
        found.append(KeyStatus(key, "in use" if key == ring.current else newer, tuple(tables)))
    return found


def keyed_tables(settings: Settings) -> list[str]:
    """The tables that hold tokens or keys, in building order."""
    graph = build_graph(settings, load_catalogue(settings.schemas))
    return [t for t in graph.order if uses_person_key(graph.contracts[t], graph.sql.get(t))]


def rotate(settings: Settings, say: Callable[[str], None], *, lost: bool = False) -> RunReport:
    """Makes the next version, makes all tables anew with it, and puts it into use.

    Nothing is served, and the version in use stays, when one of them does not pass (the report
    says which); the version that waits is taken again next time. Raises OneSourceError.

    lost: no version is left. A new one, of a number that no table knows, is in use at once.
    """
    if lost:
        key = _in_place_of_lost(settings)
    else:
        active_key(settings)
        key = person_keys.add_version(settings.keys)
    tables = keyed_tables(settings)
    say(f"person key {key.name}: {len(tables)} tables are made anew")
    if not tables:
        person_keys.activate(settings.keys, key.version)
        return RunReport("", (), (), 0.0)
    report = run(settings, words=[f"{t}+" for t in tables], say=say, rekey_with=key)
    if person_keys.ring(settings.keys).current == key:
        say(f"person key {key.name} is in use; onesource keys retire destroys the one before")
    return report


def _in_place_of_lost(settings: Settings) -> PersonKey:
    """The key that is there, as a rotation that stopped left it, or a new one."""
    if not person_keys.exists(settings.keys):
        numbers = [int(k.split(":")[1].removeprefix("v")) for k in known_keys(settings).values()]
        person_keys.begin(settings.keys, max(numbers, default=0) + 1)
    return person_keys.ring(settings.keys).current


def retire(settings: Settings, version: int) -> PersonKey:
    """Destroys a version. Raises OneSourceError while it is in use or a served table needs it."""
    key = person_keys.ring(settings.keys).version(version)
    waiting = [s for s in status(settings) if s.key == key and s.tables]
    if waiting:
        raise OneSourceError(
            f"{', '.join(waiting[0].tables)} was made with {key.name}",
            todo="onesource keys rotate makes it anew",
        )
    person_keys.retire(settings.keys, version)
    return key
