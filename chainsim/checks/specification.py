"""Specification: every step of every honest validator is one that the rules of PBFT allow.

Reads the trace, and what arrives where, to ``chainsim.specification``, which shares no code with
the replicas. Only this file knows both the records of a run and the words of the specification.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from chainsim.checks.base import Check
from chainsim.checks.context import CheckContext
from chainsim.checks.lived_order import LivedOrder
from chainsim.checks.messages_told import Translation, checkpoint_statement, statement, votes_of
from chainsim.specification import (
    Block,
    Facts,
    Request,
    Specification,
    Statement,
)
from chainsim.specification.duties import (
    owes_execution,
    owes_forwarding,
    owes_joining,
    owes_new_view,
    owes_opening,
    owes_view_change,
)
from chainsim.specification.facts import Validator
from chainsim.trace import (
    Accused,
    Executed,
    Installed,
    MessageMoved,
    NodeChanged,
    Reached,
    Record,
    Signed,
    Submitted,
    TimerExpired,
    Withheld,
)
from chainsim.trace import Final as Confirmed
from consensus.messages import NULL_DIGEST
from nodes.ledger.receipts import EPOCH_END, VALIDATOR_REMOVAL

VALIDATOR_UPDATE: Final = "VALIDATOR_UPDATE"
_VOTES: Final = frozenset(("pre-prepare", "prepare", "commit"))


class FollowsSpecification(Check):
    """The first step that no rule allows, if there is one; the run is not judged beyond it."""

    name = "specification"
    subscribes = (
        MessageMoved,
        Signed,
        Reached,
        Executed,
        Installed,
        NodeChanged,
        TimerExpired,
        Submitted,
        Confirmed,
        Accused,
        Withheld,
    )

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._facts: Final = Facts(
            context.committee.ids,
            context.honest,
            context.parameters.checkpoint_interval,
            context.parameters.window,
            NULL_DIGEST,
        )
        self._specification: Final = Specification(self._facts)
        self._validators: Final = self._facts.validators
        self._parties: Final = frozenset(context.clients.values())
        self._steps = 0
        self._over = False
        self._read: Final[dict[type[Record], Callable[[Any], None]]] = {
            MessageMoved: self._moved,
            Signed: self._signed,
            Reached: self._reached,
            Executed: self._executed,
            Installed: self._installed,
            NodeChanged: self._changed,
            TimerExpired: self._timer,
            Submitted: self._submitted,
            Confirmed: self._confirmed,
            Accused: self._accused,
        }
        self._translated: Final = Translation()
        self._order: Final = LivedOrder(self._take)
        self._now_us = 0
        """Of the trace: what is read late reminds from now on, as what it is owed waits too."""

    def on_record(self, record: Record) -> None:
        if not self._over:
            self._now_us = record.at_us
            self._order.take(record)

    def _take(self, record: Record) -> None:
        if not self._over:
            self._read[type(record)](record)

    def _judge(self, record: Record, sequence: int, fault: str) -> None:
        self._steps += 1
        if fault:
            self._over = True
            self.fail(record.at_us, record.node, sequence, fault)

    # -- what validators reach --------------------------------------------------------------

    def _reached(self, record: Reached) -> None:
        node = self._validators.get(record.node)
        if node is None:
            return
        rules, event, sequence = self._specification, record.event, record.sequence
        where = (node, record.view, sequence, record.digest)
        if event == "pre-prepare-accepted":
            self._judge(record, sequence, rules.accepts(*where))
        elif event == "prepared":
            self._judge(record, sequence, rules.prepares(*where))
        elif event == "committed":
            self._judge(record, sequence, rules.commits(*where))
        elif event == "view-change-started":
            self._judge(record, sequence, rules.leaves(node, record.view))
        elif event == "new-view-entered":
            self._judge(record, sequence, rules.enters(node, record.view))
        elif event == "checkpoint-stable":
            self._judge(record, sequence, rules.stabilises(node, sequence, record.digest))
        elif event == "epoch-entered":
            self._judge(record, sequence, rules.changes_epoch(node, sequence))
        elif event == "halted":
            self._judge(record, sequence, rules.halts(node, record.cause))
        elif event in ("state-transfer-started", "state-transferred"):
            node.stopped = event == "state-transfer-started"

    def _executed(self, record: Executed) -> None:
        node, block = self._validators.get(record.node), record.block
        if node is None or block is None:
            return
        header = block.header
        known = header.hash in self._facts.states
        told = Block(
            header.height,
            header.parent,
            header.batch_digest,
            header.hash,
            record.state_root,
            record.reply_root,
            votes_of(block.certificate),
            block.certificate.view,
            () if known else self._requests(block),
            any(_changes_committee(r) for r in (*block.receipts, *block.system_receipts)),
            _successors(block.system_receipts),
        )
        fault = self._specification.executes(node, told, record.replayed)
        self._judge(record, header.height, fault)

    def _requests(self, block: Any) -> tuple[Request, ...]:
        return tuple(
            Request(
                request.sender,
                request.number,
                receipt.code,
                request.sender in self._parties,
                request.digest in self._facts.submitted,
            )
            for request, receipt in zip(block.batch.requests, block.receipts, strict=False)
        )

    def _installed(self, record: Installed) -> None:
        node = self._validators.get(record.node)
        if node is not None:
            roots = (record.state_root, record.reply_root)
            told = (node, record.sequence, record.header_hash, roots)
            self._judge(record, record.sequence, self._specification.takes_over(*told))

    def _changed(self, record: NodeChanged) -> None:
        node = self._validators.get(record.node)
        if node is None:
            return
        node.owes.clear()  # it may have stood still
        if record.state == "up":
            node.restarted()
            node.stopped = False

    def _timer(self, record: TimerExpired) -> None:
        node = self._validators.get(record.node)
        if node is not None:
            self._specification.timer(node, record.key)

    def _accused(self, record: Accused) -> None:
        if record.node in self._validators:
            self._judge(record, 0, self._specification.accuses(record.culprit))

    # -- clients ------------------------------------------------------------------------------

    def _submitted(self, record: Submitted) -> None:
        self._facts.submitted.add(record.digest)

    def _confirmed(self, record: Confirmed) -> None:
        if record.node in self.context.clients:
            told = (record.node, record.number, record.result)
            self._judge(record, 0, self._specification.believes(*told))

    # -- what is said and heard -----------------------------------------------------------------

    def _signed(self, record: Signed) -> None:
        node = self._validators.get(record.node)
        if node is not None:
            said = (record.type, record.epoch, record.view, record.sequence, record.digest)
            self._judge(record, record.sequence, self._specification.says(node, *said))

    def _moved(self, record: MessageMoved) -> None:
        node, kind = self._validators.get(record.node), record.type
        if record.what == "delivered":
            if node is not None:
                self._delivered(node, kind, record.message)
                self._remind(record, node, record.message)
            elif kind == "reply" and record.node in self.context.clients:
                self._answered(record.node, record.message)
        elif record.what == "sent" and node is not None:
            message: Any = record.message
            self._done(node, kind, record.peer, message)
            if message.sender != record.node:
                return
            if kind == "commit":
                self._commit_sent(node.name, statement(kind, message), message.signature)
            elif kind == "certified-batch":
                for vote in votes_of(message.certificate):
                    if vote[0] == node.name:
                        self._commit_sent(*vote)
            if kind == "view-change":
                told = self._translated.view_change(message)
                self._judge(record, 0, self._specification.sends_view_change(node, told))
            elif kind == "new-view":
                order = self._translated.new_view(message)
                self._judge(record, 0, self._specification.sends_new_view(node, order))

    def _commit_sent(self, signer: str, said: Statement, signature: bytes) -> None:
        self._facts.sent.setdefault((signer, said), set()).add(signature)

    def _delivered(self, node: Any, kind: str, message: Any) -> None:
        rules = self._specification
        if kind in _VOTES:
            rules.hears(node, message.sender, statement(kind, message))
        elif kind == "checkpoint":
            self._hears_checkpoint(node, message)
        elif kind == "view-change":
            rules.hears_view_change(node, self._translated.view_change(message))
        elif kind == "new-view":
            rules.hears_new_view(node, self._translated.new_view(message))
        elif kind == "state-proof":
            for certified in message.states:
                for vote in certified.proof:
                    self._hears_checkpoint(node, vote)

    def _remind(self, record: MessageMoved, node: Validator, message: Any) -> None:
        """What calls for a step that is owed."""
        kind, facts, now_us, fault = record.type, self._facts, self._now_us, ""
        if kind == "certified-batch":
            shown = message.certificate
            where = (message.sequence, shown.view, shown.digest)
            fault = owes_execution(facts, node, *where, votes_of(shown), now_us)
        elif kind == "view-change":
            told = (facts, node, self._translated.view_change(message), now_us)
            fault = owes_joining(*told) or owes_opening(*told)
        elif kind == "status":
            fault = self._asked(node, message, now_us)
        elif kind == "request" and message.digest in facts.submitted:
            fault = owes_forwarding(facts, node, message.sender, message.number, now_us)
        if fault:
            self._judge(record, 0, fault)

    def _asked(self, node: Validator, message: Any, now_us: int) -> str:
        era = self._facts.era(message.epoch)
        place = node.place
        if era is None or place is None or place[0] != message.epoch or not message.signature:
            return ""
        if message.active or node.name not in era.members:
            return ""
        mask = int.from_bytes(message.view_changes, "little")
        lacks = not mask >> era.members.index(node.name) & 1
        asker, view = message.sender, message.view
        return owes_view_change(self._facts, node, asker, view, lacks, now_us) or owes_new_view(
            self._facts, node, asker, view, now_us
        )

    def _done(self, node: Validator, kind: str, peer: str, message: Any) -> None:
        """What was owed leaves."""
        if kind == "view-change":
            node.owes.pop((kind, peer, message.view), None)
        elif kind == "new-view":
            for duty in [d for d in node.owes if isinstance(d, tuple) and d[:2] == (kind, peer)]:
                del node.owes[duty]
        elif kind == "request":
            for duty in [d for d in node.owes if isinstance(d, tuple) and d[0] == "forward"]:
                del node.owes[duty]

    def _hears_checkpoint(self, node: Any, vote: Any) -> None:
        self._specification.hears(node, vote.sender, checkpoint_statement(vote))

    def _answered(self, client: str, message: Any) -> None:
        key = (client, message.number, message.result)
        self._facts.replies.setdefault(key, set()).add(message.sender)

    def held(self) -> str:
        return f"{self._steps} steps of {len(self._validators)} honest validators are allowed"


def _changes_committee(receipt: Any) -> bool:
    """Whether it orders another committee: by request, or as a licence that was lost does."""
    return receipt.type in (VALIDATOR_UPDATE, VALIDATOR_REMOVAL) and receipt.code == "OK"


def _successors(receipts: Any) -> tuple[str, ...]:
    """The members of the next epoch, if the ledger ended one."""
    for receipt in receipts:
        if receipt.type == EPOCH_END:
            _, *members = receipt.data
            return tuple(id_ for id_, _ in members)
    return ()
