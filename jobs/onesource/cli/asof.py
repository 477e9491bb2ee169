"""`layer.name_asof(about, known)`: what a table on two clocks held, as known on a day.

One function for every table that has the four columns of the clocks. `about` is a day of the
world (today when left out); `known` a day, which means its end in Beijing time, or a moment (what
is known now when left out). It answers with the rows that were believed then and hold on that day.
`known` is measured by receipt: what had been handed in. What a run had served by then is
answered by `--run`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from onesource.cli.statement import ASOF
from onesource.contracts.model import Catalogue, Contract, Kind
from onesource.contracts.properties import History
from onesource.lake.reader import identifier

if TYPE_CHECKING:
    import duckdb

CLOCKS = ("valid_from", "valid_to", "known_from", "known_to")
_DAY = r"\d{4}-\d{2}-\d{2}"


def tables(catalogue: Catalogue) -> frozenset[str]:
    """The tables that can be asked about the past, as `layer.name`."""
    return frozenset(name for name, c in catalogue.tables.items() if _has_clocks(c))


def _has_clocks(contract: Contract) -> bool:
    if contract.kind is Kind.FEED and contract.history is History.BITEMPORAL:
        return True
    return set(CLOCKS) <= set(contract.field_names)


def add(con: duckdb.DuckDBPyConnection, wanted: Iterable[str]) -> None:
    """Makes the function of each of these tables, which are views in `con` already."""
    for table in wanted:
        layer, name = table.split(".", 1)
        macro = f"{identifier(layer)}.{identifier(name + ASOF)}"
        view = f"{identifier(layer)}.{identifier(name)}"
        con.execute(
            f"CREATE MACRO {macro}(about := NULL, known := NULL) AS TABLE "
            f"SELECT * FROM {view} AS t WHERE {_holds()} AND {_believed()}"
        )


def _holds() -> str:
    day = "coalesce(CAST(about AS DATE), today())"
    return f"coalesce(t.valid_from <= {day}, TRUE) AND coalesce({day} < t.valid_to, TRUE)"


def _believed() -> str:
    """The end of a day is the moment before the next one begins; a moment includes itself."""
    text = "trim(CAST(known AS VARCHAR))"
    is_day = f"regexp_full_match({text}, '{_DAY}')"
    # An arm that does not apply is never cast: a day is no moment, a moment no day.
    bound = f"CAST(CAST(CASE WHEN {is_day} THEN {text} END AS DATE) + 1 AS TIMESTAMPTZ)"
    moment = f"CAST(CASE WHEN NOT {is_day} THEN {text} END AS TIMESTAMPTZ)"
    return (
        "CASE WHEN known IS NULL THEN t.known_to IS NULL "
        f"WHEN {is_day} THEN coalesce(t.known_from < {bound}, TRUE) "
        f"AND coalesce(t.known_to >= {bound}, TRUE) "
        f"ELSE coalesce(t.known_from <= {moment}, TRUE) "
        f"AND coalesce(t.known_to > {moment}, TRUE) END"
    )


def said(message: str) -> str | None:
    """DuckDB's words about arguments that do not fit, as one line; None for anything else."""
    match = re.search(rf"Macro (\w+{ASOF})\(\) does not support the supplied arguments", message)
    return f"the arguments of {match.group(1)}() do not fit" if match else None


USAGE = "name_asof(about, known), for example ('2018-12-31', known := '2019-06-30')"
