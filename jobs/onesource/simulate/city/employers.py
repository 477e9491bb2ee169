"""Employers, from the seed alone: the same for the people who work and for the organisations."""

from __future__ import annotations

from functools import lru_cache

from onesource.simulate.draw import stream
from onesource.simulate.identifiers import uscc

# GB 11714 codes are of digits and capitals without I, O, S, V, Z.
_LETTERS = "ABCDEFGHJKLMNPQRTUWXY"
_TRADES = ("煤焦", "商贸", "建筑工程", "运输", "农业开发", "食品", "机械制造", "酒业", "物业服务")
_WORDS = ("鑫源", "宏达", "晋泰", "兴旺", "永盛", "金鼎", "恒通", "祥瑞", "华昌", "聚丰", "天宇")


@lru_cache(maxsize=65536)
def employer(seed: int, county: str, k: int) -> tuple[str, str]:
    """(USCC, name) of employer `k` (from 0, below 100,000) of a county of six digits.

    Within a county two employers never share a code: it holds `k`. Both are made up.
    """
    draw = stream(seed, "employer", county, k)
    letters = draw.choice(_LETTERS) + draw.choice(_LETTERS)
    code = uscc("91", county, f"M{letters}{k:05d}")
    name = f"吕梁{draw.choice(_WORDS)}{draw.choice(_WORDS)}{draw.choice(_TRADES)}有限公司"
    return code, name
