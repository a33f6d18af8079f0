"""How far a world is: who leads, what its messages came to, and whether any work is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from consensus.messages import Message
from consensus.types import Committee, max_faulty, quorum_size

if TYPE_CHECKING:
    from chainsim.simulation.host import Host
    from chainsim.simulation.world import World


class Progress(msgspec.Struct, frozen=True):
    """Where a run stands; ``height`` and ``view`` are the highest of any running validator."""

    now_us: int
    height: int
    view: int
    messages: int
    """Handed to the network so far, per receiver."""


class MessageCounts(msgspec.Struct, frozen=True):
    """Messages by type (``TYPE``), per receiver; of those dropped also by cause.

    Causes: loss, down (the receiver's process), overflow (its queue), unknown (no such node), or
    the kind of the fault. Delivered + dropped + in flight is sent + duplicated.
    """

    sent: dict[str, int]
    delivered: dict[str, int]
    dropped: dict[str, int]
    dropped_by_cause: dict[str, int]
    duplicated: int
    in_flight: int


def primary(world: World) -> Host:
    """The validator that leads the highest active view of the newest epoch that runs."""
    newest = committee(world)
    statuses = [
        host.node.status()  # type: ignore[union-attr]
        for host in _running(world)
        if newest is None or _committee_of(host) == newest
    ]
    view = max((view for view, active, _, _ in statuses if active), default=0)
    if newest is None:
        return world.validators[view % world.seats]
    return world.network.hosts[newest.primary(view)]


def committee(world: World) -> Committee | None:
    """The newest that a running validator knows; None if none of them tells."""
    known = [_committee_of(host) for host in _running(world)]
    return max(
        (committee for committee in known if committee is not None),
        key=lambda committee: committee.epoch,
        default=None,
    )


def is_changing(world: World) -> bool:
    """Whether somewhere a change of the committee is ordered and not in force yet."""
    return any(getattr(host.node, "changing", False) for host in _running(world))


def _running(world: World) -> list[Host]:
    return [host for host in world.validators if host.node is not None]


def settled(world: World) -> bool:
    """No work is left: every submission was made and is final, no fault begins or ends any
    more, and the running validators are at one height, a quorum not changing views and no
    more than f in the middle of a change.

    Who is paused or in hostile hands has no height or view to wait for. A validator that
    called for a view which nobody else wanted may wait in it for ever (rule 12): it follows
    the chain, and is no unfinished work.
    """
    if world.submissions_ahead or world.director.ahead:
        return False
    for host in world.hosts[1:]:
        if host.kind == "client" and host.node is not None and host.node.outstanding:  # type: ignore[attr-defined]
            return False
    director = world.director
    running = [host for host in _running(world) if not host.paused]
    sound = [host for host in running if not director.is_hostile(host)]
    if any(getattr(host.node, "changing", False) for host in sound):
        return False
    if _observers_behind(world, sound):
        return False
    heights = {host.node.status()[2] for host in sound}  # type: ignore[union-attr]
    newest = committee(world)
    members = [h for h in running if newest is None or h.id in newest]
    views = [host.node.status()[:2] for host in members if host in sound]  # type: ignore[union-attr]
    changing = sum(1 for _, active in views if not active)
    n = world.seats if newest is None else newest.n
    few = changing <= max_faulty(n)
    enough = min(len(members), quorum_size(n))
    return len(heights) <= 1 and few and len(members) - changing >= enough


def _observers_behind(world: World, sound: Sequence[Host]) -> bool:
    """Whether a light observer still has a stable checkpoint to be shown."""
    running = [
        host.node
        for host in world.hosts[1:]
        if host.kind == "observer" and host.node is not None and not host.paused
    ]
    if not running:
        return False
    stable = max((host.node.status()[3] for host in sound), default=0)  # type: ignore[union-attr]
    return any(not node.stopped and node.height < stable for node in running)  # type: ignore[attr-defined]


def progress(world: World) -> Progress:
    """Where the run stands."""
    statuses = [host.node.status() for host in _running(world)]  # type: ignore[union-attr]
    return Progress(
        world.now_us,
        max((executed for _, _, executed, _ in statuses), default=0),
        max((view for view, _, _, _ in statuses), default=0),
        sum(world.network.sent.values()),
    )


def messages(world: World) -> MessageCounts:
    """What became of all messages so far."""
    network = world.network
    inboxes = [host.inbox for host in world.hosts[1:] if host.inbox is not None]
    flying = [message for inbox in inboxes for message in inbox.flying(world.now_us)]
    sent = {kind.TYPE: count for kind, count in network.sent.items()}
    dropped: dict[str, int] = {}
    causes: dict[str, int] = {}
    for (kind, cause), count in network.dropped.items():
        dropped[kind.TYPE] = dropped.get(kind.TYPE, 0) + count
        causes[cause] = causes.get(cause, 0) + count
    delivered = dict(sent)
    for kind, count in network.passage.duplicated.items():
        delivered[kind.TYPE] += count
    for name, count in dropped.items():
        delivered[name] -= count
    flying += [entry[4] for entry in world.scheduler.heap if isinstance(entry[4], Message)]
    flying += [arrival[3] for clog in network.passage.clogs for arrival in clog.held]
    for message in flying:
        delivered[message.TYPE] -= 1
    return MessageCounts(
        sent, delivered, dropped, causes, sum(network.passage.duplicated.values()), len(flying)
    )


def _committee_of(host: Host) -> Committee | None:
    found: Committee | None = getattr(host.node, "committee", None)
    return found
