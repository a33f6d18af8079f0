"""The event queue: a heap of tuples that is read in one order only.

Events are ordered by ``(time_us, priority, event_id)``. The id packs (instance, counter, receiver
instance, copy) into one integer, so it is unique and says who caused the event: the order never
hangs on when something was pushed, and payloads are never compared. An *instance* is a place
for a node (0 is the world itself); its counter is the world's and survives restarts.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any, Final

Action = Callable[[int, int, Any], None]
"""Called with (now_us, event_id, payload)."""

Entry = tuple[int, int, int, Action, Any]

HALT: Final = -1
"""Before all that is left of its microsecond: somebody wants to look."""
FAULT: Final = 0
DISK: Final = 1
"""A node's own machine: an fsync or a piece of CPU work is done."""
TIMER: Final = 2
MESSAGE: Final = 3
CLIENT: Final = 4
KERNEL: Final = 9
"""After everything else of its microsecond: is it time to stop?"""
END: Final = 10

INSTANCE_SHIFT: Final = 52
COUNTER_SHIFT: Final = 16
RECEIVER_SHIFT: Final = 4
INSTANCES: Final = 1 << 12
"""Places in a world, its own included."""
COPIES: Final = 1 << RECEIVER_SHIFT

CHUNK: Final = 4096
"""Events between two looks at the outside (progress)."""


class _Finished(Exception):
    """Leaves the event loop."""


class Scheduler:
    """Runs events in order. ``heap`` and ``heappush`` are open to the hot paths."""

    __slots__ = ("_counter", "_looks", "events", "heap", "now_us")

    def __init__(self) -> None:
        self.heap: list[Entry] = []
        self.now_us = 0
        """Exact between events of the world and after a run; hot paths are told the time."""
        self.events = 0
        """Events run so far, in whole chunks while running."""
        self._counter = 0
        self._looks: list[int] = []

    def push(
        self, at_us: int, priority: int, event_id: int, action: Action, payload: Any = None
    ) -> None:
        """Adds an event; ``event_id`` is unique."""
        heappush(self.heap, (at_us, priority, event_id, action, payload))
        if priority == FAULT:
            heappush(self._looks, at_us)

    def push_own(self, at_us: int, priority: int, action: Action, payload: Any = None) -> int:
        """Adds an event of the world's own instance; its id."""
        self._counter += 1
        event_id = self._counter << COUNTER_SHIFT
        heappush(self.heap, (at_us, priority, event_id, action, payload))
        if priority == KERNEL:
            heappush(self._looks, at_us)
        return event_id

    def next_look_us(self, now_us: int) -> int:
        """When next somebody may look at nodes or change them: a fault begins or ends, it is
        asked whether the run may stop, it stops."""
        looks = self._looks
        while looks and looks[0] < now_us:
            heappop(looks)
        return looks[0] if looks else now_us

    def finish(self, now_us: int, _event_id: int, _payload: Any) -> None:
        """As an action: ends the run at this event."""
        self.now_us = now_us
        raise _Finished

    def halt(self, now_us: int) -> None:
        """Ends the run after the event that is being handled; at most once per event."""
        heappush(self.heap, (now_us, HALT, 0, self.finish, None))

    def step(self) -> int:
        """Runs one event, if there is one; its priority."""
        if not self.heap:
            return KERNEL
        now_us, priority, event_id, action, payload = heappop(self.heap)
        self.now_us = now_us
        try:
            action(now_us, event_id, payload)
            self.events += 1
        except _Finished:
            pass
        self._forget_end()
        return priority

    def run(self, until_us: int, look: Callable[[], None] | None = None) -> None:
        """Runs all events up to and including ``until_us``, or until ``finish``.

        ``look`` is called after every ``CHUNK`` events. The garbage collector rests meanwhile:
        what is shared by all receivers would be scanned again and again.
        """
        if until_us < self.now_us:
            return
        heappush(self.heap, (until_us, END, 0, self.finish, None))
        heappush(self._looks, until_us)
        collecting = gc.isenabled()
        if collecting:  # else somebody rests it for longer, and thaws what is frozen
            gc.freeze()
            gc.disable()
        try:
            self._loop(look)
        finally:
            if collecting:
                gc.enable()
                gc.unfreeze()
            self._forget_end()

    def _loop(self, look: Callable[[], None] | None) -> None:
        heap = self.heap
        pop = heappop
        done = now_us = 0
        try:
            while True:
                for done in range(CHUNK):  # noqa: B007 - counted for the exit by exception
                    now_us, _, event_id, action, payload = pop(heap)
                    action(now_us, event_id, payload)
                self.events += CHUNK
                self.now_us = now_us
                if look is not None:
                    look()
        except _Finished:
            self.events += done

    def _forget_end(self) -> None:
        """Takes marks away that a run stopped before."""
        kept = [entry for entry in self.heap if HALT < entry[1] < END]
        if len(kept) != len(self.heap):
            self.heap[:] = kept
            heapify(self.heap)
