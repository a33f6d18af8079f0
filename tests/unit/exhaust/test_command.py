"""``chainsim exhaust``: what it prints, writes and exits with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from chainsim.cli.group import cli
from chainsim.explore.planting import MODULE, Planted, planted

EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "equivocator.toml"


def exhaust(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["exhaust", *map(str, arguments)])


def test_a_complete_bound_is_said_to_be(tmp_path: Path) -> None:
    done = exhaust(EXAMPLE, "--out", tmp_path)
    assert done.exit_code == 0
    assert "Bound: n = 4, 1 request, view 0" in done.output
    assert "equivocating: r0" in done.output
    assert "Complete: nothing is violated" in done.output
    assert not list(tmp_path.iterdir())


def test_what_is_cut_off_is_not_complete(tmp_path: Path) -> None:
    done = exhaust(EXAMPLE, "--plain", "--memory", "1MB", "--out", tmp_path)
    assert done.exit_code == 0
    assert "NOT complete (out of memory)" in done.output


def test_a_violation_is_told_written_and_played_again(tmp_path: Path) -> None:
    with planted(Planted(MODULE, 2)):
        done = exhaust(EXAMPLE, "--out", tmp_path)
        assert done.exit_code == 3
        assert "VIOLATED: one-prepared-digest" in done.output
        assert "r1  <-  PRE-PREPARE of r0: 0, 1, A" in done.output
        (schedule,) = tmp_path.iterdir()
        again = exhaust(schedule)
        assert again.exit_code == 3
        assert "VIOLATED: one-prepared-digest" in again.output
        exhaust(EXAMPLE, "--out", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "exhaust-equivocator.2.json",
        "exhaust-equivocator.json",
    ]
    mended = exhaust(schedule)
    assert mended.exit_code == 5
    assert "Nothing is violated" in mended.output


def test_json_is_one_object(tmp_path: Path) -> None:
    done = exhaust(EXAMPLE, "--json", "--out", tmp_path)
    found = json.loads(done.output)
    assert (found["complete"], found["violations"], found["exit_code"]) == (True, 0, 0)
    assert found["states"] == found["explored"] > 10
    with planted(Planted(MODULE, 2)):
        done = exhaust(EXAMPLE, "--json", "--out", tmp_path)
    found = json.loads(done.output)
    assert (found["violations"], found["exit_code"]) == (1, 3)
    assert found["violation"]["check"] == "one-prepared-digest"
    assert Path(found["schedule"]).exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--memory", "lots"), "--memory: wanted a size"),
        (("--time", "soon"), "--time"),
        (("--set", "consensus.protocol=tests.unit.testing.none:x"), ""),
    ],
)
def test_bad_usage_is_2(arguments: tuple[str, ...], why: str, tmp_path: Path) -> None:
    done = exhaust(EXAMPLE, *arguments, "--out", tmp_path)
    assert done.exit_code == 2
    assert why in done.output


def test_other_faults_are_refused(tmp_path: Path) -> None:
    done = exhaust("primary-crash", "--out", tmp_path)
    assert done.exit_code == 2
    assert "leave it out" in done.output
    assert exhaust(tmp_path / "gone.json").exit_code == 2
