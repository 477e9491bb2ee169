"""What a standardiser is: one definition in SQL text, in stages, for every engine.

The text is Spark SQL in a subset that means the same in DuckDB: no backslash and no apostrophe
inside a literal (the two parsers read them differently), only `[0-9]`-like classes in patterns
(Java's regex and RE2 differ on the named ones), `try_cast` for casts, `div` for whole division,
`||` and `concat_ws` to join text. `tests/unit/clean` runs every example through both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from onesource.config import BEIJING
from onesource.contracts.model import CodeList
from onesource.errors import ContractError

# (value, verdict, detail) of one value.
Answer = tuple[str | None, str, str]
# (values, verdicts, details) of one batch.
Answers = tuple[list[str | None], list[str], list[str]]


@dataclass(frozen=True)
class Context:
    """What standardisers may look at besides the value.

    codelists: by name, as in a catalogue. division: the index of the division standardiser, or
    None. today: the day against which "in the future" is judged (None: the present day in
    Beijing); give the delivery's day to make a rebuild answer as the first run did.
    """

    codelists: Mapping[str, CodeList] = field(default_factory=dict)
    division: Any | None = None
    today: date | None = None

    @property
    def day(self) -> date:
        return self.today or datetime.now(BEIJING).date()

    def codelist(self, name: str) -> CodeList:
        """A code list by name, or by the path of a CSV file. Raises ContractError."""
        if name in self.codelists:
            return self.codelists[name]
        if name.endswith(".csv") and Path(name).is_file():
            from onesource.contracts.load import load_codelist

            return load_codelist(Path(name))
        known = ", ".join(sorted(self.codelists)) or "none"
        raise ContractError(
            f"the code list {name} is not there",
            why=f"known: {known}",
            todo="put it into schemas/codelists/ or name a .csv file",
        )


@dataclass(frozen=True)
class Argument:
    """An argument of a standardiser. `check` gives what is wrong with a value, or None."""

    name: str
    zh: str
    en: str
    check: Callable[[str], str | None] = lambda _: None
    required: bool = False
    by_row: bool = False  # may be `$field`: another field of the same row


@dataclass(frozen=True)
class Table:
    """A small table that a stage looks things up in; `rows` are unique in the first column."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Lookup:
    """A stage that joins a table: where `key` (SQL) meets its first column, its other columns
    become stage columns, else they are null."""

    table: Table
    key: str


Stage = Mapping[str, str] | Lookup


@dataclass(frozen=True)
class Request:
    """What a builder is asked for: checked arguments and the context.

    An argument that may differ by row is always there as the stage column `arg_<name>` (null
    when it is not given); `args` holds those only that are the same for all rows. `by_row` names
    the others: another field's answer.
    """

    args: Mapping[str, str]
    context: Context
    by_row: frozenset[str] = frozenset()


Builder = Callable[[Request], Sequence[Stage]]
# values, arguments by row (None: not given), fixed arguments, context
ArrowFunction = Callable[
    [Sequence[str | None], Mapping[str, Sequence[str | None] | None], Mapping[str, str], Context],
    Answers,
]


@dataclass(frozen=True)
class Standardiser:
    """A named pure function from a raw value to (value, verdict, detail).

    Exactly one of `build` (stages that begin with the column `raw` and end with `value`,
    `verdict`, `detail`) and `arrow` (a function on lists) is given. lists: the code lists that it
    looks into, beside one that an argument names; when they change it may answer otherwise.
    reads_divisions: does it look into the register of divisions, too?
    """

    name: str
    zh: str
    en: str
    verdicts: tuple[str, ...]
    arguments: tuple[Argument, ...] = ()
    build: Builder | None = None
    arrow: ArrowFunction | None = None
    lists: tuple[str, ...] = ()
    reads_divisions: bool = False

    def argument(self, name: str) -> Argument | None:
        return next((a for a in self.arguments if a.name == name), None)
