"""A sweep on a dask.distributed cluster: a real scheduler and two workers, on loopback."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event

import pytest

from chainsim import wall_clock
from chainsim.explore.chunks import CHUNK
from chainsim.explore.cluster import NoCluster
from chainsim.explore.executors import opened
from chainsim.explore.journal import NAME
from tests.unit.cli.conftest import ROOT, Chainsim, environment
from tests.unit.explore.support import QUICK

pytest.importorskip("distributed", reason="the extra cluster is wanted")

BOUND_S = 120
"""For anything that is waited for."""
ASKED = ("explore", "./base.toml", "--kinds", "partition,crash", "--no-shrink", "--json")
SHORT = ("--set", "expect.within=40ms")
"""Too short to recover in: many seeds fail."""

Process = subprocess.Popen[bytes]


@contextmanager
def started(*command: str, folder: Path) -> Iterator[Process]:
    """A process that is gone afterwards, whatever happened."""
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=ROOT, env=environment(), stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(BOUND_S)


@contextmanager
def cluster(folder: Path, threads: str = "1", workers: int = 2) -> Iterator[tuple[str, Process]]:
    """The scheduler's address, and one of the workers."""
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    quiet = ("--no-dashboard", "--scheduler-file", str(file))
    with ExitStack() as stack:
        scheduler = ("distributed.cli.dask_scheduler", "--host", "tcp://127.0.0.1", "--port", "0")
        stack.enter_context(started(*scheduler, "--no-show", *quiet, folder=folder))
        worker = ("distributed.cli.dask_worker", "--nthreads", threads, "--no-nanny")
        where = ("--host", "127.0.0.1", "--local-directory", str(folder))
        several = [
            stack.enter_context(started(*worker, *where, *quiet, folder=folder))
            for _ in range(workers)
        ]
        wait_for(lambda: file.exists() and file.stat().st_size > 0)
        address = str(json.loads(file.read_text())["address"])
        log = folder / "log"
        wait_for(lambda: log.read_text().count("Registered to:") >= workers)
        yield address, several[-1]


def wait_for(what: object) -> None:
    start_ns = wall_clock.now_ns()
    while not what():  # type: ignore[operator]
        assert wall_clock.seconds_since(start_ns) < BOUND_S, "it didn't come"
        Event().wait(0.05)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "base.toml").write_text(QUICK)
    return tmp_path


def test_the_same_finds_as_here_though_a_worker_is_killed_in_mid_sweep(
    chainsim: Chainsim, base: Path
) -> None:
    seeds = ("--seeds", str(5 * CHUNK), *SHORT)
    local = json.loads(chainsim(*ASKED, *seeds, "--out", "local").stdout)["sweeps"][0]
    assert 0 < local["failures"] < local["runs"]
    with cluster(base) as (address, worker):
        asked = (*ASKED, *seeds, "--out", "far", "--executor", f"dask:{address}")
        sweep = subprocess.Popen(
            [sys.executable, "-m", "chainsim", *asked],
            cwd=base,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            wait_for(lambda: _chunks(base / "far") or sweep.poll() is not None)
            assert 0 < _chunks(base / "far") < 5, "in mid-sweep"
            worker.send_signal(signal.SIGKILL)
            told, complaints = sweep.communicate(timeout=BOUND_S)
        finally:
            sweep.kill()
    far = json.loads(told)["sweeps"][0]
    same = ("runs", "failures", "digest", "coverage", "exit_code", "lost", "interrupted")
    assert {name: far[name] for name in same} == {name: local[name] for name in same}, complaints
    assert [_plain(group) for group in far["groups"]] == [_plain(g) for g in local["groups"]]


def _chunks(folder: Path) -> int:
    journals = list(folder.glob(f".explore-*/{NAME}"))
    return journals[0].read_bytes().count(b'"chunk":{') if journals else 0


def _plain(group: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in group.items() if name != "run_dir"}


def test_a_cluster_that_can_t_be_used_is_refused(chainsim: Chainsim, base: Path) -> None:
    with cluster(base, threads="2", workers=1) as (address, _):
        done = chainsim(*ASKED, "--executor", f"dask:{address}")
    assert done.returncode == 2
    assert "more than one thread" in done.stderr
    assert "--nthreads 1" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--executor", "dask:nonsense://x"), "no scheduler answers"),
        (("--executor", "cloud"), "wanted local or dask:ADDRESS"),
        (("--executor", "dask:tcp://127.0.0.1:1", "--jobs", "2"), "--jobs is for processes here"),
    ],
)
def test_no_cluster_is_bad_usage(
    chainsim: Chainsim, base: Path, arguments: tuple[str, ...], says: str
) -> None:
    done = chainsim(*ASKED, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(NoCluster, match=r"chainsim\[cluster\]"), opened("dask:tcp://x:1", 1):
        pass
