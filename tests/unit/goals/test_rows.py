"""The table of goals: each row can be missing, partly measured, reached and short."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chainsim.explore.bug_table import BugTable, Row, row_of
from chainsim.explore.hunt import Hunt
from chainsim.goals import GOALS, Readings, State, lines_of, read
from chainsim.goals.readings import bug_table
from tests.mutants import MUTANTS

GOAL = {goal.goal: goal for goal in GOALS}
SAFETY, MEDIAN, LIVENESS, QUICK, FULL, CLEAN, SPEED, TWINS, TWICE = list(GOAL)[:9]
SHRINK, EXHAUST, STATES, ACCEPTS, REJECTS, FORENSICS = list(GOAL)[9:]


def state(goal: str, readings: Readings) -> State:
    return GOAL[goal].read(readings).state


def a_sweep(runs: int, *alarms: str, checks: tuple[str, ...] = ("specification",)) -> Any:
    return {"runs": runs, "alarms": list(alarms), "checks": list(checks)}


def a_chunk(digest: str, python: str, runs: int = 10_000) -> Any:
    return {"runs": runs, "digest": digest, "python": python}


def some_forks(**changes: Any) -> Any:
    nothing: dict[str, Any] = {"innocents": [], "escaped": [], "refused": []}
    return {"seeds": 10_000, "forks": 7_000, **nothing, **changes}


def a_search(**changes: Any) -> Any:
    found = {"complete": True, "states": 10_000, "violations": 0, "states_per_min": 60_000}
    return {**found, **changes}


def explored(per_s: float, deliveries: int) -> Any:
    return {"name": "explore", "per_s": per_s, "detail": {"median_deliveries": deliveries}}


ALL = {f"determinism/{v}/0": a_chunk("a", v) for v in ("3.11", "3.12", "3.13", "3.14")}
SMALL = {"size": 9, "by_hand": 7, "wall_s": 10.0, "of": 1}
PASS = {"wall_s": 600, "cores": 2, "found": 1, "of": 9, "planted": 9}

CASES: list[tuple[str, State, dict[str, Any]]] = [
    (CLEAN, State.REACHED, {"sweep/random/0": a_sweep(60_000), "sweep/swarm/0": a_sweep(40_000)}),
    (CLEAN, State.PARTLY, {"sweep/random/0": a_sweep(99_999)}),
    (CLEAN, State.SHORT, {"sweep/random/0": a_sweep(100_000, "liveness at seed 3")}),
    (ACCEPTS, State.REACHED, {"sweep/random/0": a_sweep(100_000, "liveness at seed 3")}),
    (ACCEPTS, State.PARTLY, {"sweep/random/0": a_sweep(5)}),
    (ACCEPTS, State.SHORT, {"sweep/random/0": a_sweep(5, "specification at seed 3")}),
    (ACCEPTS, State.MISSING, {"sweep/random/0": a_sweep(5, checks=("agreement",))}),
    (SPEED, State.REACHED, {"bench/explore": explored(300.0, 400)}),
    (SPEED, State.SHORT, {"bench/explore": explored(299.0, 400)}),
    (SPEED, State.SHORT, {"bench": {"rows": [explored(900.0, 399)]}}),
    (TWINS, State.REACHED, {"bench/twins": {"name": "twins", "per_s": 1_000.0, "unit": "s"}}),
    (TWINS, State.SHORT, {"bench/twins": {"name": "twins", "per_s": 999.0, "unit": "s"}}),
    (TWICE, State.REACHED, ALL),
    (TWICE, State.PARTLY, {n: r for n, r in ALL.items() if "3.14" not in n}),
    (TWICE, State.PARTLY, {n: a_chunk("a", r["python"], 500) for n, r in ALL.items()}),
    (TWICE, State.SHORT, {**ALL, "determinism/again/0": a_chunk("b", "3.11")}),
    (TWICE, State.MISSING, {"determinism/once/0": a_chunk("a", "3.11")}),
    (SHRINK, State.REACHED, {"shrink/23": SMALL}),
    (SHRINK, State.SHORT, {"shrink/23": {**SMALL, "size": 11}}),
    (SHRINK, State.SHORT, {"shrink/23": {**SMALL, "wall_s": 61.0}}),
    (SHRINK, State.PARTLY, {"shrink/23": {**SMALL, "of": 2}}),
    (SHRINK, State.MISSING, {"shrink/23": {"check": ""}}),
    (EXHAUST, State.REACHED, {"exhaust/view-0": a_search()}),
    (EXHAUST, State.PARTLY, {"exhaust/view-0": a_search(complete=False)}),
    (EXHAUST, State.SHORT, {"exhaust/view-0": a_search(violations=1)}),
    (STATES, State.REACHED, {"exhaust/view-0": a_search()}),
    (STATES, State.MISSING, {"exhaust/view-0": a_search(states=42)}),
    (STATES, State.SHORT, {"exhaust/view-0": a_search(states_per_min=49_999)}),
    (FORENSICS, State.REACHED, {"forensics/0": some_forks()}),
    (FORENSICS, State.PARTLY, {"forensics/0": some_forks(seeds=9)}),
    (FORENSICS, State.SHORT, {"forensics/0": some_forks(innocents=[4])}),
    (FORENSICS, State.SHORT, {"forensics/0": some_forks(escaped=[4])}),
    (FORENSICS, State.SHORT, {"forensics/0": some_forks(refused=[4])}),
    (QUICK, State.REACHED, {"mutants/quick": PASS}),
    (QUICK, State.SHORT, {"mutants/quick": {**PASS, "wall_s": 601}}),
    (QUICK, State.PARTLY, {"mutants/quick": {**PASS, "cores": 1}}),
    (QUICK, State.PARTLY, {"mutants/quick": {**PASS, "of": 8}}),
]


@pytest.mark.parametrize(("goal", "wanted", "results"), CASES)
def test_a_row_says_what_was_measured(goal: str, wanted: State, results: dict[str, Any]) -> None:
    assert state(goal, Readings(results)) is wanted


def test_without_measurements_nothing_is_claimed() -> None:
    assert {line.state for line in lines_of(Readings())} == {"not measured"}
    assert all(line.got == "" and line.how for line in lines_of(Readings()))


def test_every_measured_goal_is_tested_as_reached_and_as_short() -> None:
    for wanted in (State.REACHED, State.SHORT):
        tested = {goal for goal, found, _ in CASES if found is wanted}
        of_table = {SAFETY, MEDIAN, LIVENESS, FULL, REJECTS}
        assert tested | of_table == set(GOAL)


# -- the table of planted bugs -----------------------------------------------------------


def hunted(
    strategy: str, sweep: int, runs: int, *violated: str, refused: str | None = "rule 4"
) -> Hunt:
    return Hunt(
        strategy=strategy,
        sweep=sweep,
        runs=runs,
        seed=runs if violated else None,
        check=violated[0] if violated else "",
        also=violated[1:],
        specification=None if not violated else refused,
    )


def a_table(*, seeds: int = 10_000, sweeps: int = 5, **rows: list[Hunt]) -> BugTable:
    """Every bug is found by ``swarm`` after 100 seeds, but for ``bug_N``."""
    made: list[Row] = []
    for number, mutant in MUTANTS.items():
        usual = [
            hunted(strategy, sweep, 100, "agreement", "one-prepared-digest")
            for strategy in ("random", "swarm")
            for sweep in range(sweeps)
        ]
        made.append(row_of(mutant, rows.get(f"bug_{number}", usual)))
    return BugTable(
        module="m",
        version="0",
        commits=(),
        strategies=("random", "swarm"),
        sweeps=sweeps,
        seeds=seeds,
        mutants=tuple(made),
    )


ACCEPTED = [hunted("swarm", 0, 9, "agreement", refused="")] * 10
NOT = [hunted(strategy, sweep, 10_000) for strategy in ("random", "swarm") for sweep in range(5)]


@pytest.mark.parametrize(
    ("goal", "wanted", "table"),
    [
        (SAFETY, State.REACHED, a_table()),
        (SAFETY, State.SHORT, a_table(bug_9=NOT)),
        (SAFETY, State.REACHED, a_table(bug_19=NOT)),  # breaks liveness
        (SAFETY, State.PARTLY, a_table(seeds=500, bug_9=[hunted("swarm", 0, 500)])),
        (LIVENESS, State.REACHED, a_table(bug_19=NOT)),
        (LIVENESS, State.SHORT, a_table(bug_19=NOT, bug_13=NOT)),
        (MEDIAN, State.REACHED, a_table(bug_9=NOT)),
        (MEDIAN, State.PARTLY, a_table(sweeps=4)),
        (
            MEDIAN,
            State.SHORT,
            a_table(**{f"bug_{n}": [hunted("swarm", 0, 201, "x")] for n in MUTANTS}),
        ),
        (FULL, State.REACHED, a_table()),
        (FULL, State.PARTLY, a_table(sweeps=4)),
        (FULL, State.PARTLY, a_table(bug_2=[])),
        (REJECTS, State.REACHED, a_table()),
        (REJECTS, State.SHORT, a_table(**{f"bug_{n}": ACCEPTED for n in range(1, 6)})),
    ],
)  # fmt: skip
def test_rows_of_the_table_of_bugs(goal: str, wanted: State, table: BugTable) -> None:
    assert state(goal, Readings({}, table)) is wanted


def test_a_specification_that_nobody_asked_rejects_nothing() -> None:
    unasked = [hunted("swarm", 0, 9, "agreement", refused=None)]
    blind = a_table(**{f"bug_{n}": unasked for n in MUTANTS})
    assert state(REJECTS, Readings({}, blind)) is State.MISSING


# -- journals ----------------------------------------------------------------------------


def test_journals_are_read_without_samples_and_cut_lines(tmp_path: Path) -> None:
    whole = json.dumps(["sweep/random/0", a_sweep(7)])
    (tmp_path / "harness.jsonl").write_text(whole + '\n["sweep/random/500", {"ru')
    sample = json.dumps(["sweep/random/500", a_sweep(3)])
    (tmp_path / "harness-sample-3.jsonl").write_text(sample + "\n")
    readings = read(tmp_path, tmp_path / "none.json")
    assert len(readings) == 1
    assert "sweep/random/0" in readings
    assert readings.bugs is None
    assert len(read(tmp_path, tmp_path / "none.json", samples=True)) == 2
    assert len(read(tmp_path / "nowhere", tmp_path / "none.json")) == 0


def test_what_is_no_table_is_none(tmp_path: Path) -> None:
    path = tmp_path / "bugs.json"
    path.write_text("[]")
    assert bug_table(path) is None
