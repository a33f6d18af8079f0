"""The specification as a machine: it is told each step of a run, and accepts it or says why not.

A step is judged by the rules (``votes``, ``views``, ``chain``: functions that change nothing), and
then becomes a fact. Hostile validators may do as they like: of them nothing is judged.
"""

from __future__ import annotations

from typing import Final

from chainsim.specification.chain import (
    UNUSED,
    Block,
    boundary,
    may_believe,
    may_change_epoch,
    may_end_epoch,
    may_execute,
    may_stabilise,
    may_take_over,
    result_fault,
)
from chainsim.specification.facts import (
    CHECKPOINT,
    COMMIT,
    NEW_VIEW,
    PREPARE,
    PROPOSAL,
    VIEW_CHANGE,
    Era,
    Facts,
    NewView,
    Statement,
    Validator,
    ViewChange,
)
from chainsim.specification.views import (
    may_enter,
    may_leave,
    may_send_view_change,
    new_view_fault,
    view_change_fault,
)
from chainsim.specification.votes import may_accept, may_commit, may_prepare, may_say, said_key

GUARDED: Final = frozenset((PROPOSAL, PREPARE, COMMIT, CHECKPOINT, VIEW_CHANGE, NEW_VIEW))
"""Kinds of which an honest signer says one thing under each key (rule 24)."""
DEADLINES: Final = ("request", "new-view")
"""Timers that are a reason to leave a view (rules 18 and 20)."""


