"""The command `onesource`. Every command imports what it needs when it is called: none pays for
another's libraries."""

from __future__ import annotations

import os
import sys
import traceback
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from onesource.config import Settings
from onesource.errors import OneSourceError, UsageError

app = typer.Typer(
    name="onesource",
    help="OneSource 一源: from a department's file to a table that can be asked in SQL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
quality_app = typer.Typer(
    help="What a table's gate checks, and what it found.", no_args_is_help=True
)
new_app = typer.Typer(
    help="Begin a feed, a curated table or an open dataset.", no_args_is_help=True
)
app.add_typer(quality_app, name="quality")
app.add_typer(new_app, name="new")
keys_app = typer.Typer(help="The keys of persons: status, rotate, retire.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")

release_app = typer.Typer(help="The open release: make, verify, withdraw.")
app.add_typer(release_app, name="release")

tickets_app = typer.Typer(
    help="What departments must settle: list, send, answer, close.", no_args_is_help=True
)
app.add_typer(tickets_app, name="tickets")

Select = Annotated[
    list[str] | None,
    typer.Option(
        "--select", help="A table, sector:NAME or feed:ID; + behind adds what depends on it."
    ),
]
Through = Annotated[
    str | None, typer.Option(help="Stop after this layer: bronze, silver, registry, curated.")
]
Day = Annotated[str | None, typer.Option("--date", help="The run's day, YYYY-MM-DD.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks.")]


def _settings() -> Settings:
    return Settings.from_environment()


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as e:
        raise UsageError(f"--date {text} is no day", todo="write it as YYYY-MM-DD") from e


@app.command()
def check() -> None:
    """Validate contracts, SQL, rules and code lists; find breaking changes."""
    from onesource.cli.check import check_command

    raise typer.Exit(check_command(_settings()))


@app.command()
def deliver(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders or zip archives.")],
    feed: Annotated[
        str | None, typer.Option("--feed", help="The feed, if names do not tell.")
    ] = None,
) -> None:
    """Hand files in; says what was taken, refused (why), and had already."""
    from onesource.cli.deliver import deliver_command

    raise typer.Exit(deliver_command(_settings(), paths, feed))


@app.command()
def run(
    select: Select = None, through: Through = None, day: Day = None, debug: Debug = False
) -> None:
    """Plan, execute, serve. Exit 0 all passed, 3 something held, 1 failed, 2 bad usage."""
    from onesource.cli.run import run_command

    raise typer.Exit(run_command(_settings(), select or [], through, _day(day), debug))


@app.command()
def plan(select: Select = None, through: Through = None, day: Day = None) -> None:
    """Say what a run would do, without doing it."""
    from onesource.cli.run import plan_command

    raise typer.Exit(plan_command(_settings(), select or [], through))


@app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write one page with charts into this file.")
    ] = None,
    day: Day = None,
) -> None:
    """Tables, served versions, 应报/已报/漏报, freshness, held and why, quarantine, tickets."""
    if html is not None:
        from onesource.cli.status_page import write_status_page

        write_status_page(_settings(), html, _day(day))
        print(f"written to {html}")
        raise typer.Exit(0)
    from onesource.cli.status import status_command

    raise typer.Exit(status_command(_settings(), as_json, _day(day)))


@app.command()
def quarantine(
    feed: Annotated[str, typer.Argument(help="The feed, such as energy.coal_daily.")],
    csv: Annotated[Path | None, typer.Option(help="Write all rows into this CSV file.")] = None,
    purpose: Annotated[str, typer.Option(help="What for; recorded.")] = "",
) -> None:
    """Rejected rows with their reasons, for the department."""
    from onesource.cli.quarantine import quarantine_command

    raise typer.Exit(quarantine_command(_settings(), feed, csv, purpose))


