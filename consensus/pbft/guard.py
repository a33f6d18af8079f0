"""The sign guard: never a second digest under one key (rule 24).

It is the last line: the protocol's own rules already forbid what it refuses. Keys are
(type, epoch, view, sequence) for votes, (type, epoch, 0, sequence) for CHECKPOINT and
(type, epoch, view, 0) for VIEW-CHANGE and NEW-VIEW. It is filled again from the vote log at
boot. What was signed in a lower view than the last is forgotten: there nothing is signed any
more, whatever the digest (rule 12). So is, when it moves, what lies below the stable checkpoint.
"""

from __future__ import annotations

from consensus.messages import Message
from consensus.types import Digest, Sequence, View

GUARDED = frozenset({"pre-prepare", "prepare", "commit", "checkpoint", "view-change", "new-view"})
_BY_VIEW = frozenset({"view-change", "new-view"})


def statement(message: Message) -> Digest:
    """What ``message`` commits its sender to under its guard key."""
    if message.TYPE in _BY_VIEW:
        return message.digest_bytes
    digest: Digest = message.digest  # type: ignore[attr-defined]
    return digest


def guard_key(message: Message) -> tuple[str, int, View, Sequence]:
    """What an honest sender says one thing about: (type, epoch, view, sequence)."""
    return (message.TYPE, message.epoch, *message.slot())


class SignGuard:
    """Remembers what was signed under each key."""

    def __init__(self) -> None:
        self._signed: dict[tuple[str, int, int, int], Digest] = {}
        self._view: tuple[int, View] = (0, 0)
        """The highest epoch and view in which anything was signed."""

    def allows(self, message: Message) -> bool:
        """Record ``message`` and say yes, unless its key already stands for another digest."""
        if message.TYPE not in GUARDED:
            return True
        if self.is_over(message):
            return False
        said = statement(message)
        return self._signed.setdefault(guard_key(message), said) == said

    def is_over(self, message: Message) -> bool:
        """Whether ``message`` is of a view that was left behind."""
        kind, epoch, view, _ = guard_key(message)
        if kind == "checkpoint":
            return False
        if (epoch, view) > self._view:
            self._view = (epoch, view)
            self._signed = {
                key: digest for key, digest in self._signed.items() if key[0] == "checkpoint"
            }
        return (epoch, view) < self._view

    def forget(self, stable: Sequence) -> None:
        """Drop votes at or below ``stable``: the watermark forbids signing there."""
        self._signed = {
            key: digest
            for key, digest in self._signed.items()
            if key[3] > stable or key[0] in _BY_VIEW
        }
