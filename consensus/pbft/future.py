"""Votes and proposals that came before their view or window, kept under a cap per sender.

Votes may overtake the NEW-VIEW that starts their view (rule 12), and a faster replica's window
may be ahead of ours. Nobody's flood evicts another's message, and the first valid message of a
sender for one (type, view, sequence) stays (rule 32). What doesn't fit is dropped: STATUS
brings it again.
"""

from __future__ import annotations

from typing import Final

from consensus.messages import Commit, Prepare, PrePrepare
from consensus.types import NodeId, Sequence, View

Vote = PrePrepare | Prepare | Commit

MESSAGES_PER_SLOT: Final = 3
WINDOWS_KEPT: Final = 2
"""A sender may have this many windows' worth of messages waiting."""


class FutureMessages:
    """Messages by sender and (type, view, sequence)."""

    def __init__(self, window: int) -> None:
        self.cap: Final = MESSAGES_PER_SLOT * WINDOWS_KEPT * window
        """Messages kept per sender."""
        self._kept: dict[NodeId, dict[tuple[str, View, Sequence], Vote]] = {}
        self._peak = 0

    def __len__(self) -> int:
        return sum(map(len, self._kept.values()))

    @property
    def peak(self) -> int:
        """The most that any one sender had waiting here at one time."""
        # Messages leave only by take and clear, which remember how many there were before.
        return max([self._peak, *map(len, self._kept.values())])

    def is_full(self, sender: NodeId) -> bool:
        """Whether ``sender`` has used up its share."""
        return len(self._kept.get(sender, ())) >= self.cap

    def add(self, message: Vote) -> None:
        """Keep a verified message, unless the sender's share is used up."""
        if not self.is_full(message.sender):
            key = (message.TYPE, message.view, message.sequence)
            self._kept.setdefault(message.sender, {}).setdefault(key, message)

    def clear(self) -> None:
        """Another committee begins: votes of the last one are of no use."""
        self._peak = self.peak
        self._kept.clear()

    def take(self, view: View, high: Sequence) -> list[Vote]:
        """Remove and return what is due in ``view`` up to ``high``; forget lower views."""
        self._peak = self.peak
        due: list[Vote] = []
        for sender in sorted(self._kept):
            waiting = self._kept[sender]
            for key, message in list(waiting.items()):
                if message.view > view or (message.view == view and message.sequence > high):
                    continue
                del waiting[key]
                if message.view == view:
                    due.append(message)
            if not waiting:
                del self._kept[sender]
        due.sort(key=lambda m: (m.sequence, isinstance(m, Commit), isinstance(m, Prepare)))
        return due
