"""What every department says of persons, in one shape: a *voice* a row of silver and person in it.

A voice says attributes of one person from a day on, was believed from one receipt until another,
and names the line that said it. Which column of which feed says what is declared here, once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.registry.person.model import DIED, DUPLICATE

_DIVORCED = "2"

# Column → SQL type of a voice, before identity is decided.
COLUMNS = {
    "source": "string",
    "source_key": "string",
    "role": "string",
    "id_type": "string",
    "id_no": "string",
    "id_no_delivered": "string",
    "name": "string",
    "former_name": "string",
    "sex": "string",
    "birth_date": "date",
    "county_code": "string",
    "division_code": "string",
    "mother_id_no": "string",
    "birth_order": "int",
    "attributes": "string",
    "event": "string",
    "said_from": "date",
    "said_to": "date",
    "known_from": "timestamp",
    "known_to": "timestamp",
    "statement_at": "timestamp",
    "delivery_id": "string",
    "sheet": "string",
    "line": "bigint",
    "said_order": "string",
    # Did `said_to` stand in the delivered line? Else a later statement ended the word.
    "_ends_by_itself": "boolean",
}
# What the linker asks for beside those: attributes again, so that no text is parsed for it.
COMPARED = {
    "_address": ("current_address", "hukou_address"),
    "_phone": ("phone",),
    "_father_id_no": ("father_id_no",),
    "_guardian_id_no": ("guardian_id_no",),
    "_home": ("household_no",),
}


@dataclass(frozen=True)
class Speaker:
    """How the rows of one feed speak of one person in them.

    of: voice column → SQL over the feed's columns. attributes: attribute of `registry.person` →
    SQL. said_from: SQL of the day from which it holds; bitemporal feeds have `valid_from`.
    ends_by_itself: SQL, whether the line itself says how long it holds, and not a later statement
    or the lack of the row in it.
    """

    feed: str
    key: str
    role: str = "self"
    of: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    event: str = "'state'"
    said_from: str = "valid_from"
    said_to: str = "valid_to"
    ends_by_itself: str = "false"
    where: str = "true"

    @property
    def table(self) -> str:
        return f"silver.{self.feed.replace('.', '_')}"


_ID = {"id_type": "id_type", "id_no": "id_no", "id_no_delivered": "id_no_delivered"}
_SELF = {"name": "name", "sex": "sex", "birth_date": "birth_date"}
_COUNTY = {"county_code": "substring(county_code, 1, 6)"}
_WHERE = {
    "county_code": "substring(coalesce(division_code, county_code), 1, 6)",
    "division_code": "division_code",
}
_NUMBERED = {"id_no": "id_no", "id_no_delivered": "id_no_delivered"}
_HUKOU = {
    "ethnicity": "ethnicity",
    "household_no": "household_no",
    "relation_to_head": "relation_to_head",
    "hukou_kind": "hukou_kind",
    "hukou_division_code": "division_code",
    "hukou_address": "hukou_address",
    "moved_in_on": "moved_in_on",
    "education": "education",
    "marital_status": "marital_status",
}

SPEAKERS: tuple[Speaker, ...] = (
    Speaker(
        "base.resident",
        "person_no",
        of={**_NUMBERED, **_SELF, **_WHERE, "former_name": "former_name"},
        attributes={**_HUKOU, "hukou_status": "status"},
    ),
    Speaker(
        "base.resident_change",
        "person_no",
        of={**_NUMBERED, **_SELF, **_WHERE, "former_name": "former_name"},
        attributes={
            **_HUKOU,
            "hukou_status": "status",
            "death_date": f"CASE WHEN change_type = '{DIED}' THEN event_on END",
        },
        event="change_type",
        said_from="changed_on",
        said_to="CAST(NULL AS DATE)",
    ),
    # A registration cancelled as a repetition names the number that stays: it is one person.
    Speaker(
        "base.resident_change",
        "person_no",
        role="kept",
        of={"id_no": "new_value"},
        event="change_type",
        said_from="changed_on",
        said_to="CAST(NULL AS DATE)",
        where=f"change_type = '{DUPLICATE}' AND new_value RLIKE '^[0-9]{{17}}[0-9X]$'",
    ),
    Speaker(
        "base.residence_permit",
        "permit_no",
        of={**_ID, **_SELF, **_WHERE},
        attributes={
            "ethnicity": "ethnicity",
            "current_division_code": "division_code",
            "current_address": "address",
            "arrived_on": "arrived_on",
            "left_on": "left_on",
            "phone": "phone",
            "permit_status": "status",
        },
        said_from="coalesce(arrived_on, permit_from, valid_from)",
        said_to="coalesce(left_on, CASE WHEN status <> '1' THEN statement_on END, permit_to)",
        ends_by_itself="true",
    ),
    Speaker(
        "base.birth_certificate",
        "certificate_no",
        of={**_SELF, **_WHERE, "mother_id_no": "mother_id_no", "birth_order": "birth_order"},
        attributes={"father_id_no": "father_id_no", "mother_name": "mother_name"},
        event="'birth'",
        said_from="birth_date",
        where="NOT coalesce(is_void, false)",
    ),
    Speaker(
        "base.death_certificate",
        "certificate_no",
        of={**_NUMBERED, **_SELF, **_COUNTY},
        attributes={"death_date": "death_date"},
        event="'death'",
        said_from="death_date",
    ),
    Speaker(
        "base.cremation",
        "record_no",
        of={**_NUMBERED, "name": "name", "sex": "sex", **_COUNTY},
        attributes={"death_date": "death_date", "cremated_on": "cremated_on"},
        event="'death'",
        said_from="death_date",
    ),
    *(
        Speaker(
            "base.marriage",
            "certificate_no",
            role=role,
            of={
                "id_no": f"{role}_id_no",
                "id_no_delivered": f"{role}_id_no_delivered",
                "name": f"{role}_name",
                **_COUNTY,
            },
            attributes={
                "marital_status": f"CASE event WHEN '{_DIVORCED}' THEN '40' ELSE '20' END",
                "spouse_id_no": f"{other}_id_no",
            },
            event="'marriage'",
            said_from="registered_on",
        )
        for role, other in (("husband", "wife"), ("wife", "husband"))
    ),
    Speaker(
        "base.low_income",
        "concat_ws('|', certificate_no, name, relation)",
        of={**_NUMBERED, "name": "name", **_COUNTY, "division_code": "division_code"},
        attributes={
            "low_income_category": "category",
            "low_income_household_no": "household_no",
            "low_income_relation": "relation",
            "paid_yuan": "amount_yuan",
            "phone": "phone",
        },
    ),
    Speaker(
        "base.disability",
        "certificate_no",
        of={**_NUMBERED, **_SELF, **_WHERE},
        attributes={
            "disability_kind": "kind",
            "disability_level": "level",
            "phone": "phone",
        },
        said_from="coalesce(issued_on, valid_from)",
        said_to="coalesce(valid_to, valid_until)",
        ends_by_itself="valid_to IS NULL",
        where="status = '1'",
    ),
    Speaker(
        "base.social_insurance",
        "concat_ws('|', personal_no, insurance_type)",
        of={**_NUMBERED, **_SELF, **_COUNTY},
        attributes={
            "employer_uscc": "employer_uscc",
            "insurance_type": "insurance_type",
            "insurance_status": "status",
            "last_paid_month": "last_paid_month",
            "phone": "phone",
        },
    ),
    Speaker(
        "base.enrolment",
        "student_no",
        of={**_NUMBERED, **_SELF, **_COUNTY, "division_code": "division_code"},
        attributes={
            "ethnicity": "ethnicity",
            "school": "school",
            "grade": "grade",
            "current_address": "address",
            "guardian_id_no": "guardian_id_no",
        },
    ),
    Speaker(
        "base.medical_insurance",
        "personal_no",
        of={**_ID, **_SELF, **_WHERE, "mother_id_no": "mother_id_no", "birth_order": "birth_order"},
        attributes={
            "ethnicity": "ethnicity",
            "medical_insured": "insured_kind",
            "medical_status": "status",
            "current_division_code": "division_code",
            "current_address": "address",
            "phone": "phone",
        },
    ),
)


def voices(silver: Mapping[str, DataFrame]) -> DataFrame:
    """Every voice of the tables at hand, in `COLUMNS` and `COMPARED`.

    A feed that was never served is silent.
    """
    found: DataFrame | None = None
    for speaker in SPEAKERS:
        if speaker.table in silver:
            said = _said(speaker, silver[speaker.table])
            found = said if found is None else found.unionByName(said)
    if found is None:
        raise ValueError("no feed of persons is served")
    return found


def _said(speaker: Speaker, rows: DataFrame) -> DataFrame:
    has = set(rows.columns)
    pairs = ", ".join(f"'{a}', CAST({sql} AS STRING)" for a, sql in speaker.attributes.items())
    bitemporal = "known_from" in has
    shape = {
        "source": f"'{speaker.feed}'",
        "source_key": speaker.key,
        "role": f"'{speaker.role}'",
        "attributes": f"to_json(named_struct({pairs}))",
        "event": speaker.event,
        "said_from": speaker.said_from,
        "said_to": speaker.said_to,
        "known_from": "known_from" if bitemporal else "_received_at",
        "known_to": "known_to" if bitemporal else "NULL",
        "statement_at": "_statement_at",
        "delivery_id": "_delivery_id",
        "sheet": "_sheet",
        "line": "_line",
        "said_order": "_order",
        "_ends_by_itself": speaker.ends_by_itself,
        **speaker.of,
    }
    cells = [
        F.expr(f"CAST({shape.get(name, 'NULL')} AS {kind})").alias(name)
        for name, kind in COLUMNS.items()
    ]
    for name, attributes in COMPARED.items():
        said = [speaker.attributes[a] for a in attributes if a in speaker.attributes]
        sql = f"CAST({said[0]} AS STRING)" if said else "CAST(NULL AS STRING)"
        cells.append(F.expr(sql).alias(name))
    return rows.where(speaker.where).select(*cells)
