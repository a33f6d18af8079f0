"""Finality and throughput over virtual time, in slices, for sparklines. All integers."""

from __future__ import annotations

from collections import deque
from typing import Final

from chainsim.measures import percentile

SLICE_US: Final = 1_000_000
SLICES_KEPT: Final = 240
RECENT: Final = 10
"""Slices that "now" means."""


class Slice:
    """What happened in one slice of virtual time."""

    __slots__ = ("blocks", "latencies_us", "number", "transactions")

    def __init__(self, number: int) -> None:
        self.number: Final = number
        self.blocks = 0
        self.transactions = 0
        """Executed."""
        self.latencies_us: list[int] = []
        """Of what became final."""


class Pulse:
    """Counts as the run goes on."""

    def __init__(self) -> None:
        self.submitted = 0
        self.finals = 0
        self.slices: Final[deque[Slice]] = deque(maxlen=SLICES_KEPT)

    def _slice(self, at_us: int) -> Slice:
        number = at_us // SLICE_US
        if not self.slices or self.slices[-1].number != number:
            self.slices.append(Slice(number))
        return self.slices[-1]

    def block(self, at_us: int, transactions: int) -> None:
        """A block was executed for the first time."""
        now = self._slice(at_us)
        now.blocks += 1
        now.transactions += transactions

    def final(self, at_us: int, latency_us: int) -> None:
        """A client holds enough equal replies."""
        self.finals += 1
        self._slice(at_us).latencies_us.append(latency_us)

    def throughput(self, now_us: int, count: int) -> list[int]:
        """Transactions executed in each of the last ``count`` slices, the latest last."""
        return [0 if s is None else s.transactions for s in self._last(now_us, count)]

    def percentiles(self, now_us: int, count: int, percent: int) -> list[int | None]:
        """A percentile of finality in each of the last slices; None where nothing became final."""
        return [
            percentile(sorted(s.latencies_us), percent)
            if s is not None and s.latencies_us
            else None
            for s in self._last(now_us, count)
        ]

    def recent(self, now_us: int) -> tuple[int | None, int | None, int]:
        """(p50, p99 of finality, transactions executed) of the last ``RECENT`` slices."""
        last = [s for s in self._last(now_us, RECENT) if s is not None]
        latencies = sorted(value for s in last for value in s.latencies_us)
        transactions = sum(s.transactions for s in last)
        if not latencies:
            return None, None, transactions
        return percentile(latencies, 50), percentile(latencies, 99), transactions

    def _last(self, now_us: int, count: int) -> list[Slice | None]:
        latest = now_us // SLICE_US
        known = {s.number: s for s in self.slices}
        return [known.get(number) for number in range(latest - count + 1, latest + 1)]
