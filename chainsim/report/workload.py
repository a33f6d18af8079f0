"""What a run carried: traffic, finality and CPU work, over time and in all. All integers."""

from __future__ import annotations

from collections import Counter
from typing import Final

from chainsim import trace
from chainsim.trace import MessageMoved, Record, Submitted, Worked

BINS: Final = 240
"""Pieces of time that a run is cut into."""

MOST_SLICES: Final = 300_000
"""Pieces of CPU work that a trace for Perfetto holds: what a browser opens at ease."""


class Workload:
    """Listens to traffic, requests and CPUs."""

    subscribes: Final = (Submitted, trace.Final)

    def __init__(self, span_us: int, costs_us: tuple[int, int, int]) -> None:
        """``span_us``: how long the run will be; ``costs_us``: of a signature, a verification and
        a transaction, by which work is divided."""
        self.bin_us: Final = max(1, -(-span_us // BINS))
        self.bins: Final = max(1, -(-span_us // self.bin_us))
        self._costs = costs_us
        self.sent: dict[str, list[int]] = {}
        """Type -> messages sent in each piece of time."""
        self.sent_bytes: Counter[str] = Counter()
        self.lost: Counter[tuple[str, str]] = Counter()
        """(type, cause) -> messages that never arrived."""
        self.submitted = [0] * self.bins
        self.final = [0] * self.bins
        self.finality: list[tuple[int, int, bool]] = []
        """(when final, how long it took, whether it succeeded), in order."""
        self.busy: dict[str, list[int]] = {}
        """Node -> microseconds of work begun in each piece of time."""
        self.slices: list[Worked] = []
        """Each piece of CPU work, if ``keeps_slices``; at most ``MOST_SLICES``."""
        self.keeps_slices = False
        self.work: dict[str, list[int]] = {}
        """Node -> microseconds of signing, verifying and executing."""

    def on_record(self, record: Record) -> None:
        """Takes a request's first send or its finality."""
        if isinstance(record, Submitted):
            self.submitted[self._bin(record.at_us)] += 1
        else:
            assert isinstance(record, trace.Final)
            self.final[self._bin(record.at_us)] += 1
            self.finality.append((record.at_us, record.latency_us, record.code == "OK"))

    def on_message(self, record: MessageMoved) -> None:
        """Takes a movement of a message."""
        if record.what == "sent":
            bins = self.sent.get(record.type)
            if bins is None:
                bins = self.sent[record.type] = [0] * self.bins
            bins[self._bin(record.at_us)] += 1
            self.sent_bytes[record.type] += record.size
        elif record.what == "dropped":
            self.lost[record.type, record.cause] += 1

    def on_work(self, record: Worked) -> None:
        """Takes what a CPU was given to do."""
        if self.keeps_slices and len(self.slices) < MOST_SLICES:
            self.slices.append(record)
        work = self.work.get(record.node)
        if work is None:
            work = self.work[record.node] = [0, 0, 0]
            self.busy[record.node] = [0] * self.bins
        self.busy[record.node][self._bin(record.at_us)] += record.busy_us
        counts = (record.signatures, record.verifications, record.transactions)
        shares = [count * cost for count, cost in zip(counts, self._costs, strict=True)]
        whole = sum(shares) or 1
        # A slow CPU takes longer over the same work: what it took is divided alike.
        for kind, share in enumerate(shares):
            work[kind] += record.busy_us * share // whole

    def _bin(self, at_us: int) -> int:
        return min(at_us // self.bin_us, self.bins - 1)
