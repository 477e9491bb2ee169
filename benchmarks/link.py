"""The linker: rows without a sound number against the population. Prints JSON.

    .venv/bin/python benchmarks/link.py [--rows 50000] [--persons 3400000]
    .venv/bin/python benchmarks/link.py --train schemas/linkage/person.json

Aim: 50,000 rows against 3.4 million persons in at most 2 minutes and 4 GB. All persons are made
up. `--train` writes the frozen model: m from made-up rows of which the person is known, u from
random pairs. Precision and recall are those against the made-up truth.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
from made_up_persons import persons, rows_about

from onesource.cli.standardise import context_of
from onesource.config import Settings
from onesource.lake import reader
from onesource.registry.linkage.levels import MACROS, comparison
from onesource.registry.linkage.model import as_json, load_model
from onesource.registry.linkage.persons import (
    MODEL_FILE,
    SPEC,
    build_person_records,
    link_unnumbered,
)
from onesource.registry.linkage.training import (
    Model,
    fixed,
    patterns,
    random_pairs,
    share_of,
    u_of,
)
from onesource.registry.linkage.words import add_derived

SEED = 20
TRAIN_PERSONS, TRAIN_ROWS = 300_000, 30_000
SHARE, THRESHOLD = 0.7, 0.99


def train(path: Path, settings: Settings) -> None:
    """Counts how often each level holds for rows and their persons, and for random pairs."""
    people = persons(TRAIN_PERSONS, SEED)
    rows, truth = rows_about(people, TRAIN_ROWS, SEED + 1, known=1.0)
    comparisons = [comparison(c) for c in SPEC.comparisons]
    begin = fixed(comparisons, 0.0)
    with reader.database() as con:
        for macro in MACROS:
            con.execute(macro)
        build_person_records(con, SPEC, rows, people, context_of(settings, "division"))
        add_derived(con, SPEC)
        con.execute("CREATE TABLE truth (row_id VARCHAR, person_id VARCHAR)")
        import pyarrow as pa

        con.register("t", pa.table({"r": rows.column("row_id"), "p": pa.array(truth)}))
        con.execute("INSERT INTO truth SELECT r, p FROM t")
        pairs = (
            "SELECT a.rid AS join_key_l, b.rid AS join_key_r FROM truth t JOIN ids a ON a.row_id "
            "= t.row_id JOIN ids b ON b.person_id = t.person_id"
        )
        gammas, counts = patterns(con, comparisons, pairs)
        m = []
        for k, start in enumerate(begin.m):
            seen = np.array([counts[gammas[:, k] == lv].sum() for lv in range(len(start))])
            m.append(share_of(seen, start, 20.0))
        random = patterns(con, comparisons, random_pairs(con, SEED, False))
        u = [u_of(random, k, begin.u[k]) for k in range(len(comparisons))]
    trained = {
        "on": "made-up persons and rows (benchmarks/made_up_persons.py): m from rows whose person "
        "is known, u from random pairs",
        "persons": TRAIN_PERSONS,
        "rows": TRAIN_ROWS,
        "seed": SEED,
        "pairs": int(counts.sum()),
        "synthetic": True,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        as_json(comparisons, Model(tuple(m), tuple(u), 0.0, 0), SHARE, THRESHOLD, trained),
        encoding="utf-8",
    )


def measure(n: int, people_n: int, settings: Settings) -> dict[str, Any]:
    people = persons(people_n)
    rows, truth = rows_about(people, n)
    model = load_model(settings.schemas / MODEL_FILE)
    context = context_of(settings, "division")
    said: list[str] = []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    clock = time.perf_counter()
    found = link_unnumbered(rows, people, model=model, context=context, say=said.append)
    seconds = time.perf_counter() - clock
    of_row = dict(zip(rows.column("row_id").to_pylist(), truth, strict=True))
    answers = found.to_pylist()
    links = [a for a in answers if a["decision"] == "link"]
    right = sum(of_row[a["row_id"]] == a["person_id"] for a in links)
    known = sum(t is not None for t in truth)
    shown = {a["row_id"] for a in answers if of_row[a["row_id"]] == a["person_id"]}
    return {
        "rows": n,
        "persons": people_n,
        "seconds": round(seconds, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "peak_mb_before": before,
        "links": len(links),
        "precision": round(right / max(len(links), 1), 5),
        "recall": round(right / max(known, 1), 4),
        "recall_with_candidates": round(len(shown) / max(known, 1), 4),
        "candidates": len(answers) - len(links),
        "said": said,
        "by_rule": {
            r: sum(a["rule"] == r for a in answers) for r in sorted({a["rule"] for a in answers})
        },
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=50_000)
    options.add_argument("--persons", type=int, default=3_400_000)
    options.add_argument("--train", type=Path)
    args = options.parse_args()
    settings = Settings.from_environment()
    if args.train:
        train(args.train, settings)
        return
    print(json.dumps(measure(args.rows, args.persons, settings), indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
