"""Whole runs of small scenarios, for tests that look at what faults do and leave behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from chainsim.build import Simulation, build
from chainsim.checks.context import BalanceKey
from chainsim.run_result import RunResult
from chainsim.trace import Accused, Executed, NodeChanged, Reached, Record, Recorder, Signed
from scenarios.loader import load_text

BASE = """
schema = 1
name = "small"
duration = "60s"
validators = {n}

[consensus]
block_interval = "50ms"
checkpoint_interval = 5
window = 10
request_timeout = "500ms"
view_change_timeout = "500ms"
status_interval = "200ms"
signatures = "fast"

[network]
latency = {{ kind = "uniform", low = "5ms", high = "25ms" }}

[genesis]
include = "cash"

[[workload]]
kind = "transfers"
rate = "20/s"
start = "500ms"
stop = "2500ms"
"""

LATER = """
[[workload]]
kind = "transfers"
rate = "4/s"
start = "20s"
stop = "25s"
"""
"""Work for a network that had time to recover."""
MALLORY = """
[[genesis.parties]]
id = "mallory"
role = "investor"
custodian = "dealer-a"

[[genesis.accounts]]
id = "mallory/cash"
owner = "mallory"
custodian = "dealer-a"
balance = ["1000.00 PKR"]
"""
"""A client that no workload speaks for: its attacks are all that it does."""
LATER_US = 20_000_000


class Run:
    """A run that is over, with what its trace said."""

    def __init__(
        self, text: str, *, n: int = 4, seed: int = 1, settings: tuple[str, ...] = ()
    ) -> None:
        """``settings``: what replaces parts of ``BASE``, as with --set."""
        scenario = load_text(BASE.format(n=n) + text, overrides=settings, seed=seed)
        recorder = Recorder()
        self.records: list[Record] = []
        for kind in (Reached, Signed, Executed, NodeChanged, Accused):
            recorder.subscribe(kind, self.records.append)
        self.simulation: Simulation = build(scenario, recorder)
        self.result: RunResult = self.simulation.run()

    def votes(self, since_us: int) -> Counter[str]:
        """Different messages that validators signed from a time on, by type (rule 17: what
        STATUS makes them send again is counted apart)."""
        signed = {
            (r.type, r.node, r.view, r.sequence, r.digest)
            for r in self.records
            if isinstance(r, Signed) and r.at_us >= since_us
        }
        return Counter(kind for kind, *_ in sorted(signed))

    def reached(self, event: str, node: str = "") -> list[Reached]:
        """Milestones of one kind (at one node)."""
        return [
            record
            for record in self.records
            if isinstance(record, Reached) and record.event == event and node in ("", record.node)
        ]

    def executions(self) -> list[Executed]:
        """Every execution of a block at a validator, in order of time."""
        return [record for record in self.records if isinstance(record, Executed)]

    def signed(self, node: str) -> list[Signed]:
        """What a node signed and sent, resends included."""
        return [r for r in self.records if isinstance(r, Signed) and r.node == node]

    def receipts(self, client: str) -> Counter[str]:
        """What became of a party's ordered requests, by code."""
        receipts = (receipt for block in self.result.chain for receipt in block.receipts)
        return Counter(receipt.code for receipt in receipts if receipt.client == client)

    def without_paid_by(
        self, client: str, balances: Mapping[BalanceKey, int]
    ) -> dict[BalanceKey, int]:
        """Balances as if a party had never paid anything."""
        before = dict(balances)
        for block in self.result.chain:
            for receipt in block.receipts:
                for posting in receipt.postings if receipt.client == client else ():
                    key = (posting.account, posting.asset, posting.partition)
                    before[key] = before.get(key, 0) - posting.delta
        return before

    def states(self, node: str) -> list[str]:
        """Ups and downs of a node's process."""
        return [r.state for r in self.records if isinstance(r, NodeChanged) and r.node == node]

    def proven(self) -> dict[str, list[str]]:
        """Culprit -> what is proven against it."""
        found: dict[str, list[str]] = {}
        for culprit, kind in self.result.measures.evidence:
            found.setdefault(culprit, []).append(kind)
        return found

    def broken(self) -> list[str]:
        """Names of checks that failed."""
        return [check.name for check in self.result.checks if not check.ok]

    def why(self) -> str:
        """What failed, in words."""
        rows = [f"{c.name}: {c.detail}" for c in self.result.checks if not c.ok]
        return "\n".join(rows) or "nothing failed"
