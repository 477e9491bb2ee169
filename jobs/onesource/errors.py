"""Errors that a person can act on: one line that says what, where, why and what to do."""

from __future__ import annotations


class OneSourceError(Exception):
    """What went wrong, where (file, sheet, line, field), why, and what to do next.

    The message never holds a personal value: name the place, not the content.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", why: str = "", todo: str = "") -> None:
        self.what, self.where, self.why, self.todo = what, where, why, todo
        super().__init__(self.line())

    def line(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        tail = f" ({self.why})" if self.why else ""
        hint = f"; {self.todo}" if self.todo else ""
        return " ".join(f"{head}{tail}{hint}".split())


class ContractError(OneSourceError):
    """A contract, code list, SQL file or rule file is not valid. The commands exit with 2."""

    exit_code = 2


class UsageError(OneSourceError):
    """The command was called in a way that it cannot serve. Exits with 2."""

    exit_code = 2


class DeliveryRefused(OneSourceError):
    """A file handed in is not taken; `reason` is a stable upper-case word for scripts."""

    def __init__(
        self, what: str, *, reason: str, where: str = "", why: str = "", todo: str = ""
    ) -> None:
        self.reason = reason
        super().__init__(what, where=where, why=why, todo=todo)
