"""The rule language of disclosure control: `disclosure_rule` of an open dataset's contract.

A rule says who the respondents are, which columns a reader can add up, and where the contributions
come from; counts and shares are always computed from the contributions, never declared. Thresholds
that are left out follow from the respondents: persons 5 (10 for health, poverty, safety),
enterprises 3 with dominance 85 % and 90 %.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Strict(BaseModel):
    """Unknown properties are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


# Policy of the domain's §6.4: fewer respondents than this are not shown.
MINIMUM_PERSONS = 5
MINIMUM_SENSITIVE_PERSONS = 10
MINIMUM_ENTERPRISES = 3


class Dimension(Strict):
    """A column that says which cell a row is, and how its codes add up."""

    column: str = Field(description="Column of the codes. Null is refused; a total has a code.")
    shared_as: str | None = Field(
        None, description="Name under which linked tables know it; left out: the column."
    )
    total: str | None = Field(
        None, description="Code of the row that is the sum of all codes; left out: there is none."
    )
    groups: dict[str, list[str]] = Field(
        default_factory=dict,
        description="Code of a subtotal → the codes that it is the sum of (groups may nest).",
    )
    prefixes: list[int] = Field(
        default_factory=list,
        description="Subtotals by the first characters of the code, shortest first: 4 makes "
        "`2026` the sum of `2026-01` … `2026-12`.",
    )
    reveals: bool | None = Field(
        None,
        description="Tables of people: a line along it in which everybody stands in one category "
        "reveals, so that category and the zeros beside it are suppressed. Left out: yes for "
        "persons where the codes add up (the safe side), no for enterprises.",
    )

    @model_validator(mode="after")
    def _codes(self) -> Dimension:
        if self.total is not None and self.total in self.groups:
            raise ValueError("the total is not listed among the groups")
        if any(p < 1 for p in self.prefixes) or sorted(set(self.prefixes)) != self.prefixes:
            raise ValueError("prefixes are lengths from 1, shortest first")
        if any(not members for members in self.groups.values()):
            raise ValueError("a group without members")
        return self

    @property
    def name(self) -> str:
        return self.shared_as or self.column


class Contributions(Strict):
    """The table of contributor × cell from which respondents and shares are computed."""

    source: str = Field(description="The served table; never published itself.")
    contributor: str = Field(description="Its column that names the respondent (mine, person_key).")
    columns: dict[str, str] = Field(
        default_factory=dict,
        description="Column of the dataset → its column, where the names differ.",
    )

    def column(self, name: str) -> str:
        return self.columns.get(name, name)


class Dominance(Strict):
    """The largest shares of a cell that one and two respondents may have; at the limit is shown."""

    largest: float = Field(0.85, gt=0, le=1, description="Share of the largest respondent.")
    two_largest: float = Field(0.90, gt=0, le=1, description="Share of the two largest together.")


class Protection(Strict):
    """How far from the truth an intruder must be kept."""

    interval: float = Field(
        0.2,
        gt=0,
        lt=1,
        description="No suppressed cell can be narrowed to within this share of its value.",
    )
    sides: Literal["both", "primary", "either"] = Field(
        "both",
        description="Must the feasible interval pass the limit above and below: for `both` primary "
        "and complementary cells, for `primary` cells only (complementary cells: on at least one "
        "side), or on `either` side for all. Counts beside values: always `either`.",
    )
    contributors_know: bool | None = Field(
        None,
        description="Also withstand a respondent who knows the cells in which nobody else is. "
        "Left out: yes for enterprises.",
    )


class Rounding(Strict):
    """Controlled rounding: multiples of the base that still add up."""

    base: int = Field(5, ge=2, description="Every figure becomes a multiple of it.")


class Frozen(Strict):
    """A period is published once; afterwards only restated with a reason."""

    period: str = Field(description="The dimension's column that holds the period.")


class Derived(Strict):
    """A ratio, share or mean that is not shown where what it is made of is not."""

    column: str = Field(description="Its column.")
    numerator: str | None = Field(None, description="Column above the line (needed to round).")
    denominator: str | None = Field(None, description="Column below the line (needed to round).")
    factor: float = Field(1.0, description="100 for per cent.")


