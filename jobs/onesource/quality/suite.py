"""All rules of a table: the union that its gate judges."""

from __future__ import annotations

from pathlib import Path

from onesource.contracts.model import Catalogue, Contract
from onesource.errors import ContractError
from onesource.quality.derive import derived_rules
from onesource.quality.load import check_places, file_rules
from onesource.quality.odcs import contract_quality
from onesource.quality.rules import Phase, Rule


def rules_for(contract: Contract, expectations: Path, catalogue: Catalogue) -> list[Rule]:
    """Both phases' rules of the contract's table.

    Derived from the contract, then its ODCS `quality` entries, then its file below
    `expectations/`. Raises ContractError with file and line when one of them is wrong, or when
    two carry the same id.
    """
    found = [
        *derived_rules(contract, catalogue),
        *contract_quality(contract, catalogue),
        *file_rules(contract, expectations, catalogue),
    ]
    seen: dict[tuple[Phase, str], Rule] = {}
    for rule in found:
        other = seen.setdefault((rule.on, rule.id), rule)
        if other is not rule:
            raise ContractError(
                f"{contract.table} has two rules {rule.id}",
                where=str(contract.path) if rule.origin == "contract" else rule.origin,
                why=f"the other one comes from {other.origin}",
                todo="give this one another id",
            )
    return found


def check_all(expectations: Path, catalogue: Catalogue) -> dict[str, list[Rule]]:
    """The rules of every table of the catalogue, by table; for `onesource check`.

    Raises ContractError at the first rule, or rule file without a contract, that is wrong.
    """
    check_places(expectations, catalogue)
    return {
        table: rules_for(contract, expectations, catalogue)
        for table, contract in catalogue.tables.items()
    }
