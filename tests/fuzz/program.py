"""A program of bytes: what anybody might send, in which order, to whom.

Hypothesis and a coverage-guided fuzzer both write such programs; ``play`` runs one and asserts
that nothing raises and that no table outgrows its limit. All validators' keys are in hostile
hands, so messages may be signed by anybody: whatever is refused is not refused for want of keys.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from consensus.checkpoint_state import CheckpointState
from consensus.effects import Broadcast, Send
from consensus.encoding import encode
from consensus.events import Boot, Receive, Submit, TimerFired
from consensus.messages import (
    NULL_DIGEST,
    Batch,
    CertifiedState,
    Checkpoint,
    Commit,
    CommitCertificate,
    FetchProof,
    FetchState,
    Message,
    NewView,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    SlotStatus,
    State,
    StateProof,
    Status,
    ViewChange,
    decode,
    signed,
)
from consensus.protocol import Parameters
from consensus.types import ScheduledChange
from nodes.client import Client
from nodes.validator import Validator
from tests.unit.nodes.test_validator_under_attack import NAMES, World
from tests.unit.pbft.tables import over

STEPS: Final = 64
"""Of one program; the rest of the bytes is not read."""
KEPT: Final = 64
"""Messages remembered, for replays and mutations."""

PARAMETERS: Final = Parameters(checkpoint_interval=2, window=4, block_max_txs=4)
ODD: Final[tuple[Any, ...]] = (
    0,
    1,
    -1,
    2**31,
    2**62,
    2**63,
    2**64 - 1,
    -(2**63),
    "",
    "r0",
    "r1",
    "r2",
    "r3",
    "nobody",
    "\x00\ud7ff",
    b"",
    bytes(32),
    NULL_DIGEST,
    b"x" * 33,
    None,
    True,
    (),
    {},
)
"""Values that a field may be replaced by."""


PATHS: Final = (
    "",
    "header",
    "state/",
    "state/0",
    "state/zz",
    "state/" + "f" * 70,
    "replies/",
    "replies/\x00",
    "x" * 129,
)
"""Of pieces of a state, and of nothing."""


class Source:
    """Reads numbers from bytes; zeros when they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data: Final = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def below(self, limit: int) -> int:
        """One of 0 to ``limit - 1``."""
        size = 1 if limit <= 256 else 2
        taken = self._data[self._at : self._at + size]
        self._at += size
        return int.from_bytes(taken, "little") % limit

    def pick(self, options: Any) -> Any:
        """One of a sequence."""
        return options[self.below(len(options))]


