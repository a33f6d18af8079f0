"""What a consensus protocol is to a validator, and the table of those that exist."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, Final, Protocol

import msgspec

from consensus.checkpoint_state import CheckpointState
from consensus.crypto import Signer, Verifier
from consensus.effects import Effect
from consensus.errors import ConfigurationError
from consensus.events import Event
from consensus.messages import Request
from consensus.records import LogRecord
from consensus.types import Committee, NodeId, Sequence, View

CLOCK_DRIFT_US: Final = 500_000
"""PBFT.md's drift bound: a clock that is wrong by more counts among the hostile."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """Tuning that all validators share; times in microseconds of local clock."""

    block_max_txs: int = 200
    block_interval_us: int = 100_000
    checkpoint_interval: int = 10
    """K: a checkpoint at every multiple."""
    window: int = 20
    """L: slots that may be in flight above the stable checkpoint; at least 2K."""
    request_timeout_us: int = 2_000_000
    view_change_timeout_us: int = 2_000_000
    status_interval_us: int = 1_000_000
    clock_drift_us: int = CLOCK_DRIFT_US
    """How far a proposal's block time may lie ahead of the local clock before it is held."""


class RequestPool(Protocol):
    """Requests that wait for an order; kept by the validator, read by its protocol.

    ``add`` refuses duplicates, stale numbers and what exceeds the caps. Fair among clients.
    """

    def add(self, request: Request) -> bool:
        """True if ``request`` is now waiting (False: known already, too old, or no room)."""
        ...

    def __contains__(self, request: Request) -> bool:
        """Whether this request (by digest) waits, selected or not."""
        ...

    def __len__(self) -> int:
        """Number of waiting requests not selected for a proposal."""
        ...

    def select(self, limit: int) -> tuple[Request, ...]:
        """Up to ``limit`` unselected requests, fairly among clients; they are now selected."""
        ...

    def mark_selected(self, requests: tuple[Request, ...]) -> None:
        """Somebody else's proposal holds these: don't select them too."""
        ...

    def release_selected(self) -> None:
        """A new view began: everything not executed may be selected again (rule 18)."""
        ...

    def remove(self, requests: tuple[Request, ...]) -> None:
        """These were executed (or superseded by execution)."""
        ...

    def drop_stale(self) -> None:
        """A later state was installed: what it can't execute any more goes (rule 22)."""
        ...

    def oldest(self) -> Mapping[NodeId, int]:
        """Each client's oldest waiting request number (rule 18)."""
        ...


class StateStore(Protocol):
    """States of the state machine at checkpoints, in pieces (rule 22); kept by the validator.

    A piece is bytes under a path, which only the store understands; the empty path stands for
    the encoded ``CheckpointState``.
    """

    def piece(self, sequence: Sequence, path: str) -> bytes | None:
        """A piece of the state at that checkpoint; None if it isn't held, or never was."""
        ...

    def aim(self, state: CheckpointState) -> None:
        """Begin to put ``state`` together; of an earlier attempt, and of one's own state, what
        is the same is used."""
        ...

    def missing(self) -> Iterable[str]:
        """Paths of the pieces that are known to be missing, in a fixed order; none once the
        state is complete."""
        ...

    def add(self, path: str, piece: bytes) -> bool:
        """Take a missing piece. False if it isn't what the state that was aimed at has there;
        never raises, whatever the bytes."""
        ...


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a protocol instance is given: nothing else reaches it but events."""

    id: NodeId
    chain: bytes
    """Genesis hash: the chain id in every message."""
    signer: Signer
    """One's key: votes only while the committee in force holds its public half (rule 29)."""
    verifier: Verifier
    parameters: Parameters
    pool: RequestPool
    committee: Committee
    """Of epoch 0; later ones are learned from the chain."""
    store: StateStore | None = None
    """None: states can't be transferred; who lags executes what others send."""
    next_signer: Signer | None = None
    """A further key, to vote with once the committee holds that one (rule 27)."""
    observers: frozenset[NodeId] = frozenset()
    """Nodes outside the committee that may ask what was decided (rule 29)."""
    later_signers: tuple[Signer, ...] = ()
    """Keys that were brought after ``next_signer`` while that wasn't in force: what orders a key
    may be refused, and the next one not."""


class ConsensusProtocol(Protocol):
    """A sans-IO replica. ``handle`` never raises, whatever the network delivers (rule 32).

    What it persists in its vote log is a ``records.LogRecord``, or of the type (a tagged union of
    msgspec structs) that what makes it has as the attribute ``LOG_RECORD``.
    """

    def handle(self, event: Event) -> list[Effect]:
        """Boot, Receive, TimerFired or Executed in; effects out, in order."""
        ...

    @property
    def view(self) -> View:
        """The active view, or the pending one during a view change."""
        ...

    @property
    def active(self) -> bool:
        """False during a view change."""
        ...

    @property
    def executed(self) -> Sequence:
        """Highest sequence executed."""
        ...

    @property
    def stable(self) -> Sequence:
        """Low watermark h: the last stable checkpoint."""
        ...

    @property
    def committee(self) -> Committee:
        """The configuration in force."""
        ...


def _pbft(environment: Environment) -> ConsensusProtocol:
    from consensus.pbft.replica import Replica

    return Replica(environment)


PROTOCOLS: Final[dict[str, Callable[[Environment], ConsensusProtocol]]] = {"pbft": _pbft}
"""By the name that a scenario uses in ``consensus.protocol``."""


def log_record_of(name: str) -> Any:
    """The type of what replicas of the protocol ``name`` write to their vote logs.

    Raises ``ConfigurationError`` if there is no such protocol.
    """
    return getattr(find_protocol(name), "LOG_RECORD", LogRecord)


def find_protocol(name: str) -> Callable[[Environment], ConsensusProtocol]:
    """What makes replicas of the protocol ``name``: a line of ``PROTOCOLS``, or, for
    ``"package.module:Name"``, what that module (of somebody's own) calls so.

    Raises ``ConfigurationError`` if there is none.
    """
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    module, colon, path = name.partition(":")
    if not colon:
        raise ConfigurationError(f'unknown protocol "{name}"')
    try:
        found: Any = import_module(module)
        for attribute in path.split("."):
            found = getattr(found, attribute)
    except Exception as error:  # the module's own code runs here, and may raise anything
        raise ConfigurationError(f"can't import the protocol {name}: {error}") from error
    if not callable(found):
        raise ConfigurationError(f'"{name}" is no protocol: it makes no replica')
    factory: Callable[[Environment], ConsensusProtocol] = found
    return factory
