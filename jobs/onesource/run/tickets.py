"""校核工单: a conflict between sources becomes one ticket, however often it is seen."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from onesource.errors import OneSourceError
from onesource.lake import delta
from onesource.lake.files import locked
from onesource.lake.paths import table_path
from onesource.run import ledger
from onesource.run.context import RunContext
from onesource.run.ledger import PASSED
from onesource.run.recover import recover

TABLE = "registry.ticket"
WORKING_DAYS = 10  # 51号文: a department answers a doubt within ten working days
KEY = ("registry", "entity", "attribute", "value_a", "value_b")


def due_date(opened: date, days: int = WORKING_DAYS) -> date:
    """The day that is `days` working days after `opened`, by the Chinese calendar.

    Raises OneSourceError when the calendar ends before (P11).
    """
    import chinese_calendar

    day, left = opened, days
    while left:
        day += timedelta(days=1)
        try:
            left -= chinese_calendar.is_workday(day)
        except NotImplementedError as e:
            raise OneSourceError(
                f"the calendar of working days ends before {day}",
                todo="update the package chinesecalendar",
            ) from e
    return day


def write_tickets(ctx: RunContext, registry: str, conflicts: DataFrame) -> None:
    """Brings `registry.ticket` in line with the conflicts that a registry table shows now.

    conflicts: `registry, entity, attribute, value_a, source_a, value_b, source_b, owner,
    detail_zh, detail_en`. New ones are opened, those seen before stay as they are, those no
    longer seen are closed, one seen again after that is opened again.
    """
    contract = ctx.graph.contracts[TABLE]
    path = table_path(ctx.settings, contract)
    with locked(ctx.settings.root("ops") / "locks" / f"{TABLE}.lock"):
        state = ledger.state(ctx.settings, TABLE)
        recover(ctx, TABLE, path, state)
        fields = {f.name: f.spark_type for f in contract.fields}
        delta.create(ctx.spark, path, fields)
        rows = _rows(ctx, registry, conflicts)
        view = f"_tickets_{uuid.uuid4().hex}"
        rows.select(*fields).createOrReplaceTempView(view)
        try:
            version = delta.merge(ctx.spark, _merge_sql(ctx, path, view, registry, fields), path)
        finally:
            ctx.spark.catalog.dropTempView(view)
        count = delta.read(ctx.spark, path, version).count()
        ctx.record(
            {
                "kind": "step",
                "table": TABLE,
                "step": ctx.run,
                "verdict": PASSED,
                "version": version,
                "head": version,
                "rows": count,
            }
        )
        ctx.passed(TABLE, version)


def _rows(ctx: RunContext, registry: str, conflicts: DataFrame) -> DataFrame:
    cells = ", ".join(f"coalesce(CAST(`{k}` AS STRING), '')" for k in KEY)
    day = F.lit(ctx.day)
    return (
        conflicts.withColumn("registry", F.lit(registry))
        .withColumns(
            {
                "ticket_id": F.expr(f"substring(sha2(concat_ws(chr(31), {cells}), 256), 1, 16)"),
                "state": F.lit("OPEN"),
                "opened_on": day,
                "due_on": F.lit(due_date(ctx.day)),
                "closed_on": F.lit(None).cast("date"),
            }
        )
        .dropDuplicates(["ticket_id"])
    )


def _merge_sql(
    ctx: RunContext, path: object, view: str, registry: str, fields: dict[str, str]
) -> str:
    from pathlib import Path

    names = ", ".join(f"`{n}`" for n in fields)
    values = ", ".join(f"s.`{n}`" for n in fields)
    return (
        f"MERGE INTO {delta.sql_path(Path(str(path)))} t USING {view} s "
        "ON t.ticket_id = s.ticket_id "
        "WHEN MATCHED AND t.state = 'CLOSED' THEN UPDATE SET state = 'OPEN', "
        "opened_on = s.opened_on, due_on = s.due_on, closed_on = NULL "
        f"WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values}) "
        f"WHEN NOT MATCHED BY SOURCE AND t.registry = '{registry}' AND t.state = 'OPEN' "
        f"THEN UPDATE SET state = 'CLOSED', closed_on = DATE '{ctx.day.isoformat()}'"
    )
