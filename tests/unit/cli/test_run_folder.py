"""Where runs go, and how they are found again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chainsim import run_folder
from chainsim.run_folder import RunNotFound, Unwritable


def make_run(runs: Path, name: str, written: int = 1) -> Path:
    folder = runs / name
    folder.mkdir(parents=True)
    (folder / run_folder.SCENARIO).write_text("")
    (folder / run_folder.SUMMARY).write_text("{}")
    os.utime(folder / run_folder.SUMMARY, (written, written))
    return folder


def test_name_holds_scenario_seed_and_eight_digits() -> None:
    assert run_folder.run_name("quick", 7, "0123456789abcdef") == "quick-7-01234567"


def test_a_repeat_gets_a_number_and_nothing_is_overwritten(tmp_path: Path) -> None:
    for content in ("first", "second", "third"):
        with run_folder.unfinished(tmp_path, "quick", 1) as folder:
            (folder / "x").write_text(content)
            run_folder.finish(folder, "quick-1-abc")
    found = {path.name: (path / "x").read_text() for path in tmp_path.iterdir()}
    assert found == {"quick-1-abc": "first", "quick-1-abc.2": "second", "quick-1-abc.3": "third"}


def test_what_a_dying_run_wrote_stays_and_nothing_else_does(tmp_path: Path) -> None:
    with pytest.raises(ValueError), run_folder.unfinished(tmp_path, "a", 1) as folder:
        (folder / "traceback.txt").write_text("…")
        raise ValueError
    with pytest.raises(ValueError), run_folder.unfinished(tmp_path, "b", 1):
        raise ValueError
    left = list(tmp_path.iterdir())
    assert left == [folder]
    assert folder.name.startswith(".a-1-")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = run_folder.unfinished(tmp_path / "file", "a", 1)
    with pytest.raises(Unwritable, match=r"can't write runs to .*file"), place:
        pass


def test_a_run_is_found_by_path_name_prefix_and_last(tmp_path: Path) -> None:
    first = make_run(tmp_path, "quick-1-aaaa", written=50)
    again = make_run(tmp_path, "quick-1-aaaa.2", written=20)
    other = make_run(tmp_path, "quick-2-bbbb", written=30)
    make_run(tmp_path, ".quick-3-unfinished", written=99)
    assert run_folder.find(str(other), Path("nowhere")) == other
    assert run_folder.find("quick-2", tmp_path) == other
    assert run_folder.find("quick-1-aaaa", tmp_path) == first  # the whole name, not a prefix
    assert run_folder.find("quick-1-aaaa.", tmp_path) == again
    assert run_folder.find("@last", tmp_path) == first


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("quick-1", "begins the names of 2 runs: quick-1-aaaa, quick-1-aaaa.2"),
        ("quik-2-bbbb", 'no run "quik-2-bbbb"; did you mean "quick-2-bbbb"'),
        ("zzz", 'no run "zzz"; .* holds 3 runs'),
        ("", 'no run ""'),
        ("./nowhere", "./nowhere does not exist"),
        ("/tmp/", "has no scenario.toml: it is no run"),
    ],
)
def test_what_is_not_found_is_explained(tmp_path: Path, argument: str, message: str) -> None:
    make_run(tmp_path, "quick-1-aaaa")
    make_run(tmp_path, "quick-1-aaaa.2")
    make_run(tmp_path, "quick-2-bbbb")
    with pytest.raises(RunNotFound, match=message):
        run_folder.find(argument, tmp_path)


def test_no_runs_yet(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound, match="no runs yet"):
        run_folder.find("@last", tmp_path / "runs")
