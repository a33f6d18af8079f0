"""Lies about what it prepared, and calls for views that nobody needs."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from consensus.effects import Broadcast, Effect
from consensus.encoding import digest_of
from consensus.messages import (
    NULL_DIGEST,
    Checkpoint,
    Commit,
    Message,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    Status,
    ViewChange,
)
from consensus.types import NodeId, Sequence, View
from nodes.byzantine.base import Attacker, Behaviour, rewrite, sent

AHEAD = 10
"""How far beyond the truth a made-up stable checkpoint lies."""
SLOTS = 6
"""Slots above the stable checkpoint for which it makes certificates up."""
KEPT = 64
"""Views whose lie it remembers."""


class BogusViewChange(Behaviour):
    """Turns each own VIEW-CHANGE into a lie, and now and then, with a vote or a STATUS, calls for
    a view that nobody needs, so that its word is there when a new primary counts.

    The lies: P left out; a stable checkpoint that nobody else signed; certificates in the view
    just left for the null batch, in the place of what others may have executed, under its own
    signature alone; such certificates in which its own vote is all the voters. All are told the
    same lie, but for one in four, who is told another.
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (13, 19)

    def __init__(self, attacker: Attacker) -> None:
        super().__init__(attacker)
        self._told: dict[View, ViewChange] = {}

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        attacker = self.attacker
        done = rewrite(effects, self._lie)
        for message in sent(effects):
            if not isinstance(message, Status | Prepare | Commit):
                continue
            if attacker.draws.chance(attacker.options.chance_ppm):
                ahead = 1 if attacker.draws.chance(750_000) else 2 + attacker.draws.below(2)
                head = (attacker.chain, message.epoch, attacker.id)
                # Valid as it stands: who knows no stable checkpoint has none to prove.
                unasked = ViewChange(*head, message.view + ahead, 0, (), ())
                everybody = attacker.committee.others(attacker.id)
                done.append(Broadcast(everybody, self._unasked(unasked)))
        return done

    def _unasked(self, message: ViewChange) -> ViewChange:
        """A call for a view: a valid one, or a lie."""
        if message.view not in self._told and self.attacker.draws.chance(500_000):
            self._told[message.view] = self.attacker.sign(message)
        return self._lie_for(message)

    def _lie(self, _to: NodeId, message: Message) -> list[Message]:
        if not isinstance(message, ViewChange) or message.sender != self.attacker.id:
            return [message]
        lie = self._lie_for(message)
        return [self._invent(message) if self.attacker.draws.chance(250_000) else lie]

    def _lie_for(self, message: ViewChange) -> ViewChange:
        """The lie about its view that it sticks to."""
        if message.view not in self._told:
            while len(self._told) >= KEPT:
                del self._told[next(iter(self._told))]
            self._told[message.view] = self._invent(message)
        return self._told[message.view]

    def _invent(self, message: ViewChange) -> ViewChange:
        kind = self.attacker.draws.below(4)
        if kind == 0:
            lie = msgspec.structs.replace(message, prepared=())
        elif kind == 1:
            stable = message.stable + AHEAD
            lie = msgspec.structs.replace(
                message, stable=stable, checkpoints=self._proof(message, stable), prepared=()
            )
        else:
            first = message.stable + 1
            invented = tuple(
                self._certificate(message, sequence, alone=kind == 2)
                for sequence in range(first, first + SLOTS)
            )
            lie = msgspec.structs.replace(message, prepared=invented)
        return self.attacker.sign(lie)

    def _proof(self, message: ViewChange, stable: Sequence) -> tuple[Checkpoint, ...]:
        """As many CHECKPOINTs as it takes, all its own."""
        attacker = self.attacker
        digest = digest_of("invented", stable)
        vote = attacker.sign(Checkpoint(attacker.chain, message.epoch, attacker.id, stable, digest))
        return (vote,) * attacker.committee.quorum

    def _certificate(
        self, message: ViewChange, sequence: Sequence, *, alone: bool
    ) -> PreparedCertificate:
        """Says that the null batch was prepared in the view just left: with votes in others'
        names that it signed itself, or (``alone``) with its own repeated."""
        attacker, committee = self.attacker, self.attacker.committee
        view = message.view - 1
        head = (attacker.chain, message.epoch)
        primary = committee.primary(view)
        proposal = attacker.sign(PrePrepare(*head, primary, view, sequence, NULL_DIGEST))
        backups = [id_ for id_ in committee.ids if id_ != primary]
        voters = [attacker.id] * len(backups) if alone else backups
        votes = [attacker.sign(Prepare(*head, id_, view, sequence, NULL_DIGEST)) for id_ in voters]
        return PreparedCertificate(proposal, tuple(votes[: committee.quorum - 1]))
