"""What a validator answers from what it has executed: replies again, and proofs.

None of it concerns the replica, so it is asked first.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Items
from typing import Any, Final, TypeVar

from consensus.effects import Compute, Effect, Send
from consensus.limits import request_is_bounded
from consensus.messages import FetchProof, Message, Reply, Request, StateProof, signed
from consensus.pbft.answers import Answers
from consensus.protocol import ConsensusProtocol, Environment
from consensus.types import Sequence
from nodes.block import Block
from nodes.ledger.execution import Ledger
from nodes.proof_server import QUESTIONS, ProofServer

M = TypeVar("M", bound=Message)

PROOFS_PER_PARTY: Final = 4
"""Signed FETCH-PROOFs of one party that are answered per half interval, each another."""


class Responder:
    """Answers in the name of one validator, and signs for it.

    ``environment`` is what its replica was made from; ``blocks(first, last)`` gives those blocks
    of its chain that it still has, in order.
    """

    def __init__(
        self,
        environment: Environment,
        replica: ConsensusProtocol,
        ledger: Ledger,
        blocks: Callable[[Sequence, Sequence], Items[Block]],
    ) -> None:
        self._id: Final = environment.id
        self._chain: Final = environment.chain
        self._verify: Final = environment.verifier.verify
        self._replica: Final = replica
        self._ledger: Final = ledger
        further = () if environment.next_signer is None else (environment.next_signer,)
        self.signers: Final = (environment.signer, *further, *environment.later_signers)
        half_interval_us = environment.parameters.status_interval_us // 2
        self.proofs: Final = ProofServer(
            self._id, self._chain, environment.observers, half_interval_us, blocks
        )
        self._proven: Final = Answers(half_interval_us)
        """Which FETCH-PROOFs were answered."""
        self.table: Final[dict[type[Message], Callable[[Any, int], list[Effect] | None]]] = {
            Request: self._answer_again,
            FetchProof: self._prove_committees,
            **dict.fromkeys(QUESTIONS, self._prove),
        }
        """What to do with (message, local time), by type; None comes back of what is the
        replica's after all."""

    def _answer_again(self, request: Request, _now_us: int) -> list[Effect] | None:
        """The cached reply for a request that was executed (rule 30); None to go on.

        Only what is signed is worth a signature (rule 32). The key may be one that the client has
        replaced since: whoever lost the reply to that very request still signs with the old one.
        """
        result = self._ledger.cached_reply(request.sender, request.number)
        if result is None:
            return None
        if request.chain != self._chain or not request_is_bounded(request):
            return []
        payload = request.signing_bytes
        if not self._verify(request.public_key, payload, request.signature):
            return [Compute(verifications=1)]
        return [self.reply(request, result), Compute(signatures=1, verifications=1)]

    def _prove_committees(self, question: FetchProof, now_us: int) -> list[Effect]:
        """Rule 29: a party of the ledger may ask who validates now, and so may an observer."""
        party = self._ledger.get("party", question.sender)
        since = getattr(self._replica, "states_since", None)
        if since is None or question.chain != self._chain:
            return []
        to, verifications = question.reply_to, 1
        if not question.signature:
            if not self.proofs.may_ask(question, now_us):
                return []
            to, verifications = question.sender, 0
        elif party is None:
            return []
        elif not self._verify(party.public_key, question.signing_bytes, question.signature):
            return [Compute(verifications=1)]
        what = (question.epoch, to)
        limit = PROOFS_PER_PARTY
        if question.signature and not self._proven.allow(question.sender, what, now_us, limit):
            return [Compute(verifications=verifications)]
        states = since(question.epoch)
        if not states:
            return [Compute(verifications=verifications)] if verifications else []
        proof = StateProof(self._chain, self._replica.committee.epoch, self._id, states)
        cost = Compute(signatures=1, verifications=verifications)
        return [Send(to, self.signed(proof)), cost]

    def _prove(self, question: Message, now_us: int) -> list[Effect]:
        """Rule 29: what a light observer wants to see, with its proof."""
        answer = self.proofs.answer(question, self._replica.committee.epoch, now_us)
        if answer is None:
            return []
        return [Send(question.sender, self.signed(answer)), Compute(signatures=1)]

    def reply(self, request: Request, result: bytes) -> Send:
        """REPLY, to the client."""
        reply = Reply(
            self._chain,
            self._replica.committee.epoch,
            self._id,
            self._replica.view,
            request.sender,
            request.number,
            result,
        )
        return Send(request.sender, self.signed(reply))

    def signed(self, message: M) -> M:
        """``message`` under the key that the committee in force holds for this validator; who is
        no member signs nothing, and what it serves proves itself (rule 29)."""
        committee = self._replica.committee
        for signer in self.signers:
            if committee.holds(self._id, signer.public_key):
                return signed(message, signer)
        return message
