"""Requests that wait for an order: fair among clients, bounded, cheap to ask for deadlines.

One queue per client, in order of request number; ``select`` goes round the clients in the order
of their names, taking the lowest number of each, and resumes where it stopped. Every bound has a
name, and a full queue refuses what comes later: nothing that waits is ever pushed out, so a flood
from one client can't evict another's request (rule 32).

A (client, number) holds one request, the first that came. A Byzantine client may sign two
operations under one number and send one to each validator, so a proposal may carry the other
one: ``mark_selected`` and ``remove`` therefore go by the number, not by the digest.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from consensus.messages import Request
from consensus.types import NodeId

PER_CLIENT_LIMIT: Final = 1_024
"""Requests of one client that may wait."""
TOTAL_LIMIT: Final = 65_536
"""Requests that may wait, all clients together."""
PROPOSED_LIMIT: Final = 65_536
"""Numbers of others' proposals that are remembered until they are executed or the view ends. One
that is forgotten may be proposed twice, and executes once."""


def _anything(_request: Request) -> bool:
    return True


# Plain lists in order: what is in them is bounded, and most hold one or two numbers.


def _holds(ordered: list[int], number: int) -> bool:
    place = bisect_left(ordered, number)
    return place < len(ordered) and ordered[place] == number


class _Queue:
    """What waits of one client."""

    __slots__ = ("fresh", "numbers", "waiting")

    def __init__(self) -> None:
        self.waiting: dict[int, Request] = {}
        self.numbers: list[int] = []
        """All that waits, in order."""
        self.fresh: list[int] = []
        """What waits and is in no proposal yet, in order."""


class Mempool:
    """Implements ``consensus.protocol.RequestPool``.

    ``acceptable`` says whether the ledger, as it stands, would execute a request: its key is the
    sender's, and its number is free in the sender's window. It keeps strangers from filling the
    pool under another client's name, and executed requests from coming back.
    """

    def __init__(
        self,
        acceptable: Callable[[Request], bool] = _anything,
        per_client_limit: int = PER_CLIENT_LIMIT,
        total_limit: int = TOTAL_LIMIT,
    ) -> None:
        self._acceptable = acceptable
        self._per_client_limit = per_client_limit
        self._total_limit = total_limit
        self._queues: dict[NodeId, _Queue] = {}
        self._ready: list[NodeId] = []
        """Clients with something fresh, in the order of their names."""
        self._cursor: NodeId = ""
        """The client served last."""
        self._digests: set[bytes] = set()
        self._proposed: set[tuple[NodeId, int]] = set()
        """Numbers in somebody's proposal that didn't wait here: they aren't fresh if they come."""
        self._fresh = 0
        self._oldest: dict[NodeId, int] = {}

    def __len__(self) -> int:
        return self._fresh

    def __contains__(self, request: Request) -> bool:
        return request.digest in self._digests

    @property
    def waiting(self) -> int:
        """All that waits, selected or not."""
        return len(self._digests)

    def add(self, request: Request) -> bool:
        """Takes ``request`` unless its number is held already, it is stale, or there is no room."""
        client, number = request.sender, request.number
        queue = self._queues.get(client)
        if queue is not None and (
            number in queue.waiting or len(queue.waiting) >= self._per_client_limit
        ):
            return False
        if len(self._digests) >= self._total_limit or not self._acceptable(request):
            return False
        if queue is None:
            queue = self._queues[client] = _Queue()
        queue.waiting[number] = request
        insort(queue.numbers, number)
        self._digests.add(request.digest)
        if (client, number) not in self._proposed:
            self._freshen(client, queue, number)
        self._refresh_oldest(client, queue)
        return True

    def select(self, limit: int) -> tuple[Request, ...]:
        """Up to ``limit`` fresh requests, one client after the other; they are now selected."""
        chosen: list[Request] = []
        while self._ready and len(chosen) < limit:
            position = bisect_right(self._ready, self._cursor)
            client = self._ready[position if position < len(self._ready) else 0]
            queue = self._queues[client]
            number = queue.fresh[0]
            self._stale(client, queue, number)
            chosen.append(queue.waiting[number])
            self._cursor = client
        return tuple(chosen)

    def mark_selected(self, requests: tuple[Request, ...]) -> None:
        """A proposal holds these: what waits, or will wait, under their numbers isn't fresh."""
        for request in requests:
            client, number = request.sender, request.number
            queue = self._queues.get(client)
            if queue is None or number not in queue.waiting:
                if len(self._proposed) < PROPOSED_LIMIT:
                    self._proposed.add((client, number))
            elif _holds(queue.fresh, number):
                self._stale(client, queue, number)

    def release_selected(self) -> None:
        """A new view began: all that waits is fresh again (rule 18)."""
        self._proposed.clear()
        for client, queue in self._queues.items():
            if len(queue.fresh) < len(queue.numbers):
                self._fresh += len(queue.numbers) - len(queue.fresh)
                if not queue.fresh:
                    insort(self._ready, client)
                queue.fresh = queue.numbers.copy()

    def remove(self, requests: tuple[Request, ...]) -> None:
        """These were executed. Whatever waits under their numbers goes, if the ledger is done with
        it: a forged request that failed under a client's name leaves the client's own waiting.
        """
        for request in requests:
            client, number = request.sender, request.number
            self._proposed.discard((client, number))
            queue = self._queues.get(client)
            held = None if queue is None else queue.waiting.get(number)
            if queue is None or held is None:
                continue
            if held.digest == request.digest or not self._usable(held):
                self._drop(client, queue, held)
            elif not _holds(queue.fresh, number):
                self._freshen(client, queue, number)
        for client in {request.sender: None for request in requests}:
            self._drop_unusable(client)

    def drop_stale(self) -> None:
        """A later state was installed: whatever it can't execute goes."""
        for queue in list(self._queues.values()):
            for held in list(queue.waiting.values()):
                if not self._acceptable(held):
                    self._drop(held.sender, queue, held)

    def _drop_unusable(self, client: NodeId) -> None:
        """What the window has passed, or whose key was replaced, will never execute."""
        queue = self._queues.get(client)
        while queue and queue.numbers and not self._acceptable(queue.waiting[queue.numbers[0]]):
            self._drop(client, queue, queue.waiting[queue.numbers[0]])

    def oldest(self) -> Mapping[NodeId, int]:
        """Each client's lowest waiting number (rule 18): a live, read-only view."""
        return MappingProxyType(self._oldest)

    def _usable(self, held: Request) -> bool:
        return self._acceptable is not _anything and self._acceptable(held)

    def _freshen(self, client: NodeId, queue: _Queue, number: int) -> None:
        insort(queue.fresh, number)
        self._fresh += 1
        if len(queue.fresh) == 1:
            insort(self._ready, client)

    def _stale(self, client: NodeId, queue: _Queue, number: int) -> None:
        del queue.fresh[bisect_left(queue.fresh, number)]
        self._fresh -= 1
        if not queue.fresh:
            del self._ready[bisect_left(self._ready, client)]

    def _drop(self, client: NodeId, queue: _Queue, held: Request) -> None:
        if _holds(queue.fresh, held.number):
            self._stale(client, queue, held.number)
        del queue.waiting[held.number]
        del queue.numbers[bisect_left(queue.numbers, held.number)]
        self._digests.discard(held.digest)
        self._refresh_oldest(client, queue)
        if not queue.waiting:
            del self._queues[client]

    def _refresh_oldest(self, client: NodeId, queue: _Queue) -> None:
        number = queue.numbers[0] if queue.numbers else None
        if number == self._oldest.get(client):
            return
        if number is None:
            del self._oldest[client]
        else:
            self._oldest[client] = number
