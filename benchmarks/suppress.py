"""Disclosure control alone: 40 × 13 × 12 cells with all margins. Prints JSON.

    .venv/bin/python benchmarks/suppress.py [--sizes 40 13 12] [--firms 4500] [--seed 4]

Made-up firms of uneven size in uneven industries and counties; a fifth to a third of the cells has
too few of them or one that dominates. Measured: the whole of `protect`, which decides, repairs and
proves (the exact interval of every suppressed cell). Aim: at most 10 s on 2 cores.
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import product

import numpy as np
import pyarrow as pa

from onesource.contracts.disclosure import DisclosureRule
from onesource.publish.disclosure import protect

NAMES = ("industry", "county", "month")


def tables(sizes: list[int], firms: int, seed: int) -> tuple[pa.Table, pa.Table, DisclosureRule]:
    """Cells with every margin, the contributions, and the rule."""
    draw = np.random.default_rng(seed)
    places = [
        draw.choice(n, firms, p=w / w.sum())
        for n, w in ((n, draw.uniform(0.3, 1.0, n)) for n in sizes[:2])
    ]
    scale = draw.lognormal(3.0, 0.8, firms)
    rows, total = [], np.zeros([n + 1 for n in sizes])
    for month in range(sizes[2]):
        active = np.flatnonzero(draw.uniform(size=firms) < 0.9)
        for firm in active.tolist():
            value = float(round(scale[firm] * draw.uniform(0.7, 1.3), 2))
            cell = (int(places[0][firm]), int(places[1][firm]), month)
            rows.append((*cell, firm, value))
            for at in product(*((c, n) for c, n in zip(cell, sizes, strict=True))):
                total[at] += value
    data = list(zip(*rows, strict=True))
    contributions = pa.table(
        {n: [f"{n}{i:03}" for i in data[k]] for k, n in enumerate(NAMES)}
        | {"firm": [f"F{i}" for i in data[3]], "output_t": data[4]}
    )
    grid = list(np.ndindex(*total.shape))
    cells = pa.table(
        {
            n: ["all" if at[k] == sizes[k] else f"{n}{at[k]:03}" for at in grid]
            for k, n in enumerate(NAMES)
        }
        | {"output_t": [float(total[at]) for at in grid]}
    )
    rule = DisclosureRule.model_validate(
        {
            "respondents": "enterprises",
            "dimensions": [{"column": n, "total": "all"} for n in NAMES],
            "values": ["output_t"],
            "contributions": {"source": "curated.energy_bench", "contributor": "firm"},
        }
    )
    return cells, contributions, rule


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs=3, default=[40, 13, 12])
    parser.add_argument("--firms", type=int, default=4500)
    parser.add_argument("--seed", type=int, default=4)
    options = parser.parse_args()
    cells, contributions, rule = tables(options.sizes, options.firms, options.seed)
    start, start_cpu = time.perf_counter(), time.process_time()
    done = protect(cells, contributions, rule)
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    proof = done.proof["tables"]["table"]
    print(
        json.dumps(
            {
                "benchmark": "suppress",
                "sizes": options.sizes,
                "contributions": contributions.num_rows,
                "seconds": round(seconds, 2),
                "cpu_seconds": round(cpu, 2),
                "aim_seconds": 10,
                **{k: proof[k] for k in ("cells", "suppressed", "primary", "complementary")},
                "narrowest": proof["measures"]["output_t"]["narrowest"],
            },
            ensure_ascii=False,
        )
    )


if __name__ == "__main__":
    main()
