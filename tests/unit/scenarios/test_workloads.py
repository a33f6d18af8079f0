"""Workloads: pure functions from genesis and seed to submissions in order of time."""

from __future__ import annotations

import datetime
from pathlib import Path

import msgspec
import pytest

from nodes.ledger.transactions import (
    AuctionAllot,
    AuctionClose,
    Bid,
    CashMint,
    DayOpen,
    DvpPropose,
    FxFixing,
    Money,
    Transfer,
    decode,
)
from scenarios.genesis import make_genesis
from scenarios.keys import Keys
from scenarios.loader import load, load_text, shipped
from scenarios.schema import Scenario
from scenarios.workload import Submission
from scenarios.workload.auction import Auction, bid_log
from scenarios.workload.bodies import read_body
from scenarios.workload.plan import number, submissions

DATA = Path(__file__).parents[3] / "scenarios" / "data"


def plan(scenario: Scenario) -> list[Submission]:
    keys = Keys(scenario.seed, "fast")
    return list(submissions(scenario, make_genesis(scenario, keys), keys))


def bodies(scenario: Scenario, type_name: str) -> list[object]:
    found: list[object] = []
    for submission in plan(scenario):
        transaction = decode(submission.operation)
        assert transaction is not None, submission
        assert transaction.type == submission.type
        if transaction.type == type_name:
            found.append(transaction.body)
    return found


@pytest.mark.parametrize("name", shipped())
def test_plans_are_pure_ordered_and_inside_the_run(name: str) -> None:
    scenario = load(name)
    first = plan(scenario)
    assert first == plan(scenario)
    times = [submission.at_us for submission in first]
    assert times == sorted(times)
    assert times[-1] < scenario.duration


def test_request_numbers_count_from_1_for_each_client() -> None:
    numbers: dict[str, list[int]] = {}
    for submission, count in number(iter(plan(load("sovereign-day")))):
        numbers.setdefault(submission.party, []).append(count)
    assert all(counts == list(range(1, len(counts) + 1)) for counts in numbers.values())


def transfers(**changes: str) -> Scenario:
    settings = "".join(f"{name} = {value}\n" for name, value in changes.items())
    return load_text(
        'name = "t"\nduration = "30s"\nvalidators = 4\n[[workload]]\nkind = "transfers"\n'
        + settings
    )


