"""One run: one process, one Spark session, many steps, and one move of the manifest."""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import date

from onesource import person_keys
from onesource.config import BEIJING, Settings, now
from onesource.contracts.load import load_catalogue
from onesource.contracts.model import Kind
from onesource.curate.persons import uses_person_key
from onesource.errors import OneSourceError
from onesource.lake import ops
from onesource.lake.manifest import Served, read_manifest, serve
from onesource.person_keys import PersonKey
from onesource.quality.suite import rules_for
from onesource.run import ledger
from onesource.run.active_key import known_keys
from onesource.run.context import RunContext
from onesource.run.feed_step import run_feed
from onesource.run.plan import Graph, build_graph, select
from onesource.run.results import Status, StepResult
from onesource.run.table_step import run_table
from onesource.run.ticket_answers import DECISION, run_answers
from onesource.run.ticket_gate import run_ticket_gate
from onesource.run.ticket_log import EVENTS
from onesource.run.ticket_log import TABLE as TICKETS
from onesource.spark.session import open_session

# Four threads brought eight small MERGEs to 0.9 s each on two cores, one thread to 1.9 s.
THREADS = 4


@dataclass(frozen=True)
class RunReport:
    """What a run did: its id, its steps, and the exit code of the command."""

    run: str
    results: tuple[StepResult, ...]
    served: tuple[str, ...]
    seconds: float

    @property
    def exit_code(self) -> int:
        """0 all passed, 3 something is held, 1 something failed."""
        if any(r.status is Status.FAILED for r in self.results):
            return 1
        return 3 if any(r.is_held for r in self.results) else 0


def new_run_id() -> str:
    """Sorts by time, and no two processes make the same."""
    return f"{now():%Y%m%dT%H%M%S%f}Z-{os.getpid():x}"


def run(
    settings: Settings,
    *,
    words: Sequence[str] = (),
    through: str | None = None,
    day: date | None = None,
    say: Callable[[str], None] = lambda _: None,
    debug: bool = False,
    rekey_with: PersonKey | None = None,
) -> RunReport:
    """Plans, executes and serves. A second run with nothing new does nothing.

    rekey_with: of a rotation, the version that tokens and keys are made with; nothing is served
    unless every table that holds some was made with it.

    Raises ContractError or UsageError before anything is touched; what goes wrong inside a step
    is that step's result.
    """
    started = time.monotonic()
    catalogue = load_catalogue(settings.schemas)
    graph = build_graph(settings, catalogue)
    tables = select(graph, catalogue, words, through)
    rules = {t: rules_for(c, settings.expectations, catalogue) for t, c in graph.contracts.items()}
    day = day or now().astimezone(BEIJING).date()
    manifest = read_manifest(settings)
    context = RunContext(
        settings=settings,
        catalogue=catalogue,
        graph=graph,
        open_spark=lambda: open_session(settings),
        run=new_run_id(),
        day=day,
        rules=rules,
        say=say,
        rekey_with=rekey_with,
    )
    context.begin_with(manifest)
    known = ledger.states(settings)
    for t in tables:
        # A run that died after its steps and before it served: its versions are good.
        version = known[t].version if t in known else None
        if version is not None:
            context.versions[t] = version
    results = _execute(context, tables, through, debug)
    served: tuple[str, ...] = ()
    if rekey_with is None:
        served = _serve(context, tables)
    elif not is_mixed(context.settings, graph, rekey_with):
        # In use first: a process that ends here leaves readers with the tables of before, and
        # the next run serves the new ones.
        person_keys.activate(settings.keys, rekey_with.version)
        served = _serve(context, tables)
    return RunReport(context.run, results, served, time.monotonic() - started)


def _execute(
    ctx: RunContext, tables: Sequence[str], through: str | None, debug: bool
) -> tuple[StepResult, ...]:
    """Runs the steps in threads, each when its inputs in this run are done."""
    todo = _steps(ctx.graph, tables)
    done: dict[str, StepResult] = {}
    running: dict[Future[StepResult], str] = {}
    with ThreadPoolExecutor(THREADS, thread_name_prefix="step") as pool:
        while len(done) < len(todo):
            for t in todo:
                if t in done or t in running.values():
                    continue
                waits = [i for i in _waits_for(ctx.graph, t) if i in todo and i not in done]
                if not waits:
                    running[pool.submit(_step, ctx, t, through, debug)] = t
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                done[running.pop(future)] = future.result()
    return tuple(done[t] for t in todo)


