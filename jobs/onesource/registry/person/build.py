"""The builders of `registry.person_source` and of what is made from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from onesource.registry.patch import Before, Patch
from onesource.registry.person import arrow
from onesource.registry.person.decided import asked_about, codes_of, with_decisions
from onesource.registry.person.identity import NUMBER, ROW, identified
from onesource.registry.person.links import links_of, with_links
from onesource.registry.person.mistyped import namesakes, with_mistyped_registrations
from onesource.registry.person.model import ATTRIBUTES, DECISION, PERSON_ID_SQL
from onesource.registry.person.pairs import marked, pairs_of
from onesource.registry.person.survive import Provider, Providers
from onesource.registry.person.touched import MANY, as_voices, changed_rows, reached
from onesource.registry.person.twice import ATTRIBUTE as SECOND
from onesource.registry.person.twice import namesakes_said
from onesource.registry.person.voices import COLUMNS, COMPARED, voices
from onesource.spark.written import put

SOURCE, PERSON = "registry.person_source", "registry.person"
# One line may be believed anew: it is a voice of its own for each stretch on either clock.
_VOICE = ", ".join(
    f"coalesce(CAST({c} AS STRING), '')"
    for c in ("source", "source_key", "role", "delivery_id", "sheet", "line", "said_from",
              "known_from")
)  # fmt: skip


def build_source(
    spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any
) -> dict[str, DataFrame | Patch]:
    """Every source's word on every person, and whose it is: one row a voice.

    Reads the silver tables of the feeds of persons that are served, and what departments decided.
    Built on from the last version where only few voices changed.
    """
    before: Before | None = ctx.before
    decided = None
    if DECISION in inputs and not inputs[DECISION].isEmpty():
        codes = codes_of(ctx.catalogue)
        decided = partial(with_decisions, decisions=inputs[DECISION], codes=codes)
    if before is not None and not before.changed - set(inputs):
        patch = _patch(spark, inputs, ctx, before, decided)
        if patch is not None:
            return {SOURCE: patch}
    known_by = put(spark, identified(voices(inputs), decided), ctx.scratch / "identified")
    spoken = with_mistyped_registrations(spark, known_by, ctx)
    lost, known = spoken.where("_atom IS NULL"), spoken.where("_atom IS NOT NULL")
    links = links_of(spark, lost, known, ctx, ctx.scratch / "people")
    return {SOURCE: _owned(with_links(spoken, links))}


_WORTH = ("match_rule", "match_score", "candidate_person_id")
_LINKED = "match_rule NOT IN ('number', 'register', 'decided')"


def _patch(
    spark: SparkSession,
    inputs: Mapping[str, DataFrame],
    ctx: Any,
    before: Before,
    decided: Callable[[DataFrame], DataFrame] | None,
) -> Patch | None:
    """What the changed voices alter; None where they are too many to build on."""
    folder, old = ctx.scratch, before.rows.withColumn("_row", F.expr(ROW))
    tables = sorted(before.changed - {DECISION})
    now, found = changed_rows(inputs, before.rows, tables, before.told)
    changed = put(spark, found, folder / "changed")
    if changed.count() > MANY:
        return None
    fresh = put(
        spark,
        now.withColumn("_row", F.expr(ROW)).join(F.broadcast(changed), "_row", "left_semi"),
        folder / "fresh",
    ).drop("_row")
    found = reached(spark, before.rows, fresh, changed, folder)
    found = found.unionByName(namesakes(before.rows, fresh))
    if decided is not None:
        found = found.unionByName(asked_about(before.rows, inputs[DECISION]))
    components = put(spark, found.distinct(), folder / "components")
    mine = old.join(F.broadcast(components), "_component", "left_semi").select("_row")
    touched = put(spark, mine.unionByName(changed).distinct(), folder / "touched")
    if touched.count() > MANY:
        return None
    kept = (
        old.where(f"source <> '{DECISION}'")
        .join(F.broadcast(touched), "_row", "left_semi")
        .join(F.broadcast(changed), "_row", "left_anti")
    )
    # Each look at the table is a walk through all voices: what is read again is put down.
    said = as_voices(put(spark, kept, folder / "kept")).unionByName(fresh)
    again = put(spark, identified(said, decided), folder / "identified")
    spoken = put(spark, with_mistyped_registrations(spark, again, ctx), folder / "spoken")
    rest = old.join(F.broadcast(touched), "_row", "left_anti")
    lost = put(spark, rest.where(_LINKED), folder / "lost")
    known = rest.where(f"NOT {_LINKED}")
    # A name that became rarer, a person who came: any voice without a number may mean another now.
    links = links_of(
        spark,
        as_voices(lost).unionByName(spoken.where("_atom IS NULL").select(*COLUMNS, *COMPARED)),
        known.unionByName(spoken.where("_atom IS NOT NULL"), allowMissingColumns=True),
        ctx,
        folder / "people",
    )
    weighed = put(spark, _weighed(lost, links), folder / "weighed")
    new = links.join(spoken.selectExpr(f"{ROW} AS _row").distinct(), "_row", "left_semi")
    left_or_won = weighed.where("_moved").selectExpr("explode(array(_component, _linked)) AS _c")
    others = left_or_won.unionByName(new.selectExpr("_linked AS _c")).dropna().distinct()
    others = put(spark, others.withColumnRenamed("_c", "_component"), folder / "others")
    moved = weighed.where("_moved").select("_row")
    beside = rest.join(F.broadcast(others), "_component", "left_semi").unionByName(
        lost.join(F.broadcast(moved), "_row", "left_semi"), allowMissingColumns=True
    )
    others_too = put(spark, beside.dropDuplicates(["voice_id"]), folder / "beside")
    whole = with_links(spoken.unionByName(_unlinked(others_too)), links)
    rows = put(spark, _owned(whole), folder / "rows")
    replaced = touched.unionByName(others_too.select("_row")).distinct()
    was = old.join(F.broadcast(replaced), "_row", "left_semi").select("_component")
    told = was.unionByName(rows.select("_component")).dropna()
    # Of those that keep their person, what the link is worth may have changed.
    weight = weighed.join(replaced, "_row", "left_anti").selectExpr(
        "_row", "_rule AS match_rule", "_score AS match_score", "_proposed AS candidate_person_id"
    )
    lighter = lost.drop(*_WORTH).join(F.broadcast(weight), "_row")
    made = rows.unionByName(lighter.select(*rows.columns))
    gone = replaced.unionByName(weight.select("_row"))
    return Patch(ROW, gone, made, told)


def _weighed(lost: DataFrame, links: DataFrame) -> DataFrame:
    """`_row, _component, _linked, _rule, _score, _proposed, _moved` of voices whose link is another
    now."""
    said = lost.select("_row", "_component", *_WORTH).distinct()
    both = said.join(F.broadcast(links), "_row", "left").withColumns(
        {
            "_rule": F.expr("coalesce(_rule, 'none')"),
            "_moved": F.expr("NOT _component <=> _linked"),
        }
    )
    same = "match_rule <=> _rule AND match_score <=> _score AND candidate_person_id <=> _proposed"
    return both.where(f"_moved OR NOT ({same})").drop(*_WORTH)


def _unlinked(rows: DataFrame) -> DataFrame:
    """Rows of the table as `identified` gives them: the links taken off."""
    plain = rows.withColumns(
        {
            "_number": F.expr(NUMBER),
            "_speaker": F.expr(f"coalesce(_unit, {ROW})"),
            "_is_joined": F.expr(f"_is_joined AND NOT {_LINKED}"),
            **{c: F.expr(f"CASE WHEN NOT {_LINKED} THEN {c} END")
               for c in ("_atom", "_component", "match_score")},
        }
    ).withColumn("match_rule", F.expr(f"CASE WHEN NOT {_LINKED} THEN match_rule END"))  # fmt: skip
    return plain.withColumnsRenamed({"_former_name": "former_name", "_order": "said_order"}).drop(
        "_row", "voice_id", "person_id", "candidate_person_id"
    )


def _owned(spoken: DataFrame) -> DataFrame:
    """The rows of the table: each voice with its person."""
    owners = _owners(spoken)
    found = spoken.join(F.broadcast(owners), "_atom", "left").withColumns(
        {
            "person_id": F.expr(f"coalesce(person_id, {PERSON_ID_SQL.format(seed='_atom')})"),
            "match_rule": F.expr("coalesce(match_rule, 'none')"),
            "voice_id": F.expr(f"substring(sha2(concat_ws('|', {_VOICE}), 256), 1, 24)"),
        }
    )
    return found.withColumnsRenamed({"said_order": "_order", "former_name": "_former_name"}).drop(
        "_number", "_speaker"
    )


def _owners(spoken: DataFrame) -> DataFrame:
    """`_atom, person_id` where a component has several atoms; elsewhere the atom is the seed."""
    rows = several_atoms(spoken.withColumnRenamed("said_order", "_order"))
    return by_component(rows).mapInArrow(arrow.atom_owners, "_atom string, person_id string")


def several_atoms(spoken: DataFrame) -> DataFrame:
    """The voices of components of more than one atom: people whose number changed."""
    return spoken.where("_is_joined")


def by_component(rows: DataFrame) -> DataFrame:
    """The voices, those of a component together and in an order that any run repeats."""
    order = ("_component", "statement_at", "source", "_order", "source_key", "role", "line")
    return (
        rows.select(*arrow.READ)
        .repartition("_component")
        .sortWithinPartitions(*order, "said_from", "known_from")
    )


# What others add to a person's row.
_MARKS = "is_disputed, is_number_shared"


def build_person(spark: SparkSession, inputs: Mapping[str, DataFrame], ctx: Any) -> dict[str, Any]:
    """One row per person, stretch of the world and stretch of knowledge; conflicts beside it.

    Reads `registry.person_source`. The conflicts are kept on the rows (`_conflicts`), so that
    the voices are walked through once, but for those of namesakes: which of them are likely one
    person must be known before any row says whether it is disputed, as must the numbers that two
    people use. Built on from the last version for the components of which another thing is said
    now.
    """
    source = inputs[SOURCE]
    providers = providers_of(ctx)
    before: Before | None = ctx.before
    told = before.told(SOURCE) if before is not None else None
    spoken = source.where("_component IS NOT NULL")
    alike = put(spark, namesakes_said(source), ctx.scratch / "alike")
    if before is None or told is None:
        mine = spoken.join(F.broadcast(alike), "_component", "left_semi")
        theirs = put(spark, _survived(mine, providers), ctx.scratch / "theirs")
        pairs = pairs_of(spark, theirs, source, ctx.scratch)
        conflicts = partial(_conflicts, pairs=pairs, ctx=ctx)
        return {PERSON: marked(_survived(spoken, providers), pairs), "conflicts": conflicts}
    touched = put(spark, told.distinct(), ctx.scratch / "touched")
    mine = spoken.join(F.broadcast(touched), "_component", "left_semi")
    made = put(spark, _survived(mine, providers), ctx.scratch / "rows")
    whole = Patch("_component", touched, made, touched).rest(before.rows).unionByName(made)
    namesakes = whole.join(F.broadcast(alike), "_component", "left_semi")
    pairs = pairs_of(spark, namesakes, source, ctx.scratch)
    # Of a pair only one may have been touched; the other's row says so, too.
    whole = marked(whole.withColumn("_said", F.expr(f"struct({_MARKS})")), pairs)
    others = whole.where(f"_said <> struct({_MARKS})").select("_component")
    touched = put(spark, touched.unionByName(others).distinct(), ctx.scratch / "concerned")
    rows = whole.drop("_said").join(F.broadcast(touched), "_component", "left_semi")
    rows = put(spark, rows, ctx.scratch / "disputed")
    was = before.rows.join(F.broadcast(touched), "_component", "left_semi")
    people = was.select("person_id").unionByName(rows.select("person_id"))
    conflicts = partial(_conflicts, pairs=pairs, ctx=ctx)
    return {PERSON: Patch("_component", touched, rows, people), "conflicts": conflicts}


def _survived(spoken: DataFrame, providers: Providers) -> DataFrame:
    return by_component(spoken).mapInArrow(
        partial(_survivors, providers=providers), arrow.SPARK_SCHEMA
    )


def _survivors(batches: Iterable[pa.RecordBatch], providers: Providers) -> Iterator[pa.RecordBatch]:
    return arrow.survivors(batches, providers)


def providers_of(ctx: Any) -> dict[str, dict[str, Provider]]:
    """Attribute → feed → provider, from the source-of-record list of the day."""
    sor = ctx.catalogue.source_of_record
    return {
        attribute: {
            p.feed: Provider(p.rank, p.max_age_days)
            for p in sor.attribute(PERSON, attribute, ctx.day).providers
            if p.fills_null or p.rank == 1
        }
        for attribute in ATTRIBUTES
    }


# Conflicts that are no attribute of the list: who is asked.
_ASKED_ABOUT = {
    "activity_after_death": "death_date",
    "status": "hukou_division_code",
    SECOND: "id_no",
}


def _conflicts(rows: DataFrame, *, pairs: DataFrame, ctx: Any) -> DataFrame:
    """The conflicts on the rows, and those of pairs of people, with who is asked."""
    found = rows.where("_conflicts IS NOT NULL").selectExpr("inline(_conflicts)")
    found = found.unionByName(pairs, allowMissingColumns=True)
    sor = ctx.catalogue.source_of_record
    owners = {
        attribute: sor.attribute(
            PERSON, _ASKED_ABOUT.get(attribute, attribute), ctx.day
        ).owner_name(ctx.day)
        for attribute in (*ATTRIBUTES, "death_date", *_ASKED_ABOUT)
    }
    named = ", ".join(f"'{a}', '{name}'" for a, name in sorted(owners.items()))
    return found.withColumn("owner", F.expr(f"map({named})[attribute]"))
