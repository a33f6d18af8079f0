"""``wrong-signature``: spends what is others', and signs with what it has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from consensus.effects import Effect
from consensus.messages import CoSignature, Request
from nodes.hostile_clients.base import Attack, ClientAttacker


def _in_anothers_name(attacker: ClientAttacker, request: Request, owner: str) -> Request:
    """Its own key under another's name: it verifies, and isn't that party's (rule 3)."""
    return attacker.sign(replace(request, sender=owner))


def _of_another_request(attacker: ClientAttacker, request: Request, owner: str) -> Request:
    """A signature that is good, under something else."""
    other = attacker.request(request.number + 1, request.operation)
    return replace(request, sender=owner, signature=other.signature)


def _damaged(attacker: ClientAttacker, request: Request, owner: str) -> Request:
    signature = bytearray(request.signature)
    signature[attacker.draws.below(len(signature))] ^= 1 << attacker.draws.below(8)
    return replace(request, signature=bytes(signature))


def _missing(attacker: ClientAttacker, request: Request, owner: str) -> Request:
    return replace(request, sender=owner, signature=b"")


def _countersigned_for_another(attacker: ClientAttacker, request: Request, owner: str) -> Request:
    """Says that the owner countersigned, with a signature of its own."""
    key = attacker.signer.public_key
    claimed = replace(request, cosignatures=(CoSignature(owner, key, b""),))
    signature = attacker.signer.sign(claimed.signing_bytes)
    return attacker.sign(replace(claimed, cosignatures=(CoSignature(owner, key, signature),)))


FORGERIES: Final[tuple[Callable[[ClientAttacker, Request, str], Request], ...]] = (
    _in_anothers_name,
    _of_another_request,
    _damaged,
    _missing,
    _countersigned_for_another,
)
"""Each as likely as the next."""


class WrongSignature(Attack):
    """Each act moves money out of somebody else's account into its own, under a signature that is
    forged in one of five ways. Whatever of it is ordered must fail."""

    def act(self) -> list[Effect]:
        attacker = self.attacker
        purse = attacker.purse
        victim = attacker.draws.below(len(purse.others))
        operation = attacker.transfer(purse.others[victim], purse.account)
        request = attacker.request(self.claim(), operation)
        forge = FORGERIES[attacker.draws.below(len(FORGERIES))]
        return self.to_all(forge(attacker, request, purse.owners[victim]))
