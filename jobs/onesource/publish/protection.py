"""Puts a dataset's rows under its disclosure rule: with its contributions, its linked tables, and
what earlier releases showed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from onesource.contracts.disclosure import DisclosureRule
from onesource.contracts.model import Contract
from onesource.errors import OneSourceError
from onesource.lake.reader import Source
from onesource.publish.disclosure import Earlier, Linked, Protected, protect
from onesource.publish.latest import MANIFEST

# As many earlier releases are looked at: a month of nights.
REMEMBERED = 31

Open = Callable[[str], Source]


def protected(
    dataset: Contract,
    rows: pa.Table,
    open_table: Open,
    releases: Sequence[Path],
    *,
    linked: Mapping[str, tuple[Contract, pa.Table]] | None = None,
    restated: Mapping[str, str] | None = None,
) -> Protected:
    """The rows as they may be shown, in the contract's columns, and the proof.

    rows: the dataset's columns, without values in the one that disclosure control adds. open_table:
    opens a served table. releases: folders of earlier releases, newest first. linked: the other
    datasets that the rule names, with their rows. restated: period → reason for publishing it anew.
    Raises OneSourceError when the rule cannot be evaluated or held (P11).
    """
    rule = dataset.open.disclosure_rule
    if rule is None:
        return Protected(rows, {})
    others = [
        Linked(name, _cells(contract, cells), _contributions(contract, open_table), _rule(contract))
        for name, (contract, cells) in (linked or {}).items()
    ]
    done = protect(
        _cells(dataset, rows),
        _contributions(dataset, open_table),
        rule,
        linked=others,
        previous=list(_earlier(dataset, releases)),
        restated=restated,
        name=dataset.name,
    )
    contracts = {name: contract for name, (contract, _) in (linked or {}).items()}
    return Protected(
        done.table.select(list(dataset.field_names)),
        done.proof,
        {n: t.select(list(contracts[n].field_names)) for n, t in done.linked.items()},
    )


def _rule(dataset: Contract) -> DisclosureRule:
    rule = dataset.open.disclosure_rule
    if rule is None:
        raise OneSourceError(f"{dataset.id} is linked and has no disclosure rule")
    return rule


def _cells(dataset: Contract, rows: pa.Table) -> pa.Table:
    made = dataset.open.made_column
    return rows.drop_columns([made]) if made in rows.column_names else rows


def _contributions(dataset: Contract, open_table: Open) -> pa.Table | None:
    rule = dataset.open.disclosure_rule
    if rule is None or rule.contributions is None:
        return None
    source = open_table(rule.contributions.source)
    table: pa.Table = source.data.to_table()
    if source.has_hidden_rows:
        table = table.filter(pc.field("_state").is_null())
    return table


def _earlier(dataset: Contract, releases: Sequence[Path]) -> list[Earlier]:
    """What earlier releases showed, each different table once, newest first."""
    seen: set[str] = set()
    found: list[Earlier] = []
    for folder in releases:
        path = folder / "datasets" / dataset.name / f"{dataset.name}.parquet"
        if len(found) == REMEMBERED or not (folder / MANIFEST).is_file() or not path.is_file():
            continue
        inode = str(path.stat().st_ino)  # unchanged files are linked
        if inode not in seen:
            seen.add(inode)
            found.append(Earlier(folder.name, pq.read_table(path)))
    return found
