"""Two ledgers that share no code agree on every receipt and every balance."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from nodes.ledger.execution import Ledger
from scenarios.rng import Stream
from tests.properties.two_ledgers import START, TwoLedgers


class Machine(RuleBasedStateMachine):
    """Blocks of a few random acts, some after a pause that lets instructions expire."""

    def __init__(self) -> None:
        super().__init__()
        self.both = TwoLedgers()

    @rule(seeds=st.lists(st.integers(0, 2**20), min_size=1, max_size=4),
          after_us=st.sampled_from([1, 1_000, 20_000]))  # fmt: skip
    def block(self, seeds: list[int], after_us: int) -> None:
        acts = [self.both.act(Stream(seed, "act")) for seed in seeds]
        self.both.block(acts, after_us)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


def walk(seed: int, count: int) -> TwoLedgers:
    """So many acts, one to a block."""
    both, stream = TwoLedgers(), Stream(seed, "walk")
    for _ in range(count):
        both.block([both.act(stream)], 1 + stream.below(2_000))
    return both


def test_walks_reach_what_they_should() -> None:
    """A thousand acts: most types succeed somewhere, most codes occur."""
    codes: dict[tuple[str, str], int] = {}
    for seed in range(4):
        for name, count in walk(seed, 250).codes.items():
            codes[name] = codes.get(name, 0) + count
    succeeded = {kind for kind, code in codes if code == "OK"}
    assert succeeded >= {
        "TRANSFER", "CASH_MINT", "CASH_BURN", "DVP_PROPOSE", "DVP_ACCEPT", "DVP_SETTLE",
        "DVP_CANCEL", "FREEZE", "UNFREEZE", "FORCED_TRANSFER", "PAUSE", "UNPAUSE", "CLAIM_ADD",
        "CLAIM_REVOKE", "ACCOUNT_OPEN", "PARTY_REGISTER", "DAY_OPEN", "COUPON_DECLARE",
        "COUPON_PAY", "REDEEM", "LICENCE_SET", "FX_FIX",
    }  # fmt: skip
    assert len({code for _, code in codes}) >= 25


def test_the_same_acts_give_the_same_roots() -> None:
    first, second = walk(99, 60), walk(99, 60)
    assert first.desk.roots() == second.desk.roots()
    assert first.desk.roots() != (Ledger(START).state_root, Ledger(START).reply_root)
