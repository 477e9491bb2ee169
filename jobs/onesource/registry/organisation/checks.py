"""Where the sources contradict each other about an organisation: questions to the departments.

The values of a question stay the same while the contradiction does, so that it is put once. What
an organisation's own states and signs of life show is kept on its row that holds today
(`_conflicts`), so that a night looks only at the organisations that it touched.
"""

from __future__ import annotations

from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from onesource.registry.organisation.records import REGISTERS
from onesource.registry.places import CONFLICT_COLUMNS

TABLE = "registry.organisation"
SHARED_BY = 50  # more organisations than this at one address are a question
# Capital in yuan above which a unit was probably mistaken: a sole trader or cooperative, any other.
DOUBTFUL_SMALL, DOUBTFUL = 100_000_000, 5_000_000_000


def marked(states: DataFrame, last: DataFrame | None, ctx: Any) -> DataFrame:
    """Adds to the rows that hold today the questions about them, and whether they are disputed.

    last: the organisations' last signs of life (`activity.last_signs`).
    """
    if last is not None:
        states = states.join(last, "org_id", "left")
    believed = "CASE WHEN known_to IS NULL AND capital_yuan > 0 THEN capital_yuan END"
    capitals = F.expr(f"collect_set({believed}) OVER (PARTITION BY org_id)")
    asked = [_pair(ctx), _name_county(ctx), _capital()]
    if last is not None:
        asked += [_alive("tax"), _alive("power")]
    kept = F.array_compact(F.array(*asked))
    open_now = F.expr("valid_to IS NULL AND known_to IS NULL")
    rows = states.withColumn("_capitals", capitals)
    return rows.withColumn("_conflicts", F.when(open_now, kept)).withColumns(
        {
            "_conflicts": F.expr("CASE WHEN size(_conflicts) > 0 THEN _conflicts END"),
            "is_disputed": open_now & (F.col("withheld") | (F.size("_conflicts") > 0)),
        }
    )


def questions(rows: DataFrame, *, source: DataFrame, ctx: Any) -> DataFrame:
    """All that is asked: what the rows of the table carry, codes that two have, and addresses.

    source: `registry.organisation_source`.
    """
    kept = rows.where("_conflicts IS NOT NULL").select(
        F.col("org_id").alias("entity"), F.inline("_conflicts")
    )
    now = rows.where("valid_to IS NULL AND known_to IS NULL")
    twins = _shared_code(source.where("_withheld_uscc IS NOT NULL"))
    found = kept.unionByName(twins).unionByName(_address(now))
    return found.withColumns({"registry": F.lit(TABLE), "owner": _owner(ctx)}).select(
        *CONFLICT_COLUMNS
    )


def _owner(ctx: Any) -> Column:
    """The department that keeps the register, by the name it has on the day."""
    city, day = ctx.catalogue.city, ctx.day.isoformat()
    names: list[Column] = []
    for feed in REGISTERS:
        contract = ctx.catalogue.feeds.get(feed.replace("_", ".", 1))
        uscc = contract.properties.provider_uscc if contract else None
        if contract and uscc:
            name = city.department(uscc, day) or contract.properties.steward or uscc
            names += [F.lit(contract.id), F.lit(name)]
    return F.coalesce(F.create_map(*names)[F.col("source_a")], F.lit(names[1] if names else "-"))


def _said(attribute: str, b: tuple[Any, Any], zh: str, en: str, a: Any = None) -> Column:
    """A question as it is kept: all but entity, registry and owner."""
    value_b, source_b = b
    return F.struct(
        F.lit(attribute).alias("attribute"),
        F.col(a or attribute).cast("string").alias("value_a"),
        F.col("feed").alias("source_a"),
        value_b.cast("string").alias("value_b"),
        source_b.alias("source_b"),
        F.lit(zh).alias("detail_zh"),
        F.lit(en).alias("detail_en"),
    )


def _asked(rows: DataFrame, question: Column) -> DataFrame:
    return rows.select(F.col("org_id").alias("entity"), question.alias("_q")).select(
        "entity", "_q.*"
    )


def _shared_code(twins: DataFrame) -> DataFrame:
    question = _said(
        "uscc",
        (F.col("_first_org_id"), F.col("feed")),
        "两个登记主体使用同一统一社会信用代码，名称和旧号均不同，请核实",
        "two subjects of the register have one unified code, and nothing else in common",
        "_withheld_uscc",
    )
    return _asked(twins, question)


