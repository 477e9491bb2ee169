"""What ODCS lacks: the shapes of our `customProperties`.

These models are the one definition: they validate contracts when they are loaded, give editors
their JSON Schema, and `docs/reference/contract.md` is generated from their descriptions.
Words and rules: the design's chapters on contracts and deliveries.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from onesource.contracts.open_dataset import OpenDataset


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class History(StrEnum):
    """What silver keeps of a feed."""

    CURRENT = "current"
    SNAPSHOT = "snapshot"
    BITEMPORAL = "bitemporal"


class Correction(StrEnum):
    """How a later delivery changes what an earlier one said."""

    APPEND = "append"
    UPSERT = "upsert"
    REPLACE = "replace"
    CHANGE_LOG = "change_log"
    REVERSAL = "reversal"


class StandardiserUse(Strict):
    """Which named standardiser reads a raw value, and its arguments.

    An argument that begins with `$` names another field of the same row, whose standardised
    value is passed (for example `date: $as_of`).
    """

    name: str = Field(description="A standardiser's name, as `onesource standardise` knows it.")
    args: dict[str, str] = Field(default_factory=dict, description="Its arguments.")


def _expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as e:
        raise ValueError(f"{value} is no regular expression: {e}") from e
    return value


def _address(value: str) -> str:
    if not re.fullmatch(r"\$?[A-Za-z]{1,3}\$?[1-9]\d{0,6}", value):
        raise ValueError(f"{value} is no cell; write it like B2")
    return value


def _day(value: str) -> str:
    date.fromisoformat(value)  # raises ValueError in words
    return value


Day = Annotated[str, BeforeValidator(str), AfterValidator(_day)]
Expression = Annotated[str, AfterValidator(_expression)]
Cell = Annotated[str, AfterValidator(_address)]


def _standardiser(value: object) -> object:
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict) and "args" not in value and "name" in value:
        rest = {k: str(v) for k, v in value.items() if k != "name"}
        return {"name": value["name"], "args": rest}
    return value


class Origin(Strict):
    """Where a field's raw value comes from when it is no column of the rows."""

    from_: Literal["column", "file_name", "sheet", "cell", "delivery", "constant", "field"] = Field(
        alias="from",
        description="`column` (default); `file_name`: a named group of the delivery's pattern; "
        "`sheet`: the sheet's name; `cell`: one cell above the table, such as B2; `delivery`: a "
        "property of the delivery (`statement_time`); `constant`: `value`; `field`: the raw value "
        "of another `field` that stands in the rows, read here in another way.",
    )
    group: str | None = Field(None, description="With `file_name`: the group's name.")
    cell: Cell | None = Field(None, description="With `cell`: its address, such as B2.")
    pattern: Expression | None = Field(
        None, description="A regular expression; its first group is taken from the value found."
    )
    value: str | None = Field(None, description="With `constant`: the value itself.")
    field: str | None = Field(None, description="With `field`: the other field's name.")


class FieldProperties(Strict):
    """The `customProperties` of one field."""

    standardiser: Annotated[StandardiserUse | None, BeforeValidator(_standardiser)] = Field(
        None,
        description="Reads the raw text. Left out, it follows from `logicalType`: string keeps "
        "the text (trimmed), integer, number, date, timestamp, boolean use the like-named one.",
    )
    unit: str | None = Field(None, description="Unit of the standardised value (t, yuan, kWh, MW).")
    codelist: str | None = Field(
        None, description="Name of a code list in `schemas/codelists/`; other values are an issue."
    )
    identifier: Literal["direct", "quasi", "none"] = Field(
        "none", description="Does it name a person: `direct`, `quasi`, or `none`."
    )
    period_kind: Literal["month", "cumulative", "stock"] | None = Field(
        None, description="Is a figure of the period, cumulative within the year, or a stock."
    )
    aliases: list[str] = Field(
        default_factory=list,
        description="Other headers under which the field arrives. The name and the businessName "
        "are always accepted. A two-level header is joined by `/`: `产量/当日`.",
    )
    origin: Origin | None = Field(None, description="Where the raw value comes from.")
    sharing: Literal["无条件", "有条件", "不予"] | None = Field(
        None, description="共享属性; left out, the contract's."
    )
    opening: Literal["可公开", "依条件公开", "不可公开"] | None = Field(
        None, description="开放属性; left out, the contract's."
    )
    disclosure: Literal["主动公开", "依申请公开", "不予公开"] | None = Field(
        None, description="信息公开属性; left out, the contract's."
    )
    security_level: Literal["L1", "L2", "L3", "L4"] | None = Field(
        None, description="Data security level L1 (public) to L4; left out, the contract's."
    )
    personal: Literal["pi", "spi", "minor"] | None = Field(
        None, description="Personal information, sensitive personal information, data of minors."
    )
    source_column: str | None = Field(
        None, description="Open datasets: the source's column, where it has another name."
    )
    lawful_publication: str | None = Field(
        None, description="Legal basis where a name must be public."
    )
    keep: Literal["value", "token", "none"] = Field(
        "value",
        description="Feeds: what silver keeps. `token`: not the number but its `id_token` (the "
        "column's name: `id_no` becomes `id_token`, `mother_id_no` becomes `mother_id_token`); "
        "`none`: nothing, the value stays in bronze.",
    )
    fatal: bool = Field(
        False,
        description="A value that fails sends the row to quarantine, as with a key field; "
        "otherwise it becomes null and leaves an issue on the row.",
    )


