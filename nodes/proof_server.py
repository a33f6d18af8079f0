"""What a validator tells light observers: headers, receipts and balances with their proofs.

Nobody needs to believe it (PBFT rule 29), so whoever is configured as an observer may ask,
unsigned. Each gets each thing once per half status interval, a bounded number of things, and
each of a bounded size (rule 32).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Sequence as Items
from typing import Any, Final

from consensus.encoding import encode
from consensus.limits import MAX_NAME
from consensus.messages import (
    BalanceProof,
    FetchBalance,
    FetchHeaders,
    FetchReceipts,
    Headers,
    Message,
    ReceiptEvidence,
    ReceiptProof,
)
from consensus.pbft.answers import Answers
from consensus.types import NodeId, Sequence
from nodes.block import Block
from nodes.ledger.state import key_bytes
from nodes.light_proofs import evidence_of
from nodes.state_tree import StateTree

QUESTIONS: Final[tuple[type[Message], ...]] = (FetchHeaders, FetchReceipts, FetchBalance)
"""What only light observers ask."""
QUESTIONS_PER_INTERVAL: Final = 64
"""Answers that one observer gets within half a status interval."""
MAX_HEADERS: Final = 64
"""Headers in one answer, and blocks that are searched for receipts for one."""
MAX_RECEIPTS: Final = 64
"""Receipts in one answer, unless a single block has more that concern the subject."""

TREES_KEPT: Final = 16
"""Checkpoints whose balances can be asked for, the newest."""


class ProofServer:
    """Answers the questions of ``observers`` from what one validator executed.

    ``blocks(first, last)`` gives those of them that it still has, in order. Answers are made in
    the name ``id_``, unsigned.
    """

    def __init__(
        self,
        id_: NodeId,
        chain: bytes,
        observers: Iterable[NodeId],
        interval_us: int,
        blocks: Callable[[Sequence, Sequence], Items[Block]],
    ) -> None:
        self._id: Final = id_
        self._chain: Final = chain
        self._observers: Final = frozenset(observers)
        self._blocks: Final = blocks
        self._answers: Final = Answers(interval_us)
        self._trees: Final[dict[Sequence, StateTree]] = {}
        self._table: Final[dict[type[Message], Callable[[int, Any], Message]]] = {
            FetchHeaders: self._headers,
            FetchReceipts: self._receipts,
            FetchBalance: self._balance,
        }

    def keep(self, sequence: Sequence, tree: StateTree) -> None:
        """``tree`` is the state after checkpoint ``sequence``: trees share what didn't change."""
        self._trees.pop(sequence, None)
        self._trees[sequence] = tree
        if len(self._trees) > TREES_KEPT:
            del self._trees[next(iter(self._trees))]

    def may_ask(self, question: Message, now_us: int) -> bool:
        """Whether to answer: an observer's question of this chain, and not too many of them."""
        if question.sender not in self._observers or question.chain != self._chain:
            return False
        what = (question.TYPE, question.epoch, question.body())
        return self._answers.allow(question.sender, what, now_us, QUESTIONS_PER_INTERVAL)

    def answer(self, question: Message, epoch: int, now_us: int) -> Message | None:
        """The answer to one of ``QUESTIONS``, to be signed and sent to who asked; None for none.

        What this validator doesn't have (yet, or any more) is answered with no headers, no blocks
        read, or the balance of an empty tree: others may have it.
        """
        if isinstance(question, FetchReceipts | FetchBalance) and not _named(question):
            return None
        if not self.may_ask(question, now_us):
            return None
        return self._table[type(question)](epoch, question)

    def _headers(self, epoch: int, question: FetchHeaders) -> Message:
        first = max(question.first, question.last - MAX_HEADERS + 1)
        blocks = self._between(first, question.last)
        if blocks and blocks[-1].header.height != question.last:
            blocks = ()
        headers = tuple(encode(block.header) for block in blocks)
        return Headers(self._chain, epoch, self._id, question.last, headers)

    def _receipts(self, epoch: int, question: FetchReceipts) -> Message:
        last = min(question.last, question.first + MAX_HEADERS - 1)
        through = question.first - 1
        found: list[ReceiptEvidence] = []
        for block in self._between(question.first, last):
            if block.header.height != through + 1:
                break  # the beginning is gone from the store
            evidence = evidence_of(block, question.subject)
            if found and len(found) + len(evidence) > MAX_RECEIPTS:
                break
            found.extend(evidence)
            through += 1
        head = (self._chain, epoch, self._id, question.first, through, question.subject)
        return ReceiptProof(*head, tuple(found))

    def _balance(self, epoch: int, question: FetchBalance) -> Message:
        tree = self._trees.get(question.sequence, StateTree())
        key = key_bytes(("balance", question.account, question.asset))
        proof = tree.prove(key)
        levels = tuple((level.bitmap, level.others) for level in proof.levels)
        head = (self._chain, epoch, self._id, question.sequence, question.account, question.asset)
        return BalanceProof(*head, tree.find(key) or b"", levels, proof.neighbour)

    def _between(self, first: Sequence, last: Sequence) -> Items[Block]:
        return self._blocks(max(1, first), last) if last >= max(1, first) else ()


def _named(question: FetchReceipts | FetchBalance) -> bool:
    """Whether its names are of a bounded length."""
    names = (
        (question.subject,)
        if isinstance(question, FetchReceipts)
        else (question.account, question.asset)
    )
    return all(len(name) <= MAX_NAME for name in names)
