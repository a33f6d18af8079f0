"""Lies about what it prepared, and calls for views that nobody needs."""

from __future__ import annotations

import msgspec

from consensus.effects import Broadcast, Effect
from consensus.encoding import digest_of
from consensus.messages import (
    Message,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    Status,
    ViewChange,
)
from consensus.types import NodeId
from nodes.byzantine.base import Behaviour, rewrite, sent


class BogusViewChange(Behaviour):
    """Turns each own VIEW-CHANGE into a lie, and now and then sends one unasked.

    The lies: P left out; a stable checkpoint without proof; a certificate for a batch that was
    never proposed, under its own signature alone; a certificate with one true voter repeated.
    """

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        attacker = self.attacker
        done = rewrite(effects, self._lie)
        for message in sent(effects):
            if isinstance(message, Status) and attacker.draws.chance(attacker.options.chance_ppm):
                unasked = ViewChange(
                    attacker.chain,
                    message.epoch,
                    attacker.id,
                    message.view + 1 + attacker.draws.below(3),
                    message.stable,
                    (),
                    (),
                )
                done.append(
                    Broadcast(attacker.committee.others(attacker.id), attacker.sign(unasked))
                )
        return done

    def _lie(self, _to: NodeId, message: Message) -> list[Message]:
        if not isinstance(message, ViewChange) or message.sender != self.attacker.id:
            return [message]
        kind = self.attacker.draws.below(4)
        if kind == 0:
            lie = msgspec.structs.replace(message, prepared=())
        elif kind == 1:
            lie = msgspec.structs.replace(message, stable=message.stable + 10, prepared=())
        elif kind == 2 or not message.prepared:
            lie = msgspec.structs.replace(message, prepared=(self._invented(message),))
        else:
            certificate = message.prepared[0]
            voter = certificate.prepares[:1] * len(certificate.prepares)
            lie = msgspec.structs.replace(
                message,
                prepared=(PreparedCertificate(certificate.pre_prepare, voter),),
            )
        return [self.attacker.sign(lie)]

    def _invented(self, message: ViewChange) -> PreparedCertificate:
        """Prepared in the view before, says it, with nobody's word but its own."""
        attacker, committee = self.attacker, self.attacker.committee
        view, sequence = message.view - 1, message.stable + 1
        digest = digest_of("invented", view, sequence)
        head = (attacker.chain, message.epoch)
        proposal = PrePrepare(*head, committee.primary(view), view, sequence, digest)
        votes = [
            attacker.sign(Prepare(*head, id_, view, sequence, digest))
            for id_ in committee.ids
            if id_ != committee.primary(view)
        ]
        return PreparedCertificate(attacker.sign(proposal), tuple(votes[: committee.quorum - 1]))
