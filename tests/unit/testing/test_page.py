"""What docs/your-own-protocol.md shows is what happens, and its example is short."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
from hypothesis import Phase, settings

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


def test_the_example_is_short() -> None:
    lines = (ROOT / "docs/examples/two_phase.py").read_text("utf-8").splitlines()
    assert len(lines) < 100