class Sheets(Strict):
    """Which sheets of a workbook are read."""

    names: list[str] = Field(default_factory=list, description="These; empty: every sheet.")
    pattern: Expression | None = Field(None, description="Or those whose name matches.")
    skip: Expression | None = Field(None, description="Never those whose name matches.")


class Header(Strict):
    """Where the header of a delimited file or of a sheet stands."""

    rows: int = Field(1, ge=0, le=4, description="Rows of the header; 0: none, fields by position.")
    skip: int | None = Field(
        None,
        ge=0,
        description="Rows above it. Left out: the first row (run of rows) that holds most of the "
        "contract's headers is looked for in the first 30 rows.",
    )


class Envelope(Strict):
    """The wrapping of JSON records, such as `{"code": "200", "data": [...]}`."""

    records: str = Field(
        "", description="Dotted path to the array of records; empty: top level or lines."
    )
    status: str | None = Field(None, description="Dotted path of the status word.")
    ok: list[str] = Field(
        default_factory=lambda: ["200", "0"], description="Status words that mean good."
    )
    total: str | None = Field(
        None, description="Dotted path of the number of records that the sender counted."
    )
    page: str | None = Field(
        None,
        description="Dotted path of the page's number, where each page comes as a file of its own "
        "and `total` counts all pages. Left out: looked for beside `total` (`page`, `pageNo`, …).",
    )
    page_size: str | None = Field(
        None, description="Dotted path of the records per page; left out: like `page`."
    )
    first_page: int = Field(1, description="The number of the first page.")


class StatementTime(Strict):
    """When the department said it. It decides which of two statements holds."""

    from_: Literal["control", "cell", "file_name", "column", "receipt"] = Field(
        "receipt",
        alias="from",
        description="Where it is found. A control file that carries one always goes first; what "
        "cannot be found falls back to the time of receipt.",
    )
    group: str | None = Field(None, description="With `file_name`: the named group.")
    cell: Cell | None = Field(None, description="With `cell`: its address.")
    field: str | None = Field(None, description="With `column`: the field; its latest value.")
    pattern: Expression | None = Field(None, description="With `cell`: its first group is taken.")


class Expects(Strict):
    """Who must report what and when: gives 应报, 已报 and 漏报."""

    units: str | list[str] = Field(
        description="`counties` (the city's), a list of `reporting_units` in `city.yaml`, or codes."
    )
    unit: str | None = Field(
        None, description="The scope part that names the unit; left out: one report for all."
    )
    period: Literal["day", "week", "month", "quarter", "half_year", "year", "none"] = Field(
        description="How often a unit reports."
    )
    period_field: str | None = Field(None, description="The scope part that names the period.")
    due_days: float = Field(
        description="Days after the end of the period by which the report is due."
    )
    since: Day | None = Field(None, description="First period owed, as YYYY-MM-DD.")
    until: Day | None = Field(None, description="Last period owed, as YYYY-MM-DD.")


class ChangeType(Strict):
    """The column of a change log that says what was done to the row."""

    field: str = Field(description="The field's name.")
    insert: list[str] = Field(default_factory=lambda: ["I", "新增"], description="Words for added.")
    update: list[str] = Field(
        default_factory=lambda: ["U", "变更", "修改"], description="Words for changed."
    )
    delete: list[str] = Field(
        default_factory=lambda: ["D", "删除", "注销"], description="Words for deleted."
    )
    order: str | None = Field(
        None, description="Field that orders several changes of one key; left out: line number."
    )


class Reversal(Strict):
    """How a row that takes back an earlier one is known and matched.

    A reversal is a row whose `amount` is negative; it cancels one earlier row with the same
    `match` fields and the opposite amount. Both stay traceable; neither is served.
    """

    amount: str = Field(description="The field whose sign is turned.")
    match: list[str] = Field(description="Fields that are equal in the row and its reversal.")


