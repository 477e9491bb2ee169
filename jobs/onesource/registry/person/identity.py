"""Whose voice is it? Numbers, names and the police's own key make persons.

* An *atom* is what a number and the names beside it make: voices with the same sound number and
  compatible names. A number that two people use makes two atoms.
* A *unit* is one person in the police's register (its own key stays when the number changes). The
  atoms of one unit are one person: that is how a corrected number is followed, and nothing else
  may join two numbers.
* A *component* is all that may ever have been one person: the unit of work for survivorship.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.registry.person.model import AS_SAID, AS_SAID_TYPE, DECISION, POLICE_SQL
from onesource.registry.person.names import clusters

# Numbers of people without a resident ID are theirs together with the kind of document.
_FOREIGN = "('03', '06', '07', '08')"
_CHUNK = 4096


# A row of a feed and whom it speaks of: all that was ever said there is one speaker's.
ROW = "concat_ws('|', source, source_key, role)"
NUMBER = (
    f"coalesce(id_no, CASE WHEN id_type IN {_FOREIGN} AND length(id_no_delivered) > 4 "
    "THEN concat(id_type, ':', upper(id_no_delivered)) END)"
)
UNIT = f"CASE WHEN source IN ({POLICE_SQL}) THEN concat('U:', source_key) END"


def identified(
    voices: DataFrame, decided: Callable[[DataFrame], DataFrame] | None = None
) -> DataFrame:
    """Adds `_number, _unit, _speaker, _atom, _component, _is_shared` (two people use the number),
    `_is_joined` (the component has several atoms), `match_rule` and `match_score` to voices.

    Voices without a sound number and without a unit have no atom yet. What is decided of a number
    or unit is decided by all its voices: give them all. decided: puts what departments decided on
    persons to voices with atoms.
    """
    named = voices.withColumns({"_number": F.expr(NUMBER), "_unit": F.expr(UNIT)}).withColumn(
        "_speaker", F.expr(f"coalesce(_unit, {ROW})")
    )
    atoms = _atoms(named)
    spoken = named.join(atoms, ["_number", "_speaker"], "left")
    # Most numbers have one person: only the others stand in `atoms`.
    spoken = spoken.withColumns(
        {
            "_atom": F.expr("coalesce(_shared_atom, _number, _unit)"),
            AS_SAID: F.lit(None).cast(AS_SAID_TYPE),
        }
    )
    if decided is not None:
        spoken = decided(spoken)
    joined = _joined_units(spoken)
    return (
        spoken.join(F.broadcast(joined), "_atom", "left")
        .withColumns(
            {
                "_component": F.expr("coalesce(_root, _atom)"),
                "_is_joined": F.expr("_root IS NOT NULL"),
                "_is_shared": F.expr("coalesce(_is_shared, false)"),
                "match_rule": F.expr(
                    f"CASE WHEN source = '{DECISION}' THEN 'decided' WHEN _number IS NOT NULL "
                    "THEN 'number' WHEN _unit IS NOT NULL THEN 'register' END"
                ),
                "match_score": F.expr("CASE WHEN _atom IS NOT NULL THEN 1.0D END"),
            }
        )
        .drop("_shared_atom", "_root")
    )


def _atoms(named: DataFrame) -> DataFrame:
    """`_number, _speaker, _shared_atom` of the numbers beside which more than one name stands."""
    numbered = named.where("_number IS NOT NULL")
    names = "array_compact(array(name, former_name))"
    several = (
        numbered.where("name IS NOT NULL")
        .groupBy("_number")
        .agg(F.expr("count(DISTINCT name)").alias("n"))
        .where("n > 1")
        .select("_number")
    )
    spoken = (
        numbered.join(several, "_number", "left_semi")
        .groupBy("_number", "_speaker")
        .agg(
            F.expr(f"sort_array(array_distinct(flatten(collect_list({names}))))").alias("names"),
            F.expr(f"min(struct(source NOT IN ({POLICE_SQL}), statement_at, _speaker))").alias(
                "first"
            ),
        )
        .groupBy("_number")
        .agg(F.expr("sort_array(collect_list(struct(first, _speaker, names)))").alias("speakers"))
        .select(
            "_number",
            F.expr("transform(speakers, s -> s._speaker)").alias("who"),
            F.expr("transform(speakers, s -> s.names)").alias("names"),
        )
    )
    schema = "_number string, _speaker string, _shared_atom string, _is_shared boolean"
    return spoken.mapInArrow(_atom_batches, schema)


def _atom_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        names_of = ("_number", "_speaker", "_shared_atom", "_is_shared")
        rows: dict[str, list[Any]] = {name: [] for name in names_of}
        for row in batch.to_pylist():
            number, names = row["_number"], row["names"]
            person = clusters(names, [who.startswith("U:") for who in row["who"]])
            label = {0: number}
            for n in sorted({*person} - {0}):
                # The least name is the same whoever of them was heard first.
                label[n] = f"{number}#{_least(names, person, n)}"
            for who, n in zip(row["who"], person, strict=True):
                rows["_number"].append(number)
                rows["_speaker"].append(who)
                rows["_shared_atom"].append(label[n])
                rows["_is_shared"].append(len(set(label.values())) > 1)
        yield pa.RecordBatch.from_pydict(rows)


def _least(names: list[list[str]], person: list[int], n: int) -> str:
    return min(name for said, p in zip(names, person, strict=True) if p == n for name in said)


def _joined_units(spoken: DataFrame) -> DataFrame:
    """`_atom, _root` of the atoms that units join; the root is the least atom of the component.

    Rows exist only for people whose number changed or is missing on some line, so one task can
    walk through them.
    """
    several = (
        spoken.where("_unit IS NOT NULL")
        .groupBy("_unit")
        .agg(F.expr("sort_array(collect_set(_atom))").alias("atoms"))
        .where("size(atoms) > 1")
        .select("atoms")
    )
    return several.coalesce(1).mapInArrow(_roots, "_atom string, _root string")


def _roots(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    root: dict[str, str] = {}

    def find(a: str) -> str:
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        return a

    for batch in batches:
        for atoms in batch.to_pydict()["atoms"]:
            for a in atoms:
                root.setdefault(a, a)
            least = min(find(a) for a in atoms)
            for a in atoms:
                root[find(a)] = least
    names = sorted(root)
    for i in range(0, len(names), _CHUNK):
        part = names[i : i + _CHUNK]
        yield pa.RecordBatch.from_pydict({"_atom": part, "_root": [find(a) for a in part]})
