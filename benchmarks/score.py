"""How well the registry of persons finds the truth again that a simulated city was made from.

    make score DELIVERIES=DIR [LAKE=…]

DIR is what `onesource simulate` wrote (its `_truth` folder is read here and nowhere in the
package); the lake is one into which exactly that was delivered and run. Printed as JSON:

* pairs: rows of sources linked to one person against rows of one true person: of all, of those
  whose number was readable, and of those that the delivered values can decide (`_DECIDABLE`);
* conflicts: planted ones by kind (as many as differing values were written), and how many tickets
  name the person and attribute; tickets that nothing planted explains. Where a number was spoilt
  on the way a ticket may be raised or not (`possible` in conflicts.csv): it is a cause, no more;
* payments: of those paid after a death that somebody reported, how many the registry lists;
* attributes: share of the latest values that are the true ones, where any row put to the person
  says the true one;
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
from onesource.registry.person.links import sensitive_feeds

TABLES = (
    "registry.person",
    "registry.person_source",
    "registry.ticket",
    "registry.payment_after_death",
    "registry.address_written",
)
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
        found = {
            "pairs": _pairs(con),
            "conflicts": _conflicts(con),
            "payments": _payments(con),
            "attributes": _attributes(con),
            "addresses": _addresses(con),
        }
    print(json.dumps(found, ensure_ascii=False, indent=1))
    return 0


# By the matching order of DOMAIN 5.2. A sound number decides, but for a second registration: two
# numbers that no register joins are a question. Without one it must be one place away beside name,
# birth and county (which of a sensitive row somebody must confirm), or the mother and the day must
# name the child of a household of the register, or beside name and birth there must be a telephone
# that stands beside the number elsewhere: name, birth, sex and village only propose. Nobody can be
# found before the register has them: a person is made when it is registered.
_DECIDABLE = """
    CASE WHEN s.id_no IS NOT NULL THEN s.id_no IN (SELECT number FROM numbers n
        WHERE n.entity = d.entity) OR d.entity NOT IN (SELECT entity FROM conflicts
        WHERE kind = 'second_registration')
      ELSE d.entity IN (SELECT entity FROM has_number) AND s.birth_date = p.birth_date AND (
        (s.source NOT IN (SELECT feed FROM sensitive)
          AND s.name = p.name AND left(s.county_code, 6) = left(p.county_code, 6)
          AND damerau_levenshtein(upper(s.id_no_delivered), p.id_no) = 1)
        OR (s.mother_id_no = mother.id_no AND p.is_registered = 'True'
          AND mother.is_registered = 'True' AND (s.name = p.name OR p.nth_child IS NULL))
        OR (s.name = p.name AND EXISTS (SELECT 1 FROM phones h
          WHERE h.entity = d.entity AND h.phone = s.attributes ->> '$.phone')))
    END
