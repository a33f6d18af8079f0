"""The committees of all epochs that are known, each proven by the one before it (rules 27, 29).

Replicas, clients and observers start from the committee of genesis. The checkpoint that ends an
epoch, signed by a quorum of that epoch's committee, names the next one: so whoever trusts the
first trusts them all, without having seen a block.
"""

from __future__ import annotations

from typing import Final

from consensus.certificates import certified_state_is_valid
from consensus.crypto import Verifier
from consensus.messages import CertifiedState, Message
from consensus.types import Committee, Sequence


def boundary_after(sequence: Sequence, interval: int, window: int) -> Sequence:
    """B for a change ordered at ``sequence``: the least multiple of K >= c + L - 1 (rule 27)."""
    return -(-(sequence + window - 1) // interval) * interval


class Configurations:
    """Committees by epoch and by sequence; grows by ``learn`` only."""

    def __init__(self, first: Committee, chain: bytes, verifier: Verifier) -> None:
        self._committees: Final[list[Committee]] = [first]
        self.boundaries: Final[list[CertifiedState]] = []
        """The last stable checkpoint of each epoch that is over, oldest first."""
        self._chain: Final = chain
        self._verify: Final = verifier.verify

    @property
    def newest(self) -> Committee:
        """The committee of the highest epoch that is known."""
        return self._committees[-1]

    def of_epoch(self, epoch: int) -> Committee | None:
        """The committee of ``epoch``, if it is known."""
        first = self._committees[0].epoch
        if first <= epoch <= self.newest.epoch:
            return self._committees[epoch - first]
        return None

    def at(self, sequence: Sequence) -> Committee:
        """The committee that decides ``sequence``, as far as is known."""
        for place in range(len(self.boundaries), 0, -1):
            if sequence > self.boundaries[place - 1].sequence:
                return self._committees[place]
        return self._committees[0]

    def since(self, epoch: int) -> tuple[CertifiedState, ...]:
        """What leads from ``epoch`` to the newest: the ends of ``epoch`` and of those after it."""
        return tuple(self.boundaries[max(0, epoch - self._committees[0].epoch) :])

    def until(self, sequence: Sequence) -> tuple[CertifiedState, ...]:
        """The ends of all epochs that were over before ``sequence``."""
        return tuple(ended for ended in self.boundaries if ended.sequence < sequence)

    def is_valid(self, certified: CertifiedState) -> bool:
        """Whether a quorum of the committee in force at that sequence signed this state."""
        committee = self.at(certified.sequence)

        def authentic(message: Message) -> bool:
            return self.authentic(message, committee)

        return certified_state_is_valid(certified, committee, authentic)

    def authentic(self, message: Message, committee: Committee) -> bool:
        """Whether ``message`` is of ``committee``'s epoch and signed by the member it names."""
        if message.sender not in committee or message.chain != self._chain:
            return False
        if message.epoch != committee.epoch:
            return False
        key = committee.public_key(message.sender)
        return self._verify(key, message.signing_bytes, message.signature)  # type: ignore[attr-defined]

    def ended_at(self, sequence: Sequence) -> CertifiedState | None:
        """What ended an epoch at ``sequence``, if that is known."""
        for ended in self.boundaries:
            if ended.sequence == sequence:
                return ended
        return None

    def learn(self, certified: CertifiedState) -> bool:
        """Take a valid state of the newest epoch that ends it; whether that was news."""
        state = certified.state
        if state.epoch != self.newest.epoch + 1 or not self._is_above_boundaries(certified):
            return False
        self.boundaries.append(certified)
        self._committees.append(state.committee)
        return True

    def _is_above_boundaries(self, certified: CertifiedState) -> bool:
        return not self.boundaries or certified.sequence > self.boundaries[-1].sequence
