"""Rule 32 outside of the replica: validator, client and verifier under a flood."""

from __future__ import annotations

import msgspec
import pytest

from consensus import crypto
from consensus.crypto import FastScheme
from consensus.effects import Compute, Effect, Send
from consensus.events import Receive
from consensus.limits import MAX_OPERATION_BYTES
from consensus.messages import Batch, Reply, Request, signed
from nodes.state_tree import MAX_DEPTH, StateTree
from nodes.tree_pieces import cut
from tests.unit.nodes.test_client import Bench as ClientBench
from tests.unit.nodes.test_validator_under_attack import World


def executed() -> tuple[World, Request]:
    """A validator that executed a request of c0, whatever came of it."""
    world = World()
    request = world.request("c0", 1)
    validator = world.validators["r3"]
    validator.handle(Receive(10, world.decided(1, Batch(5, (request,)))))
    assert validator.ledger.cached_reply("c0", 1) is not None
    return world, request


def replies(effects: list[Effect]) -> list[Reply]:
    return [e.message for e in effects if isinstance(e, Send) and isinstance(e.message, Reply)]


def test_rule_32_only_a_signed_request_is_answered_again() -> None:
    world, request = executed()
    validator = world.validators["r3"]
    assert len(replies(validator.handle(Receive(20, request)))) == 1
    for forged in (
        msgspec.structs.replace(request, signature=b""),
        msgspec.structs.replace(request, operation=b"other"),
        msgspec.structs.replace(request, public_key=world.keys["eve"].public_key),
        msgspec.structs.replace(request, chain=b"other"),
        msgspec.structs.replace(request, operation=bytes(1 << 20)),
    ):
        effects = validator.handle(Receive(30, forged))
        assert replies(effects) == []
        assert not [e for e in effects if isinstance(e, Compute) and e.signatures]


def test_rule_32_a_signed_request_of_another_chain_or_size_is_not_answered() -> None:
    world, request = executed()
    for changes in ({"chain": b"other"}, {"operation": bytes(MAX_OPERATION_BYTES + 1)}):
        changed = signed(msgspec.structs.replace(request, **changes), world.keys["c0"])
        assert replies(world.validators["r3"].handle(Receive(20, changed))) == []


def test_rule_30_a_client_that_replaced_its_key_still_learns_what_became_of_its_request() -> None:
    """The key of the envelope counts, not the one in force: rotating it is such a request."""
    world, _ = executed()
    again = world.request("c0", 1, key="eve")
    assert len(replies(world.validators["r3"].handle(Receive(20, again)))) == 1


def test_rule_32_a_verifier_forgets_before_it_holds_too_many_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crypto, "MEMO_BYTES", 1000)
    scheme = FastScheme()
    signer, verifier = scheme.signer(bytes(32)), scheme.verifier()
    for number in range(100):
        payload = bytes([number]) * 300
        assert verifier.verify(signer.public_key, payload, signer.sign(payload))
        kept = sum(len(key[1]) for key in verifier._verdicts)  # type: ignore[attr-defined]
        assert 0 < kept <= 1000


def test_rule_32_a_client_keeps_one_answer_of_each_validator_for_what_is_open() -> None:
    bench = ClientBench()
    bench.submit()
    for number in range(-5, 200):
        for sender in bench.names[:1]:
            for result in (b"a", b"b", b"c"):
                bench.receive(bench.reply(sender, number=number, result=result))
    assert list(bench.client._outstanding) == [1]
    open_ = bench.client._outstanding[1]
    assert open_.answers == {"v0": b"a"}
    assert len(open_.views) == 1


def test_rule_32_a_path_that_leads_nowhere_has_no_piece() -> None:
    """Found by reading: a digit that is none got out of ``handle``."""
    tree = StateTree().update([(b"%d" % number, b"value") for number in range(100)])
    assert cut(tree, "") is not None
    for prefix in ("zz", "0z", "\x00", "G", "-", "0" * (MAX_DEPTH + 1), "٣"):
        assert cut(tree, prefix) is None
