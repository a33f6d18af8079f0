"""A crash between any two effects (rules 23 and 24): one run for each cut.

The script has a view change and a checkpoint. A victim dies right after its k-th effect, for
every k, loses everything that came after (of a record that was being written a part is on the
disk), and boots from the bytes there. It must never contradict
what it signed before, and the network must agree and go on.
"""

from __future__ import annotations

import pytest

from consensus.effects import Effect, Persist
from consensus.encoding import encode
from consensus.messages import Message
from consensus.pbft.guard import GUARDED, statement
from tests.unit.pbft.bench import Bench, Host

SECOND = 1_000_000


class Cut(Exception):
    """The victim's process ends here."""


class Cutting(Bench):
    """A bench in which one host dies after a number of effects, once."""

    def __init__(self, victim: str, after: int, n: int) -> None:
        self.signed: dict[tuple[str, str, int, int], bytes] = {}
        self.left = after
        super().__init__(n, checkpoint_interval=2, window=4)
        self.victim = victim
        host = self.hosts[victim]
        apply = host._apply

        def cut(effect: Effect) -> None:
            if self.left == 0:
                self.left -= 1
                host.torn = encode(effect.record) if isinstance(effect, Persist) else b""
                raise Cut
            self.left -= 1
            apply(effect)

        host._apply = cut  # type: ignore[method-assign]
        handle = host.handle

        def guarded(event: object) -> list[Effect]:
            try:
                return handle(event)  # type: ignore[arg-type]
            except Cut:
                self.crash(victim)
                return []

        host.handle = guarded  # type: ignore[method-assign,assignment]

    def post(self, source: str, to: str, message: Message) -> None:
        """Watches that nobody signs two things under one key."""
        if message.TYPE in GUARDED and message.sender == source:
            key = (message.TYPE, message.sender, *message.slot())
            said = statement(message)
            assert self.signed.setdefault(key, said) == said, f"{source} contradicts itself: {key}"
        super().post(source, to, message)


def play(victim: str, after: int, n: int) -> Cutting:
    """Three blocks, the primary silenced, a view change, three more blocks."""
    bench = Cutting(victim, after, n)

    def step(number: int) -> None:
        bench.submit(number, to="all")
        bench.run_for(200_000)

    for number in (1, 2, 3):
        step(number)
    bench.rule = lambda source, _to, _m: source != "r0"
    step(4)
    bench.run_for(3 * SECOND)
    for number in (5, 6):
        step(number)
    bench.rule = lambda _from, _to, _m: True
    for number in range(1, 7):
        bench.submit(number, to="all")
    for _ in range(4):  # the cut may come as late as in here
        if not bench[victim].up:
            bench[victim].start()
        bench.run_for(8 * SECOND)
    return bench


def hosts(bench: Bench) -> list[Host]:
    return list(bench.hosts.values())


def effects_of(victim: str, n: int) -> int:
    """How many effects the victim has when nothing is cut."""
    plenty = 1_000_000
    return plenty - play(victim, plenty, n).left


@pytest.mark.parametrize(
    ("victim", "n", "step"),
    [("r0", 4, 1), ("r1", 4, 1), ("r2", 4, 1), ("r1", 7, 19), ("r2", 7, 23)],
)
def test_rule_23_every_cut_recovers_and_contradicts_nothing(victim: str, n: int, step: int) -> None:
    """With seven replicas every so many."""
    total = effects_of(victim, n)
    assert total > 100
    saw_view_change = False
    torn = 0
    for after in range(0, total, step):
        bench = play(victim, after, n)
        torn += bool(bench[victim].torn)
        histories = {tuple(host.history) for host in hosts(bench)}
        assert len(histories) == 1, f"cut after {after}"
        done = {r.number for b in bench["r3"].blocks for r in b.batch.requests}
        assert done == {1, 2, 3, 4, 5, 6}, f"cut after {after}"
        assert not any(host.reports or host.replica.halted for host in hosts(bench))
        saw_view_change |= bench["r3"].replica.view > 0 and bench["r3"].replica.stable > 0
    assert saw_view_change
    assert torn or step > 1  # cuts came in the middle of a record, too
