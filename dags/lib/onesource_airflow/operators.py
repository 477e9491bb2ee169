"""The steps of the DAGs. Each calls the command `onesource`, or shows what a call found.

Exit codes of a run: 0 all passed; 3 something is held, which is a result and no error; 1 failed:
Airflow tries again; 2 bad usage or contracts, where trying again helps nobody.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator, SkipMixin, TriggerRule, chain
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
)

from onesource_airflow import alerts, assets, command, places
from onesource_airflow.command import OneSource, Said
from onesource_airflow.inbox import take
from onesource_airflow.states import TableState, of_run

STATES = "tables"
# The day that a run stands for: what was asked for, else the logical date, else now; in the city.
DAY = (
    "{{ params.date or (dag_run.logical_date or dag_run.run_after)"
    ".astimezone(dag.timezone).strftime('%Y-%m-%d') }}"
)


class OneSourceOperator(BaseOperator):
    """Calls `onesource` with arguments; fails as its exit code says."""

    template_fields: Sequence[str] = ("arguments",)
    ui_color = "#e8f1fb"

    def __init__(self, *, arguments: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.arguments = list(arguments)

    def execute(self, context: Any) -> Any:
        said = self.call(self.arguments)
        self.judge(said)
        return said.last

    def call(self, arguments: Sequence[str]) -> Said:
        self._running = OneSource(arguments, self.log.info)
        return self._running.run()

    def judge(self, said: Said) -> None:
        """Raises what the exit code means; a held gate is no error."""
        if said.code == command.USAGE:
            raise AirflowFailException(f"not tried again: {said.last}")
        if said.code not in (command.PASSED, command.HELD):
            raise AirflowException(f"onesource ended with {said.code}: {said.last}")

    def on_kill(self) -> None:
        if running := getattr(self, "_running", None):
            running.end()


class DeliverOperator(OneSourceOperator):
    """Takes what lies in a sector's inbox and hands it in."""

    def __init__(self, *, sector: str, **kwargs: Any) -> None:
        super().__init__(arguments=[], **kwargs)
        self.sector = sector

    def execute(self, context: Any) -> Any:
        batch = take(places.inbox(), self.sector, context["run_id"])
        if not any(f.is_file() for f in batch.rglob("*")):
            batch.rmdir()
            self.log.info("nothing lies in %s", places.inbox() / self.sector)
            return {"taken": 0, "known": 0, "refused": 0}
        said = self.call(["deliver", str(batch)])
        counted = re.search(r"(\d+) taken, (\d+) had already, (\d+) refused$", said.last)
        if said.code == command.USAGE or counted is None:
            self.judge(Said(said.code or command.FAILED, said.lines))
        assert counted is not None
        refused = [ln for ln in said.lines if ln.startswith("REFUSED")]
        if refused:
            alerts.send(f"{self.sector}: {len(refused)} files refused 拒收", refused)
        names = ("taken", "known", "refused")
        return dict(zip(names, map(int, counted.groups()), strict=True)) | {"batch": batch.name}


class RunOperator(OneSourceOperator, SkipMixin):
    """`onesource run` over some tables; tells the tasks that show them what became of each.

    shown_by: task → table. The tasks of tables of which there is nothing to say are skipped: they
    need no process for that. What has been told of is found in the assets' own events, so that a
    try that was cut off loses none, and tells none twice.
    """

    def __init__(
        self,
        *,
        select: Sequence[str],
        through: str | None = None,
        shown_by: Mapping[str, str],
        **kwargs: Any,
    ) -> None:
        chosen = [w for word in select for w in ("--select", word)]
        layer = ["--through", through] if through else []
        self.shown_by = dict(shown_by)
        self.tables = sorted(set(self.shown_by.values()))
        super().__init__(
            arguments=["run", *chosen, *layer, "--date", DAY],
            inlets=[assets.table(t) for t in self.tables],
            **kwargs,
        )

    def execute(self, context: Any) -> Any:
        said = self.call(self.arguments)
        if said.code == command.USAGE or not self.tables:
            self.judge(said)
            return said.last
        ti, events = context["ti"], context["inlet_events"]
        states = of_run(
            said.lines, self.tables, lambda t: _announced(events, t), again=ti.try_number > 1
        )
        ti.xcom_push(key=STATES, value=states)
        self.judge(said)
        dag = context["dag"]
        self.skip(
            ti, [dag.get_task(t) for t, table in self.shown_by.items() if table not in states]
        )
        return said.last


def _announced(events: Any, table: str) -> int | None:
    """The version that the newest event of the table told of, or None."""
    found = events[assets.table(table)].ascending(False).limit(1)
    last = next(iter(found), None)
    return None if last is None else last.extra.get("version")


class _ShowOperator(BaseOperator):
    """Shows what the runs before it found of one table."""

    def __init__(self, *, table: str, after: Sequence[str], **kwargs: Any) -> None:
        super().__init__(retries=0, **kwargs)
        self.table, self.after = table, list(after)

    def state(self, context: Any) -> TableState | None:
        found = (context["ti"].xcom_pull(task_ids=t, key=STATES) or {} for t in self.after)
        return next((s[self.table] for s in found if self.table in s), None)

    def show_and_end(self, line: str, code: int) -> None:
        """Ends the task as failed, with one line that says why and no stack trace."""
        self.log.error(line)
        sys.exit(code)


