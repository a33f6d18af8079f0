"""The table of planted bugs: its figures, and what it says when a property is switched off."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from chainsim.explore.bug_report import numbers, rate_of, seeds_of, verdict
from chainsim.explore.bug_table import BugTable, Row, best_strategy, cells, encoded, row_of, shares
from chainsim.explore.hunt import Hunt
from chainsim.explore.hunting import Base, HuntJournal, Line, Plan, hunt_all, table_of
from chainsim.explore.model import FaultModel
from chainsim.explore.planting import BASE, Mutant
from chainsim.explore.runner import Here
from chainsim.explore.statistics import median_seeds, wilson
from tests.mutants import MUTANTS
from tests.unit.explore.support import NETWORK_KINDS, quick_base


@pytest.mark.parametrize(
    ("finds", "trials", "low", "high"),
    [  # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(
    finds: int, trials: int, low: float, high: float
) -> None:
    assert wilson(finds, trials) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_nothing_tried_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(7, 7)[1] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("needed", "middle"),
    [
        ([3, 1, 2], 2.0),
        ([1, 2, None, 9, None], 9.0),
        ([1, None, None], None),
        ([], None),
        ([4, 7], 5.5),
    ],
)
def test_sweeps_that_found_nothing_needed_more_than_any(
    needed: list[int | None], middle: float | None
) -> None:
    assert median_seeds(needed) == middle


def a_hunt(strategy: str, sweep: int, runs: int, *violated: str) -> Hunt:
    return Hunt(
        strategy=strategy,
        sweep=sweep,
        first=sweep * 100,
        runs=runs,
        seed=sweep * 100 + runs - 1 if violated else None,
        check=violated[0] if violated else "",
        also=violated[1:],
        detail="words",
        commit="abc",
    )


def a_row(number: int, *hunts: Hunt) -> Row:
    mutant = msgspec.structs.replace(MUTANTS[number], unseen="it is hidden")
    return row_of(mutant, hunts)


ROWS = (
    a_row(2, a_hunt("swarm", 0, 3, "agreement", "liveness"), a_hunt("swarm", 1, 5, "agreement")),
    a_row(21, a_hunt("swarm", 0, 30, "liveness"), a_hunt("random", 0, 10, "liveness")),
    a_row(1, a_hunt("swarm", 0, 100), a_hunt("random", 0, 50, "validity", "liveness")),
    a_row(9, a_hunt("swarm", 0, 100), a_hunt("random", 0, 100)),
)
TABLE = BugTable(
    module="m",
    version="0",
    commits=("abc",),
    strategies=("swarm", "random"),
    sweeps=2,
    seeds=100,
    mutants=ROWS,
)


def test_a_cell_sums_up_its_sweeps() -> None:
    (cell,) = ROWS[0].cells
    assert (cell.sweeps, cell.finds, cell.runs, cell.median) == (2, 2, 8, 4.0)
    assert cell.checks == ("agreement", "liveness")
    assert cell.rate == tuple(round(bound, 7) for bound in wilson(2, 8))
    assert seeds_of(cell) == "4 (1 in 2 to 14)"
    half = cells([a_hunt("swarm", 0, 3, "agreement"), a_hunt("swarm", 1, 100)])
    assert seeds_of(half[0]).startswith("1 of 2")
    assert seeds_of(ROWS[3].cells[0]) == "> 100"
    assert rate_of(ROWS[3].cells[0]).endswith(" to ∞")


def test_what_was_cut_short_is_no_sweep() -> None:
    cut = msgspec.structs.replace(a_hunt("swarm", 0, 9), interrupted=True)
    assert cells([cut]) == ()


def test_a_property_alone_and_what_survives_without_it() -> None:
    found = {share.check: (share.alone, share.lost) for share in shares(ROWS)}
    assert found == {
        "agreement": ((2,), ()),  # one of its finds violates liveness too
        "liveness": ((2, 21, 1), (21,)),
        "validity": ((1,), ()),
    }
    assert shares(ROWS)[0].check == "liveness"


def test_switching_a_property_off_leaves_what_others_show() -> None:
    blind = TABLE.without(frozenset({"liveness"}))
    assert [row.found for row in blind.mutants] == [True, False, True, False]
    assert blind.mutants[2].hunts[1].violated == ("validity",)
    assert [row.found for row in TABLE.mutants] == [True, True, True, False]
    other = TABLE.without(frozenset({"validity"}))
    assert other.mutants[2].hunts[1].check == "liveness"
    assert "2 of 4 found; not 21, 9" in verdict(blind)


def test_the_best_strategy_finds_most_and_then_soonest() -> None:
    assert best_strategy(ROWS[:2]) == "swarm"  # two found, against one
    assert best_strategy(ROWS) == "random"  # two each, and a middle one of 50 against none
    assert best_strategy(ROWS[1:2]) == "random"  # 10 against 30
    assert best_strategy(()) == ""
    best = ROWS[1].best
    assert best is not None
    assert best.strategy == "random"
    assert ROWS[3].best is None


def test_a_kept_table_reads_back_without_the_words() -> None:
    back = msgspec.json.decode(encoded(TABLE), type=BugTable)
    assert back.mutants[0].cells == TABLE.mutants[0].cells
    assert back.mutants[0].hunts[0].detail == ""
    assert shares(back.mutants) == shares(TABLE.mutants)


def test_many_numbers_are_a_count() -> None:
    assert numbers((1, 2)) == "2: 1, 2"
    assert numbers(tuple(range(20))) == "20"
    assert numbers(()) == "none"


# -- hunting ---------------------------------------------------------------------------


def a_plan(**changes: object) -> Plan:
    fields: dict[str, object] = {
        "bases": {BASE: Base(quick_base(), FaultModel(kinds=NETWORK_KINDS))},
        "module": "tests.mutants",
        "strategies": ("random",),
        "seeds": 40,
        "sweeps": 2,
    }
    return Plan(**{**fields, **changes})  # type: ignore[arg-type]


class Watched:
    """Counts the sweeps that are begun; raises where it is told to."""

    def __init__(self) -> None:
        self.titles: list[str] = []

    def __call__(self, title: str, _seeds: int) -> Watched:
        self.titles.append(title)
        return self

    def __enter__(self) -> object:
        return lambda _sweep: None

    def __exit__(self, *_: object) -> None:
        return None


def hunted(plan: Plan, mutants: list[Mutant], journal: HuntJournal) -> list[str]:
    watched = Watched()
    with Here() as executor:
        for _ in hunt_all(plan, mutants, journal, executor, watched):  # type: ignore[arg-type]
            pass
    return watched.titles


def test_all_mutants_get_a_sweep_before_one_gets_two(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "hunts.jsonl"
    chosen = [MUTANTS[2], MUTANTS[21]]
    titles = hunted(a_plan(), chosen, HuntJournal(path))
    assert [title[:2].strip() for title in titles] == ["2", "21", "2", "21"]
    assert titles[2].endswith("sweep 2 of 2")
    with path.open("ab") as file:
        file.write(b'{"number":2,"hu')  # an interrupt in the middle of a line
    known = HuntJournal(path)
    assert hunted(a_plan(), chosen, known) == []
    table = table_of(a_plan(), chosen, known)
    assert all(len(row.hunts) == 2 and row.found for row in table.mutants)
    known.add(Line(number=9, hunt=a_hunt("random", 0, 5)))
    assert HuntJournal(path).hunts.keys() == known.hunts.keys()
    assert HuntJournal(path, fresh=True).hunts == {}


def test_other_settings_are_another_journal() -> None:
    plan = a_plan()
    assert plan.digest == a_plan(sweeps=5, strategies=("swarm",), commit="x").digest
    assert plan.digest != a_plan(seeds=41).digest
    assert plan.digest != a_plan(bases={BASE: Base(quick_base(), FaultModel())}).digest
    assert list(plan.range(1)) == list(range(40, 80))
