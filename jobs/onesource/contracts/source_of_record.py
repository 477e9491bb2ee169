"""数源清单: which provider is the one source of each registry attribute, by date.

`schemas/source_of_record.yaml` says it; its head explains the words. Rules that held once stay in
the list, so that a night of then is judged by the rules of then.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from onesource import digests
from onesource.contracts.load import Path_, Source, dates_as_text, read_yaml
from onesource.errors import ContractError

if TYPE_CHECKING:
    from onesource.contracts.model import Catalogue

FILE = "source_of_record.yaml"
ANY = "*"  # every attribute of a registry that no other rule names
DUE_DAYS = 10  # 51号文: a department answers a doubt within ten working days

_Name = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z][a-z0-9_]*)$")]
_Table = Annotated[str, StringConstraints(pattern=r"^registry\.[a-z][a-z0-9_]*$")]
_Uscc = Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{18}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Provider(_Strict):
    """One feed that speaks of an attribute.

    rank: 1 is the first; feeds of one rank stand equal, and of them the later word holds.
    fills_null: may it fill what those before leave empty. max_age_days: after so many days its
    word yields to those behind it (None: never).
    """

    feed: str
    rank: int
    fills_null: bool
    max_age_days: int | None


class _Entry(_Strict):
    """One line of `providers` as it is written."""

    feeds: tuple[str, ...] = Field(min_length=1)
    fills_null: bool = True
    max_age_days: int | None = Field(None, ge=0)


class _Written(_Strict):
    """One rule as it is written."""

    registry: _Table
    attributes: tuple[_Name, ...] = Field(min_length=1)
    providers: tuple[_Entry, ...]
    owner: _Uscc | None = None
    due_days: int = Field(DUE_DAYS, ge=1, le=250)
    valid_from: date | None = None
    valid_to: date | None = None


class Rule(_Strict):
    """What holds for one attribute from `valid_from` to before `valid_to` (None: open).

    departments: (name, valid_from, valid_to) of the owner, as `city.yaml` has them.
    """

    registry: str
    attribute: str
    providers: tuple[Provider, ...]
    owner_uscc: str
    due_days: int
    valid_from: date | None
    valid_to: date | None
    line: int = 0
    departments: tuple[tuple[str, str, str], ...] = ()

    def holds_on(self, day: date) -> bool:
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_to is None or day < self.valid_to)

    def owner_name(self, day: date) -> str:
        """What the owner is called on a day; before it was founded its first name, after it was
        dissolved its last, and its USCC where `city.yaml` does not know it."""
        known = sorted(self.departments, key=lambda d: d[1])
        before = [name for name, begins, _ in known if begins <= day.isoformat()]
        return before[-1] if before else known[0][0] if known else self.owner_uscc


class SourceOfRecord(_Strict):
    """The list. `digest` changes with what it says, not with its remarks."""

    rules: tuple[Rule, ...] = ()
    path: Path | None = None

    @cached_property
    def _by_attribute(self) -> Mapping[tuple[str, str], tuple[Rule, ...]]:
        found: dict[tuple[str, str], list[Rule]] = {}
        for rule in self.rules:
            found.setdefault((rule.registry, rule.attribute), []).append(rule)
        return {k: tuple(sorted(v, key=_begins)) for k, v in found.items()}

    def find(self, registry: str, attribute: str, day: date) -> Rule | None:
        """The rule of an attribute on a day, or None where the list has none."""
        named = self._by_attribute.get((registry, attribute))
        rules = named or self._by_attribute.get((registry, ANY), ())
        return next((r for r in rules if r.holds_on(day)), None)

    def attribute(self, registry: str, attribute: str, day: date) -> Rule:
        """The rule of an attribute on a day. Raises ContractError where the list has none."""
        rule = self.find(registry, attribute, day)
        if rule is None:
            raise ContractError(
                f"no rule names {registry}.{attribute} on {day.isoformat()}",
                where=str(self.path or FILE),
                todo="add it to the source-of-record list",
            )
        return rule

    def digest(self, day: date) -> str:
        """Of all that the list says on a day: who speaks, in which order, and who owns."""
        apart = {"line", "departments", "valid_from", "valid_to"}
        said = [r.model_dump(mode="json", exclude=apart) for r in self.rules if r.holds_on(day)]
        return digests.of_json(sorted(said, key=lambda r: (r["registry"], r["attribute"])))


def _begins(rule: Rule) -> str:
    return rule.valid_from.isoformat() if rule.valid_from else ""


def load_source_of_record(path: Path, catalogue: Catalogue | None = None) -> SourceOfRecord:
    """The list from its file; empty where there is none.

    With a catalogue each owner has its names, and where a rule names none, it is the provider of
    the first feed. Raises ContractError (file, line, field) at the first thing that is wrong:
    shape, dates, a day on which an attribute has two rules or none.
    """
    found, errors = read_source_of_record(path, catalogue)
    if errors:
        raise errors[0]
    return found


def read_source_of_record(
    path: Path, catalogue: Catalogue | None = None
) -> tuple[SourceOfRecord, list[ContractError]]:
    """What the file says rightly, and everything that is wrong with it."""
    if not path.is_file():
        return SourceOfRecord(path=path), []
    try:
        raw, lines = read_yaml(path)
    except ContractError as e:
        return SourceOfRecord(path=path), [e]
    source = Source(path, dates_as_text(raw), lines)
    errors: list[ContractError] = []
    items = source.raw.get("rules") if isinstance(source.raw, dict) else None
    if not isinstance(items, list) or set(source.raw) != {"rules"}:
        return SourceOfRecord(path=path), [source.error((), "must be one list, `rules`")]
    rules: list[Rule] = []
    for i, item in enumerate(items):
        try:
            written = _Written.model_validate(item)
        except ValidationError as e:
            errors += [
                source.error(("rules", i, *error["loc"]), error["msg"])
                for error in e.errors(include_url=False)
            ]
            continue
        errors += _own(source, written, i)
        if written.providers:
            rules += _expanded(written, source.lines.at(("rules", i)), catalogue)
    found = SourceOfRecord(rules=tuple(rules), path=path)
    if not errors:  # a rule that is wrong would look like a hole
        errors += _spans(source, found)
    return found, sorted(errors, key=lambda e: _line_of(e.where))


def _line_of(where: str) -> int:
    line = where.rpartition(":")[2]
    return int(line) if line.isdigit() else 0


def _own(source: Source, rule: _Written, i: int) -> Iterator[ContractError]:
    """What is wrong within one rule."""
    at: Path_ = ("rules", i)
    if rule.valid_from and rule.valid_to and rule.valid_from >= rule.valid_to:
        yield source.error((*at, "valid_to"), "is not after valid_from")
    for j, name in enumerate(rule.attributes):
        if name in rule.attributes[:j]:
            yield source.error((*at, "attributes", j), f"{name} stands twice")
    if ANY in rule.attributes and len(rule.attributes) > 1:
        yield source.error((*at, "attributes"), f"{ANY} stands alone")
    if not rule.providers:
        yield source.error((*at, "providers"), "names no feed")
    seen: set[str] = set()
    for j, entry in enumerate(rule.providers):
        for feed in entry.feeds:
            if feed in seen:
                yield source.error((*at, "providers", j), f"the feed {feed} stands twice")
            seen.add(feed)


def _expanded(rule: _Written, line: int, catalogue: Catalogue | None) -> Iterator[Rule]:
    providers = tuple(
        Provider(feed=f, rank=rank, fills_null=e.fills_null, max_age_days=e.max_age_days)
        for rank, e in enumerate(rule.providers, start=1)
        for f in e.feeds
    )
    owner = rule.owner or ""
    if not owner and catalogue is not None:
        first = catalogue.feeds.get(providers[0].feed)
        owner = (first.properties.provider_uscc if first else None) or ""
    known = catalogue.city.departments if catalogue is not None else ()
    departments = tuple(
        (str(d["name"]), str(d.get("valid_from") or ""), str(d.get("valid_to") or ""))
        for d in known
        if d.get("uscc") == owner
    )
    for attribute in rule.attributes:
        yield Rule(
            registry=rule.registry,
            attribute=attribute,
            providers=providers,
            owner_uscc=owner,
            due_days=rule.due_days,
            valid_from=rule.valid_from,
            valid_to=rule.valid_to,
            line=line,
            departments=departments,
        )


def _spans(source: Source, found: SourceOfRecord) -> Iterator[ContractError]:
    """Days of an attribute with two rules, or with none between its first rule and for ever."""
    for (registry, attribute), rules in found._by_attribute.items():
        name = f"{registry}.{attribute}"
        for a, b in pairwise(rules):
            where = f"{source.path}:{b.line}"
            if a.valid_to is None or b.valid_from is None or b.valid_from < a.valid_to:
                day = b.valid_from.isoformat() if b.valid_from else "the beginning"
                what = f"{name}: two rules hold on {day} (the other is in line {a.line})"
                yield ContractError(what, where=where, todo="end the older one with valid_to")
            elif a.valid_to < b.valid_from:
                what = f"{name}: no rule holds from {a.valid_to} to before {b.valid_from}"
                yield ContractError(what, where=where)
        last = rules[-1]
        if last.valid_to is not None:
            what = f"{name}: no rule holds from {last.valid_to} on"
            yield ContractError(what, where=f"{source.path}:{last.line}", todo="add the next one")