class GateOperator(_ShowOperator):
    """The verdict of a feed's gate: green passed, red held (its reason is in the log and in the
    XCom `reason`), nothing new is skipped."""

    ui_color = "#fdf3dc"

    def execute(self, context: Any) -> Any:
        state = self.state(context)
        if state is None:
            raise AirflowSkipException(f"{self.table}: nothing new")
        if state["verdict"] == "passed":
            return f"passed 通过: version {state['version']}, {state['rows']} rows"
        context["ti"].xcom_push(key="reason", value=state["reason"])
        context["ti"].xcom_push(key="verdict", value=state["verdict"])
        for line in state["held"]:
            self.log.warning("held 扣留 %s", line)
        word = "HELD 扣留" if state["verdict"] == "held" else "FAILED 出错"
        kept = f"; version {state['version']} is served" if state["version"] is not None else ""
        self.show_and_end(f"{word} {self.table}: {state['reason']}{kept}", command.HELD)
        return None


class ServeOperator(_ShowOperator):
    """Tells everything that waits for a table that a new version of it is served."""

    ui_color = "#e3f4e4"

    def __init__(self, *, table: str, **kwargs: Any) -> None:
        self.asset = assets.table(table)
        super().__init__(table=table, outlets=[self.asset], **kwargs)

    def execute(self, context: Any) -> Any:
        state = self.state(context)
        if state is None or not state["new"]:
            why = state["reason"] if state else "nothing new"
            raise AirflowSkipException(f"{self.table}: no new version is served: {why}")
        told = {k: state[k] for k in ("version", "rows", "verdict")}  # type: ignore[literal-required]
        context["outlet_events"][self.asset].extra = told
        return told


class LakeOperator(OneSourceOperator):
    """A command over the whole lake (`release`, `maintain`): what it holds has its own task."""

    def execute(self, context: Any) -> Any:
        said = self.call(self.arguments)
        self.judge(said)
        held = [ln for ln in said.lines if _LOOK.match(ln)] or [said.last]
        context["ti"].xcom_push(key="held", value=held if said.code == command.HELD else [])
        return said.last

    @classmethod
    def with_held(cls, **settings: Any) -> LakeOperator:
        """The step, behind it the task that shows what it holds, and the report."""
        step = cls(**settings)
        held = HeldOperator(task_id="held", task_display_name="held 扣留", step=step.task_id)
        report = ReportOperator(
            task_id="report",
            task_display_name="report 报告",
            steps=[step.task_id],
            trigger_rule=TriggerRule.ALL_DONE,
        )
        chain(step, held, report)
        return step


# How a command names what it holds, or what a person has to look at.
_LOOK = re.compile(r"^(held|failed|look)\b", re.I)


class HeldOperator(BaseOperator):
    """Red with the reasons when the step before it held something; else skipped."""

    ui_color = "#fdf3dc"

    def __init__(self, *, step: str, **kwargs: Any) -> None:
        super().__init__(retries=0, **kwargs)
        self.step = step

    def execute(self, context: Any) -> Any:
        held = context["ti"].xcom_pull(task_ids=self.step, key="held")
        if not held:
            raise AirflowSkipException("nothing is held")
        alerts.send(f"{context['dag'].dag_id}: {len(held)} held 扣留", held)
        for line in held:
            self.log.error(line)
        sys.exit(command.HELD)


class ReportOperator(BaseOperator):
    """The end of a run: says what is held to those who must know, and fails the run if a step did.

    It is the only last task that can fail, so that a held gate, which is red, leaves the run green.
    """

    def __init__(self, *, steps: Sequence[str], **kwargs: Any) -> None:
        super().__init__(retries=0, **kwargs)
        self.steps = list(steps)

    def execute(self, context: Any) -> Any:
        ti, dag = context["ti"], context["dag"].dag_id
        held = sorted(set(_held(ti, self.steps)))
        if held:
            alerts.send(f"{dag}: {len(held)} held 扣留", held)
        states = ti.get_task_states(dag_id=dag, run_ids=[context["run_id"]])
        found = states.get(context["run_id"], {})
        failed = [s for s in self.steps if str(found.get(s)) in ("failed", "upstream_failed")]
        if failed:
            line = f"{dag}: failed 出错: {', '.join(failed)}"
            alerts.send(line, [f"run {context['run_id']}; the log of each step says why"])
            self.log.error(line)
            sys.exit(command.FAILED)
        return f"{len(held)} held" if held else "all passed"


def _held(ti: Any, steps: Sequence[str]) -> Iterator[str]:
    for step in steps:
        for table, state in (ti.xcom_pull(task_ids=step, key=STATES) or {}).items():
            if state["verdict"] != "passed":
                yield f"{table}: {state['reason']}"
