"""Time that has passed, from the readings of a clock that may be set back."""

from __future__ import annotations


class Elapsed:
    """Adds up the steps that a clock makes forward; one back takes nothing away.

    What waits for an interval to pass must not wait for as long as a clock was wrong.
    """

    def __init__(self) -> None:
        self.now_us = 0
        """As of the last reading; equal to it as long as the clock was never set back."""
        self._reading_us = 0

    def at(self, reading_us: int) -> int:
        """``now_us`` at a new reading."""
        self.now_us += max(0, reading_us - self._reading_us)
        self._reading_us = reading_us
        return self.now_us