def _pair(ctx: Any) -> Column:
    """Registrar and type in the code against the type in the register."""
    allowed: dict[str, str] = {}
    for r in ctx.catalogue.codelists["org_type"].rows:
        allowed[r.code] = r.extra["registrars"]
    known = [r.code for r in ctx.catalogue.codelists["uscc_type"].rows]
    pairs = F.create_map(*[F.lit(x) for item in allowed.items() for x in item])
    pair = F.substring("uscc", 1, 2)
    fits = F.array_contains(F.split(pairs[F.col("org_type")], " "), pair)
    odd = F.col("uscc").isNotNull() & (
        ~pair.isin(known) | (F.col("org_type").isNotNull() & ~F.coalesce(fits, F.lit(True)))
    )
    question = _said(
        "org_type",
        (pair, F.lit("uscc")),
        "信用代码中的登记管理部门和机构类别未知，或与登记类型不符，请核实",
        "registrar and type in the unified code are unknown or do not fit the registered type",
    )
    return F.when(odd, question)


def _name_county(ctx: Any) -> Column:
    """The county with which the name begins against the county of registration."""
    heads: dict[str, str] = {}
    for code, name in ctx.catalogue.city.counties.items():
        heads[name] = code
        if len(name) > 2:
            heads[name[:-1]] = code
    words = "|".join(sorted(heads, key=lambda h: (-len(h), h)))
    head = F.regexp_extract("name", f"^(?:山西省?)?(?:吕梁市?)?({words})", 1)
    said = F.create_map(*[F.lit(x) for item in heads.items() for x in item])[head]
    elsewhere = said != F.substring("county_code", 1, 6)
    # A branch bears the name of its firm, which is registered elsewhere.
    own = F.expr("is_legal_person OR substring(uscc, 1, 2) <> '91'")
    question = _said(
        "county_code",
        (said, F.lit("name")),
        "名称中的县（市、区）与登记区划不一致，请核实",
        "the county in the name is not the county of registration",
    )
    return F.when(elsewhere & own, question)


def _capital() -> Column:
    """An amount that is far too large, or ten thousand times another of the same organisation."""
    small = F.col("org_type").isin("9500", "9100", "4540")
    large = F.col("capital_yuan") >= F.when(small, DOUBTFUL_SMALL).otherwise(DOUBTFUL)
    jumped = F.expr(
        "exists(_capitals, o -> capital_yuan / o BETWEEN 9999 AND 10001 "
        "OR o / nullif(capital_yuan, 0) BETWEEN 9999 AND 10001)"
    )
    question = _said(
        "capital_yuan",
        (F.lit("万元/元"), F.lit("unit")),
        "注册资本的计量单位存疑（元误作万元？），请核实",
        "the unit of the capital is doubtful: yuan taken for ten thousand yuan?",
    )
    return F.when(large | jumped, question)


def _address(now: DataFrame) -> DataFrame:
    crowded = (
        now.where("address IS NOT NULL AND status IN ('存续', '停业', '清算')")
        .groupBy("address")
        .agg(F.count("*").alias("_n"), F.min("feed").alias("feed"))
        .where(f"_n > {SHARED_BY}")
        .withColumn("org_id", F.expr("concat('A', upper(substring(sha2(address, 256), 1, 20)))"))
    )
    question = _said(
        "address",
        (F.lit(f">{SHARED_BY}"), F.lit(TABLE)),
        f"同一地址登记了 {SHARED_BY} 个以上主体，请核实是否为集群注册",
        f"more than {SHARED_BY} organisations are registered at one address",
    )
    return _asked(crowded, question)


def _alive(sign: str) -> Column:
    """Signs of life in a month that began after the organisation was struck off, or rested."""
    gone, ended, zh, en, value, source = {
        "tax": (
            "status LIKE '注销%'",
            "coalesce(cancelled_on, state_from)",
            "已注销的主体仍有纳税申报，请核实",
            "declares sales after it was struck off",
            "申报",
            "base.org_tax",
        ),
        "power": (
            "status = '停业'",
            "state_from",
            "登记为停业的主体仍在用电，请核实",
            "uses electricity while it is registered as resting",
            "用电",
            "base.power_account",
        ),
    }[sign]
    odd = F.expr(f"{gone} AND _last_{sign} > {ended}")
    return F.when(odd, _said("status", (F.lit(value), F.lit(source)), zh, en))
