"""The shape of a scenario file: immutable structs, one for each table.

What is said here of a field is what ``chainsim schema`` prints and what the loader checks.
Durations are integer microseconds, probabilities parts per million (see ``scenarios.units``).
The structs hold values that were checked one by one; that they fit together (names that
exist, a window of two checkpoints) is the business of ``scenarios.loader``.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import Annotated, Final, Literal, get_args

import msgspec

from scenarios.convert import entries, whole
from scenarios.faults import Fault
from scenarios.genesis_spec import GenesisSpec
from scenarios.units import (
    Bandwidth,
    Duration,
    Money,
    Probability,
)
from scenarios.workload import Workload

SCHEMA_VERSION: Final = 1

Name = Annotated[
    str,
    msgspec.Meta(
        pattern="^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=64,
        description="lower-case letters, digits and single hyphens (at most 64)",
    ),
]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=10**9)]

Role = Literal["ministry", "central-bank", "licensor", "registrar", "exchange", "bank", "other"]
ROLES: Final[tuple[str, ...]] = get_args(Role)

SOMETIMES: Final = (
    "view-change",
    "checkpoint",
    "state-transfer",
    "timeout",
    "crash",
    "restart",
    "block",
    "null-request",
    "retransmission",
    "misbehaviour",
)
"""What ``expect.sometimes`` can name (chainsim.checks.sometimes knows each of them) …"""

MILESTONES: Final = (
    "pre-prepare-accepted",
    "prepared",
    "committed",
    "checkpoint-stable",
    "view-change-started",
    "new-view-entered",
    "epoch-entered",
    "halted",
    "disk-repaired",
    "state-piece-refused",
    "committee-followed",
    "liar-caught",
    "observer-stopped",
)
"""… besides these milestones of the protocol, of the machine and of light observers, and the kinds
of faults."""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the tables: immutable, fields by name only."""


class Calendar(_Table, frozen=True, kw_only=True):
    """Business time."""

    start: datetime.date = datetime.date(2026, 1, 5)
    """Business date of the first DAY_OPEN."""
    day: Duration = 20_000_000
    """Virtual time of one business day: market measures scale by it."""


class Consensus(_Table, frozen=True, kw_only=True):
    """The protocol and its tuning; the same for all validators."""

    protocol: str = "pbft"
    block_max_txs: Positive = 200
    block_interval: Duration = 100_000
    checkpoint_interval: Positive = 10
    """K: a checkpoint at every multiple."""
    window: Positive = 20
    """L: slots in flight above the stable checkpoint; at least 2K."""
    request_timeout: Duration = 2_000_000
    view_change_timeout: Duration = 2_000_000
    """Of the first attempt; doubles."""
    status_interval: Duration = 1_000_000
    """Above twice the largest round trip."""
    signatures: Literal["ed25519", "fast"] = "ed25519"


class ConstantLatency(_Table, frozen=True, kw_only=True, tag_field="kind", tag="constant"):
    """Every message takes ``value`` one way."""

    value: Duration


class UniformLatency(_Table, frozen=True, kw_only=True, tag_field="kind", tag="uniform"):
    """Evenly between ``low`` and ``high``, one way."""

    low: Duration
    high: Duration


class NormalLatency(_Table, frozen=True, kw_only=True, tag_field="kind", tag="normal"):
    """Normal with ``mean`` and ``deviation``, one way; never below zero."""

    mean: Duration
    deviation: Duration


class LognormalLatency(_Table, frozen=True, kw_only=True, tag_field="kind", tag="lognormal"):
    """Log-normal with ``median`` and 99th percentile ``p99``, one way."""

    median: Duration
    p99: Duration


class ExponentialLatency(_Table, frozen=True, kw_only=True, tag_field="kind", tag="exponential"):
    """``floor`` plus an exponential with ``mean``, one way."""

    mean: Duration
    floor: Duration = 0


Latency = ConstantLatency | UniformLatency | NormalLatency | LognormalLatency | ExponentialLatency


class Network(_Table, frozen=True, kw_only=True):
    """Links between all nodes; faults change single ones."""

    latency: str | Latency = "pakistan-gulf"
    """A city matrix by name, or a table."""
    jitter: Probability = 100_000
    """Share of the base latency that a draw may add."""
    loss: Probability = 0
    duplicate: Probability = 0
    reorder: Probability = 0
    bandwidth: Bandwidth = 100_000_000
    """Of each sender's network card."""


class Cpu(_Table, frozen=True, kw_only=True):
    """Modelled cost of work, charged in virtual time."""

    sign: Duration = 60
    verify: Duration = 150
    execute: Duration = 20
    """Of one transaction."""


class Disk(_Table, frozen=True, kw_only=True):
    """Modelled disk."""

    fsync: Duration = 2000
    rewrite_after: Positive = 512
    """Entries and transactions written, at least, before a validator's file of blocks is
    replaced by a shorter one, at a stable checkpoint."""


