"""The acceptance areas: what they ask for, how they resume, and that each figure can fall short."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scenarios.loader import load
from tests.acceptance import __main__ as acceptance
from tests.acceptance import explore, pbft, sweeps
from tests.acceptance.command import Scale
from tests.acceptance.journal import Journal, Step, Verdict
from tests.mutants import MUTANTS

WHOLE = Scale()


def _names(area: str, scale: Scale = WHOLE) -> list[str]:
    return [step.name for step in acceptance.AREAS[area][0](scale)]


def test_a_whole_area_asks_for_what_its_issue_does() -> None:
    for area, seeds in (("explore", explore.SEEDS), ("pbft", pbft.SEEDS)):
        names = _names(area)
        assert len(names) == len(set(names))
        for strategy in sweeps.STRATEGIES:
            firsts = [int(n.rpartition("/")[2]) for n in names if n.startswith(f"sweep/{strategy}")]
            assert firsts == list(range(0, seeds, sweeps.CHUNK))
    planted = {f"mutant/{number}" for number, mutant in MUTANTS.items() if mutant.apply}
    assert planted <= set(_names("explore"))
    assert not planted - set(_names("pbft")) - {"mutant/31", "mutant/32"}
    assert {f"shrink/{number}" for number in explore.SHRUNK} <= set(_names("explore"))


@pytest.mark.parametrize("name", pbft.CLASSICS)
def test_a_classic_is_shipped_and_says_what_must_have_happened(name: str) -> None:
    assert load(name).expect.sometimes
    seeds = [step for step in _names("pbft") if step.startswith(f"classic/{name}/")]
    assert len(seeds) == pbft.CLASSIC_SEEDS


@pytest.mark.parametrize("area", sorted(acceptance.AREAS))
def test_a_sample_is_a_small_part_with_a_journal_of_its_own(area: str) -> None:
    scale = Scale(2)
    assert 0 < len(_names(area, scale)) < len(_names(area))
    assert acceptance.journal_of(area, scale).path != acceptance.journal_of(area, WHOLE).path


def test_the_last_chunk_of_a_sample_ends_where_it_should() -> None:
    (first, _) = sweeps.sweep_steps(20_000, Scale(7))
    assert first.name == "sweep/random/0"
    assert first.run.args[:3] == ("random", 0, 7)  # type: ignore[attr-defined]


def _journal(path: Path, scale: Scale, **changes: dict[str, Any]) -> Journal:
    """Everything as wanted, but for what ``changes`` say of steps (``_`` for ``/``)."""
    journal = Journal(path / "pbft.jsonl", fresh=True)
    for step in pbft.steps(scale):
        journal.add(
            step.name, {**_good(step, scale), **changes.get(step.name.replace("/", "_"), {})}
        )
    return journal


def _good(step: Step, scale: Scale) -> dict[str, Any]:
    kind, _, rest = step.name.partition("/")
    if kind == "sweep":
        coverage = dict.fromkeys(sweeps.MUST_SEE, 1)
        speed = {"seeds_per_core_s": 200.0}
        return {"runs": scale.sample, "failures": 0, "coverage": coverage, "alarms": [], **speed}
    if kind == "mutant":
        return {"swarm": {"seed": 3, "runs": 4, "check": "agreement", "wall_s": 1.0}}
    if kind == "classic":
        return {"exit_code": 0, "sometimes": 1}
    if rest == "view-change":
        return {"view-change": 9, "new-view": 3}
    n = int(rest)
    sent = {"pre-prepare": n - 1, "prepare": (n - 1) ** 2, "commit": n * (n - 1)}
    return {"height": 1, "sent": sent}


def _short(path: Path, **changes: dict[str, Any]) -> list[str]:
    """Figures that fall short, but for rows of the list that nobody can plant yet."""
    scale = Scale(2)
    verdicts: list[Verdict] = pbft.verdicts(_journal(path, scale, **changes), scale)
    return [v.figure for v in verdicts if not v.ok and "can't be planted" not in v.figure]


def test_a_journal_with_everything_as_wanted_passes(tmp_path: Path) -> None:
    assert not _short(tmp_path)


@pytest.mark.parametrize(
    ("changes", "figure"),
    [
        ({"sweep_swarm_0": {"failures": 1, "alarms": ["agreement at seed 1"]}}, "swarm: seeds"),
        ({"sweep_random_0": {"runs": 1}}, "random: seeds"),
        ({"sweep_random_0": {"coverage": {}}}, "random: in how many"),
        ({"classic_late-joiner_2": {"exit_code": 1}}, "late-joiner"),
        ({"classic_late-joiner_2": {"sometimes": 0}}, "late-joiner"),
        ({"count_7": {"height": 2}}, "messages of a decision, n = 7"),
        ({"count_view-change": {"new-view": 4}}, "messages of a view change"),
        ({"mutant_2": {"swarm": {"seed": None, "runs": 9, "check": ""}}}, "  2 quorum 2f"),
    ],
)
def test_each_figure_can_fall_short(
    tmp_path: Path, changes: dict[str, dict[str, Any]], figure: str
) -> None:
    short = _short(tmp_path, **changes)
    assert any(name.startswith(figure) for name in short), short


def test_what_an_interrupt_cut_off_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "area.jsonl"
    Journal(path).add("a", {"x": 1})
    with path.open("a", encoding="utf-8") as file:
        file.write('["b", {"x"')
    resumed = Journal(path)
    assert "a" in resumed
    assert "b" not in resumed
    assert len(resumed) == 1


@pytest.mark.parametrize(
    ("small", "ok"),
    [
        ({"faults": 3, "wall_s": 59.9}, True),
        ({"faults": 4, "wall_s": 1.0}, False),
        ({"faults": 1, "wall_s": 60.0}, False),
        ({"faults": -1, "wall_s": -1}, False),
    ],
)
def test_a_find_that_stays_big_or_takes_long_falls_short(
    tmp_path: Path, small: dict[str, Any], ok: bool
) -> None:
    scale = Scale(2)
    journal = Journal(tmp_path / "explore.jsonl")
    for step in explore.steps(scale):
        good = small if step.name.startswith("shrink/") else _good(step, scale)
        journal.add(step.name, good)
    short = [v.figure for v in explore.verdicts(journal, scale) if not v.ok]
    assert short == ([] if ok else ["shrinking a find of 2"])


def test_seeds_per_second_count_each_sweep_by_its_length(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "explore.jsonl")
    for first, runs, per_s in ((0, 500, 100.0), (500, 100, 200.0)):
        journal.add(f"sweep/swarm/{first}", {"runs": runs, "seeds_per_core_s": per_s})
    assert sweeps.speed_verdict(journal, 109) == (
        "seeds per second and core", "at least 109", "109.1", True,
    )  # fmt: skip
    assert not sweeps.speed_verdict(journal, 150).ok