def _steps(graph: Graph, tables: Sequence[str]) -> list[str]:
    """The tables that have a step of their own.

    Tickets are written by the tables that find the conflicts, and judged once after all of these.
    """
    todo = [t for t in tables if t not in (TICKETS, EVENTS)]
    raising = any(graph.contracts[t].kind is Kind.REGISTRY for t in todo)
    return [*todo, TICKETS] if raising and TICKETS in graph.contracts else todo


def _waits_for(graph: Graph, table: str) -> tuple[str, ...]:
    """The inputs; of the tickets and what stands on them, all tables that may raise one."""
    registries = tuple(t for t, c in graph.contracts.items() if c.kind is Kind.REGISTRY)
    if table == TICKETS:
        return tuple(t for t in registries if t != TICKETS)
    inputs = graph.all_inputs(table)
    if graph.contracts[table].kind is Kind.CURATED and {TICKETS, EVENTS} & set(inputs):
        return (*inputs, *registries)
    return inputs


def _step(ctx: RunContext, table: str, through: str | None, debug: bool) -> StepResult:
    started = time.monotonic()
    threading.current_thread().name = table
    ctx.begin_step()
    try:
        if table == DECISION:
            result = run_answers(ctx, table)
        elif table == TICKETS:
            result = run_ticket_gate(ctx)
        elif ctx.graph.contracts[table].kind is Kind.FEED:
            result = run_feed(ctx, table, bronze_only=through == "bronze")
        else:
            result = run_table(ctx, table)
    except OneSourceError as e:
        result = _failed(ctx, table, e.line())
    except Exception as e:
        if debug:
            traceback.print_exc()
        result = _failed(ctx, table, describe(e))
    result = replace(result, seconds=time.monotonic() - started)
    if result.status is not Status.UNCHANGED:
        ctx.say(_line(result))
    return result


def describe(error: Exception) -> str:
    """An error without its text: Spark's messages quote values, and logs hold no personal data."""
    condition = getattr(error, "getCondition", lambda: None)()
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "onesource" in f.filename]
    where = f" in {own[-1].name}" if own else ""
    return (
        f"{type(error).__name__}{f' {condition}' if condition else ''}{where}; --debug shows more"
    )


def _failed(ctx: RunContext, table: str, why: str) -> StepResult:
    row = {"kind": "failed", "table": table, "reason_en": why}
    ops.append(ctx.settings, "failures", ctx.run, [{**row, "run": ctx.run}])
    return StepResult(table, Status.FAILED, reason_zh="出错", reason_en=why)


def _line(r: StepResult) -> str:
    reason = f": {r.reason_en}" if r.reason_en else ""
    held = f", {len(r.held)} deliveries held" if r.held else ""
    rows = f", {r.rows} rows" if r.rows is not None else ""
    return f"{r.table}: {r.status}{rows}{held}, {r.seconds:.1f} s{reason}"


def is_mixed(settings: Settings, graph: Graph, key: PersonKey) -> bool:
    """Would readers see tables of two person keys?"""
    states = ledger.states(settings)
    keyed = [t for t, c in graph.contracts.items() if uses_person_key(c, graph.sql.get(t))]
    made = known_keys(settings)
    return any(
        made.get(t) != key.id for t in keyed if t in states and states[t].version is not None
    )


def _serve(ctx: RunContext, tables: Sequence[str]) -> tuple[str, ...]:
    """Moves the manifest to every version of this run's tables that passed."""
    known = ledger.states(ctx.settings)
    before = read_manifest(ctx.settings).tables
    wanted = {*tables, TICKETS, EVENTS} & set(ctx.graph.contracts)
    changes: dict[str, Served] = {}
    for t in sorted(wanted):
        state = known.get(t)
        if state is None or state.version is None:
            continue
        if t in before and before[t].version == state.version:
            continue
        changes[t] = Served(
            state.version, state.inputs, state.rows, state.definition, run=state.run
        )
    serve(ctx.settings, ctx.run, changes)
    return tuple(changes)
