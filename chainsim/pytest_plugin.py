"""What the test kit adds to pytest.

- the fixture ``cluster``: ``chainsim.testing.cluster``, under the test's seed;
- the marker ``seeds``: ``@pytest.mark.seeds(50)`` runs a test for each of 50 seeds, and
  ``--chainsim-seeds N`` (or ``N:M``) for as many others as you like;
- when a test fails, its clusters are left in ``runs/``, and the report says how to replay them.

pytest loads this module at its start, so that it imports nothing of chainsim before it must.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from chainsim.run_summary import RunSummary
    from chainsim.testing import Cluster

MOST_SAVED: Final = 2
"""Clusters of one failed test that are saved: those made last."""
_RANGE: Final = re.compile(r"([0-9]+)(?::([0-9]+))?")
_MADE = pytest.StashKey[list["Cluster"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--chainsim-seeds``."""
    parser.getgroup("chainsim").addoption(
        "--chainsim-seeds",
        metavar="N[:M]",
        help="run tests marked with seeds for seeds 0 to N-1, or N to M-1",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker, and refuses a wrong option before anything runs."""
    config.addinivalue_line("markers", "seeds(count): run once for each of the seeds 0 to count-1")
    _asked(config)


def _asked(config: pytest.Config) -> range | None:
    text: str | None = config.getoption("--chainsim-seeds")
    if text is None:
        return None
    found = _RANGE.fullmatch(text)
    seeds = range(0)
    if found is not None:
        seeds = range(int(found[1]), int(found[2])) if found[2] else range(int(found[1]))
    if not seeds:
        raise pytest.UsageError(f"--chainsim-seeds: wanted N or N:M with N below M, got {text!r}")
    return seeds


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Makes one test of each seed."""
    marker = metafunc.definition.get_closest_marker("seeds")
    if marker is None:
        return
    where = metafunc.definition.nodeid
    if "chainsim_seed" not in metafunc.fixturenames:
        raise pytest.UsageError(f"{where} is marked with seeds, but uses no cluster")
    count = marker.args[0] if len(marker.args) == 1 and not marker.kwargs else None
    if not isinstance(count, int) or count < 1:
        raise pytest.UsageError(f"{where}: wanted seeds(count) with a count above zero")
    seeds = _asked(metafunc.config) or range(count)
    metafunc.parametrize("chainsim_seed", seeds, ids=[f"seed{seed}" for seed in seeds])


@pytest.fixture
def chainsim_seed() -> int:
    """The seed of this test: 1, unless it is marked with ``seeds``."""
    return 1


@pytest.fixture
def cluster(request: pytest.FixtureRequest, chainsim_seed: int) -> Callable[..., Cluster]:
    """``chainsim.testing.cluster`` under the test's seed; failures can be replayed."""
    from chainsim import testing

    made: list[Cluster] = request.node.stash.setdefault(_MADE, [])

    def make(n: int = 4, **options: Any) -> Cluster:
        options.setdefault("seed", chainsim_seed)
        made.append(testing.cluster(n, **options))
        return made[-1]

    return make


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leaves the clusters of a failed test in ``runs/``."""
    report = yield
    if report.failed and call.when == "call" and call.excinfo is not None:
        made: list[Cluster] = item.stash.get(_MADE, [])
        clusters = made[-MOST_SAVED:]
        culprit: Cluster | None = getattr(call.excinfo.value, "cluster", None)
        if culprit is not None and not any(each is culprit for each in clusters):
            clusters.append(culprit)
        for each in clusters:
            report.sections.append(("chainsim", _saved(each)))
    return report


def _saved(cluster: Cluster) -> str:
    """Saves a run and says how to have it again; never raises."""
    from chainsim import run_folder
    from chainsim.recorded_run import RunFailed, run_recorded

    try:
        scenario = cluster.scenario
        with_code = _path_of(scenario.consensus.protocol)
        try:
            summary = run_recorded(scenario, run_folder.RUNS, "milestones")
        except RunFailed as failure:
            line = f"{with_code}python -m chainsim replay {failure.folder}"
            return f"{line}\nIt ends in {failure.__cause__!r}."
        line = f"{with_code}python -m chainsim replay {summary.run_dir}"
        return f"{line}\n{_verdict(summary)}{_beware(cluster)}"
    except Exception as error:  # the test's own failure is what must be seen
        return f"The run couldn't be saved: {type(error).__name__}: {error}"


def _verdict(summary: RunSummary) -> str:
    head = f"Seed {summary.seed}, {summary.virtual_time_us} us, digest {summary.digest[:16]}: "
    broken = [check.name for check in summary.checks if not check.ok]
    return head + (f"breaks {', '.join(broken)}." if broken else "no property is broken.")


def _beware(cluster: Cluster) -> str:
    if cluster.reproduces():
        return ""
    return "\nBeware: the file gives another run, as the test changes more than the kit knows of."


def _path_of(protocol: str) -> str:
    """``PYTHONPATH=… `` if the module of a protocol of one's own lies elsewhere than here."""
    module, colon, _ = protocol.partition(":")
    file = getattr(sys.modules.get(module), "__file__", None)
    if not colon or file is None:
        return ""
    folder = Path(file).parents[module.count(".")]
    here = Path.cwd()
    if folder == here:
        return ""
    inside = folder.is_relative_to(here)
    return f"PYTHONPATH={folder.relative_to(here) if inside else folder} "
