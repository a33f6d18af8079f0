"""Mutants of durability, execution and clients (rules 23, 30 and 31)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from chainsim.explore.planting import swapped
from chainsim.simulation.disk import Disk
from consensus.effects import Broadcast, Effect, Persist
from consensus.messages import Commit
from consensus.pbft.core import Core
from consensus.records import PreparedRecord
from nodes.client import Client
from nodes.ledger.replies import ReplyScope

Patch = AbstractContextManager[None]


def commit_before_durable() -> Patch:
    """The prepared certificate is written after everything that the event sends."""

    def finish(self: Core) -> list[Effect]:
        effects = original(self)
        late = [
            e for e in effects if isinstance(e, Persist) and isinstance(e.record, PreparedRecord)
        ]
        sends_commit = any(
            isinstance(e, Broadcast) and isinstance(e.message, Commit) for e in effects
        )
        if not late or not sends_commit:
            return effects
        return [e for e in effects if e not in late] + late

    original = Core.finish
    return swapped((Core, "finish", finish))


def fsync_skipped() -> Patch:
    """The disk says that it is done, and keeps in its cache what it was given."""

    def complete(self: Disk, mark: int) -> int:
        count = mark - self.synced
        self.synced = mark
        return count

    def crash(self: Disk, survival: Any) -> int:
        if survival == "synced":
            self._pending.clear()
        return original(self, survival)

    original = Disk.crash
    return swapped((Disk, "complete", complete), (Disk, "crash", crash))


def executed_again() -> Patch:
    """Execution doesn't look whether a request number was used."""
    return swapped((ReplyScope, "is_stale", lambda self, party, number: False))


def one_reply() -> Patch:
    """The first REPLY is believed."""
    real: Any = vars(Client)["committee"]
    believed = property(lambda self: _OneIsEnough(real.fget(self)))
    return swapped((Client, "committee", believed))


class _OneIsEnough:
    weak_quorum = 1

    def __init__(self, committee: Any) -> None:
        self._real = committee

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def __contains__(self, id_: object) -> bool:
        return id_ in self._real
