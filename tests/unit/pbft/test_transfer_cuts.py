"""A crash between any two effects of a transfer (rules 22 and 23): one run for each cut.

The victim falls behind by several windows, fetches the state, installs it and votes again. It
dies right after its k-th effect, for every k, and boots from its disk: the installed state is
there as a whole or not at all, and nothing that it signed is ever contradicted.
"""

from __future__ import annotations

import pytest

from consensus.effects import Effect
from consensus.messages import Message
from consensus.pbft.guard import GUARDED, statement
from tests.unit.pbft.transfer_bench import SECOND, TransferBench

VICTIM = "r3"


class Cut(Exception):
    """The victim's process ends here."""


class Cutting(TransferBench):
    """A bench in which the victim dies after a number of effects, once."""

    def __init__(self, after: int) -> None:
        self.signed: dict[tuple[str, str, int, int], bytes] = {}
        super().__init__(status_interval_us=SECOND // 2)
        self.left = after
        self.healed_at = 0
        """Effects left when the victim is let in again."""
        host = self[VICTIM]
        apply, handle = host._apply, host.handle

        def cut(effect: Effect) -> None:
            self.left -= 1
            if self.left == -1:
                raise Cut
            apply(effect)

        def guarded(event: object) -> list[Effect]:
            try:
                return handle(event)
            except Cut:
                self.crash(VICTIM)
                return []

        host._apply = cut  # type: ignore[method-assign]
        host.handle = guarded  # type: ignore[method-assign]

    def post(self, source: str, to: str, message: Message) -> None:
        """Watches that nobody signs two things under one key."""
        if message.TYPE in GUARDED and message.sender == source:
            key = (message.TYPE, message.sender, *message.slot())
            said = statement(message)
            assert self.signed.setdefault(key, said) == said, f"{source} contradicts itself: {key}"
        super().post(source, to, message)


def play(after: int) -> Cutting:
    """Three blocks, the victim cut off for fifteen, then a few for which it is needed."""
    bench = Cutting(after)

    def alive() -> None:
        if not bench[VICTIM].up:
            bench[VICTIM].start()

    bench.blocks(1, 3)
    bench.without(VICTIM)
    bench.blocks(4, 18)
    bench.heal()
    bench.healed_at = bench.left
    bench.run_for(2 * SECOND)
    alive()
    bench.run_for(2 * SECOND)
    alive()
    bench.without("r1")
    bench.blocks(19, 20)
    for _ in range(2):
        alive()
        bench.run_for(2 * SECOND)
    bench.heal()
    bench.run_for(2 * SECOND)
    return bench


def test_rule_23_every_cut_of_a_transfer_recovers_and_contradicts_nothing() -> None:
    plenty = 1_000_000
    whole = play(plenty)
    total = plenty - whole.left
    assert [i.header.height for i in whole[VICTIM].installed] == [18]
    assert total > 60
    after_install = 0
    for after in range(plenty - whole.healed_at, total):  # those before are test_cuts' business
        bench = play(after)
        host = bench[VICTIM]
        assert host.height == 20, f"cut after {after}"
        assert host.roots == bench["r0"].roots, f"cut after {after}"
        assert not any(h.reports or h.replica.halted for h in bench.hosts.values())
        after_install += bool(host.installed) and host.installed[-1].replayed
    assert after_install  # a boot from the installed state was among them


@pytest.mark.parametrize("lost", ["record", "log"])
def test_rule_23_the_installed_state_is_there_as_a_whole_or_not_at_all(lost: str) -> None:
    """The last write of either file is torn off."""
    bench = TransferBench()
    bench.blocks(1, 3)
    bench.without(VICTIM)
    bench.blocks(4, 18)
    bench.heal()
    host = bench[VICTIM]
    log = list(host.log)
    bench.run_for(5 * SECOND)
    assert host.height == 18
    bench.crash(VICTIM)
    if lost == "record":
        host.file.pop()
    else:
        host.log = log
    host.start()
    assert host.height == (18 if lost == "log" else 3)
    assert host.replica.stable == 18
    bench.run_for(5 * SECOND)
    assert host.roots == bench["r0"].roots
