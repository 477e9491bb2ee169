"""How well the registry of persons finds the truth again that a simulated city was made from.

    make score DELIVERIES=DIR [LAKE=…]

DIR is what `onesource simulate` wrote (its `_truth` folder is read here and nowhere in the
package); the lake is one into which exactly that was delivered and run. Printed as JSON:

* pairs: rows of sources linked to one person against rows of one true person. Rows whose number
  was not readable are counted apart (`recall_all`), for their values may not decide;
* conflicts: planted ones by kind, and how many tickets name the person and attribute; tickets
  that nothing planted explains;
* attributes: share of open rows whose value is the true one;
* addresses: share of the persons in the register whose address, as `registry.address_written`
  reads it, lies in the true county (aim: 97 %) and town, and how deep addresses are read.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import duckdb

from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.ingest import landing
from onesource.lake import reader
from onesource.lake.manifest import read_manifest

TABLES = (
    "registry.person", "registry.person_source", "registry.ticket", "registry.address_written",
)  # fmt: skip
# Attribute of the registry → column of the truth.
COMPARED = {"id_no": "id_no", "name": "name", "sex": "sex", "birth_date": "birth_date",
            "ethnicity": "ethnicity", "hukou_division_code": "hukou_division"}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("deliveries", type=Path)
    folder: Path = parser.parse_args().deliveries
    truth = folder / "_truth"
    if not (truth / "delivered.parquet").is_file():
        print(f"score: {folder} holds no _truth of a simulated city", file=sys.stderr)
        return 2
    settings = Settings.from_environment()
    catalogue = load_catalogue(settings.schemas, odcs=False)
    manifest = read_manifest(settings)
    with reader.database() as con:
        for table in TABLES:
            contract = catalogue.tables[table]
            reader.add_view(con, reader.open_served(settings, contract, manifest), contract)
        _load_truth(con, truth, settings, catalogue)
        found = {"pairs": _pairs(con), "conflicts": _conflicts(con), "attributes": _attributes(con)}
        found["addresses"] = _addresses(con)
    print(json.dumps(found, ensure_ascii=False, indent=1))
    return 0


def _load_truth(
    con: duckdb.DuckDBPyConnection, truth: Path, settings: Settings, catalogue: Any
) -> None:
    """`said`: every voice of the registry with the true person of its line."""
    import pyarrow.csv
    import pyarrow.parquet

    for name in ("persons", "delivered"):
        con.register(f"_{name}", pyarrow.parquet.read_table(truth / f"{name}.parquet"))
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM _{name}")
    con.register("_conflicts", pyarrow.csv.read_csv(truth / "conflicts.csv"))
    con.execute("CREATE TABLE conflicts AS SELECT * FROM _conflicts")
    files = [
        (record.delivery_id, record.file_name)
        for feed in catalogue.feeds.values()
        for record in landing.records(settings, feed)
    ]
    con.execute("CREATE TABLE files (delivery_id VARCHAR, file_name VARCHAR)")
    con.executemany("INSERT INTO files VALUES (?, ?)", files)
    con.execute(
        """
        CREATE TABLE said AS
        SELECT DISTINCT d.entity, s.person_id, s.id_no IS NOT NULL AS is_numbered, d.file, d.line,
          d.role
        FROM registry.person_source s
        JOIN files f USING (delivery_id)
        JOIN delivered d ON parse_filename(d.file) = f.file_name AND d.line = s.line
          AND d.role = CASE s.role WHEN 'self' THEN 'subject' ELSE s.role END
        WHERE s.known_to IS NULL
        """
    )


def _pairs(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    def pairs(columns: str, where: str) -> int:
        sql = f"SELECT coalesce(sum(n * (n - 1) / 2), 0) FROM (SELECT count(*) AS n FROM said \
WHERE {where} GROUP BY {columns})"
        return int(_one(con, sql))

    linked = pairs("person_id", "person_id IS NOT NULL")
    right = pairs("person_id, entity", "person_id IS NOT NULL")
    true_numbered = pairs("entity", "is_numbered")
    right_numbered = pairs("person_id, entity", "is_numbered AND person_id IS NOT NULL")
    return {
        "rows": _one(con, "SELECT count(*) FROM said"),
        "rows_without_person": _one(con, "SELECT count(*) FROM said WHERE person_id IS NULL"),
        "linked_pairs": linked,
        "precision": round(right / linked, 6) if linked else None,
        "recall_numbered": round(right_numbered / true_numbered, 6) if true_numbered else None,
        "recall_all": round(right / all_pairs, 6)
        if (all_pairs := pairs("entity", "true"))
        else None,
    }


def _conflicts(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    con.execute(
        """
        CREATE TABLE raised AS
        SELECT DISTINCT t.ticket_id, t.attribute, w.entity
        FROM registry.ticket t
        JOIN said w ON w.person_id = t.entity OR (t.attribute = 'id_no' AND w.person_id = t.value_b)
        WHERE t.registry = 'registry.person' AND t.state <> 'CLOSED'
        """
    )
    kinds = con.execute(
        """
        SELECT kind, count(*) AS planted, count(*) FILTER (n = 1) AS one_ticket,
          count(*) FILTER (n > 1) AS several
        FROM (
          SELECT c.kind, c.entity, c.attribute, count(DISTINCT r.ticket_id) AS n
          FROM conflicts c LEFT JOIN raised r
            ON (r.entity = c.entity OR r.entity = c.other) AND r.attribute = c.attribute
          GROUP BY ALL)
        GROUP BY kind ORDER BY kind
        """
    ).fetchall()
    without = con.execute(
        """
        SELECT attribute, count(DISTINCT ticket_id) FROM raised r
        WHERE ticket_id NOT IN (
          SELECT r2.ticket_id FROM raised r2 JOIN conflicts c
            ON (r2.entity = c.entity OR r2.entity = c.other) AND r2.attribute = c.attribute)
        GROUP BY attribute ORDER BY attribute
        """
    ).fetchall()
    return {
        "tickets": _one(con, "SELECT count(DISTINCT ticket_id) FROM raised"),
        "planted": {k: {"planted": p, "one_ticket": o, "several": s} for k, p, o, s in kinds},
        "without_planted_cause": dict(without),
    }


def _attributes(con: duckdb.DuckDBPyConnection) -> dict[str, float]:
    con.execute(
        """
        CREATE TABLE who AS
        SELECT person_id, any_value(entity) AS entity FROM said WHERE person_id IS NOT NULL
        GROUP BY person_id HAVING count(DISTINCT entity) = 1
        """
    )
    found: dict[str, float] = {}
    for attribute, column in COMPARED.items():
        share = _one(
            con,
            f"""
            SELECT avg(CASE WHEN CAST(p.{attribute} AS VARCHAR) = CAST(t.{column} AS VARCHAR)
              THEN 1.0 ELSE 0.0 END)
            FROM registry.person p JOIN who USING (person_id) JOIN persons t USING (entity)
            WHERE p.known_to IS NULL AND p.valid_to IS NULL AND p.{attribute} IS NOT NULL
            """,
        )
        found[attribute] = round(float(share), 6)
    return found


def _addresses(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    # `who` is made by `_attributes`.
    con.execute(
        """
        CREATE TABLE homes AS
        SELECT t.hukou_division AS truth, coalesce(w.division_now, '') AS found, w.match_level
        FROM registry.person p JOIN who USING (person_id) JOIN persons t USING (entity)
        LEFT JOIN registry.address_written w ON w.written = p.hukou_address
          AND w.county_beside = rpad(left(p.hukou_division_code, 6), 12, '0')
          AND w.valid_to IS NULL
        WHERE p.known_to IS NULL AND p.valid_to IS NULL AND p.hukou_address IS NOT NULL
          AND t.hukou_division LIKE '1411%'
        """
    )
    right = {
        level: _one(
            con,
            f"SELECT round(avg(CAST(left(found, {width}) = left(truth, {width}) AS INT)), 6) "
            "FROM homes",
        )
        for level, width in (("county", 6), ("town", 9), ("village", 12))
    }
    levels = con.execute("SELECT match_level, count(*) FROM homes GROUP BY 1 ORDER BY 1").fetchall()
    return {"rows": _one(con, "SELECT count(*) FROM homes"), "right": right,
            "by_match_level": {str(level): n for level, n in levels}}  # fmt: skip


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> Any:
    row = con.execute(sql).fetchone()
    return row[0] if row else None


if __name__ == "__main__":
    sys.exit(main())
