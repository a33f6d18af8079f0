"""Two behaviours against rule 22: who serves lies, and who vouches for what never was."""

from __future__ import annotations

from typing import Any

import pytest

from consensus.messages import Checkpoint, Message, State, StateProof
from nodes import tree_pieces
from nodes.byzantine import Attacker, Options
from nodes.byzantine.base import Behaviour
from nodes.byzantine.bogus_checkpoint import BogusCheckpoint
from nodes.byzantine.bogus_state import BogusState
from scenarios.rng import Stream
from tests.unit.pbft.transfer_bench import SECOND, TransferBench


def hire(
    bench: TransferBench, name: str, kind: type[Behaviour], seed: int = 1, **options: Any
) -> None:
    """From now on ``name`` is in hostile hands."""
    attacker = Attacker(
        id=name,
        chain=bench.genesis.hash,
        committee=bench.committee,
        signer=bench.signers[name],
        draws=Stream(seed, name),
        options=Options(chance_ppm=1_000_000, **options),
    )
    behaviour = kind(attacker)
    validator = bench[name].validator
    honest = validator.handle
    validator.handle = lambda event: behaviour.outbound(  # type: ignore[method-assign]
        event.now_us, honest(event)
    )


def lagging(bench: TransferBench) -> None:
    """r3 misses 60 blocks, and is let in again."""
    bench.without("r3")
    bench.blocks(1, 60)
    bench.heal()


def test_rule_22_lies_are_refused_and_the_honest_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_pieces, "PIECE_BYTES", 32)  # many pieces, many lies
    bench = TransferBench()
    hire(bench, "r1", BogusState)
    lagging(bench)
    bench.run_for(10 * SECOND)
    host = bench["r3"]
    assert host.roots == bench["r0"].roots
    refused = host.reached("state-piece-refused")
    assert len(refused) == 1  # then it isn't asked again
    assert refused[0].cause.startswith("r1 ")


def test_rule_22_believed_lies_do_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Liars against a protocol without the check (MUTANTS 27)."""
    monkeypatch.setattr(tree_pieces, "is_right", lambda found, wanted: True)
    wrong = 0
    for seed in range(4):
        bench = TransferBench()
        for name in ("r0", "r1", "r2"):
            hire(bench, name, BogusState, seed)
        lagging(bench)
        bench.run_for(10 * SECOND)
        wrong += bench["r3"].roots[1:] != bench["r0"].roots[1:]
    assert wrong


def test_every_lie_has_the_form_of_a_piece_or_none() -> None:
    bench = TransferBench()
    bench.blocks(1, 10)
    hire(bench, "r1", BogusState)
    validator = bench["r1"].validator
    truth = {path: validator.snapshots.piece(10, path) for path in ("", "header", "state/", "x")}
    behaviour = BogusState(
        Attacker(
            id="r1",
            chain=bench.genesis.hash,
            committee=bench.committee,
            signer=bench.signers["r1"],
            draws=Stream(1, "lies"),
            options=Options(chance_ppm=1_000_000),
        )
    )
    for path, piece in truth.items():
        message = State(bench.genesis.hash, 0, "r1", 10, path, piece or b"")
        for _ in range(30):
            (said,) = behaviour._lie("r3", message)
            assert isinstance(said, State)
            assert (said.piece == message.piece) == (piece is None)


def test_rule_10_invented_checkpoints_move_nobody() -> None:
    bench = TransferBench()
    hire(bench, "r1", BogusCheckpoint)
    said: list[Message] = []
    real = bench.post

    def post(source: str, to: str, message: Message) -> None:
        if source == "r1" and isinstance(message, Checkpoint | StateProof):
            said.append(message)
        real(source, to, message)

    bench.post = post  # type: ignore[method-assign]
    bench.blocks(1, 40)
    bench.run_for(5 * SECOND)
    heights = {bench[name].height for name in ("r0", "r2", "r3")}
    assert heights == {40}
    assert {bench[name].replica.stable for name in ("r0", "r2", "r3")} == {40}
    assert not any(bench[name].reached("state-transfer-started") for name in ("r0", "r2", "r3"))
    assert {m.TYPE for m in said} == {"checkpoint", "state-proof"}
    assert max(m.sequence for m in said if isinstance(m, Checkpoint)) > 1000


def test_rule_33_two_checkpoints_for_two_groups_are_proven() -> None:
    bench = TransferBench()
    hire(bench, "r1", BogusCheckpoint, groups=(("r0",), ("r2", "r3")))
    bench.blocks(1, 4)
    first, second = (
        next(c for c in _votes(bench, name) if c.sender == "r1") for name in ("r0", "r2")
    )
    assert first.digest != second.digest
    bench["r2"].receive(first)
    assert [r.kind for r in bench["r2"].reports] == ["conflicting-checkpoint"]


def _votes(bench: TransferBench, name: str) -> list[Checkpoint]:
    """All CHECKPOINTs for the next boundary that ``name`` holds, r1's among them."""
    checkpoints = bench[name].replica.core.checkpoints
    held = [vote for votes in checkpoints._votes.values() for vote in votes.values()]
    if not any(vote.sender == "r1" for vote in held):
        bench.rule = lambda source, _to, m: not (isinstance(m, Checkpoint) and source != "r1")
        bench.blocks(5, 6)
        held = [vote for votes in checkpoints._votes.values() for vote in votes.values()]
    return held
