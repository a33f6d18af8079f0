"""The signing keys that lie on a validator's disk, and the ones that an operator brings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from consensus.crypto import Signer


class KeyRing:
    """A validator's keys by generation; a process holds the newest and the one before."""

    def __init__(self, make: Callable[[int], Signer]) -> None:
        self._make: Final = make
        self._newest = 0
        self._oldest = 0
        self._brought = False
        """Whether the newest is in the operator's hands, and not on the disk yet."""

    def rotate(self) -> None:
        """The operator brings a further key."""
        self._newest += 1
        self._brought = True

    def stored(self) -> None:
        """A process started: what was brought lies on its disk now."""
        self._brought = False

    def survives_amnesia(self) -> bool:
        """The disk is lost: whether there is a key that wasn't on it. The others are gone."""
        if self._brought:
            self._oldest = self._newest
        return self._brought

    @property
    def signer(self) -> Signer:
        """The key that is in use (or the only one)."""
        return self._make(max(self._oldest, self._newest - 1))

    @property
    def next_signer(self) -> Signer | None:
        """A further key, in use once the committee holds it."""
        return self._make(self._newest) if self._newest > self._oldest else None
