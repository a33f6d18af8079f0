"""A client: signs requests, sends them, and believes what f+1 validators say alike (rule 31).

A request goes to the primary first; when replies are missing after ``retransmit_us``, to every
validator (rule 21), at intervals that double. Numbers count from 1, and no two outstanding ones
lie ``window`` or more apart, because validators forget what is below a client's window (rule
30). What doesn't fit yet waits in the order of submission.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Final

import msgspec

from consensus.configurations import Configurations
from consensus.crypto import Signer, Verifier
from consensus.effects import Broadcast, CancelTimer, Compute, Effect, Send, SetTimer, TimerKey
from consensus.elapsed import Elapsed
from consensus.events import Event, Receive, Submit, TimerFired
from consensus.messages import CoSignature, FetchProof, Reply, Request, StateProof, signed
from consensus.types import Committee, NodeId, View
from nodes.effects import RequestFinal, RequestSigned

RETRANSMIT: Final[TimerKey] = ("retransmit",)
"""The one timer of a client: due when the first outstanding request is."""
MOST_DOUBLINGS: Final = 1
"""The retransmission interval stops growing at twice the first: how long a client may sleep
after a heal is part of the bound within which its requests must be final."""
QUEUE_LIMIT: Final = 65_536
"""Submissions that may wait for the window to move; further ones are refused."""


LATER_REPLIES: Final = 512
"""Replies of a later epoch kept for one request: as many as the largest committee has members."""


class _Outstanding:
    """A request on its way, and who has answered what."""

    __slots__ = ("answers", "due_us", "later", "request", "sent", "views")

    def __init__(self, request: Request, due_us: int) -> None:
        self.request = request
        self.due_us = due_us
        self.sent = 1
        self.answers: dict[NodeId, bytes] = {}
        """Each validator's first answer; a later one never replaces it (rule 32)."""
        self.views: dict[NodeId, View] = {}
        self.later: dict[NodeId, Reply] = {}
        """Replies of an epoch whose committee isn't proven here yet, by who claims to send them."""


