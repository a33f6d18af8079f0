"""Everything that a replica holds in tables, by name, and how much each may ever hold (rule 32).

``held`` looks at the objects themselves, so a table that nobody thought of is found: the tests
want a limit for each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from sortedcontainers import SortedDict, SortedList

from consensus.pbft.catch_up import BATCHES_AHEAD
from consensus.pbft.core import REPORTS_KEPT, Core
from consensus.pbft.future import MESSAGES_PER_SLOT, WINDOWS_KEPT
from consensus.pbft.requests import FORWARDS_KEPT
from consensus.pbft.state_transfer import ANSWERS_PER_INTERVAL, PIECES_PER_SOURCE
from nodes.mempool import PROPOSED_LIMIT, TOTAL_LIMIT

CONTAINERS = (dict, list, set, deque, tuple, SortedDict, SortedList)


def rooms(core: Core) -> dict[str, Any]:
    """The objects that hold a replica's state, by name."""
    found = {
        name: value
        for name, value in vars(core).items()
        if type(value).__module__.startswith("consensus.pbft")
    }
    found["future"] = core.normal.future
    found["answers"] = core.entrance._answers
    found["pieces"] = core.transfer._answers
    return {"core": core, **found, "pool": core.pool}


def held(core: Core) -> dict[str, int]:
    """Table -> how many entries it holds, of nested tables the innermost."""
    sizes = {}
    for room, owner in rooms(core).items():
        for name, value in vars(owner).items():
            if isinstance(value, CONTAINERS):
                sizes[f"{room}.{name.lstrip('_')}"] = entries(value)
    return sizes


def entries(table: Any) -> int:
    """Leaves of nested dicts and sets; messages and certificates are one each."""
    if isinstance(table, dict):
        return sum(
            entries(value) if isinstance(value, dict | set) else 1 for value in table.values()
        )
    return len(table)


Limit = Callable[[Core], int]
"""The most entries, from what is configured and from what was executed."""


def n(core: Core) -> int:
    """Members."""
    return core.committee.n


def window(core: Core) -> int:
    """L."""
    return core.parameters.window


def boundaries(core: Core) -> int:
    """Checkpoints in a window, and those that own execution took beyond it: no peer's doing."""
    beyond = max(0, core.executed - core.high)
    return (window(core) + beyond) // core.parameters.checkpoint_interval


LIMITS: dict[str, Limit] = {
    "core.slots": window,
    "core.reported": lambda c: n(c) * REPORTS_KEPT,
    "core.out": lambda c: 1_000_000,  # made anew for each event
    "guard.signed": lambda c: 3 * window(c) + 2 + boundaries(c),
    "requests.forwarded": lambda c: FORWARDS_KEPT,
    "normal.held": window,
    "future.kept": lambda c: n(c) * MESSAGES_PER_SLOT * WINDOWS_KEPT * window(c),
    "checkpoints.votes": lambda c: n(c) * boundaries(c),
    "checkpoints.ahead": n,
    "checkpoints.own": boundaries,
    "checkpoints.states": boundaries,
    "checkpoints.pending": n,
    "views.received": n,
    "entrance.proofs": n,
    "entrance.entries": n,
    "answers.given": lambda c: 2 * n(c) * (n(c) + window(c)),
    "catch_up.previous": lambda c: 2 * n(c),
    "catch_up.heard_us": lambda c: 2 * n(c),
    "catch_up.caught": lambda c: BATCHES_AHEAD,
    "catch_up.attempts": n,
    "transfer.asked": lambda c: PIECES_PER_SOURCE * n(c) * n(c),
    "transfer.refused": n,
    "transfer.without": n,
    "pieces.given": lambda c: 2 * n(c) * ANSWERS_PER_INTERVAL,
    "timeouts.deadlines": lambda c: TOTAL_LIMIT,
    "membership.early": lambda c: n(c) * MESSAGES_PER_SLOT * window(c),
    "pool.queues": lambda c: TOTAL_LIMIT,
    "pool.ready": lambda c: TOTAL_LIMIT,
    "pool.digests": lambda c: TOTAL_LIMIT,
    "pool.proposed": lambda c: PROPOSED_LIMIT,
    "pool.oldest": lambda c: TOTAL_LIMIT,
}
"""The most that each table holds, whatever is sent."""

FIXED = frozenset(
    {
        "core.others",
        "core.keys",
        "core.own_keys",
        "core.observers",
        "guard.view",
        "catch_up.progress",
    }
)
"""Of one size, or of the committee's."""


def over(core: Core) -> list[str]:
    """Tables that hold more than they may, and tables without a limit."""
    found = []
    for name, size in held(core).items():
        if name in FIXED:
            continue
        if name not in LIMITS:
            found.append(f"{name} has no limit")
        elif size > LIMITS[name](core):
            found.append(f"{name} holds {size}")
    return found
