"""``coverage``: what reached new protocol states is kept, and changed a little, to go further.

Seeds go by generations of a fixed size. The first one is drawn as ``swarm`` draws. Whatever a
generation found is merged in order of seeds before the next one begins, so a sweep comes to the
same whatever the jobs, and whatever was interrupted; but seed i is another run in a sweep that
begins elsewhere, and a find keeps its scenario. What a state is: ``states``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from chainsim.explore.model import FaultModel
from chainsim.explore.mutating import mutated
from scenarios.rng import Stream
from scenarios.schema import Scenario

COVERAGE: Final = "coverage"
GENERATION: Final = 128
"""Seeds; a multiple of a chunk's, and on fixed boundaries like them."""
KEPT: Final = 256
"""Scenarios that are kept: of more, those that found the fewest new states go."""
FRESH: Final = 250_000
"""The chance (ppm) that a seed is drawn anew although there is something to change."""
RESEEDED: Final = 250_000
"""The chance (ppm) that a changed scenario also gets a seed, and so a network, of its own."""

Parents = tuple[Scenario, ...]
"""The one to change and one to take faults from; none: to be drawn anew."""


def guided(model: FaultModel, seed: int, parents: Parents) -> Scenario:
    """The scenario of one seed that has parents. Pure."""
    scenario, donor = parents
    stream = Stream(seed, "explore/coverage/change")
    scenario = mutated(scenario, donor, model, stream)
    if stream.chance(RESEEDED):
        scenario = msgspec.structs.replace(scenario, seed=seed)
    return scenario


class Entry(msgspec.Struct, frozen=True):
    """A scenario that was the first to reach some states."""

    seed: int
    """Of the sweep; says nothing without the sweep."""
    fresh: int
    """How many states."""
    scenario: Scenario


class Corpus:
    """What a sweep has learned so far: merged chunk by chunk, in order of seeds."""

    def __init__(self, first: int) -> None:
        self._first: Final = first // GENERATION
        self._next = first
        """The first seed that isn't merged."""
        self._known: set[int] = set()
        self._entries: list[Entry] = []
        self._ready: tuple[Entry, ...] = ()
        """The entries of whole generations."""
        self._generation = self._first

    @property
    def states(self) -> int:
        """Different states reached so far."""
        return len(self._known)

    @property
    def kept(self) -> int:
        """Scenarios that later seeds may change."""
        return len(self._entries)

    def may_begin(self, first: int) -> bool:
        """Whether all that a chunk from ``first`` builds on is merged."""
        return first // GENERATION <= self._next // GENERATION

    def parents(self, first: int, count: int) -> tuple[Parents, ...]:
        """For each seed of a chunk, which must be one that may begin."""
        assert self.may_begin(first)
        self._advance(first)
        return tuple(self._parents(seed) for seed in range(first, first + count))

    def _parents(self, seed: int) -> Parents:
        stream = Stream(seed, "explore/coverage/parents")
        if not self._ready or stream.chance(FRESH):
            return ()
        two = [stream.pick(self._ready) for _ in range(2)]
        two.sort(key=lambda entry: -entry.fresh)
        return two[0].scenario, two[1].scenario

    def merge(
        self, first: int, states: Sequence[Sequence[int]], scenario_of: Callable[[int], Scenario]
    ) -> None:
        """What the next seeds reached; the scenario of those that went somewhere new is asked
        for."""
        assert first == self._next
        for seed, reached in enumerate(states, first):
            fresh = [state for state in reached if state not in self._known]
            if fresh:
                self._known.update(fresh)
                self._entries.append(Entry(seed, len(fresh), scenario_of(seed)))
        self._next = first + len(states)

    def _advance(self, first: int) -> None:
        """The generation of ``first`` begins, if it hasn't."""
        if first // GENERATION == self._generation:
            return
        self._generation = first // GENERATION
        if len(self._entries) > KEPT:
            ranked = sorted(self._entries, key=lambda entry: (-entry.fresh, entry.seed))
            self._entries = sorted(ranked[:KEPT], key=lambda entry: entry.seed)
        self._ready = tuple(self._entries)