@app.command()
def sql(
    statement: Annotated[str, typer.Argument(help="One SELECT; - reads it from stdin.")],
    csv: Annotated[Path | None, typer.Option(help="Write the result as CSV.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="Write the result as Parquet.")] = None,
    run: Annotated[str | None, typer.Option(help="As served after this run.")] = None,
    purpose: Annotated[str, typer.Option(help="What for; recorded.")] = "",
) -> None:
    """Read-only SQL on served tables."""
    from onesource.cli.sql import sql_command

    text = sys.stdin.read() if statement == "-" else statement
    raise typer.Exit(
        sql_command(_settings(), text, csv=csv, parquet=parquet, run=run, purpose=purpose)
    )


@quality_app.command("show")
def quality_show(
    table: Annotated[str, typer.Argument(help="Such as silver.energy_coal_daily.")],
) -> None:
    """The rules of a table's gate, and the last result."""
    from onesource.cli.quality import show_quality

    raise typer.Exit(show_quality(_settings(), table))


@app.command()
def standardise(
    name: Annotated[str, typer.Argument(help="The standardiser, such as resident_id.")],
    arg: Annotated[list[str] | None, typer.Option("--arg", help="An argument, key=value.")] = None,
) -> None:
    """Raw values on stdin, one a line → CSV raw,value,verdict,detail on stdout."""
    from onesource.cli.standardise import standardise_main

    raise typer.Exit(standardise_main(_settings(), name, arg or []))


@app.command()
def explain(
    table: Annotated[str, typer.Argument(help="Such as silver.energy_coal_daily.")],
    key: Annotated[
        str | None, typer.Option(help="The key's values, separated by commas; left out: stdin.")
    ] = None,
    purpose: Annotated[str, typer.Option(help="What for; recorded.")] = "",
) -> None:
    """Where a row comes from: deliveries, lines, rules, and the source of each attribute."""
    from onesource.cli.explain import explain_command

    text = sys.stdin.read().strip() if key is None else key
    raise typer.Exit(explain_command(_settings(), table, text, purpose))


@app.command()
def reads(
    since: Annotated[str | None, typer.Option(help="From this day on, YYYY-MM-DD.")] = None,
    purpose: Annotated[str, typer.Option(help="What for; recorded.")] = "",
) -> None:
    """Who read a person's rows, and for what; person_id or ID number on stdin."""
    from onesource.cli.reads import reads_command

    raise typer.Exit(reads_command(_settings(), sys.stdin.read(), since, purpose))


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="The folder to write into.")],
    only: Annotated[str, typer.Option(help="base (people) or energy; left out: all.")] = "all",
    people: Annotated[int, typer.Option(min=100, help="How many people.")] = 2000,
    nights: Annotated[int, typer.Option(min=1, help="How many nights.")] = 3,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    faults: Annotated[str, typer.Option(help="none, light, real, heavy, or a file.")] = "real",
    start: Annotated[str, typer.Option(help="The first night, YYYY-MM-DD.")] = "2024-01-20",
) -> None:
    """A synthetic city's deliveries, with the truth beside them in OUT/_truth."""
    from onesource.cli.simulate import simulate_command

    raise typer.Exit(
        simulate_command(_settings(), out, only, people, nights, seed, faults, _day(start))
    )


@new_app.command("feed")
def new_feed(
    feed: Annotated[str, typer.Argument(help="The id, such as health.visits.")],
    sample: Annotated[Path, typer.Option("--from", help="A sample: CSV, XLSX, JSON or Parquet.")],
) -> None:
    """Write a contract from a sample file."""
    from onesource.cli.new import new_feed_command

    raise typer.Exit(new_feed_command(_settings(), feed, sample))


@new_app.command("curated")
def new_curated(
    name: Annotated[str, typer.Argument(help="The id, such as energy.coal_price_month.")],
) -> None:
    """Write a SELECT and its contract to begin with."""
    from onesource.cli.new import new_curated_command

    raise typer.Exit(new_curated_command(_settings(), name))


@new_app.command("open")
def new_open(
    name: Annotated[str, typer.Argument(help="The name, such as coal_output_month.")],
    source: Annotated[str, typer.Option("--from", help="The curated table it is taken from.")],
) -> None:
    """Write the contract of an open dataset, closed until it is approved."""
    from onesource.cli.new_open import new_open_command

    raise typer.Exit(new_open_command(_settings(), name, source))


@app.command()
def dictionary(
    tables: Annotated[
        list[str] | None, typer.Argument(help="Such as silver.energy_coal_daily; none: all.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write it into this file.")] = None,
) -> None:
    """The data dictionary 数据字典 of tables, as CSV."""
    from onesource.cli.data_dictionary import dictionary_command

    raise typer.Exit(dictionary_command(_settings(), tables or [], csv))


