"""What one event leads to comes before what executing leads to (rules 6 and 23).

The validator puts the effects of executing a batch where ``Deliver`` stands. A replica that gets
far in one event (it catches up, enters a view, moves its watermark) may compact its log in there:
what the event itself still wrote behind that would bring an older log back.
"""

from __future__ import annotations

from collections.abc import Iterable

from consensus.effects import Compute, Deliver, Effect
from consensus.events import Event
from consensus.messages import CertifiedBatch, signed
from consensus.records import StableRecord
from tests.unit.pbft.bench import CHAIN, Bench, Host

SECOND = 1_000_000


class Watched(Host):
    """Keeps what each event led to, and where its log's stable checkpoint stood after each."""

    def handle(self, event: Event) -> list[Effect]:
        effects = super().handle(event)
        self.led_to = [*getattr(self, "led_to", []), effects]
        return effects

    def _apply(self, effect: Effect) -> None:
        super()._apply(effect)
        stable = [r.certified.sequence for r in self.log if isinstance(r, StableRecord)]
        self.marks = [*getattr(self, "marks", []), *stable[-1:]]


class WatchedBench(Bench):
    host_type = Watched


def caught_up() -> Watched:
    """r3, which missed eight decisions and a view change, and gets them the last one first: the
    first one lets it execute all, and enter the view on the way, in one event."""
    bench = WatchedBench(4, checkpoint_interval=2, window=8, block_max_txs=1)
    bench.rule = lambda source, to, message: "r3" not in (source, to)
    decide(bench, (1, 2, 3, 4))
    bench.rule = lambda source, to, message: (
        "r3" not in (source, to) and (source, message.TYPE) != ("r0", "pre-prepare")
    )
    bench.submit(5, to="all")
    bench.run_for(3 * SECOND)
    decide(bench, (6, 7, 8))
    bench.rule = lambda source, to, message: False
    other, host = bench["r1"], bench["r3"]
    assert other.replica.view == 1
    assert other.replica.stable == len(other.history) == 8
    views = other.replica.core.entrance
    assert views.new_view is not None
    stable = other.replica.core.checkpoints.proof
    for message in (views.new_view, *views.proofs.values(), *stable):
        host.receive(message)
    bench.queue.clear()
    for block in reversed(other.blocks):
        certified = CertifiedBatch(CHAIN, 0, "r1", block.sequence, block.batch, block.certificate)
        host.receive(signed(certified, bench.signers["r1"]))
    assert host.history == other.history
    assert host.replica.view == 1
    assert host.replica.active
    assert isinstance(host, Watched)
    return host


def decide(bench: Bench, numbers: Iterable[int]) -> None:
    for number in numbers:
        bench.submit(number, to="all")
        bench.run_for(SECOND // 10)


def test_rule_23_nothing_that_an_event_leads_to_follows_what_executing_leads_to() -> None:
    deliveries = 0
    for effects in caught_up().led_to:
        for place, effect in enumerate(effects):
            if isinstance(effect, Deliver):
                deliveries += 1
                assert all(isinstance(later, Compute) for later in effects[place + 1 :])
    assert deliveries == 8


def test_rule_23_a_compacted_log_never_goes_back_to_an_older_one() -> None:
    marks = caught_up().marks
    assert marks == sorted(marks)
    assert marks[-1] >= 4
