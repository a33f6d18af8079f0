"""A PBFT replica: takes one event, routes it to the room that knows, returns effects in order.

This file only routes; see ``consensus/pbft/__init__.py`` for where each rule lives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from consensus.effects import Effect
from consensus.errors import ConfigurationError
from consensus.events import Boot, Event, Executed, Installed, Receive, TimerFired
from consensus.messages import (
    BatchReply,
    CertifiedBatch,
    CertifiedState,
    Checkpoint,
    Commit,
    FetchBatch,
    FetchState,
    FetchViewChange,
    Message,
    NewView,
    Prepare,
    PrePrepare,
    Request,
    State,
    StateProof,
    Status,
    ViewChange,
)
from consensus.pbft.catch_up import STATUS, CatchUp
from consensus.pbft.checkpoints import Checkpoints
from consensus.pbft.core import Core
from consensus.pbft.membership import Membership
from consensus.pbft.normal_case import HELD, NormalCase
from consensus.pbft.proposing import BATCH, Proposer
from consensus.pbft.recovery import boot
from consensus.pbft.requests import Requests
from consensus.pbft.state_transfer import TRANSFER, StateTransfer
from consensus.pbft.tally import Tally
from consensus.pbft.timeouts import NEW_VIEW, REQUEST, Timeouts
from consensus.pbft.view_change import ViewChanger
from consensus.pbft.view_entrance import Entrance
from consensus.protocol import Environment, Parameters
from consensus.types import Committee, Sequence, View


def check_parameters(parameters: Parameters) -> None:
    """Raise ``ConfigurationError`` for parameters with which the protocol can't work."""
    if parameters.checkpoint_interval < 1:
        raise ConfigurationError("checkpoint_interval must be at least 1")
    if parameters.window < 2 * parameters.checkpoint_interval:
        raise ConfigurationError(
            f"window ({parameters.window}) must be at least twice checkpoint_interval "
            f"({parameters.checkpoint_interval})"
        )


class Replica:
    """The ``ConsensusProtocol`` of Castro and Liskov."""

    def __init__(self, environment: Environment) -> None:
        check_parameters(environment.parameters)
        core = self.core = Core(environment)
        core.requests = Requests(core)
        core.proposer = Proposer(core)
        core.normal = NormalCase(core)
        core.checkpoints = Checkpoints(core)
        core.views = ViewChanger(core)
        core.entrance = Entrance(core)
        core.catch_up = CatchUp(core)
        core.timeouts = Timeouts(core)
        core.membership = Membership(core)
        core.transfer = StateTransfer(core)
        core.route = self._route
        self.count: Final = Tally(core).count
        self._messages: Final[dict[type[Message], Callable[[Any], None]]] = {
            PrePrepare: core.normal.on_pre_prepare,
            Prepare: core.normal.on_prepare,
            Commit: core.normal.on_commit,
            Checkpoint: core.checkpoints.on_checkpoint,
            ViewChange: core.views.on_view_change,
            NewView: core.entrance.on_new_view,
            FetchViewChange: core.entrance.on_fetch_view_change,
            FetchBatch: core.entrance.on_fetch_batch,
            BatchReply: core.entrance.on_batch,
            Status: core.catch_up.on_status,
            CertifiedBatch: core.catch_up.on_certified_batch,
            StateProof: core.membership.on_state_proof,
            FetchState: core.transfer.on_fetch_state,
            State: core.transfer.on_state,
        }
        self._timers: Final[dict[str, Callable[[], None]]] = {
            BATCH[0]: core.proposer.batch_timer_fired,
            HELD[0]: core.normal.held_timer_fired,
            REQUEST[0]: core.timeouts.request_timer_fired,
            NEW_VIEW[0]: core.timeouts.new_view_timer_fired,
            STATUS[0]: core.catch_up.status_timer_fired,
            TRANSFER[0]: core.transfer.timer_fired,
        }

    def status(self) -> tuple[View, bool, Sequence, Sequence]:
        """(view, active, executed, stable)."""
        core = self.core
        return core.view, core.active, core.executed, core.stable

    def held(self) -> dict[str, int]:
        """The most that tables of what came too early held since the start (rule 32): votes of
        one sender for later views (``future``) and for the next epoch (``early``), and slots of
        the log."""
        core = self.core
        return {
            "future": core.normal.future.peak,
            "early": core.membership.early_peak,
            "slots": max(core.slots_peak, len(core.slots)),
        }

    @property
    def view(self) -> View:
        """The active view, or the pending one during a view change."""
        return self.core.view

    @property
    def active(self) -> bool:
        """False during a view change."""
        return self.core.active

    @property
    def executed(self) -> Sequence:
        """Highest sequence executed."""
        return self.core.executed

    @property
    def stable(self) -> Sequence:
        """Low watermark h."""
        return self.core.stable

    @property
    def committee(self) -> Committee:
        """The configuration in force."""
        return self.core.committee

    def states_since(self, epoch: int) -> tuple[CertifiedState, ...]:
        """What proves the committees after ``epoch`` to whoever trusts that one (rule 29)."""
        return self.core.membership.states_since(epoch)

    @property
    def changing(self) -> bool:
        """Whether a change of the committee is ordered and not in force yet (rule 27)."""
        return self.core.boundary is not None

    @property
    def halted(self) -> str:
        """Why this replica stopped for good; empty while it runs."""
        return self.core.halted or self.core.muted

    def handle(self, event: Event) -> list[Effect]:
        """Take one event; effects in the order in which they must happen."""
        core = self.core
        core.begin(event.now_us)
        if not core.halted:
            kind = type(event)
            if kind is Receive:
                self._receive(event.message)  # type: ignore[attr-defined]
            elif kind is TimerFired:
                self._timers[event.key[0]]()  # type: ignore[attr-defined]
            elif kind is Executed:
                core.normal.on_executed(event)  # type: ignore[arg-type]
            elif kind is Boot:
                boot(core, event)  # type: ignore[arg-type]
            elif kind is Installed:
                core.transfer.on_installed(event)  # type: ignore[arg-type]
            if core.transfer.due:
                core.transfer.proceed()
        return core.finish()

    def _receive(self, message: Message) -> None:
        """Cheap checks before signatures: type, chain, epoch, membership, not our own echo."""
        core = self.core
        if type(message) is Request:
            core.requests.on_request(message)
        elif message.chain != core.chain or message.sender == core.id:
            return
        elif message.epoch == core.committee.epoch and message.sender in core.committee:
            self._route(message)
        else:
            core.membership.other_epoch(message)

    def _route(self, message: Message) -> None:
        handler = self._messages.get(type(message))
        if handler is not None:
            handler(message)
