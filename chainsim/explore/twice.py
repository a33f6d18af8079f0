"""Runs every seed twice, in two places, and compares: whoever isn't deterministic is found out.

The second time the seeds of a chunk run in reverse, in another process and under another
PYTHONHASHSEED: what hangs on the order of a set, on what an earlier run left behind, on a clock or
on an address comes out differently.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, Final

import msgspec

from chainsim.explore.chunks import FAILURES_KEPT, Chunk, Job
from chainsim.explore.outcome import Found, Outcome

CHECK: Final = "determinism"
"""Named like a check: the same scenario, seed and version must give the same run (law 3)."""
DETAIL: Final = "run a second time, in another process, the seed gave another digest"


class Twice(Executor):
    """Hands each chunk to both executors; the result is the first one's, with a failure for each
    seed whose digest is another in the second."""

    def __init__(self, first: Executor, second: Executor) -> None:
        self._first: Final = first
        self._second: Final = second

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """``fn`` is ``run_chunk``."""
        job, *rest = args
        assert isinstance(job, Job)
        once = msgspec.structs.replace(job, digests=True)
        again = msgspec.structs.replace(once, backwards=True, stop_on_failure=False)
        # The second is first to be handed out: the first may be this very process.
        second = self._second.submit(fn, again, *rest, **kwargs)
        return _Both(self._first.submit(fn, once, *rest, **kwargs), second)


class _Both(Future[Any]):
    """Done when two chunks are."""

    def __init__(self, first: Future[Chunk], second: Future[Chunk]) -> None:
        super().__init__()
        self._pair: Final = (first, second)
        self._left = 2
        for future in self._pair:
            future.add_done_callback(self._one_is_done)

    def cancel(self) -> bool:
        """Of what begun neither can be stopped."""
        first, second = self._pair
        if not second.cancel():
            return False
        done = super().cancel()  # first, so that nobody waits for the pair any more
        first.cancel()
        return done

    def _one_is_done(self, _future: Future[Chunk]) -> None:
        with self._condition:
            self._left -= 1
            if self._left:
                return
        if self.cancelled():
            return
        try:
            first, second = (future.result() for future in self._pair)
        except BaseException as error:
            self.set_exception(error)
        else:
            self.set_result(compared(first, second))


def compared(first: Chunk, second: Chunk) -> Chunk:
    """The first chunk, with the seeds that came out differently among its failures."""
    pairs = zip(first.digests, second.digests, strict=False)
    odd = [seed for seed, (one, other) in enumerate(pairs, first.first) if one != other]
    if not odd:
        return first
    failing = sorted({*first.failing, *odd})
    known = {outcome.seed: outcome for outcome in first.outcomes}
    outcomes = [_odd(seed) if seed in odd else known.get(seed) for seed in failing]
    kept = tuple(outcome for outcome in outcomes if outcome is not None)[:FAILURES_KEPT]
    return msgspec.structs.replace(
        first, failing=tuple(failing), failures=len(failing), outcomes=kept
    )


def _odd(seed: int) -> Outcome:
    return Outcome(
        seed=seed,
        digest="",
        found=(Found(CHECK, "error", DETAIL),),
        kinds=(),
        validators=0,
        height=0,
        deliveries=0,
        coverage=(),
    )
