"""What goes in and out of disclosure control, and the error that stops a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from onesource.contracts.disclosure import DisclosureRule
from onesource.errors import OneSourceError

# SDMX code list CL_CONF_STATUS: free, confidential statistical information. Which of the
# suppressed cells are primary is never shown: it would say that they are below the threshold.
SHOWN = "F"
CONFIDENTIAL = "C"


class DisclosureRefused(OneSourceError):
    """The table cannot be shown safely, or its rule cannot be evaluated: the dataset stops."""


@dataclass(frozen=True)
class Earlier:
    """The table as an earlier release showed it, with the contributions of then where kept.

    Without them a cell whose figure has changed is taken to differ by one contributor unless the
    shown counts say otherwise.
    """

    release: str
    cells: pa.Table
    contributions: pa.Table | None = None


@dataclass(frozen=True)
class Linked:
    """Another table of the same release that shows sums of the same figures.

    It is protected together with the table; with `published` it stands as it is (nulls are its
    suppressed cells) and only what a reader learns from it counts. `previous` are its earlier
    releases, newest first.
    """

    name: str
    cells: pa.Table
    contributions: pa.Table | None
    rule: DisclosureRule
    published: bool = False
    previous: Sequence[Earlier] = ()


@dataclass(frozen=True)
class Protected:
    """The table as it may be shown, the proof (for JSON), and the linked tables by name.

    The proof holds only what a reader of the release can compute: intervals, never a distance to
    the true value, which would give the value away.
    """

    table: pa.Table
    proof: dict[str, Any]
    linked: Mapping[str, pa.Table] = field(default_factory=dict)
