"""Two markets that share no code agree on receipts, balances, the cap and who validates."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from scenarios.rng import Stream
from tests.properties.two_markets import TwoMarkets
from tests.simulation import broken_guards
from tests.simulation.broken_guards import Patch


class Machine(RuleBasedStateMachine):
    """Blocks of a few random acts."""

    def __init__(self) -> None:
        super().__init__()
        self.both = TwoMarkets()

    @rule(seeds=st.lists(st.integers(0, 2**20), min_size=1, max_size=4))
    def block(self, seeds: list[int]) -> None:
        self.both.block([self.both.act(Stream(seed, "act")) for seed in seeds])


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=10, stateful_step_count=30, deadline=None)


def walk(seed: int, count: int) -> TwoMarkets:
    """So many acts, one to a block."""
    both, stream = TwoMarkets(), Stream(seed, "walk")
    for _ in range(count):
        both.block([both.act(stream)], 1 + stream.below(2_000))
    return both


def test_walks_reach_what_they_should() -> None:
    """A thousand acts: what the market adds succeeds somewhere, and fails for its reasons."""
    seen: set[tuple[str, str]] = set()
    for seed in range(4):
        seen |= set(walk(seed, 250).codes)
    assert {kind for kind, code in seen if code == "OK"} >= {
        "ASSET_REGISTER", "SERIES_DEFINE", "AUCTION_OPEN", "BID", "AUCTION_CLOSE",
        "AUCTION_ALLOT", "AUCTION_SETTLE", "VAULT_ATTEST", "COMMODITY_MINT", "VALIDATOR_UPDATE",
    }  # fmt: skip
    assert {code for _, code in seen} >= {
        "E_BACKING", "E_CAP", "E_STALE_ATTEST", "E_FX_STALE", "E_LATE", "E_PRICE", "E_QUORUM",
    }  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    [
        broken_guards.no_cap,
        broken_guards.any_allotment,
        broken_guards.attestations_never_age,
        broken_guards.seats_outlive_licences,
        broken_guards.rates_not_ranked,
        broken_guards.locked_rounded_down,
    ],
)
def test_a_broken_ledger_differs(broken: Callable[[], Patch]) -> None:
    """One of a few walks shows it, as a code, a balance or a committee that isn't the other's."""
    with broken(), pytest.raises(AssertionError):
        for seed in range(12):
            walk(seed, 250)
