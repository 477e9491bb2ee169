"""Large work in processes of its own, as many as there are cores; small work in this one.

Writing workbooks and searching files for leaks is Python that holds the interpreter's lock, so that
threads gain nothing. A new process costs a second or two.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
_LOG = logging.getLogger(__name__)


def in_processes(
    work: Callable[[T], R], items: Sequence[T], *, is_large: bool, workers: int | None = None
) -> Iterator[R]:
    """`work` of every item, in their order. `work` and what it takes and gives can be pickled.

    is_large: whether it is worth its own processes. Raises what `work` raises. When a process is
    killed (out of memory), the rest is done in this one.
    """
    count = min(workers or os.cpu_count() or 1, len(items))
    done = 0
    if is_large and count > 1:
        # Spawned, not forked: this process may have threads of Spark's gateway and of Arrow.
        with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
            try:
                for result in pool.map(work, items):
                    yield result
                    done += 1
            except BrokenProcessPool:
                _LOG.warning("a process ended before its work; the rest is done in one process")
    yield from map(work, items[done:])
