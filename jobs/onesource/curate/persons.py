"""Persons in curated tables: which keys a SELECT may use, and what it may never show.

A SELECT reads `person.key` (`id_token`, `person_key`, `is_shared`) and joins it to the token of a
silver table. The domain of the keys is its contract's `person_domain`; SQL has no word for it. So
two domains have no key in common, and tokens, which all sectors share, never leave silver.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from sqlglot import exp

from onesource.contracts.findings import Finding, Weight
from onesource.contracts.link_domains import LinkDomain, read_link_domains
from onesource.contracts.model import Catalogue, Contract, FieldSpec, Kind
from onesource.curate import lineage
from onesource.curate.lineage import InputColumn, column_lineage
from onesource.curate.sqlfiles import PERSON_KEY, CuratedSql
from onesource.errors import ContractError

# What `person.key` is made from.
PERSON_TOKEN = "registry.person_token"
_SHOWN = (lineage.IDENTITY, lineage.TRANSFORMATION, lineage.PICKED)


def real_input(name: str) -> str:
    """The table that an input of a SELECT stands on."""
    return PERSON_TOKEN if name == PERSON_KEY else name


def uses_person_key(contract: Contract, sql: CuratedSql | None) -> bool:
    """Does the table hold tokens or keys that must be made anew with another person key?"""
    if contract.kind is Kind.FEED:
        return bool(contract.tokens)
    if contract.kind is Kind.REGISTRY:
        return "id_token" in contract.field_names
    return sql is not None and PERSON_KEY in sql.inputs


def is_person_key(column: str) -> bool:
    return column == "person_key" or column.endswith("_person_key")


def refuse_linking(sql: CuratedSql, contract: Contract, catalogue: Catalogue, day: date) -> None:
    """Raises ContractError for the first thing that `person_findings` finds.

    The same at every build as in `onesource check`: an unchecked file opens no zone (P11).
    """
    schemas = catalogue_schemas(contract)
    links = read_link_domains(schemas)
    for finding in person_findings(sql, contract, catalogue, links, day):
        raise ContractError(finding.what, where=finding.where, todo=finding.todo)


def catalogue_schemas(contract: Contract) -> Path:
    """The folder `schemas/` in which a curated contract stands (`curated/<sector>/<name>.yaml`)."""
    return contract.path.parents[2]


def person_findings(
    sql: CuratedSql,
    contract: Contract,
    catalogue: Catalogue,
    links: dict[str, list[LinkDomain]],
    day: date,
) -> Iterator[Finding]:
    """What is wrong with a curated table's use of persons, as errors."""
    where = f"{sql.path}:1"
    domain = contract.properties.person_domain
    own = links.get(domain or "", [])
    if domain is not None and domain not in catalogue.city.sectors and not own:
        what = f"person_domain: {domain} is no sector and no link domain"
        todo = "a link between sectors is approved in schemas/link_domains.csv"
        yield Finding(Weight.ERROR, f"{contract.path}:1", what, todo)
        return
    if PERSON_KEY in sql.inputs and domain is None:
        what = f"reads {PERSON_KEY}, and its contract has no person_domain"
        yield Finding(Weight.ERROR, where, what, "say it in the contract's customProperties")
    allowed: set[str] = {domain} if domain in catalogue.city.sectors and domain else set()
    if own and domain:
        holding = [r for r in own if contract.table in r.tables and r.holds_on(day)]
        if not holding:
            what = f"the link domain {domain} is not approved for {contract.table} on {day}"
            todo = "renew the approval in schemas/link_domains.csv, or remove the table"
            yield Finding(Weight.ERROR, where, what, todo)
        for r in holding:
            allowed |= r.sectors
        allowed |= {domain}
    used = domains_used(sql, catalogue)
    if (len(used) > 1 or domain is not None) and set(used) - allowed:
        tables = ", ".join(sorted({t for ts in used.values() for t in ts}))
        what = f"joins persons of {', '.join(sorted(used))} ({tables})"
        todo = "two domains are joined only in an approved link domain; see docs/persons.md"
        yield Finding(Weight.ERROR, where, what, todo)
    yield from _outputs(sql, contract, catalogue)


def domains_used(sql: CuratedSql, catalogue: Catalogue) -> dict[str, set[str]]:
    """Domain → the inputs whose tokens or keys the SELECT names anywhere, a star naming all."""
    names = {c.name for c in sql.tree.find_all(exp.Column)}
    stars = any(not isinstance(s.parent, exp.Count) for s in sql.tree.find_all(exp.Star))
    natural = any(str(j.args.get("method") or "") == "NATURAL" for j in sql.tree.find_all(exp.Join))
    using = {i.name for j in sql.tree.find_all(exp.Join) for i in j.args.get("using") or ()}
    found: dict[str, set[str]] = {}
    for table in sql.inputs:
        contract = catalogue.tables.get(table)
        if contract is None:
            continue
        if contract.kind is Kind.FEED:
            columns, domain = set(contract.tokens), contract.sector
        else:
            columns = {n for n in contract.field_names if is_person_key(n)}
            domain = contract.properties.person_domain or contract.sector
            if contract.kind is not Kind.CURATED:
                continue
        if columns and (stars or natural or columns & (names | using)):
            found.setdefault(domain, set()).add(table)
    return found


def _outputs(sql: CuratedSql, contract: Contract, catalogue: Catalogue) -> Iterator[Finding]:
    """Columns that would show a name, a number, a token, or a key under another name."""
    fields = {f.name: f for f in contract.fields}
    for name, sources in column_lineage(sql, catalogue).columns.items():
        for source, how in sources.items():
            if how not in _SHOWN:
                continue
            why = _never(source, catalogue)
            if why:
                what = f"{name} shows {source.table}.{source.column}, {why}"
                yield Finding(Weight.ERROR, f"{sql.path}:1", what, "leave it out, or count it")
            elif _is_key(source, catalogue):
                field = fields.get(name)
                if not is_person_key(name) or how == lineage.TRANSFORMATION:
                    what = f"{name} is made of a person key"
                    todo = "pass it on unchanged, as person_key or …_person_key"
                    yield Finding(Weight.ERROR, f"{sql.path}:1", what, todo)
                elif field is not None and not _is_said(field):
                    what = f"{name}: a person key has identifier quasi and personal pi"
                    yield Finding(Weight.ERROR, f"{contract.path}:{field.line}", what)


def _never(source: InputColumn, catalogue: Catalogue) -> str:
    """Why the column's values may not stand in a curated table, or ''."""
    if source.column == "id_token" and source.table in (PERSON_KEY, PERSON_TOKEN):
        return "a token that all sectors share"
    contract = catalogue.tables.get(source.table)
    if contract is None or source.column not in contract.field_names:
        return ""
    if source.column in contract.tokens:
        return "a token that all sectors share"
    p = contract.field(source.column).properties
    if p.identifier == "direct" and not p.lawful_publication:
        return "which names a person"
    if contract.kind is Kind.REGISTRY and (
        source.column == "person_id" or source.column.endswith("_person_id")
    ):
        return "a person's number in the registry"
    return ""


def _is_said(field: FieldSpec) -> bool:
    p = field.properties
    return p.identifier == "quasi" and p.personal is not None


def _is_key(source: InputColumn, catalogue: Catalogue) -> bool:
    if source.table == PERSON_KEY:
        return source.column == "person_key"
    contract = catalogue.tables.get(source.table)
    return contract is not None and contract.kind is Kind.CURATED and is_person_key(source.column)
