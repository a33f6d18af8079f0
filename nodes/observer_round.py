"""One step of a light observer: from the block that it believes to a newer certified one.

A round gathers what validators answer, in this order: the headers between the two, the balances
after the newer one, the receipts of the blocks between. Each ``add`` says what is wrong with an
answer, and takes nothing of one that is wrong. Nothing counts before the round is over.

A balance and a receipt are proven each by itself; that no receipt was left out follows from both:
what an account held, and what its receipts moved, is what it holds. (A receipt that moved
nothing, or several whose movements cancel out, can be kept from an observer; never changed.)
"""

from __future__ import annotations

from typing import Final

from consensus.messages import BalanceProof, CertifiedState, Headers, ReceiptProof
from consensus.types import Digest, NodeId, Sequence
from nodes.block import Header
from nodes.ledger.receipts import Receipt
from nodes.ledger.records import Balance
from nodes.light_proofs import balance_under, chained, concerns, receipt_under
from nodes.proof_server import MAX_HEADERS
from nodes.state_tree import EMPTY_ROOT

MAX_GAP: Final = 1024
"""Blocks that one round links up; of those further back the receipts are given up."""
PARTITIONS: Final = ("free", "reserved", "frozen")

Holdings = dict[tuple[str, str], Balance]
"""What is held by (account, asset)."""


class Anchor:
    """What is believed so far: a block, and balances after it. Height 0 is genesis."""

    __slots__ = ("balances", "hash", "height", "time_us")

    def __init__(self, height: Sequence, hash_: Digest, time_us: int | None) -> None:
        self.height: Final = height
        self.hash: Final = hash_
        self.time_us: Final = time_us
        """Block time; None at genesis, whose age nobody judges."""
        self.balances: Holdings = {}


class Round:
    """Gathers what leads from ``anchor`` to ``target``."""

    def __init__(
        self, anchor: Anchor, target: CertifiedState, watch: tuple[str, ...], assets: list[str]
    ) -> None:
        self.target: Final = target
        self.headers: Final[dict[Sequence, Header]] = {}
        self.balances: Final[Holdings] = {}
        self.receipts: Final[dict[str, list[Receipt]]] = {}
        self.wanted: list[tuple[str, str]] = [(name, asset) for name in watch for asset in assets]
        """Balances still to ask for."""
        self.unread: list[str] = list(watch)
        """Subjects whose receipts are still to be had."""
        self._anchor: Final = anchor
        self.lowest: Sequence = max(anchor.height + 1, target.sequence - MAX_GAP + 1)
        """The block down to which headers are wanted; higher if nobody has that one any more."""
        self.read: Sequence = 0
        """The block up to which the receipts of ``unread[0]`` are read."""
        self.readers: list[NodeId] = []
        """Who gave those."""

    # -- headers -------------------------------------------------------------------------

    @property
    def tip(self) -> Header:
        """The target's header."""
        return self.headers[self.target.sequence]

    @property
    def top(self) -> Sequence:
        """The highest block whose header is missing; below ``lowest`` if none is."""
        return self.target.sequence - len(self.headers)

    @property
    def expected(self) -> Digest:
        """What the header of block ``top`` must hash to."""
        above = self.headers.get(self.top + 1)
        return self.target.state.header_hash if above is None else above.parent

    @property
    def first(self) -> Sequence:
        """The lowest block to ask for at once."""
        return max(self.lowest, self.top - MAX_HEADERS + 1)

    def add_headers(self, answer: Headers) -> str:
        """Take the headers up to ``top``. Returns what is wrong with them."""
        if len(answer.headers) > self.top - self.first + 1:
            return "more headers than were asked for"
        headers = chained(answer.headers, self.top, self.expected)
        if headers is None:
            return "headers that the certified one doesn't chain back to"
        self.headers.update((header.height, header) for header in headers)
        return ""

    @property
    def contradicts(self) -> bool:
        """Whether the chain goes back past what is believed already without meeting it: then
        quorums signed two histories."""
        low = self.headers.get(self._anchor.height + 1)
        return low is not None and low.parent != self._anchor.hash

    @property
    def skipped(self) -> int:
        """Blocks between anchor and target whose headers nobody had."""
        return self.target.sequence - self._anchor.height - len(self.headers)

    # -- balances ------------------------------------------------------------------------

    @property
    def is_empty(self) -> bool:
        """Whether nobody at all has anything: then absence needs no branches."""
        return self.tip.state_root == EMPTY_ROOT

    def add_balance(self, answer: BalanceProof) -> str:
        """Take the first of ``wanted``. Returns what is wrong with it."""
        balance = balance_under(self.tip, answer)
        if balance is None:
            return f"a balance of {answer.account} that the state root doesn't hold"
        self.balances[self.wanted.pop(0)] = balance
        return ""

    # -- receipts ------------------------------------------------------------------------

    @property
    def from_block(self) -> Sequence:
        """The first block to ask for, of the receipts of ``unread[0]``."""
        return max(self.read, self.top) + 1

    def add_receipts(self, answer: ReceiptProof) -> str:
        """Take receipts of ``unread[0]``. Returns what is wrong with them."""
        subject = self.unread[0]
        found: list[Receipt] = []
        place = (self.from_block, -1)
        for evidence in answer.receipts:
            header = self.headers.get(evidence.height)
            if header is None or evidence.height > answer.through:
                return "a receipt of a block that wasn't asked for"
            if (evidence.height, evidence.leaf) <= place:
                return "receipts out of order"
            place = evidence.height, evidence.leaf
            proven = receipt_under(header, evidence)
            if proven is None:
                return "a receipt that isn't under its block's roots"
            if not concerns(proven.receipt, subject):
                return f"a receipt that doesn't concern {subject}"
            found.append(proven.receipt)
        self.receipts.setdefault(subject, []).extend(found)
        self.readers.append(answer.sender)
        self.read = answer.through
        if self.read < self.target.sequence:
            return ""
        if not self._adds_up(subject):
            self.read_again()
            return f"not all receipts of {subject}: what they moved isn't what it has now"
        self.unread.pop(0)
        self.read = 0
        self.readers.clear()
        return ""

    def read_again(self) -> None:
        """Forget the receipts of ``unread[0]``."""
        self.receipts.pop(self.unread[0], None)
        self.read = 0
        self.readers.clear()

    def _adds_up(self, account: str) -> bool:
        """Whether the receipts explain every balance that is known before and after."""
        if self.skipped:
            return True
        for (name, asset), after in self.balances.items():
            before = self._anchor.balances.get((name, asset))
            if name != account or before is None:
                continue
            moved = dict.fromkeys(PARTITIONS, 0)
            for receipt in self.receipts[account]:
                for posting in receipt.postings:
                    if (posting.account, posting.asset) == (account, asset):
                        moved[posting.partition] = moved.get(posting.partition, 0) + posting.delta
            if any(
                getattr(before, partition) + moved[partition] != getattr(after, partition)
                for partition in PARTITIONS
            ):
                return False
        return True

    # -- the end -------------------------------------------------------------------------

    def end(self) -> Anchor:
        """What is believed from now on."""
        anchor = Anchor(self.target.sequence, self.tip.hash, self.tip.time_us)
        anchor.balances.update(self.balances)
        return anchor

    def assets(self) -> list[str]:
        """The assets that the receipts moved."""
        return sorted(
            {
                posting.asset
                for subject, receipts in self.receipts.items()
                for receipt in receipts
                for posting in receipt.postings
                if posting.account == subject
            }
        )
