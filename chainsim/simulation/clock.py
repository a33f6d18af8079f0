"""A node's local clock. So far all are right; skew and drift will be other ones."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Turns virtual time into what a node reads, and its delays into virtual ones."""

    def read(self, now_us: int) -> int:
        """The local reading at virtual time ``now_us``."""
        ...

    def delay(self, now_us: int, local_us: int) -> int:
        """How long ``local_us`` of local time takes from ``now_us``, in virtual time."""
        ...


class TrueClock:
    """Shows virtual time."""

    def read(self, now_us: int) -> int:
        return now_us

    def delay(self, now_us: int, local_us: int) -> int:
        return local_us
