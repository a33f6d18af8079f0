"""STATUS, resends, and catching up by certified batches (rules 16 and 17).

Nothing is retransmitted on a timer of its own. A replica that misses something, or whose
network has gone quiet, says where it stands; peers resend what two successive STATUS lack.
So one lost message strands nobody, and a healthy busy network sends none of this.
"""

from __future__ import annotations

from typing import Final

from sortedcontainers import SortedDict

from consensus.certificates import in_mask, mask_to_bytes
from consensus.effects import SupplyBlocks, TimerKey
from consensus.limits import MAX_MASK_BYTES, MAX_VIEW
from consensus.messages import (
    Batch,
    CertifiedBatch,
    CommitCertificate,
    SlotStatus,
    Status,
)
from consensus.pbft.answers import Answers
from consensus.pbft.core import Core
from consensus.pbft.equivocation import compare_commits
from consensus.types import Sequence

STATUS: Final[TimerKey] = ("status",)
BLOCKS_PER_RESEND: Final = 64
"""Certified batches sent in answer to one STATUS."""
SILENCE: Final = 4
"""Intervals without a STATUS after which one that goes back is believed."""
QUESTIONS_PER_FOLLOWER: Final = 16
"""Unsigned STATUS in one name that are answered per half interval, each another."""
BATCHES_AHEAD: Final = 256
"""Verified certified batches kept while their predecessors are awaited."""


def _follows(now: Status, before: Status) -> bool:
    """What a STATUS says is durable: one that goes back is a replay, or of a disk that forgot."""
    return (
        (now.epoch, now.view, now.active) >= (before.epoch, before.view, before.active)
        and now.stable >= before.stable
        and now.executed >= before.executed
    )


