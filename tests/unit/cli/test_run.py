"""``run`` and ``replay`` as processes: what they print, leave behind, and exit with."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from chainsim import run_folder
from chainsim.build import Simulation
from chainsim.run_summary import from_json
from scenarios import loader
from tests.unit.cli.conftest import Chainsim, environment

SMALL = """
schema = 1
name = "small"
seed = 5
duration = "20s"
validators = 4
[consensus]
signatures = "fast"
[genesis]
include = "cash"
[[workload]]
kind = "transfers"
rate = "10/s"
start = "1s"
stop = "2s"
[expect]
min_height = 1
"""

STALL = """
[[faults]]
kind = "crash"
nodes = ["v1", "v2"]
at = "1500ms"
"""

FIELDS = [
    "scenario",
    "seed",
    "digest",
    "ok",
    "exit_code",
    "virtual_time_us",
    "wall_s",
    "height",
    "views",
    "view_changes",
    "messages",
    "transactions",
    "finality_us",
    "checks",
    "expectations",
    "misbehaviour",
    "state_root",
    "settlement",
    "run_dir",
]


@pytest.fixture
def small(tmp_path: Path) -> str:
    (tmp_path / "small.toml").write_text(SMALL)
    return "./small.toml"


def run_json(chainsim: Chainsim, *arguments: str, **extra: str) -> tuple[int, dict[str, Any]]:
    done = chainsim("run", *arguments, "--json", **extra)
    assert done.stderr == "" or "Traceback" not in done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, result


def test_json_is_one_object_with_the_contract_s_fields(chainsim: Chainsim, small: str) -> None:
    done = chainsim("run", small, "--json", FORCE_COLOR="1")
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1
    result = json.loads(done.stdout)
    assert list(result)[: len(FIELDS)] == FIELDS
    assert result["scenario"] == "small"
    assert result["transactions"]["final"] == result["transactions"]["submitted"] == 10
    assert set(result["messages"]) == {"sent", "delivered", "dropped", "by_type"}
    assert set(result["finality_us"]) == {"p50", "p99", "max"}
    assert set(result["checks"][0]) == {"name", "kind", "ok", "detail"}
    assert set(result["expectations"][0]) == {"name", "ok", "wanted", "got"}
    assert result["views"] == {f"v{index}": 0 for index in range(4)}


def test_the_folder_holds_what_the_contract_says(
    chainsim: Chainsim, small: str, tmp_path: Path
) -> None:
    _, result = run_json(chainsim, small)
    folder = tmp_path / result["run_dir"]
    assert folder == tmp_path / "runs" / f"small-5-{result['digest'][:8]}"
    assert sorted(path.name for path in folder.iterdir()) == [
        "chain.sqlite",
        "evidence",
        "scenario.toml",
        "summary.json",
        "trace.jsonl.gz",
    ]
    assert json.loads((folder / "summary.json").read_text()) == result
    assert from_json((folder / "summary.json").read_bytes()).height == result["height"]
    assert loader.load(str(folder / "scenario.toml")) == loader.load(str(tmp_path / "small.toml"))
    with closing(sqlite3.connect(folder / "chain.sqlite")) as chain:
        (top,) = chain.execute("SELECT max(height) FROM blocks").fetchone()
        (requests,) = chain.execute("SELECT count(*) FROM transactions").fetchone()
        (negative,) = chain.execute("SELECT count(*) FROM balances WHERE amount < 0").fetchone()
    assert (top, requests, negative) == (result["height"], 10, 0)


def test_watching_and_recording_never_change_the_run(process: Chainsim, small: str) -> None:
    digests = {
        run_json(process, small, *arguments, PYTHONHASHSEED=seed)[1]["digest"]
        for arguments, seed in (
            ((), "1"),
            (("--trace", "off"), "2"),
            (("--trace", "messages"), "3"),
        )
    }
    plain = process("run", small)
    assert plain.returncode == 0
    assert len(digests) == 1
    assert digests.pop()[:16] in plain.stdout
    assert "everything holds" in plain.stdout


def test_a_repeat_gets_a_number_and_last_finds_it(
    chainsim: Chainsim, small: str, tmp_path: Path
) -> None:
    first = run_json(chainsim, small)[1]["run_dir"]
    second = run_json(chainsim, small)[1]["run_dir"]
    assert second == f"{first}.2"
    done = chainsim("replay", "@last", "--verify")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{second}: equal")
    assert chainsim("replay", "small", "--verify").returncode == 2  # two runs answer
    assert chainsim("replay", f"{tmp_path}/{first}", "--verify").returncode == 0


def test_out_chooses_the_place(chainsim: Chainsim, small: str, tmp_path: Path) -> None:
    _, result = run_json(chainsim, small, "--out", "else/where")
    assert result["run_dir"].startswith("else/where/small-5-")
    assert not (tmp_path / "runs").exists()
    assert chainsim("replay", result["run_dir"], "--verify").returncode == 0


def test_seed_and_set_are_in_the_run_s_file(chainsim: Chainsim, small: str, tmp_path: Path) -> None:
    arguments = ("--seed", "77", "--set", "network.loss=0.1", "--set", "network.loss=0.2")
    _, result = run_json(chainsim, small, *arguments)
    scenario = loader.load(str(tmp_path / result["run_dir"] / "scenario.toml"))
    assert (scenario.seed, scenario.network.loss) == (77, 200_000)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("expect.min_height=999", 1),
        ("expect.safety=violated", 1),
        ("expect.liveness=stalls", 1),
    ],
)
def test_an_expectation_that_fails_is_1(
    chainsim: Chainsim, small: str, change: str, code: int
) -> None:
    got, result = run_json(chainsim, small, "--set", change)
    assert (got, result["exit_code"], result["ok"]) == (code, code, False)
    assert [line["ok"] for line in result["expectations"]].count(False) == 1


@pytest.mark.parametrize(("liveness", "code"), [("recovers", 4), ("stalls", 0), ("ignore", 0)])
def test_a_stall_is_4_unless_it_is_expected(
    chainsim: Chainsim, tmp_path: Path, liveness: str, code: int
) -> None:
    (tmp_path / "stall.toml").write_text(SMALL + STALL)
    arguments = ("run", "./stall.toml", "--set", f"expect.liveness={liveness}")
    done = chainsim(*arguments, "--set", "expect.within=2s")
    assert done.returncode == code
    assert "first violation: liveness at" in done.stdout
    assert ("it fails as the scenario expects" in done.stdout) == (code == 0)
    assert ("LIVENESS IS VIOLATED" in done.stdout) == (code == 4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "smal"], 'no shipped scenario is called "smal"'),
        (["run", "./small.toml", "--set", "network.los=1"], 'did you mean "loss"?'),
        (["run", "./small.toml", "--set", "nonsense"], "wanted PATH=VALUE"),
        (["run", "./small.toml", "--seed", "-1"], "seed"),
        (["run", "./small.toml", "--seed", "x"], "not a valid integer"),
        (["run", "./small.toml", "--trace", "all"], "'all' is not one of"),
        (["run", "./small.toml", "--out", "small.toml"], "is a file"),
        (["run", "./small.toml", "--out", "small.toml/x"], "can't write runs to small.toml/x"),
        (["replay", "@last"], "no runs yet in runs/"),
        (["replay", "nothing"], 'no run "nothing"'),
        (["replay", "./small.toml"], "does not exist"),
    ],
)
def test_mistakes_are_2_and_nothing_runs(
    chainsim: Chainsim, small: str, tmp_path: Path, arguments: list[str], message: str
) -> None:
    done = chainsim(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "runs").exists()


def test_a_changed_recording_is_5_and_the_first_record_is_named(
    chainsim: Chainsim, small: str, tmp_path: Path
) -> None:
    folder = tmp_path / run_json(chainsim, small)[1]["run_dir"]
    toml = folder / "scenario.toml"
    toml.write_text(toml.read_text().replace("seed = 5\n", "seed = 6\n"))
    done = chainsim("replay", "@last", "--verify")
    assert done.returncode == 5
    assert "first at milestone" in done.stdout
    assert chainsim("replay", "@last").returncode == 5
    (folder / "trace.jsonl.gz").unlink()
    untraced = chainsim("replay", "@last", "--verify", "--json")
    assert untraced.returncode == 5
    assert json.loads(untraced.stdout)["equal"] is False


def test_a_folder_without_anything_to_compare_is_refused(
    chainsim: Chainsim, small: str, tmp_path: Path
) -> None:
    folder = tmp_path / "runs" / "bare"
    folder.mkdir(parents=True)
    shutil.copy(tmp_path / "small.toml", folder / "scenario.toml")
    assert chainsim("replay", "bare", "--verify").returncode == 2
    assert chainsim("replay", "bare").returncode == 0
    (folder / "scenario.toml").write_text("no = [toml")
    done = chainsim("replay", "bare")
    assert done.returncode == 2
    assert "not valid TOML" in done.stderr


def test_a_reader_who_left_costs_neither_the_run_nor_its_code(small: str, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "chainsim", "run", small, "--set", "expect.min_height=999"],
            cwd=tmp_path,
            env=environment(),
            stdout=writing,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")
    assert (run_folder.find("@last", tmp_path / "runs") / "summary.json").exists()


def test_ctrl_c_keeps_what_was_done_and_is_130(small: str, tmp_path: Path) -> None:
    long = ("workload[0].rate=100/s", "workload[0].stop=900s", "duration=1000s")
    arguments = [word for change in long for word in ("--set", change)]
    process = subprocess.Popen(
        [sys.executable, "-m", "chainsim", "run", small, "--json", *arguments],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    line = process.stderr.readline() if process.stderr else ""  # the first progress line
    assert "simulated" in line
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    result = json.loads(stdout)
    assert (result["exit_code"], result["ended"]) == (130, "interrupted")
    assert result["height"] > 0
    assert (tmp_path / result["run_dir"] / "chain.sqlite").exists()


def test_a_terminal_without_colours_loses_no_verdict(chainsim: Chainsim, small: str) -> None:
    arguments = ("run", small, "--set", "expect.min_height=999")
    plain = chainsim(*arguments, NO_COLOR="1", FORCE_COLOR="1")
    assert "\x1b[3" not in plain.stdout
    for words in ("FAILS", "an expectation fails", "replay", "at least 999"):
        assert words in plain.stdout
    dumb = chainsim(*arguments, TERM="dumb")
    assert "\x1b" not in dumb.stdout + dumb.stderr


def test_a_bug_of_ours_leaves_its_traceback_in_the_run_folder(
    chainsim: Chainsim, small: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_simulation: Simulation, _ended: str) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(Simulation, "finish", broken)
    done = chainsim("run", small)
    assert (done.returncode, done.stdout) == (70, "")
    assert "ZeroDivisionError: ours" in done.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.startswith("small-5-")
    assert "in broken" in (folder / "traceback.txt").read_text()
    # What was done until then can be held against a replay.
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    verified = chainsim("replay", "@last", "--verify")
    assert verified.returncode == 0
    assert "equal as far as it was recorded" in verified.stdout