class Client:
    """Implements ``nodes.node.Node`` for a party that sends transactions.

    ``id`` is the node's name, ``party`` the ledger's name for it (``Request.sender``).
    ``cosigners`` are the signers of the parties that countersign when ``Submit`` names them: a
    signing ceremony that takes no network. ``retransmit_us`` is in local clock.
    """

    def __init__(
        self,
        id: NodeId,  # noqa: A002
        party: str,
        chain: bytes,
        committee: Committee,
        signer: Signer,
        cosigners: Mapping[str, Signer],
        verifier: Verifier,
        retransmit_us: int,
        window: int,
    ) -> None:
        assert retransmit_us > 0, "a client that never waits floods"
        assert window > 0, "a client without a window sends nothing"
        self._id: Final = id
        self._party: Final = party
        self._chain: Final = chain
        self._configurations: Final = Configurations(committee, chain, verifier)
        self._signer: Final = signer
        self._cosigners: Final = cosigners
        self._verifier: Final = verifier
        self._retransmit_us: Final = retransmit_us
        self._window: Final = window
        self._elapsed: Final = Elapsed()
        self._view: View = 0
        self._next_number = 1
        self._queued: deque[Submit] = deque()
        self._outstanding: dict[int, _Outstanding] = {}
        self._timer_due_us: int | None = None

    @property
    def committee(self) -> Committee:
        """The newest that was proven to this client (rule 29)."""
        return self._configurations.newest

    @property
    def submitted(self) -> int:
        """Requests signed so far."""
        return self._next_number - 1

    def claim_number(self) -> int:
        """The next request number: whoever asks uses it, and this client doesn't."""
        self._next_number += 1
        return self._next_number - 1

    @property
    def id(self) -> NodeId:
        """The node's name on the network."""
        return self._id

    @property
    def party(self) -> str:
        """The ledger's name for this client."""
        return self._party

    @property
    def outstanding(self) -> int:
        """Submissions that aren't final yet, those that wait for the window included."""
        return len(self._outstanding) + len(self._queued)

    def waits_for(self) -> str:
        """What is missing, in words, for the report of a stall."""
        if not self._outstanding:
            return "nothing"
        number, first = next(iter(self._outstanding.items()))
        return (
            f"{self.committee.weak_quorum} equal replies to request {number}, holds "
            f"{len(first.answers)} after sending {first.sent} times; "
            f"{self.outstanding} submissions are open"
        )

    def handle(self, event: Event) -> list[Effect]:
        """Submit, Receive or TimerFired in; effects out, in order."""
        now_us = self._elapsed.at(event.now_us)
        match event:
            case Receive(message=Reply() as reply):
                return self._on_reply(reply, now_us)
            case Receive(message=StateProof() as proof):
                return self._on_state_proof(proof, now_us)
            case Submit():
                if len(self._queued) >= QUEUE_LIMIT:
                    return []
                self._queued.append(event)
                return self._send_queued(now_us)
            case TimerFired(key=key) if key == RETRANSMIT:
                return self._retransmit(now_us)
            case _:
                return []

    def _send_queued(self, now_us: int) -> list[Effect]:
        """Signs and sends what the window has room for."""
        effects: list[Effect] = []
        while self._queued and self._has_room():
            submit = self._queued.popleft()
            request, signatures = self._sign(submit)
            self._next_number += 1
            self._outstanding[request.number] = _Outstanding(request, now_us + self._retransmit_us)
            effects += (
                Compute(signatures=signatures),
                RequestSigned(request),
                Send(self.committee.primary(self._view), request),
            )
        due_us = now_us + self._retransmit_us
        if effects and (self._timer_due_us is None or due_us < self._timer_due_us):
            self._timer_due_us = due_us
            effects.append(SetTimer(RETRANSMIT, self._retransmit_us))
        return effects

    def _has_room(self) -> bool:
        oldest = next(iter(self._outstanding), self._next_number)
        return self._next_number - oldest < self._window

    def _sign(self, submit: Submit) -> tuple[Request, int]:
        request = Request(
            chain=self._chain,
            epoch=0,
            sender=self._party,
            number=self._next_number,
            operation=submit.operation,
            public_key=self._signer.public_key,
            # A countersigner whose key isn't here is left out: the ledger says what is missing.
            cosignatures=tuple(
                CoSignature(party, self._cosigners[party].public_key, b"")
                for party in submit.cosigners
                if party in self._cosigners
            ),
        )
        payload = request.signing_bytes
        cosignatures = tuple(
            msgspec.structs.replace(c, signature=self._cosigners[c.party].sign(payload))
            for c in request.cosignatures
        )
        request = msgspec.structs.replace(request, cosignatures=cosignatures)
        return signed(request, self._signer), 1 + len(cosignatures)

    def _on_reply(self, reply: Reply, now_us: int) -> list[Effect]:
        """Counts a distinct validator's verified answer; f+1 equal ones make it final."""
        open_ = self._outstanding.get(reply.number)
        if open_ is None or reply.client != self._party or reply.chain != self._chain:
            return []
        if reply.epoch > self.committee.epoch:
            return self._ask_for_committees(open_, reply)
        if (
            reply.epoch != self.committee.epoch
            or reply.sender not in self.committee
            or reply.sender in open_.answers
        ):
            return []
        effects: list[Effect] = [Compute(verifications=1)]
        key = self.committee.public_key(reply.sender)
        if not self._verifier.verify(key, reply.signing_bytes, reply.signature):
            return effects
        open_.answers[reply.sender] = reply.result
        open_.views[reply.sender] = reply.view
        agreeing = [who for who, result in open_.answers.items() if result == reply.result]
        if len(agreeing) < self.committee.weak_quorum:
            return effects
        # One of these is honest, so the lowest of their views is no higher than a real one.
        self._view = max(self._view, min(open_.views[who] for who in agreeing))
        del self._outstanding[reply.number]
        request = open_.request
        effects.append(RequestFinal(self._id, reply.number, reply.result, request.digest))
        effects += self._send_queued(now_us)
        if not self._outstanding:
            self._timer_due_us = None
            effects.append(CancelTimer(RETRANSMIT))
        return effects

    def _ask_for_committees(self, open_: _Outstanding, reply: Reply) -> list[Effect]:
        """Another committee answers: keep what it says, and have the change proven."""
        if len(open_.later) >= LATER_REPLIES or reply.sender in open_.later:
            return []
        open_.later[reply.sender] = reply
        question = FetchProof(self._chain, self.committee.epoch, self._party, self._id)
        return [Compute(signatures=1), Send(reply.sender, signed(question, self._signer))]

    def _on_state_proof(self, proof: StateProof, now_us: int) -> list[Effect]:
        """Follow the committees that a quorum of each one before proves (rule 29)."""
        effects: list[Effect] = []
        verifications = 0
        for certified in proof.states:
            if certified.state.epoch != self.committee.epoch + 1:
                continue
            verifications += len(certified.proof)
            if len(certified.proof) > self.committee.n:
                break
            if not self._configurations.is_valid(certified):
                break
            self._configurations.learn(certified)
            effects += self._count_again(now_us)
        if verifications:
            effects.append(Compute(verifications=verifications))
        return effects

    def _count_again(self, now_us: int) -> list[Effect]:
        """A committee was proven: what it said already counts, what the last one said doesn't."""
        effects: list[Effect] = []
        self._view = 0
        for open_ in list(self._outstanding.values()):
            later = open_.later
            open_.answers, open_.views, open_.later = {}, {}, {}
            for reply in later.values():
                if reply.epoch > self.committee.epoch:
                    open_.later[reply.sender] = reply
                else:
                    effects += self._on_reply(reply, now_us)
        return effects

    def _retransmit(self, now_us: int) -> list[Effect]:
        """Sends everything overdue to all validators, and looks again when the next one is due."""
        effects: list[Effect] = []
        behind = False
        for open_ in self._outstanding.values():
            if open_.due_us <= now_us:
                interval_us = self._retransmit_us << min(open_.sent, MOST_DOUBLINGS)
                open_.due_us = now_us + interval_us
                open_.sent += 1
                effects.append(Broadcast(self.committee.ids, open_.request))
                behind = behind or bool(open_.later)
        if behind:  # a question or its answer was lost, or led only part of the way
            question = FetchProof(self._chain, self.committee.epoch, self._party, self._id)
            effects.append(Compute(signatures=1))
            effects.append(Broadcast(self.committee.ids, signed(question, self._signer)))
        self._timer_due_us = min((o.due_us for o in self._outstanding.values()), default=None)
        if self._timer_due_us is not None:
            effects.append(SetTimer(RETRANSMIT, max(1, self._timer_due_us - now_us)))
        return effects
