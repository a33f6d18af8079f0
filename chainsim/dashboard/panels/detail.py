"""One validator from inside: its log, certificates, timers, mempool and machine. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chainsim.dashboard.rows import Row, cells, row, span
from chainsim.dashboard.wording import clock
from chainsim.simulation.host import Host
from chainsim.simulation.world import World
from consensus.pbft.core import Core
from consensus.pbft.slot import Slot
from nodes.validator import Validator


def detail(world: World, id_: str, width: int, height: int) -> list[Row]:
    """At most ``height`` rows about a validator."""
    host = world.network.hosts[id_]
    rows = [_title(f"{id_}, {host.role} in {host.city}", width)]
    node = host.node
    if not isinstance(node, Validator):
        disk = host.disk
        rows.append(row(span(" the process is down; its disk keeps what it had synced", "bad")))
        rows.append(row(f" {disk.synced:,} writes were durable"))
        return rows[:height]
    rows += _machine(world, host)
    rows += _timers(world, host)
    rows += _mempool(node, width)
    core = getattr(node.replica, "core", None)
    if isinstance(core, Core):
        rows += _replica(core)
        room = height - len(rows) - 3
        rows += _log(core, max(1, room * 2 // 3))
    rows += _chain(node, height - len(rows))
    return rows[:height]


def _title(text: str, width: int) -> Row:
    head = f"─ {text} "
    return row(span(head, "title"), span("─" * max(0, width - len(head)), "rule"))


def _machine(world: World, host: Host) -> Iterator[Row]:
    disk = host.disk
    busy_us = max(0, host.busy_until_us - world.now_us)
    cpu = "frozen" if host.paused else f"busy for {busy_us} us" if busy_us else "idle"
    yield row(
        span(" machine   ", "head"),
        f"CPU {cpu}, {host.ingress.waiting} events wait; disk {disk.synced:,} writes durable, "
        f"{disk.appended - disk.synced} not yet",
    )


def _timers(world: World, host: Host) -> Iterator[Row]:
    armed = {event_id: key for key, event_id in host.armed.items()}
    due = sorted((at, armed[id_]) for at, _, id_, _, _ in world.scheduler.heap if id_ in armed)
    words = [f"{':'.join(key)} in {clock(max(0, at - world.now_us))} s" for at, key in due]
    yield row(span(" timers    ", "head"), ", ".join(words) or span("none armed", "dim"))


def _mempool(node: Validator, width: int) -> Iterator[Row]:
    pool = node.mempool
    oldest = ", ".join(f"{client} {number}" for client, number in list(pool.oldest().items())[:8])
    words = f"{pool.waiting} requests wait, {len(pool)} in no proposal yet"
    words += f"; oldest: {oldest}" if oldest else ""
    yield row(span(" mempool   ", "head"), cells(words, width - 12))


def _replica(core: Core) -> Iterator[Row]:
    state = "active in" if core.active else "wants"
    words = f"{state} view {core.view}; stable {core.stable}, executed {core.executed}, "
    words += f"may propose to {core.high}"
    yield row(span(" replica   ", "head"), words)
    if core.halted:
        yield row(span(f" halted: {core.halted}", "bad"))
    held = ", ".join(f"{id_} for {vc.view}" for id_, vc in sorted(core.views.received.items()))
    if held:
        yield row(span(" view chg. ", "head"), f"holds VIEW-CHANGEs of {held}")
    proof = ", ".join(vote.sender for vote in core.checkpoints.proof)
    if proof:
        yield row(span(" checkpoint", "head"), f" {core.stable} proven by {proof}")


def _log(core: Core, most: int) -> Iterator[Row]:
    yield row(span("   seq view phase         prepares commits prepared-cert. decided by", "head"))
    slots: list[tuple[int, Any]] = list(core.slots.items())[-most:]
    for sequence, slot in slots:
        yield _slot(core, sequence, slot)
    if not slots:
        yield row(span("   the log is empty", "dim"))


def _slot(core: Core, sequence: int, slot: Slot) -> Row:
    digest = slot.pre_prepare.digest if slot.pre_prepare is not None else b""
    certificate = "-" if slot.certificate is None else f"view {slot.certificate.view}"
    decided = "-"
    if slot.decision is not None:
        decided = ", ".join(vote.sender for vote in slot.decision.commits)
    return row(
        f" {sequence:>5} {slot.view:>4} {slot.phase.value:<13} "
        f"{slot.prepare_count(digest):>5}/{core.committee.quorum - 1} "
        f"{slot.commit_count(digest):>5}/{core.committee.quorum} {certificate:<14} ",
        span(decided, "dim"),
    )


def _chain(node: Validator, most: int) -> Iterator[Row]:
    if most < 2:
        return
    yield row(span(" blocks    ", "head"), f"{len(node.chain)} in the store; the last:")
    for block in node.chain.last(most - 1):
        header = block.header
        signers = ", ".join(vote.sender for vote in block.certificate.commits)
        yield row(
            f" {header.height:>5} {header.hash[:4].hex()} state {header.state_root[:4].hex()} ",
            f"{len(block.batch.requests):>3} txs, view {block.certificate.view}, COMMITs of ",
            span(signers, "dim"),
        )
