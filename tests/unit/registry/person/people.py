"""Voices written as one line each. All people here are synthetic."""

from __future__ import annotations

from datetime import UTC, date, datetime

from onesource.registry.person.model import Voice
from onesource.registry.person.survive import Provider

NUMBER = "142325196001010010"  # a man of 兴县, born 1960-01-01


def day(text: str) -> date:
    return date.fromisoformat(text)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def voice(
    source: str,
    said_from: str,
    known_from: str | None = None,
    *,
    key: str = "1",
    event: str = "state",
    said_to: str | None = None,
    known_to: str | None = None,
    atom: str = NUMBER,
    unit: str | None = None,
    ends_by_itself: bool = False,
    **values: str,
) -> Voice:
    known = known_from or said_from
    return Voice(
        source=source,
        source_key=key,
        role="self",
        atom=atom,
        unit=unit,
        event=event,
        said_from=day(said_from),
        said_to=day(said_to) if said_to else None,
        known_from=at(known),
        known_to=at(known_to) if known_to else None,
        statement_at=at(known),
        said_order=known,
        values=values,
        place=f"{source}@{known}/1",
        ends_by_itself=ends_by_itself,
    )


def full(said_from: str, known_from: str | None = None, **more: str) -> Voice:
    """The register's full statement of a person."""
    return voice("base.resident", said_from, known_from, unit="U:1", **more)  # type: ignore[arg-type]


def change(event: str, said_from: str, known_from: str | None = None, **more: str) -> Voice:
    return voice("base.resident_change", said_from, known_from, unit="U:1", event=event, **more)  # type: ignore[arg-type]


_POLICE = {"base.resident": Provider(1), "base.resident_change": Provider(1)}
PROVIDERS = {
    attribute: {**_POLICE, "base.social_insurance": Provider(2), "base.enrolment": Provider(3)}
    for attribute in ("id_no", "name", "sex", "birth_date", "ethnicity", "hukou_division_code")
} | {
    "current_division_code": {
        "base.residence_permit": Provider(1, max_age_days=365),
        "base.medical_insurance": Provider(2),
    },
    "marital_status": {"base.marriage": Provider(1), **{k: Provider(2) for k in _POLICE}},
}
