"""What docs/your-own-protocol.md shows is what happens, and its example is short."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import msgspec
import pytest
from hypothesis import Phase, settings

from chainsim.explore.outcome import run_scenario
from scenarios.loader import load
from tests.unit.cli.conftest import Chainsim, chainsim

__all__ = ["chainsim"]

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs/your-own-protocol.md").read_text("utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TEXT = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def patterns(text: str) -> list[str]:
    """The lines that are shown, with whatever stands for "…" or, elsewhere, before them."""
    return ["*" + line.replace("[", "[[]").replace("…", "*") for line in text.splitlines()]


@pytest.fixture
def quickly() -> Iterator[None]:
    """Hypothesis stops at the first find: how far it shrinks is its own business."""
    settings.register_profile("page", settings(), phases=[Phase.generate])
    settings.load_profile("page")
    yield
    settings.load_profile("chainsim")


def test_by_hand() -> None:
    printed = StringIO()
    with redirect_stdout(printed):
        exec(PYTHON[0], {})
    pytest.LineMatcher(printed.getvalue().splitlines()).fnmatch_lines(patterns(TEXT[0]))


def test_with_pytest(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_page=PYTHON[1])
    result = pytester.runpytest_inprocess("-p", "chainsim.pytest_plugin")
    assert result.parseoutcomes()["failed"] >= 1
    result.stdout.fnmatch_lines(patterns(TEXT[1]))


def test_with_hypothesis(pytester: pytest.Pytester, quickly: None) -> None:
    pytester.makepyfile(PYTHON[2])
    result = pytester.runpytest_inprocess("-p", "chainsim.pytest_plugin")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E *CheckFailed: agreement: *", "*python -m chainsim replay *"])


def test_by_exploring(chainsim: Chainsim) -> None:
    """The line of the page finds the fork and shrinks it; the real protocol stands what is left."""
    line = next(line for line in PAGE.splitlines() if line.startswith("chainsim explore "))
    done = chainsim(*shlex.split(line)[1:], COLUMNS="100")
    assert done.returncode == 3, done.stderr
    pytest.LineMatcher(done.stdout.splitlines()).fnmatch_lines(patterns(TEXT[2]))
    (path,) = Path("runs").glob("*/smallest.toml")
    small = load(f"./{path.as_posix()}")
    assert [found.check for found in run_scenario(small).found][:1] == ["agreement"]
    assert len(small.validators) == 4
    assert 1 <= len(small.faults) <= 3
    consensus = msgspec.structs.replace(small.consensus, protocol="pbft")
    assert run_scenario(msgspec.structs.replace(small, consensus=consensus)).found == ()


def test_the_example_is_short() -> None:
    lines = (ROOT / "docs/examples/two_phase.py").read_text("utf-8").splitlines()
    assert len(lines) < 100
