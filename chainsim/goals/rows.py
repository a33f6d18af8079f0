"""The table of goals. Each row reads the readings and says: reached, short, partly, or missing.

*Partly* is a measurement that holds and is smaller than the goal asks for (a sample, or an
unfinished run); *missing* is none at all. Neither counts as reached.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainsim.goals import bugs, runs
from chainsim.goals.readings import Readings
from chainsim.goals.said import Reader


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """One figure that must be reached."""

    area: str
    goal: str
    read: Reader
    how: str
    """The command that measures it."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A goal beside its reading."""

    area: str
    goal: str
    state: str
    got: str
    how: str


HARNESS: Final = "make acceptance AREA=harness"
TABLE: Final = "chainsim mutants --full --jobs 2 --save docs/mutants.json"

GOALS: Final[tuple[Goal, ...]] = (
    Goal(
        area="planted bugs",
        goal=f"every safety bug within {bugs.WITHIN:,} seeds",
        read=bugs.safety,
        how=TABLE,
    ),
    Goal(
        area="planted bugs",
        goal=f"median of the medians at most {bugs.MEDIAN}",
        read=bugs.medians,
        how=TABLE,
    ),
    Goal(
        area="planted bugs",
        goal="all liveness bugs but one",
        read=bugs.liveness,
        how=TABLE,
    ),
    Goal(
        area="planted bugs",
        goal=f"a quick pass in at most {bugs.QUICK_S // 60} min on {bugs.CORES} cores",
        read=bugs.quick,
        how=HARNESS,
    ),
    Goal(
        area="planted bugs",
        goal=f"a full table: strategies x {bugs.SWEEPS} sweeps",
        read=bugs.full,
        how=TABLE,
    ),
    Goal(
        area="correct code",
        goal=f"no alarm in {runs.CLEAN:,} seeds of all strategies",
        read=runs.clean,
        how=HARNESS,
    ),
    Goal(
        area="speed",
        goal=f"at least {runs.SEEDS_PER_CORE_S} seeds/s/core, "
        f"median at least {runs.DELIVERIES} deliveries",
        read=runs.seeds_per_s,
        how="chainsim bench",
    ),
    Goal(
        area="speed",
        goal=f"Twins: at least {runs.SCHEDULES_PER_CORE_S:,} schedules/s/core",
        read=runs.schedules_per_s,
        how="chainsim bench",
    ),
    Goal(
        area="determinism",
        goal=f"{runs.TWICE:,} seeds twice, another hash seed, "
        f"Python {runs.PYTHONS[0]} to {runs.PYTHONS[-1]}",
        read=runs.determinism,
        how=HARNESS,
    ),
    Goal(
        area="shrinking",
        goal=f"within {runs.BY_HAND} times the scenario by hand, at most {runs.SHRINK_S} s",
        read=runs.shrinking,
        how=HARNESS,
    ),
    Goal(
        area="exhaustive",
        goal="n = 4, 1 request: view 0 with an equivocator; two views",
        read=runs.exhaustive,
        how=HARNESS,
    ),
    Goal(
        area="exhaustive",
        goal=f"at least {runs.STATES_PER_MIN:,} states/min/core",
        read=runs.states_per_min,
        how=HARNESS,
    ),
    Goal(
        area="specification",
        goal=f"accepts every trace of {runs.CLEAN:,} seeds",
        read=runs.accepted,
        how=HARNESS,
    ),
    Goal(
        area="specification",
        goal=f"rejects at least {bugs.REJECTED:.0%} of the bugs' failing runs",
        read=bugs.rejected,
        how=TABLE,
    ),
    Goal(
        area="forensics",
        goal=f"f+1 culprits in every fork, no innocent, {runs.FORKS:,} seeds",
        read=runs.forensics,
        how=HARNESS,
    ),
)
"""In the order in which they are printed."""


def lines_of(readings: Readings) -> tuple[Line, ...]:
    """Each goal beside its reading."""
    found = [(goal, goal.read(readings)) for goal in GOALS]
    return tuple(
        Line(area=g.area, goal=g.goal, state=s.state.value, got=s.got, how=g.how) for g, s in found
    )
