"""Large work in processes of its own, as many as there are cores; small work in this one.

Writing workbooks and searching files for leaks is Python that holds the interpreter's lock, so that
threads gain nothing. A new process costs a second or two: the steps of a release share them.
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


class Processes:
    """Processes that begin with the first large work, and end with the `with` block.

    workers: how many; None: one a core.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def each(self, work: Callable[[T], R], items: Sequence[T], *, is_large: bool) -> Iterator[R]:
        """`work` of every item, in their order. `work` and what it takes and gives can be pickled.

        is_large: whether it is worth processes. Raises what `work` raises. When a process is killed
        (out of memory), the rest is done in this one.
        """
        done = 0
        if is_large and min(self._workers, len(items)) > 1:
            try:
                for result in self._started().map(work, items):
                    yield result
                    done += 1
            except BrokenProcessPool:
                _LOG.warning("a process ended before its work; the rest is done in one process")
                self.__exit__()
        yield from map(work, items[done:])

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Spawned, not forked: this process may have threads of Spark's gateway and of Arrow.
            self._pool = ProcessPoolExecutor(self._workers, mp_context=get_context("spawn"))
        return self._pool
