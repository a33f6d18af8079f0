"""As the primary, proposes block times that aren't: long past, or yet to come."""

from __future__ import annotations

from typing import ClassVar

from consensus.messages import Batch
from nodes.byzantine.base import Attacker
from nodes.byzantine.own_proposals import OwnProposals


class BadBlockTime(OwnProposals):
    """By chance (``chance``) a batch is dated before everything else; all others are dated
    ``delay`` ahead (left out: thrice the request time-out beyond the drift that is let pass).

    Rule 8: block time never falls, and who finds it ahead of its own clock waits for it, so that
    deadlines don't pass early.
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (8,)

    def __init__(self, attacker: Attacker) -> None:
        super().__init__(attacker)
        given = attacker.parameters
        ahead_us = given.clock_drift_us + 3 * given.request_timeout_us
        self._ahead_us = attacker.options.delay_us or ahead_us

    def proposed(self, batch: Batch) -> Batch:
        past = self.attacker.draws.chance(self.attacker.options.chance_ppm)
        return Batch(0 if past else batch.time_us + self._ahead_us, batch.requests)
