"""The words of text fields, each with a weight: what is rare in the lists says much.

A word is a run of letters and digits; of Chinese characters, every two neighbours. Its weight is
the square of its inverse document frequency over both tables, so that the sum over the words that
two texts share, divided by both lengths, is their cosine.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from onesource.registry.linkage.names import HAS_PINYIN, pinyin, variant_sql
from onesource.registry.linkage.spec import Spec

if TYPE_CHECKING:
    import duckdb

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
    (length) and `f__g` (pieces)."""
    for f in fields:
        con.execute(
            f"CREATE OR REPLACE TABLE word_list AS SELECT rid, {words_sql(f)} AS w, "
            f"{grams_sql(f)} AS g FROM records WHERE {f} IS NOT NULL"
        )
        con.execute(
            "CREATE OR REPLACE TABLE word_weight AS SELECT word, pow(ln(1 + (SELECT count(*) FROM "
            "word_list) / count(*)), 2) AS weight FROM (SELECT unnest(w) AS word FROM word_list) "
            "GROUP BY word"
        )
        con.execute(
            "CREATE OR REPLACE TABLE word_sum AS SELECT rid, list({'t': word, 'w': weight} ORDER "
            "BY word) AS t, sqrt(sum(weight ORDER BY word)) AS n FROM (SELECT rid, unnest(w) AS "
            "word FROM word_list) JOIN word_weight USING (word) GROUP BY rid"
        )
        con.execute(
            f"CREATE OR REPLACE TABLE records AS SELECT r.*, w.w AS {f}__w, s.t AS {f}__t, "
            f"s.n AS {f}__n, w.g AS {f}__g FROM records r LEFT JOIN word_list w USING (rid) "
            "LEFT JOIN word_sum s USING (rid) ORDER BY rid"
        )
    for table in ("word_list", "word_weight", "word_sum"):
        con.execute(f"DROP TABLE IF EXISTS {table}")


def add_names(con: duckdb.DuckDBPyConnection, fields: Collection[str]) -> None:
    """Adds to `records`, for each Chinese name f, `f__v` (without variants) and, where a library
    knows how names sound, `f__p`."""
    for f in fields:
        con.execute(f"ALTER TABLE records ADD COLUMN {f}__v VARCHAR")
        con.execute(f"UPDATE records SET {f}__v = {variant_sql(f)}")
        if not HAS_PINYIN:
            continue
        con.execute(f"ALTER TABLE records ADD COLUMN {f}__p VARCHAR")
        names = [n for (n,) in con.execute(f"SELECT DISTINCT {f}__v FROM records").fetchall() if n]
        con.execute("CREATE OR REPLACE TEMP TABLE sounds (name VARCHAR, sound VARCHAR)")
        if names:
            con.executemany("INSERT INTO sounds VALUES (?, ?)", [[n, pinyin(n)] for n in names])
        con.execute(f"UPDATE records SET {f}__p = sound FROM sounds WHERE {f}__v = name")


def add_derived(con: duckdb.DuckDBPyConnection, spec: Spec) -> None:
    """Everything that the comparisons and the blocking of a spec need beside the values."""
    texts = [c.fields[0] for c in spec.comparisons if c.kind == "text"]
    add_words(con, dict.fromkeys(texts))
    add_names(con, [c.fields[0] for c in spec.comparisons if c.kind == "chinese_name"])
