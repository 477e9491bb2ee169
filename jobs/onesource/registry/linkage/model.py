"""The frozen model: m and u as a file of the release, checked against the levels when loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from onesource import digests
from onesource.errors import ContractError
from onesource.registry.linkage.levels import Comparison
from onesource.registry.linkage.training import Floats, Model

FORMAT = 1


@dataclass(frozen=True)
class FrozenModel:
    """m and u by comparison (levels from alike to `differs`), the share of rows that are expected
    to have their like, the score from which a pair links, and the digest of all of it."""

    levels: Mapping[str, Sequence[tuple[str, float, float]]]
    share: float
    threshold: float
    trained: Mapping[str, Any]
    digest: str

    def model(self, comparisons: Sequence[Comparison], reference_rows: int) -> Model:
        """For these comparisons, against so many rows. Raises ContractError where a level of one
        is not in the file: the file is of another release."""
        m, u = [], []
        for c in comparisons:
            given = self.levels.get(c.name, ())
            if [g[0] for g in given] != [lv.label for lv in c.levels]:
                raise ContractError(
                    f"the linkage model does not fit: {c.name} has other levels",
                    todo="train it again (benchmarks/link.py --train)",
                )
            m.append(_levels([g[1] for g in given]))
            u.append(_levels([g[2] for g in given]))
        prior = self.share / max(reference_rows, 2)
        return Model(tuple(m), tuple(u), prior, int(self.trained.get("pairs", 0)))


def _levels(values: Sequence[float]) -> Floats:
    return np.array(values[::-1], float)


def load_model(path: Path) -> FrozenModel:
    """Reads schemas/linkage/person.json. Raises ContractError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        levels = {
            name: [(lv["label"], float(lv["m"]), float(lv["u"])) for lv in given]
            for name, given in content["comparisons"].items()
        }
        found = FrozenModel(
            levels,
            float(content["share"]),
            float(content["threshold"]),
            content["trained"],
            digests.of_json(content),
        )
        if content["format"] != FORMAT:
            raise ContractError("is a linkage model of another format", where=str(path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
        raise ContractError(
            "is no linkage model", where=str(path), why=f"{type(e).__name__}: {e}"
        ) from e
    for name, given in levels.items():
        if any(not 0 < p <= 1 for _, m, u in given for p in (m, u)):
            raise ContractError(f"{name}: m and u lie above 0 and at most at 1", where=str(path))
    return found


def as_json(
    comparisons: Sequence[Comparison], model: Model, share: float, threshold: float, trained: Any
) -> str:
    """The text of a model file; the same model gives the same text."""
    content = {
        "format": FORMAT,
        "trained": trained,
        "share": share,
        "threshold": threshold,
        "comparisons": {
            c.name: [
                {
                    "label": lv.label,
                    "m": float(f"{m:.4g}"),
                    "u": float(f"{u:.4g}"),
                }
                for lv, m, u in zip(c.levels, model.m[k][::-1], model.u[k][::-1], strict=True)
            ]
            for k, c in enumerate(comparisons)
        },
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
