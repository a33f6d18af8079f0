"""Several outcomes at once: the contract's order decides."""

from __future__ import annotations

import pytest

from chainsim.exit_codes import ExitCode, decisive


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((), 0),
        ((0, 1), 1),
        ((1, 4), 4),
        ((4, 3), 3),
        ((3, 5), 5),
        ((5, 2), 2),
        ((2, 130), 130),
        ((130, 70), 70),
        ((1, 4, 3, 5, 2, 130, 70), 70),
    ],
)
def test_the_first_that_applies(codes: tuple[int, ...], expected: int) -> None:
    assert decisive(ExitCode(code) for code in codes) == expected
