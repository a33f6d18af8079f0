"""``random-mutation``: what each of its mutations makes of a message, and what alone stops it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from chainsim.explore.planting import swapped
from consensus.configurations import Configurations
from consensus.crypto import Signer
from consensus.events import Receive
from consensus.messages import NULL_BATCH, Commit, Message, Prepare, PrePrepare, signed
from consensus.pbft.core import Core
from consensus.types import Committee, Member, NodeId
from nodes.byzantine import Attacker, Options
from nodes.byzantine.random_mutation import RandomMutation
from scenarios.keys import Keys
from scenarios.rng import PPM, Stream
from tests.mutants import votes
from tests.simulation import weakened
from tests.simulation.runs import Run
from tests.simulation.test_byzantine import CRASHED_PRIMARY, hostile

Patch = AbstractContextManager[None]

CHAIN = b"c" * 32
KEYS = Keys(1, "fast")
IDS = ("v0", "v1", "v2", "v3")
COMMITTEE = Committee(0, [Member(id_, KEYS.validator(id_).public_key) for id_ in IDS])


def liar(seed: int = 1) -> RandomMutation:
    return RandomMutation(
        Attacker(
            id="v1",
            chain=CHAIN,
            committee=COMMITTEE,
            signer=KEYS.validator("v1"),
            draws=Stream(seed, "mutations"),
            options=Options(chance_ppm=PPM),
        )
    )


def vote(kind: type[Prepare | Commit], sender: str, sequence: int = 7) -> Prepare | Commit:
    key: Signer = KEYS.validator(sender)
    return signed(kind(CHAIN, 0, sender, 0, sequence, bytes([sequence]) * 32), key)


def verifies(message: Message) -> bool:
    key = COMMITTEE.public_key(message.sender)
    signature: bytes = message.signature  # type: ignore[attr-defined]
    return KEYS.scheme.verifier().verify(key, message.signing_bytes, signature)


MINE = vote(Commit, "v1")


@pytest.mark.parametrize("seed", range(20))
def test_a_spoofed_sender_has_no_signature_of_its_own(seed: int) -> None:
    spoofed = liar(seed)._spoof_sender(MINE)
    assert spoofed is not None
    assert spoofed.sender in ("v0", "v2", "v3")
    assert not verifies(spoofed)


@pytest.mark.parametrize("kind", [Prepare, Commit])
def test_a_retyped_vote_keeps_its_signature_which_is_of_the_other_type(
    kind: type[Prepare | Commit],
) -> None:
    behaviour = liar()
    theirs = vote(kind, "v2")
    list(behaviour.inbound(Receive(1, theirs)))
    found = behaviour._retype(PrePrepare(CHAIN, 0, "v1", 0, 1, NULL_BATCH.digest))
    assert isinstance(found, Prepare | Commit)
    assert type(found) is not kind
    assert (found.sender, found.signature) == ("v2", theirs.signature)
    assert not verifies(found)


@pytest.mark.parametrize("seed", range(20))
def test_a_spliced_message_has_one_field_of_another_one(seed: int) -> None:
    behaviour = liar(seed)
    donor = vote(Commit, "v2", 9)
    list(behaviour.inbound(Receive(1, donor)))
    found = behaviour._splice(MINE)
    assert isinstance(found, Commit)
    names = [name for name in MINE.__struct_fields__ if name != "signature"]
    changed = [name for name in names if getattr(found, name) != getattr(MINE, name)]
    assert len(changed) <= 1
    assert all(getattr(found, name) == getattr(donor, name) for name in changed)
    if found.sender != "v1":
        assert not verifies(found)


@pytest.mark.parametrize("seed", range(20))
def test_what_is_replayed_in_another_epoch_is_either_signed_anew_or_not_at_all(seed: int) -> None:
    found = liar(seed)._other_epoch(MINE)
    assert isinstance(found, Commit)
    assert found.epoch == 1
    assert verifies(found) == (found.signature != MINE.signature)


def only(mutation: str) -> Patch:
    """It knows no other."""

    def begin(self: RandomMutation, attacker: Attacker) -> None:
        original(self, attacker)
        self._mutations = (getattr(self, mutation),)

    original = RandomMutation.__init__
    return swapped((RandomMutation, "__init__", begin))


def any_member_will_do() -> Patch:
    """A signature counts if some member's key made it, whoever is named as the sender."""

    def core(self: Core, message: Message) -> bool:
        return authentic(self.configurations, message, self.committee)

    def authentic(self: Configurations, message: Message, committee: Committee) -> bool:
        signature: bytes = message.signature  # type: ignore[attr-defined]
        keys = (member.public_key for member in committee.members)
        named = message.epoch == committee.epoch and message.sender in committee
        return named and any(self._verify(key, message.signing_bytes, signature) for key in keys)

    return swapped((Core, "authentic", core), (Configurations, "authentic", authentic))


V3_HEARS_LATE = """
[[faults]]
kind = "link"
from = ["v1", "v2"]
to = "v3"
latency = "300ms"
at = "0s"
until = "3s"
"""
"""It prepares at once, and can't commit yet."""
ALONE: dict[str, tuple[Callable[[], Patch], NodeId, str]] = {
    "_spoof_sender": (any_member_will_do, "v0", ""),
    "_retype": (votes.one_domain, "v0", V3_HEARS_LATE),
    "_splice": (weakened.digest_believed, "v1", CRASHED_PRIMARY),
}
"""Mutation -> (what must be broken for it to do harm, who does it, beside what)."""


@pytest.mark.parametrize("mutation", ALONE)
def test_alone_it_does_harm_where_its_guard_is_broken(mutation: str) -> None:
    guard, node, besides = ALONE[mutation]
    fault = hostile("random-mutation", node, "chance = 1.0") + besides
    with guard(), only(mutation):
        broken = {name for seed in (1, 2, 3) for name in Run(fault, seed=seed).broken()}
    assert broken & {"agreement", "true-votes", "chain-integrity"}, broken


@pytest.mark.parametrize("mutation", ALONE)
def test_alone_it_does_none_where_it_is_not(mutation: str) -> None:
    _, node, besides = ALONE[mutation]
    fault = hostile("random-mutation", node, "chance = 1.0") + besides
    with only(mutation):
        assert Run(fault, seed=2).broken() == []