class Machine:
    """One honest validator, one honest client, and everybody else in one hand."""

    def __init__(self, source: Source) -> None:
        self.source: Final = source
        self.world: Final = World()
        self.genesis: Final = self.world.genesis
        self.chain: Final = self.genesis.hash
        self.now_us = 0
        self.me = NAMES[source.below(4)]
        self.client: Final[Client] = self.world.client
        self.seen: list[Message] = []
        self.timers: dict[tuple[str, ...], None] = {}
        self.disk: dict[str, list[Any]] = {"log": [], "blocks": []}
        self.start()

    def start(self) -> None:
        """The validator boots, with what it wrote."""
        self.validator = Validator(
            self.me,
            self.genesis,
            self.world.committee,
            self.world.keys[self.me],
            self.world.verifier,
            PARAMETERS,
        )
        self.timers.clear()
        self.do(Boot(self.now_us, tuple(self.disk["log"]), tuple(self.disk["blocks"])))

    @property
    def core(self) -> Any:
        """The inside of its replica."""
        return self.validator.replica.core  # type: ignore[attr-defined]

    def do(self, event: Any) -> None:
        """Give the validator an event, and remember what it says and writes."""
        for effect in self.validator.handle(event):
            kind = type(effect).__name__
            if isinstance(effect, Send | Broadcast):
                self.remember(effect.message)
            elif kind == "Persist":
                self.disk[effect.area].append(effect.record)  # type: ignore[attr-defined]
            elif kind == "Compact":
                self.disk["log"] = list(effect.records)  # type: ignore[attr-defined]
            elif kind == "SetTimer":
                self.timers[effect.key] = None  # type: ignore[attr-defined]
            elif kind == "CancelTimer":
                self.timers.pop(effect.key, None)  # type: ignore[attr-defined]

    def remember(self, message: Message) -> None:
        self.seen.append(message)
        del self.seen[:-KEPT]

    def receive(self, message: Message) -> None:
        """As from the wire: to the validator, and to the client."""
        message = decode(encode(message))
        self.remember(message)
        self.do(Receive(self.now_us, message))
        self.client.handle(Receive(self.now_us, message))

    def sign(self, message: Any) -> Any:
        """In its sender's name, if that key is known; every seventh is left as it is."""
        signer = self.world.keys.get(message.sender)
        if signer is None or self.source.below(7) == 6:
            return message
        return signed(message, signer)

    # -- what may happen -----------------------------------------------------------------

    def view(self) -> int:
        now = self.validator.replica.view
        near = (now, now, now, now + 1, now + 1, now + 2, now - 1, 0)
        return self.source.pick((*near, -1, 2**62, 2**64 - 1, 2**64 - 1)) % 2**64

    def sequence(self) -> int:
        replica = self.validator.replica
        executed, stable = replica.executed, replica.stable
        near = (executed, executed, executed + 1, executed + 1, executed + 2, stable, stable + 2)
        return self.source.pick((*near, stable + 4, stable + 5, 0, -1, 300, 2**63 - 1))

    def sender(self) -> str:
        return self.source.pick(NAMES)

    def batch(self) -> Batch:
        number = self.source.below(4)
        if number == 0:
            return Batch(0, ())
        time_us = self.source.pick((0, 0, 1, self.now_us, 10**15, 2**63 - 1, -5))
        return Batch(time_us, tuple(self.world.request("c0", i + 1) for i in range(number)))

    def digest(self) -> bytes:
        known = [m.digest for m in self.seen if isinstance(m, PrePrepare | Commit | Checkpoint)]
        if known and self.source.below(2):
            return self.source.pick(known[-4:])
        return self.batch().digest

    def request(self) -> None:
        self.receive(self.world.request(self.source.pick(("c0", "eve")), self.source.below(70)))

    def proposal(self) -> None:
        batch, view = self.batch(), self.view()
        primary = NAMES[view % 4]
        message = PrePrepare(
            self.chain, 0, primary, view, self.sequence(), batch.digest, batch=batch
        )
        self.receive(self.sign(message))

    def vote(self) -> None:
        kind = self.source.pick((Prepare, Commit))
        message = kind(self.chain, 0, self.sender(), self.view(), self.sequence(), self.digest())
        self.receive(self.sign(message))

    def votes(self) -> None:
        """All others agree on something."""
        kind = self.source.pick((Prepare, Commit))
        where = (self.view(), self.sequence(), self.digest())
        for name in NAMES:
            self.receive(signed(kind(self.chain, 0, name, *where), self.world.keys[name]))

    def checkpoint(self) -> None:
        sequence, digest = self.sequence(), self.digest()
        for name in NAMES[: 1 + self.source.below(4)]:
            vote = Checkpoint(self.chain, 0, name, sequence, digest)
            self.receive(self.sign(vote))

    def certificate(self) -> PreparedCertificate:
        view, sequence, digest = self.view(), self.sequence(), self.digest()
        primary = NAMES[view % 4]
        proposal = PrePrepare(self.chain, 0, primary, view, sequence, digest)
        backups = [name for name in NAMES if name != primary][:2]
        prepares = tuple(
            self.sign(Prepare(self.chain, 0, name, view, sequence, digest)) for name in backups
        )
        return PreparedCertificate(self.sign(proposal), prepares)

    def view_change(self) -> None:
        view = self.view()
        p = tuple(self.certificate() for _ in range(self.source.below(3)))
        for name in NAMES[: 1 + self.source.below(4)]:
            self.receive(self.sign(ViewChange(self.chain, 0, name, view, 0, (), p)))

    def new_view(self) -> None:
        """From the last VIEW-CHANGEs of three, or of one three times, right or wrong."""
        known = [m for m in self.seen if isinstance(m, ViewChange)][-3:]
        view = known[-1].view if known else self.view()
        primary = NAMES[view % 4]
        offers = tuple(
            self.sign(PrePrepare(self.chain, 0, primary, view, n + 1, self.digest()))
            for n in range(self.source.below(3))
        )
        names = tuple((m.sender, m.digest_bytes) for m in known)
        self.receive(self.sign(NewView(self.chain, 0, primary, view, names, offers)))

    def certified(self) -> None:
        """A decided batch, by three of any name."""
        batch, sequence, view = self.batch(), self.sequence(), self.view()
        commits = tuple(
            self.sign(Commit(self.chain, 0, name, view, sequence, batch.digest))
            for name in NAMES[:3]
        )
        proof = CommitCertificate(0, view, sequence, batch.digest, commits)
        message = self.world.decided(1, batch)
        changed = msgspec.structs.replace(message, sequence=sequence, certificate=proof)
        self.receive(self.sign(changed))

    def decide(self) -> None:
        """The others go on without it: the next block, and a checkpoint that is true."""
        batch = self.batch()
        sequence = self.validator.replica.executed + 1
        self.receive(self.world.decided(sequence, batch))
        state = self.core.checkpoints._states.get(sequence)
        if state is not None:
            for name in NAMES:
                vote = Checkpoint(self.chain, 0, name, sequence, state.digest)
                self.receive(signed(vote, self.world.keys[name]))

    def replay(self) -> None:
        if self.seen:
            self.receive(self.source.pick(self.seen))

    def mutate(self) -> None:
        """Something that was said, with one field replaced, at any depth."""
        if not self.seen:
            return
        raw = msgspec.msgpack.decode(encode(self.source.pick(self.seen)))
        changed = self._changed(raw)
        try:
            message = decode(encode(changed))
        except (msgspec.DecodeError, OverflowError, TypeError):
            return
        self.receive(self.sign(message))

    def _changed(self, tree: Any) -> Any:
        if isinstance(tree, dict) and tree and self.source.below(8):
            key = self.source.pick(sorted(tree))
            return {**tree, key: self._changed(tree[key])}
        if isinstance(tree, list) and tree and self.source.below(8):
            at = self.source.below(len(tree))
            choice = self.source.below(4)
            if choice == 0:
                return tree[:at] + tree[at + 1 :]
            if choice == 1:
                return tree + [tree[at]] * self.source.below(9)
            return [*tree[:at], self._changed(tree[at]), *tree[at + 1 :]]
        return self.source.pick(ODD)

    def time(self) -> None:
        self.now_us += self.source.pick((0, 1, 100_000, 1_000_000, 10_000_000))
        for _ in range(self.source.below(4)):
            if not self.timers:
                break
            key = self.source.pick(sorted(self.timers))
            del self.timers[key]
            self.do(TimerFired(self.now_us, key))

    def submit(self) -> None:
        for effect in self.client.handle(Submit(self.now_us, b"op")):
            if isinstance(effect, Send):
                self.receive(effect.message)

    def restart(self) -> None:
        self.start()

    def fetch_state(self) -> None:
        path = self.source.pick(PATHS)
        message = FetchState(self.chain, 0, self.sender(), self.sequence(), path)
        if self.source.below(2):
            self.receive(self.sign(message))
        else:
            self.receive(message)

    def state(self) -> None:
        piece = bytes(self.source.below(256) for _ in range(self.source.below(24)))
        path = self.source.pick(PATHS)
        message = State(self.chain, 0, self.sender(), self.sequence(), path, piece)
        self.receive(self.sign(message))

    def state_proof(self) -> None:
        """A stable state of any members, by whoever has the keys."""
        sequence = self.sequence()
        members = self.world.committee.members[: self.source.below(5)]
        epoch = self.source.pick((0, 0, 1, 2, -1))
        scheduled = None
        if self.source.below(3) == 0:
            scheduled = ScheduledChange(self.sequence(), members)
        made = CheckpointState(sequence, bytes(32), bytes(32), epoch, members, scheduled)
        proof = tuple(
            signed(Checkpoint(self.chain, 0, name, sequence, made.digest), self.world.keys[name])
            for name in NAMES[: 2 + self.source.below(3)]
        )
        message = StateProof(self.chain, 0, self.sender(), (CertifiedState(made, proof),))
        self.receive(self.sign(message))

    def status(self) -> None:
        slots = tuple(
            SlotStatus(self.sequence(), bool(n % 2), bytes([n]), b"\xff" * (n % 3))
            for n in range(self.source.below(6))
        )
        epoch = self.source.pick((0, 0, 0, 1, 7, -1, 2**62))
        where = (self.view(), bool(self.source.below(2)), self.sequence(), self.sequence())
        message = Status(self.chain, epoch, self.sender(), *where, b"\x0f", b"", slots)
        self.receive(message if self.source.below(3) == 0 else self.sign(message))

    def question(self) -> None:
        who = self.source.pick(("c0", "eve", "nobody"))
        epoch = self.source.pick((0, 1, -1, 2**62))
        self.receive(self.sign(FetchProof(self.chain, epoch, who, "somewhere")))


