"""What a run came to, as one plain value: ``summary.json``, ``--json`` and the terminal show it.

The field names are the contract of ``--json``; what is added to them goes at the end of a
struct. Times are microseconds of virtual time unless a name says otherwise.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Ending = Literal["settled", "duration", "interrupted", "failed"]
"""Why a run ended: no work was left, its time was up, Ctrl-C, or a bug of ours."""


class Messages(msgspec.Struct, frozen=True, kw_only=True):
    """Counted per receiver; ``by_type`` are those sent."""

    sent: int
    delivered: int
    dropped: int
    by_type: dict[str, int]


class Transactions(msgspec.Struct, frozen=True, kw_only=True):
    """``failed`` are final with another code than OK; ``by_code`` counts the final ones."""

    submitted: int
    final: int
    failed: int
    by_code: dict[str, int]


class Finality(msgspec.Struct, frozen=True, kw_only=True):
    """From a client's first send to f+1 equal replies; None if nothing became final."""

    p50: int | None = None
    p99: int | None = None
    max: int | None = None


class CheckLine(msgspec.Struct, frozen=True, kw_only=True):
    """A property and whether it holds."""

    name: str
    kind: str
    ok: bool
    detail: str


class ExpectationLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of ``[expect]`` and whether it holds."""

    name: str
    ok: bool
    wanted: str
    got: str


class MisbehaviourLine(msgspec.Struct, frozen=True, kw_only=True):
    """Proven misbehaviour; ``evidence`` is a file in the run folder."""

    node: str
    kind: str
    evidence: str


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure that the ledger computed, and the published one where there is one."""

    ours: str
    published: str | None = None

    @property
    def equal(self) -> bool | None:
        """Whether the two agree in every digit; None if nothing was published."""
        return None if self.published is None else self.ours == self.published


class AuctionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One bid: who, how much at which price, what was allotted, and what follows from it."""

    bid: str
    bidder: str
    price: str
    amount: str
    allotted: str
    figures: dict[str, Figure]


class Auction(msgspec.Struct, frozen=True, kw_only=True):
    """One auction's result; amounts in millions of the currency, as they are published."""

    series: str
    title: str
    state: str
    source: str
    """Whose figures are beside ours; empty if nobody's."""
    rows: tuple[AuctionRow, ...]
    totals: dict[str, str] = {}

    @property
    def compared(self) -> int:
        """How many figures have a published one beside them."""
        return sum(f.equal is not None for row in self.rows for f in row.figures.values())

    @property
    def differing(self) -> int:
        """How many of those differ."""
        return sum(f.equal is False for row in self.rows for f in row.figures.values())


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What the ledger settled: DvP instructions by state, and auctions."""

    dvp: dict[str, int] = {}
    auctions: tuple[Auction, ...] = ()
    market: dict[str, int] = {}
    """Measures of a market infrastructure (``market_measures``)."""


class NodeLine(msgspec.Struct, frozen=True, kw_only=True):
    """Where a validator stands at the end."""

    id: str
    role: str
    city: str
    up: bool
    height: int
    view: int
    active: bool = True
    waits_for: str = ""


class FirstViolation(msgspec.Struct, frozen=True, kw_only=True):
    """The earliest breach; ``meaning`` is for people."""

    check: str
    at_us: int
    node: str
    height: int
    meaning: str


class FaultLine(msgspec.Struct, frozen=True, kw_only=True):
    """A fault as it acted; ``until_us`` is None if it never ended."""

    kind: str
    nodes: tuple[str, ...]
    from_us: int
    until_us: int | None = None
    index: int = 0
    """Its place among the scenario's faults."""
    groups: tuple[tuple[str, ...], ...] = ()
    """Of a partition: who was cut off from whom, as the scenario names them."""
    behaviour: str = ""
    """Of hostile nodes: what they did."""


class WatcherLine(msgspec.Struct, frozen=True, kw_only=True):
    """What a light observer had proven to it, up to ``height``; each thing counts once."""

    id: str
    height: int
    receipts: int
    balances: int
    committee_changes: int
    liars: tuple[str, ...] = ()
    """Validators that it caught with a wrong answer."""
    skipped: int = 0
    """Blocks that it believes without having seen their headers, and so their receipts."""
    stopped: str = ""
    """Why it went no further; empty if it did."""


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """How well clients were served, of what the workload sends (not of what a fault sends)."""

    submitted: int
    final: int
    throughput_per_hour: int
    """Final transactions, from the first submission to the last that became final."""
    finality_us: Finality
    view_changes: int


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """A run, and the same scenario and seed without its faults."""

    disturbed: Pace
    undisturbed: Pace
    digest: str
    """Of the undisturbed run."""


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a finished (or interrupted) run has to say."""

    scenario: str
    seed: int
    digest: str
    ok: bool
    exit_code: int
    virtual_time_us: int
    wall_s: float
    height: int
    views: dict[str, int]
    view_changes: int
    messages: Messages
    transactions: Transactions
    finality_us: Finality
    checks: tuple[CheckLine, ...]
    expectations: tuple[ExpectationLine, ...]
    misbehaviour: tuple[MisbehaviourLine, ...]
    state_root: str
    settlement: Settlement
    run_dir: str
    version: str
    title: str = ""
    ended: Ending = "settled"
    nodes: tuple[NodeLine, ...] = ()
    faults: tuple[FaultLine, ...] = ()
    first_violation: FirstViolation | None = None
    finality_stages_us: dict[str, int] = {}
    """Medians of the steps of an ordered transaction, in their order."""
    watchers: tuple[WatcherLine, ...] = ()
    beside: Beside | None = None
    """If the scenario asks for it (``expect.beside``)."""


def to_json(summary: RunSummary, *, indent: int = 0) -> str:
    """One JSON object, ending in a newline."""
    encoded = msgspec.json.encode(summary)
    return (msgspec.json.format(encoded, indent=indent) if indent else encoded).decode() + "\n"


def from_json(text: bytes) -> RunSummary:
    """Reads what ``to_json`` wrote. Raises ``msgspec.MsgspecError`` for anything else."""
    return msgspec.json.decode(text, type=RunSummary)
