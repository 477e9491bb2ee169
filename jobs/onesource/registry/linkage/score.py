"""Scores of pairs: the model as splink's settings, its answer as a table."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from onesource.registry.linkage.levels import Comparison
from onesource.registry.linkage.training import Model, columns_sql

if TYPE_CHECKING:
    import duckdb


# A value that stands once among some thousand rows tells no more than that it is rare.
RAREST = 0.0001


def settings(
    comparisons: Sequence[Comparison], model: Model, rarest: float = RAREST
) -> dict[str, Any]:
    """The model as splink's settings: it can be opened with splink's own charts."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "rid",
        "probability_two_random_records_match": model.prior,
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": True,
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": "l.rid = r.rid", "sql_dialect": "duckdb"}
        ],
        "comparisons": [
            _comparison(c, model.m[k].tolist(), model.u[k].tolist(), rarest)
            for k, c in enumerate(comparisons)
        ],
    }


def _comparison(c: Comparison, m: list[float], u: list[float], rarest: float) -> dict[str, Any]:
    levels: list[dict[str, Any]] = [
        {"sql_condition": c.null, "label_for_charts": "missing", "is_null_level": True}
    ]
    top = len(c.levels) - 1
    for i, level in enumerate(c.levels):
        found = {
            "sql_condition": level.sql,
            "label_for_charts": level.label,
            "m_probability": m[top - i],
            "u_probability": u[top - i],
        }
        if level.frequency:
            found |= {
                "tf_adjustment_column": level.frequency,
                "tf_adjustment_weight": 1.0,
                "tf_minimum_u_value": rarest,
            }
        levels.append(found)
    return {"output_column_name": c.name, "comparison_levels": levels}


# A hair's breadth, for sums of the same numbers in another order.
_HAIR = 1e-6


def narrow(
    con: duckdb.DuckDBPyConnection,
    comparisons: Sequence[Comparison],
    model: Model,
    least: float,
    dear: Collection[str],
    frequencies: Mapping[str, str],
    rarest: float = RAREST,
) -> None:
    """Takes out of `pairs` those that score below `least` whatever their `dear` comparisons say.

    dear: names of comparisons that cost much; they count as if they said the most that they can.
    Of the others those whose level knows how rare its value is need `frequencies`. What is asked
    is what `score` asks, so that no pair goes that it would keep.
    """
    bits = math.log2(model.prior / (1 - model.prior))
    levels, words, joins = [], [], []
    for k, (c, weights) in enumerate(zip(comparisons, model.weights(), strict=True)):
        if c.name in dear:
            bits += max(float(weights.max()), 0.0)
            continue
        levels.append(f"{c.gamma_sql()} AS g{k}")
        said = " ".join(f"WHEN {g} THEN {w!r}" for g, w in enumerate(weights.tolist()))
        words.append(f"CASE g{k} {said} ELSE 0 END")
        frequent = next((lv.frequency for lv in c.levels if lv.frequency), None)
        if frequent is not None:
            levels.append(f"{frequent}_l")
            joins.append(
                f"LEFT JOIN ({frequencies[frequent]}) t{k} ON t{k}.{frequent} = {frequent}_l"
            )
            u = float(model.u[k][-1])
            rare = f"log2({u!r} / greatest(t{k}.tf_{frequent}, {rarest!r}))"
            words.append(
                f"CASE WHEN g{k} = {len(c.levels) - 1} THEN coalesce({rare}, 0) ELSE 0 END"
            )
    needed = math.log2(least / (1 - least)) - bits - _HAIR
    cheap = [c for c in comparisons if c.name not in dear]
    con.execute(
        "CREATE OR REPLACE TABLE pairs AS SELECT match_key, join_key_l, join_key_r FROM (SELECT "
        f"match_key, join_key_l, join_key_r, {', '.join(levels)} FROM (SELECT p.*, "
        f"{columns_sql(cheap)} FROM pairs p JOIN records l ON l.rid = p.join_key_l "
        f"JOIN records r ON r.rid = p.join_key_r)) {' '.join(joins)} "
        f"WHERE {' + '.join(words)} >= {needed!r}"
    )


def score(
    con: duckdb.DuckDBPyConnection,
    comparisons: Sequence[Comparison],
    model: Model,
    least: float,
    frequencies: Mapping[str, str] | None = None,
    rarest: float = RAREST,
) -> None:
    """Makes `scored`: rid_l, rid_r, score, weight, and gamma_…, weight_… of each comparison, of
    the pairs that score at least `least`.

    frequencies: for a column, the SQL of its values with their shares, where these are not to
    be counted in `records` itself. splink names its columns; ours are the same in every version.
    """
    from splink import DuckDBAPI, Linker

    api = DuckDBAPI(connection=con)
    linker = Linker(
        api.register("records"), settings(comparisons, model, rarest), log_level=logging.ERROR
    )
    linker.table_management.register_blocked_pairs_for_predict(api.register("pairs"))
    for column, sql in (frequencies or {}).items():
        con.execute(f"CREATE OR REPLACE TABLE frequency_{column} AS {sql}")
        lookup = api.register(f"frequency_{column}")
        linker.table_management.register_term_frequency_lookup(lookup, column)
    found = linker.inference.predict(
        threshold_match_probability=least, warning_mode="never"
    ).physical_name
    parts, gammas = [], []
    for c in comparisons:
        tf = f" + coalesce(mw_tf_adj_{c.name}, 0)" if any(lv.frequency for lv in c.levels) else ""
        parts.append(f"mw_{c.name}{tf} AS weight_{c.name}")
        gammas.append(f"{c.gamma_sql()} AS gamma_{c.name}")
    # splink gives the levels only together with every value compared: they are found again.
    con.execute(
        f"CREATE OR REPLACE TABLE scored AS SELECT * EXCLUDE (k_l, k_r) FROM (SELECT rid_l, rid_r, "
        f"match_probability AS score, match_weight AS weight, {', '.join(parts)} FROM {found}) s "
        f"JOIN (SELECT k_l, k_r, {', '.join(gammas)} FROM (SELECT l.rid AS k_l, r.rid AS k_r, "
        f"{columns_sql(comparisons)} FROM {found} f JOIN records l ON l.rid = f.rid_l "
        "JOIN records r ON r.rid = f.rid_r)) g ON g.k_l = s.rid_l AND g.k_r = s.rid_r"
    )
    con.execute(f"DROP TABLE {found}")