"""


def _load_truth(
    con: duckdb.DuckDBPyConnection, truth: Path, settings: Settings, catalogue: Any
) -> None:
    """`said`: every voice of the registry with the true person of its line."""
    import pyarrow.csv
    import pyarrow.parquet

    for name in ("persons", "delivered"):
        con.register(f"_{name}", pyarrow.parquet.read_table(truth / f"{name}.parquet"))
        con.execute(f"CREATE TABLE {name} AS SELECT * FROM _{name}")
    for name in ("conflicts", "person_faults"):
        con.register(f"_{name}", pyarrow.csv.read_csv(truth / f"{name}.csv"))
    con.execute(
        """
        CREATE TABLE conflicts AS SELECT c.*, f.written
        FROM _conflicts c LEFT JOIN _person_faults f USING (kind, entity, file, line)
        """
    )
    files = [
        (record.delivery_id, record.file_name)
        for feed in catalogue.feeds.values()
        for record in landing.records(settings, feed)
    ]
    con.execute("CREATE TABLE files (delivery_id VARCHAR, file_name VARCHAR)")
    con.executemany("INSERT INTO files VALUES (?, ?)", files)
    con.register(
        "_told",
        pyarrow.csv.read_csv(
            truth / "person_attribute.csv",
            convert_options=(
                pyarrow.csv.ConvertOptions(
                    column_types=dict.fromkeys(("before", "after"), "string")
                )
            ),
        ),
    )
    con.execute("CREATE TABLE told AS SELECT * FROM _told")
    con.execute("CREATE TABLE sensitive (feed VARCHAR)")
    con.executemany("INSERT INTO sensitive VALUES (?)", [(f,) for f in sensitive_feeds(catalogue)])
    con.execute(
        """
        CREATE TABLE numbers AS
        SELECT entity, id_no AS number FROM persons
        UNION SELECT entity, unnest([before, after]) FROM told WHERE attribute = 'id_no'
        """
    )
    spoken = """
        FROM registry.person_source s
        JOIN files f USING (delivery_id)
        JOIN delivered d ON parse_filename(d.file) = f.file_name AND d.line = s.line
          AND d.role = CASE s.role WHEN 'self' THEN 'subject' ELSE s.role END
        WHERE s.known_to IS NULL
    """
    con.execute(
        f"""
        CREATE TABLE phones AS
        SELECT DISTINCT d.entity, s.attributes ->> '$.phone' AS phone {spoken}
          AND s.id_no IS NOT NULL
        """
    )
    con.execute("CREATE TABLE has_number AS SELECT DISTINCT entity FROM phones")
    con.execute(
        f"""
        CREATE TABLE said AS
        WITH people AS (
          SELECT *, CASE WHEN mother <> '' AND count(*) OVER (PARTITION BY mother, birth_date) > 1
            THEN 1 END AS nth_child FROM persons)
        SELECT DISTINCT d.entity, s.person_id, s.id_no IS NOT NULL AS is_numbered, d.file, d.line,
          d.role, coalesce({_DECIDABLE}, false) AS is_decidable
        {
            spoken.replace(
                "WHERE",
                '''JOIN people p ON p.entity = d.entity
          LEFT JOIN persons mother ON mother.entity = p.mother
        WHERE''',
            )
        }
        """
    )


def _pairs(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    def pairs(columns: str, where: str) -> int:
        sql = f"SELECT coalesce(sum(n * (n - 1) / 2), 0) FROM (SELECT count(*) AS n FROM said \
WHERE {where} GROUP BY {columns})"
        return int(_one(con, sql))

    def recall(where: str) -> float | None:
        true = pairs("entity", where)
        found = pairs("person_id, entity", f"{where} AND person_id IS NOT NULL")
        return round(found / true, 6) if true else None

    linked = pairs("person_id", "person_id IS NOT NULL")
    right = pairs("person_id, entity", "person_id IS NOT NULL")
    return {
        "rows": _one(con, "SELECT count(*) FROM said"),
        "rows_without_person": _one(con, "SELECT count(*) FROM said WHERE person_id IS NULL"),
        "rows_undecidable": _one(con, "SELECT count(*) FROM said WHERE NOT is_decidable"),
        "linked_pairs": linked,
        "precision": round(right / linked, 6) if linked else None,
        "recall_decidable": recall("is_decidable"),
        "recall_numbered": recall("is_numbered"),
        "recall_all": recall("true"),
    }


def _conflicts(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    con.execute(
        """
        CREATE TABLE raised AS
        SELECT DISTINCT t.ticket_id, t.attribute, w.entity
        FROM registry.ticket t
        JOIN said w ON w.person_id = t.entity
          OR (t.attribute IN ('id_no', 'second_registration') AND w.person_id = t.value_b)
        WHERE t.registry = 'registry.person' AND t.state <> 'CLOSED'
        """
    )
    kinds = con.execute(
        """
        SELECT kind, sum(planted), sum(least(n, planted)), sum(greatest(n - planted, 0))
        FROM (
          SELECT c.kind, c.entity, c.attribute, count(DISTINCT coalesce(c.written, '')) AS planted,
            count(DISTINCT r.ticket_id) AS n
          FROM conflicts c LEFT JOIN raised r
            ON (r.entity = c.entity OR r.entity = c.other) AND r.attribute = c.attribute
          WHERE c.expected = 'ticket'
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
        "planted": {
            k: {"planted": int(p), "one_ticket": int(o), "too_many": int(s)} for k, p, o, s in kinds
        },
        "without_planted_cause": dict(without),
    }


def _payments(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """People paid after their death, and how many of them, and of others, the registry lists."""
    row = con.execute(
        """
        WITH planted AS (SELECT entity FROM conflicts WHERE expected = 'listed'),
        listed AS (
          SELECT DISTINCT w.entity
          FROM registry.payment_after_death p JOIN said w USING (person_id))
        SELECT (SELECT count(*) FROM planted), (SELECT count(*) FROM planted SEMI JOIN listed
          USING (entity)), (SELECT count(*) FROM listed ANTI JOIN planted USING (entity))
        """
    ).fetchone()
    planted, listed, others = row or (0, 0, 0)
    return {"planted": planted, "listed": listed, "listed_without_cause": others}


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
        own = attribute in ("id_no", "name", "sex", "birth_date")
        said = f"CAST(s.{attribute} AS VARCHAR)" if own else f"s.attributes ->> '$.{attribute}'"
        share = _one(
            con,
            f"""
            WITH true_now AS (
              SELECT p.entity,
                coalesce(max_by(t.after, t.changed_on), any_value(p.{column})) AS value
              FROM persons p LEFT JOIN told t ON t.entity = p.entity AND t.attribute = '{column}'
              GROUP BY p.entity),
            heard AS (
              SELECT DISTINCT person_id, {said} AS value FROM registry.person_source s
              WHERE known_to IS NULL)
            SELECT avg(CASE WHEN CAST(p.{attribute} AS VARCHAR) = t.value THEN 1.0 ELSE 0.0 END)
            FROM registry.person p JOIN who USING (person_id) JOIN true_now t USING (entity)
            JOIN heard h ON h.person_id = p.person_id AND h.value = t.value
            WHERE p.known_to IS NULL AND p.valid_to IS NULL
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