ACTS: Final[tuple[Callable[[Machine], None], ...]] = (
    Machine.request,
    Machine.proposal,
    Machine.proposal,
    Machine.vote,
    Machine.votes,
    Machine.votes,
    Machine.checkpoint,
    Machine.view_change,
    Machine.new_view,
    Machine.certified,
    Machine.decide,
    Machine.decide,
    Machine.decide,
    Machine.replay,
    Machine.mutate,
    Machine.mutate,
    Machine.mutate,
    Machine.time,
    Machine.time,
    Machine.submit,
    Machine.restart,
    Machine.fetch_state,
    Machine.state,
    Machine.state_proof,
    Machine.status,
    Machine.question,
)


def play(data: bytes) -> Machine:
    """Run a program. Raises ``AssertionError`` if a table outgrows its limit, and anything that
    gets out of ``handle``."""
    source = Source(data)
    machine = Machine(source)
    for _ in range(STEPS):
        if not source:
            break
        source.pick(ACTS)(machine)
    assert over(machine.core) == []
    assert machine.client.outstanding <= STEPS
    return machine


def read(data: bytes) -> Message | None:
    """Decode anything: a message that says the same when it is written again, or a DecodeError."""
    try:
        message = decode(data)
    except msgspec.DecodeError:
        return None
    again = decode(encode(message))
    assert again == message
    assert encode(again) == encode(message)
    return message
