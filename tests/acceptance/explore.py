"""Exploring's figures: clean sweeps, planted bugs that are found and shrink, and how quick it is.

``--sample N`` runs N seeds of each strategy and hunts for N planted bugs.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from chainsim.explore.hunt import hunt, shrunk
from chainsim.explore.model import model_of
from chainsim.explore.planting import Planted
from chainsim.explore.runner import executor_for
from scenarios.loader import load
from tests.acceptance.command import CORES, Scale
from tests.acceptance.journal import Journal, Step, Verdict
from tests.acceptance.sweeps import (
    HUNT,
    hunt_steps,
    hunt_verdicts,
    rows_of,
    speed_verdict,
    sweep_steps,
    sweep_verdicts,
)
from tests.mutants import MUTANTS

SEEDS: Final = 10_000
SEEDS_PER_CORE_S: Final = 150
SHRUNK: Final = (2, 8, 18, 23, 25)
"""Planted bugs whose finds are shrunk: counting, view changes, timers, disks, execution."""
FAULTS: Final = 3
SHRINK_S: Final = 60


def steps(scale: Scale) -> list[Step]:
    """Sweeps over the sizes that the base draws, hunts, and shrinks of what those found."""
    hunted = [mutant.number for mutant in rows_of(MUTANTS.values(), scale)]
    shrinks = [
        Step(f"shrink/{number}", partial(_shrink, number)) for number in SHRUNK if number in hunted
    ]
    return [*sweep_steps(SEEDS, scale), *hunt_steps(MUTANTS.values(), scale), *shrinks]


def _shrink(number: int) -> dict[str, Any]:
    """The first find by ``swarm``, made smaller."""
    base = load(MUTANTS[number].base)
    model = model_of(base)
    what = Planted("tests.mutants", number)
    with executor_for(CORES) as executor:
        found = hunt(what, base, model, "swarm", range(HUNT), executor, CORES)
    if found.seed is None:
        return {"check": "", "faults": -1, "wall_s": -1}
    small = shrunk(what, base, model, found, limit_s=2 * SHRINK_S)
    return {
        "check": small.check,
        "faults": small.faults,
        "sizes": list(small.sizes),
        "wall_s": small.wall_s,
        "complete": small.complete,
    }


def verdicts(journal: Journal, scale: Scale) -> list[Verdict]:
    """What issue and harness ask of exploring."""
    mutants = list(MUTANTS.values())
    found = [
        *sweep_verdicts(journal, SEEDS, scale),
        speed_verdict(journal, SEEDS_PER_CORE_S),
        *hunt_verdicts(journal, mutants, scale),
    ]
    for name, small in journal.matching("shrink/").items():
        found.append(
            Verdict(
                f"shrinking a find of {name.partition('/')[2]}",
                f"at most {FAULTS} faults in under {SHRINK_S} s",
                f"{small['faults']} faults in {small['wall_s']} s",
                0 <= small["faults"] <= FAULTS and small["wall_s"] < SHRINK_S,
            )
        )
    return found
