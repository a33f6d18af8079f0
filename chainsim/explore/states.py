"""What counts as a protocol state, for the strategy that looks for new ones. The only place.

A state is what just happened at one validator, where it stands, and where the others stand at that
moment, seen from so far away that few remain: who is how far behind the furthest in views and in
blocks, who is changing views, who is down. Validators that stand alike count once, so names,
sequences and the size of the committee make no difference.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

import msgspec

from chainsim.trace import (
    Executed,
    Installed,
    NodeChanged,
    Reached,
    Recorder,
    TimerExpired,
)

VIEWS_TOLD: Final = 2
"""Views behind the highest that are told apart; more count as so many."""
BLOCKS_TOLD: Final = 2
"""Blocks behind the furthest that are told apart."""
TIMERS: Final = ("request", "new-view")
"""Timers whose end is an event; the others only repeat."""

Stand = tuple[int, bool, int, bool]
"""(views behind, changing views, blocks behind, up)."""


class _Validator:
    """Where a validator stands, as its own records say."""

    __slots__ = ("changing", "committed", "executed", "prepared", "up", "view")

    def __init__(self) -> None:
        self.view = 0
        self.changing = False
        self.executed = 0
        self.prepared = 0
        self.committed = 0
        self.up = True


class ProtocolStates:
    """Collects the states of one run, as numbers of 64 bits."""

    def __init__(self) -> None:
        self.seen: Final[dict[int, None]] = {}
        """In the order in which they were reached."""
        self._known: Final[dict[Any, int]] = {}
        self._validators: Final[dict[str, _Validator]] = {}

    def listen(self, recorder: Recorder) -> None:
        """Takes the records of a run that is about to begin."""
        recorder.subscribe(Reached, self._reached)
        recorder.subscribe(Executed, self._executed)
        recorder.subscribe(Installed, self._executed)
        recorder.subscribe(NodeChanged, self._node)
        recorder.subscribe(TimerExpired, self._timer)

    def _of(self, node: str) -> _Validator:
        return self._validators.setdefault(node, _Validator())

    def _reached(self, record: Reached) -> None:
        validator = self._of(record.node)
        match record.event:
            case "view-change-started":
                validator.view, validator.changing = record.view, True
            case "new-view-entered":
                validator.view, validator.changing = record.view, False
                validator.prepared = validator.committed = validator.executed
            case "prepared":
                validator.prepared = max(validator.prepared, record.sequence)
            case "committed":
                validator.committed = max(validator.committed, record.sequence)
        self._note(record.event, validator)

    def _executed(self, record: Executed | Installed) -> None:
        validator = self._of(record.node)
        validator.executed = record.sequence
        empty = isinstance(record, Executed) and not record.transactions
        kind = "installed" if isinstance(record, Installed) else "null" if empty else "executed"
        self._note(kind, validator)

    def _node(self, record: NodeChanged) -> None:
        known = self._validators.get(record.node)
        if known is not None:  # clients never said anything
            known.up = record.state in ("up", "resumed")
            self._note(record.state, known)

    def _timer(self, record: TimerExpired) -> None:
        known = self._validators.get(record.node)
        name = record.key.partition(":")[0]
        if known is not None and name in TIMERS:
            self._note(name, known)

    def _note(self, event: str, mover: _Validator) -> None:
        all_ = list(self._validators.values())
        view = max(each.view for each in all_)
        height = max(each.executed for each in all_)
        stands = sorted({_stand(each, view, height) for each in all_})
        state = (event, _progress(mover), _stand(mover, view, height), tuple(stands))
        number = self._known.get(state)
        if number is None:
            number = self._known[state] = _number(state)
            self.seen[number] = None


def _stand(validator: _Validator, view: int, height: int) -> Stand:
    return (
        min(VIEWS_TOLD, view - validator.view),
        validator.changing,
        min(BLOCKS_TOLD, height - validator.executed),
        validator.up,
    )


def _progress(validator: _Validator) -> int:
    """Beyond its last executed block: 0 nothing, 1 something prepared, 2 something committed."""
    if validator.committed > validator.executed:
        return 2
    return 1 if validator.prepared > validator.executed else 0


def _number(state: Any) -> int:
    """The same in every process. 63 bits, as JSON readers may have no more."""
    return int.from_bytes(sha256(msgspec.msgpack.encode(state)).digest()[:8], "big") >> 1
