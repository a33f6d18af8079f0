"""explore, shrink and mutants as a person meets them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from chainsim import wall_clock
from chainsim.cli.explore import combinations, seed_range
from chainsim.cli.scenario_argument import Refused
from chainsim.explore.planting import Planted, planted
from scenarios.loader import load
from tests.unit.cli.conftest import Chainsim, environment
from tests.unit.explore.support import QUICK

FORK = Planted("tests.mutants", 2)
STALL = Planted("tests.mutants", 21)
NARROW = ("--strategy", "random", "--kinds", "crash,partition,isolate,link,restart")


@pytest.fixture
def base(tmp_path: Path) -> str:
    (tmp_path / "base.toml").write_text(QUICK)
    return "./base.toml"


def test_nothing_found_is_zero_and_says_what_was_never_seen(chainsim: Chainsim, base: str) -> None:
    done = chainsim("explore", base, "--seeds", "4", "--kinds", "partition")
    assert done.returncode == 0
    assert "nothing found in 4 runs" in done.stdout
    assert "crash, restart: the sweep shows nothing of that" in " ".join(done.stdout.split())
    assert "per core and second" in " ".join(done.stdout.split())
    assert not [path for path in Path("runs").iterdir() if not path.name.startswith(".")]


def test_a_fork_is_three_and_its_run_replays_and_shrinks(chainsim: Chainsim, base: str) -> None:
    with planted(FORK):
        done = chainsim(
            "explore", base, *NARROW, "--seeds", "200", "--stop-on-failure", "--json", "--no-shrink"
        )
        assert done.returncode == 3
        (sweep,) = json.loads(done.stdout)["sweeps"]
        (group,) = sweep["groups"]
        assert sweep["failures"] == 1
        assert group["seed"] == sweep["runs"] - 1
        folder = Path(group["run_dir"])
        assert load(str(folder / "scenario.toml")).seed == group["seed"]
        assert chainsim("replay", str(folder), "--verify").returncode == 0

        shrunk = chainsim("shrink", folder.name[:14], "--limit", "10s")
        assert shrunk.returncode == 0, shrunk.stderr
        assert f"{group['check']} stays violated" in shrunk.stdout
        assert " -> " in shrunk.stdout
        kept = chainsim("shrink", str(folder), "--save-regressions").stderr
        (path,) = Path("regressions").glob("quick-base-agreement-*.toml")
        assert f"kept: {path.as_posix()}" in kept
        small = chainsim("run", str(folder / "smallest.toml"))
        assert small.returncode == 3
    assert chainsim("shrink", str(folder)).returncode == 2, "the code as it is doesn't fail"


def test_a_stall_is_four_and_every_check_is_shrunk_once(chainsim: Chainsim, base: str) -> None:
    with planted(STALL):
        asked = ("--kinds", "crash", "--seeds", "40", "--stop-on-failure", "--save-regressions")
        done = chainsim("explore", base, *asked)
    assert done.returncode == 4
    (kept,) = Path("regressions").iterdir()
    assert kept.name.startswith("quick-base-liveness-")
    assert "--strategy swarm, seed" in kept.read_text()
    assert "liveness" in done.stdout
    (folder,) = [path for path in Path("runs").iterdir() if not path.name.startswith(".")]
    assert f"smallest: {folder.as_posix()}/smallest.toml" in " ".join(done.stdout.split())


def test_vary_gives_a_row_for_each_combination(chainsim: Chainsim, base: str) -> None:
    done = chainsim(
        *("explore", base, "--seeds", "2", "--kinds", "crash", "--json"),
        *("--vary", "validators=4,7", "--vary", "network.loss=0,0.05"),
    )
    assert done.returncode == 0
    rows = [sweep["varied"] for sweep in json.loads(done.stdout)["sweeps"]]
    assert rows == [
        {"validators": n, "network.loss": loss} for n in ("4", "7") for loss in ("0", "0.05")
    ]
    table = chainsim(
        "explore", base, "--seeds", "1", "--kinds", "crash", "--vary", "seed=1,2", COLUMNS="200"
    )
    assert "view changes" in table.stdout


def test_resume_takes_what_is_done_from_the_journal(chainsim: Chainsim, base: str) -> None:
    asked = ("explore", base, "--seeds", "20", *NARROW, "--json")
    first = json.loads(chainsim(*asked).stdout)["sweeps"][0]
    again = json.loads(chainsim(*asked, "--resume").stdout)["sweeps"][0]
    assert (first["resumed"], again["resumed"]) == (0, 20)
    assert first["digest"] == again["digest"]


def test_an_interrupt_keeps_what_is_done(tmp_path: Path, base: str) -> None:
    asked = [sys.executable, "-m", "chainsim", "explore", base, "--seeds", "100000", *NARROW]
    with subprocess.Popen(
        asked, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as sweeping:
        start_ns = wall_clock.now_ns()
        while not list(tmp_path.glob("runs/.explore-*/journal.jsonl")) or (
            next(tmp_path.glob("runs/.explore-*/journal.jsonl")).read_bytes().count(b"\n") < 2
        ):
            assert wall_clock.seconds_since(start_ns) < 60
            Event().wait(0.05)
        os.kill(sweeping.pid, signal.SIGINT)
        out, _ = sweeping.communicate(timeout=60)
    assert sweeping.returncode == 130
    assert b"interrupted; nothing found so far" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--seeds", "9:3"), "holds no seeds"),
        (("--seeds", "many"), "wanted N or N:M"),
        (("--time", "5"), "a duration with its unit"),
        (("--vary", "network.loss"), "wanted PATH=A,B,C"),
        (("--vary", "network.los=0,1"), "did you mean"),
        (("--kinds", "crsh"), 'there is no "crsh"; did you mean "crash"'),
        (("--behaviours", "liar"), 'there is no "liar"'),
        (("--sizes", "four"), "wanted numbers of validators"),
        (("--jobs", "0"), "Usage"),
        (("--strategy", "twins", "--sizes", "4,3"), "3 validators with 0 hostile ones leave none"),
    ],
)
def test_bad_usage_is_two(
    chainsim: Chainsim, base: str, arguments: tuple[str, ...], says: str
) -> None:
    done = chainsim("explore", base, *arguments)
    assert done.returncode == 2
    assert says in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_seeds_and_combinations() -> None:
    assert (seed_range("3"), seed_range("5:9")) == ((0, 3), (5, 9))
    assert combinations(()) == [{}]
    assert combinations(("a=1,2", "b=[1,2],[3]")) == [
        {"a": a, "b": b} for a in ("1", "2") for b in ("[1,2]", "[3]")
    ]
    with pytest.raises(Refused, match="twice"):
        combinations(("a=1", "a=2"))
