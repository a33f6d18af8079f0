"""What every fault has: whom it hits, when it acts, and what it asks of the world.

A fault file holds one struct: its fields are the schema of the scenario's ``[[faults]]`` table
(``kind`` is the tag), and ``primitives()`` is a pure function to what the world interprets.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from scenarios.faults.primitives import EVERYBODY, Primitive
from scenarios.units import Duration

Selector = Annotated[
    str,
    msgspec.Meta(
        pattern="^([a-z0-9]+([.-][a-z0-9]+)*|random:(f|[1-9][0-9]*)|(role|city):[a-z-]+)$",
        max_length=80,
        description="an id, primary, random:f, random:1, role:exchange or city:karachi",
    ),
]
"""Picks nodes at the moment when the fault begins: a node's id; ``primary``, of the highest
active view; ``random:f`` or ``random:N`` validators; all of a role; all of a city."""

Whole = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


class When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The moment when a trace event happens for the ``count``-th time; left-out fields match all.

    ``event``: pre-prepare-accepted, prepared, committed, executed, checkpoint-stable,
    view-change-started, new-view-entered, epoch-entered, timer-fired, persisted, or height (the
    first execution at or above ``sequence``). ``view`` and ``sequence`` don't apply to
    timer-fired and persisted.
    """

    event: Annotated[
        str,
        msgspec.Meta(
            pattern="^(pre-prepare-accepted|prepared|committed|executed|checkpoint-stable"
            "|view-change-started|new-view-entered|epoch-entered|timer-fired|persisted|height)$"
        ),
    ]
    node: Selector | None = None
    view: Whole | None = None
    sequence: Whole | None = None
    count: Annotated[int, msgspec.Meta(ge=1, le=10**9)] = 1


class Fault(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    rename={"for_": "for", "from_": "from"},
):
    """Base of all faults: when it acts.

    It begins ``at`` a virtual time or ``when`` something happens, and ends after ``for`` or at
    ``until``, or never. With ``every`` it begins again at that interval, each time for ``for``,
    and no longer begins from ``until`` on.
    """

    at: Duration | None = None
    """When it begins, in virtual time."""
    for_: Duration | None = None
    """How long it lasts (each time)."""
    until: Duration | None = None
    """When it ends, in virtual time; with ``every``: from when on it no longer begins."""
    every: Duration | None = None
    """From one beginning to the next."""
    when: When | None = None
    """Begins when this happens, instead of ``at`` a time."""

    ALWAYS_BY_DEFAULT: ClassVar[bool] = False
    """With neither ``at`` nor ``when`` it begins with the run."""
    ENDS_THEN: ClassVar[bool] = False
    """It begins with the run, and ``at`` or ``when`` say when it ends."""

    def __post_init__(self) -> None:
        if self.at is not None and self.when is not None:
            raise ValueError("wanted either at or when")
        if self.at is None and self.when is None and not self.ALWAYS_BY_DEFAULT:
            raise ValueError("wanted either at or when")
        if self.every is not None:
            self._check_every()
        elif self.for_ is not None and self.until is not None:
            raise ValueError("wanted for or until, not both (unless with every)")
        if self.at is not None and self.until is not None and self.until <= self.at:
            raise ValueError("until must be later than at")
        if self.for_ == 0:
            raise ValueError("for must be above zero")
        self.check()

    def _check_every(self) -> None:
        if self.at is None:
            raise ValueError("every goes with at, not with when")
        if not self.every:
            raise ValueError("every must be above zero")
        if self.length_us() is None:
            raise ValueError("every needs for: how long it lasts each time")
        if (self.length_us() or 0) >= self.every:
            raise ValueError("for must be shorter than every")

    def begins_us(self) -> int | None:
        """When it begins for the first time; None: when something happens."""
        if self.ENDS_THEN or (self.at is None and self.when is None):
            return 0
        return self.at

    def length_us(self) -> int | None:
        """How long it lasts each time; None: to its ``until``, or for ever."""
        return self.for_

    def makes_hostile(self) -> bool:
        """Whether PBFT.md's fault budget counts those whom it hits as hostile: they lie, or
        lose what they acknowledged."""
        return False

    def check(self) -> None:
        """What must hold among this fault's own fields. Raises ``ValueError``."""

    def selectors(self) -> tuple[str, ...]:
        """The node selectors that it names, for cross-checks against the cast."""
        raise NotImplementedError

    def primitives(self) -> tuple[Primitive, ...]:
        """What the world is to do while the fault is active. Pure."""
        raise NotImplementedError


class NodeFault(Fault, frozen=True, kw_only=True):
    """Base of faults that hit single nodes: ``node`` names one, ``nodes`` several."""

    node: Selector | None = None
    """Whom it hits."""
    nodes: tuple[Selector, ...] = ()
    """All whom it hits."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.node is None) == (not self.nodes):
            raise ValueError("wanted either node or nodes")

    def selectors(self) -> tuple[str, ...]:
        return self.nodes if self.node is None else (self.node,)


Ends = str | tuple[str, ...]
"""One selector or several. Without the pattern of ``Selector``: msgspec 0.22 crashes when two
fields share a union of constrained strings."""


class LineFault(Fault, frozen=True, kw_only=True):
    """Base of faults that hit the lines ``from`` some nodes ``to`` others, in that direction.

    Left out, ``from`` or ``to`` means everybody else.
    """

    from_: Ends = ()
    """Who hands a message over (of what is relayed: the relay)."""
    to: Ends = ()
    """Whom it is for."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.from_ and not self.to and not self._may_be_everywhere():
            raise ValueError("wanted from, to or both")

    def _may_be_everywhere(self) -> bool:
        return False

    def selectors(self) -> tuple[str, ...]:
        return (*several(self.from_), *several(self.to))

    def sources(self) -> tuple[str, ...]:
        """Selectors of the sending side."""
        return several(self.from_) or (EVERYBODY,)

    def targets(self) -> tuple[str, ...]:
        """Selectors of the receiving side."""
        return several(self.to) or (EVERYBODY,)


def several(ends: Ends) -> tuple[str, ...]:
    """One selector or several, as a tuple."""
    return (ends,) if isinstance(ends, str) else ends
