"""``chainsim mutants`` as a person meets it: quick, in several sweeps, saved, a property off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Chainsim

BOTH = ("--strategy", "random", "--strategy", "swarm")


def test_mutants_are_found_in_a_table(chainsim: Chainsim) -> None:
    done = chainsim("mutants", "--only", "23,31", "--seeds", "60", *BOTH, "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["mutants"]
    assert [row["base"] for row in rows] == ["explore-base", "explore-money"]
    for row in rows:
        assert [hunt["strategy"] for hunt in row["hunts"]] == ["random", "swarm"]
        assert [cell["strategy"] for cell in row["cells"]] == ["random", "swarm"]
        assert any(hunt["seed"] is not None for hunt in row["hunts"])
        assert row["shrunk"] == ""


def test_a_mutant_that_cannot_be_planted_says_why(chainsim: Chainsim) -> None:
    done = chainsim("mutants", "--module", "tests.unit.explore.unplantable", "--json")
    assert done.returncode == 0, done.stderr
    [row] = json.loads(done.stdout)["mutants"]
    assert (row["applicable"], row["hunts"]) == (False, [])
    assert row["note"] == "nothing to break yet"


def test_a_mutant_that_is_missed_is_one(chainsim: Chainsim) -> None:
    asked = ("mutants", "--only", "1", "--seeds", "1", "--strategy", "random")
    done = chainsim(*asked, COLUMNS="200")
    assert done.returncode == 1
    assert "not found" in done.stdout
    assert "0 of 1 found" in done.stdout


def test_mutants_that_are_not_there_are_named(chainsim: Chainsim) -> None:
    assert "run from the root" in chainsim("mutants", "--module", "no_tests.mutants").stderr
    assert 'no mutant "99"' in chainsim("mutants", "--only", "99").stderr


def test_a_full_table_goes_on_where_it_stopped_and_is_printed_again(
    chainsim: Chainsim, tmp_path: Path
) -> None:
    """The second call asks for one more sweep: the first two come from the journal."""
    asked = ("mutants", "--full", "--only", "23", "--seeds", "40", "--strategy", "swarm")
    first = chainsim(*asked, "--sweeps", "2", "--save", "table.json", COLUMNS="200")
    assert first.returncode == 0, first.stderr
    assert "2 independent sweeps of at most 40 seeds" in first.stdout
    assert "(1 in " in first.stdout
    assert " → " in first.stdout
    again = chainsim(*asked, "--sweeps", "3", "--json")
    assert again.stderr.count("23 fsync skipped: swarm ") == 1
    (row,) = json.loads(again.stdout)["mutants"]
    assert [hunt["sweep"] for hunt in row["hunts"]] == [0, 1, 2]
    assert [hunt["first"] for hunt in row["hunts"]] == [0, 40, 80]
    saved = chainsim("mutants", "--from", "table.json", COLUMNS="200")
    assert saved.stdout == first.stdout
    fresh = chainsim(*asked, "--sweeps", "1", "--fresh")
    assert fresh.stderr.count("23 fsync skipped: swarm ") == 1


def test_without_what_showed_it_a_bug_survives(chainsim: Chainsim) -> None:
    asked = ("mutants", "--only", "21", "--seeds", "40")
    assert chainsim(*asked, "--save", "table.json").returncode == 0
    blind = chainsim("mutants", "--from", "table.json", "--without", "liveness", COLUMNS="200")
    assert blind.returncode == 1
    assert "0 of 1 found" in blind.stdout
    other = chainsim("mutants", "--from", "table.json", "--without", "agreement")
    assert other.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--without", "livenes"), 'there is no "livenes"; did you mean "liveness"'),
        (("--from", "not-json.txt"), "isn't a table of planted bugs"),
        (("--from", "nothing.json"), "does not exist"),
        (("--save", "no/such/folder/table.json", "--only", "23", "--seeds", "1"), "can't write"),
        (("--seeds", "0"), "holds no seeds"),
    ],
)
def test_bad_usage_is_two(chainsim: Chainsim, arguments: tuple[str, ...], says: str) -> None:
    Path("not-json.txt").write_text("hello")
    done = chainsim("mutants", *arguments)
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