@app.command()
def maintain(
    keep_days: Annotated[
        int, typer.Option(min=1, help="Served versions can be read so long with --run.")
    ] = 400,
    scan: Annotated[
        bool, typer.Option("--scan", help="Only look for persons outside their zones.")
    ] = False,
    also: Annotated[
        list[Path] | None, typer.Option(help="With --scan: more files and folders, such as logs.")
    ] = None,
) -> None:
    """Put small files together, clear what no kept version reads, check disks and clock."""
    from onesource.cli.run import maintain_command, scan_command

    if scan:
        raise typer.Exit(scan_command(_settings(), also or []))
    raise typer.Exit(maintain_command(_settings(), keep_days))


@release_app.callback(invoke_without_command=True)
def release(ctx: typer.Context, day: Day = None) -> None:
    """Make the open release of a day from what is served. Exit 3: a dataset is held."""
    if ctx.invoked_subcommand is None:
        from onesource.cli.release import release_command

        raise typer.Exit(release_command(_settings(), _day(day)))


@release_app.command("verify")
def release_verify(
    folder: Annotated[Path, typer.Argument(help="The release's folder.")],
    key: Annotated[Path | None, typer.Option(help="The publisher's public key (PEM).")] = None,
) -> None:
    """Check signature, digests and rows with nothing but the folder and the public key."""
    from onesource.cli.release import verify_command

    raise typer.Exit(verify_command(folder, key))


@release_app.command("withdraw")
def release_withdraw(
    release: Annotated[str, typer.Argument(help="The release's id.")],
    reason: Annotated[str, typer.Option(help="Why; stands in the signed notice.")],
    dataset: Annotated[str | None, typer.Argument(help="One dataset; none: all of it.")] = None,
) -> None:
    """Take a dataset, or a whole release, back wherever the same bytes went out."""
    from onesource.cli.release import withdraw_command

    raise typer.Exit(withdraw_command(_settings(), release, dataset, reason))


Purpose = Annotated[str, typer.Option(help="What for; recorded.")]
Values = Annotated[bool, typer.Option("--values", help="Show values of persons.")]
Today = Annotated[str | None, typer.Option("--date", help="The day, YYYY-MM-DD; else today.")]


