"""Which keys a validator's process holds: the one in force and all that came after it."""

from __future__ import annotations

from chainsim.simulation.key_ring import KeyRing
from consensus.crypto import FastScheme, Signer

SCHEME = FastScheme()
KEYS = [SCHEME.signer(bytes([number]) * 32) for number in range(4)]
PUBLIC = [signer.public_key for signer in KEYS]


def _held(ring: KeyRing) -> list[bytes]:
    further: list[Signer] = [] if ring.next_signer is None else [ring.next_signer]
    return [signer.public_key for signer in (ring.signer, *further, *ring.later_signers)]


def test_rule_27_both_keys_are_held_until_the_new_one_is_in_force() -> None:
    ring = KeyRing(KEYS.__getitem__)
    assert _held(ring) == PUBLIC[:1]
    ring.rotate(PUBLIC[0])
    assert _held(ring) == PUBLIC[:2]
    ring.rotate(PUBLIC[1])
    assert _held(ring) == PUBLIC[1:3], "the one before is erased"


def test_rule_27_the_key_in_force_outlives_refused_ones() -> None:
    ring = KeyRing(KEYS.__getitem__)
    for _ in range(3):
        ring.rotate(PUBLIC[0])
    assert _held(ring) == PUBLIC
    assert ring.newest.public_key == PUBLIC[3]
    ring.rotate(None)
    assert ring.signer.public_key == PUBLIC[0], "nobody said which is in force"


def test_rule_25_of_a_lost_disk_only_what_was_not_on_it_is_left() -> None:
    ring = KeyRing(KEYS.__getitem__)
    assert not ring.survives_amnesia()
    ring.rotate(PUBLIC[0])
    assert ring.survives_amnesia()
    assert _held(ring) == PUBLIC[1:2]
    ring.stored()
    assert not ring.survives_amnesia()