class Validator(_Table, frozen=True, kw_only=True):
    """One validator; several of one file share nothing but the network."""

    id: Name
    name: str = ""
    role: Role = "other"
    city: str = "islamabad"


class Observer(Validator, frozen=True, kw_only=True):
    """A node without a vote: it executes all that validators do, or (``light``) nothing."""

    light: bool = False
    """Executes nothing and keeps no ledger: believes what is proven to it; never a validator."""
    watch: tuple[str, ...] = ()
    """Of a light one: accounts, and parties, whose receipts and balances it has proven."""
    max_age: Duration = 1_209_600_000_000
    """Of a light one: it goes on from no checkpoint that is older than this."""


class ExpectReceipts(_Table, frozen=True, kw_only=True):
    """Exactly ``count``, or from ``min`` to ``max``, receipts of ``tx`` carry ``code``."""

    tx: str
    code: str = "OK"
    sender: str | None = None
    count: Count | None = None
    min: Count | None = None
    max: Count | None = None


class ExpectBalance(_Table, frozen=True, kw_only=True):
    """What an account holds at the end."""

    account: str
    amount: Money
    partition: Literal["free", "reserved", "frozen"] = "free"


class ExpectMetric(_Table, frozen=True, kw_only=True):
    """A number of the summary compared with ``value``."""

    name: str
    op: Literal["==", "!=", "<", "<=", ">", ">="] = "=="
    value: int | str
    """A number, or a quantity with its unit (``"2s"``)."""


class Expect(_Table, frozen=True, kw_only=True):
    """What must come of the run; each line can fail."""

    safety: Literal["holds", "violated"] = "holds"
    """"violated" is for a control run with more than f hostile nodes."""
    liveness: Literal["recovers", "stalls", "ignore"] = "recovers"
    """recovers: all that was submitted is final ``within`` of the last heal."""
    within: Duration | None = None
    """Left out: a bound that follows from the time-outs, printed with the result."""
    min_height: Count | None = None
    max_view_changes: Count | None = None
    finality_p99: Duration | None = None
    culprits: tuple[Name, ...] | None = None
    """Misbehaviour is proven against exactly these."""
    sometimes: tuple[str, ...] = ()
    """Must have happened, or the run was vacuous."""
    halt_alone_never: tuple[Role, ...] = ()
    """Validators of each of these roles together can't halt the network."""
    beside: Literal["undisturbed"] | None = None
    """"undisturbed": the summary shows this run beside the same one without its faults."""
    receipts: tuple[ExpectReceipts, ...] = ()
    balance: tuple[ExpectBalance, ...] = ()
    metric: tuple[ExpectMetric, ...] = ()


class Scenario(_Table, frozen=True, kw_only=True):
    """A whole scenario file. Immutable; ``scenarios.loader.load`` makes and checks one."""

    schema: Literal[1] = 1
    name: Name
    title: str = ""
    description: str = ""
    tags: tuple[Name, ...] = ()
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 1
    duration: Duration
    """Of virtual time; a run ends sooner once all work and checks are done."""
    calendar: Calendar = Calendar()
    consensus: Consensus = Consensus()
    network: Network = Network()
    cpu: Cpu = Cpu()
    disk: Disk = Disk()
    validators: tuple[Validator, ...]
    observers: tuple[Observer, ...] = ()
    """Nodes that follow the chain without a vote; ``add-validator`` can make one a member (not a
    light one)."""
    genesis: GenesisSpec = GenesisSpec()
    workload: tuple[Workload, ...] = ()
    faults: tuple[Fault, ...] = ()
    expect: Expect = Expect()

    def validator(self, id_: str) -> Validator | None:
        """The validator with this id, if there is one."""
        return next((v for v in self.validators if v.id == id_), None)


def seats(scenario: Scenario) -> list[Validator]:
    """The validators whose tables could be read (all of them, of a scenario that loaded)."""
    validators = entries("validators", scenario.validators, Validator)
    return [validator for _, validator in validators if whole(validator.id)]


def followers(scenario: Scenario) -> list[Observer]:
    """The observers that execute everything, of those whose tables could be read."""
    observers = entries("observers", scenario.observers, Observer)
    return [o for _, o in observers if whole(o.id) and o.light is not True]


def light_observers(scenario: Scenario) -> list[Observer]:
    """The observers that execute nothing, of those whose tables could be read."""
    observers = entries("observers", scenario.observers, Observer)
    return [o for _, o in observers if whole(o.id) and o.light is True]


def ledger_nodes(scenario: Scenario) -> list[Validator]:
    """All who keep the ledger: validators in proposer order, then observers (no light ones)."""
    return [*seats(scenario), *followers(scenario)]


def client_id(party: str, validators: Collection[str]) -> str:
    """The node that speaks for a party: of one that is a validator too, its desk."""
    return f"{party}.desk" if party in validators else party
