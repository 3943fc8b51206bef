"""Work on many columns shared among threads, for compiled loops that release the GIL.

Numba's own thread pools are avoided: the portable one ends the process when two Python threads
enter it at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise


def share(work: Callable[[int, int], None], count: int) -> None:
    """Call work(first, end) on ranges that partition 0..count, at once, and wait for all."""
    parts = min(_thread_count(), count)
    if parts <= 1:
        work(0, count)
        return
    bounds = [count * part // parts for part in range(parts + 1)]
    for done in [_pool().submit(work, first, end) for first, end in pairwise(bounds)]:
        done.result()


@cache
def _thread_count() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_thread_count(), thread_name_prefix="columns")
