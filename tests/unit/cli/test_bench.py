"""The benchmark: what rows count, that a wrong run has no speed, and what is compared."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from chainsim.bench import network, others, runner, table
from chainsim.bench.catalogue import ENTRIES
from chainsim.bench.measure import BenchmarkFailed, Row, empty_heap_loop, row
from chainsim.cli.bench import command
from chainsim.explore.planting import Planted, planted
from nodes.ledger.state import State


def test_seeds_are_counted_by_cpu_time() -> None:
    found = row("explore", others.exploring(2), 1_000_000)
    assert (found.count, found.unit) == (2, "seeds")
    assert found.per_s == pytest.approx(2 / found.cpu_s, rel=0.02)
    assert found.heap_events_each == pytest.approx(500_000 * found.cpu_s, rel=0.02)
    assert found.peak_mb > 10
    assert int(found.detail["median_deliveries"]) > 400


def test_twins_are_counted_by_schedules() -> None:
    found = row("twins", others.twins(3), 1_000_000)
    assert (found.count, found.unit) == (3, "schedules")


def test_a_run_that_breaks_a_property_has_no_speed() -> None:
    with planted(Planted("tests.mutants", 3)), pytest.raises(BenchmarkFailed, match="seed"):
        others.exploring(32)


def test_the_ledger_alone_is_measured_with_and_without_hashing() -> None:
    bare, hashed = (others.ledger_alone(100, hashing=hashing) for hashing in (False, True))
    assert bare.count == hashed.count == 10_000
    assert bare.cpu_ns < hashed.cpu_ns, "hashing costs something"
    assert State.rehashed.__name__ == "rehashed", "and is put back"


def test_a_decision_of_n_validators_takes_its_known_number_of_messages() -> None:
    work = network.decisions(7, 3)
    n, count = 7, work.count
    assert count == 3
    votes = (n - 1) + (n - 1) ** 2 + n * (n - 1)
    assert work.sent >= count * (votes + 1 + n), "and the request, and n replies"
    assert 0 < work.delivered <= work.sent


def test_transactions_come_to_the_same_whoever_executes() -> None:
    each, once = (network.transactions(400, memoise=memoise) for memoise in (False, True))
    assert each.count == once.count == 400
    assert each.detail["digest"] == once.detail["digest"]


def test_levels_and_the_dashboard_run_the_same_run() -> None:
    works = [network.traced("off", 3), network.traced("messages", 3), network.watched(3)]
    assert len({work.detail["digest"] for work in works}) == 1
    assert int(works[2].detail["frames"]) > 0


def test_the_empty_loop_has_a_speed() -> None:
    assert empty_heap_loop(10_000) > 10_000


def _saved(**changes: object) -> Row:
    plain = Row(
        name="decide-4", unit="decisions", count=1, cpu_s=1.0, wall_s=1.0, per_s=1.0,
        ms_each=1000.0, sent_per_s=1, delivered_per_s=1, peak_mb=1, heap_events_per_s=10**6,
        heap_events_each=1000.0, detail={"digest": "a"},
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changes)


def test_what_is_compared_is_the_cost_in_events_of_the_empty_loop() -> None:
    slower_machine = _saved(ms_each=2000.0, heap_events_per_s=500_000)
    assert table.change(slower_machine, _saved()) == 0
    assert table.line(_saved(heap_events_each=1500.0), _saved()).endswith("+50%")
    assert table.line(_saved(heap_events_each=500.0), _saved()).endswith("-50%")


def test_another_run_under_the_same_name_is_told() -> None:
    rows = (_saved(detail={"digest": "b"}), _saved(name="new"))
    told = list(table.differences(rows, {"decide-4": _saved()}))
    assert [text.split(":")[0] for text in told] == ["decide-4", "new"]
    assert not list(table.differences((_saved(),), {"decide-4": _saved()}))


def test_each_row_is_measured_in_a_process_of_its_own_saved_and_compared(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    first = CliRunner().invoke(command, ["decide-4", "--save", str(file)])
    assert first.exit_code == 0, first.output
    (kept,) = runner.read(file).rows
    assert (kept.name, kept.count) == ("decide-4", 200)
    again = CliRunner().invoke(command, ["decide-4", "--compare", str(file)])
    assert again.exit_code == 0, again.output
    assert again.output.splitlines()[1].endswith("%")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["decide-5"], 'no row "decide-5"'),
        (["decide-4", "--compare", "nowhere.json"], "nowhere.json"),
        (["decide-4", "--compare", __file__], "no measurements"),
    ],
)
def test_bad_usage_is_told(arguments: list[str], said: str) -> None:
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split()).replace(" │ ", "").replace("│ ", "")


def test_a_row_that_fails_has_no_speed() -> None:
    with pytest.raises(BenchmarkFailed, match="no-such-row"):
        runner.measured("no-such-row")


def test_rows_are_listed_and_the_long_ones_marked() -> None:
    listed = CliRunner().invoke(command, ["--list"]).output.splitlines()
    assert [line.split()[0] for line in listed] == list(ENTRIES)
    assert [line.split()[0] for line in listed if line.endswith("(long)")] == [
        name for name, entry in ENTRIES.items() if entry.long
    ]
