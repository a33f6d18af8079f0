"""Law 5: an adversary has its own keys, those of its coalition, and nothing else."""

from __future__ import annotations

import pytest

from chainsim.build import build
from chainsim.trace import Accused, Recorder
from consensus.crypto import Signer, Verifier
from consensus.messages import Commit
from consensus.types import Committee, Member
from nodes.byzantine import (
    BEHAVIOURS,
    COALITION,
    Accessory,
    Attacker,
    Behaviour,
    Byzantine,
    Options,
    Twins,
)
from nodes.validator import Validator
from scenarios.keys import Keys
from scenarios.loader import load_text
from scenarios.rng import Stream
from tests.simulation.runs import BASE

CHAIN = b"c" * 32
KEYS = Keys(1, "fast")
IDS = ("v0", "v1", "v2", "v3")


def committee(epoch: int = 0, generation: int = 0, rotated: str = "v1") -> Committee:
    """``rotated`` has its key of that generation."""
    return Committee(
        epoch,
        [Member(id_, KEYS.validator(id_, generation * (id_ == rotated)).public_key) for id_ in IDS],
    )


def keys_of(id_: str, generations: int = 1) -> tuple[Signer, ...]:
    return tuple(KEYS.validator(id_, generation) for generation in range(generations))


def attacker(**more: object) -> Attacker:
    return Attacker(
        id="v1",
        chain=CHAIN,
        committee=committee(),
        signer=KEYS.validator("v1"),
        draws=Stream(1, "adversary"),
        **more,  # type: ignore[arg-type]
    )


def commit(sender: str) -> Commit:
    return Commit(CHAIN, 0, sender, 0, 1, b"d" * 32)


def is_signed(message: Commit, members: Committee) -> bool:
    verifier: Verifier = KEYS.scheme.verifier()
    key = members.public_key(message.sender)
    return verifier.verify(key, message.signing_bytes, message.signature)


def test_what_a_behaviour_is_given_is_all_listed() -> None:
    """Keys: its own, and accessories'. No verifier's secrets, no world, no other node."""
    assert Attacker.__struct_fields__ == (
        "id",
        "chain",
        "committee",
        "signer",
        "draws",
        "options",
        "parameters",
        "keys",
        "accessories",
    )


def test_it_signs_in_its_own_name_only() -> None:
    alone = attacker()
    assert is_signed(alone.sign(commit("v1")), committee())
    assert not is_signed(alone.sign(commit("v2")), committee()), "another's name, its own key"
    with pytest.raises(KeyError):
        alone.sign_for(commit("v2"))


def test_a_coalition_signs_for_its_members_and_for_nobody_else() -> None:
    both = attacker(accessories=(Accessory("v2", lambda: keys_of("v2")),))
    assert is_signed(both.sign_for(commit("v1")), committee())
    assert is_signed(both.sign_for(commit("v2")), committee())
    with pytest.raises(KeyError):
        both.sign_for(commit("v3"))


def test_after_a_rotation_it_signs_with_the_key_in_office() -> None:
    before = attacker(keys=lambda: keys_of("v1", 2))
    assert is_signed(before.sign(commit("v1")), committee()), "ordered, and not in force yet"
    after = before.in_office(committee(1, 1))
    assert after.committee.epoch == 1
    assert is_signed(after.sign(commit("v1")), committee(1, 1))
    assert not is_signed(before.sign(commit("v1")), committee(1, 1))


def test_an_accessory_whose_key_was_rotated_is_spoken_for_with_the_new_one() -> None:
    accessory = Accessory("v2", lambda: keys_of("v2", 2))
    both = attacker(keys=lambda: keys_of("v1"), accessories=(accessory,))
    rotated = committee(1, 1, "v2")
    assert is_signed(both.in_office(rotated).sign_for(commit("v2")), rotated)


LIARS = """
[[faults]]
kind = "byzantine"
nodes = ["v0", "v2"]
behaviour = "{behaviour}"

[expect]
safety = "violated"
liveness = "ignore"
"""


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_only_who_colludes_holds_others_keys_and_only_members(behaviour: str) -> None:
    """Asked of the wrappers that a whole simulation made."""
    scenario = load_text(BASE.format(n=4) + LIARS.format(behaviour=behaviour))
    simulation = build(scenario)
    world = simulation.world
    made = world.adversary
    assert made is not None
    for id_, other in (("v0", "v2"), ("v2", "v0")):
        options = Options(members=("v0", "v2"))
        liar = made(id_, behaviour, options, Stream(1, "x"))(world.network.hosts[id_].factory())
        assert isinstance(liar, Byzantine)
        given = liar.behaviour.attacker
        assert given.keys is not None
        assert public(given.keys()) == public((simulation.keys.validator(id_),))
        held = {accessory.id: public(accessory.keys()) for accessory in given.accessories}
        theirs = public((simulation.keys.validator(other),))
        assert held == ({other: theirs} if behaviour == COALITION else {})


def public(keys: tuple[Signer, ...]) -> list[bytes]:
    return [key.public_key for key in keys]


def test_a_clone_has_the_keys_that_lie_on_the_disk() -> None:
    simulation = build(load_text(BASE.format(n=4)))
    made = simulation.world.adversary
    assert made is not None
    simulation.nodes.key_rings["v2"].rotate(None)
    host = simulation.world.network.hosts["v2"]
    liar = made("v2", "twins", Options(), Stream(1, "x"))(host.factory())
    assert isinstance(liar, Twins)
    clone = liar._second
    assert isinstance(clone, Validator)
    assert public(clone._responder.signers) == public(simulation.nodes.key_rings["v2"].held)
    assert len(clone._responder.signers) == 2


ROTATED = """
[[workload]]
kind = "transfers"
rate = "20/s"
start = "3s"
stop = "20s"

[[faults]]
kind = "rotate-key"
node = "v2"
at = "1s"

[[faults]]
kind = "byzantine"
node = "v2"
behaviour = "{behaviour}"
{more}
[expect]
culprits = ["v2"]
"""


@pytest.mark.parametrize(
    ("behaviour", "more"),
    [("conflicting-votes", ""), ("random-mutation", "chance = 0.5")],
)
def test_rule_27_a_liar_whose_key_was_rotated_goes_on_lying(behaviour: str, more: str) -> None:
    """What it signs in the new epoch verifies, or it would be no adversary any more."""
    text = BASE.format(n=4) + ROTATED.format(behaviour=behaviour, more=more)
    recorder = Recorder()
    seen: list[Accused] = []
    recorder.subscribe(Accused, seen.append)
    result = build(load_text(text, seed=3), recorder).run()
    assert not [check.detail for check in result.checks if not check.ok]
    epochs = {record.evidence.first.epoch for record in seen if record.evidence}
    assert max(epochs) >= 1


@pytest.mark.parametrize("kind", [*BEHAVIOURS.values(), Twins])
def test_each_names_the_rules_that_stop_it(kind: type[Behaviour | Twins]) -> None:
    assert kind.STOPPED_BY
    assert set(kind.STOPPED_BY) <= set(range(1, 35))
    assert list(kind.STOPPED_BY) == sorted(kind.STOPPED_BY)
