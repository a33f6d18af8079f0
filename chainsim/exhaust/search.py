"""The states of all replicas together, breadth first, and what must hold in each of them."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import Final

import msgspec

from chainsim import wall_clock
from chainsim.exhaust.actors import Actors, Event, Local
from chainsim.exhaust.bound import Bound, Setting
from chainsim.exhaust.host import clash

WIDTH: Final = 24
"""Bits for the number of a replica's state: sixteen millions each."""
LOOK_EVERY: Final = 4096
"""States between two looks at the clock and at memory."""


class Stop(Enum):
    """Why a search is over."""

    COMPLETE = "complete"
    VIOLATION = "violation"
    MEMORY = "out of memory"
    TIME = "out of time"
    INTERRUPTED = "interrupted"


class Found(msgspec.Struct, frozen=True):
    """A state in which something doesn't hold, and the shortest way there."""

    check: str
    kind: str
    """safety or liveness."""
    detail: str
    steps: tuple[tuple[str, tuple[Event, ...]], ...]
    """To whom what happens."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """How far a search is."""

    stop: Stop | None
    states: int
    """That were found, merged."""
    explored: int
    """Whose successors are known."""
    depth: int
    """Every state that fewer steps lead to was explored."""
    transitions: int
    locals: int
    """States of single replicas."""
    wall_ns: int
    cpu_ns: int
    found: Found | None = None

    @property
    def states_per_min(self) -> int:
        """Per core: the search has one."""
        return self.explored * 60_000_000_000 // max(1, self.cpu_ns)


class Search:
    """One search; ``run`` it once."""

    def __init__(self, bound: Bound, setting: Setting) -> None:
        start_ns = wall_clock.cpu_ns()
        self.bound: Final = bound
        self.actors: Final = Actors(bound, setting)
        self._locals: Final = self.actors.locals
        self._seen: Final[set[int]] = set()
        self._states: Final[list[int]] = []
        """In the order in which they were found, packed."""
        self._parents: Final[list[int]] = []
        self._places: Final = tuple(places(bound.honest, who) for who in self.actors.renamings)
        """By renaming: in which order replicas stand under their new names."""
        self._fit: Final[dict[tuple[int, int], str]] = {}
        self._explored = self._transitions = self._depth = 0
        self._wall_ns = wall_clock.now_ns()
        self._cpu_ns = start_ns

    def run(
        self,
        *,
        limit_s: float | None = None,
        memory_bytes: int | None = None,
        tell: Callable[[Told], None] | None = None,
    ) -> Told:
        """Explores until all is explored, something is found, or a limit is reached. What
        ``tell`` is told now and then; a ``KeyboardInterrupt`` ends the search, not the tale."""
        try:
            return self._run(limit_s, memory_bytes, tell)
        except KeyboardInterrupt:
            return self._told(Stop.INTERRUPTED)

    def _run(
        self,
        limit_s: float | None,
        memory_bytes: int | None,
        tell: Callable[[Told], None] | None,
    ) -> Told:
        self._add(self.actors.start, -1)
        fault = self._fault_of(self.actors.start, 0)
        if fault:
            return self._told(Stop.VIOLATION, self._found("safety", fault, 0))
        level_ends = 1
        while self._explored < len(self._states):
            at = self._explored
            if at == level_ends:
                self._depth += 1
                level_ends = len(self._states)
            found = self._expand(at)
            self._explored += 1
            if found is not None:
                return self._told(Stop.VIOLATION, found)
            if self._explored % LOOK_EVERY == 0:
                if tell is not None:
                    tell(self._told(None))
                if memory_bytes is not None and memory_used() > memory_bytes:
                    return self._told(Stop.MEMORY)
                if limit_s is not None and wall_clock.seconds_since(self._wall_ns) > limit_s:
                    return self._told(Stop.TIME)
        self._depth += 1
        return self._told(Stop.COMPLETE)

    # -- states -------------------------------------------------------------------------------

    def _expand(self, at: int) -> Found | None:
        state = self._unpacked(self._states[at])
        stuck = True
        moves = self.actors.moves
        for place, local in enumerate(state):
            for after in moves(local, self._arriving(state, place)):
                stuck = False
                self._transitions += 1
                reached = (*state[:place], after, *state[place + 1 :])
                if not self._add(reached, at):
                    continue
                fault = self._fault_of(reached, place)
                if fault:
                    return self._found("safety", fault, len(self._states) - 1)
        if stuck and self._is_dead(state):
            return self._found("liveness", "nothing can happen any more, and not all is done", at)
        return None

    def _arriving(self, state: tuple[Local, ...], place: int) -> int:
        """What may arrive at a replica: all that others ever sent it, and every lie."""
        name = self.bound.honest[place]
        arriving = self.actors.lies
        for other in state:
            arriving |= other.outbox[name]
        return arriving

    def _add(self, state: tuple[Local, ...], parent: int) -> bool:
        """Whether the state is new."""
        key = self._key(state)
        if key in self._seen:
            return False
        self._seen.add(key)
        self._states.append(_packed(local.number for local in state))
        self._parents.append(parent)
        return True

    def _key(self, state: tuple[Local, ...]) -> int:
        """Equal for states that differ only in who is who."""
        best = -1
        for which, order in enumerate(self._places):
            key = 0
            for place in order:
                key = key << WIDTH | state[place].forms[which]
            if best < 0 or key < best:
                best = key
        return best

    def _unpacked(self, packed: int) -> tuple[Local, ...]:
        found = []
        for _ in self.bound.honest:
            found.append(self._locals[packed & (1 << WIDTH) - 1])
            packed >>= WIDTH
        return tuple(reversed(found))

    # -- what must hold -------------------------------------------------------------------------

    def _fault_of(self, state: tuple[Local, ...], changed: int) -> str:
        """What doesn't hold between the replica that moved and the others."""
        mine = state[changed]
        if mine.fault:
            return mine.fault
        for other in state:
            if other is not mine:
                key = (mine.facts, other.facts)
                fault = self._fit.get(key)
                if fault is None:
                    fault = self._fit[key] = clash(*(self.actors.facts[number] for number in key))
                if fault:
                    return f"{fault}: {self._name(mine)} and {self._name(other)}"
        return ""

    def _name(self, local: Local) -> str:
        return self.bound.honest[local.owner]

    def _is_dead(self, state: tuple[Local, ...]) -> bool:
        """Where nothing can happen any more: whether something should have."""
        done = [(local.executed > 0, bool(local.timers)) for local in state]
        return is_dead(self.bound, done)

    # -- the tale -------------------------------------------------------------------------------

    def _found(self, kind: str, detail: str, at: int) -> Found:
        check, _, rest = detail.partition(": ")
        if check not in ("agreement", "one-prepared-digest"):
            check, rest = ("one-replica" if kind == "safety" else "deadlock"), detail
        return Found(check, kind, rest, self._way_to(at))

    def _way_to(self, at: int) -> tuple[tuple[str, tuple[Event, ...]], ...]:
        way = []
        while self._parents[at] >= 0:
            before = self._unpacked(self._states[self._parents[at]])
            after = self._unpacked(self._states[at])
            for place, (one, other) in enumerate(zip(before, after, strict=True)):
                if one is not other:
                    events = self.actors.way(one, self._arriving(before, place), other)
                    way.append((self._name(other), events))
            at = self._parents[at]
        return tuple(reversed(way))

    def _told(self, stop: Stop | None, found: Found | None = None) -> Told:
        return Told(
            stop=stop,
            states=len(self._states),
            explored=self._explored,
            depth=self._depth,
            transitions=self._transitions,
            locals=len(self._locals),
            wall_ns=wall_clock.now_ns() - self._wall_ns,
            cpu_ns=wall_clock.cpu_ns() - self._cpu_ns,
            found=found,
        )


def is_dead(bound: Bound, replicas: Sequence[tuple[bool, bool]]) -> bool:
    """Of replicas for which all has arrived, as (has executed, a timer runs): whether they are
    stuck. Where no time-out disturbed them, all must have executed. After one, who lags behind
    somebody is helped by STATUS, which isn't explored: but somebody must have executed, or a timer
    must run. A hostile primary may be silent."""
    if bound.hostile:
        return False
    if not bound.timeouts:
        return not all(executed for executed, _ in replicas)
    return not any(executed or timer for executed, timer in replicas)


def places(names: Sequence[str], who: Mapping[str, str]) -> tuple[int, ...]:
    """Where each of ``names``, in order, comes from under a renaming."""
    new = [who.get(name, name) for name in names]
    return tuple(new.index(name) for name in names)


def _packed(numbers: Iterable[int]) -> int:
    packed = 0
    for number in numbers:
        packed = packed << WIDTH | number
    return packed


def memory_used() -> int:
    """The most that this process had in memory, in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
