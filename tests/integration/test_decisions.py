"""A department's answer becomes what the population registry serves, with the project's contracts.

All people are made up (synthetic).
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from onesource.cli import tickets as command
from onesource.config import Settings
from onesource.contracts.load import load_catalogue
from onesource.errors import UsageError
from onesource.run.engine import run
from onesource.run.ticket_list import Wanted
from tests.integration.small_city import SmallCity

DAY = date(2024, 3, 4)
WORDS = (
    *("silver.base_resident", "silver.base_medical_insurance", "silver.base_ticket_answer"),
    *("registry.decision", "registry.person_source", "registry.person", "registry.person_redirect"),
)
TWICE = ("142325196001010010", "142325196001010053")
OTHER = "142326197506151231"
REGISTER = """\
人员内部编号|人员姓名|身份证号|性别代码|出生年月日|民族代码|家庭户号|与户主关系代码|行政区划代码|户口所在地|户籍状态
1|王小明|142325196001010010|1|19600101|01|H1|02|141123102213|山西省吕梁市兴县蔚汾镇一村1号|1
2|王小明|142325196001010053|1|19600101|01|J1|99|141123102213|山西省吕梁市兴县蔚汾镇一村1号|1
3|赵敏|142326197506151231|1|19750615|01|H3|02|141123102213|山西省吕梁市兴县蔚汾镇一村3号|1
"""
INSURED = """\
医保个人编号,姓名,公民身份号码,证件类型,性别,出生日期,民族,参保类型,参保状态,变更日期
Y3,赵敏,142326197506151231,01,男,1975-06-15,蒙古族,居民,参保,2024-02-01
"""


def waiting(settings: Settings) -> dict[str, dict[str, Any]]:
    """Attribute → its ticket."""
    found = command.tickets(settings, load_catalogue(settings.schemas), Wanted(DAY))
    return {r["attribute"]: r for r in found}


def night(settings: Settings) -> None:
    report = run(settings, words=WORDS, day=DAY)
    assert report.exit_code == 0, [r.reason_en for r in report.results if r.reason_en]


def test_what_a_department_answers_is_served_and_joins_two_registrations(
    settings: Settings, tmp_path: Path
) -> None:
    city = SmallCity(settings, tmp_path / "inbox")
    assert city.deliver("hukou_full_141123_20240301.csv", REGISTER).status == "taken"
    assert city.deliver("医保参保_20240301.csv", INSURED).status == "taken"
    night(settings)
    asked = waiting(settings)
    assert set(asked) == {"ethnicity", "second_registration"}

    def say(attribute: str, value: str) -> None:
        ticket = asked[attribute]["ticket_id"]
        command.answer_command(settings, ticket, "CORRECTED", DAY, value, "", "户政科")

    say("ethnicity", "回族")
    say("second_registration", "同一人")
    night(settings)
    states = {a: t["state"] for a, t in waiting(settings).items()}
    assert states == {"ethnicity": "CORRECTED", "second_registration": "CORRECTED"}
    now = [
        r for r in city.rows("registry.person") if r["known_to"] is None and r["valid_to"] is None
    ]
    served = {r["id_no"]: (r["ethnicity"], r["is_disputed"]) for r in now}
    [kept] = set(served) & set(TWICE)
    assert served == {kept: ("01", False), OTHER: ("03", False)}
    [redirect] = city.rows("registry.person_redirect")
    assert redirect["into_person_id"] in {r["person_id"] for r in now}
    night(settings)  # nothing new: no ticket is raised or opened again
    assert {a: t["state"] for a, t in waiting(settings).items()} == states


SAME_NUMBER = "4|钱一|14232619750615124X|2|19750615|01|H4|02|141123102213|兴县蔚汾镇四村1号|1\n" + (
    "5|孙二|14232619750615124X|2|19750615|01|H5|02|141123102213|兴县蔚汾镇五村1号|1\n"
)


def test_two_found_to_be_two_stay_so_month_after_month_and_the_answer_can_be_revised(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    city = SmallCity(settings, tmp_path / "inbox")
    register = REGISTER + SAME_NUMBER
    assert city.deliver("hukou_full_141123_20240301.csv", register).status == "taken"
    night(settings)
    asked = waiting(settings)
    assert set(asked) == {"id_no", "second_registration"}
    pair, number = (asked[a]["ticket_id"] for a in ("second_registration", "id_no"))
    command.answer_command(settings, pair, "CORRECTED", DAY, "两人", "", "户政科")
    command.answer_command(settings, number, "现用值正确", DAY, "", "", "户政科")
    night(settings)

    def told() -> dict[str, str]:
        return {a: f"{t['state']} {t['round']}" for a, t in waiting(settings).items()}

    def disputed() -> int:
        return sum(r["is_disputed"] for r in city.rows("registry.person"))

    settled = {"second_registration": "CORRECTED 1", "id_no": "CONFIRMED_SOURCE_RIGHT 1"}
    assert told() == settled and disputed() == 0
    # The register says all of it again, of the next month, with other words beside it.
    again = register.replace("一村1号", "一村1号院")
    assert city.deliver("hukou_full_141123_20240331.csv", again).status == "taken"
    night(settings)
    assert told() == settled and disputed() == 0
    events = {e["event"] for e in city.rows("registry.ticket_event")}
    assert events == {"SEEN", "ANSWERED", "RESTATED"}

    with pytest.raises(UsageError, match="goes to no other department"):
        command.answer_command(settings, pair, "NOT_OURS", DAY, "", "", "")
    capsys.readouterr()
    command.answer_command(settings, pair, "CORRECTED", DAY, "同一人", "", "户政科")
    assert "opened again as round 2" in capsys.readouterr().out
    night(settings)
    assert told() == settled | {"second_registration": "CORRECTED 2"} and disputed() == 0
    [redirect] = city.rows("registry.person_redirect")
    first, second = sorted(
        (r for r in city.rows("registry.decision") if r["ticket_id"] == pair),
        key=lambda r: r["round"],
    )
    assert (first["decided_value"], second["decided_value"]) == ("两人", "同一人")
    assert first["known_to"] == second["known_from"] == redirect["known_from"]
    night(settings)
    assert told() == settled | {"second_registration": "CORRECTED 2"}