class DisclosureRule(Strict):
    """What must hold before a table of sums or counts is shown to the public."""

    respondents: Literal["persons", "enterprises"] = Field(
        description="Whom the figures are about."
    )
    sensitivity: Literal["general", "health", "poverty", "safety"] = Field(
        "general", description="Persons: `health`, `poverty` and `safety` need 10, else 5."
    )
    minimum_count: int | None = Field(
        None, ge=1, description="Respondents that a shown cell needs at least; left out: as above."
    )
    dominance: Dominance | None = Field(
        None, description="Left out: 85 % and 90 % for values of enterprises, none for persons."
    )
    basis: str | None = Field(
        None, description="Why a threshold is weaker than the standard one; must then be said."
    )
    dimensions: list[Dimension] = Field(min_length=1, description="What a cell is, in order.")
    values: list[str] = Field(
        default_factory=list, description="Columns that are sums of the contributions' column."
    )
    counts: list[str] = Field(
        default_factory=list, description="Columns that count different contributors."
    )
    wholes: dict[str, str] = Field(
        default_factory=dict,
        description="Persons: a counted column → the column of all people of the cell, which is "
        "shown. 0 %, 100 % and all but a few reveal.",
    )
    derived: list[Derived] = Field(
        default_factory=list, description="Columns that fall with the figures of their row."
    )
    unaffected: list[str] = Field(
        default_factory=list,
        description="Other columns that may stay in a suppressed row (names, announced capacity). "
        "A column that the rule does not name is refused.",
    )
    contributions: Contributions = Field(description="Where counts and shares are computed from.")
    method: Literal["suppress", "round"] = Field(
        "suppress", description="Suppression, or controlled rounding (counts of persons only)."
    )
    rounding: Rounding = Field(
        default_factory=lambda: Rounding.model_validate({}), description="With `round`."
    )
    protection: Protection = Field(
        default_factory=lambda: Protection.model_validate({}), description="With `suppress`."
    )
    frozen: Frozen | None = Field(None, description="Frozen cadence.")
    linked: list[str] = Field(
        default_factory=list,
        description="Open datasets of the same release that show sums of the same figures.",
    )
    tolerance: float = Field(
        0.0,
        ge=0,
        description="How far a shown figure may be from the sum of its contributions because it "
        "was rounded for display (half of the last digit).",
    )
    status_column: str = Field(
        "conf_status",
        description="Column that is added: `F` shown, `C` confidential (SDMX CL_CONF_STATUS).",
    )

    @model_validator(mode="after")
    def _consistent(self) -> DisclosureRule:
        columns = [d.column for d in self.dimensions]
        if len({d.name for d in self.dimensions}) < len(columns) or len(set(columns)) < len(
            columns
        ):
            raise ValueError("a dimension stands twice")
        if not self.measures:
            raise ValueError("neither values nor counts are named: nothing could be evaluated")
        named = [*columns, *self.measures, *(d.column for d in self.derived), *self.unaffected]
        twice = sorted({n for n in named if named.count(n) > 1})
        if twice:
            raise ValueError(f"column named twice: {', '.join(twice)}")
        if self.status_column in named:
            raise ValueError(f"status_column {self.status_column} is a column of the table")
        return self

    @model_validator(mode="after")
    def _evaluable(self) -> DisclosureRule:
        for part, whole in self.wholes.items():
            if part not in self.counts or whole not in self.unaffected:
                raise ValueError(f"wholes: {part} must be among counts, {whole} among unaffected")
        if self.method == "round":
            self._roundable()
        if self.frozen:
            period = next((d for d in self.dimensions if d.column == self.frozen.period), None)
            if period is None:
                raise ValueError(f"frozen: {self.frozen.period} is no dimension")
            if period.total or period.groups or period.prefixes:
                raise ValueError("frozen: periods that add up cannot be frozen one by one")
        return self

    def _roundable(self) -> None:
        if self.respondents != "persons" or self.values:
            raise ValueError("rounding protects counts of persons only")
        if any(not (d.numerator and d.denominator) for d in self.derived):
            raise ValueError("round: derived columns need numerator and denominator")

    @model_validator(mode="after")
    def _not_weaker_in_silence(self) -> DisclosureRule:
        weaker = self.minimum_count is not None and self.minimum_count < self._standard_minimum
        if self.dominance and self.respondents == "enterprises":
            weaker |= self.dominance.largest > 0.85 or self.dominance.two_largest > 0.90
        weaker |= self.protection.interval < 0.2 or self.protection.sides != "both"
        if weaker and not self.basis:
            raise ValueError("a threshold is weaker than the standard one: say why in `basis`")
        return self

    @property
    def _standard_minimum(self) -> int:
        if self.respondents == "enterprises":
            return MINIMUM_ENTERPRISES
        return MINIMUM_PERSONS if self.sensitivity == "general" else MINIMUM_SENSITIVE_PERSONS

    @property
    def least(self) -> int:
        """Respondents that a shown cell needs at least."""
        return self._standard_minimum if self.minimum_count is None else self.minimum_count

    @property
    def dominated_above(self) -> Dominance | None:
        if self.dominance is None and self.respondents == "enterprises":
            return Dominance.model_validate({})
        return self.dominance

    @property
    def measures(self) -> list[str]:
        """The columns that are suppressed and audited: values, then counts."""
        return [*self.values, *self.counts]

    @property
    def contributor_attack(self) -> bool:
        known = self.protection.contributors_know
        return self.respondents == "enterprises" if known is None else known