@tickets_app.command("list")
def tickets_list(
    department: Annotated[str | None, typer.Option(help="Name or USCC of the owner.")] = None,
    state: Annotated[str | None, typer.Option(help="OPEN, SENT, CORRECTED, …")] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Those past their day 督办.")] = False,
    csv: Annotated[Path | None, typer.Option(help="Write them as CSV.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
    values: Values = False,
    day: Today = None,
    purpose: Purpose = "",
) -> None:
    """Tickets, those due first first."""
    from onesource.cli import tickets
    from onesource.run.ticket_list import Wanted

    wanted = Wanted(_day(day) or tickets.today(), department, state, overdue)
    raise typer.Exit(
        tickets.list_command(
            _settings(), wanted, values=values, csv=csv, as_json=as_json, purpose=purpose
        )
    )


@tickets_app.command("show")
def tickets_show(
    ticket: Annotated[str, typer.Argument(help="The ticket's id.")],
    values: Values = False,
    purpose: Purpose = "",
) -> None:
    """One ticket and what happened to it."""
    from onesource.cli.tickets import show_command

    raise typer.Exit(show_command(_settings(), ticket, values=values, purpose=purpose))


@tickets_app.command("send")
def tickets_send(
    department: Annotated[str, typer.Option(help="Name or USCC of the department.")],
    out: Annotated[Path, typer.Option(help="The workbook to write, 校核工单….xlsx.")],
    again: Annotated[bool, typer.Option("--again", help="Also those sent before.")] = False,
    day: Today = None,
    purpose: Purpose = "",
) -> None:
    """Write a department's workbook to fill in, and note its tickets as sent."""
    from onesource.cli import tickets

    on = _day(day) or tickets.today()
    raise typer.Exit(
        tickets.send_command(_settings(), department, out, on, again=again, purpose=purpose)
    )


@tickets_app.command("answer")
def tickets_answer(
    ticket: Annotated[str, typer.Argument(help="The ticket's id.")],
    answer: Annotated[
        str, typer.Option(help="CONFIRMED_SOURCE_RIGHT, NOT_OURS, or CORRECTED (value on stdin).")
    ],
    by: Annotated[str, typer.Option(help="Who answers: an office, not a person.")] = "",
    day: Today = None,
) -> None:
    """Hand in one answer. For CORRECTED stdin holds the right value, and below it the grounds."""
    from onesource.cli import tickets

    text = sys.stdin.read() if answer.upper() == "CORRECTED" or answer == "应予更正" else ""
    value, _, basis = text.strip().partition("\n")
    on = _day(day) or tickets.today()
    raise typer.Exit(
        tickets.answer_command(_settings(), ticket, answer, on, value.strip(), basis.strip(), by)
    )


@tickets_app.command("close")
def tickets_close(
    ticket: Annotated[list[str], typer.Argument(help="Ids of tickets.")],
    reason: Annotated[str, typer.Option(help="Why; recorded. No value of a person.")],
    day: Today = None,
) -> None:
    """Close tickets that need no answer."""
    from onesource.cli import tickets

    on = _day(day) or tickets.today()
    raise typer.Exit(tickets.close_command(_settings(), ticket, reason, on))


@app.command()
def link(
    file: Annotated[Path, typer.Argument(help="A list as CSV, with a line of headers.")],
    other: Annotated[
        Path | None, typer.Argument(help="A second list; none: duplicates of the first.")
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Link to a registry: person, organisation.")
    ] = None,
    spec: Annotated[
        Path | None, typer.Option(help="What is compared and how (YAML); none: by the headers.")
    ] = None,
    dedupe: Annotated[
        bool, typer.Option("--dedupe", help="Clusters (row,cluster), not pairs.")
    ] = False,
    candidates: Annotated[
        bool, typer.Option("--candidates", help="Also pairs that are only worth a look.")
    ] = False,
    csv: Annotated[Path | None, typer.Option(help="Write the answer into this CSV file.")] = None,
    purpose: Annotated[str, typer.Option(help="What for; recorded.")] = "",
) -> None:
    """Which rows of two lists, or of one, are the same: left,right,score,rule,explanation."""
    from onesource.cli.link import Wanted, link_command

    wanted = Wanted(file, other, spec, to, dedupe, candidates, csv, purpose)
    raise typer.Exit(link_command(_settings(), wanted))


@keys_app.command("status")
def keys_status() -> None:
    """The versions of the person key, and which tables were made with each."""
    from onesource.cli.keys import keys_status

    raise typer.Exit(keys_status(_settings()))


@keys_app.command("rotate")
def keys_rotate(
    lost: Annotated[
        bool, typer.Option("--lost", help="All versions are lost: begin with a new one.")
    ] = False,
) -> None:
    """Make the next version, and all tokens and keys anew with it. Exit 3: something is held."""
    from onesource.cli.keys import keys_rotate

    raise typer.Exit(keys_rotate(_settings(), lost))


@keys_app.command("retire")
def keys_retire(
    version: Annotated[str, typer.Argument(help="The version to destroy, such as v1.")],
) -> None:
    """Destroy an old version of the person key."""
    from onesource.cli.keys import keys_retire

    raise typer.Exit(keys_retire(_settings(), version))


@app.command()
def demo() -> None:
    """Simulate, deliver, run; then what to try next."""
    from onesource.cli.demo import demo_command

    raise typer.Exit(demo_command(_settings()))


def main() -> None:
    """Runs the command; an error is one line on stderr and an exit code."""
    debug = "--debug" in sys.argv
    if debug and sys.argv[1:2] != ["run"]:  # there it also shows what a step met
        sys.argv.remove("--debug")
    try:
        app()
    except OneSourceError as e:
        if debug:
            traceback.print_exc()
        print(f"onesource: {e.line()}", file=sys.stderr)
        sys.exit(e.exit_code)
    except KeyboardInterrupt:
        print("onesource: stopped; the same command goes on where it was", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone: nothing is wrong with us.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as e:
        if debug:
            raise
        print(
            f"onesource: an error that was not foreseen: {type(e).__name__}; --debug shows it",
            file=sys.stderr,
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
