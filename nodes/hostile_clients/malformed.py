"""``malformed``: requests that no honest client would make, and what isn't a client's to send."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from consensus.effects import Effect
from consensus.limits import MAX_COSIGNATURES, MAX_NAME, MAX_OPERATION_BYTES
from consensus.messages import Commit, CoSignature, Message, Reply, Request, signed
from nodes.hostile_clients.base import Attack, ClientAttacker

ODD_NUMBERS: Final = (0, -1, (1 << 62) + 1, (1 << 63) - 1)
"""Just outside of what is valid. The largest valid one would end its own window of numbers."""


def _garbage(attacker: ClientAttacker, request: Request) -> Request:
    operation = bytes(attacker.draws.below(256) for _ in range(attacker.draws.below(64)))
    return replace(request, operation=operation)


def _cut_short(attacker: ClientAttacker, request: Request) -> Request:
    return replace(request, operation=request.operation[: -1 - attacker.draws.below(8)])


def _too_long(attacker: ClientAttacker, request: Request) -> Request:
    return replace(request, operation=bytes(MAX_OPERATION_BYTES + 1))


def _crowded(attacker: ClientAttacker, request: Request) -> Request:
    """Countersigned by itself a thousand times: each would cost the receiver a verification."""
    times, own = 16 * MAX_COSIGNATURES, (attacker.party, attacker.signer.public_key)
    request = replace(request, cosignatures=(CoSignature(*own, b""),) * times)
    signature = attacker.signer.sign(request.signing_bytes)
    return replace(request, cosignatures=(CoSignature(*own, signature),) * times)


def _odd_number(attacker: ClientAttacker, request: Request) -> Request:
    return replace(request, number=ODD_NUMBERS[attacker.draws.below(len(ODD_NUMBERS))])


def _elsewhere(attacker: ClientAttacker, request: Request) -> Request:
    """Of another chain, or of an epoch, which requests have none of."""
    return (
        replace(request, chain=bytes(32)) if attacker.draws.below(2) else replace(request, epoch=3)
    )


def _nameless(attacker: ClientAttacker, request: Request) -> Request:
    return replace(request, sender="x" * (MAX_NAME + 1) if attacker.draws.below(2) else "")


def _of_a_validator(attacker: ClientAttacker, request: Request) -> Message:
    """A vote or an answer, which only validators have a say in."""
    if attacker.draws.below(2):
        return Commit(attacker.chain, 0, attacker.party, 0, request.number, request.digest)
    return Reply(attacker.chain, 0, attacker.party, 0, attacker.party, request.number, b"")


SHAPES: Final[tuple[Callable[[ClientAttacker, Request], Message], ...]] = (
    _garbage,
    _cut_short,
    _too_long,
    _crowded,
    _odd_number,
    _elsewhere,
    _nameless,
    _of_a_validator,
)
"""Ways to spoil a request, each as likely as the next."""


class Malformed(Attack):
    """Each act is a payment spoilt in one of eight ways, and signed as it then is.

    What can be ordered gets a receipt with an envelope code, and does nothing.
    """

    def act(self) -> list[Effect]:
        attacker = self.attacker
        purse = attacker.purse
        operation = attacker.transfer(purse.account or "a", attacker.pick(purse.others or ("b",)))
        request = attacker.request(self.claim(), operation)
        spoilt = SHAPES[attacker.draws.below(len(SHAPES))](attacker, request)
        return self.to_all(signed(spoilt, attacker.signer))
