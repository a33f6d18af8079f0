"""The short way through a validator's queue: its CPU goes ahead of the rest of the world.

The plain way (``Host.arrive``) gives each message two events: it arrives, and the CPU is free for
it. But what arrives before ``now + reach`` is known already, as a line takes that long at least
(conservative look-ahead, Chandy and Misra 1979). The order in which the CPU takes what it knows
can't be changed by what it doesn't know, and a vote that only counts is seen by nobody else. So
the CPU works through its queue in one go until a message has effects; these take place in an event
of their own, at their time.

It never goes past a moment at which somebody may look at the node or touch it: the beginning and
end of a fault, the question whether the run may end, a timer of its own. Where such moments can't
be foreseen (faults that wait for something to happen, disks that may kill, hostile hands) its
``reach`` is 0, and every message is taken in its own time. Either way a run is the same:
``tests/unit/explore/test_short_ways.py`` compares both.
"""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final

from chainsim.simulation.cpu import CLIENTS
from chainsim.simulation.scheduler import DISK, INSTANCE_SHIFT, MESSAGE
from consensus.events import Receive
from consensus.messages import Message, Request
from nodes.proof_server import QUESTIONS
from scenarios.rng import PPM

if TYPE_CHECKING:
    from chainsim.simulation.host import Host
    from chainsim.simulation.world import World

OF_CLIENTS: Final = frozenset((Request, *QUESTIONS))
"""What waits while there is consensus to be had (PBFT rule 32)."""
NEVER_US: Final = 1 << 62
MOST_WAITING: Final = 4096
"""With more in the queue the CPU stays in the present. What waits of clients has its limit by
sender; of validators it hasn't, unlike in ``cpu.Ingress`` (10,000 votes of one of them)."""

TURN_BITS: Final = 40

Arrival = tuple[int, int, Message]
"""(when, event id, what)"""


