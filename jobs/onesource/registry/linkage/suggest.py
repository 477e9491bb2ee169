"""A spec where none is given: fields by their headers, comparisons by field, blocking by both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from onesource.errors import UsageError
from onesource.registry.linkage.prepare import folded
from onesource.registry.linkage.spec import ComparisonSpec, Spec

_Field = Mapping[str, Any]
# Headers as departments and the base feeds write them, and those of lists in English.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "id_no": (
        "公民身份号码", "身份证号", "身份证号码", "身份证", "证件号码", "居民身份证号",
        "公民身份证号码", "idno", "idcard", "idnumber",
    ),
    "name": ("姓名", "名字", "人员姓名", "xm", "name", "fullname", "personname"),
    "given_name": ("givenname", "firstname", "forename", "fname", "first"),
    "surname": ("surname", "lastname", "familyname", "lname", "last"),
    "sex": ("性别", "xb", "sex", "gender"),
    "birth_date": (
        "出生日期", "出生年月日", "出生年月", "生日", "csrq", "dateofbirth", "birthdate",
        "dob", "birthday", "born",
    ),
    "county_code": (
        "县区", "县市区", "区县", "所属县", "行政区划代码", "行政区划", "区划代码", "户籍地",
        "所在县", "countycode", "divisioncode", "hukoudivisioncode",
    ),
    "address": ("地址", "住址", "户籍地址", "现住址", "家庭住址", "详细地址", "住所", "address"),
    "street": ("address1", "street", "streetname"),
    "city": ("suburb", "city", "town", "place"),
    "postcode": ("postcode", "zip", "zipcode", "postalcode"),
    "phone": ("电话", "联系电话", "手机", "手机号", "手机号码", "联系方式", "phone", "mobile",
              "tel", "phonenumber", "telephone"),
    "email": ("email", "emailaddress", "邮箱"),
    "national_id": ("socsecid", "ssn", "socialsecuritynumber", "nationalid"),
    "uscc": ("统一社会信用代码", "社会信用代码", "信用代码", "uscc", "uniscid"),
    "org_name": (
        "单位名称", "企业名称", "机构名称", "名称", "公司名称", "法人名称",
        "orgname", "companyname",
        "company", "organisation",
        "organization",
    ),
}  # fmt: skip
ID_HEADERS = frozenset(
    {"id", "recid", "recordid", "rowid", "序号", "编号", "uid", "pk", "uniqueid", "人员编号"}
)
_PERSON: Mapping[str, _Field] = {
    "id_no": {"standardiser": "resident_id"},
    "name": {"standardiser": "person_name"},
    "given_name": {},
    "surname": {},
    "sex": {"standardiser": "sex"},
    "birth_date": {"standardiser": "date"},
    "county_code": {"standardiser": "division"},
    "phone": {"standardiser": "phone"},
    "address": {},
    "street": {},
    "city": {},
    "postcode": {},
    "email": {"standardiser": "raw"},
    "national_id": {},
}
_PERSON_COMPARISONS: Sequence[tuple[tuple[str, ...], dict[str, Any]]] = (
    (("given_name", "surname"), {"kind": "person_name"}),
    (("birth_date",), {"kind": "date"}),
    (("sex",), {"kind": "exact"}),
    (("county_code",), {"kind": "code"}),
    (("phone",), {"kind": "string", "measure": "levenshtein", "levels": [1]}),
    (("address",), {"kind": "text"}),
    (("street",), {"kind": "string"}),
    (("city",), {"kind": "string"}),
    (("postcode",), {"kind": "string", "measure": "levenshtein", "levels": [1]}),
    (("email",), {"kind": "string"}),
    (("national_id",), {"kind": "string", "measure": "levenshtein", "levels": [1, 2]}),
)


def recognised(headers: Sequence[str]) -> dict[str, str]:
    """Field → header, for the headers that are known."""
    by_folded = {folded(h): h for h in reversed(list(headers))}
    found = {}
    for field, names in ALIASES.items():
        header = next((by_folded[n] for n in names if n in by_folded), None)
        if header is not None:
            found[field] = header
    return found


def id_header(headers: Sequence[str]) -> str | None:
    """The header of a column that only numbers the rows."""
    return next((h for h in headers if folded(h) in ID_HEADERS), None)


def suggest(left: Sequence[str], right: Sequence[str], kind: str | None = None) -> Spec:
    """A spec from the headers of both files (the same twice: one file).

    kind: person or organisation, where that is known; else the headers tell. Raises UsageError
    when they tell neither.
    """
    one, two = recognised(left), recognised(right)
    both = {f: (one[f], two[f]) for f in one if f in two}
    has_organisation = "org_name" in both or "uscc" in both
    is_person = (kind or ("organisation" if has_organisation else "person")) == "person"
    ids = {"left": {"id": id_header(left)}, "right": {"id": id_header(right)}}
    return _person(both, ids) if is_person else _organisation(both, ids)


def _fields(both: Mapping[str, tuple[str, str]], known: Mapping[str, _Field]) -> dict[str, Any]:
    return {
        f: {**spec, "left": both[f][0], "right": both[f][1]}
        for f, spec in known.items()
        if f in both
    }


def _person(both: Mapping[str, tuple[str, str]], ids: Mapping[str, Any]) -> Spec:
    fields = _fields(both, _PERSON)
    if "id_no" in fields:
        for derived in ("birth_date", "sex"):
            if derived in fields:
                fields[derived]["derive"] = "id_no"
    comparisons: list[dict[str, Any]] = []
    if "name" in fields:
        comparisons.append({"kind": "chinese_name", "fields": ["name"]})
    for names, how in _PERSON_COMPARISONS:
        there = [n for n in names if n in fields]
        if there:
            comparisons.append({**how, "fields": there})
    rules: list[dict[str, Any]] = []
    if "id_no" in fields and "name" in fields:
        rules.append({"name": "number_and_name", "equal": ["id_no", "name"]})
        near = [f for f in ("birth_date", "county_code") if f in fields]
        if len(near) == 2:
            rules.append(
                {
                    "name": "number_mistyped",
                    "near": ["id_no"],
                    "one_fails": ["id_no"],
                    "equal": ["name", *near],
                }
            )
    if "id_no" in fields:
        comparisons.append(
            {"kind": "string", "fields": ["id_no"], "measure": "levenshtein", "levels": [1]}
        )
    if not comparisons:
        raise _unknown(both)
    return Spec.model_validate(
        {
            **ids,
            "kind": "person",
            "fields": fields,
            "comparisons": comparisons,
            "rules": rules,
            "threshold": 0.8,
        }
    )


def _organisation(both: Mapping[str, tuple[str, str]], ids: Mapping[str, Any]) -> Spec:
    known: dict[str, _Field] = {
        "uscc": {"standardiser": "uscc"},
        "org_name": {},
        "county_code": {"standardiser": "division"},
        "address": {},
        "phone": {"standardiser": "phone"},
    }
    fields = _fields(both, known)
    if "org_name" not in fields and "uscc" not in fields:
        raise _unknown(both)
    comparisons: list[dict[str, Any]] = []
    rules = []
    if "uscc" in fields:
        comparisons.append(
            {"kind": "string", "fields": ["uscc"], "measure": "levenshtein", "levels": [1]}
        )
        rules.append({"name": "number", "equal": ["uscc"]})
    for f, kind in (("org_name", "text"), ("county_code", "code"), ("address", "text")):
        if f in fields:
            comparisons.append({"kind": kind, "fields": [f]})
    if "phone" in fields:
        comparisons.append({"kind": "string", "fields": ["phone"]})
    return Spec.model_validate(
        {
            **ids,
            "kind": "organisation",
            "fields": fields,
            "comparisons": comparisons,
            "rules": rules,
            "threshold": 0.8,
        }
    )


def _unknown(both: Mapping[str, tuple[str, str]]) -> UsageError:
    shown = ", ".join(both) or "none"
    return UsageError(
        "the headers do not tell what is to be compared",
        why=f"recognised in both: {shown}",
        todo="name the fields in a spec (--spec, see docs/link.md)",
    )


def default_blocking(spec: Spec) -> list[list[str]]:
    """Blocking rules from the comparisons, where a spec names none.

    One rule for each kind of evidence that could stand alone, so that a pair with any one field
    spoilt is still found by another.
    """
    rules: list[list[str]] = []
    dates = [c.fields[0] for c in spec.comparisons if c.kind == "date"]
    names = [
        f for c in spec.comparisons if c.kind in ("person_name", "chinese_name") for f in c.fields
    ]
    for c in spec.comparisons:
        rules += _rules_of(c, spec, dates, names)
    unique = [list(r) for r in dict.fromkeys(tuple(r) for r in rules)]
    return unique or [[f] for c in spec.comparisons for f in c.fields[:1]]


def _rules_of(
    c: ComparisonSpec, spec: Spec, dates: Sequence[str], names: Sequence[str]
) -> list[list[str]]:
    f = c.fields[0]
    if c.kind == "text":
        return [[f], [f"{f}.words"]]
    if c.kind == "date":
        return [[f]]
    if c.kind == "person_name":
        own = [[f"{n}.words"] for n in c.fields] if len(c.fields) == 1 else [list(c.fields)]
        sound = [[f"{n}.soundex", f"{d}.year"] for n in c.fields for d in dates]
        return own + (sound or [[f"{n}.soundex"] for n in c.fields])
    if c.kind == "chinese_name":
        return [[f]] + [[f"{f}.first1", f"{d}"] for d in dates]
    if c.kind == "string" and c.measure == "levenshtein":
        # Numbers: one half of them is still right when one digit is not.
        return [[f]]
    if c.kind == "string":
        rest = [n for n in names if n != f]
        return [[f], *([f"{f}.first4", f"{n}.first1"] for n in rest[:1])]
    if c.kind == "place":
        return [[f"{c.fields[0]}.first5", f"{c.fields[1]}.first4"]]
    return []