class Specification:
    """Each method takes one step and returns why no rule allows it; then nothing is changed by it.

    Returning nothing, it has made the step a fact.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts: Final = facts
        self._judged: Final[set[bytes]] = set()
        """Names of own VIEW-CHANGEs and NEW-VIEWs that were looked at."""
        self._sound: Final[set[bytes]] = set()
        """Names of VIEW-CHANGEs that are valid: what is real stays so."""

    # -- what a validator reaches ---------------------------------------------------------

    def accepts(self, node: Validator, view: int, sequence: int, digest: bytes) -> str:
        """A proposal is in the log."""
        facts = self.facts
        fault = may_accept(facts, node, view, sequence, digest)
        if fault:
            return fault
        era = facts.era_at(sequence)
        node.place = (era.epoch, view, True)
        node.accepted[era.epoch, view, sequence] = digest
        kind = PROPOSAL if node.name == era.primary(view) else PREPARE
        facts.meant[node.name].add((kind, era.epoch, view, sequence, digest))
        return ""

    def prepares(self, node: Validator, view: int, sequence: int, digest: bytes) -> str:
        """A prepared certificate is held."""
        fault = may_prepare(self.facts, node, view, sequence, digest)
        if not fault:
            epoch = self.facts.era_at(sequence).epoch
            self.facts.meant[node.name].add((COMMIT, epoch, view, sequence, digest))
        return fault

    def commits(self, node: Validator, view: int, sequence: int, digest: bytes) -> str:
        """A commit certificate is held."""
        return may_commit(self.facts, node, view, sequence, digest)

    def leaves(self, node: Validator, view: int) -> str:
        """A view change begins."""
        fault = may_leave(self.facts, node, view)
        if fault:
            return fault
        node.timer = node.resuming = False
        if node.place is not None:
            node.place = (node.place[0], view, False)
        elif len(self.facts.eras) == 1:
            node.place = (0, view, False)
        return ""

    def enters(self, node: Validator, view: int) -> str:
        """A new view begins."""
        fault, ways = may_enter(self.facts, node, view)
        node.resuming = False
        for way in ways:
            here = (way.epoch, way.view)
            node.entered.add(here)
            if way.order is not None:
                node.prescribed.setdefault(here, []).append(way.order)
        if len({way.epoch for way in ways}) == 1:
            node.place = (ways[0].epoch, view, True)
        return fault

    def stabilises(self, node: Validator, sequence: int, digest: bytes) -> str:
        """The low watermark moves."""
        facts = self.facts
        fault = may_stabilise(facts, node, sequence, digest)
        if fault:
            return fault
        node.stable = sequence
        node.stable_most = max(node.stable_most, sequence)
        if sequence in node.vouched:
            epoch = facts.era_at(sequence).epoch
            facts.meant[node.name].add((CHECKPOINT, epoch, 0, sequence, digest))
        return ""

    def changes_epoch(self, node: Validator, sequence: int) -> str:
        """A new committee takes over."""
        fault = may_change_epoch(self.facts, node, sequence)
        if fault:
            return fault
        epoch = self.facts.era_at(sequence + 1).epoch
        node.place = (epoch, 0, True)
        node.entered.add((epoch, 0))
        node.timer = False
        early, node.early = node.early, []
        for message in early:
            self.hears_view_change(node, message)
        return ""

    def executes(self, node: Validator, block: Block, replayed: bool) -> str:
        """A block is executed; ``replayed`` from one's own disk."""
        facts = self.facts
        fault = result_fault(facts, block) if replayed else may_execute(facts, node, block)
        if fault:
            return fault
        node.executed = block.sequence
        node.executed_most = max(node.executed_most, block.sequence)
        node.vouched.add(block.sequence)
        found = (block.header, block.state, block.replies)
        facts.results.setdefault((block.parent, block.batch), found)
        facts.states.setdefault(block.header, (block.state, block.replies))
        node.owes.pop(("execute", block.sequence), None)
        for index, request in enumerate(block.requests):
            facts.ordered.setdefault((request.client, request.number), block.sequence)
            if request.code not in UNUSED:
                key = (request.client, request.number)
                facts.effective.setdefault(key, (block.sequence, index))
        if block.schedules:
            self._schedules(block.sequence)
        return self._ends_epoch(block.sequence, block.successors) if block.successors else ""

    def _schedules(self, sequence: int) -> None:
        """A change of the committee is ordered."""
        if self.facts.scheduled is None and sequence >= self.facts.eras[-1].first:
            self.facts.scheduled = boundary(self.facts, sequence)

    def _ends_epoch(self, sequence: int, members: tuple[str, ...]) -> str:
        """The block at ``sequence`` is the last of its epoch."""
        facts = self.facts
        if sequence < facts.eras[-1].first:
            return ""  # known already: others have executed it
        fault = may_end_epoch(facts, sequence)
        if not fault:
            facts.scheduled = None
            facts.eras.append(Era(facts.eras[-1].epoch + 1, sequence + 1, members))
        return fault

    def takes_over(
        self, node: Validator, sequence: int, header: bytes, roots: tuple[bytes, bytes]
    ) -> str:
        """A fetched state is in the place of one's own."""
        fault = may_take_over(self.facts, node, sequence, header, roots)
        if not fault:
            node.executed = sequence
            node.executed_most = max(node.executed_most, sequence)
        return fault

    def timer(self, node: Validator, key: str) -> None:
        """A timer ran out."""
        if key.startswith(DEADLINES):
            node.timer = True

    def accuses(self, culprit: str) -> str:
        """Rule 33: only what is provable is reported, and nothing proves a lie of the honest."""
        honest = culprit in self.facts.validators
        return f"rule 33: accused {culprit}, which is honest" if honest else ""

    def halts(self, node: Validator, cause: str) -> str:
        """Rules 11 and 33: only what contradicts a validator's own history stops it, and with at
        most f hostile nothing valid does. A disk that forgot is another matter (rule 25)."""
        node.stopped = True
        if self.facts.overrun or "amnesia" in cause:
            return ""
        return f"rules 11 and 33: stopped, though nothing valid can contradict it: {cause}"

    def believes(self, client: str, number: int, result: bytes) -> str:
        """A client takes a result for final."""
        answered = self.facts.replies.get((client, number, result), ())
        return may_believe(self.facts, answered, number)

    # -- what a validator says ------------------------------------------------------------

    def says(
        self, node: Validator, kind: str, epoch: int, view: int, sequence: int, digest: bytes
    ) -> str:
        """A signed message leaves."""
        if kind not in GUARDED:
            return ""
        facts = self.facts
        node.resuming = node.resuming and kind in (PREPARE, COMMIT)
        fault = may_say(facts, node, kind, epoch, view, sequence, digest)
        if fault:
            return fault
        node.said.setdefault(said_key(kind, epoch, view, sequence), digest)
        if kind == CHECKPOINT:
            facts.checkpoints.setdefault(sequence, digest)
            facts.meant[node.name].add((kind, epoch, 0, sequence, digest))
        elif kind == COMMIT:
            here = (epoch, view, digest)
            if here[:2] >= node.committed_out.get(sequence, here)[:2]:
                node.committed_out[sequence] = here
        elif kind == VIEW_CHANGE:
            node.left = max(node.left, (epoch, view))
        return ""

    def sends_view_change(self, node: Validator, message: ViewChange) -> str:
        """What a VIEW-CHANGE of one's own holds."""
        if message.name in self._judged:
            return ""
        fault = may_send_view_change(self.facts, node, message)
        if not fault:
            self._judged.add(message.name)
            node.view_changes[message.sender, message.name] = message
        return fault

    def sends_new_view(self, node: Validator, message: NewView) -> str:
        """What a NEW-VIEW of one's own holds."""
        if message.name in self._judged:
            return ""
        own = next((entry for entry in message.named if entry[0] == node.name), None)
        if own is None or own in node.view_changes:
            fault, order = new_view_fault(self.facts, message, node.view_changes)
            fault = fault or self._acted_otherwise(node, message, order)
            if fault:
                return fault
            node.prescribed.setdefault((message.epoch, message.view), []).append(order)
        # else a crash kept the own VIEW-CHANGE from leaving: who gets it later judges both
        self._judged.add(message.name)
        meant = self.facts.meant[node.name]
        meant.update((PROPOSAL, message.epoch, v, n, d) for _, v, n, d in message.proposals)
        return ""

    def _acted_otherwise(
        self, node: Validator, message: NewView, order: dict[int, frozenset[bytes]]
    ) -> str:
        for sequence, digests in order.items():
            done = node.accepted.get((message.epoch, message.view, sequence))
            if done is not None and done not in digests:
                return f"rule 14: accepted at {sequence} another digest than its NEW-VIEW holds"
        return ""

    # -- what reaches it ------------------------------------------------------------------

    def hears(self, node: Validator, signer: str, statement: Statement) -> None:
        """A vote or a proposal arrives, by itself or inside another message."""
        if signer != node.name and self.facts.real(signer, statement):
            node.heard.setdefault(statement, set()).add(signer)

    def hears_view_change(self, node: Validator, message: ViewChange) -> None:
        """A VIEW-CHANGE arrives, from whomever."""
        if message.sender == node.name or not self._stands_behind(message, VIEW_CHANGE):
            return
        node.view_changes[message.sender, message.name] = message
        epoch = self.facts.era_at(message.stable).epoch
        for signer, sequence, digest in message.proof:
            self.hears(node, signer, (CHECKPOINT, epoch, 0, sequence, digest))
        if self.facts.era(message.epoch) is None:
            node.early.append(message)
            return
        if message.name not in self._sound:
            if view_change_fault(self.facts, message):
                return
            self._sound.add(message.name)
        wanted = node.wanted.setdefault(message.epoch, {})
        wanted[message.sender] = max(wanted.get(message.sender, 0), message.view)

    def hears_new_view(self, node: Validator, message: NewView) -> None:
        """A NEW-VIEW arrives, from whomever."""
        if message.sender == node.name or not self._stands_behind(message, NEW_VIEW):
            return
        here = (message.epoch, message.view)
        node.new_views.setdefault(here, {})[message.name] = message
        for proposer, view, sequence, digest in message.proposals:
            self.hears(node, proposer, (PROPOSAL, message.epoch, view, sequence, digest))

    def _stands_behind(self, message: ViewChange | NewView, kind: str) -> bool:
        signer = self.facts.validators.get(message.sender)
        return signer is None or (
            signer.said.get((kind, message.epoch, message.view, 0)) == message.name
        )