class TestTransfers:
    def test_rate_start_and_stop(self) -> None:
        scenario = transfers(rate='"3/s"', start='"2s"', stop='"5s"')
        times = [submission.at_us for submission in plan(scenario)]
        assert times == [2_000_000 + k * 1_000_000 // 3 for k in range(9)]

    def test_a_rate_that_no_interval_divides_stays_exact(self) -> None:
        scenario = transfers(rate='"7/m"', start='"0s"', stop='"30s"')
        assert [s.at_us for s in plan(scenario)] == [0, 8_571_428, 17_142_857, 25_714_285]

    def test_amounts_and_accounts_keep_to_their_bounds(self) -> None:
        scenario = transfers(
            rate='"50/s"',
            stop='"9s"',
            between='["dealer-a/cash", "dealer-c/cash"]',
            smallest='"0.01 PKR"',
            largest='"0.03 PKR"',
        )
        found = bodies(scenario, "TRANSFER")
        assert len(found) == 400
        pairs = set()
        for body in found:
            assert isinstance(body, Transfer)
            assert 1 <= body.amount.amount <= 3
            assert body.amount.asset == "PKR"
            pairs.add((body.source, body.target))
        accounts = ("dealer-a/cash", "dealer-c/cash")
        assert pairs == {accounts, accounts[::-1]}

    def test_the_seed_decides(self) -> None:
        scenario = transfers(rate='"5/s"', stop='"9s"')
        other = msgspec.structs.replace(scenario, seed=2)
        assert plan(scenario) != plan(other)

    def test_a_workload_before_it_shifts_no_draw(self) -> None:
        """Streams are named by place: what a second one draws hangs on itself alone."""
        one = transfers(rate='"5/s"', stop='"9s"')
        twice = msgspec.structs.replace(one, workload=(*one.workload, *one.workload))
        alone = {s.operation for s in plan(one)}
        with_other = [s for s in plan(twice) if s.path.startswith("workload[0]")]
        assert [s.operation for s in with_other] == [s.operation for s in plan(one)]
        others = {s.operation for s in plan(twice) if s.path.startswith("workload[1]")}
        assert alone != others


class TestAuction:
    def test_the_log_is_the_published_one(self) -> None:
        bids = bid_log("pib-51-3y")
        assert len(bids) == 14
        assert sum(bid.amount for bid in bids) == 1_160_100_000_000
        assert bids[0].amount == 100_000_000
        assert bids[13].price_e4 == 949_435

    def test_all_fits_the_real_target(self) -> None:
        (close,) = bodies(load("sovereign-day"), "AUCTION_CLOSE")
        assert isinstance(close, AuctionClose)
        assert (close.cutoff_e4, close.amount) == (949_435, 1_160_100_000_000)
        (allot,) = bodies(load("sovereign-day"), "AUCTION_ALLOT")
        assert isinstance(allot, AuctionAllot)
        assert [a.amount for a in allot.allotments] == [b.amount for b in bid_log("pib-51-3y")]

    def test_a_smaller_target_ties_the_last_two(self) -> None:
        scenario = load("sovereign-day", ["workload[1].target=10130000000.00 PKR"])
        (allot,) = bodies(scenario, "AUCTION_ALLOT")
        assert isinstance(allot, AuctionAllot)
        millions = {a.reference: a.amount // 100_000_000 for a in allot.allotments}
        assert (millions[13], millions[14]) == (800, 200)
        assert sum(millions.values()) == 10_130 - 29

    def test_the_desk_may_decide_otherwise(self) -> None:
        scenario = load("sovereign-day", ["workload[1].cut_off=94.9853"])
        auction = scenario.workload[1]
        assert isinstance(auction, Auction)
        assert auction.decision() == (949_853, 735_100_000_000)
        scenario = load("sovereign-day", ["workload[1].accept=5000000000.00 PKR"])
        auction = scenario.workload[1]
        assert isinstance(auction, Auction)
        assert auction.decision()[1] == 500_000_000_000

    def test_bids_go_to_the_dealers_in_turn(self) -> None:
        found = [s.party for s in plan(load("sovereign-day")) if s.type == "BID"]
        assert found == [f"pd-{1 + index % 7}" for index in range(14)]
        bids = bodies(load("sovereign-day"), "BID")
        assert all(isinstance(bid, Bid) and bid.cash_account.endswith("/cash") for bid in bids)


class TestDays:
    TEXT = """
name = "d"
duration = "100s"
validators = 4
[calendar]
start = 2021-03-22
day = "20s"
[genesis]
calendar = "pakistan-2021"
[[workload]]
kind = "days"
pkr_per_usd = 157.1
"""

    def test_days_skip_holidays_and_the_rate_follows(self) -> None:
        scenario = load_text(self.TEXT)
        opened = bodies(scenario, "DAY_OPEN")
        # 23 March is Pakistan Day; 27 and 28 are a weekend.
        expected = [22, 24, 25, 26, 29]
        assert opened == [DayOpen(date=datetime.date(2021, 3, day)) for day in expected]
        fixed = bodies(scenario, "FX_FIX")
        assert fixed[1] == FxFixing(date=datetime.date(2021, 3, 24), rate_e4=1_571_000)
        times = [s.at_us for s in plan(scenario) if s.type == "DAY_OPEN"]
        assert times == [500_000 + k * 20_000_000 for k in range(5)]

    def test_count_stops_them(self) -> None:
        scenario = load_text(self.TEXT, overrides=["workload[0].count=2"])
        assert len(bodies(scenario, "DAY_OPEN")) == 2


class TestBodies:
    KEYS = Keys(1, "fast")

    def read(self, type_name: str, **fields: object) -> object:
        found: list[str] = []
        body = read_body(type_name, fields, self.KEYS, lambda path, _: found.append(path))
        assert (body is None) == bool(found)
        return body if body is not None else found

    def test_money_times_and_decimals_become_the_ledgers_integers(self) -> None:
        assert self.read("CASH_MINT", account="a", amount="1.50 PKR") == CashMint(
            account="a", amount=Money("PKR", 150)
        )
        close = self.read("AUCTION_CLOSE", auction="a", cutoff="94.9435", amount="10.00 PKR")
        assert close == AuctionClose(auction="a", cutoff_e4=949_435, amount=1000)
        leg = {"source": "a", "target": "b", "amount": "5 PIB"}
        dvp = self.read(
            "DVP_PROPOSE", id="d", counterparty="b", delivery=leg, payment=leg, deadline="30s"
        )
        assert isinstance(dvp, DvpPropose)
        assert dvp.deadline_us == 30_000_000
        assert dvp.delivery.amount == Money("PIB", 5)

    def test_everything_wrong_is_said(self) -> None:
        assert self.read("CASH_MINT", acount="a", amount="1.505 PKR") == [
            "body.acount",
            "body.amount",
            "body.account",
        ]
        assert self.read("CASH_MINT", account="a", amount="0.00 PKR") == ["body.amount.amount"]
        assert self.read("NOTHING") == ["tx"]
        leg = {"source": "a", "target": "b", "amount": "5 PIB"}
        wrong = self.read(
            "DVP_PROPOSE", id=1, counterparty="b", delivery=leg, payment={}, deadline=-1
        )
        legs = [f"body.payment.{name}" for name in ("source", "target", "amount")]
        assert wrong == ["body.id", *legs]

    def test_a_new_partys_key_is_its_own(self) -> None:
        body = self.read("PARTY_REGISTER", id="investor-1", role="investor")
        assert body.public_key == self.KEYS.party("investor-1").public_key  # type: ignore[attr-defined]


def test_shipped_bids_are_the_bytes_of_the_source() -> None:
    """The published log is input that nobody edits."""
    text = (DATA / "pib-51-3y-bids.csv").read_text(encoding="utf-8")
    assert text.splitlines()[13].startswith("13,2000.000,94.9435,11101.000,1898.870")
