"""Id tokens and person keys as Spark columns, in Arrow batches.

The function that Spark sends to its workers holds a `PersonKey`: the name of a key, not the key.
Each worker reads the key's file itself, once a process; on a cluster every worker has the file in
its own `ONESOURCE_KEYS` (docs/persons.md).
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F

from onesource.person_keys import PersonKey


def id_token(number: Column, key: PersonKey) -> Column:
    """The id token of a column of canonical ID numbers; null stays null."""

    def make(values: Any) -> Any:
        return key.tokens(values)

    return _in_batches(make, number)


def person_key(person_id: Column, domain: str, key: PersonKey) -> Column:
    """The person key of a column of person_id in a domain; null stays null."""

    def make(values: Any) -> Any:
        return key.keys(domain, values)

    return _in_batches(make, person_id)


def _in_batches(make: Any, column: Column) -> Column:
    # Spark reads the kind of function from its hints, which must be real types here.
    make.__annotations__ = {"values": pa.Array, "return": pa.Array}
    function: Any = F.arrow_udf(make, "string")  # type: ignore[attr-defined]
    made: Column = function(column.cast("string"))
    return made
