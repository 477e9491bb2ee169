"""The words of the population registry: attributes, states, reasons."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

# Attributes of `registry.person` that a source states; each has a line in the source-of-record
# list.
ATTRIBUTES = (
    "id_type",
    "id_no",
    "name",
    "sex",
    "birth_date",
    "ethnicity",
    "household_no",
    "relation_to_head",
    "hukou_kind",
    "hukou_division_code",
    "hukou_address",
    "current_division_code",
    "current_address",
    "marital_status",
    "education",
    "employer_uscc",
    "insurance_status",
    "medical_insured",
    "disability_kind",
    "disability_level",
    "low_income_category",
    "phone",
)
# What a person keeps when the source falls silent: nobody loses a name by moving away.
LASTING = frozenset(
    {"id_type", "id_no", "name", "sex", "birth_date", "ethnicity", "education", "marital_status"}
)
# Where sources that differ are a question to a department. Addresses are written in too many ways
# to be compared letter by letter, and a lower rank's household or insurance is not asked for.
COMPARED = ("name", "sex", "birth_date", "ethnicity")

# The register's two feeds: the full statement, and the records of changes.
POLICE = ("base.resident", "base.resident_change")
POLICE_SQL = ", ".join(f"'{feed}'" for feed in POLICE)
# Codes of the change records (hukou_change_type) that end a registration, and of the insurers.
DIED, MOVED_OUT, DUPLICATE = "02", "04", "11"
INSURANCE_ENDED_BY_DEATH = "4"
CORRECTED, UPGRADED = "06", "07"  # the number: a wrong one, one of fifteen digits

# What departments decided on tickets speaks as one more voice, of this source.
DECISION = "registry.decision"
# Of a voice that a decision cut into stretches of knowledge: what it was (null: it was not).
AS_SAID = "_as_said"
AS_SAID_TYPE = "struct<id_no:string,known_from:timestamp,known_to:timestamp>"
# Questions of identity: their values are persons, and one of these words answers them.
IDENTITY = ("id_no", "second_registration")
SAME_PERSON = frozenset({"同一人", "系同一人", "same person", "same_person"})
# The answer to a name, sex or day of birth that is another person's, and to a question of identity.
TWO_PERSONS = frozenset({"两人", "非同一人", "不是同一人", "two persons", "two_persons"})
# The answer to a reported death that was none.
ALIVE = frozenset({"在世", "健在", "未死亡", "alive"})


class Status:
    """人员状态 (DOMAIN 5.2)."""

    REGISTERED = "在籍"
    IN_TRANSIT = "在途"
    MOVED_OUT = "迁出"
    DEAD = "死亡"
    MAYBE_DEAD = "疑似死亡"
    DUPLICATE = "注销-重复"
    CANCELLED = "注销-其他"
    NOT_REGISTERED = "非户籍"


class Reason:
    """Why a value won."""

    AUTHORITATIVE = "authoritative"  # the first of the source-of-record list
    FILLS_NULL = "fills_null"  # those before it say nothing
    FRESHER = "fresher"  # those before it are older than their maximum age
    VALID = "valid"  # those before it fail their check
    DECIDED = "decided"  # a ticket's answer


@dataclass(frozen=True, slots=True)
class Voice:
    """One department's word on one person: see `voices.COLUMNS`."""

    source: str
    source_key: str
    role: str
    atom: str
    unit: str | None
    event: str
    said_from: date
    said_to: date | None
    known_from: datetime
    known_to: datetime | None
    statement_at: datetime
    said_order: str
    values: Mapping[str, str]
    place: str
    ends_by_itself: bool = False  # its line says how long it holds: nobody ended it

    @property
    def order(self) -> tuple[datetime, str, str]:
        """Sorts voices: what is larger was said later.

        Statements of one time are ordered by receipt within a feed only. Between feeds that would
        let the hour at which a file came decide; there the name does, by which the register's
        change records come after its full of the same day.
        """
        return (self.statement_at, self.source, self.said_order)

    @property
    def precedence(self) -> tuple[bool, datetime, str, str]:
        """Sorts voices by who made a person known first: the register before all others, and no
        receipt, for who a person is may not depend on which county's file came first."""
        return (self.source not in POLICE, self.statement_at, self.source, self.atom)

    def is_known(self, moment: datetime) -> bool:
        return self.known_from <= moment and (self.known_to is None or moment < self.known_to)


def person_id(seed: str) -> str:
    """`P` and 20 hexadecimal digits, from the atom that made the person known first.

    A function of the evidence, so that any order of deliveries and a rebuild give the same. It
    stays in the registry zone, beside the number it comes from: elsewhere there are keyed tokens.
    `PERSON_ID_SQL` is the same in SQL.
    """
    return "P" + hashlib.sha256(f"{_SEED}{seed}".encode()).hexdigest()[:20].upper()


_SEED = "onesource person "
PERSON_ID_SQL = "concat('P', upper(substring(sha2(concat('" + _SEED + "', {seed}), 256), 1, 20)))"
