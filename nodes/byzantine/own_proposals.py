"""What is common to primaries that order something else than their honest part proposed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from consensus.effects import Effect
from consensus.events import Event, Receive
from consensus.messages import (
    Batch,
    CertifiedBatch,
    Commit,
    CommitCertificate,
    Message,
    Prepare,
    PrePrepare,
)
from consensus.types import NodeId, Sequence, View
from nodes.byzantine.base import Attacker, Behaviour, rewrite

KEPT: Final = 256
"""Slots whose lie it remembers."""

_Slot = tuple[int, View, Sequence]
"""Epoch, view, sequence."""


class _Lie:
    """What was proposed at one slot in the place of the honest batch."""

    def __init__(self, proposal: PrePrepare, commit: Commit) -> None:
        self.said: Final[list[Message]] = [proposal, commit]
        self.proposal: Final = proposal
        self.votes: Final[dict[NodeId, Commit]] = {commit.sender: commit}
        self.shown = False
        """Whether the honest part knows that it was decided."""


class OwnProposals(Behaviour):
    """Every proposal of its own carries the batch that ``proposed`` makes of the honest one.

    All are told the same, so it contradicts itself nowhere. Its honest part proposed something
    else and would be left behind: it is shown what the others' COMMITs decide, as a certified
    batch, and so keeps pace.
    """

    def __init__(self, attacker: Attacker) -> None:
        super().__init__(attacker)
        self._lies: Final[dict[_Slot, _Lie]] = {}

    def proposed(self, batch: Batch) -> Batch:
        """What is proposed instead of ``batch``, which holds requests."""
        raise NotImplementedError

    def inbound(self, event: Event) -> Iterable[Event]:
        yield event
        if not isinstance(event, Receive) or not isinstance(event.message, Commit):
            return
        vote = event.message
        lie = self._lies.get((vote.epoch, vote.view, vote.sequence))
        if lie is None or lie.shown or vote.digest != lie.proposal.digest:
            return
        committee = self.attacker.committee
        lie.votes[vote.sender] = vote
        votes = tuple(lie.votes[id_] for id_ in committee.ids if id_ in lie.votes)
        if len(votes) >= committee.quorum:
            lie.shown = True
            yield Receive(event.now_us, _decided(lie.proposal, votes[: committee.quorum], vote))

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        return rewrite(effects, self._change)

    def _change(self, _to: NodeId, message: Message) -> list[Message]:
        if message.sender != self.attacker.id:
            return [message]
        if isinstance(message, PrePrepare) and message.batch is not None:
            lie = self._lie(message, message.batch)
            return [message] if lie is None else lie.said
        if isinstance(message, Prepare | Commit):
            lied = (message.epoch, message.view, message.sequence) in self._lies
            return [] if lied else [message]
        return [message]

    def _lie(self, honest: PrePrepare, batch: Batch) -> _Lie | None:
        slot = (honest.epoch, honest.view, honest.sequence)
        known = self._lies.get(slot)
        if known is not None or not batch.requests:
            return known
        other = self.proposed(batch)
        if other.digest == batch.digest:
            return None
        me = self.attacker
        proposal = me.sign(msgspec.structs.replace(honest, digest=other.digest, batch=other))
        vote = Commit(me.chain, honest.epoch, me.id, honest.view, honest.sequence, other.digest)
        while len(self._lies) >= KEPT:
            del self._lies[next(iter(self._lies))]
        lie = self._lies[slot] = _Lie(proposal, me.sign(vote))
        return lie


def _decided(proposal: PrePrepare, votes: tuple[Commit, ...], last: Commit) -> CertifiedBatch:
    """As one of the voters would send it: its certificate is all that counts."""
    assert proposal.batch is not None
    certificate = CommitCertificate(last.epoch, last.view, last.sequence, proposal.digest, votes)
    head = (last.chain, last.epoch, last.sender)
    return CertifiedBatch(*head, last.sequence, proposal.batch, certificate)
