"""``make scenarios``: what it prints and ends with, how it resumes, and what it forgets."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from chainsim.explore.runner import Here
from scenarios import loader
from tests.acceptance import scenarios
from tests.acceptance.command import Scale
from tests.acceptance.journal import Journal
from tests.acceptance.scenarios import Outcome, Row, complaints, play

GOOD: dict[str, Any] = {
    "exit_code": 0,
    "digest": "ab",
    "wall_ms": 1200,
    "height": 9,
    "view_changes": 1,
    "why": [],
    "missed": [],
    "violated": [],
}
BAD = {**GOOD, "exit_code": 4, "why": ["liveness: stuck"], "wall_ms": 9000}


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, int]]:
    """What was run: everything is good but seed 2 of ``primary-crash``."""
    calls: list[tuple[str, int]] = []

    def pretend(name: str, seed: int, settings: tuple[str, ...] = ()) -> dict[str, Any]:
        calls.append((name, seed))
        return BAD if (name, seed) == ("primary-crash", 2) else GOOD

    monkeypatch.setattr(scenarios, "play", pretend)
    monkeypatch.setattr(scenarios, "executor_for", lambda jobs: Here())
    monkeypatch.setattr(scenarios, "JOURNALS", tmp_path)
    return calls


def test_a_real_run_tells_what_came_of_it() -> None:
    good = play("quick", 3, scenarios.FAST)
    assert (good["exit_code"], good["why"], good["missed"]) == (0, [], [])
    assert good["height"] > 30
    assert good["wall_ms"] > 0
    assert good["digest"] != play("quick", 4, scenarios.FAST)["digest"]
    bad = play("quick", 3, (*scenarios.FAST, "expect.min_height=999", 'expect.sometimes=["crash"]'))
    assert bad["exit_code"] == 1
    assert "min_height: wanted at least 999" in bad["why"][-2]
    assert len(bad["missed"]) == 1


def test_a_bug_of_ours_is_that_seeds_result_and_no_end_to_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(scenarios, "build", broken)
    outcome = play("quick", 1)
    assert (outcome["exit_code"], outcome["why"]) == (70, ["ZeroDivisionError: by zero"])


def test_all_seeds_run_once_and_a_failure_is_told(
    played: list[tuple[str, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = ["quick", "primary-crash", "--seeds", "3"]
    assert scenarios.main(wanted) == 1
    assert sorted(played) == [(n, s) for n in ("primary-crash", "quick") for s in (1, 2, 3)]
    text = capsys.readouterr().out
    rows = {line.split()[0]: line.split() for line in text.splitlines()[:3]}
    assert rows["quick"][1:4] == ["3", "3", "0"]
    assert rows["primary-crash"][1:7] == ["3", "2", "1", "1.2", "/", "9.0"]
    assert "primary-crash fails with 1 of 3 seeds: 2" in text
    assert "chainsim run primary-crash --seed 2" in text
    assert "liveness: stuck" in text
    # What is done isn't done again, and a further seed is all that is run of a longer sweep.
    played.clear()
    assert scenarios.main(wanted) == 1
    assert played == []
    assert scenarios.main(["quick", "--seeds", "4"]) == 0
    assert played == [("quick", 4)]
    assert scenarios.main([*wanted, "--fresh"]) == 1
    assert len(played) == 7


def test_an_interrupt_keeps_what_is_done_and_the_same_command_goes_on(
    played: list[tuple[str, int]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pretend = scenarios.play

    def interrupted(name: str, seed: int, settings: tuple[str, ...] = ()) -> dict[str, Any]:
        if seed == 7:
            raise KeyboardInterrupt
        return pretend(name, seed, settings)

    monkeypatch.setattr(scenarios, "CORES", 1)
    monkeypatch.setattr(scenarios, "play", interrupted)
    assert scenarios.main(["quick"]) == 130
    out, err = capsys.readouterr()
    assert "quick" in out
    assert "the same command goes on" in " ".join(err.split())
    done = len(played)
    assert 0 < done < 7
    monkeypatch.setattr(scenarios, "play", pretend)
    assert scenarios.main(["quick"]) == 0
    assert [seed for _, seed in played] == list(range(1, 11))


def test_results_of_other_code_or_another_file_are_forgotten(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for path in ("scenarios/library/a.toml", "scenarios/library/b.toml", "consensus/x.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("1")
    monkeypatch.setattr(scenarios, "ROOT", tmp_path)

    def now() -> tuple[str, str]:
        scenarios._code.cache_clear()
        return scenarios.fingerprint("a"), scenarios.fingerprint("b")

    before = now()
    assert before == now()
    (tmp_path / "scenarios/library/a.toml").write_text("2")
    edited = now()
    assert (edited[0] != before[0], edited[1] == before[1]) == (True, True)
    (tmp_path / "consensus/x.py").write_text("2")
    assert not set(now()) & {*before, *edited}
    scenarios._code.cache_clear()


def test_whoever_asks_for_nothing_that_exists_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in ((["nonsense"], "called nonsense"), (["--seeds", "0"], "no seeds")):
        with pytest.raises(SystemExit) as ended:
            scenarios.main(arguments)
        assert ended.value.code == 2
        assert words in capsys.readouterr().err


def test_a_row_says_whether_what_must_have_happened_did() -> None:
    seen = Outcome(**GOOD)
    unseen = Outcome(**{**GOOD, "exit_code": 1, "missed": ["never saw crash"]})
    assert Row("primary-crash", {1: seen, 2: seen}).sometimes == "all 4 met"
    assert Row("primary-crash", {1: seen, 2: unseen}).sometimes == "not met in 1"
    assert Row("explore-base", {1: seen}).sometimes == "names nothing"
    assert Row("primary-crash", {}).sometimes == ""
    console = Console(file=io.StringIO(), width=100)
    console.print(scenarios.table([Row("primary-crash", {})]))  # nothing done yet
    assert list(complaints([Row("quick", {1: seen})], ())) == []


def _journal(path: Path, changes: dict[str, dict[str, Any]]) -> Journal:
    journal = Journal(path / "area.jsonl", fresh=True)
    controls = {n for n in loader.shipped() if loader.load(n).expect.safety == "violated"}
    for step in scenarios.steps(Scale(2)):
        name = step.name.split("/")[1]
        good = {**GOOD, "violated": ["agreement"]} if name in controls else GOOD
        journal.add(step.name, {"1": good, "2": {**good, **changes.get(name, {})}})
    return journal


@pytest.mark.parametrize(
    ("changes", "short"),
    [
        ({}, []),
        ({"quick": {"exit_code": 1, "why": ["x"]}}, ["quick"]),
        (
            {"colluders-fork": {"violated": []}},
            ["colluders-fork: safety violated, and seen by the checks"],
        ),
    ],
)
def test_the_areas_figures_can_fall_short(
    tmp_path: Path, changes: dict[str, dict[str, Any]], short: list[str]
) -> None:
    verdicts = scenarios.verdicts(_journal(tmp_path, changes), Scale(2))
    assert [v.figure for v in verdicts if not v.ok] == short
    assert {v.figure for v in verdicts} >= set(loader.shipped())


def test_a_scenario_that_was_not_run_is_a_shortfall(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "area.jsonl")
    journal.add("library/quick/1", {"1": GOOD, "2": GOOD})
    verdicts = scenarios.verdicts(journal, Scale(2))
    assert [v.figure for v in verdicts if not v.ok] == ["scenarios not run"]


def test_the_area_runs_fifty_seeds_of_each_in_steps() -> None:
    names = [step.name for step in scenarios.steps(Scale())]
    assert len(names) == len(loader.shipped()) * scenarios.SEEDS // scenarios.CHUNK
    assert names[:5] == [f"library/{loader.shipped()[0]}/{first}" for first in (1, 11, 21, 31, 41)]
