"""What a hostile primary or client must not be able to do to a validator's other clients."""

from __future__ import annotations

import datetime

from consensus.crypto import FastScheme
from consensus.effects import Broadcast, Effect, Send, SetTimer
from consensus.encoding import digest_of, encode
from consensus.events import Boot, Receive, Submit, TimerFired
from consensus.messages import (
    Batch,
    CertifiedBatch,
    Commit,
    CommitCertificate,
    Reply,
    Request,
    ViewChange,
    signed,
)
from consensus.protocol import Parameters
from nodes.client import Client
from nodes.effects import RequestFinal
from nodes.ledger.execution import decode_result
from nodes.ledger.genesis import Genesis, Seat
from nodes.ledger.records import Party
from nodes.ledger.transactions import Transaction, body_of
from nodes.validator import Validator
from tests.unit.ledger.support import money

NAMES = ("r0", "r1", "r2", "r3")


class World:
    def __init__(self) -> None:
        scheme = FastScheme()
        self.keys = {n: scheme.signer(digest_of("k", n)) for n in (*NAMES, "c0", "eve")}
        self.genesis = Genesis(
            chain="test",
            validators=tuple(Seat(id=n, public_key=self.keys[n].public_key) for n in NAMES),
            parties=tuple(
                Party(id=n, role="sbp" if n == "c0" else "mof", public_key=self.keys[n].public_key)
                for n in ("c0", "eve")
            ),
            first_business_day=datetime.date(2026, 1, 5),
        )
        self.committee = self.genesis.committee
        self.verifier = scheme.verifier()
        self.validators = {
            n: Validator(n, self.genesis, self.committee, self.keys[n], self.verifier, Parameters())
            for n in NAMES
        }
        for v in self.validators.values():
            v.handle(Boot(0))
        self.client = Client(
            "c0",
            "c0",
            self.genesis.hash,
            self.committee,
            self.keys["c0"],
            {},
            self.verifier,
            10**6,
            64,
        )

    def decided(self, n: int, batch: Batch) -> CertifiedBatch:
        commits = tuple(
            signed(Commit(self.genesis.hash, 0, i, 0, n, batch.digest), self.keys[i])
            for i in NAMES[:3]
        )
        cert = CommitCertificate(0, 0, n, batch.digest, commits)
        return signed(CertifiedBatch(self.genesis.hash, 0, "r0", n, batch, cert), self.keys["r0"])

    def request(self, who: str, number: int, op: bytes = b"op", key: str = "") -> Request:
        op = encode(
            Transaction(
                body_of(
                    "TRANSFER",
                    {"source": "a/main", "target": "b/main", "amount": money(1 + len(op))},
                ),
                0,
            )
        )
        signer = self.keys[key or who]
        return signed(Request(self.genesis.hash, 0, who, number, op, signer.public_key), signer)


def test_a_forged_request_is_no_answer_to_the_client() -> None:
    """A hostile primary orders a request in c0's name under its own key."""
    world = World()
    world.client.handle(Submit(0, b"op"))  # request 1 is on its way
    forged = world.request("c0", 1, b"forged", key="eve")
    block = world.decided(1, Batch(0, (forged,)))
    final: list[Effect] = []
    for name in ("r1", "r2"):  # honest
        for effect in world.validators[name].handle(Receive(1, block)):
            if isinstance(effect, Send) and isinstance(effect.message, Reply):
                final += world.client.handle(Receive(2, effect.message))
    done = [e for e in final if isinstance(e, RequestFinal)]
    assert not done, decode_result(done[0].result)


def test_a_request_below_the_window_leaves_the_pool() -> None:
    """c0 (hostile) gives 1 to r2 alone and 2**40 to the primary."""
    world = World()
    v = world.validators["r2"]
    effects = v.handle(Receive(1, world.request("c0", 1)))
    assert any(isinstance(e, SetTimer) and e.key == ("request",) for e in effects)
    v.handle(Receive(2, world.decided(1, Batch(0, (world.request("c0", 2**40, key="c0"),)))))
    assert v.ledger.is_stale("c0", 1), "it must execute under the number"
    effects = v.handle(TimerFired(3_000_000, ("request",)))
    assert not [
        e for e in effects if isinstance(e, Broadcast) and isinstance(e.message, ViewChange)
    ]


def test_forwarded_is_bounded() -> None:
    """two operations under one number: one to the backup, the other ordered."""
    world = World()
    v = world.validators["r2"]
    for n in range(1, 200):
        v.handle(Receive(n * 10**7, world.request("c0", n, b"A")))
        v.handle(Receive(n * 10**7, world.decided(n, Batch(0, (world.request("c0", n, b"BBB"),)))))
    assert not v.mempool.waiting
    assert len(v.replica.core.requests._forwarded) <= 1  # type: ignore[attr-defined]
