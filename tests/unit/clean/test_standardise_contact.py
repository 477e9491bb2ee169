"""Telephones, plates, organisations, free text, yes and no. All numbers are made up."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from tests.unit.clean.both_engines import Table, check_alike, check_without_a_jvm

TABLES: list[Table] = [
    (
        "phone",
        {},
        [
            ("13912345671", "13912345671", "OK", "kind=mobile"),
            ("１３９１２３４５６７１", "13912345671", "OK", "fullwidth=1"),
            ("+86 139 1234 5671", "13912345671", "OK", "country=86"),
            ("8613912345671", "13912345671", "OK", "country=86"),
            ("013912345671", "13912345671", "OK", ""),
            ("13912345671.0", "13912345671", "OK", ""),
            ("13912345671\t", "13912345671", "OK", ""),
            ("手机:13912345671", "13912345671", "OK", ""),
            ("0358-8221234", "0358-8221234", "OK", "kind=landline"),
            ("(0358)8221234", "0358-8221234", "OK", ""),
            ("（0358）8221234", "0358-8221234", "OK", ""),
            ("0358 8221234", "0358-8221234", "OK", ""),
            ("03588221234", "0358-8221234", "OK", ""),
            ("+863588221234", "0358-8221234", "OK", "country=86"),
            ("0358-8221234-801", "0358-8221234", "OK", "extension=801"),
            ("0358-8221234转801", "0358-8221234", "OK", "extension=801"),
            ("010-62345678", "010-62345678", "OK", ""),
            ("0351 4567890", "0351-4567890", "OK", ""),
            ("8221234", None, "NO_AREA", ""),
            ("0358-82212345", None, "FMT", ""),  # seven digits behind 0358
            ("010-6234567", None, "FMT", ""),  # eight behind 010
            ("1391234567", None, "FMT", ""),
            ("12912345671", None, "FMT", ""),
            ("1.3912E+10", None, "FMT", "excel=scientific"),
            ("110", None, "NOT_PERSONAL", ""),
            ("12345", None, "NOT_PERSONAL", ""),
            ("95588", None, "NOT_PERSONAL", ""),
            ("10086", None, "NOT_PERSONAL", ""),
            ("400-800-1234", None, "NOT_PERSONAL", ""),
            ("13800000000", None, "SUSPECT", ""),
            ("13800138000", None, "SUSPECT", ""),
            ("0358-0000000", None, "SUSPECT", ""),
            ("00000000000", None, "SUSPECT", ""),
            ("13912345671、0358-8221234", None, "SPLIT", ""),
            ("13912345671 / 13812345672", None, "SPLIT", ""),
            ("13912345671 13812345672", None, "SPLIT", ""),
            ("13912345671 8221234", None, "SPLIT", ""),
            ("0358-12345", None, "NOT_PERSONAL", ""),
            ("不详", None, "EMPTY", ""),
            ("139****5671", None, "MASKED", ""),
            ("无", None, "EMPTY", ""),
            ("-", None, "EMPTY", ""),
            (None, None, "EMPTY", ""),
        ],
    ),
    (
        "phone",
        {"area": "0358"},
        [
            ("8221234", "0358-8221234", "OK", "area=given"),
            ("3588221234", "0358-8221234", "OK", ""),  # the zero lost in a spreadsheet
            ("82212345", None, "FMT", ""),
            ("0351-4567890", "0351-4567890", "OK", ""),
        ],
    ),
    (
        "plate",
        {},
        [
            ("晋J12345", "晋J12345", "OK", ""),
            ("晋J·12345", "晋J12345", "OK", ""),
            ("晋 j 12345", "晋J12345", "OK", ""),
            ("晋Ｊ１２３４５", "晋J12345", "OK", "fullwidth=1"),
            ("晋J12345_1", "晋J12345", "OK", "colour=1;colour_name=黄"),
            ("晋J12345_0", "晋J12345", "OK", "colour=0;colour_name=蓝"),
            ("晋J.12345_11", "晋J12345", "OK", "colour=11;colour_name=绿"),
            ("晋J12345_7", "晋J12345", "OK", "warning=colour_unknown"),
            ("晋J12345(黄)", "晋J12345", "OK", "colour=1"),
            ("晋J12345黄色", "晋J12345", "OK", "colour=1"),
            ("黄晋J12345", "晋J12345", "OK", "colour=1"),
            ("晋J—12345", "晋J12345", "OK", ""),
            ("晋J12345_", "晋J12345", "OK", ""),
            ("晋J12345[黄]", "晋J12345", "OK", "colour=1"),
            ("晋J12345【黄】", "晋J12345", "OK", "colour=1"),
            ("晋J12345/黄", "晋J12345", "OK", "colour=1"),
            ("晋JD12345", "晋JD12345", "OK", "new_energy=1"),
            ("晋J12345D", "晋J12345D", "OK", "new_energy=1"),
            ("晋J1234挂", "晋J1234挂", "OK", "kind=trailer"),
            ("晋J1234学", "晋J1234学", "OK", "kind=training"),
            ("粤ZF123港", "粤ZF123港", "OK", ""),
            ("晋JO1234", None, "FMT", ""),
            ("晋I12345", None, "FMT", ""),
            ("晋J1234", None, "FMT", ""),
            ("J12345", None, "FMT", "province=missing"),
            ("默A00000_9", None, "NOT_RECOGNISED", "colour=9"),
            ("无牌", None, "NOT_RECOGNISED", ""),
            ("晋J00000", None, "SUSPECT", ""),
            ("/", None, "EMPTY", ""),
        ],
    ),
    (
        "org_name",
        {},
        [
            (
                "吕梁市(离石区)煤业有限公司",
                "吕梁市（离石区）煤业有限公司",
                "OK",
                "brackets=widened",
            ),
            ("兴　县人民医院", "兴县人民医院", "OK", "spaces=1"),
            ("ＡＢＣ公司", "ABC公司", "OK", "fullwidth=1"),
            ("Apple Inc", "Apple Inc", "OK", ""),
            ("甲公司、乙公司", None, "SPLIT", ""),
            ("甲公司，乙公司", None, "SPLIT", ""),
            ("甲合作社/乙合作社", None, "SPLIT", ""),
            ("离石区信义镇、枣林乡人民政府", "离石区信义镇、枣林乡人民政府", "OK", ""),
            ("Apple Co., Ltd", "Apple Co., Ltd", "OK", ""),
            ("焦煤集团【分公司】", "焦煤集团（分公司）", "OK", ""),
            ("山西?公司", None, "LOST_CHARACTER", ""),
            ("测试单位", None, "SUSPECT", ""),
            ("12", None, "FMT", ""),
            ("无", None, "EMPTY", ""),
        ],
    ),
    (
        "text",
        {},
        [
            ("  a\u200bb\u3000", "ab", "OK", "cleaned=1"),
            ("第一行\r\n第二行", "第一行 第二行", "OK", ""),
            ("１２ ㎡ ①", "１２ ㎡ ①", "OK", ""),  # content stays
            ("a\x00b", "ab", "OK", "cleaned=1"),
            ("无", "无", "OK", ""),
            ("\u00a0\ufeff", None, "EMPTY", ""),
            ("", None, "EMPTY", ""),
            (None, None, "EMPTY", ""),
            ("长" * 1000, "长" * 1000, "OK", ""),
        ],
    ),
    (
        "boolean",
        {},
        [
            ("是", "true", "OK", ""),
            ("有", "true", "OK", ""),
            ("√", "true", "OK", ""),
            ("１", "true", "OK", ""),
            ("TRUE", "true", "OK", ""),
            ("否", "false", "OK", ""),
            ("无", "false", "OK", ""),
            ("×", "false", "OK", ""),
            ("N", "false", "OK", ""),
            ("0.0", "false", "OK", ""),
            ("—", None, "EMPTY", ""),
            ("不详", None, "EMPTY", ""),
            ("也许", None, "FMT", ""),
        ],
    ),
]


@pytest.mark.parametrize("table", TABLES, ids=lambda t: f"{t[0]} {dict(t[1])}")
def test_examples(table: Table) -> None:
    check_without_a_jvm(table)


def test_both_engines_answer_alike(spark: SparkSession) -> None:
    for name, args, examples in TABLES:
        check_alike(spark, name, [e[0] for e in examples], **args)
