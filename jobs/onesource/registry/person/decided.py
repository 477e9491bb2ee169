"""What departments decided on tickets, as one more voice on each person.

A decision speaks from the day on which it was taken and is known from its receipt, like any other
word; so what was served before it stays readable, and an answer that follows ends it. A decision
that two persons are one joins them as the register joins two numbers of one person; one that they
are two is said on both and joins nothing (`pairs`); one that a source speaks of somebody else parts
them. An answer that takes it back leaves all as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from operator import attrgetter
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.registry.person.conflicts import Conflict, conflicts_of
from onesource.registry.person.model import (
    ALIVE,
    AS_SAID,
    DECISION,
    IDENTITY,
    PERSON_ID_SQL,
    POLICE,
    POLICE_SQL,
    SAME_PERSON,
    TWO_PERSONS,
    Status,
    Voice,
    person_id,
)
from onesource.registry.person.register import registration_of
from onesource.registry.person.survive import Person, Providers, world

PERSON = "registry.person"
_DATES = frozenset({"birth_date", "death_date", "activity_after_death"})
_SHAPE = (
    "source_key string, role string, person_id string, attributes string, _unit string, "
    "said_from date, known_from timestamp, known_to timestamp, line bigint"
)
_READ = (
    "ticket_id", "round", "entity", "attribute", "value_a", "value_b", "decided_value",
    "decided_on", "known_from", "known_to",
)  # fmt: skip


def with_decisions(spoken: DataFrame, decisions: DataFrame, codes: Codes) -> DataFrame:
    """Voices with what was decided on their persons; those about nobody here are left out.

    decisions: `registry.decision`. spoken: voices with `_atom`. A person is found by the atom that
    made it known first, so that a decision stays its own through merges.
    """
    asked = decisions.where(f"registry = '{PERSON}' AND decided_value IS NOT NULL").select(*_READ)
    said = asked.mapInArrow(partial(_said, codes=codes), _SHAPE)
    atoms = spoken.where("_atom IS NOT NULL").select("_atom").distinct()
    atoms = atoms.withColumn("person_id", F.expr(PERSON_ID_SQL.format(seed="_atom")))
    found = atoms.join(F.broadcast(said), "person_id").drop("person_id")
    words = ", ".join(f"'{w}'" for w in sorted(TWO_PERSONS))
    others = asked.where(f"attribute IN {_PARTING} AND trim(decided_value) IN ({words})")
    if not others.isEmpty():
        whom = atoms.join(F.broadcast(others), atoms["person_id"] == others["entity"])
        spoken = _parted(spoken, whom)
    return spoken.unionByName(_voices(found), allowMissingColumns=True)


def asked_about(before: DataFrame, decisions: DataFrame) -> DataFrame:
    """`_component` (in `registry.person_source` as it was) of all on whom anything was decided.

    A decision names a person by the atom that made it known first.
    """
    asked = decisions.where(f"registry = '{PERSON}'")
    people = asked.selectExpr("explode(array(entity, value_b)) AS _asked").dropna().distinct()
    first = f"if(_is_joined, {PERSON_ID_SQL.format(seed='_atom')}, person_id)"
    named = before.where("_component IS NOT NULL").withColumn("_asked", F.expr(first))
    found = named.join(F.broadcast(people), "_asked", "left_semi").select("_component")
    heard = before.where(f"source = '{DECISION}' OR {AS_SAID} IS NOT NULL").select("_component")
    return found.unionByName(heard).dropna().distinct()


# What two people may differ in, so that a department can say that they are two.
_PARTING = ("name", "sex", "birth_date")
_EVER = "TIMESTAMP '9999-12-31 00:00:00'"


def _parted(spoken: DataFrame, whom: DataFrame) -> DataFrame:
    """The voices that said what is another person's are that other's, while this is decided.

    The other one is known without a number, for the number on its lines is not its own. A voice is
    one row for each stretch of knowledge, so that what was believed before stays, and an answer
    that takes the decision back leaves all as it was.
    """
    asked = whom.selectExpr(
        "_atom AS _asked", "attribute AS _about", "value_b AS _value", "ticket_id AS _ticket",
        "known_from AS _since", f"coalesce(known_to, {_EVER}) AS _until",
    )  # fmt: skip
    value = "CASE _about WHEN 'name' THEN name WHEN 'sex' THEN sex ELSE string(birth_date) END"
    hit = F.expr(f"_atom = _asked AND source NOT IN ({POLICE_SQL}) AND {value} = _value")
    end = f"coalesce(known_to, {_EVER})"
    pieces = f"""
        filter(CASE WHEN _asked IS NULL THEN array(struct(known_from AS a, {end} AS b, false AS o))
          ELSE array(struct(known_from AS a, least({end}, _since) AS b, false AS o),
            struct(greatest(known_from, _since) AS a, least({end}, _until) AS b, true AS o),
            struct(greatest(known_from, _until) AS a, {end} AS b, false AS o)) END, p -> p.a < p.b)
    """
    cut = ("known_from", "known_to", "_atom", "id_no", AS_SAID)
    own = [c for c in spoken.columns if c not in cut]
    return (
        spoken.join(F.broadcast(asked), hit, "left")
        .withColumn("_piece", F.explode(F.expr(pieces)))
        .selectExpr(
            *own,
            "_piece.a AS known_from",
            f"nullif(_piece.b, {_EVER}) AS known_to",
            "if(_piece.o, concat(_atom, '#', _ticket), _atom) AS _atom",
            "if(_piece.o, NULL, id_no) AS id_no",
            # What it was cut from, for the next version to be made from it.
            "if(_asked IS NULL, NULL, struct(id_no, known_from, known_to)) AS " + AS_SAID,
        )
    )


def _voices(found: DataFrame) -> DataFrame:
    return found.selectExpr(
        "*",
        f"'{DECISION}' AS source",
        "'decision' AS event",
        "known_from AS statement_at",
        "source_key AS delivery_id",
        "CAST(known_from AS STRING) AS said_order",
        "false AS _is_shared",
    )


Codes = Mapping[str, Mapping[str, str]]  # attribute → what may be written for a code → the code


def codes_of(catalogue: Any) -> Codes:
    """Code and name of each coded attribute: departments answer in words."""
    found: dict[str, dict[str, str]] = {}
    for field in catalogue.tables[PERSON].fields:
        codes = catalogue.codelists.get(field.properties.codelist or "")
        if codes is not None:
            rows = codes.rows
            found[field.name] = {c.name: c.code for c in rows} | {c.code: c.code for c in rows}
    return found


def normal(attribute: str, value: str, codes: Codes) -> str | None:
    """A decided value as the registry holds it; None: it cannot be one of this attribute."""
    value = value.strip()
    if value in TWO_PERSONS:
        return min(TWO_PERSONS)
    if attribute in IDENTITY:
        return min(SAME_PERSON) if value in SAME_PERSON else value
    if attribute in _DATES:
        if value in ALIVE:
            return min(ALIVE) if attribute != "birth_date" else None
        return _day(value)
    if attribute in codes:
        known = codes[attribute]
        return known.get(value) or known.get(value.removesuffix("性").removesuffix("族"))
    return value or None


def _day(text: str) -> str | None:
    digits = text.translate(str.maketrans("年月/.", "----", "日"))
    if digits.isdigit() and len(digits) == 8:
        digits = f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    try:
        return date(*map(int, digits.split("-"))).isoformat()
    except (TypeError, ValueError):
        return None


def _said(batches: Iterable[pa.RecordBatch], codes: Codes) -> Iterator[pa.RecordBatch]:
    import json

    for batch in batches:
        rows: list[dict[str, Any]] = []
        for r in batch.to_pylist():
            value = normal(r["attribute"], r["decided_value"], codes)
            if r["attribute"] in IDENTITY:
                value = _of_identity(value, r["value_a"])
            elif value in TWO_PERSONS:
                continue  # said by parting their voices
            if value is None:
                continue
            both = r["attribute"] in IDENTITY
            same = both and value in SAME_PERSON
            whom = [("self", r["entity"]), *([("other", r["value_b"])] if both else [])]
            rows += [
                {
                    "source_key": r["ticket_id"],
                    "role": role,
                    "person_id": person,
                    "attributes": json.dumps({r["attribute"]: value}, ensure_ascii=False),
                    "_unit": f"D:{r['ticket_id']}" if same else None,
                    "said_from": r["decided_on"],
                    "known_from": r["known_from"],
                    "known_to": r["known_to"],
                    "line": r["round"],
                }
                for role, person in whom
                if person
            ]
        columns = [pa.array([row[f.name] for row in rows], f.type) for f in _ARROW]
        yield pa.RecordBatch.from_arrays(columns, schema=_ARROW)


def _of_identity(value: str | None, served: str) -> str | None:
    """One person or two; None where the answer says neither.

    The value served is the first of the two, and stands for both as they are.
    """
    if value == served:
        return min(TWO_PERSONS)
    return value if value in SAME_PERSON | TWO_PERSONS else None


_TIME = pa.timestamp("us", tz="UTC")
_FIELDS: list[pa.Field[Any]] = [
    pa.field("source_key", pa.string()),
    pa.field("role", pa.string()),
    pa.field("person_id", pa.string()),
    pa.field("attributes", pa.string()),
    pa.field("_unit", pa.string()),
    pa.field("said_from", pa.date32()),
    pa.field("known_from", _TIME),
    pa.field("known_to", _TIME),
    pa.field("line", pa.int64()),
]
_ARROW = pa.schema(_FIELDS)


def open_conflicts(person: Person, state: Sequence[object], providers: Providers) -> list[Conflict]:
    """The conflicts between the sources, as they would be had nobody decided.

    A ticket that was settled closes when the sources follow, so the conflict is shown until then;
    it is the same conflict with the same evidence, and so the same ticket.
    """
    decisions = [v for v in person.voices if v.source == DECISION]
    if decisions:
        undecided = tuple(v for v in person.voices if v.source != DECISION)
        stretches = world(undecided, providers)
        if not stretches:
            return []
        person, state = replace(person, voices=undecided), stretches[-1][2]
    joined = [c for d in decisions if (c := _still_two(d, decisions, person)) is not None]
    return [*conflicts_of(person, state, providers), *joined]


def _still_two(own: Voice, decisions: Sequence[Voice], person: Person) -> Conflict | None:
    """Two that were found to be one, while the register still has them both."""
    others = [d for d in decisions if d.source_key == own.source_key and d.role != own.role]
    if own.role != "self" or not others or not SAME_PERSON & {*own.values.values()}:
        return None
    [attribute] = own.values
    evidence = []
    for d in (own, others[0]):
        register = [v for v in person.voices if v.source in POLICE and v.atom == d.atom]
        held = registration_of(register)
        if attribute == "id_no":
            its = [v for v in person.voices if v.atom == d.atom and v.source != DECISION]
            numbered = [v for v in its if "id_no" in v.values]
            said = min(numbered, key=attrgetter("precedence"), default=None)
        elif held and held[-1].status == Status.REGISTERED:
            said = max(register, key=attrgetter("order"))
        else:
            said = None
        if said is None:
            return None
        evidence.append((person_id(d.atom), said.source, said.place))
    (one, source_a, place_a), (other, source_b, place_b) = evidence
    return Conflict(
        one, attribute, one, source_a, other, source_b, place_a, place_b,
        "已认定为同一人，户籍登记尚未更正",
        "found to be one person, and the register still has two",
    )  # fmt: skip


def is_asked(person: Person, found: Sequence[Conflict]) -> bool:
    """Is there a question that nobody answered, or one that came again after the answer?

    Of the person's own voices: what is asked of it and another is `pairs`.
    """
    words = [v for v in person.voices if v.source == DECISION]
    decided = {a: v.statement_at for v in words for a in v.values}
    said = {v.place: v.statement_at for v in person.voices}
    for c in found:
        at = decided.get(c.attribute)
        if at is None or any(said[p] > at for p in (c.evidence_a, c.evidence_b) if p in said):
            return True
    return False
