"""What all tests share: the golden fixture and Hypothesis' settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# The kit's fixtures, and pytest's own for tests of a plugin. An installed chainsim registers the
# kit by itself, under the same name.
pytest_plugins = ["chainsim.pytest_plugin", "pytester"]

GOLDEN = Path(__file__).parent / "golden"

# No deadline: a slow machine isn't a bug. Derandomised: a red build is red for everybody.
settings.register_profile("chainsim", deadline=None, derandomize=True)
settings.load_profile("chainsim")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--golden-update",
        action="store_true",
        help="write golden files anew instead of comparing with them",
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden(name, text)``: ``text`` must equal ``tests/golden/<name>``."""
    update = bool(request.config.getoption("--golden-update"))

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if update:
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"no {path.name}: make golden-update writes it, then review it"
        assert text == path.read_text(encoding="utf-8")

    return compare
