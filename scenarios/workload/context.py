"""What a workload may know when it makes its submissions."""

from __future__ import annotations

import msgspec

from nodes.ledger.genesis import Genesis
from scenarios.keys import Keys
from scenarios.rng import Stream


class Context(msgspec.Struct, frozen=True):
    """The first state, the keys, and the scenario's own measures of time (microseconds).

    ``index`` is the workload's place in the file: it names its random stream, so that adding
    one workload shifts no draw of the others.
    """

    genesis: Genesis
    keys: Keys
    seed: int
    duration_us: int
    day_us: int
    index: int = 0

    def stream(self, purpose: str) -> Stream:
        """The random stream of this workload for one purpose."""
        return Stream(self.seed, f"workload/{self.index}/{purpose}")
