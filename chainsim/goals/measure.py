"""Measurements behind the goals, each of any size: the same for a sample and for the full figures.

A measurement is a plain dict that goes into a journal under its name (see ``readings``). What
takes a process of its own (another interpreter, another PYTHONHASHSEED) is the real command.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import msgspec

from chainsim import wall_clock
from chainsim.bench.catalogue import ENTRIES
from chainsim.bench.runner import measured
from chainsim.checks import CHECKS, ON_REQUEST
from chainsim.cli.group import COMMANDS
from chainsim.explore.chunks import Job
from chainsim.explore.hunt import hunt, shrunk
from chainsim.explore.model import model_of
from chainsim.explore.outcome import run_scenario
from chainsim.explore.passes import size_of
from chainsim.explore.planting import MODULE, Planted, planted
from chainsim.explore.planting import load as load_mutants
from chainsim.explore.runner import executor_for, sweep
from chainsim.explore.strategies import STRATEGIES
from chainsim.goals.overthrow import judged
from scenarios.loader import load, load_text

Result = dict[str, Any]
Step = tuple[str, Callable[[], Result]]
"""A measurement's name, and how it is made."""

ROOT: Final = Path(__file__).parents[2]
BASE: Final = "explore-base"
HUNT: Final = 2_000
"""Seeds of a quick pass after one bug, and of a hunt whose find is shrunk."""
SHRINK_S: Final = 120.0
"""Shrinking is cut off here: twice what the goal allows."""
HASH_SEEDS: Final = {"once": "0", "again": "0", "other-hash-seed": "12345"}
"""The ways to run a seed under one interpreter."""


def clean(strategy: str, first: int, last: int, jobs: int) -> Result:
    """Seeds of correct code: how many, and every alarm."""
    base = load(BASE)
    job = Job(base=base, strategy=strategy, model=model_of(base), further=tuple(ON_REQUEST))
    with executor_for(jobs) as executor:
        found = sweep(job, first, last, executor, jobs=jobs)
    return {
        "runs": found.runs,
        "failures": found.failures,
        "digest": found.digest,
        "alarms": [f"{group.check} at seed {group.seed}" for group in found.findings.groups],
        "checks": [*CHECKS, *ON_REQUEST],
        "wall_s": round(found.wall_ns / 1e9, 1),
        "seeds_per_core_s": found.seeds_per_core_second,
    }


def bench(name: str) -> Result:
    """A row of ``chainsim bench``, in a process of its own."""
    row: Result = msgspec.to_builtins(measured(name))
    return row


def bench_rows() -> list[str]:
    """Rows of the benchmark that a goal asks for, as far as they exist."""
    return [name for name in ENTRIES if name == "explore" or name.startswith("twins")]


