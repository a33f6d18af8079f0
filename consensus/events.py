"""What a host tells a node. Each event carries the node's local clock reading in microseconds."""

from __future__ import annotations

from typing import Any

import msgspec

from consensus.checkpoint_state import CheckpointState
from consensus.effects import TimerKey
from consensus.messages import CertifiedState, Message
from consensus.types import Sequence


class Event(msgspec.Struct, frozen=True):
    """Base of all events; ``now_us`` is the node's local reading."""

    now_us: int


class Boot(Event, frozen=True):
    """The node starts, with what its disk holds: vote log records and blocks, oldest first.

    To a replica its validator adds the stable state from which the blocks lead on, if that isn't
    genesis, and the ends of the epochs before it.
    """

    log: tuple[Any, ...] = ()
    blocks: tuple[Any, ...] = ()
    base: CertifiedState | None = None
    epochs: tuple[CertifiedState, ...] = ()


class Receive(Event, frozen=True):
    """A message arrived. ``message.sender`` is a claim until its signature is verified."""

    message: Message


class TimerFired(Event, frozen=True):
    """The timer ``key`` expired (a cancelled or re-armed one never reports)."""

    key: TimerKey


class Submit(Event, frozen=True):
    """To a client: order ``operation``, countersigned by ``cosigners`` (parties)."""

    operation: bytes
    cosigners: tuple[str, ...] = ()


class Installed(Event, frozen=True):
    """To the replica, from its validator: the fetched state is in place (answers ``Install``)."""

    certified: CertifiedState


class Executed(Event, frozen=True):
    """To the replica, from its validator: a block is executed (answers ``Deliver``).

    ``state`` is what a CHECKPOINT would vouch for after it (rule 9).
    """

    state: CheckpointState

    @property
    def sequence(self) -> Sequence:
        """The block's height."""
        return self.state.sequence
