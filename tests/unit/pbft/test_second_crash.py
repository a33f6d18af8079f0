"""Rules 13, 23, 24 and 27 across two crashes: what a boot took from one file, the other follows.

A fresh reader of the code found these; the first decided one height twice with nobody hostile.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from consensus.effects import Compact
from consensus.messages import Batch, Checkpoint, Commit, Message, Prepare, PrePrepare, signed
from consensus.records import PreparedRecord
from tests.unit.pbft.bench import CHAIN, Bench
from tests.unit.pbft.test_membership import old, order
from tests.unit.pbft.transfer_bench import SECOND, TransferBench


class PowerCut(Exception):
    """The machine is off before this effect is carried out."""


@pytest.fixture
def replaced_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a busy chain: the blocks file is replaced at every stable checkpoint."""
    monkeypatch.setattr(TransferBench, "rewrite_after", 1)


def cut_between_files(bench: TransferBench, name: str) -> Callable[[], None]:
    """Once armed: the next time the blocks file is replaced, ``name`` dies before its log is."""
    host = bench[name]
    apply, handle = host._apply, host.handle
    state = {"armed": False, "replaced": False}

    def cut(effect: Any) -> None:
        if isinstance(effect, Compact) and state["armed"]:
            if effect.area == "blocks":
                state["replaced"] = True
            elif state["replaced"]:
                state["armed"] = False
                raise PowerCut
        apply(effect)

    def guarded(event: Any) -> Any:
        try:
            return handle(event)
        except PowerCut:
            bench.crash(name)
            return []

    host._apply, host.handle = cut, guarded  # type: ignore[method-assign]

    def arm() -> None:
        state["armed"] = True

    return arm


def certified_slots(bench: TransferBench, name: str) -> set[int]:
    slots = bench[name].replica.core.slots
    return {sequence for sequence, slot in slots.items() if slot.certificate is not None}


@pytest.mark.usefixtures("replaced_often")
def test_rule_23_two_power_cuts_never_decide_a_height_twice() -> None:
    """Four honest validators: a power cut between the two files of each, then another one."""
    bench = TransferBench()
    names = list(bench.hosts)[:4]
    arms = [cut_between_files(bench, name) for name in names]
    bench.blocks(1, 5)
    for arm in arms:
        arm()
    last = 5
    while all(bench[name].up for name in names):
        last += 1
        bench.blocks(last, last)
    for name in names:
        if not bench[name].up:
            bench[name].start()
    bench.run_for(3 * SECOND)
    assert {bench[name].replica.stable for name in names} == {last}
    bench.rule = lambda _from, _to, m: not isinstance(m, Checkpoint)
    bench.blocks(last + 1, last + 2)
    lone = last + 3
    bench.rule = lambda _from, to, m: (
        not isinstance(m, Checkpoint) and (not isinstance(m, Commit) or to == "r0")
    )
    bench.blocks(lone, lone)
    assert bench["r0"].height == lone  # executed, and its client has the reply
    decided = bench["r0"].validator.chain.between(lone, lone)[0]
    for name in names:
        bench.crash(name)
    bench.rule = lambda _from, _to, m: (
        not isinstance(m, Checkpoint) and (not isinstance(m, Prepare | Commit) or m.view > 0)
    )
    for name in names[1:]:
        bench[name].start()
    request = bench.request(100)
    for name in names[1:]:
        bench[name].receive(request)
    bench.run_for(20 * SECOND)
    again = bench["r1"].validator.chain.between(lone, lone)[0]
    assert again.batch.digest == decided.batch.digest


