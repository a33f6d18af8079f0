"""Rule 32: what a peer can make a replica store, and that no input raises."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consensus.effects import Broadcast
from consensus.encoding import encode
from consensus.messages import MESSAGE_TYPES, Commit, Message, Prepare, decode, signed
from tests.unit.pbft.bench import CHAIN, Bench


def vote(bench: Bench, sender: str, view: int, sequence: int, digest: bytes = b"d" * 32) -> Prepare:
    return signed(Prepare(CHAIN, 0, sender, view, sequence, digest), bench.signers[sender])


def test_rule_32_a_flood_for_the_future_is_capped_and_evicts_nobody() -> None:
    bench = Bench(4)
    host = bench["r1"]
    future = host.replica.core.normal.future
    honest = vote(bench, "r3", 1, 1)
    host.receive(honest)
    for view in range(1, 200):
        for sequence in (1, 2, 3):
            host.receive(vote(bench, "r2", view, sequence))
    assert len(future) == future.cap + 1
    assert honest in future.take(1, 20)


def test_rule_32_far_sequences_are_not_kept() -> None:
    bench = Bench(4)
    host = bench["r1"]
    for sequence in range(41, 10_000, 7):
        host.receive(vote(bench, "r2", 0, sequence))
    assert len(host.replica.core.normal.future) == 0
    assert len(host.replica.core.slots) == 0


def test_rule_32_a_later_vote_never_replaces_the_first() -> None:
    bench = Bench(4)
    host = bench["r1"]
    first = signed(Commit(CHAIN, 0, "r2", 0, 1, b"a" * 32), bench.signers["r2"])
    later = signed(Commit(CHAIN, 0, "r2", 0, 1, b"b" * 32), bench.signers["r2"])
    host.receive(first)
    host.receive(later)
    slot = host.replica.core.slots[1]
    assert list(slot.commits.values()) == [first]
    assert slot.commit_count(b"b" * 32) == 0


def test_rule_32_a_flood_of_status_is_answered_once_per_interval() -> None:
    bench = Bench(4)
    bench.rule = lambda _from, to, _m: to != "r3"
    for number in range(1, 6):
        bench.submit(number)
        bench.run_for(150_000)
    bench.rule = lambda _from, _to, _m: True
    host, peer = bench["r1"], bench["r3"]
    peer.replica.core.begin(bench.now_us)
    peer.replica.core.catch_up.send_status()
    status = next(e.message for e in peer.replica.core.finish() if isinstance(e, Broadcast))
    before = bench.sent["certified-batch"]
    for _ in range(200):
        host.receive(status)
    assert bench.sent["certified-batch"] == before
    bench.now_us += bench.parameters.status_interval_us
    for _ in range(200):
        host.receive(status)
    assert bench.sent["certified-batch"] - before <= len(host.blocks)


def captured() -> list[Message]:
    """One message of each kind that a run with a crash, a checkpoint and laggards sends."""
    bench = Bench(4, checkpoint_interval=2, window=4)
    kept: dict[type[Message], Message] = {}
    lost = {"r3"}

    def keep(_from: str, to: str, message: Message) -> bool:
        kept.setdefault(type(message), message)
        return to not in lost

    bench.rule = keep
    for number in range(1, 4):
        bench.submit(number, to="all")
        bench.run_for(200_000)
    bench.crash("r0")
    bench.submit(4, to="all")
    lost.clear()
    bench.run_for(30_000_000)
    bench["r0"].start()
    bench.run_for(10_000_000)
    for message in bench.to_clients:
        kept.setdefault(type(message), message)
    return list(kept.values())


MESSAGES = captured()


def test_the_sample_is_wide() -> None:
    assert len(MESSAGES) >= 10
    assert {type(m) for m in MESSAGES} <= set(MESSAGE_TYPES)


values = st.one_of(
    st.integers(-(2**63), 2**63),
    st.binary(max_size=40),
    st.text(max_size=8),
    st.sampled_from(["r0", "r1", "r2", "r3", "c0"]),
    st.none(),
    st.booleans(),
    st.just(()),
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(MESSAGES), st.data())
def test_rule_32_no_message_raises_out_of_handle(message: Message, data: st.DataObject) -> None:
    """One field replaced by anything, signed again or not, decoded as from the wire."""
    name = data.draw(st.sampled_from(message.__struct_fields__))
    raw: dict[str, Any] = msgspec.msgpack.decode(encode(message))
    raw[name] = data.draw(values)
    try:
        mutated: Message = decode(encode(raw))
    except (msgspec.DecodeError, OverflowError):
        return
    bench = Bench(4, checkpoint_interval=2, window=4)
    if data.draw(st.booleans()) and mutated.sender in bench.signers:
        mutated = signed(mutated, bench.signers[mutated.sender])
    for host in bench.hosts.values():
        host.receive(mutated)
        host.receive(message)
    bench.run_for(5_000_000)
    assert len({tuple(h.history) for h in bench.hosts.values()}) == 1


@pytest.mark.parametrize("size", [0, 1, 100])
def test_rule_32_junk_bytes_do_not_decode(size: int) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(b"\xc1" * size)
