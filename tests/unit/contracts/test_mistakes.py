"""Mistakes in a contract that would otherwise show only when a file is delivered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from onesource.contracts.load import read_yaml
from onesource.contracts.properties import Delivery
from onesource.errors import ContractError
from onesource.run.check import _type_problem


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"encoding": "gbk2"}, "no encoding of text"),
        ({"encoding": "base64"}, "no encoding of text"),
        ({"delimiter": ""}, "delimiter is empty"),
        ({"delimiter": ",\n"}, "line break"),
        ({"delimiter": "|", "quote": "|"}, "also in the delimiter"),
        ({"quote": "''"}, "one character"),
        ({"skip_rows": "^(小计"}, "no regular expression"),
        (
            {
                "expects": {
                    "units": "counties",
                    "period": "day",
                    "due_days": 1,
                    "since": "2024-13-01",
                }
            },
            "month",
        ),
        ({"footer": "["}, "no regular expression"),
        ({"sheets": {"skip": "("}}, "no regular expression"),
        ({"statement_time": {"from": "cell", "cell": "2G"}}, "no cell"),
        ({"statement_time": {"from": "cell", "cell": "A0"}}, "no cell"),
    ],
)
def test_a_delivery_setting_that_cannot_work_is_an_error_of_the_contract(
    settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        Delivery.model_validate({"pattern": ".*", "format": "csv", **settings})


@pytest.mark.parametrize(
    "settings",
    [
        {"encoding": "gb18030", "delimiter": "@@", "quote": ""},
        {"statement_time": {"from": "cell", "cell": "$g$2"}, "skip_rows": "小计"},
    ],
)
def test_settings_that_work_pass(settings: dict[str, Any]) -> None:
    Delivery.model_validate({"pattern": ".*", "format": "csv", **settings})


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
        + "".join(
            f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n"
            for old, new in zip("abcdef", "bcdefg", strict=True)
        ),
        "a: &a [*a]\n",
        "a: \x07\n",
        "[" * 20_000,
    ],
    ids=["anchors", "inside itself", "control character", "nested"],
)
def test_yaml_that_stands_for_more_than_it_shows_is_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ContractError, match=r"bad\.yaml"):
        read_yaml(path)


@pytest.mark.parametrize("kind", ["decimal(39,2)", "decimal(10,11)", "decimal(0,0)"])
def test_a_decimal_that_no_table_can_hold_is_found(kind: str) -> None:
    assert _type_problem("number", kind) is not None
    assert _type_problem("number", "decimal(38,18)") is None
