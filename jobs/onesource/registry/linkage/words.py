"""The words of text fields, each with a weight: what is rare in the lists says much.

A word is a run of letters and digits; of Chinese characters, every two neighbours. Its weight is
the square of its inverse document frequency over both tables, so that the sum over the words that
two texts share, divided by both lengths, is their cosine.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import pyarrow as pa

from onesource.registry.linkage.names import HAS_PINYIN, pinyin, variant_sql
from onesource.registry.linkage.spec import Spec

if TYPE_CHECKING:
    import duckdb

_SOUNDS = pa.schema([pa.field("name", pa.string()), pa.field("sound", pa.string())])
_HAN = r"\p{Han}"


def words_sql(column: str) -> str:
    """The list of different words of a folded text."""
    latin = f"regexp_extract_all({column}, '[^\\s{_HAN}]+')"
    han = f"regexp_replace({column}, '[^{_HAN}]', '', 'g')"
    pairs = f"list_transform(range(1, length({han})), lambda i: substr({han}, i, 2))"
    single = f"CASE WHEN length({han}) = 1 THEN [{han}] ELSE [] END"
    return f"list_distinct(list_concat({latin}, {pairs}, {single}))"


def grams_sql(column: str) -> str:
    """The different pieces of three characters, blanks left out; a short text is one piece."""
    tight = f"replace({column}, ' ', '')"
    return (
        f"list_distinct(list_transform(range(1, greatest(length({tight}) - 1, 2)), "
        f"lambda i: substr({tight}, i, 3)))"
    )


def add_words(con: duckdb.DuckDBPyConnection, fields: Collection[str]) -> None:
    """Adds to `records`, for each text field f, `f__w` (words), `f__t` (words with weights), `f__n`
    (length) and `f__g` (pieces). A text is taken apart once, however many rows have it."""
    for f in fields:
        con.execute(
            f"CREATE OR REPLACE TABLE word_list AS SELECT text, rows, {words_sql('text')} AS w, "
            f"{grams_sql('text')} AS g FROM (SELECT {f} AS text, count(*) AS rows FROM records "
            f"WHERE {f} IS NOT NULL GROUP BY {f})"
        )
        con.execute(
            "CREATE OR REPLACE TABLE word_weight AS SELECT word, pow(ln(1 + (SELECT sum(rows) FROM "
            "word_list) / sum(rows)), 2) AS weight FROM (SELECT unnest(w) AS word, rows FROM "
            "word_list) GROUP BY word"
        )
        con.execute(
            "CREATE OR REPLACE TABLE word_sum AS SELECT text, list({'t': word, 'w': weight} ORDER "
            "BY word) AS t, sqrt(sum(weight ORDER BY word)) AS n FROM (SELECT text, unnest(w) AS "
            "word FROM word_list) JOIN word_weight USING (word) GROUP BY text"
        )
        con.execute(
            f"CREATE OR REPLACE TABLE records AS SELECT r.*, w.w AS {f}__w, s.t AS {f}__t, "
            f"s.n AS {f}__n, w.g AS {f}__g FROM records r LEFT JOIN word_list w ON w.text = r.{f} "
            f"LEFT JOIN word_sum s ON s.text = r.{f} ORDER BY rid"
        )
    for table in ("word_list", "word_weight", "word_sum"):
        con.execute(f"DROP TABLE IF EXISTS {table}")


def add_names(con: duckdb.DuckDBPyConnection, fields: Collection[str]) -> None:
    """Adds to `records`, for each Chinese name f, `f__v` (without variants) and, where a library
    knows how names sound, `f__p`."""
    for f in fields:
        con.execute(
            f"CREATE OR REPLACE TABLE records AS SELECT *, {variant_sql(f)} AS {f}__v FROM records "
            "ORDER BY rid"
        )
        if not HAS_PINYIN:
            continue
        names = [n for (n,) in con.execute(f"SELECT DISTINCT {f}__v FROM records").fetchall() if n]
        sounds = {"name": names, "sound": [pinyin(n) for n in names]}
        con.register("sounds", pa.table(sounds, schema=_SOUNDS))
        con.execute(
            f"CREATE OR REPLACE TABLE records AS SELECT r.*, sound AS {f}__p FROM records r "
            f"LEFT JOIN sounds s ON s.name = r.{f}__v ORDER BY rid"
        )
        con.unregister("sounds")


def add_derived(con: duckdb.DuckDBPyConnection, spec: Spec) -> None:
    """Everything that the comparisons and the blocking of a spec need beside the values."""
    add_names(con, [c.fields[0] for c in spec.comparisons if c.kind == "chinese_name"])
    texts = [c.fields[0] for c in spec.comparisons if c.kind == "text"]
    add_words(con, dict.fromkeys(texts))
