"""What a hostile client is given, and that it signs with nothing else (law 5)."""

from __future__ import annotations

import pytest

from consensus.crypto import FastScheme
from consensus.effects import Effect, Send, SetTimer
from consensus.events import Boot, Event, Submit, TimerFired
from consensus.messages import Message, Request
from nodes.byzantine.base import sent
from nodes.hostile_clients import ATTACKS, Attack, ClientAttacker, Purse, Rogue, Tactics
from scenarios.rng import Stream

SCHEME = FastScheme()
OWN = SCHEME.signer(bytes(32))
OTHERS = [SCHEME.signer(bytes([i]) * 32) for i in range(1, 4)]
VALIDATORS = ("v0", "v1", "v2", "v3")
KEY = ("attack", "0.1")


class Honest:
    """A client inside, which only counts."""

    id = "mallory"

    def __init__(self) -> None:
        self.number = 0
        self.heard: list[Event] = []

    def claim_number(self) -> int:
        self.number += 1
        return self.number

    def handle(self, event: Event) -> list[Effect]:
        self.heard.append(event)
        return []


def attacker(receivers: tuple[str, ...] = ()) -> ClientAttacker:
    return ClientAttacker(
        id="mallory",
        party="mallory",
        chain=b"chain",
        validators=VALIDATORS,
        signer=OWN,
        draws=Stream(7, "test"),
        purse=Purse(
            account="mallory/cash",
            asset="PKR",
            amount=500,
            others=("a/cash", "b/cash"),
            owners=("a", "b"),
        ),
        tactics=Tactics(interval_us=1000, receivers=receivers),
    )


def acts(kind: str, count: int = 200, receivers: tuple[str, ...] = ()) -> list[Send]:
    inner = Honest()
    attack: Attack = ATTACKS[kind](attacker(receivers), inner.claim_number)
    effects = [effect for _ in range(count) for effect in attack.act()]
    assert all(isinstance(effect, Send) for effect in effects)
    return [effect for effect in effects if isinstance(effect, Send)]


def signers(message: Message) -> list[int]:
    """Which of the others' keys its signature, or a cosignature, verifies under."""
    verify = SCHEME.verifier().verify
    signatures = [message.signature]  # type: ignore[attr-defined]
    if isinstance(message, Request):
        signatures += [cosignature.signature for cosignature in message.cosignatures]
    return [
        index
        for index, signer in enumerate(OTHERS)
        for signature in signatures
        if verify(signer.public_key, message.signing_bytes, signature)
    ]


def test_an_attack_is_given_its_own_key_and_what_every_party_knows() -> None:
    assert ClientAttacker.__struct_fields__ == (
        "id",
        "party",
        "chain",
        "validators",
        "signer",
        "draws",
        "purse",
        "tactics",
    )


@pytest.mark.parametrize("kind", ATTACKS)
def test_nothing_that_it_sends_is_signed_by_anybody_else(kind: str) -> None:
    sends = acts(kind)
    assert sends
    assert {send.to for send in sends} <= set(VALIDATORS)
    for send in sends:
        assert signers(send.message) == []


@pytest.mark.parametrize("kind", ATTACKS)
def test_it_sends_to_the_receivers_if_some_are_named(kind: str) -> None:
    assert {send.to for send in acts(kind, receivers=("v1", "v2"))} == {"v1", "v2"}


def test_a_double_spend_shows_two_faces_under_each_number() -> None:
    told: dict[int, dict[bytes, set[str]]] = {}
    for send in acts("double-spend", 20):
        assert isinstance(send.message, Request)
        faces = told.setdefault(send.message.number, {})
        faces.setdefault(send.message.operation, set()).add(send.to)
    assert sorted(told) == list(range(1, 41))
    for number, faces in told.items():
        assert len(faces) == (2 if number % 2 else 1)
        assert set().union(*faces.values()) == set(VALIDATORS)


def test_a_replay_sends_the_same_bytes() -> None:
    requests = [send.message for send in acts("replay") if send.to == "v0"]
    assert len({request.digest_bytes for request in requests}) < len(requests) // 2


def rogue() -> tuple[Honest, Rogue]:
    inner = Honest()
    return inner, Rogue(inner, lambda claim: ATTACKS["flood"](attacker(), claim), KEY)


def test_the_attack_goes_by_its_own_timer_and_leaves_the_rest_to_the_honest_process() -> None:
    inner, both = rogue()
    effects = both.handle(TimerFired(5, KEY))
    assert effects[0] == SetTimer(KEY, 1000)
    assert len(sent(effects)) == 4
    assert inner.heard == []
    others = [TimerFired(6, ("retransmit",)), Submit(7, b"pay")]
    assert [both.handle(event) for event in others] == [[], []]
    assert inner.heard == others
    assert both.timers() == (KEY,)


def test_after_a_restart_it_goes_on() -> None:
    _, both = rogue()
    assert both.handle(Boot(9)) == [SetTimer(KEY, 0)]
