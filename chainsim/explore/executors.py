"""Where chunks run: in this process, in processes beside it, on a cluster; once or twice.

A sweep takes any ``concurrent.futures.Executor``; these are those that the command line offers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from typing import Any, Final

from chainsim.explore.cluster import PREFIX, NoCluster, dask_executor
from chainsim.explore.runner import deaf, executor_for
from chainsim.explore.twice import Twice

LOCAL: Final = "local"
HASH_SEEDS: Final = ("1", "2")
"""For processes that run seeds a second time: the one that this process doesn't have."""


class Processes(ProcessPoolExecutor):
    """Fresh processes under a PYTHONHASHSEED of their own."""

    def __init__(self, count: int, hash_seed: str) -> None:
        super().__init__(count, mp_context=get_context("spawn"), initializer=deaf)
        self._hash_seed: Final = hash_seed

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Processes are started from here, as they are needed."""
        before = os.environ.get("PYTHONHASHSEED")
        os.environ["PYTHONHASHSEED"] = self._hash_seed
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            if before is None:
                del os.environ["PYTHONHASHSEED"]
            else:
                os.environ["PYTHONHASHSEED"] = before


@contextmanager
def opened(where: str, jobs: int, *, twice: bool = False) -> Iterator[tuple[Executor, int]]:
    """The executor that ``--executor`` names (``local`` or ``dask:ADDRESS``), and how many chunks
    it runs at once. ``twice``: it runs each a second time, elsewhere, and compares.

    Raises ``NoCluster``.
    """
    with ExitStack() as stack:
        if where.startswith(PREFIX):
            executor, room = stack.enter_context(dask_executor(where[len(PREFIX) :]))
            yield (Twice(executor, executor) if twice else executor), room
            return
        if where != LOCAL:
            raise NoCluster(f'wanted {LOCAL} or {PREFIX}ADDRESS, got "{where}"')
        if not twice:
            yield stack.enter_context(executor_for(jobs)), jobs
            return
        mine = os.environ.get("PYTHONHASHSEED")
        other = next(seed for seed in HASH_SEEDS if seed != mine)
        first = stack.enter_context(executor_for(jobs))
        second = stack.enter_context(Processes(jobs, other))
        yield Twice(first, second), jobs