class Delivery(Strict):
    """How a provider hands a feed in, and what a delivery says about what was there before."""

    pattern: str = Field(
        description="Regular expression on the whole file name; named groups can feed `origin`, "
        "`replace_scope` and `statement_time`."
    )
    format: Literal["csv", "xlsx", "json", "parquet", "geojson"] = Field(
        description="`csv` is any delimited text; `json` an array, lines, or an envelope."
    )
    encoding: str = Field(
        "auto",
        description="`auto`: strict UTF-8 (with or without BOM), UTF-16 by its BOM, else "
        "strict GB18030; or one Python codec, strict.",
    )
    delimiter: str = Field(",", description="One or more characters, such as `|`, `@@`, tab.")
    quote: str = Field('"', description="The quote character; empty: none.")
    sheets: Sheets = Field(default_factory=Sheets, description="Which sheets (xlsx).")
    header: Header = Field(default_factory=Header, description="Where the header stands.")
    fill_down: list[str] = Field(
        default_factory=list,
        description="Fields whose merged cells hold for every row of their merged block (xlsx).",
    )
    skip_rows: Expression | None = Field(
        None,
        description="Rows in which a cell matches this (subtotals 小计, 合计) are no data.",
    )
    skip_rows_in: list[str] = Field(
        default_factory=list,
        description="Look for `skip_rows` in these fields only; empty: the first non-empty cell.",
    )
    footer: Expression | None = Field(
        None, description="From the row whose first non-empty cell matches this on: no data."
    )
    envelope: Envelope = Field(default_factory=Envelope, description="JSON wrapping.")
    crs: Literal["wgs84", "cgcs2000", "gcj02", "bd09"] | None = Field(
        None, description="Coordinate system that the provider declares."
    )
    statement_time: StatementTime = Field(
        default_factory=lambda: StatementTime.model_validate({"from": "receipt"}),
        description="When it was said.",
    )
    replace_scope: list[str] = Field(
        default_factory=list,
        description="Fields, or named groups of the pattern, that say what a file speaks for. "
        "Empty with `correction: replace`: a file speaks for the whole feed. With another "
        "`correction` it only tells a file that was handed in twice from a new statement.",
    )
    correction: Correction = Field(
        Correction.UPSERT,
        description="`append`: rows are added; `upsert`: the later row of a key holds; `replace`: "
        "the later file of a scope holds; `change_log`: rows say what to do; `reversal`: negative "
        "rows cancel.",
    )
    change_type: ChangeType | None = Field(None, description="With `change_log`.")
    reversal: Reversal | None = Field(None, description="With `reversal`.")
    zero_allowed: bool = Field(False, description="A file without rows is a statement: nothing.")
    control_file: Literal["optional", "required"] = Field(
        "optional", description="Must `<file>.ctl` come with it."
    )
    retention_days: int | None = Field(
        None,
        ge=1,
        description="The delivered bytes go from landing so many days after receipt, once they "
        "were processed; left out: they stay.",
    )
    bronze_retention_days: int | None = Field(
        None,
        ge=1,
        description="The rows go from bronze so many days after receipt, once they were "
        "processed; left out: they stay. A feed whose number is kept as a token must say it.",
    )
    expects: Expects | None = Field(None, description="Who must report and when.")
    min_rows: int = Field(1, ge=0, description="Fewer rows than this hold the delivery.")
    max_quarantine_share: float = Field(
        0.2, ge=0, le=1, description="A larger share of rejected rows holds the delivery."
    )
    max_missing_share: float | None = Field(
        None,
        ge=0,
        le=1,
        description="With `history: bitemporal` and `correction: replace`: a full statement that "
        "lacks a larger share of what its scope holds now is cut short and held, never read as "
        "departures (up to five rows may always go). Left out: whatever lacks has gone.",
    )

    @field_validator("encoding")
    @classmethod
    def _encoding_of_text(cls, value: str) -> str:
        if value != "auto":
            try:
                "a".encode(value)  # base64, rot13 and the like are codecs, but none of text
            except (LookupError, UnicodeError):
                raise ValueError(
                    f"{value} is no encoding of text; use auto, or a codec such as gb18030"
                ) from None
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Delivery:
        if not self.delimiter or set(self.delimiter) & {"\n", "\r", "\0"}:
            raise ValueError("delimiter is empty or holds a line break")
        if len(self.quote) > 1 or self.quote in ("\n", "\r", "\0"):
            raise ValueError("quote is one character, or empty for none")
        if self.quote and self.quote in self.delimiter:
            raise ValueError(f"the quote {self.quote} is also in the delimiter")
        if self.correction is Correction.CHANGE_LOG and self.change_type is None:
            raise ValueError("correction change_log needs change_type")
        if self.correction is Correction.REVERSAL and self.reversal is None:
            raise ValueError("correction reversal needs reversal")
        return self


