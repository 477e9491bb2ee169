"""What a linkage compares: the spec, as YAML or made from the headers, checked when read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from onesource.contracts.load import Lines, dates_as_text, read_yaml
from onesource.errors import ContractError

NAME = r"^[a-z][a-z0-9_]*$"
# What can be taken out of a field to block on it: `surname.first3`, `title.words`.
VIEW = re.compile(
    r"^([a-z][a-z0-9_]*)(?:\.(year|month_day|soundex|words|grams|"
    r"(?:first|last)[1-9][0-9]?|rounded))?$"
)
Score = Annotated[float, Field(ge=0, le=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """One of the two files: how it is read where that cannot be seen, and its id column."""

    id: str | None = None
    encoding: str = "auto"
    delimiter: str | None = None


class FieldSpec(_Strict):
    """A field: where it stands in either file, and how it is made comparable.

    column: its header in both files; left, right: where they differ. standardiser: one of the
    project's, or folded (small letters, no accents, no punctuation), number, or raw. derive: an
    identity number's field from which a missing birth date or sex is taken. either: which part
    of a day stands first where the numbers leave it open.
    """

    column: str | list[str] | None = None
    left: str | list[str] | None = None
    right: str | list[str] | None = None
    standardiser: str = "folded"
    args: dict[str, str] = {}
    derive: str | None = None
    day_order: Literal["auto", "dmy", "mdy"] = "auto"


class RuleSpec(_Strict):
    """A rule that decides without a score: all of its conditions hold.

    equal: these fields are equal. any_equal: of these groups one is equal throughout. near: edit
    distance 1 (one character or two neighbours swapped). one_fails: exactly one side failed the
    check of its standardiser. not_other: these are equal, or missing on a side.
    candidate: it proposes, it does not link.
    """

    name: Annotated[str, Field(pattern=NAME)]
    equal: list[str] = []
    any_equal: list[list[str]] = []
    near: list[str] = []
    one_fails: list[str] = []
    not_other: list[str] = []
    candidate: bool = False
    score: Score | None = None


Kind = Literal[
    "exact",
    "text",
    "string",
    "person_name",
    "chinese_name",
    "date",
    "number",
    "place",
    "code",
]


class ComparisonSpec(_Strict):
    """How two values of a field, or of several, are compared; the levels go from alike to not.

    levels: similarities (string, text), differences (number: absolute, or a share with `share`),
    metres (place); left out, the kind's own. measure: for string. frequency: a rare value that
    agrees says more than a common one. identity: false where agreement is no evidence beside a
    person's name (see `name_alone`).
    """

    kind: Kind
    fields: Annotated[list[str], Field(min_length=1)]
    levels: list[float] = []
    measure: Literal["jaro_winkler", "levenshtein"] = "jaro_winkler"
    share: bool = False
    frequency: bool = True
    identity: bool = True

    @property
    def name(self) -> str:
        return "_".join(self.fields)


class BlockLimits(_Strict):
    """pairs_per_key: a key that would make more is split by further fields, else left out.
    pairs: what may be compared in all."""

    pairs_per_key: Annotated[int, Field(ge=1)] = 50_000
    pairs: Annotated[int, Field(ge=1)] = 30_000_000


class Spec(_Strict):
    """A whole linkage. See docs/link.md for every key."""

    kind: Literal["person", "organisation", "thing"] = "thing"
    left: Source = Source()
    right: Source = Source()
    id: str | None = None
    fields: Annotated[dict[str, FieldSpec], Field(min_length=1)]
    rules: list[RuleSpec] = []
    comparisons: Annotated[list[ComparisonSpec], Field(min_length=1)]
    blocking: list[list[str]] = []
    limits: BlockLimits = BlockLimits()
    threshold: Score = 0.5
    candidate_threshold: Score = 0.1
    assign: Literal["best", "one_to_one", "all"] = "best"
    name_alone: Literal["candidate", "link"] = "candidate"
    cohesion: Score = 0.3
    seed: int = 1

    @field_validator("fields")
    @classmethod
    def _names(cls, fields: dict[str, FieldSpec]) -> dict[str, FieldSpec]:
        for name in fields:
            if not re.match(NAME, name):
                raise ValueError(f"the name {name} is not written in small letters a-z, 0-9 and _")
        return fields

    def id_column(self, side: int) -> str | None:
        """The header of the id column of the left (0) or right (1) file, if one is named."""
        return (self.left, self.right)[side].id or self.id


def load_spec(path: Path) -> Spec:
    """Reads a spec. Raises ContractError naming file, line and key."""
    if not path.is_file():
        raise ContractError("there is no such spec", where=str(path))
    value, lines = read_yaml(path)
    if not isinstance(value, dict):
        raise ContractError(
            "is no linkage spec", where=f"{path}:1", todo="it needs fields and comparisons"
        )
    try:
        spec = Spec.model_validate(_long_form(dates_as_text(value)))
    except ValidationError as e:
        raise _first(e, path, lines) from e
    check_spec(spec, path, lines)
    return spec


def _long_form(value: dict[str, Any]) -> dict[str, Any]:
    """The short ways of writing, written out: `field:`, a field that is only its column, and
    blocking on a single view."""
    found = dict(value)
    if isinstance(found.get("fields"), dict):
        found["fields"] = {
            k: {} if v is None else {"column": v} if isinstance(v, str) else v
            for k, v in found["fields"].items()
        }
    if isinstance(found.get("comparisons"), list):
        found["comparisons"] = [
            {**{k: v for k, v in c.items() if k != "field"}, "fields": [c["field"]]}
            if isinstance(c, dict) and "field" in c and "fields" not in c
            else c
            for c in found["comparisons"]
        ]
    if isinstance(found.get("blocking"), list):
        found["blocking"] = [[b] if isinstance(b, str) else b for b in found["blocking"]]
    return found


def _first(e: ValidationError, path: Path, lines: Lines) -> ContractError:
    error = e.errors(include_url=False)[0]
    at = tuple(p for p in error["loc"] if isinstance(p, str | int))
    key = ".".join(str(p) for p in at)
    what = {
        "extra_forbidden": f"{key}: there is no such key",
        "missing": f"{key} is missing",
    }.get(error["type"], f"{key}: {error['msg'].removeprefix('Value error, ')}")
    return ContractError(what, where=f"{path}:{lines.at(at)}", todo="docs/link.md lists the keys")


def check_spec(spec: Spec, path: Path | None = None, lines: Lines | None = None) -> None:
    """References between the parts of a spec. Raises ContractError naming line and key."""
    from onesource.clean.standardisers import check_args
    from onesource.registry.linkage.prepare import OWN_STANDARDISERS

    def fail(what: str, at: tuple[str | int, ...], todo: str = "") -> ContractError:
        where = f"{path}:{lines.at(at)}" if lines else str(path or "the spec")
        return ContractError(what, where=where, todo=todo)

    known = f"the fields are {', '.join(spec.fields)}"
    for name, f in spec.fields.items():
        if f.standardiser not in OWN_STANDARDISERS:
            try:
                check_args(f.standardiser, f.args)
            except Exception as e:
                where = ("fields", name, "standardiser")
                raise fail(f"fields.{name}: {getattr(e, 'what', e)}", where) from e
        if f.derive is not None and f.derive not in spec.fields:
            raise fail(f"fields.{name}.derive: there is no field {f.derive}", ("fields", name))
    for i, c in enumerate(spec.comparisons):
        for used in c.fields:
            if used not in spec.fields:
                at = ("comparisons", i)
                raise fail(f"comparisons.{i}: there is no field {used}", at, known)
        _check_comparison(c, i, fail)
    names = [c.name for c in spec.comparisons]
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise fail(f"comparisons: {twice} is compared twice", ("comparisons",))
    for i, r in enumerate(spec.rules):
        used_in_rule = [
            *r.equal,
            *r.near,
            *r.one_fails,
            *r.not_other,
            *(f for g in r.any_equal for f in g),
        ]
        for used in used_in_rule:
            if used not in spec.fields:
                raise fail(f"rules.{i} ({r.name}): there is no field {used}", ("rules", i), known)
        if not r.equal and not any(r.any_equal):
            what = f"rules.{i} ({r.name}): no field must be equal, so every pair would be looked at"
            raise fail(what, ("rules", i), "name a field under equal")
    for i, rule in enumerate(spec.blocking):
        for view in rule:
            match = VIEW.match(view)
            if match is None or match.group(1) not in spec.fields:
                what = f"blocking.{i}: {view} is no field, nor a part of one"
                raise fail(what, ("blocking", i), known)


def _check_comparison(c: ComparisonSpec, i: int, fail: Any) -> None:
    """The number of fields and the order of levels that a kind can have."""
    most = {"person_name": 2, "place": 2}.get(c.kind, 1)
    if len(c.fields) > most or (c.kind == "place" and len(c.fields) != 2):
        what = f"comparisons.{i}: {c.kind} takes {most} field{'s' if most > 1 else ''}"
        raise fail(what, ("comparisons", i))
    falling = c.kind in ("string", "text") and not (c.kind == "string" and _edits(c))
    ordered = sorted(c.levels, reverse=falling)
    if list(c.levels) != ordered:
        way = "from the highest to the lowest" if falling else "from the lowest to the highest"
        raise fail(f"comparisons.{i}.levels do not go {way}", ("comparisons", i, "levels"))
    if falling and any(not 0 < v <= 1 for v in c.levels):
        what = f"comparisons.{i}.levels: a similarity is above 0 and at most 1"
        raise fail(what, ("comparisons", i, "levels"))
    if c.kind in ("exact", "code", "person_name", "chinese_name", "date") and c.levels:
        raise fail(f"comparisons.{i}: {c.kind} has levels of its own", ("comparisons", i))


def _edits(c: ComparisonSpec) -> bool:
    return c.measure == "levenshtein"
