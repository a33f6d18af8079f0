"""What was answered lately: a question costs little, its answer may be large (rule 32).

Each asker gets each thing once per half status interval, and only so many things; a question
that somebody replays uses up nothing but itself. A true one that goes unanswered comes again.
"""

from __future__ import annotations

from typing import Any, Final

from consensus.types import NodeId


class Answers:
    """Per asker what it was sent, and when; times in microseconds of local clock."""

    def __init__(self, interval_us: int) -> None:
        self._interval_us: Final = interval_us
        self._given: dict[NodeId, dict[Any, int]] = {}

    def allow(self, asker: NodeId, what: Any, now_us: int, limit: int) -> bool:
        """Whether ``asker`` may have ``what`` now, with at most ``limit`` things per interval."""
        given = self._given.setdefault(asker, {})
        while given:
            oldest, at_us = next(iter(given.items()))
            if 0 <= now_us - at_us < self._interval_us:  # from later: the clock was set back
                break
            del given[oldest]
        if what in given or len(given) >= limit:
            return False
        given[what] = now_us
        return True

    def forget(self) -> None:
        """An epoch began: who asks may be somebody else."""
        self._given.clear()
