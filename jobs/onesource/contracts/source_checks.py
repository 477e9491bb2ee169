"""The source-of-record list against contracts and departments."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from onesource.contracts.departments import department_on, uscc_problem
from onesource.contracts.findings import Finding, Weight
from onesource.contracts.model import Catalogue
from onesource.contracts.source_of_record import ANY, Rule


def check_source_of_record(catalogue: Catalogue, day: date, *, whole: bool) -> Iterator[Finding]:
    """Every feed, attribute and owner that the list names is there.

    A registry that no contract describes is one warning: its rules wait for it. `whole`: every
    contract could be loaded; else one that is missing may only be wrong, and is not reported.
    """
    listed = catalogue.source_of_record
    unknown: set[str] = set()
    for rule in listed.rules:
        where = f"{listed.path}:{rule.line}"
        contract = catalogue.tables.get(rule.registry)
        if contract is None:
            if whole and rule.registry not in unknown:
                unknown.add(rule.registry)
                what = f"{rule.registry} is no registry table, so its rules have no effect"
                yield Finding(Weight.WARNING, where, what, "write its contract, or remove them")
            continue
        if rule.attribute not in (ANY, *contract.field_names):
            what = f"{rule.registry} has no attribute {rule.attribute}"
            yield Finding(Weight.ERROR, where, what)
        for provider in rule.providers if whole else ():
            if provider.feed not in catalogue.feeds:
                what = f"there is no feed {provider.feed}"
                yield Finding(Weight.ERROR, where, what, "onesource status lists the feeds")
        if whole:
            yield from _owner(rule, catalogue, where, day)


def _owner(rule: Rule, catalogue: Catalogue, where: str, day: date) -> Iterator[Finding]:
    """The owner is a department of today, or of the last day of a rule that has ended."""
    on = day if rule.valid_to is None or day < rule.valid_to else rule.valid_from or day
    code = rule.owner_uscc
    problem = uscc_problem(code) if code else "neither owner nor the first feed's provider is known"
    if problem:
        yield Finding(Weight.ERROR, where, f"{rule.attribute}: owner {code}: {problem}")
    elif department_on(catalogue.city, code, on) is None:
        what = f"{rule.attribute}: owner {code}: no department of city.yaml has it on {on}"
        yield Finding(Weight.ERROR, where, what, "name the one that took over, by a new rule")
