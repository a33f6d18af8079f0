"""A synthetic run with real blocks, signatures and roots, for tests of the checks.

``Story`` writes the trace of a committee that does everything right; tests then change one
record of it, or write one themselves, and see which check speaks up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from chainsim.checks import CHECKS, CheckContext, CheckResult, LedgerStatus, NodeStatus, RunEnd
from chainsim.checks.context import BalanceKey
from chainsim.trace import Executed, Final, Reached, Record, Signed, Submitted
from consensus.crypto import FastScheme
from consensus.encoding import encode
from consensus.messages import Batch, Commit, CommitCertificate, Request, signed
from consensus.protocol import Parameters
from consensus.types import Committee, Member
from nodes.block import Block, Header
from nodes.ledger.receipts import Posting, Receipt
from nodes.ledger.transactions import Body, Transaction
from nodes.merkle import root

CHAIN = b"\x07" * 32
NAMES = ("v0", "v1", "v2", "v3")
SECOND = 1_000_000
RETRY_US = 4 * SECOND


@dataclass
class Act:
    """One transaction of a block: who, which number, what, and what became of it."""

    client: str
    number: int
    body: Body | None = None
    code: str = "OK"
    postings: tuple[Posting, ...] = ()
    minted: tuple[tuple[str, int], ...] = ()


@dataclass
class Story:
    """Writes records in order; ``records`` is the trace so far."""

    opening: dict[BalanceKey, int] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scheme = FastScheme()
        self.signers = {name: self.scheme.signer(name.encode().ljust(32)) for name in NAMES}
        self.client_signers = {
            name: self.scheme.signer(name.encode().ljust(32, b"c")) for name in ("alice", "bob")
        }
        self.committee = Committee(
            0, [Member(name, self.signers[name].public_key) for name in NAMES]
        )

    def context(self, **changes: Any) -> CheckContext:
        """Everybody honest, two clients; ``changes`` override."""
        fields: dict[str, Any] = {
            "committee": self.committee,
            "chain": CHAIN,
            "honest": frozenset(NAMES),
            "verifier": self.scheme.verifier(),
            "parameters": Parameters(),
            "clients": {"alice": "alice", "v1.desk": "bob"},
            "opening": self.opening,
            "client_retry_us": RETRY_US,
        }
        return CheckContext(**{**fields, **changes})

    def end(self, at_us: int, **changes: Any) -> RunEnd:
        """All up at the last height in view 0; ``changes`` replace the status of a node."""
        top = len(self.blocks)
        nodes = {
            name: NodeStatus(up=True, view=0, active=True, executed=top, stable=0) for name in NAMES
        }
        return RunEnd(at_us=at_us, nodes={**nodes, **changes})

    # -- making things -------------------------------------------------------------------

    def request(self, act: Act) -> Request:
        """The signed request of ``act``."""
        operation = b"?" if act.body is None else Transaction(act.body).encode()
        signer = self.client_signers[act.client]
        request = Request(CHAIN, 0, act.client, act.number, operation, signer.public_key)
        return signed(request, signer)

    def certificate(self, height: int, digest: bytes, names: Iterable[str]) -> CommitCertificate:
        """COMMITs of ``names`` in view 0."""
        commits = tuple(
            signed(Commit(CHAIN, 0, name, 0, height, digest), self.signers[name]) for name in names
        )
        return CommitCertificate(0, 0, height, digest, commits)

    def block(
        self,
        time_us: int,
        acts: Iterable[Act],
        system: Iterable[Act] = (),
        signers: Iterable[str] = NAMES[:3],
    ) -> Block:
        """The next block; it isn't executed yet."""
        acts = tuple(acts)
        height = len(self.blocks) + 1
        parent = self.blocks[-1].header if self.blocks else None
        batch = Batch(time_us if acts else 0, tuple(self.request(act) for act in acts))
        receipts = tuple(_receipt(height, index, act) for index, act in enumerate(acts))
        own = tuple(_receipt(height, index, act) for index, act in enumerate(system))
        before_us = parent.time_us if parent else 0
        header = Header(
            height=height,
            parent=parent.hash if parent else CHAIN,
            time_us=max(before_us, batch.time_us),
            epoch=0,
            batch_digest=batch.digest,
            transactions_root=root([request.digest for request in batch.requests]),
            receipts_root=root([receipt.digest for receipt in receipts + own]),
            state_root=bytes([height]) * 32,
        )
        block = Block(
            header=header,
            batch=batch,
            receipts=receipts,
            reply_root=bytes([height, 1]) * 16,
            certificate=self.certificate(height, batch.digest, signers),
            system_receipts=own,
        )
        self.blocks.append(block)
        return block

    # -- writing the trace ---------------------------------------------------------------

    def add(self, *records: Record) -> None:
        """Appends records."""
        self.records.extend(records)

    def submit(self, at_us: int, act: Act, node: str = "alice") -> None:
        """A client signs ``act``'s request."""
        self.add(Submitted(at_us, node, act.number, self.request(act).digest))

    def decide(self, at_us: int, block: Block, names: Iterable[str] = NAMES) -> None:
        """``names`` vote for ``block``; then they commit and execute it, a microsecond apart."""
        height, digest = block.header.height, block.header.batch_digest
        names = tuple(names)
        for offset, name in enumerate(names):
            when = at_us + offset
            self.add(
                Signed(when, name, "prepare", 0, 0, height, digest),
                Reached(when, name, "prepared", 0, height, digest),
                Signed(when, name, "commit", 0, 0, height, digest),
            )
        for offset, name in enumerate(names):
            when = at_us + offset
            self.add(
                Reached(when, name, "committed", 0, height, digest),
                executed(when, name, block),
            )

    def final(self, at_us: int, act: Act, block: Block, node: str = "alice") -> None:
        """The client of ``act`` holds f+1 replies."""
        keys = [(receipt.client, receipt.number) for receipt in block.receipts]
        index = keys.index((act.client, act.number))
        result = encode((act.code, block.header.height, index, ""))
        self.add(Final(at_us, node, act.number, act.code, 1, result))