def determinism(
    first: int,
    last: int,
    *,
    hash_seed: str = "0",
    python: str = sys.executable,
    jobs: int = 1,
) -> Result:
    """The digest of a chunk of seeds, by the real command in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="chainsim-goals-") as folder:
        printed = _command("explore", BASE, "--seeds", f"{first}:{last}", "--jobs", str(jobs),
                           "--no-shrink", "--json", "--out", folder,
                           python=python, hash_seed=hash_seed)  # fmt: skip
    found = printed["sweeps"][0]
    return {"runs": found["runs"], "digest": found["digest"], "python": version_of(python)}


def _command(*arguments: str, python: str = sys.executable, hash_seed: str = "0") -> Any:
    """The object that a command prints, in a process of its own."""
    done = subprocess.run(
        [python, "-m", "chainsim", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 130:
        raise KeyboardInterrupt
    try:
        return json.loads(done.stdout)
    except ValueError:
        tail = done.stderr[-1000:]
        raise RuntimeError(f"{python} ended with {done.returncode}:\n{tail}") from None


def version_of(python: str) -> str:
    """``3.12``, of an interpreter."""
    if python == sys.executable:
        return f"{sys.version_info.major}.{sys.version_info.minor}"
    asked = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def pythons() -> list[str]:
    """This interpreter, and those of other versions in ``.venv-*`` below the root that have what
    chainsim needs."""
    others = [path.as_posix() for path in sorted(ROOT.glob(".venv-*/bin/python"))]
    return [sys.executable, *others]


def ways() -> dict[str, tuple[str, str]]:
    """How seeds are run for comparison: name -> (interpreter, hash seed)."""
    found = {name: (sys.executable, hash_seed) for name, hash_seed in HASH_SEEDS.items()}
    for python in pythons()[1:]:
        found[f"python-{version_of(python)}"] = (python, "0")
    return found


def forensics(first: int, last: int, jobs: int) -> Result:
    """Seeds of more than f conspirators: forks, and what the judge makes of each."""
    with executor_for(jobs) as executor:
        futures = [executor.submit(judged, seed) for seed in range(first, last)]
        found = [future.result() for future in futures]
    return {
        "seeds": len(found),
        "forks": sum(each.forked for each in found),
        "escaped": [each.seed for each in found if not each.enough],
        "innocents": [each.seed for each in found if each.innocents],
        "refused": [each.seed for each in found if each.refused],
    }


def by_hand() -> dict[int, str]:
    """Scenarios that show a planted bug, written by hand, by its number."""
    table: dict[int, str] = import_module(f"{MODULE}.by_hand").BY_HAND
    return table


def shrinking(number: int, jobs: int, strategy: str = "swarm") -> Result:
    """The first find of a planted bug that breaks what the one by hand breaks, made smaller."""
    mutant = load_mutants()[number]
    base, hand = load(mutant.base), load_text(by_hand()[number])
    model, what = model_of(base), Planted(MODULE, number)
    with planted(what):
        wanted = {found.check for found in run_scenario(hand).found}
    found, check = None, ""
    first = 0
    with executor_for(jobs) as executor:
        while first < HUNT and not check:
            found = hunt(what, base, model, strategy, range(first, HUNT), executor, jobs)
            if found.seed is None:
                break
            first = found.seed + 1
            check = next((name for name in found.violated if name in wanted), "")
    if found is None or not check:
        return {"check": ""}
    found = msgspec.structs.replace(found, check=check, also=())
    small = shrunk(what, base, model, found, limit_s=SHRINK_S)
    return {
        "check": check,
        "seed": found.seed,
        "size": small.sizes[1],
        "before": small.sizes[0],
        "by_hand": size_of(hand),
        "of": len(by_hand()),
        "wall_s": small.wall_s,
    }


def quick_pass(numbers: list[int], jobs: int, strategy: str = "swarm") -> Result:
    """One sweep of the best strategy after each of these bugs: the wall time of it all."""
    mutants = load_mutants()
    start_ns = wall_clock.now_ns()
    found = 0
    with executor_for(jobs) as executor:
        for number in numbers:
            base = load(mutants[number].base)
            what = Planted(MODULE, number)
            model = model_of(base)
            result = hunt(what, base, model, strategy, range(HUNT), executor, jobs)
            found += result.seed is not None
    seconds = wall_clock.seconds_since(start_ns)
    plantable = sum(mutant.apply is not None for mutant in mutants.values())
    return {
        "wall_s": seconds,
        "cores": jobs,
        "found": found,
        "of": len(numbers),
        "planted": plantable,
    }


class Exhaustive(msgspec.Struct, frozen=True):
    """A bound that a goal asks for: of four validators and one request."""

    options: tuple[str, ...]
    faults: str = ""


EXHAUSTIVE: Final[dict[str, Exhaustive]] = {
    "view 0, one equivocator": Exhaustive(
        ("--views", "1"), '[[faults]]\nkind = "byzantine"\nnode = "v0"\nbehaviour = "equivocate"\n'
    ),
    "two views": Exhaustive(("--views", "2", "--timeouts", "1")),
}
"""By the name under which a row shows it."""
FOUR: Final = 'schema = 1\nname = "four"\nduration = "60s"\nvalidators = 4\n'


def exhaustive(name: str, limit: str = "12h") -> Result:
    """A bounded exhaustive search by the real command, no longer than ``limit``."""
    asked = EXHAUSTIVE[name]
    with tempfile.TemporaryDirectory(prefix="chainsim-goals-") as folder:
        path = Path(folder) / "four.toml"
        path.write_text(FOUR + asked.faults, encoding="utf-8")
        found = _command("exhaust", path.as_posix(), *asked.options, "--time", limit, "--json",
                         "--out", folder)  # fmt: skip
    kept = ("bound", "complete", "stop", "states", "states_per_min", "violations")
    return {name: found[name] for name in kept}


def can_exhaust() -> bool:
    """Whether this version has the command."""
    return "exhaust" in COMMANDS


def samples(size: int, jobs: int) -> Iterator[Step]:
    """A little of each measurement: ``size`` seeds of what has seeds."""
    for strategy in STRATEGIES:
        yield f"sweep/{strategy}/0", partial(clean, strategy, 0, size, jobs)
    for name in bench_rows():
        yield f"bench/{name}", partial(bench, name)
    for name, (python, hash_seed) in ways().items():
        yield (
            f"determinism/{name}/0",
            partial(determinism, 0, size, hash_seed=hash_seed, python=python, jobs=jobs),
        )
    yield "forensics/0", partial(forensics, 0, size, jobs)
    yield "shrink/23", partial(shrinking, 23, jobs)
    for name in EXHAUSTIVE if can_exhaust() else ():
        yield f"exhaust/{name}", partial(exhaustive, name, "20s")
