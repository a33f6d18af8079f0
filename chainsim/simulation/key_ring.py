"""The signing keys that lie on a validator's disk, and the ones that an operator brings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from consensus.crypto import Signer


class KeyRing:
    """A validator's keys by generation; a process holds the one in force and all after it.

    Usually those are two. But what orders a new key may be refused, as another change of the
    committee is under way: the old one stays in force, and goes only once a later one is.
    """

    def __init__(self, make: Callable[[int], Signer]) -> None:
        self._make: Final = make
        self._newest = 0
        self._oldest = 0
        self._brought = False
        """Whether the newest is in the operator's hands, and not on the disk yet."""

    def rotate(self, in_force: bytes | None) -> None:
        """The operator brings a further key, and erases those before the one ``in_force``, a
        public key (None: whichever there are stay)."""
        for generation in range(self._oldest, self._newest + 1):
            if self._make(generation).public_key == in_force:
                self._oldest = generation
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
        return self._make(self._oldest)

    @property
    def next_signer(self) -> Signer | None:
        """A further key, in use once the committee holds it."""
        return self._make(self._oldest + 1) if self._newest > self._oldest else None

    @property
    def later_signers(self) -> tuple[Signer, ...]:
        """Keys that were brought after ``next_signer``, while that wasn't in force."""
        return tuple(map(self._make, range(self._oldest + 2, self._newest + 1)))

    @property
    def held(self) -> tuple[Signer, ...]:
        """All keys that aren't erased, the oldest first."""
        return tuple(map(self._make, range(self._oldest, self._newest + 1)))

    @property
    def newest(self) -> Signer:
        """The key that was brought last."""
        return self._make(self._newest)
