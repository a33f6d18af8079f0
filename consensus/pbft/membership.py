"""Changes of the committee: the last slots of an epoch, the switch, and talk across epochs
(rules 27 to 29).

A change ordered at c takes effect after B, the least multiple of K that is at least c + L - 1.
Up to B the old committee decides, filling with nulls if there is no traffic; CHECKPOINT(B),
stable, ends the epoch: the new committee starts in view 0 with h = B and an empty log.
"""

from __future__ import annotations

from typing import Final

from consensus.certificates import certified_state_is_valid
from consensus.checkpoint_state import CheckpointState
from consensus.effects import Compact
from consensus.messages import (
    CertifiedBatch,
    CertifiedState,
    FetchState,
    Message,
    State,
    StateProof,
    Status,
)
from consensus.pbft.core import Core
from consensus.pbft.future import MESSAGES_PER_SLOT
from consensus.types import Committee, Digest, NodeId, ScheduledChange

ACROSS_EPOCHS: Final[tuple[type[Message], ...]] = (
    Status,
    StateProof,
    CertifiedBatch,
    FetchState,
    State,
)
"""What is taken from any epoch: questions, and answers that prove themselves (rule 29)."""
EPOCHS_PER_PROOF: Final = 64
"""States in one STATE-PROOF; the next question continues where the last one ended."""


class Membership:
    """Knows which epoch this replica is in, and brings it into the next."""

    def __init__(self, core: Core) -> None:
        self.core: Final = core
        self.scheduled: ScheduledChange | None = None
        """The committee after the boundary, while B isn't executed."""
        self._coming: Committee | None = None
        self.early: dict[NodeId, dict[Digest, Message]] = {}
        """Messages of the next epoch, verified, under a cap per sender (rule 32)."""
        self._early_peak = 0

    # -- the last slots of an epoch (rule 27) ------------------------------------------

    @property
    def must_fill(self) -> bool:
        """Whether slots up to the boundary are still to be executed."""
        boundary = self.core.boundary
        return boundary is not None and self.core.executed < boundary

    def ordered(self, state: CheckpointState) -> None:
        """A block was executed; a change may be pending after it.

        What is executed again, of epochs that are over, changes nothing any more.
        """
        core, scheduled = self.core, state.scheduled
        if scheduled is None or self.scheduled is not None or state.epoch != core.committee.epoch:
            return
        self.scheduled = scheduled
        self._coming = Committee(core.committee.epoch + 1, scheduled.members)
        core.boundary = scheduled.effective
        core.timeouts.fill_waiting()

    # -- the switch ----------------------------------------------------------------------

    def ended(self, certified: CertifiedState) -> None:
        """The last checkpoint of the epoch is stable here: the next epoch begins."""
        core = self.core
        core.configurations.learn(certified)
        self.enter(certified.state.committee)
        core.out.append(Compact(tuple(core.checkpoints.live_records())))
        core.milestone("epoch-entered", 0, certified.sequence, certified.state.digest, self._who())
        core.normal.epoch_entered()
        self._early_peak = self.early_peak
        early, self.early = self.early, {}
        for messages in early.values():
            for message in messages.values():
                core.route(message)

    def jumped(self, certified: CertifiedState) -> None:
        """A later state was installed: its epoch is in force, and what it has scheduled counts
        before anything is proposed."""
        core = self.core
        state = certified.state
        if state.epoch > core.committee.epoch:
            core.configurations.learn(certified)
            self.enter(state.committee)
            self._early_peak = self.early_peak
            self.early.clear()
            core.normal.epoch_left()
            core.milestone("epoch-entered", 0, state.sequence, state.digest, self._who())
        self.scheduled = self._coming = core.boundary = None
        self.ordered(state)

    def enter(self, committee: Committee) -> None:
        """The new epoch: view 0, an empty log above h, no P."""
        core = self.core
        was_member = core.votes
        core.set_committee(committee)
        core.erase_keys(was_member)
        self.scheduled = self._coming = core.boundary = None
        core.view = core.slot_view = 0
        core.active = True
        core.views.epoch_entered()
        core.checkpoints.epoch_entered()
        core.timeouts.epoch_entered()

    def _who(self) -> str:
        committee = self.core.committee
        return f"epoch {committee.epoch}: {', '.join(committee.ids)}"

    # -- across epochs (rule 29) -----------------------------------------------------------

    def other_epoch(self, message: Message) -> None:
        """A message of another epoch, or of somebody who is no member."""
        core = self.core
        if isinstance(message, ACROSS_EPOCHS):
            if message.epoch > core.committee.epoch:
                core.catch_up.behind_epoch()
            core.route(message)
        elif message.epoch > core.committee.epoch:
            core.catch_up.behind_epoch()
            self._keep_early(message)

    def _keep_early(self, message: Message) -> None:
        coming = self._coming
        if coming is None or message.epoch != coming.epoch or message.sender not in coming:
            return
        kept = self.early.setdefault(message.sender, {})
        # A replay of one message takes no second place.
        if message.digest_bytes in kept or len(kept) >= self.early_limit:
            return
        if self.core.authentic_of(coming)(message):
            kept[message.digest_bytes] = message

    @property
    def early_limit(self) -> int:
        """Messages of one sender that wait for the next epoch."""
        return MESSAGES_PER_SLOT * self.core.parameters.window

    @property
    def early_peak(self) -> int:
        """The most that any one sender had waiting for the next epoch at one time."""
        return max([self._early_peak, *map(len, self.early.values())])

    def may_ask(self, message: Status | FetchState) -> bool:
        """Whether a question is to be answered: a member's is signed, in whichever epoch.

        Observers, those who are no members yet or no longer, and who lost its key ask unsigned
        and are known by name alone: all that they get is public, proves itself, and is limited
        in rate, apart from what is signed in that name.
        """
        core = self.core
        if not message.signature:
            return self.is_known(message.sender)
        committee = core.configurations.of_epoch(message.epoch)
        return committee is not None and core.authentic_of(committee)(message)

    def is_known(self, id_: NodeId) -> bool:
        """Whether ``id_`` is a configured observer, or was or will be a member."""
        core = self.core
        return (
            id_ in core.observers
            or id_ in core.committee
            or (self._coming is not None and id_ in self._coming)
            or any(id_ in boundary.state.committee for boundary in core.configurations.boundaries)
            or id_ in core.configurations.at(0)
        )

    def prove(self, to: NodeId, epoch: int) -> None:
        """Send what leads from ``epoch`` to the newest stable checkpoint here."""
        core = self.core
        states = self.states_since(epoch)
        if states:
            proof = core.sign(StateProof(core.chain, core.committee.epoch, core.id, states))
            if proof is not None:
                core.send(to, proof)

    def states_since(self, epoch: int) -> tuple[CertifiedState, ...]:
        """The ends of ``epoch`` and of those after it, then the newest stable checkpoint."""
        states = self.core.configurations.since(epoch)[:EPOCHS_PER_PROOF]
        newest = self.core.checkpoints.certified
        if newest is not None and (not states or newest.sequence > states[-1].sequence):
            states = (*states, newest)
        return states

    def on_state_proof(self, message: StateProof) -> None:
        """Learn the committees and the stable checkpoint that somebody's proof leads to."""
        core = self.core
        for certified in message.states[: EPOCHS_PER_PROOF + 1]:
            if certified.sequence <= core.stable:
                continue
            committee = core.configurations.at(certified.sequence)
            if not certified_state_is_valid(certified, committee, core.authentic_of(committee)):
                return
            if certified.state.epoch > committee.epoch:
                core.configurations.learn(certified)
            core.checkpoints.adopt_state(certified)