def _receipt(height: int, index: int, act: Act) -> Receipt:
    kind = "?" if act.body is None else str(type(act.body).__struct_config__.tag)
    return Receipt(
        height=height,
        index=index,
        client=act.client,
        number=act.number,
        type=kind,
        code=act.code,
        minted=act.minted,
        postings=act.postings,
    )


def executed(at_us: int, name: str, block: Block, replayed: bool = False) -> Executed:
    """The record of ``name`` executing ``block``."""
    header = block.header
    return Executed(
        at_us=at_us,
        node=name,
        sequence=header.height,
        header_hash=header.hash,
        state_root=header.state_root,
        reply_root=block.reply_root,
        batch_digest=header.batch_digest,
        transactions=len(block.batch.requests),
        replayed=replayed,
        block=block,
    )


def judge(name: str, context: CheckContext, records: Iterable[Record], end: RunEnd) -> CheckResult:
    """The verdict of one check; it is only given what it subscribes to."""
    check = CHECKS[name](context)
    for record in records:
        if type(record) in check.subscribes:
            check.on_record(record)
    return check.finish(end)


def tampered(
    records: Iterable[Record], which: Callable[[Record], bool], **changes: Any
) -> list[Record]:
    """The trace with ``changes`` made to the one record for which ``which`` holds first."""
    records = list(records)
    index = next(index for index, record in enumerate(records) if which(record))
    records[index] = msgspec.structs.replace(records[index], **changes)
    return records


def ledgers(height: int, balances: dict[BalanceKey, int]) -> dict[str, LedgerStatus]:
    """The same ledger at every validator."""
    return {name: LedgerStatus(height=height, balances=balances) for name in NAMES}
