"""A consensus protocol in one page, and wrong: propose, vote, decide on a quorum of votes.

When a leader takes too long, everybody moves on to the next view and *forgets what it voted for*.
So the next leader may propose something else for a slot that somebody has decided.
"""

from consensus.effects import Broadcast, Deliver, Effect, Milestone, SetTimer
from consensus.events import Boot, Event, Executed, Receive, TimerFired
from consensus.messages import Batch, Commit, CommitCertificate, PrePrepare, Request, signed
from consensus.protocol import Environment


class TwoPhase:
    """Implements ``consensus.protocol.ConsensusProtocol``."""

    def __init__(self, environment: Environment) -> None:
        self.env = environment
        self.committee = environment.committee
        self.view = self.executed = self.stable = self.now_us = 0
        self.active = True
        self.proposal: PrePrepare | None = None
        self.votes: dict[bytes, dict[str, Commit]] = {}

    def handle(self, event: Event) -> list[Effect]:
        """Takes an event, says what to do."""
        self.now_us = event.now_us
        match event:
            case Boot(blocks=blocks):
                self.executed = len(blocks)
                return [self._timer()]
            case Receive(message=Request() as request) if self._authentic(request):
                self.env.pool.add(request)
                return self._propose()
            case Receive(message=PrePrepare() as proposal) if self._authentic(proposal):
                return self._on_proposal(proposal)
            case Receive(message=Commit() as vote) if self._authentic(vote):
                return self._on_vote(vote)
            case TimerFired():
                return self._next_view() if self.env.pool.oldest() else [self._timer()]
            case Executed(sequence=sequence):
                self.executed = sequence
                return [self._timer(), *self._propose()]
        return []

    def _authentic(self, message: Request | PrePrepare | Commit) -> bool:
        keys = {member.id: member.public_key for member in self.committee.members}
        key = message.public_key if isinstance(message, Request) else keys.get(message.sender, b"")
        return self.env.verifier.verify(key, message.signing_bytes, message.signature)

    def _timer(self) -> Effect:
        return SetTimer(("view",), self.env.parameters.view_change_timeout_us)

    def _propose(self) -> list[Effect]:
        leads = self.committee.primary(self.view) == self.env.id and self.proposal is None
        requests = self.env.pool.select(self.env.parameters.block_max_txs) if leads else ()
        if not requests:
            return []
        batch = Batch(self.now_us, requests)
        slot = (self.env.chain, 0, self.env.id, self.view, self.executed + 1, batch.digest)
        proposal = signed(PrePrepare(*slot, batch=batch), self.env.signer)
        return [Broadcast(self.committee.others(self.env.id), proposal), *self._vote(proposal)]

    def _on_proposal(self, proposal: PrePrepare) -> list[Effect]:
        leader = self.committee.primary(proposal.view)
        stale = proposal.view < self.view or proposal.sequence != self.executed + 1
        if stale or proposal.sender != leader:
            return []
        if proposal.view > self.view:
            self.view, self.proposal = proposal.view, None  # the mistake: no vote is carried over
        return self._vote(proposal) if self.proposal is None else []

    def _vote(self, proposal: PrePrepare) -> list[Effect]:
        self.proposal = proposal
        slot = (proposal.view, proposal.sequence, proposal.digest)
        vote = signed(Commit(self.env.chain, 0, self.env.id, *slot), self.env.signer)
        return [Broadcast(self.committee.others(self.env.id), vote), *self._on_vote(vote)]

    def _on_vote(self, vote: Commit) -> list[Effect]:
        votes = self.votes.setdefault(vote.digest, {})
        votes[vote.sender] = vote
        proposal = self.proposal
        if proposal is None or proposal.batch is None or proposal.digest != vote.digest:
            return []
        if len(votes) < self.committee.quorum:
            return []
        self.proposal = None
        self.env.pool.remove(proposal.batch.requests)
        view, sequence, digest = proposal.view, proposal.sequence, proposal.digest
        commits = tuple(votes.pop(id_) for id_ in self.committee.ids if id_ in votes)
        proof = CommitCertificate(0, view, sequence, digest, commits[: self.committee.quorum])
        return [
            Milestone("committed", view, sequence, digest),
            Deliver(sequence, view, proposal.batch, proof),
        ]

    def _next_view(self) -> list[Effect]:
        self.view, self.proposal = self.view + 1, None  # the mistake, once more
        self.env.pool.release_selected()
        return [Milestone("new-view-entered", self.view), self._timer(), *self._propose()]