# Minute, hour, day, month, day of the week (0 and 7 are Sunday); each `*`, `5`, `1-5`, `*/15` or a
# list of these.
_CRON_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_CRON_PART = re.compile(r"(?:\*|(\d+)(?:-(\d+))?)(?:/([1-9]\d*))?")


class Schedule(Strict):
    """How a scheduler builds the table; what is left out follows from the update cycle."""

    cron: str | None = Field(
        None,
        description="Five cron fields, in the city's time, at which it is looked at even when "
        "nothing arrived. Left out: it follows from `update_cycle`.",
    )
    retries: int = Field(3, ge=0, le=10, description="How often a failed run is tried again.")
    retry_minutes: float = Field(
        2,
        gt=0,
        description="Minutes before the first new try; each further one waits twice as long.",
    )
    timeout_minutes: float = Field(
        120, gt=0, description="Minutes after which a run that builds it is ended and tried again."
    )
    tier: Literal[1, 2, 3] = Field(
        2,
        description="How much hangs on it: 1 the city's work stops, 2 a report is late, 3 little.",
    )

    @field_validator("cron")
    @classmethod
    def _is_a_time(cls, cron: str | None) -> str | None:
        fields = (cron or "").split()
        if cron is not None and len(fields) != len(_CRON_RANGES):
            raise ValueError(f"{cron!r} is no five fields, as in '30 1 * * *'")
        for text, (least, most) in zip(fields, _CRON_RANGES, strict=False):
            for part in text.split(","):
                found = _CRON_PART.fullmatch(part)
                numbers = [int(n) for n in found.groups()[:2] if n] if found else [-1]
                if numbers != sorted(numbers) or any(not least <= n <= most for n in numbers):
                    raise ValueError(f"{text!r} in {cron!r} is no time between {least} and {most}")
        return " ".join(fields) or None


class ContractProperties(Strict):
    """The `customProperties` of a contract."""

    catalogue_code: str | None = Field(None, description="目录代码 of the resource.")
    provider_uscc: str | None = Field(None, description="USCC of the department that provides it.")
    steward: str | None = Field(None, description="Who answers questions about it.")
    permanent_uri: str | None = Field(None, description="URI that never changes.")
    update_cycle: (
        Literal["实时", "每日", "每周", "每月", "每季度", "每半年", "每年", "不定期"] | None
    ) = Field(None, description="更新周期; the promise against which freshness is measured.")
    sharing: Literal["无条件", "有条件", "不予"] = Field("不予", description="共享属性.")
    opening: Literal["可公开", "依条件公开", "不可公开"] = Field(
        "不可公开", description="开放属性."
    )
    disclosure: Literal["主动公开", "依申请公开", "不予公开"] = Field(
        "不予公开", description="信息公开属性."
    )
    security_level: Literal["L1", "L2", "L3", "L4"] = Field("L3", description="Security level.")
    origin: str | None = Field(None, description="Where the data come from, in words.")
    licence: str | None = Field(None, description="Licence under which they may be used.")
    synthetic: bool = Field(False, description="The rows are made up.")
    delivery: Delivery | None = Field(None, description="Feeds: how it is handed in.")
    history: History = Field(
        History.CURRENT, description="Feeds: `current`, `snapshot` or `bitemporal`."
    )
    period: str | None = Field(None, description="With `snapshot`: the field of the period.")
    valid_from: str | None = Field(
        None, description="With `bitemporal`: field from which the row holds in the world."
    )
    valid_to: str | None = Field(None, description="With `bitemporal`: field until which it holds.")
    builder: str | None = Field(None, description="Registry tables: `module:function`.")
    inputs: list[str] = Field(
        default_factory=list, description="Registry tables: the tables that the builder reads."
    )
    optional_inputs: list[str] = Field(
        default_factory=list, description="Registry tables: read where they are served."
    )
    person_domain: str | None = Field(
        None,
        description="Curated tables: the domain of its person keys, a sector or an approved link "
        "domain of `schemas/link_domains.yaml`. The SQL cannot choose another.",
    )
    min_rows: int = Field(1, ge=0, description="Registry and curated: the floor of rows.")
    partition_by: list[str] = Field(default_factory=list, description="Columns of partition.")
    schedule: Schedule = Field(default_factory=Schedule, description="How a scheduler builds it.")
    open: OpenDataset | None = Field(
        None, description="Open datasets: what is published, and how it is described."
    )