@pytest.mark.usefixtures("replaced_often")
def test_rule_13_certificates_above_a_mark_that_only_one_file_knew_survive() -> None:
    bench = TransferBench()
    arm = cut_between_files(bench, "r3")
    bench.blocks(1, 5)
    arm()
    last = 5
    while bench["r3"].up:
        last += 1
        bench.blocks(last, last)
    bench["r3"].start()
    bench.run_for(3 * SECOND)
    assert bench["r3"].replica.stable == last
    sent: set[int] = set()

    def listen(source: str, _to: str, message: Message) -> bool:
        if source == "r3" and isinstance(message, Commit):
            sent.add(message.sequence)
        return not isinstance(message, Commit | Checkpoint)

    bench.rule = listen
    for number in range(last + 1, last + 5):
        bench.submit(number)
        bench.run_for(10)
    assert sent
    bench.crash("r3")
    bench["r3"].start()
    assert certified_slots(bench, "r3") >= sent


def test_rule_13_certificates_above_an_installed_state_survive() -> None:
    bench = TransferBench()
    bench.blocks(1, 3)
    bench.without("r3")
    bench.blocks(4, 18)
    bench.heal()
    host = bench["r3"]
    log = list(host.log)
    bench.run_for(5 * SECOND)
    assert host.height == 18
    bench.crash("r3")
    host.log = log  # the installed state is durable, the log's new beginning is not
    host.start()
    bench.run_for(5 * SECOND)
    bench.rule = lambda _from, _to, m: not isinstance(m, Commit)
    bench.submit(19)
    bench.run_for(1000)
    assert 19 in certified_slots(bench, "r3")
    bench.crash("r3")
    host.start()
    assert 19 in certified_slots(bench, "r3")


@pytest.fixture
def bench() -> Bench:
    return Bench(4, checkpoint_interval=2, window=4, block_interval_us=1)


def test_rule_27_the_boundary_is_known_though_the_blocks_are_lost(bench: Bench) -> None:
    bench.rule = lambda _from, _to, m: not (isinstance(m, PrePrepare) and m.sequence > 4)
    order(bench, *old(bench)[::-1])
    host = bench["r3"]
    assert (host.replica.stable, host.replica.core.boundary) == (4, 6)
    bench.crash("r3")
    host.blocks.clear()
    bench.rule = lambda _from, _to, _m: False
    host.start()
    assert host.replica.core.high == 6
    batch = Batch(0, ())
    proposal = PrePrepare(CHAIN, 0, "r0", 0, 7, batch.digest, batch=batch)
    host.receive(signed(proposal, bench.signers["r0"]))
    assert 7 not in host.replica.core.slots


def test_rule_24_a_signed_checkpoint_is_remembered_though_its_block_is_lost(bench: Bench) -> None:
    bench.rule = lambda _from, _to, m: not isinstance(m, Checkpoint)
    for number in (1, 2):
        bench.submit(number)
        bench.run_for(10)
    host = bench["r3"]
    assert 2 in host.replica.core.checkpoints.own
    bench.crash("r3")
    host.blocks.clear()
    host.start()
    assert host.replica.core.sign(Checkpoint(CHAIN, 0, "r3", 2, b"x" * 32)) is None


@pytest.mark.parametrize("stable", [0, 4])
def test_rule_23_a_block_whose_own_commit_the_log_does_not_know_is_no_promise(stable: int) -> None:
    """Torn writes kept the block, and not the certificate behind the COMMIT that it rests on."""
    bench = TransferBench()
    bench.blocks(1, stable + 1)
    host, last = bench["r3"], stable + 1
    (block,) = host.validator.chain.between(last, last)
    assert "r3" in {commit.sender for commit in block.certificate.commits}
    bench.crash("r3")
    bench.without("r3")
    host.start()
    assert host.height == last  # both are there: it stands
    bench.crash("r3")
    host.log = [
        record
        for record in host.log
        if not isinstance(record, PreparedRecord) or record.certificate.pre_prepare.sequence < last
    ]
    host.start()
    assert host.height == last - 1
    assert last not in certified_slots(bench, "r3")
    assert block not in host.file
    bench.crash("r3")
    host.start()
    assert host.height == last - 1
    bench.heal()
    bench.run_for(8 * SECOND)
    assert host.height == last  # the others have it, with their COMMITs
    assert host.roots == bench["r0"].roots
