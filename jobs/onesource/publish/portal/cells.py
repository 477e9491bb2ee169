"""The cells of a preview: the text of the CSV, and which of them disclosure control took away."""

from __future__ import annotations

from dataclasses import dataclass

from onesource.contracts.model import Contract
from onesource.publish.files.cells import text_table
from onesource.publish.model import BuiltDataset

PREVIEW_ROWS = 20
LONGEST = 160
NUMBERS = ("integer", "number")
# Of SDMX CL_CONF_STATUS.
CONFIDENTIAL = "C"


@dataclass(frozen=True)
class Cell:
    """kind: `number`, `text`, `empty` or `suppressed`."""

    text: str
    kind: str


@dataclass(frozen=True)
class Preview:
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def has_suppressed(self) -> bool:
        return any(c.kind == "suppressed" for row in self.rows for c in row)

    @property
    def has_empty(self) -> bool:
        return any(c.kind == "empty" for row in self.rows for c in row)


def preview(dataset: BuiltDataset) -> Preview:
    """The first rows, as they stand in the files.

    An empty figure is shown as suppressed where the row's status says confidential (`C`), or,
    without a status column, where the disclosure rule names the column.
    """
    head = text_table(dataset.table.slice(0, PREVIEW_ROWS))
    covered = suppressible(dataset.contract)
    rule = dataset.contract.open.disclosure_rule
    status = rule.status_column if rule else ""
    told = status in head.column_names
    hidden = [s == CONFIDENTIAL for s in head.column(status).to_pylist()] if told else []
    columns = []
    for field in dataset.contract.fields:
        kind = "number" if field.logical_type in NUMBERS else "text"
        values = head.column(field.name).to_pylist()
        away = [field.name in covered and (not told or hidden[i]) for i in range(len(values))]
        columns.append([_cell(v, kind, gone) for v, gone in zip(values, away, strict=True)])
    return Preview(tuple(zip(*columns, strict=True)))


def suppressible(contract: Contract) -> frozenset[str]:
    """Columns that disclosure control can empty."""
    rule = contract.open.disclosure_rule
    if rule is None:
        return frozenset()
    return frozenset([*rule.measures, *(d.column for d in rule.derived)])


def _cell(value: str | None, kind: str, is_suppressed: bool) -> Cell:
    if value is None:
        return Cell("", "suppressed" if is_suppressed else "empty")
    return Cell(value if len(value) <= LONGEST else f"{value[:LONGEST]}…", kind)
