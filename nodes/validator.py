"""A validator: one consensus replica, a mempool, the ledger and the block store.

It routes events to the replica and consumes the effects that are its own: ``Deliver`` (execute a
batch, write the block, answer the clients, tell the replica), ``SupplyBlocks`` (serve certified
batches from the block store), ``Install`` (take over a fetched state, tell the replica) and
``Settle`` (forget what led up to a stable one). Everything else passes through in order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from consensus.checkpoint_state import CheckpointState
from consensus.crypto import Signer, Verifier
from consensus.effects import Compute, Deliver, Effect, Install, Send, Settle, SupplyBlocks
from consensus.events import Boot, Event, Executed, Installed, Receive
from consensus.messages import (
    Batch,
    CertifiedBatch,
    CommitCertificate,
    Message,
    Request,
)
from consensus.protocol import ConsensusProtocol, Environment, Parameters, find_protocol
from consensus.records import ExecutedBlock
from consensus.types import Committee, NodeId, Sequence, View
from nodes.block import Block, Header
from nodes.chain import Chain
from nodes.effects import BlockExecuted, StateInstalled
from nodes.ledger.execution import Ledger
from nodes.ledger.genesis import Genesis
from nodes.ledger.memo import Memo
from nodes.ledger.receipts import BlockOutcome
from nodes.mempool import Mempool
from nodes.responder import Responder
from nodes.snapshots import Snapshot, Snapshots
from nodes.store_file import REWRITE_AFTER, StoreFile

BLOCKS_KEPT: Final = 64
"""Blocks below the stable checkpoint that others can still have, at least."""


class Validator:
    """Implements ``nodes.node.Node`` for a member of the committee.

    Made anew at every start; ``Boot`` brings back what its disk holds.
    """

    def __init__(
        self,
        id_: NodeId,
        genesis: Genesis,
        committee: Committee,
        signer: Signer,
        verifier: Verifier,
        parameters: Parameters,
        protocol: str = "pbft",
        memo: Memo | None = None,
        next_signer: Signer | None = None,
        observers: frozenset[NodeId] = frozenset(),
        later_signers: tuple[Signer, ...] = (),
        rewrite_after: int = REWRITE_AFTER,
    ) -> None:
        """``memo``: see ``Ledger``; what others in this process executed already.
        ``next_signer`` is a key that the committee may come to hold (PBFT rule 27), and
        ``later_signers`` are those that were brought after it. ``rewrite_after``: see
        ``StoreFile``.
        """
        self.id: Final = id_
        self.chain: Final = Chain(genesis.hash)
        self.ledger: Final = Ledger(genesis, memo, verifier)
        self.snapshots: Final = Snapshots(lambda: self.ledger.trees)
        self._file: Final = StoreFile(id_, self.ledger.trees, rewrite_after)
        self._interval: Final = parameters.checkpoint_interval
        self._kept: Final = max(BLOCKS_KEPT, 2 * parameters.window)
        self._own_effects: Final[dict[type[Effect], Callable[[int, Any], list[Effect]]]] = {
            Deliver: self._execute,
            SupplyBlocks: self._supply,
            Install: self._install,
            Settle: self._settle,
        }
        self.mempool: Final = Mempool(self._acceptable)
        self._genesis_hash: Final = genesis.hash
        environment = Environment(
            id=id_,
            chain=genesis.hash,
            committee=committee,
            signer=signer,
            verifier=verifier,
            parameters=parameters,
            pool=self.mempool,
            next_signer=next_signer,
            observers=observers,
            store=self.snapshots,
            later_signers=later_signers,
        )
        self.replica: Final[ConsensusProtocol] = find_protocol(protocol)(environment)
        self._responder: Final = Responder(
            environment, self.replica, self.ledger, self.chain.between
        )
        self.count: Final[Callable[[Message, int], int]] = getattr(self.replica, "count", _all_more)
        """Takes a message that changes nothing but a count of votes, at a local time: how many
        signatures were checked; -1 of any other, which is then for ``handle``."""

    def status(self) -> tuple[View, bool, Sequence, Sequence]:
        """(view, active, executed, stable) of the replica."""
        replica = self.replica
        return replica.view, replica.active, replica.executed, replica.stable

    def held(self) -> dict[str, int]:
        """How full the replica's tables of what came too early were at most, by name."""
        held = getattr(self.replica, "held", None)
        return held() if held is not None else {}

    @property
    def committee(self) -> Committee:
        """The configuration in force here."""
        return self.replica.committee

    @property
    def changing(self) -> bool:
        """Whether a change of the committee is ordered and not in force here yet."""
        return bool(getattr(self.replica, "changing", False))

    def handle(self, event: Event) -> list[Effect]:
        """Take one event; effects in the order in which they must happen."""
        if type(event) is Receive:
            answer = self._responder.table.get(type(event.message))
            if answer is not None:
                answered = answer(event.message, event.now_us)
                if answered is not None:
                    return answered
        elif type(event) is Boot:
            return self._boot(event)
        return self._consume(event.now_us, self.replica.handle(event))

    # -- requests ---------------------------------------------------------------------

    def _acceptable(self, request: Request) -> bool:
        """Whether the ledger, as it stands, could execute ``request``.

        Strangers, and whoever signs under another's name, take no room in the pool.
        """
        party = self.ledger.get("party", request.sender)
        return (
            party is not None
            and party.public_key == request.public_key
            and not self.ledger.is_stale(request.sender, request.number)
        )

    # -- execution --------------------------------------------------------------------

    def _consume(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        """Replace the validator's own effects by what they lead to, in place."""
        own = self._own_effects
        for effect in effects:
            if type(effect) in own:
                break
        else:
            return effects
        done: list[Effect] = []
        for effect in effects:
            act = own.get(type(effect))
            if act is None:
                done.append(effect)
            else:
                done.extend(act(now_us, effect))
        return done

    def _execute(self, now_us: int, order: Deliver) -> list[Effect]:
        """Rule 23: block, certificate and replies in one record before any REPLY, and the
        snapshot before the CHECKPOINT."""
        block, outcome = self._append(order.sequence, order.batch, order.certificate)
        state = self._state_after(block)
        requests = order.batch.requests
        effects: list[Effect] = [BlockExecuted(block), self._file.block(block)]
        snapshot = self._keep_snapshot(state, block)
        if snapshot is not None:
            effects.append(self._file.snapshot(snapshot))
        effects.extend(
            self._responder.reply(request, result)
            for request, result in zip(requests, outcome.results, strict=True)
            if result is not None
        )
        effects.append(Compute(signatures=len(requests), transactions=len(requests)))
        effects.extend(self._consume(now_us, self.replica.handle(Executed(now_us, state))))
        return effects

    def _keep_snapshot(self, state: CheckpointState, block: Block) -> Snapshot | None:
        """What others can fetch of the state as it is, if this is a checkpoint (rule 9)."""
        if state.sequence % self._interval:
            return None
        snapshot = Snapshot(state, block.header, self.ledger.trees)
        self.snapshots.keep(snapshot)
        self._responder.proofs.keep(snapshot.header.height, snapshot.trees[0])
        return snapshot

    def _append(
        self, height: Sequence, batch: Batch, certificate: CommitCertificate
    ) -> tuple[Block, BlockOutcome]:
        """Execute ``batch`` on the ledger and extend the chain by its block."""
        outcome = self.ledger.execute_block(height, self.chain.tip_time_us, batch)
        header = Header(
            height=height,
            parent=self.chain.tip_hash,
            time_us=outcome.time_us,
            epoch=certificate.epoch,
            batch_digest=batch.digest,
            transactions_root=outcome.transactions_root,
            receipts_root=outcome.receipts_root,
            state_root=outcome.state_root,
        )
        block = Block(
            header=header,
            batch=batch,
            receipts=outcome.receipts,
            system_receipts=outcome.system_receipts,
            reply_root=outcome.reply_root,
            certificate=certificate,
        )
        self.chain.append(block)
        return block, outcome

    def _state_after(self, block: Block) -> CheckpointState:
        """What a CHECKPOINT would vouch for after ``block``, the last one executed."""
        configuration = self.ledger.configuration
        return CheckpointState(
            block.header.height,
            block.header.hash,
            block.reply_root,
            configuration.epoch,
            configuration.members,
            configuration.scheduled,
        )

    def _supply(self, _now_us: int, order: SupplyBlocks) -> list[Effect]:
        """Certified batches from the store for a replica that fell behind (rule 17)."""
        effects: list[Effect] = []
        for block in self.chain.between(order.first, order.last):
            message = self._responder.signed(
                CertifiedBatch(
                    self._genesis_hash,
                    self.replica.committee.epoch,
                    self.id,
                    block.header.height,
                    block.batch,
                    block.certificate,
                ),
            )
            effects.append(Send(order.to, message))
        effects.append(Compute(signatures=len(effects)))
        return effects

    # -- states (rule 22) ---------------------------------------------------------------

    def _install(self, now_us: int, order: Install) -> list[Effect]:
        """The fetched state takes the place of one's own: one record, all of it or nothing."""
        certified = order.certified
        snapshot = self.snapshots.take()
        effects = [
            self._take_over(snapshot, []),
            self._file.snapshot(snapshot, certified.proof, order.epochs),
        ]
        effects.extend(self._consume(now_us, self.replica.handle(Installed(now_us, certified))))
        return effects

    def _take_over(
        self, snapshot: Snapshot, kept: list[Block], *, replayed: bool = False
    ) -> StateInstalled:
        """Be in this state, with ``kept`` blocks that lead up to it."""
        header = snapshot.header
        self.ledger.install(header.height, header.time_us, *snapshot.trees)
        self.chain.start_at(header, kept)
        self.snapshots.keep(snapshot)
        self._responder.proofs.keep(snapshot.header.height, snapshot.trees[0])
        return StateInstalled(header, self.ledger.state_root, self.ledger.reply_root, replayed)

    def _settle(self, _now_us: int, order: Settle) -> list[Effect]:
        """A state is stable: a few blocks before it are enough."""
        sequence = order.certified.sequence
        effects = self._file.settle(
            order.certified, order.epochs, self.chain, self.snapshots, self._kept
        )
        self.snapshots.settle(sequence)
        self.chain.forget_below(sequence - self._kept + 1)
        return effects

    # -- booting ------------------------------------------------------------------------

    def _boot(self, event: Boot) -> list[Effect]:
        """Start from the last stable state on the disk, execute the blocks after it, then boot
        the replica."""
        effects: list[Effect] = []
        start = self._file.read(event.blocks, event.log)
        if start.snapshot is not None:
            effects.append(self._take_over(start.snapshot, start.kept, replayed=True))
            self.snapshots.settle(start.snapshot.header.height)
        if start.reset is not None:
            effects.append(start.reset)
        blocks = []
        transactions = 0
        for stored in start.blocks:
            block, _ = self._append(stored.header.height, stored.batch, stored.certificate)
            assert block.header == stored.header, "a block on disk replays to the same header"
            state = self._state_after(block)
            blocks.append(ExecutedBlock(block.header.height, block.batch, block.certificate, state))
            transactions += len(stored.batch.requests)
            effects.append(BlockExecuted(block, replayed=True))
            snapshot = self._keep_snapshot(state, block)
            if snapshot is not None:
                effects.extend(self._file.replayed(snapshot))
        if transactions:
            effects.append(Compute(transactions=transactions))
        boot = Boot(event.now_us, event.log, tuple(blocks), start.certified, start.epochs)
        effects.extend(self._consume(event.now_us, self.replica.handle(boot)))
        return effects


def _all_more(_message: Message, _now_us: int) -> int:
    """Of protocols that have no short way."""
    return -1
