"""What a check is told besides the trace: the cast before the run, where everybody stands after it.

``chainsim/build.py`` makes both. ``CheckContext`` holds what is public before the first event;
``RunEnd`` is read once, when the run is over.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from consensus.crypto import Verifier
from consensus.protocol import Parameters
from consensus.types import Committee, NodeId, Sequence
from nodes.ledger.genesis import Genesis

BalanceKey = tuple[str, str, str]
"""(account, asset, partition), as in ``nodes.ledger.receipts.Posting``."""


class CheckContext(msgspec.Struct, frozen=True, kw_only=True):
    """Known before the run; times in microseconds.

    ``honest`` are the validators that PBFT.md's fault budget counts as honest: all but the
    Byzantine, those whose disk loses what it acknowledged, and those whose clock is beyond the
    drift bound. A crash does not make a validator hostile.
    """

    committee: Committee
    """Of epoch 0, with the validators' public keys."""
    chain: bytes
    """Genesis hash: every message's chain id."""
    honest: frozenset[NodeId]
    verifier: Verifier
    parameters: Parameters
    clients: Mapping[NodeId, str] = msgspec.field(default_factory=dict)
    """Honest client nodes, with the party that each speaks for (Submitted and Final name nodes)."""
    opening: Mapping[BalanceKey, int] = msgspec.field(default_factory=dict)
    """Balances at genesis, minor units; what isn't there is zero."""
    client_retry_us: int = 4_000_000
    """A client's longest retransmission interval, after backing off (rule 21)."""
    within_us: int | None = None
    """``expect.within``; None: the bound that HARNESS.md prints."""
    lossless: bool = True
    """No message is lost outside faults: only then may view changes be demanded to stop."""
    sometimes: tuple[str, ...] = ()
    """``expect.sometimes``: what must have happened."""
    watchers: frozenset[NodeId] = frozenset()
    """Light observers, all of them honest."""
    genesis: Genesis | None = None
    """Parties, licences, series and policies at height 0; None: a chain of its own kind."""


class NodeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Where one validator stands at the end."""

    up: bool
    view: int
    active: bool
    """False during a view change."""
    executed: Sequence
    stable: Sequence = 0
    held: Mapping[str, int] = msgspec.field(default_factory=dict)
    """How full its tables of what came too early were at most, in all its lives, by name."""
    waits_for: str = ""
    """For stalls, in words: "4 COMMITs at (0, 12), holds 3; timer new-view"."""


class LedgerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The money in one running validator's ledger at the end."""

    height: Sequence
    balances: Mapping[BalanceKey, int]
    """Zero balances may be left out."""


class RunEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The state in which the run ended."""

    at_us: int
    nodes: Mapping[NodeId, NodeStatus]
    """All validators, and observers."""
    committee: Committee | None = None
    """The newest in force anywhere; None: that of the beginning."""
    ledgers: Mapping[NodeId, LedgerStatus] = msgspec.field(default_factory=dict)
    """Of the honest validators that are up."""
    reachable: tuple[tuple[NodeId, ...], ...] = ()
    """Groups of running validators that can talk to each other; empty: nobody is cut off."""
