"""One address for all ways in which it is written.

The key is made of the division in the latest state of the register, of the levels that lie
deeper than it as they are written, and of the numbers without their words: 临县碛口镇西湾村3幢,
山西省吕梁市临县碛口镇西湾村3号楼 and 碛口镇西湾村三号楼 are one address. What could not be read is
part of the key, so that 凤城镇县医院 and 凤城镇县中学 stay two.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from onesource import digests
from onesource.clean.geography.address import Address
from onesource.clean.geography.house import group, number
from onesource.clean.geography.index import FOREVER, DivisionIndex
from onesource.clean.geography.names import LEVELS, level_of, up, variant


class Standard(NamedTuple):
    """The levels in normal form; empty where an address has none. Numbers are without words."""

    division_code: str
    province: str
    city: str
    county: str
    town: str
    village: str
    village_group: str
    road: str
    house_no: str
    building: str
    unit: str
    room: str
    rest: str

    @property
    def text(self) -> str:
        """The address written out, from the largest unit down."""
        text = "".join(self[1:8])
        if self.house_no:
            text += f"{self.house_no}号"
        if self.building:
            text += f"{self.building}号楼"
        if self.unit:
            text += f"{self.unit}单元"
        if self.room:
            text += self.room if self.room.endswith("层") else f"{self.room}室"
        return text + self.rest


class Standards:
    """Brings addresses into normal form against one index. For one thread."""

    def __init__(self, index: DivisionIndex) -> None:
        self.index = index
        self._names: dict[str, tuple[str, ...]] = {}

    def of(self, address: Address) -> Standard:
        code = address.division_now or ""
        names = self._official(code)
        written = address[1:6]
        h = address.house
        province, city, county, town, village = (*names, *written[len(names) :])
        return Standard(
            code,
            province,
            city,
            county,
            town,
            village,
            group(h.village_group) if h.village_group else "",
            h.road,
            number(h.no) if h.no else "",
            number(h.building).upper() if h.building else "",
            number(h.unit).upper() if h.unit else "",
            h.room.upper() if h.room else "",
            h.rest,
        )

    def _official(self, code: str) -> tuple[str, ...]:
        """The names of a division and of those above it, as they are now."""
        found = self._names.get(code)
        if found is None:
            levels = LEVELS[: _depth(code)]
            found = self._names[code] = tuple(self._name(up(code, lv)) for lv in levels)
        return found

    def _name(self, code: str) -> str:
        held = self.index.on(code, FOREVER)
        # 市辖区 and the county of a city without counties have no name of their own.
        return "" if held is None or held.name == "市辖区" else held.name


@lru_cache(maxsize=1 << 16)
def _depth(code: str) -> int:
    """How many of the levels the code says: 3 for a county."""
    return LEVELS.index(level_of(code)) + 1 if code else 0


def address_id(standard: Standard) -> str:
    """D and 20 characters: a digest of the normal form. It changes where the code of the division
    does: it names what the register says now, no more than that."""
    code = standard.division_code
    above = _depth(code)
    deeper = [variant(name) if name else "" for name in standard[1 + above : 6]]
    key = "\x1f".join((code, *deeper, *standard[6:]))
    return f"D{digests.short(digests.of_text(key)).upper()}"