class CatchUp:
    """Says what is missing here, and sends others what they miss."""

    def __init__(self, core: Core) -> None:
        self.core: Final = core
        self._previous: dict[str, Status] = {}
        self._heard_us: dict[str, int] = {}
        self._caught: SortedDict[Sequence, tuple[CommitCertificate, Batch]] = SortedDict()
        self._target: Sequence = 0
        """The highest sequence that others were shown to have executed."""
        self._progress: tuple[int, bool, int, int] = (-1, True, -1, -1)
        self._followers: Final = Answers(core.parameters.status_interval_us // 2)
        """What was answered to those who ask unsigned."""
        self._attempts: dict[str, int] = {}
        """Per peer, how many STATUS in a row showed no progress."""

    # -- saying where we stand --------------------------------------------------------

    def watch(self) -> None:
        """(Re)arm the status timer."""
        self.core.set_timer(STATUS, self.core.parameters.status_interval_us)

    def lagging(self, sequence: Sequence) -> None:
        """Others are known to have executed ``sequence``."""
        self._target = max(self._target, sequence)

    def behind_epoch(self) -> None:
        """Somebody speaks of a later epoch: there is more than this replica executed."""
        self.lagging(self.core.executed + 1)

    def status_timer_fired(self) -> None:
        """Send a STATUS if something is missing, or if nothing happened since the last tick."""
        core = self.core
        progress = (core.view, core.active, core.executed, core.stable)
        if self._is_missing_something() or progress == self._progress:
            self.send_status()
        self._progress = progress
        core.entrance.fetch_missing()
        core.entrance.check_entries()
        self.watch()

    def send_status(self) -> None:
        """Tell everybody where this replica stands."""
        core = self.core
        view_changes = 0
        if not core.active:
            for sender, message in core.views.received.items():
                if message.view >= core.view:
                    view_changes |= 1 << core.committee.index(sender)
        status = core.sign(
            Status(
                core.chain,
                core.committee.epoch,
                core.id,
                core.view,
                core.active,
                core.stable,
                core.executed,
                mask_to_bytes(core.checkpoints.voters_mask(core.checkpoints.next_boundary())),
                mask_to_bytes(view_changes),
                self._slots(),
            )
        )
        if status is not None:
            core.broadcast(status)

    def _slots(self) -> tuple[SlotStatus, ...]:
        if not self.core.active:
            return ()
        return tuple(
            SlotStatus(
                sequence,
                slot.pre_prepare is not None,
                mask_to_bytes(sum(1 << position for position in slot.prepares)),
                mask_to_bytes(sum(1 << position for position in slot.commits)),
            )
            for sequence, slot in self.core.slots.items()
            if sequence > self.core.executed
        )

    def _is_missing_something(self) -> bool:
        core = self.core
        return (
            not core.active
            or self._target > core.executed
            or bool(core.pool.oldest())
            or any(sequence > core.executed for sequence in reversed(core.slots))
            or core.executed >= core.checkpoints.next_boundary()
        )

    # -- helping others ---------------------------------------------------------------

    def on_status(self, message: Status) -> None:
        """Resend what this STATUS and the one before it lack.

        A STATUS that follows the last one too closely is dropped: answers are many times larger
        than the question (rule 32).
        """
        core = self.core
        if not self._is_plausible(message):
            return
        if not message.signature:
            self._answer_follower(message)
            return
        asker = message.sender
        soonest = self._heard_us.get(asker, -core.parameters.status_interval_us)
        if core.now_us - soonest < core.parameters.status_interval_us // 2:
            return
        before = self._previous.get(asker)
        silent_us = core.now_us - soonest
        speaks = silent_us < SILENCE * core.parameters.status_interval_us
        if before is not None and speaks and not _follows(message, before):
            return
        if not core.membership.may_ask(message):
            return
        self._heard_us[asker] = core.now_us
        if message.executed > core.executed:
            self.lagging(min(message.executed, core.executed + BATCHES_AHEAD))
        self._previous[asker] = message
        if before is None:
            return
        stuck = (message.executed, message.view) == (before.executed, before.view)
        self._attempts[asker] = self._attempts.get(asker, 0) + 1 if stuck else 0
        self._resend_blocks(before, message)
        self._resend_stable(before, message)
        if message.epoch != core.committee.epoch:
            return
        self._resend_view(before, message)
        if core.active and message.active and message.view == before.view == core.view:
            self._resend_votes(before, message)

    def _answer_follower(self, message: Status) -> None:
        """Who has no vote asks unsigned, and anybody may ask in its name: so what was asked before
        counts for nothing, and another question in that name leaves this one its answer."""
        core = self.core
        what = (message.epoch, message.executed, message.stable)
        asker = f"{message.sender} (unsigned)"
        if not core.membership.may_ask(message):
            return
        if not self._followers.allow(message.sender, what, core.now_us, QUESTIONS_PER_FOLLOWER):
            return
        self._attempts[asker] = self._attempts.get(asker, 0) + 1
        self._resend_blocks(message, message)
        self._resend_stable(message, message)

    def _is_plausible(self, message: Status) -> bool:
        """Nothing negative, no more slots than a window has, no longer masks than committees."""
        masks = [message.checkpoints, message.view_changes]
        masks += [mask for slot in message.slots for mask in (slot.prepares, slot.commits)]
        return (
            0 <= message.view <= MAX_VIEW
            and message.stable >= 0
            and message.executed >= 0
            and len(message.slots) <= self.core.parameters.window
            and all(len(mask) <= MAX_MASK_BYTES for mask in masks)
        )

    def _is_my_turn(self, now: Status) -> bool:
        """Whether this replica is among the W that resend what all of them hold.

        The set moves on with every STATUS in which the peer is no further.
        """
        core = self.core
        n = core.committee.n
        asker = now.sender if now.signature else f"{now.sender} (unsigned)"
        distance = core.position - core.committee.position(now.sender) - 1
        return (distance - self._attempts.get(asker, 0)) % n < core.committee.weak_quorum

    def _has_mine(self, mask: bytes) -> bool:
        """Whether a peer's mask has this replica's bit; who has no vote has none to send."""
        return not self.core.votes or in_mask(self.core.position, mask)

    def _resend_blocks(self, before: Status, now: Status) -> None:
        """Blocks that the peer lacked then and lacks now."""
        core = self.core
        if now.executed >= core.executed or self._transfers(now):
            return
        stuck = now.executed == before.executed
        if not stuck and core.executed - now.executed <= core.parameters.window:
            return
        if not self._is_my_turn(now):
            return
        last = min(core.executed, now.executed + BLOCKS_PER_RESEND)
        core.out.append(SupplyBlocks(now.sender, now.executed + 1, last))

    def _transfers(self, now: Status) -> bool:
        """Whether the peer is so far behind that it fetches the state instead (rule 22)."""
        core = self.core
        return core.store is not None and core.stable - now.executed > core.parameters.window

    def _resend_stable(self, before: Status, now: Status) -> None:
        core = self.core
        if now.stable < core.stable and before.stable < core.stable:
            if self._is_my_turn(now):
                core.membership.prove(now.sender, now.epoch)
        elif now.epoch == core.committee.epoch:
            had_it = self._has_mine(before.checkpoints) or self._has_mine(now.checkpoints)
            own = core.checkpoints.own.get(core.checkpoints.next_boundary())
            if now.stable == before.stable == core.stable and own is not None and not had_it:
                core.send(now.sender, own)

    def _resend_view(self, before: Status, now: Status) -> None:
        """NEW-VIEW for a peer that isn't in our view yet; our VIEW-CHANGE for one that waits."""
        core = self.core
        if core.active:
            late = (now.view, now.active) < (core.view, True)
            was_late = (before.view, before.active) < (core.view, True)
            if late and was_late and core.entrance.new_view and self._is_my_turn(now):
                core.send(now.sender, core.entrance.new_view)
            return
        for entry in core.entrance.entries.values():
            if not now.active and now.view == entry.new_view.view:
                core.send(now.sender, entry.new_view)
        own = core.views.own
        if own is None or now.view > own.view:
            return
        if not any(
            status.view == own.view and not status.active and self._has_mine(status.view_changes)
            for status in (before, now)
        ):
            core.send(now.sender, own)

    def _resend_votes(self, before: Status, now: Status) -> None:
        """Own proposals and votes that the peer lacked in both STATUS."""
        core = self.core
        empty = SlotStatus(0, False, b"", b"")
        then = {slot.sequence: slot for slot in before.slots}
        has = {slot.sequence: slot for slot in now.slots}
        first = now.executed + 1
        last = min(now.stable + core.parameters.window, core.high)
        for sequence, slot in core.slots.items():
            if not first <= sequence <= last:
                continue
            old, new = then.get(sequence, empty), has.get(sequence, empty)
            proposal = slot.pre_prepare
            lacks_proposal = not old.has_pre_prepare and not new.has_pre_prepare
            if proposal is not None and proposal.sender == core.id and lacks_proposal:
                core.send(now.sender, proposal)
            prepare = slot.prepares.get(core.position)
            had_it = self._has_mine(old.prepares) or self._has_mine(new.prepares)
            if prepare is not None and not had_it:
                core.send(now.sender, prepare)
            commit = slot.commits.get(core.position)
            had_it = self._has_mine(old.commits) or self._has_mine(new.commits)
            if commit is not None and not had_it:
                core.send(now.sender, commit)

    # -- being helped -----------------------------------------------------------------

    def on_certified_batch(self, message: CertifiedBatch) -> None:
        """A decided batch with its certificate: execute it when its turn comes (rule 12)."""
        core = self.core
        sequence, certificate = message.sequence, message.certificate
        if sequence > core.executed + BATCHES_AHEAD or sequence in self._caught:
            return
        slot = core.slots.get(sequence)
        if slot is not None and slot.decision is not None:
            differs = certificate.digest != slot.decision.digest
            if differs and certificate.sequence == sequence and core.valid_commits(certificate):
                compare_commits(core, certificate)
                core.halt(f"a certificate contradicts what was decided at {sequence}")
            return
        if sequence <= core.executed:
            return
        if certificate.sequence != sequence or certificate.digest != message.batch.digest:
            return
        if not core.valid_commits(certificate):
            return
        compare_commits(core, certificate)
        self._caught[sequence] = (certificate, message.batch)
        self.lagging(sequence)
        core.normal.deliver_next()

    def take(self, sequence: Sequence) -> tuple[CommitCertificate, Batch] | None:
        """The caught batch at ``sequence``, if there is one; forget those before it."""
        while self._caught and self._caught.peekitem(0)[0] < sequence:
            self._caught.popitem(0)
        caught: tuple[CommitCertificate, Batch] | None = self._caught.pop(sequence, None)
        return caught
