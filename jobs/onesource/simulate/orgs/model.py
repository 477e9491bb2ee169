"""A made-up organisation and its states; what a file holds of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import date

from onesource.simulate.identifiers import uscc
from onesource.simulate.orgs.words import GIVEN, ROADS, SURNAMES, SYLLABLES

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_BODY = "0123456789ABCDEFGHJKLMNPQRTUWXY"

FEED_OF = {"agency": "public_institution", "institution": "public_institution"}
FEED_OF |= {"mass": "public_institution", "social": "social_organisation"}
FEED_OF |= {"collective": "rural_collective"}


@dataclass(slots=True)
class Org:
    """An organisation as it is since `approved_on`; `truth` names the thing through all states."""

    truth: str
    kind: str
    number: str
    uscc: str
    name: str
    org_type: str
    registered_on: date
    approved_on: date
    county: str
    address: str
    industry: str
    capital: int
    rep_name: str
    rep_id: str
    registrar: str
    status: str = "存续"
    registration_no: str = ""
    former: tuple[str, ...] = ()
    cancelled_on: date | None = None
    revoked_on: date | None = None
    parent: str = ""
    change: str = "设立"
    predecessor: str = ""
    successor: str = ""
    share: str = ""
    active: bool = True
    industry_stat: str = ""

    @property
    def feed(self) -> str:
        return FEED_OF.get(self.kind, "enterprise")

    @property
    def organisation_code(self) -> str:
        return f"{self.uscc[8:16]}-{self.uscc[16]}"

    @property
    def tax_no(self) -> str:
        """Before the unified code: county and organisation code; since then the code itself."""
        if self.registration_no:
            return self.uscc[2:8] + self.uscc[8:17]
        return self.uscc

    def copy(self) -> Org:
        return replace(self)


@dataclass
class Town:
    """A county being simulated: its organisations, names in use and running numbers."""

    county: str
    name: str
    draw: random.Random
    orgs: list[Org] = field(default_factory=list)
    states: list[Org] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    count: int = 0

    @property
    def stem(self) -> str:
        return self.name[:-1] if len(self.name) > 2 else self.name

    def next_number(self) -> int:
        self.count += 1
        return self.count

    def code(self, kind: str, n: int, division: str | None = None) -> str:
        """A unified code: the county's index and a running number make it the only one."""
        first = {"N": "MF", "1": "MB"}.get(kind[0], "MA")
        digits, rest = "", int(self.county[-3:]) * 200_000 + n
        for _ in range(6):
            digits = _BODY[rest % 31] + digits
            rest //= 31
        return uscc(kind, division or self.county, first + digits)

    def title(self, middle: str, end: str, head: str | None = None) -> str:
        """A name that nobody else in the county has."""
        head = self.stem if head is None else head
        size = 2
        while True:
            for _ in range(8):
                brand = "".join(self.draw.choice(SYLLABLES) for _ in range(size))
                name = f"{head}{brand}{middle}{end}"
                if name not in self.names:
                    self.names.add(name)
                    return name
            size += 1

    def place(self) -> str:
        d = self.draw
        return f"山西省吕梁市{self.name}{d.choice(ROADS)}{d.randint(1, 980)}号{d.randint(1, 60)}室"

    def person(self) -> tuple[str, str]:
        """Name and number of somebody made up, born 1955 to 1998."""
        d = self.draw
        born = date.fromordinal(date(1955, 1, 1).toordinal() + d.randrange(44 * 365))
        head = f"{self.county}{born:%Y%m%d}{d.randrange(1000):03d}"
        total = sum(int(c) * w for c, w in zip(head, _ID_WEIGHTS, strict=True))
        given = "".join(d.choice(GIVEN) for _ in range(d.choice((1, 2, 2))))
        return d.choice(SURNAMES) + given, head + "10X98765432"[total % 11]


def legacy_number(county: str, n: int) -> str:
    """A 15-digit number of the former registers (check digit: ISO 7064, MOD 11,10)."""
    head = f"{county}{n % 100_000_000:08d}"
    rest = 10
    for c in head:
        rest = (rest + int(c)) % 10 or 10
        rest = rest * 2 % 11
    return head + str((11 - rest) % 10)
