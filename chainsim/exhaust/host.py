"""A replica with a clock, two timers and a ledger that is a running hash, driven by events."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from chainsim.exhaust.bound import Bound, Setting
from chainsim.exhaust.labels import CARRIED
from consensus.checkpoint_state import CheckpointState
from consensus.effects import (
    Broadcast,
    CancelTimer,
    Deliver,
    Effect,
    Milestone,
    Report,
    Send,
    SetTimer,
    TimerKey,
)
from consensus.encoding import digest_of
from consensus.events import Boot, Event, Executed, Receive, TimerFired
from consensus.messages import Message
from consensus.protocol import PROTOCOLS, Environment
from consensus.types import ZERO_DIGEST
from nodes.mempool import Mempool

DEADLINES: Final[dict[str, TimerKey]] = {"request": ("request",), "new-view": ("new-view",)}
"""Timers that may run out, by name."""

GUARDED: Final = frozenset(
    {"pre-prepare", "prepare", "commit", "checkpoint", "view-change", "new-view"}
)
"""Of which an honest replica says one thing under each key (rule 24)."""

Sent = tuple[Message, tuple[str, ...]]
"""A message, and to whom."""


class Done(NamedTuple):
    """What others can hold a replica to."""

    prepared: dict[tuple[int, int], bytes]
    """(view, sequence) -> digest."""
    executed: tuple[bytes, ...]
    """Digests of batches, in order."""


def clash(one: Done, other: Done) -> str:
    """What doesn't hold between two honest replicas, or nothing."""
    for height, (here, there) in enumerate(zip(one.executed, other.executed, strict=False), 1):
        if here != there:
            return f"agreement: different batches are executed at {height}"
    for (view, sequence), digest in one.prepared.items():
        if other.prepared.get((view, sequence), digest) != digest:
            return f"one-prepared-digest: two digests are prepared at ({view}, {sequence})"
    return ""


class Host:
    """One honest replica, booted, with the requests that it starts with."""

    def __init__(self, bound: Bound, setting: Setting, name: str) -> None:
        self.name: Final = name
        self._bound: Final = bound
        self._setting: Final = setting
        self.pool: Final = Mempool()
        self.replica: Final[Any] = PROTOCOLS["pbft"](
            Environment(
                id=name,
                chain=setting.chain,
                committee=setting.committee,
                signer=setting.keys.validator(name),
                verifier=setting.verifier,
                parameters=setting.parameters,
                pool=self.pool,
            )
        )
        self.now_us = 0
        self.fired = 0
        self.timers: dict[str, int] = {}
        self.sent: list[Sent] = []
        self.prepared: dict[tuple[int, int], bytes] = {}
        self.executed: list[bytes] = []
        self.fault = ""
        """What this replica alone did wrong."""
        self.progress = 0
        """Counts what others could see: milestones, and messages that left."""
        self._header = ZERO_DIGEST
        self._statements: dict[tuple[str, int, int], bytes] = {}
        self._handle(Boot(0))
        if bound.timeouts or bound.primary(0) == name:
            for request in setting.requests:
                self.receive(request)

    @property
    def done(self) -> Done:
        """What it has come to."""
        return Done(self.prepared, tuple(self.executed))

    def receive(self, message: Message) -> None:
        """A message arrives."""
        self._handle(Receive(self.now_us, message))

    def fire(self, timer: str) -> None:
        """A timer runs out: its time has come."""
        self.now_us = max(self.now_us, self.timers.pop(timer))
        self.fired += 1
        self._handle(TimerFired(self.now_us, DEADLINES[timer]))

    def _handle(self, event: Event) -> None:
        for effect in self.replica.handle(event):
            self._apply(effect)

    def _apply(self, effect: Effect) -> None:
        match effect:
            case Send(to, message):
                self._say(message, (to,))
            case Broadcast(to, message):
                self._say(message, to)
            case SetTimer(key, delay_us) if key[0] in DEADLINES:
                self.timers[key[0]] = self.now_us + delay_us
            case CancelTimer(key):
                self.timers.pop(key[0], None)
            case Milestone():
                self._reached(effect)
            case Report(misbehaviour):
                if misbehaviour.culprit not in self._bound.hostile:
                    self.fault = f"{self.name} accuses {misbehaviour.culprit}, which is honest"
            case Deliver():
                self._execute(effect)
            case _:
                pass

    def _reached(self, milestone: Milestone) -> None:
        self.progress += 1
        if milestone.event == "prepared":
            self.prepared[milestone.view, milestone.sequence] = milestone.digest
        elif milestone.event == "halted":
            self.fault = f"{self.name} stops: {milestone.cause}"

    def _say(self, message: Message, to: tuple[str, ...]) -> None:
        if not isinstance(message, CARRIED):
            return
        self.progress += 1
        self.sent.append((message, to))
        if message.sender == self.name:
            digest = getattr(message, "digest", message.digest_bytes)
            key = (message.TYPE, *message.slot())
            if message.TYPE in GUARDED and self._statements.setdefault(key, digest) != digest:
                self.fault = f"{self.name} signs a second {message.TYPE} at {message.slot()}"

    def _execute(self, order: Deliver) -> None:
        self.executed.append(order.batch.digest)
        self._header = digest_of("exhaust-header", self._header, order.batch.digest)
        members = self._setting.committee.members
        state = CheckpointState(order.sequence, self._header, self._header, 0, members)
        self._handle(Executed(self.now_us, state))