class Inbox:
    """What is on its way to one host or waits there, in order of arrival."""

    __slots__ = (
        "_again",
        "_arrival",
        "_due_id",
        "_host",
        "_taken",
        "_turns",
        "_waiting",
        "_world",
        "arrivals",
        "due_us",
        "reach_us",
    )

    def __init__(self, world: World, host: Host) -> None:
        self._world: Final = world
        self._host = host
        self.arrivals: Final[list[Arrival]] = []
        """A heap; ``add`` puts into it, and so may whoever then minds ``due_us``."""
        self.reach_us = 0
        """What arrives less than this from now is known."""
        self.due_us = NEVER_US
        """When the CPU has to look again; -1: it will anyway."""
        self._due_id = self._arrival = 0
        self._again: list[tuple[int, int, Message]] = []
        """A heap of (turn since which it is its sender's again, event id, what): messages that
        came while another one of their sender waited, one of each sender."""
        self._waiting: dict[int, deque[tuple[int, Message]]] = {}
        """Sender -> what came while one of its messages is in ``_again``."""
        self._taken: Final[dict[int, int]] = {}
        """Sender -> the turn in which its last message was taken from the queue."""
        self._turns = 0
        """Turns so far. One is written as when it is, shifted, plus its number."""

    # Messages

    def add(self, at_us: int, event_id: int, message: Message) -> None:
        """A message that will arrive."""
        heappush(self.arrivals, (at_us, event_id, message))
        if at_us < self.due_us:
            self.mind(at_us, event_id)

    def mind(self, at_us: int, event_id: int) -> None:
        """Something arrives earlier than the CPU would look: see to it that it does."""
        busy_us = self._host.busy_until_us
        if at_us >= busy_us:
            self._look(at_us, event_id)
        elif busy_us < self.due_us:
            self._look(busy_us, 0)

    def _look(self, at_us: int, arrival: int) -> None:
        """``arrival``: the id of what arrives then; 0: the CPU is free for what waits."""
        self.due_us, self._arrival = at_us, arrival
        if not arrival:
            self._due_id = self._host.push(at_us, DISK, self.on_due)
        else:
            self._due_id = arrival
            self._world.scheduler.push(at_us, MESSAGE, arrival, self.on_due)

    def on_due(self, now_us: int, event_id: int, _payload: Any) -> None:
        """As an action: the CPU looks at what it can take, or is done with something. One action
        for both: of two events under the id of one arrival, neither comes first."""
        if event_id == self._host.wake_id:
            self._host.wake(now_us, event_id, None)
        elif event_id == self._due_id and now_us == self.due_us:
            self.advance(now_us, self._arrival)

    def flying(self, now_us: int) -> list[Message]:
        """What hasn't arrived yet; what arrived at a dead process is lost now at the latest."""
        if self._host.node is None:
            self.lose(now_us + 1)
        return [message for at_us, _, message in self.arrivals if at_us > now_us]

    def lose(self, before_us: int) -> None:
        """The process died, or was dead so far: what came before ``before_us`` is gone."""
        lose = self._host.lose
        for _, event_id, message in self._again:
            lose(before_us, event_id, message, "down")
        for queue in self._waiting.values():
            for event_id, message in queue:
                lose(before_us, event_id, message, "down")
        self._again.clear()
        self._waiting.clear()
        self._taken.clear()
        while self.arrivals and self.arrivals[0][0] < before_us:
            _, event_id, message = heappop(self.arrivals)
            lose(before_us, event_id, message, "down")

    def rouse(self) -> None:
        """A process has started."""
        if not self._host.released:
            self._rest()

    def discard(self) -> None:
        """Lets go of everything: see ``World.discard``."""
        self.arrivals.clear()
        del self._host

    # The CPU

    def advance(self, now_us: int, event_id: int = 0) -> None:
        """Has the CPU take what it can, in its order; then sees to it that it looks again.

        ``event_id``: of the message whose arrival this event is; 0 of any other event.
        """
        host = self._host
        self.due_us = -1
        incarnation = host.incarnation
        while host.incarnation == incarnation and not host.paused and not host.released:
            if not self._step(now_us, event_id):
                self._rest()
                return

    def _step(self, now_us: int, event_id: int) -> bool:
        """Counts votes up to what is more than that, and takes that too; False if nothing is
        left that can be taken now."""
        host = self._host
        arrivals, again, waiting, taken = self.arrivals, self._again, self._waiting, self._taken
        count, ingress, clock = host.count, host.ingress, host.clock
        verify_us = host.verify_us
        if host.factor_ppm != PPM:
            verify_us = verify_us * host.factor_ppm // PPM
        known_us, limit_us = self._horizon(now_us, event_id)
        here_us = now_us + 1 if event_id else now_us
        while True:
            busy_us = host.busy_until_us
            if ingress.waiting:
                done = self._step_aside(now_us, known_us, limit_us)
                if done is not None:
                    return done
            if again and (not arrivals or again[0][0] >> TURN_BITS <= arrivals[0][0]):
                turn_us, fresh, start_us = again[0][0] >> TURN_BITS, False, busy_us
                if start_us > now_us and (turn_us >= known_us or start_us >= limit_us):
                    return False
                number, message = self._take_again(start_us)
            elif arrivals:
                turn_us, number, message = arrivals[0]
                fresh = turn_us >= busy_us
                start_us = turn_us if fresh else busy_us
                if turn_us >= known_us or (
                    start_us >= limit_us and (start_us > now_us or turn_us >= here_us)
                ):
                    return False
                heappop(arrivals)
                sender = number >> INSTANCE_SHIFT
                if type(message) in OF_CLIENTS:
                    if not fresh:
                        self._queue(turn_us, number, message)
                        continue
                elif sender in waiting:
                    waiting[sender].append((number, message))
                    continue
                else:
                    before = taken.get(sender)
                    if before is not None and before >> TURN_BITS > turn_us:
                        waiting[sender] = deque()
                        heappush(again, (before, number, message))
                        continue
                    self._turns = turn = self._turns + 1
                    taken[sender] = start_us << TURN_BITS | turn
            else:
                return False
            checks = count(message, start_us if clock is None else clock.read(start_us))
            if checks < 0:
                self._handle(now_us, start_us, number, message, fresh and number != event_id)
                return True
            assert checks <= 1, "several checks round otherwise"
            if checks:
                host.busy_until_us = start_us + verify_us

    def _take_again(self, start_us: int) -> tuple[int, Message]:
        """The next message of whoever has had one taken already."""
        _, number, message = heappop(self._again)
        self._turns += 1
        sender = number >> INSTANCE_SHIFT
        turn = self._taken[sender] = start_us << TURN_BITS | self._turns
        queue = self._waiting[sender]
        if queue:
            heappush(self._again, (turn, *queue.popleft()))
        else:
            del self._waiting[sender]
        return number, message

    def _step_aside(self, now_us: int, known_us: int, limit_us: int) -> bool | None:
        """What isn't consensus: one's own timers before it, clients after it. None: it is
        consensus' turn; else whether something was taken."""
        host = self._host
        busy_us = host.busy_until_us
        if host.ingress.owns:  # they leave records, so each is taken in its own time
            if busy_us > now_us:
                return False
            host.take_own(now_us)
            return True
        arrivals = self.arrivals
        while arrivals and type(arrivals[0][2]) in OF_CLIENTS:
            if arrivals[0][0] >= busy_us or arrivals[0][0] >= known_us:
                break
            self._queue(*heappop(arrivals))
        if self._again or (arrivals and arrivals[0][0] < busy_us):
            return None
        if busy_us > now_us and (busy_us > known_us or busy_us >= limit_us):
            return False
        _, number, message = host.ingress.pop()
        self._handle(now_us, busy_us, number, message, False)
        return True

    def _queue(self, at_us: int, number: int, message: Message) -> None:
        sender = number >> INSTANCE_SHIFT
        if not self._host.ingress.push(CLIENTS, sender, (Receive, number, message)):
            self._host.lose(at_us, number, message, "overflow")

    def _handle(
        self, now_us: int, start_us: int, number: int, message: Message, ahead: bool
    ) -> None:
        """The node takes a message at ``start_us``. ``ahead``: it begins by arriving, in an event
        that is still to come."""
        host = self._host
        effects = host.handler(Receive(host.local(start_us), message))
        if not effects:
            return
        cost_us = host.cost_us(effects)
        if cost_us:
            host.busy_until_us = start_us + cost_us
            if len(effects) > 1:
                host.release_at(start_us, effects, 0)
        elif start_us == now_us and not ahead:
            host.apply(now_us, effects)
        else:
            host.busy_until_us = start_us
            host.release_at(start_us, effects, number if ahead else 0)

    def _horizon(self, now_us: int, event_id: int) -> tuple[int, int]:
        """(what arrives before is known, nothing may begin from then on)."""
        host = self._host
        limit_us = look_us = self._world.scheduler.next_look_us(now_us)
        for at_us in host.timers.due_us.values():
            limit_us = min(limit_us, at_us)
        known_us = now_us + self.reach_us
        if len(self.arrivals) + len(self._again) > MOST_WAITING:
            known_us = now_us
        known_us = min(known_us, look_us)
        return (max(known_us, now_us + 1) if event_id else known_us), limit_us

    def _rest(self) -> None:
        """Nothing can be taken now: see to it that somebody looks when something can."""
        host = self._host
        self.due_us = NEVER_US
        if host.ingress.waiting or self._again:
            self._look(host.busy_until_us, 0)
        elif self.arrivals:
            self.mind(*self.arrivals[0][:2])
