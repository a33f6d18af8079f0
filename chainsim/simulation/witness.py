"""Turns what nodes do into trace records, and tells the director of what faults may wait for.

Faults strike at the moment itself. The trace says of a node only what rests on a disk: what it
reached, executed or installed is recorded once everything that it had written *before* is durable,
just before the messages that wait for the same (rule 23). A decision that was lost with the memory,
and that nobody heard of, never was. (The block that comes of a decision may still be lost: then the
vote log leads to the same one again.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from chainsim.trace import (
    Accused,
    CertificatesShown,
    Executed,
    Installed,
    Proven,
    Reached,
    Signed,
    Submitted,
    TimerExpired,
)
from chainsim.trace import Final as FinalRecord
from consensus.effects import Effect, Milestone, Report, TimerKey
from consensus.messages import Checkpoint, Commit, Message, Prepare, PrePrepare, Request, ViewChange
from consensus.misbehaviour import Misbehaviour
from nodes.effects import (
    BalanceProven,
    BlockExecuted,
    BlocksProven,
    ReceiptProven,
    RequestFinal,
    RequestSigned,
    StateInstalled,
)

if TYPE_CHECKING:
    from chainsim.simulation.host import Host
    from chainsim.simulation.world import World

_VOTES: Final = frozenset((PrePrepare, Prepare, Commit, Checkpoint))
"""Types whose record names the digest that is voted for."""


class Witness:
    """Writes the record of one run."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._record = world.recorder.record
        self._detail = world.recorder.detail
        self._submitted_us: dict[tuple[str, int], int] = {}
        self._stable = 0
        self.effects: dict[type[Effect], Callable[[int, Host, Any], None]] = {
            Milestone: self._milestone,
            BlockExecuted: self._block,
            StateInstalled: self._state,
            RequestSigned: self._submitted,
            RequestFinal: self._final,
            BlocksProven: self._blocks_proven,
            ReceiptProven: self._receipt_proven,
            BalanceProven: self._balance_proven,
            Report: self._report,
        }

    def signed(self, now_us: int, host: Host, message: Message) -> None:
        """A message leaves; recorded if it is the node's own."""
        kind = type(message)
        # A party and a validator may share a name: requests are the clients' alone to sign.
        if message.sender != host.signs_as or (kind is Request and host.kind != "client"):
            return  # relayed
        view, sequence = message.slot()
        digest = message.digest if kind in _VOTES else message.digest_bytes  # type: ignore[attr-defined]
        self._record(Signed(now_us, host.id, message.TYPE, message.epoch, view, sequence, digest))
        if kind is ViewChange:
            self._shown(now_us, host, message)  # type: ignore[arg-type]

    def _shown(self, now_us: int, host: Host, message: ViewChange) -> None:
        held = tuple((certificate.sequence, certificate.view) for certificate in message.prepared)
        where = (message.epoch, message.view, message.stable)
        self._detail(CertificatesShown(now_us, host.id, *where, held))

    def timer_expired(self, now_us: int, host: Host, key: TimerKey) -> None:
        """A timer of the node ran out."""
        self._record(TimerExpired(now_us, host.id, ":".join(key)))

    def _milestone(self, now_us: int, host: Host, effect: Milestone) -> None:
        host.tell(now_us, self._tell_reached, effect)
        event, view, sequence = effect.event, effect.view, effect.sequence
        if event == "checkpoint-stable":
            host.occurrences.stable(sequence)
            if sequence > self._stable:
                self._stable = sequence
                for other in self._world.hosts[len(self._world.validators) + 1 :]:
                    other.occurrences.stable(sequence)
        elif event == "new-view-entered":
            host.occurrences.entered(view)
        self._world.director.happened(now_us, event, host, view, sequence)

    def _tell_reached(self, now_us: int, host: Host, effect: Milestone) -> None:
        where = effect.view, effect.sequence
        self._record(Reached(now_us, host.id, effect.event, *where, effect.digest, effect.cause))

    def _block(self, now_us: int, host: Host, effect: BlockExecuted) -> None:
        host.tell(now_us, self._tell_executed, effect)
        if effect.replayed:
            return
        director = self._world.director
        incarnation = host.incarnation
        block = effect.block
        for event in ("executed", "height"):
            if host.incarnation == incarnation:
                director.happened(now_us, event, host, block.certificate.view, block.header.height)

    def _tell_executed(self, now_us: int, host: Host, effect: BlockExecuted) -> None:
        block = effect.block
        header = block.header
        self._record(
            Executed(
                now_us,
                host.id,
                header.height,
                header.hash,
                header.state_root,
                block.reply_root,
                header.batch_digest,
                len(block.batch.requests),
                effect.replayed,
                block,
            )
        )

    def _state(self, now_us: int, host: Host, effect: StateInstalled) -> None:
        host.tell(now_us, self._tell_installed, effect)

    def _tell_installed(self, now_us: int, host: Host, effect: StateInstalled) -> None:
        header = effect.header
        self._record(
            Installed(
                now_us,
                host.id,
                header.height,
                header.hash,
                effect.state_root,
                effect.reply_root,
                effect.replayed,
                header,
            )
        )

    def _submitted(self, now_us: int, host: Host, effect: RequestSigned) -> None:
        request = effect.request
        self._submitted_us[host.id, request.number] = now_us
        self._record(Submitted(now_us, host.id, request.number, request.digest))

    def _final(self, now_us: int, host: Host, effect: RequestFinal) -> None:
        since_us = self._submitted_us.pop((host.id, effect.number), now_us)
        self._record(
            FinalRecord(
                now_us,
                host.id,
                effect.number,
                code_of(effect.result),
                now_us - since_us,
                effect.result,
            )
        )

    def _blocks_proven(self, now_us: int, host: Host, effect: BlocksProven) -> None:
        header = effect.header
        amounts = effect.proven, effect.skipped
        self._record(Proven(now_us, host.id, "blocks", header.height, header.hash, amounts=amounts))

    def _receipt_proven(self, now_us: int, host: Host, effect: ReceiptProven) -> None:
        receipt = effect.receipt
        self._record(
            Proven(now_us, host.id, "receipt", receipt.height, receipt.digest, effect.subject)
        )

    def _balance_proven(self, now_us: int, host: Host, effect: BalanceProven) -> None:
        held = effect.balance
        self._record(
            Proven(
                now_us,
                host.id,
                "balance",
                effect.height,
                account=effect.account,
                asset=effect.asset,
                amounts=(held.free, held.reserved, held.frozen),
            )
        )

    def _report(self, now_us: int, host: Host, effect: Report) -> None:
        host.tell(now_us, self._tell_accused, effect.misbehaviour)

    def _tell_accused(self, now_us: int, host: Host, what: Misbehaviour) -> None:
        self._record(Accused(now_us, host.id, what.culprit, what.kind, what))
        self._world.accused(now_us, what)


def code_of(result: bytes) -> str:
    """The receipt's code, first in ``Reply.result``; empty if the bytes hold none."""
    try:
        fields = msgspec.msgpack.decode(result)
    except msgspec.DecodeError:
        return ""
    if isinstance(fields, list) and fields and isinstance(fields[0], str):
        return fields[0]
    return ""
