"""What a node wants done: its FIFO of effects (law 2).

``Persist`` goes to the disk's buffer at once, and one fsync starts when the effects of an event
are through; ``Send`` and ``Broadcast`` wait for every write before them, and so does what the
trace says of the node (``tell``), which goes before the messages that wait for the same; all else
acts at once. The process can die between any two effects.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from chainsim.simulation.scheduler import DISK
from chainsim.trace import Persisted, Withheld
from consensus import effects as do

if TYPE_CHECKING:
    from chainsim.simulation.host import Host
    from chainsim.simulation.world import World

Table = dict[type[do.Effect], Callable[[int, Any], None]]
"""What to do, by type of effect, with (now_us, effect)."""
Teller = Callable[[int, "Host", Any], None]
"""Writes down (now_us, host, what)."""


class Outbox:
    """Has the effects of one host take place, in order."""

    __slots__ = ("_disk", "_host", "_sync_id", "_table", "_untold", "_waiting", "_world")

    def __init__(self, world: World, host: Host, table: Table) -> None:
        """``table``: what the host itself does."""
        self._world: Final = world
        self._host = host
        self._disk: Final = host.disk
        self._sync_id = 0
        self._waiting: deque[tuple[int, do.Send | do.Broadcast]] = deque()
        """(write that must be durable first, what to send)"""
        self._untold: deque[tuple[int, Teller, Any]] = deque()
        """(write that must be durable first, who writes it down, what)"""
        self._table: Final[Table] = {
            do.Send: self._send,
            do.Broadcast: self._broadcast,
            do.Persist: self._write,
            do.Compact: self._write,
            do.Compute: _done_already,
            **table,
        }

    def died(self, now_us: int, outlives: int) -> None:
        """The process died, and the disk keeps what rests on writes up to ``outlives``: that is
        still told. Nothing else of what waits happens any more."""
        self._tell(now_us, outlives)
        self._sync_id = 0
        self._waiting.clear()
        self._untold.clear()

    def discard(self) -> None:
        """Lets go of everything: see ``World.discard``."""
        del self._host
        self._table.clear()
        self._waiting.clear()
        self._untold.clear()

    def apply(self, now_us: int, effects: list[do.Effect]) -> None:
        """Has all effects of an event take place, as far as the process lives to see it."""
        host = self._host
        incarnation = host.incarnation
        table = self._table
        others = self._world.effects
        for effect in effects:
            kind = type(effect)
            act = table.get(kind)
            if act is not None:
                act(now_us, effect)
            else:
                others[kind](now_us, host, effect)
            if host.incarnation != incarnation:
                return  # a fault struck at that very moment
        disk = self._disk
        if disk.appended != disk.started and not self._sync_id:
            self._sync(now_us)

    def release(self, now_us: int) -> None:
        """Sends what waited for writes that are durable now; syncs what is written since."""
        disk, host, world = self._disk, self._host, self._world
        waiting = self._waiting
        self._tell(now_us, disk.synced)
        while waiting and waiting[0][0] <= disk.synced:
            effect = waiting.popleft()[1]
            world.announce(now_us, host, effect.message)
            if type(effect) is do.Send:
                world.network.unicast(now_us, host, effect.to, effect.message)
            else:
                world.network.broadcast(now_us, host, effect.to, effect.message)  # type: ignore[arg-type]
        if disk.appended != disk.started and not self._sync_id:
            self._sync(now_us)

    def tell(self, now_us: int, teller: Teller, what: Any) -> None:
        """``teller`` writes ``what`` down once all that was written before it is durable. A power
        cut before that undoes it: nobody has heard of it, and the node won't remember."""
        disk = self._disk
        if disk.appended != disk.synced:
            self._untold.append((disk.appended, teller, what))
            self._world.recorder.detail(Withheld(now_us, self._host.id))
        else:
            teller(now_us, self._host, what)

    def tell_all(self, now_us: int) -> None:
        """See ``Host.tell_all``."""
        self._tell(now_us, self._disk.appended)

    def _tell(self, now_us: int, durable: int) -> None:
        untold = self._untold
        while untold and untold[0][0] <= durable:
            _, teller, what = untold.popleft()
            teller(now_us, self._host, what)

    def _send(self, now_us: int, effect: do.Send) -> None:
        disk = self._disk
        if disk.appended != disk.synced:
            self._waiting.append((disk.appended, effect))
        else:
            self._world.announce(now_us, self._host, effect.message)
            self._world.network.unicast(now_us, self._host, effect.to, effect.message)

    def _broadcast(self, now_us: int, effect: do.Broadcast) -> None:
        disk = self._disk
        if disk.appended != disk.synced:
            self._waiting.append((disk.appended, effect))
        else:
            self._world.announce(now_us, self._host, effect.message)
            self._world.network.broadcast(now_us, self._host, effect.to, effect.message)

    # The disk

    def _write(self, now_us: int, effect: do.Persist | do.Compact) -> None:
        if self._host.disk_watched:
            self._world.director.writes(now_us, self._host, effect)
        else:
            self._disk.append(effect)

    def _sync(self, now_us: int) -> None:
        mark = self._disk.start()
        done_us = now_us + self._world.fsync_us(self._host, mark)
        self._sync_id = self._host.push(done_us, DISK, self._synced, mark)
        self._host.synced_later(now_us)

    def _synced(self, now_us: int, event_id: int, mark: int) -> None:
        if event_id != self._sync_id:
            return  # the process died meanwhile
        self._sync_id = 0
        host, world = self._host, self._world
        count = self._disk.complete(mark)
        world.recorder.record(Persisted(now_us, host.id, count))
        if host.disk_watched:
            world.director.synced(now_us, host)
        self._tell(now_us, self._disk.synced)
        world.happened(now_us, "persisted", host)
        if not host.paused:
            self.release(now_us)


def _done_already(_now_us: int, _effect: do.Effect) -> None:
    """Compute: charged before the effects were released."""
