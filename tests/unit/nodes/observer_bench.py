"""A chain with real blocks, validators that prove it, and a light observer that asks them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from consensus.checkpoint_state import CheckpointState
from consensus.configurations import Configurations
from consensus.crypto import FastScheme
from consensus.effects import Broadcast, Effect, Milestone, Send
from consensus.encoding import encode
from consensus.events import Boot, Receive, TimerFired
from consensus.messages import (
    NULL_BATCH,
    Batch,
    CertifiedState,
    Checkpoint,
    CommitCertificate,
    FetchProof,
    Message,
    StateProof,
    signed,
)
from consensus.types import Committee, Member
from nodes.block import Block, Header
from nodes.effects import BalanceProven, BlocksProven, ReceiptProven
from nodes.ledger.transactions import body_of
from nodes.observer import Observer, TrustedCheckpoint
from nodes.proof_server import ProofServer
from tests.unit.ledger.support import Desk, money

NAMES = ("v0", "v1", "v2", "v3")
POLL_US = 1_000_000
ACCOUNT = "exchange-a/main"
OTHER = "dealer-1/main"
INTERVAL = 5
NO_CERTIFICATE = CommitCertificate(0, 0, 0, b"", ())
"""COMMITs prove nothing to an observer: it is never shown one."""

Tamper = Callable[[Message], Message | None]
"""What a liar makes of an answer, signed anew; None: it keeps silent."""


class World:
    """The chain, its committees, and who serves it."""

    def __init__(self, watch: tuple[str, ...] = ("exchange-a/main",), **options: Any) -> None:
        self.scheme = FastScheme()
        self.keys = {
            name: self.scheme.signer(name.encode().ljust(32)) for name in (*NAMES, "v4", "v5")
        }
        self.desk = Desk()
        self.chain = self.desk.ledger.genesis.hash
        self.committee = self.committee_of(0, NAMES)
        self.configurations = Configurations(self.committee, self.chain, self.scheme.verifier())
        self.blocks: list[Block] = []
        self.certified: list[CertifiedState] = []
        self.servers = {name: self._server(name) for name in self.keys}
        self.lies: dict[str, Tamper] = {}
        self.down: set[str] = set()
        self.asked: list[tuple[str, Message]] = []
        self.effects: list[Effect] = []
        self.now_us = 0
        self.observer = self.new_observer(watch, **options)

    def new_observer(self, watch: tuple[str, ...] = (), **options: Any) -> Observer:
        return Observer(
            "auditor",
            self.chain,
            self.committee_of(0, NAMES),
            self.scheme.verifier(),
            watch=watch,
            poll_us=POLL_US,
            answer_us=POLL_US,
            **options,
        )

    def committee_of(self, epoch: int, names: tuple[str, ...]) -> Committee:
        return Committee(epoch, [Member(name, self.keys[name].public_key) for name in names])

    def _server(self, name: str) -> ProofServer:
        return ProofServer(
            name, self.chain, ("auditor",), 1, lambda first, last: self.blocks[first - 1 : last]
        )

    # -- the chain -------------------------------------------------------------------------

    def transfer(self, sender: str, to: str, paisa: int, asset: str = "PKR") -> Block:
        """A block with one transfer in it."""
        fields = {"source": f"{sender}/main", "target": f"{to}/main", "amount": money(paisa, asset)}
        return self.block(self.desk.request(sender, body_of("TRANSFER", fields)))

    def block(self, *requests: Any) -> Block:
        desk = self.desk
        parent = self.blocks[-1].header if self.blocks else None
        batch = Batch(desk.time_us + 1000, requests) if requests else NULL_BATCH
        outcome = desk.block(*requests)
        header = Header(
            height=desk.ledger.height,
            parent=parent.hash if parent else self.chain,
            time_us=outcome.time_us,
            epoch=0,
            batch_digest=batch.digest,
            transactions_root=outcome.transactions_root,
            receipts_root=outcome.receipts_root,
            state_root=outcome.state_root,
        )
        block = Block(
            header,
            batch,
            outcome.receipts,
            outcome.reply_root,
            NO_CERTIFICATE,
            outcome.system_receipts,
        )
        self.blocks.append(block)
        for server in self.servers.values():
            if header.height % INTERVAL == 0:
                server.keep(header.height, desk.ledger.trees[0])
        return block

    def grow(self, blocks: int = INTERVAL, names: tuple[str, ...] = ()) -> CertifiedState:
        """So many blocks with a transfer each, and a stable checkpoint after the last; with
        ``names`` it ends the epoch, and they are the next committee."""
        for number in range(blocks):
            pair = ("exchange-a", "dealer-1") if number % 2 else ("dealer-1", "exchange-a")
            self.transfer(*pair, 1000 + number)
        return self.certify(names)

    def certify(self, names: tuple[str, ...] = ()) -> CertifiedState:
        header = self.blocks[-1].header
        before = self.configurations.newest
        after = self.committee_of(before.epoch + 1, names) if names else before
        state = CheckpointState(
            header.height, header.hash, b"r" * 32, after.epoch, tuple(after.members)
        )
        certified = self.sign_state(state, before)
        self.certified.append(certified)
        self.configurations.learn(certified)
        return certified

    def sign_state(self, state: CheckpointState, committee: Committee) -> CertifiedState:
        votes = tuple(
            signed(
                Checkpoint(self.chain, committee.epoch, name, state.sequence, state.digest),
                self.keys[name],
            )
            for name in committee.ids[: committee.quorum]
        )
        return CertifiedState(state, votes)

    # -- talking ---------------------------------------------------------------------------

    def answer(self, name: str, question: Message) -> Message | None:
        """What an honest validator says."""
        epoch = self.configurations.newest.epoch
        if isinstance(question, FetchProof):
            states = self.configurations.since(question.epoch)
            newest = self.certified[-1:] if not states or states[-1] != self.certified[-1] else []
            return StateProof(self.chain, epoch, name, (*states, *newest))
        return self.servers[name].answer(question, epoch, self.now_us)

    def boot(self) -> None:
        self._do(self.observer.handle(Boot(self.now_us)))

    def poll(self, times: int = 1) -> None:
        """Let the observer ask, and go on until it has nothing to ask any more."""
        for _ in range(times):
            self.now_us += POLL_US
            self._do(self.observer.handle(TimerFired(self.now_us, ("poll",))))

    def _do(self, effects: list[Effect]) -> None:
        queue = list(effects)
        while queue:
            effect = queue.pop(0)
            self.effects.append(effect)
            assert not isinstance(effect, Broadcast)
            if isinstance(effect, Send):
                self.asked.append((effect.to, effect.message))
                queue.extend(self._serve(effect.to, effect.message))

    def _serve(self, name: str, question: Message) -> list[Effect]:
        self.now_us += 10  # beyond the interval of the servers' patience
        answer = None if name in self.down else self.answer(name, question)
        if answer is not None and name in self.lies:
            answer = self.lies[name](answer)
        if answer is None:
            self.now_us += POLL_US
            return self.observer.handle(TimerFired(self.now_us, ("answer",)))
        return self.observer.handle(Receive(self.now_us, signed(answer, self.keys[name])))

    # -- what came of it -------------------------------------------------------------------

    def of(self, kind: type[Any]) -> list[Any]:
        return [effect for effect in self.effects if type(effect) is kind]

    @property
    def receipts(self) -> list[Any]:
        return [effect.receipt for effect in self.of(ReceiptProven)]

    @property
    def balances(self) -> dict[tuple[int, str, str], int]:
        return {(e.height, e.account, e.asset): e.balance.free for e in self.of(BalanceProven)}

    @property
    def steps(self) -> list[tuple[int, int, int]]:
        """(height, blocks proven, blocks skipped) of each."""
        return [(e.header.height, e.proven, e.skipped) for e in self.of(BlocksProven)]

    def caught(self) -> list[str]:
        return [e.cause for e in self.of(Milestone) if e.event == "liar-caught"]

    def trusted(self) -> TrustedCheckpoint:
        """The newest checkpoint, as an operator hands it over."""
        return TrustedCheckpoint(self.certified[-1], self.blocks[-1].header)

    def expected(self, account: str) -> list[Any]:
        """All receipts that moved an account."""
        return [
            receipt
            for block in self.blocks
            for receipt in block.receipts
            if any(posting.account == account for posting in receipt.postings)
        ]


def changed(data: bytes, kind: type[Any], **changes: Any) -> bytes:
    """An encoded struct with other fields."""
    return encode(replace(msgspec.msgpack.decode(data, type=kind), **changes))


def only(kind: type[Message], lie: Callable[[Any], Message]) -> Callable[[Message], Message]:
    return lambda answer: lie(answer) if isinstance(answer, kind) else answer
