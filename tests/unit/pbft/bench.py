"""A workbench for replicas without a simulated world: a queue, a clock and a disk each.

Deliveries are in order of sending unless a test says otherwise; a ``rule`` sees each message
first and may drop it. Execution is a running hash, so replicas that execute alike agree.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import msgspec

from consensus.checkpoint_state import CheckpointState
from consensus.configurations import boundary_after
from consensus.crypto import FastScheme, Signer
from consensus.effects import (
    Area,
    Broadcast,
    CancelTimer,
    Compact,
    Deliver,
    Effect,
    Milestone,
    Persist,
    Report,
    Send,
    SetTimer,
    SupplyBlocks,
    TimerKey,
)
from consensus.encoding import digest_of, encode
from consensus.events import Boot, Event, Executed, Receive, TimerFired
from consensus.messages import CertifiedBatch, Message, Request, signed
from consensus.misbehaviour import Misbehaviour
from consensus.pbft.replica import Replica
from consensus.protocol import Environment, Parameters
from consensus.records import ExecutedBlock, LogRecord
from consensus.types import ZERO_DIGEST, Committee, Member, ScheduledChange
from nodes.mempool import Mempool
from nodes.wal import FileId, Mark, frame, new_file, read

CHAIN = digest_of("test-chain")
DECODERS: dict[Area, msgspec.msgpack.Decoder[Any]] = {
    "log": msgspec.msgpack.Decoder(LogRecord),
    "blocks": msgspec.msgpack.Decoder(ExecutedBlock),
}
Rule = Callable[[str, str, Message], bool]
"""(from, to, message) -> whether it may pass."""


class Host:
    """One replica, what is on its disk, its timers, and what it said about itself."""

    def __init__(self, bench: Bench, id_: str) -> None:
        self.bench = bench
        self.id = id_
        self.log: list[Any] = []
        self.blocks: list[ExecutedBlock] = []
        self.torn = b""
        """The record that it was writing when it crashed."""
        self.up = False
        self.milestones: list[Milestone] = []
        self.reports: list[Misbehaviour] = []
        self.timers: dict[TimerKey, int] = {}
        self.signer = bench.signers[id_]
        self.next_signer: Signer | None = None

    def start(self) -> None:
        """(Re)start from the disk."""
        self.pool = Mempool()
        self.replica = Replica(
            Environment(
                id=self.id,
                chain=CHAIN,
                committee=self.bench.committee,
                signer=self.signer,
                verifier=self.bench.verifier,
                parameters=self.bench.parameters,
                pool=self.pool,
                next_signer=self.next_signer,
                observers=self.bench.observers,
            )
        )
        self.timers.clear()
        self.up = True
        log, blocks = self.from_bytes("log"), self.from_bytes("blocks")
        self.handle(Boot(self.bench.now_us, log, blocks))

    def from_bytes(self, area: Area) -> tuple[Any, ...]:
        """What its disk holds, as a boot reads it: written to a file, with what ``torn`` is of
        one more record behind it, and decoded."""
        records = self.log if area == "log" else self.blocks
        id_ = FileId(self.id, area)
        data = new_file(id_, [encode(record) for record in records])
        mark = Mark(id_.generation, len(records), len(data))
        torn = frame(id_.key, len(records) + 1, self.torn)[:-1] if area == "log" else b""
        reading = read(data + torn, self.id, area, mark, DECODERS[area])
        assert reading.records == tuple(records)
        assert reading.torn == len(torn)
        assert not reading.damage
        return reading.records

    def handle(self, event: Event) -> list[Effect]:
        """Give the replica an event and carry out its effects."""
        effects = self.replica.handle(event)
        for effect in effects:
            self._apply(effect)
        return effects

    def receive(self, message: Message) -> list[Effect]:
        """Shorthand for a message arriving now."""
        return self.handle(Receive(self.bench.now_us, message))

    def _apply(self, effect: Effect) -> None:
        match effect:
            case Send(to, message):
                self.bench.post(self.id, to, message)
            case Broadcast(to, message):
                for peer in to:
                    self.bench.post(self.id, peer, message)
            case Persist(_, record):
                self.log.append(record)
            case Compact(records):
                self.log = list(records)
            case SetTimer(key, delay_us):
                self.timers[key] = self.bench.now_us + delay_us
            case CancelTimer(key):
                self.timers.pop(key, None)
            case Milestone():
                self.milestones.append(effect)
            case Report(misbehaviour):
                self.reports.append(misbehaviour)
            case Deliver():
                self._execute(effect)
            case SupplyBlocks():
                self._supply(effect)
            case _:
                pass

    def _execute(self, order: Deliver) -> None:
        parent = self.blocks[-1].state.header_hash if self.blocks else ZERO_DIGEST
        header = digest_of("test-header", parent, order.sequence, order.batch.digest)
        state = self._next_state(order, header)
        block = ExecutedBlock(order.sequence, order.batch, order.certificate, state)
        self.blocks.append(block)
        self.handle(Executed(self.bench.now_us, state))

    def _next_state(self, order: Deliver, header: bytes) -> CheckpointState:
        """As the ledger counts epochs: what was scheduled is in force after its last slot."""
        if self.blocks:
            before = self.blocks[-1].state
            epoch, members, scheduled = before.epoch, before.members, before.scheduled
        else:
            epoch, members, scheduled = 0, self.bench.committee.members, None
        for request in order.batch.requests:
            change = self.bench.changes.get(request.number)
            if change is not None and scheduled is None:
                parameters = self.bench.parameters
                last = boundary_after(
                    order.sequence, parameters.checkpoint_interval, parameters.window
                )
                scheduled = ScheduledChange(last, change)
        if scheduled is not None and scheduled.effective == order.sequence:
            epoch, members, scheduled = epoch + 1, scheduled.members, None
        return CheckpointState(order.sequence, header, header, epoch, members, scheduled)

    def _supply(self, order: SupplyBlocks) -> None:
        for block in self.blocks[order.first - 1 : order.last]:
            epoch = self.replica.committee.epoch
            message = CertifiedBatch(
                CHAIN, epoch, self.id, block.sequence, block.batch, block.certificate
            )
            self.bench.post(self.id, order.to, signed(message, self.bench.signers[self.id]))

    def reached(self, event: str) -> list[Milestone]:
        """Its milestones of one kind."""
        return [m for m in self.milestones if m.event == event]

    @property
    def history(self) -> list[bytes]:
        """Batch digests in order of execution."""
        return [block.batch.digest for block in self.blocks]


class Bench:
    """n replicas and a network without time of its own."""

    host_type: type[Host] = Host

    def __init__(self, n: int = 4, **parameters: int) -> None:
        scheme = self.scheme = FastScheme()
        self.verifier = scheme.verifier()
        names = [f"r{i}" for i in range(n)]
        self.signers: dict[str, Signer] = {
            name: scheme.signer(digest_of("key", name)) for name in [*names, "c0", "c1"]
        }
        self.committee = Committee(
            0, (Member(name, self.signers[name].public_key) for name in names)
        )
        self.parameters = Parameters(**parameters)
        self.now_us = 0
        self.queue: deque[tuple[str, str, Message]] = deque()
        self.sent: Counter[str] = Counter()
        self.rule: Rule = lambda _from, _to, _message: True
        self.to_clients: list[Message] = []
        self.changes: dict[int, tuple[Member, ...]] = {}
        """Executing the request of this number orders that committee (rule 27)."""
        self.observers = frozenset({"r4", "watcher"})
        """Who may ask without being a member (those of them that ``observe`` starts)."""
        self.prepare()
        self.hosts: dict[str, Host] = {name: self.host_type(self, name) for name in names}
        for host in self.hosts.values():
            host.start()

    def prepare(self) -> None:
        """Called before there are hosts, for other kinds of them."""

    def observe(self, name: str) -> Host:
        """One more node, outside the committee."""
        assert name in self.observers
        self.signers[name] = self.scheme.signer(digest_of("key", name))
        host = self.hosts[name] = Host(self, name)
        return host

    def member(self, name: str) -> Member:
        """``name`` with its key."""
        return Member(name, self.signers[name].public_key)

    def __getitem__(self, name: str) -> Host:
        return self.hosts[name]

    def post(self, source: str, to: str, message: Message) -> None:
        """A message leaves its sender."""
        self.sent[message.TYPE] += 1
        self.queue.append((source, to, message))

    def settle(self, limit: int = 100_000) -> None:
        """Deliver until nothing is on its way."""
        for _ in range(limit):
            if not self.queue:
                return
            source, to, message = self.queue.popleft()
            host = self.hosts.get(to)
            if host is None:
                self.to_clients.append(message)
            elif host.up and self.rule(source, to, message):
                host.receive(message)
        raise AssertionError("the network never comes to rest")

    def run_for(self, duration_us: int) -> None:
        """Let time pass: timers fire in order, and each one's messages are delivered."""
        end = self.now_us + duration_us
        while True:
            self.settle()
            due = [
                (at, name, key)
                for name, host in self.hosts.items()
                if host.up
                for key, at in host.timers.items()
                if at <= end
            ]
            if not due:
                break
            at, name, key = min(due)
            self.now_us = max(self.now_us, at)
            del self.hosts[name].timers[key]
            self.hosts[name].handle(TimerFired(self.now_us, key))
        self.now_us = end

    def request(self, number: int, client: str = "c0") -> Request:
        """An authentic request."""
        signer = self.signers[client]
        return signed(
            Request(CHAIN, 0, client, number, b"op%d" % number, signer.public_key), signer
        )

    def submit(self, number: int, client: str = "c0", to: str | None = None) -> Request:
        """Send a request to one replica (the primary of view 0 by default) or to ``all``."""
        request = self.request(number, client)
        targets = list(self.hosts) if to == "all" else [to or self.committee.primary(0)]
        for target in targets:
            if self.hosts[target].up:
                self.hosts[target].receive(request)
        return request

    def crash(self, name: str) -> None:
        """The process is gone; its disk stays."""
        self.hosts[name].up = False

    def view_traffic(self) -> dict[str, int]:
        """Messages of agreement and view change sent so far, without STATUS and resends."""
        wanted = ("pre-prepare", "prepare", "commit", "checkpoint", "view-change", "new-view")
        return {kind: self.sent[kind] for kind in wanted}
