"""Free text and yes/no."""

from __future__ import annotations

from collections.abc import Sequence

from onesource.clean.standardisers.model import Request, Stage, Standardiser
from onesource.clean.standardisers.sql import (
    CONTROL,
    NO_WIDTH,
    cleaned,
    detail,
    flag,
    trimmed,
)


def _text(_: Request) -> Sequence[Stage]:
    # Free text may be long: only single classes are matched, never groups.
    return [
        {
            "visible": f"case when not (raw rlike '[^ -~一-鿿]') then raw else "
            f"regexp_replace(regexp_replace(raw, '{CONTROL}|{NO_WIDTH}', ''), "
            "'[\t-\r\u0085\u2028\u2029]+', ' ') end"
        },
        {"value": trimmed("visible")},
        {
            "verdict": "case when coalesce(value, '') = '' then 'EMPTY' else 'OK' end",
            "detail": detail(
                cleaned=flag("length(visible) <> length(raw)"),
                lost=flag("value like '%\ufffd%'"),
            ),
        },
    ]


TEXT = Standardiser(
    "text",
    "文本：去首尾空白、控制字符和零宽字符，内容不变",
    "Free text: trimmed, control and zero-width characters removed, content kept",
    ("OK", "EMPTY"),
    build=_text,
)

YES = ["是", "有", "真", "对", "已", "yes", "y", "true", "t", "1", "1.0", "√", "✓", "✔", "☑", "on"]
NO = [
    "否",
    "无",
    "没有",
    "非",
    "假",
    "错",
    "不",
    "不是",
    "未",
    "no",
    "n",
    "false",
    "f",
    "0",
    "0.0",
    "×",
    "✗",
    "✘",
    "☐",
    "x",
    "off",
]


def _boolean(_: Request) -> Sequence[Stage]:
    yes, no = (", ".join(f"'{w}'" for w in words) for words in (YES, NO))
    return [
        *cleaned(),
        {"word": "lower(t)"},
        {
            "value": f"case when word in ({yes}) then 'true' when word in ({no}) then 'false' end",
        },
        {
            "verdict": "case when bad = 'null' then 'EMPTY' when bad is not null then 'FMT' "
            "when value is not null then 'OK' "
            "when word in ('', '/', 'null', 'none', 'nan', 'n/a', '不详', '未知', '空', '暂无') "
            "or word rlike '^[-—–]+$' then 'EMPTY' else 'FMT' end",
            "detail": detail(unreadable="case when bad <> 'null' then bad end"),
        },
    ]


BOOLEAN = Standardiser(
    "boolean",
    "是否：是/否、有/无、1/0、Y/N、√/× → true/false",
    "Yes or no: 是/否, 有/无, 1/0, Y/N, √/× to true/false",
    ("OK", "EMPTY", "FMT"),
    build=_boolean,
)
