"""Names of persons and of organisations."""

from __future__ import annotations

from collections.abc import Sequence

from onesource.clean.standardisers.model import Request, Stage, Standardiser
from onesource.clean.standardisers.sql import (
    HAN,
    cleaned,
    detail,
    flag,
    is_nothing,
    shown,
)

# All that is typed for the dot in 买买提·吐尔逊; U+00B7 is the one to keep.
DOTS = "•．・‧･∙●⋅●᛫"
UNKNOWN = "'不详', '未知', '不知', '未登记', '佚名', '匿名', '无姓名'"
TEST = (
    "^(?:测试.*|.*测试数据|[Tt][Ee][Ss][Tt].*|张三李四|某某|某某某|无名氏|XXX|xxx|ABC|abc|AAA|aaa)$"
)
FORMER = "曾用名|原名|又名|别名|曾名|旧名"


def _single_spaces(x: str) -> str:
    """Without the blanks between two single characters: 张 三, 王 小 明."""
    return f"case when {x} rlike '^{HAN}(?: {HAN})+$' then replace({x}, ' ', '') else {x} end"


def _person_name(_: Request) -> Sequence[Stage]:
    former = f"[( ,;/【]?(?:{FORMER})[: ]*([^()【】]+)[)】]?$"
    simple = (
        f"length(raw) between 2 and 4 and raw rlike '^{HAN}+$' and not (raw rlike "
        "'[^一-鿿]') and not (raw rlike '某|测试|未|不|无|空|缺|暂|张三李四|等[人户]')"
    )
    split = (
        f"(?:{HAN}|[A-Za-z)]) ?[、,;/|，；&] "
        f"?(?:{HAN}|[A-Za-z(])|^{HAN}{{2,3}}[和及与]{HAN}{{2,3}}$"
    )
    return [
        *cleaned(spaces=True, simple=simple),
        {
            # One kind of brackets; a backslash (which no literal holds) is a stroke.
            "told": "replace(translate(t, '[]〔〕{}〈〉「」', '()()()()()'), chr(92), '/')",
        },
        {
            "former": f"regexp_extract(told, '{former}', 1)",
            "main": f"regexp_replace(told, '{former}', '')",
        },
        {
            "note": "regexp_extract(main, '[(【]([^()【】]*)[)】]$', 1)",
            "bare": "trim(regexp_replace(main, '[(【][^()【】]*[)】]$', ''))",
        },
        {
            "dotted": f"regexp_replace(translate(bare, '{DOTS}', '{'·' * len(DOTS)}'), ' ?· ?', "
            "'·')",
        },
        {
            # A full stop between Han characters is the dot, too.
            "stopped": f"regexp_replace(regexp_replace(case when dotted rlike '{HAN}[.。]{HAN}' "
            "then translate(dotted, '.。', '··') else dotted end, '·+', '·'), '^·|·$', '')",
        },
        {"name": _single_spaces("stopped")},
        {
            "han_words": f"coalesce(name rlike '^{HAN}{{2,4}}(?: {HAN}{{2,4}})+$', false)",
            "several": f"coalesce(name rlike '{split}', false)",
        },
        {
            "value": "coalesce(simple, name)",
            "verdict": "case when simple is not null then 'OK' when bad = 'null' then 'EMPTY' "
            "when bad = 'lost' then 'LOST_CHARACTER' when bad is not null then 'FMT' "
            f"when {is_nothing()} or t in ({UNKNOWN}) then 'EMPTY' "
            f"when name rlike '{TEST}' then 'SUSPECT' "
            f"when several or han_words or name rlike '^{HAN}.*等(?:[0-9]+|{HAN})?[人户]$' "
            "then 'SPLIT' "
            f"when name rlike '[*＊]|^{HAN}[xX×○〇某]{{1,2}}$' then 'MASKED' "
            "when name rlike '[?？□■]' then 'LOST_CHARACTER' "
            # 买买提-吐尔逊 may be one, 张三-李四 are two.
            f"when name = '' or name rlike '{HAN}[-—]{HAN}' or length(name) > 60 "
            "or name rlike '[0-9@#$%^_=+<>:;!]' then 'FMT' "
            "when length(name) = 1 then 'SUSPECT' else 'OK' end",
            "detail": detail(
                unreadable="case when bad not in ('null', 'lost') then bad end",
                former=f"case when former not in ({UNKNOWN}, '无', '没有') "
                f"then {shown('former')} end",
                note=shown("note"),
                dot=flag("bare <> stopped"),
                spaces=flag("stopped <> name"),
                parts="case when several or han_words then "
                "cast(length(regexp_replace(name, '[^、,;/|，；和及与&]', '')) + case when "
                "han_words then length(name) - length(replace(name, ' ', '')) else 0 end + 1 as "
                "string) end",
            ),
        },
    ]


PERSON_NAME = Standardiser(
    "person_name",
    "姓名：间隔号统一为 ·，去单字间空格，曾用名写入说明；一格多人为 SPLIT",
    "A person's name: one dot (U+00B7), no blanks between single characters; former name in the "
    "detail; several persons in one cell: SPLIT",
    ("OK", "EMPTY", "FMT", "SPLIT", "SUSPECT", "MASKED", "LOST_CHARACTER"),
    build=_person_name,
)


# How the names of organisations end.
_ORG = "(?:公司|厂|矿|局|委|委员会|合作社|医院|学校|[中小大]学|银行|政府|中心|[集]团)"


def _org_name(_: Request) -> Sequence[Stage]:
    return [
        *cleaned(spaces=True),
        {
            # Registered names carry full-width brackets; blanks stay only between Latin words.
            "tight": f"case when t rlike '{HAN}' and not (t rlike '[A-Za-z0-9] +[A-Za-z0-9]') "
            "then replace(t, ' ', '') else t end",
        },
        {
            "name": "case when tight rlike '" + HAN + "' then translate(regexp_replace("
            "regexp_replace(tight, ' *[(] *', '('), ' *[)] *', ')'), '()[]【】〔〕', "
            "'（）（）（）（）') else "
            "tight end",
        },
        {
            "value": "name",
            "verdict": "case when bad = 'null' then 'EMPTY' when bad = 'lost' then "
            "'LOST_CHARACTER' "
            f"when bad is not null then 'FMT' when {is_nothing()} or t in ({UNKNOWN}) then 'EMPTY' "
            "when name rlike '^(?:测试.*|.*测试数据|[Tt][Ee][Ss][Tt].*|某某.*)$' then 'SUSPECT' "
            "when name rlike '[?？□■]' then 'LOST_CHARACTER' "
            "when length(name) < 2 or not (name rlike '[^-0-9.,/ ]') then 'FMT' "
            f"when name rlike '{_ORG} ?[,;；、/|] ?[^,;；、/|]*{_ORG}(?:[,;；、/|]|$)' "
            "then 'SPLIT' "
            "else 'OK' end",
            "detail": detail(
                unreadable="case when bad not in ('null', 'lost') then bad end",
                fullwidth=flag("folds and not (raw rlike '[（）]')"),
                spaces=flag("t <> tight"),
                brackets="case when name rlike '（' and not (raw rlike '（') then 'widened' end",
            ),
        },
    ]


ORG_NAME = Standardiser(
    "org_name",
    "单位名称：去多余空格，括号统一为全角，字母数字统一为半角",
    "An organisation's name: needless blanks out, full-width brackets, half-width letters",
    ("OK", "EMPTY", "FMT", "SPLIT", "SUSPECT", "LOST_CHARACTER"),
    build=_org_name,
)
