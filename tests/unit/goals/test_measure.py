"""What the goals are measured by: small samples of it, and that a wrong one is seen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from chainsim.goals import Readings, State, measure, overthrow
from chainsim.goals.rows import GOALS
from consensus.forensics import Findings
from consensus.types import max_faulty
from scenarios.loader import load
from tests.unit.cli.conftest import Chainsim

FORENSICS = next(goal for goal in GOALS if goal.area == "forensics")
TWICE = next(goal for goal in GOALS if goal.area == "determinism")


def test_forks_convict_enough_and_nobody_else() -> None:
    found = measure.forensics(0, 12, jobs=1)
    assert found["seeds"] == 12
    assert found["forks"] >= 4
    assert FORENSICS.read(Readings({"forensics/0": found})).state is State.PARTLY


def test_each_size_and_both_attacks_are_drawn() -> None:
    scenarios = [overthrow.overthrow(seed) for seed in range(40)]
    assert {len(s.validators) for s in scenarios} == set(overthrow.SIZES)
    kinds = [{type(f).__struct_config__.tag for f in s.faults} for s in scenarios]
    assert any("byzantine" in each for each in kinds)
    assert any("lost-fsync" in each for each in kinds)
    for scenario, found in zip(scenarios, kinds, strict=True):
        f = max_faulty(len(scenario.validators))
        liars = {n for fault in scenario.faults if fault.makes_hostile() for n in fault.selectors()}
        assert len(liars) > f, found


def a_fork() -> int:
    return next(seed for seed in range(40) if overthrow.judged(seed).forked)


@pytest.mark.parametrize("wrong", ["innocents", "escaped", "refused"])
def test_forensics_that_err_are_seen(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = a_fork()
    investigate = overthrow.investigate_scenario

    def erring(scenario: object) -> object:
        found, digest = investigate(scenario)  # type: ignore[arg-type]
        culprits = {"innocents": (*found.findings.culprits, found.honest[0])}.get(wrong, ())
        findings = _Claims(found.findings, culprits)
        return _Swapped(found, findings), digest

    if wrong == "refused":
        monkeypatch.setattr(overthrow, "judge", lambda *_: _Refused())
    else:
        monkeypatch.setattr(overthrow, "investigate_scenario", erring)
    found = measure.forensics(seed, seed + 1, jobs=1)
    assert found[wrong] == [seed]
    assert FORENSICS.read(Readings({"forensics/0": found})).state is State.SHORT


class _Refused:
    holds = False


class _Claims:
    """Findings that name other culprits."""

    def __init__(self, real: Findings, culprits: tuple[str, ...]) -> None:
        self.forks, self.proofs, self.culprits = real.forks, real.proofs, culprits


class _Swapped:
    def __init__(self, real: object, findings: _Claims) -> None:
        self._real, self.findings = real, findings

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


def test_seeds_run_alike_whatever_the_hash_seed() -> None:
    once = measure.determinism(0, 3, hash_seed="0")
    again = measure.determinism(0, 3, hash_seed="77")
    assert once == again
    assert once["runs"] == 3
    other = measure.determinism(3, 6)
    assert other["digest"] != once["digest"]
    readings = Readings({"determinism/once/0": once, "determinism/again/0": other})
    assert TWICE.read(readings).state is State.SHORT


def test_a_sample_has_something_of_each() -> None:
    names = {name.partition("/")[0] for name, _ in measure.samples(4, 1)}
    assert names == {"sweep", "bench", "determinism", "forensics", "shrink", "exhaust"}


def test_correct_code_is_clean_and_says_with_which_checks() -> None:
    found = measure.clean("swarm", 0, 3, jobs=1)
    assert (found["runs"], found["alarms"]) == (3, [])
    assert "agreement" in found["checks"]


# -- the command -------------------------------------------------------------------------


def test_goals_without_readings_are_one_and_say_how(chainsim: Chainsim, tmp_path: Path) -> None:
    empty = tmp_path / "none"
    empty.mkdir()
    (tmp_path / "bugs.json").write_text("{}")
    asked = ("goals", "--journals", str(empty), "--bugs", str(tmp_path / "bugs.json"))
    done = chainsim(*asked, COLUMNS="200")
    assert done.returncode == 1
    assert f"0 of {len(GOALS)} goals reached, {len(GOALS)} not measured" in done.stdout
    assert "make acceptance AREA=harness" in done.stdout
    lines = json.loads(chainsim(*asked, "--json").stdout)["goals"]
    assert [line["goal"] for line in lines] == [goal.goal for goal in GOALS]


def test_what_falls_short_is_said(chainsim: Chainsim, tmp_path: Path) -> None:
    journal = ["forensics/0", {"seeds": 1, "forks": 1, "escaped": [7], "innocents": [],
                               "refused": []}]  # fmt: skip
    (tmp_path / "harness.jsonl").write_text(json.dumps(journal))
    done = chainsim("goals", "--journals", str(tmp_path), COLUMNS="200")
    assert "too few at 7" in done.stdout
    assert "  short: forensics: f+1 culprits in every fork" in done.stdout


def test_wrong_folders_are_two(chainsim: Chainsim) -> None:
    assert chainsim("goals", "--journals", "nowhere").returncode == 2
    assert chainsim("goals", "--bugs", "nowhere.json").returncode == 2


def test_exhaustive_searches_are_asked_for_as_the_goals_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Four validators and one request; of a scenario that loads."""
    asked: list[tuple[str, ...]] = []

    def command(*arguments: str) -> dict[str, object]:
        scenario = load(arguments[1])
        asked.append(arguments[2:4])
        assert len(scenario.validators) == 4
        kept = ("bound", "complete", "stop", "states", "states_per_min", "violations")
        return dict.fromkeys((*kept, "depth"), 1)

    monkeypatch.setattr(measure, "_command", command)
    found = {name: measure.exhaustive(name, "1s") for name in measure.EXHAUSTIVE}
    assert asked == [("--views", "1"), ("--views", "2")]
    assert all(set(result) >= {"complete", "states", "violations"} for result in found.values())
    assert all("depth" not in result for result in found.values())


def test_an_equivocator_alone_breaks_nothing_in_its_view() -> None:
    """The smaller of the two searches, by the real command."""
    found = measure.exhaustive("view 0, one equivocator", "60s")
    assert (found["complete"], found["violations"]) == (True, 0)
    assert found["states"] > 10
