"""What is measured of a run, from its trace records alone (law 4). All integers.

One instance per run; it is a listener like the checks. What was submitted and became final,
how long that took and where the time went, view changes, faults as they acted, and proofs of
misbehaviour.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Final

import msgspec

from chainsim import trace
from chainsim.run_summary import FaultLine, Finality, Transactions
from chainsim.trace import (
    Accused,
    Executed,
    FaultChanged,
    Reached,
    Recorder,
    Signed,
    Submitted,
)
from consensus.misbehaviour import Misbehaviour
from consensus.types import Digest

STAGES: Final = ("wait and propose", "prepare", "commit and execute", "reply")
"""The steps of an ordered transaction, from a client's first send to f+1 equal replies."""


class Measures:
    """Listens to one run."""

    def __init__(self, honest: Collection[str] | None = None) -> None:
        """``honest``: those whose accusations count; None: everybody's."""
        self._honest = honest
        self.views: set[int] = set()
        """Views above 0 that some validator entered."""
        self.codes: Counter[str] = Counter()
        self.latencies_us: list[int] = []
        self.evidence: dict[tuple[str, str], Misbehaviour | None] = {}
        """The first proof by (culprit, kind), in order of time."""
        self._submitted: dict[tuple[str, int], tuple[int, Digest]] = {}
        self._final_at: dict[tuple[str, int], int] = {}
        self._proposed: dict[Digest, int] = {}
        self._prepared: dict[Digest, int] = {}
        self._executed: dict[Digest, int] = {}
        self._batch_of: dict[Digest, Digest] = {}
        self._faults: dict[int, list[FaultLine]] = {}

    def listen(self, recorder: Recorder) -> None:
        """Has ``recorder`` tell all that is measured."""
        recorder.subscribe(Signed, self._on_signed)
        recorder.subscribe(Reached, self._on_reached)
        recorder.subscribe(Executed, self._on_executed)
        recorder.subscribe(Submitted, self._on_submitted)
        recorder.subscribe(trace.Final, self._on_final)
        recorder.subscribe(FaultChanged, self._on_fault)
        recorder.subscribe(Accused, self._on_accused)

    def _on_signed(self, record: Signed) -> None:
        if record.type == "pre-prepare":
            self._proposed.setdefault(record.digest, record.at_us)

    def _on_submitted(self, record: Submitted) -> None:
        self._submitted[record.node, record.number] = (record.at_us, record.digest)

    def _on_final(self, record: trace.Final) -> None:
        self._final_at[record.node, record.number] = record.at_us
        self.codes[record.code] += 1
        self.latencies_us.append(record.latency_us)

    def _on_accused(self, record: Accused) -> None:
        if self._honest is None or record.node in self._honest:
            self.evidence.setdefault((record.culprit, record.kind), record.evidence)

    def _on_reached(self, record: Reached) -> None:
        if record.event == "prepared":
            self._prepared.setdefault(record.digest, record.at_us)
        elif record.event == "new-view-entered" and record.view > 0:
            self.views.add(record.view)

    def _on_executed(self, record: Executed) -> None:
        if record.batch_digest in self._executed:
            return
        self._executed[record.batch_digest] = record.at_us
        if record.block is not None:
            for request in record.block.batch.requests:
                self._batch_of.setdefault(request.digest, record.batch_digest)

    def _on_fault(self, record: FaultChanged) -> None:
        acts = self._faults.setdefault(record.index, [])
        if record.active:
            acts.append(
                FaultLine(
                    kind=record.kind, nodes=record.nodes, from_us=record.at_us, index=record.index
                )
            )
        elif acts and acts[-1].until_us is None:
            acts.append(msgspec.structs.replace(acts.pop(), until_us=record.at_us))

    @property
    def view_changes(self) -> int:
        """How many new views were entered by at least one validator."""
        return len(self.views)

    @property
    def transactions(self) -> Transactions:
        """Submitted and final so far, by code."""
        final = self.codes.total()
        return Transactions(
            submitted=len(self._submitted),
            final=final,
            failed=final - self.codes["OK"],
            by_code=dict(sorted(self.codes.items())),
        )

    @property
    def spans(self) -> list[tuple[int, int | None]]:
        """When each transaction was submitted and when it was final, in order of submission."""
        return [(sent_us, self._final_at.get(key)) for key, (sent_us, _) in self._submitted.items()]

    def span_of(self, client: str, number: int) -> tuple[int, int | None] | None:
        """When a client's request was submitted, and when it was final; None: never submitted."""
        sent = self._submitted.get((client, number))
        return None if sent is None else (sent[0], self._final_at.get((client, number)))

    @property
    def finality(self) -> Finality:
        """Percentiles of what became final."""
        ordered = sorted(self.latencies_us)
        if not ordered:
            return Finality()
        return Finality(p50=percentile(ordered, 50), p99=percentile(ordered, 99), max=ordered[-1])

    @property
    def faults(self) -> tuple[FaultLine, ...]:
        """As they acted, by their beginning."""
        lines = [line for acts in self._faults.values() for line in acts]
        return tuple(sorted(lines, key=lambda line: line.from_us))

    def stages_us(self) -> dict[str, int]:
        """The median of each of ``STAGES``; empty if nothing was followed from end to end.

        Times are those of the first node to get there.
        """
        spans: list[list[int]] = [[] for _ in STAGES]
        steps = (self._proposed, self._prepared, self._executed)
        for key, (sent_us, request) in self._submitted.items():
            batch = self._batch_of.get(request)
            if batch is None or key not in self._final_at:
                continue
            times = [sent_us, *(step.get(batch, -1) for step in steps), self._final_at[key]]
            # A batch that was proposed again in a later view goes back in time: left out.
            if times == sorted(times) and -1 not in times:
                for span, start, end in zip(spans, times, times[1:], strict=False):
                    span.append(end - start)
        if not spans[0]:
            return {}
        return {
            name: percentile(sorted(span), 50) for name, span in zip(STAGES, spans, strict=True)
        }


def percentile(ordered: Sequence[int], percent: int) -> int:
    """Nearest rank: the smallest value that at least ``percent`` % don't exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
