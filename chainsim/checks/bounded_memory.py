"""Bounded memory: nobody makes an honest validator keep more for later than it may (rule 32).

Votes and proposals of later views, windows and the next epoch are kept under a cap per sender. A
validator says how full these tables were at most, in all its lives, so that a flood is seen though
it has passed or its victim has crashed; the caps here are PBFT.md's, not those that the validator
applies.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from chainsim.checks.base import Check
from chainsim.checks.context import CheckContext, RunEnd
from chainsim.trace import Record
from consensus.protocol import Parameters

LIMITS: Final[dict[str, Callable[[Parameters], int]]] = {
    "future": lambda parameters: 6 * parameters.window,
    "early": lambda parameters: 3 * parameters.window,
    "slots": lambda parameters: parameters.window,
}
"""Table -> the most that it may hold; of ``future`` and ``early`` for any one sender."""
WHAT: Final = {
    "future": "messages of one sender for later views and windows",
    "early": "messages of one sender for the next epoch",
    "slots": "slots",
}


class BoundedMemory(Check):
    """No table of what came too early outgrew its limit, at any honest validator."""

    name = "bounded-memory"
    subscribes = ()

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._fullest = 0
        """Per cent of a limit."""
        self._looked = 0

    def on_record(self, record: Record) -> None:
        raise AssertionError("it asks for no records")

    def at_end(self, end: RunEnd) -> None:
        for node, status in sorted(end.nodes.items()):
            if node not in self.context.honest:
                continue
            self._looked += bool(status.held)
            for table, most in sorted(status.held.items()):
                limit = LIMITS[table](self.context.parameters)
                self._fullest = max(self._fullest, 100 * most // limit)
                if most > limit:
                    self.fail(
                        end.at_us,
                        node,
                        status.executed,
                        f"kept {most} {WHAT[table]}; at most {limit} are allowed",
                    )

    def held(self) -> str:
        if not self._looked:
            return "nobody keeps messages for later"
        return f"what {self._looked} validators kept for later filled {self._fullest} % of its room"
