"""Names of persons: under headings that say a person, behind words that say one, and beside
identifiers.

A name is not known by its characters alone (文水 and 方山 begin with surnames, too): it takes a
heading, a word before it or an identifier next to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# The surnames of some 98 in 100 people (Ministry of Public Security, name reports), and the
# compound ones.
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程"
    "苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝"
    "龚邵万钱严覃武戴莫孔向汤常温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞"
    "左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳欧阳管柴蒙鲍华喻祁蒲"
    "房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟"
    "应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆乐冀"
    "郁胥南班储原栗燕楚鄢劳谌奚皮粟冼蔺楼盘满闻厉伊仝区郜海阚花权强帅屠豆朴盖练廉禹井祖漆巴丰"
    "支卿国狄平计索宣晋相初门云容敬来扈晁都普阙浦戈伏鹿薄邸雍辜羊阿乌母亓修邰赫杭况那宿鲜印逯"
    "隆茹诺战慕危玉银亢嵇公哈湛宾戎勾茅利於呼居揭干但尉冶斯元束檀衣信展阴昝智幸奉植衡富尧闭由"
    "闫肖付邱兰芦仝代候贠呂張劉陳楊黃趙吳孫馬鄭許韓馮鄧蔣葉蘇魏盧鐘譚陸範賈韋鄒龍顧錢嚴閻"
)
_COMPOUND = (
    "欧阳|上官|司马|诸葛|皇甫|令狐|慕容|尉迟|长孙|夏侯|东方|公孙|司徒|南宫|呼延|端木|申屠|完颜"
)
_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
NAME = (
    f"(?:(?:{_COMPOUND})[{_HAN}]{{1,2}}|[{SURNAMES}] ?[{_HAN}] ?[{_HAN}]?"
    f"|[{_HAN}]{{2,8}}·[{_HAN}]{{2,8}}(?:·[{_HAN}]{{2,8}})?)"
)
_WHOLE = re.compile(rf"{NAME}(?: ?(?:先生|女士|同志|主任|科长|局长|师傅))?")
_SEVERAL = re.compile(r"[、,，;；/|和及 ]+")
_LATIN = re.compile(r"[A-Z][a-zA-Z'-]+(?:[ ,]+[A-Z][a-zA-Z'.-]*){1,3}")
# Nothing said, an office, or a name with its end covered.
_NO_NAME = re.compile(
    r".*(?:局|厅|委|科|处|室|中心|部|公司|厂|矿|院|校|站|所|会|办|政府|单位|集团|银行|大队|支队"
    r"|县|市|区|镇|乡|村|街道|未知|不详|暂无|无|同上|[*＊某○×]+)"
)

# Headings, less blanks and what stands in brackets. Words that end in a person's role.
HEADINGS_ZH = (
    r"(?:.*(?:姓名|名字)|.*(?:法定代表人|法人代表|法人姓名|代表人|负责人|联系人|联络人|经办人|承办人|办理人"
    r"|申请人|当事人|被处罚人|行政相对人|监护人|代理人|受益人|投保人|被保险人|投资人|股东|经营者|承包人"
    r"|户主|车主|业主|货主|失主|户成员|家庭成员|配偶|患者|病人|就诊人|死者|司机|驾驶员|驾驶人|押运员"
    r"|医师|医生|护士|教师|学生|职工|员工|帮扶人|责任人|填报人|填表人|报告人|审核人|审批人|签发人|录入人"
    r"|操作员|值班员|调度员|检查员|安全员|矿长|院长|校长|书记|主任|所长|站长|法人)(?:名称|名)?)"
)
HEADINGS_EN = (
    r"(?:.*_)?(?:person(?:al)?_name|full_?name|given_name|surname|first_name|last_name|xm|xingming"
    r"|legal_rep(?:resentative)?(?:_name)?|legal_person(?:_name)?|contact(?:_person|_name)?"
    r"|head_of_household|householder|household_head|applicant(?:_name)?|patient(?:_name)?"
    r"|driver(?:_name)?|owner_name|doctor(?:_name)?|student(?:_name)?|teacher(?:_name)?"
    r"|guardian(?:_name)?|spouse(?:_name)?|operator_name|reporter_name|name_of_person"
    r"|responsible_person|handler(?:_name)?|principal_name|shareholder(?:_name)?|mine_manager"
    r"|frdb|fddbr|lxr)"
)
_HEADING_ZH, _HEADING_EN = re.compile(HEADINGS_ZH), re.compile(HEADINGS_EN)
_BRACKETS = re.compile(r"[(（\[【].*?[)）\]】]|[\s:：*]")
# Words that say that a name follows; and what may stand between.
_LABEL_WORDS = (
    "姓名|法定代表人|法人代表|负责人|联系人|联络人|经办人|承办人|申请人|当事人|监护人|代理人|户主|车主"
    "|患者|驾驶员|驾驶人|司机|责任人|帮扶人|填报人|填表人|审核人|死者|学生|家长|业主"
)
LABELLED = f"(?:{_LABEL_WORDS})"
_LABELLED = re.compile(
    rf"{LABELLED}(?:姓名|名称)?\"? ?(?:[:：,，=|\t\"]|为|是|叫|系| )[ \"“]{{0,3}}"
    rf"(?P<name>{NAME})(?![{_HAN}])"
)
_NEXT_TO = re.compile(
    rf"(?:^|[^{_HAN}]|{LABELLED}|村民|居民|职工|市民|群众|业主|公民)(?P<name>{NAME})"
    r"(?:[ ,，:：、(（|/\t]|的|身份证号?码?|公民身份号码|证件号码?|号码?|手机号?码?|联系?电话|电话"
    r"|男|女|汉族|银行卡号?|卡号|车牌号?|是|为)*$"
)
_BEHIND = re.compile(
    rf"^(?:[ ,，:：、)）(（|/\t]|联系人|姓名|户名|持卡人|车主)*(?P<name>{NAME})(?![{_HAN}])"
)


def is_heading(text: str) -> bool:
    """Whether a column's name says that its values are persons."""
    bare = _BRACKETS.sub("", text)
    if bare.isascii():
        return _HEADING_EN.fullmatch(bare.lower()) is not None
    return _HEADING_ZH.fullmatch(bare) is not None


def is_name(value: str, *, latin: bool = True) -> bool:
    """Whether a value under such a heading names a person (or several), not an office."""
    value = value.strip()
    if not value or len(value) > 60 or _NO_NAME.fullmatch(value):
        return False
    if latin and _LATIN.fullmatch(value):
        return True
    if _WHOLE.fullmatch(value):
        return True
    parts = [p for p in _SEVERAL.split(value) if p]
    return len(parts) > 1 and all(_WHOLE.fullmatch(p) for p in parts)


def labelled(text: str) -> Iterator[str]:
    """Names behind a word that says one: 联系人：… Offices are not names."""
    for m in _LABELLED.finditer(text):
        if not _NO_NAME.fullmatch(m["name"]):
            yield m["name"]


def next_to(text: str, start: int, end: int) -> str | None:
    """A name that stands right before or behind an identifier of a text, or None."""
    m = _NEXT_TO.search(text[max(0, start - 24) : start]) or _BEHIND.search(text[end : end + 16])
    return m["name"] if m and not _NO_NAME.fullmatch(m["name"]) else None
