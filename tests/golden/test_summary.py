"""The terminal's summary, frame by frame, narrow and wide, good and bad."""

from __future__ import annotations

import io
from collections.abc import Callable

import msgspec
import pytest
from rich.console import Console

from chainsim.run_summary import (
    Auction,
    AuctionRow,
    Beside,
    CheckLine,
    ExpectationLine,
    FaultLine,
    Figure,
    Finality,
    FirstViolation,
    Messages,
    MisbehaviourLine,
    NodeLine,
    Pace,
    RunSummary,
    Settlement,
    Transactions,
    WatcherLine,
    from_json,
    to_json,
)
from chainsim.summary import print_summary


def bid(number: str, price: str, amount: str, yields: tuple[str, str]) -> AuctionRow:
    return AuctionRow(
        bid=number,
        bidder="dealer-a",
        price=price,
        amount=amount,
        allotted=amount,
        figures={
            "bid_yield_pct": Figure(ours=yields[0], published=yields[1]),
            "realised_pkr_m": Figure(ours="0.957", published="0.957"),
        },
    )


def auction(differs: bool) -> Auction:
    return Auction(
        series="PIB-3Y",
        title="51st auction",
        state="SETTLED",
        source="the State Bank of Pakistan",
        rows=(
            bid("1", "95.6713", "1.000", ("8.9934", "8.9934")),
            bid("2", "95.6574", "2000.000", ("9.0000", "9.0001" if differs else "9.0000")),
        ),
        totals={"target": "40000.000", "cut-off": "94.9435"},
    )


GOOD = RunSummary(
    scenario="coupon-day",
    title="Coupon day while Karachi is cut off",
    seed=7,
    digest="0a1b2c3d4e5f60718293",
    ok=True,
    exit_code=0,
    virtual_time_us=97_400_000,
    wall_s=6.312,
    height=212,
    views={"mof": 1, "sbp": 1},
    view_changes=1,
    messages=Messages(
        sent=48_231,
        delivered=47_110,
        dropped=1_121,
        by_type={"commit": 8_000, "pre-prepare": 1_272, "new-view": 6, "prepare": 7_000},
    ),
    transactions=Transactions(
        submitted=412, final=412, failed=1, by_code={"E_LICENCE": 1, "OK": 411}
    ),
    finality_us=Finality(p50=312_000, p99=2_412_000, max=2_900_120),
    checks=(
        CheckLine(name="agreement", kind="safety", ok=True, detail="212 heights, 2 validators"),
        CheckLine(
            name="conservation",
            kind="money",
            ok=True,
            detail="the sum of 3 assets equals what was minted less what was burned, always",
        ),
    ),
    expectations=(
        ExpectationLine(name="liveness", ok=True, wanted="recovers within 10s", got="recovers"),
        ExpectationLine(name="min_height", ok=True, wanted="at least 100", got="212"),
        ExpectationLine(name="receipts BID OK", ok=True, wanted="14", got="14"),
        ExpectationLine(name="workload[0].steps[0] X of a", ok=True, wanted="OK", got="OK"),
        ExpectationLine(name="workload[0].steps[1] X of a", ok=True, wanted="OK", got="OK"),
    ),
    misbehaviour=(),
    state_root="ab" * 32,
    settlement=Settlement(dvp={"settled": 40}, auctions=(auction(differs=False),)),
    run_dir="runs/coupon-day-7-0a1b2c3d",
    version="0.1.0",
    nodes=(
        NodeLine(id="mof", role="ministry", city="islamabad", up=True, height=212, view=1),
        NodeLine(id="sbp", role="central-bank", city="karachi", up=True, height=212, view=1),
    ),
    faults=(
        FaultLine(kind="crash", nodes=("mof",), from_us=5_000_000, until_us=15_000_000),
        FaultLine(
            kind="partition",
            nodes=("mof", "sbp", "bank-a"),
            from_us=50_000_000,
            index=1,
            groups=(("mof", "sbp"), ("bank-a",)),
        ),
        FaultLine(kind="byzantine", nodes=("sbp",), from_us=0, index=2, behaviour="silent"),
    ),
    finality_stages_us={"ordered": 120_500, "final": 900},
    watchers=(
        WatcherLine(id="auditor", height=210, receipts=12, balances=3, committee_changes=2),
        WatcherLine(id="press", height=200, receipts=1, balances=0, committee_changes=0),
    ),
    beside=Beside(
        disturbed=Pace(
            submitted=1412,
            final=1412,
            throughput_per_hour=44_280,
            finality_us=Finality(p50=312_000, p99=2_412_000, max=2_900_120),
            view_changes=1,
        ),
        undisturbed=Pace(
            submitted=1412,
            final=1412,
            throughput_per_hour=71_390,
            finality_us=Finality(p50=104_000, p99=141_000, max=150_000),
            view_changes=0,
        ),
        digest="cd" * 32,
    ),
)

BAD = msgspec.structs.replace(
    GOOD,
    watchers=(
        WatcherLine(
            id="auditor",
            height=60,
            receipts=1200,
            balances=1,
            committee_changes=1,
            liars=("mof", "sbp"),
            skipped=5,
            stopped="two histories are certified",
        ),
    ),
    ok=False,
    exit_code=3,
    checks=(
        CheckLine(name="agreement", kind="safety", ok=False, detail="two digests at height 12"),
    ),
    expectations=(
        ExpectationLine(name="min_height", ok=False, wanted="at least 999", got="212"),
        ExpectationLine(name="workload[0].steps[0] X of a", ok=True, wanted="OK", got="OK"),
        ExpectationLine(name="workload[0].steps[1] X of a", ok=False, wanted="OK", got="E_DUP"),
    ),
    misbehaviour=(MisbehaviourLine(node="exchange-c", kind="conflicting-commit", evidence="x"),),
    settlement=Settlement(auctions=(auction(differs=True),)),
    finality_us=Finality(),
    finality_stages_us={},
    beside=Beside(
        disturbed=Pace(
            submitted=9, final=0, throughput_per_hour=0, finality_us=Finality(), view_changes=7
        ),
        undisturbed=Pace(
            submitted=9,
            final=9,
            throughput_per_hour=1830,
            finality_us=Finality(p50=104_000, p99=141_000, max=150_000),
            view_changes=0,
        ),
        digest="cd" * 32,
    ),
    nodes=(
        NodeLine(id="mof", role="ministry", city="islamabad", up=False, height=9, view=0),
        NodeLine(
            id="sbp",
            role="central-bank",
            city="karachi",
            up=True,
            height=212,
            view=1,
            active=False,
            waits_for="1 more VIEW-CHANGE for view 2",
        ),
        NodeLine(id="bank-a", role="bank", city="karachi", up=True, height=200, view=1),
    ),
    first_violation=FirstViolation(
        check="agreement",
        at_us=12_300_000,
        node="sbp",
        height=12,
        meaning="somebody was paid on one chain and not on the other",
    ),
)

REPLAY = [("replay", f".venv/bin/python -m chainsim replay {GOOD.run_dir} --verify")]


def frame(summary: RunSummary, width: int, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(file=stream, width=width, highlight=False, color_system=None)
    print_summary(console, summary, REPLAY)
    stream.flush()
    text = raw.getvalue().decode(encoding)
    return "".join(line.rstrip() + "\n" for line in text.splitlines())


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize(("name", "summary"), [("good", GOOD), ("bad", BAD)])
def test_frames(
    golden: Callable[[str, str], None], name: str, summary: RunSummary, width: int
) -> None:
    text = frame(summary, width)
    folded = [line for line in text.splitlines() if "replay" not in line]
    assert max(map(len, folded)) <= width
    golden(f"summary-{name}-{width}.txt", text)


def test_an_ascii_terminal_gets_ascii() -> None:
    text = frame(BAD, 80, encoding="ascii")
    assert "X FAILS" in text
    assert "ok equal" not in text


def test_of_a_run_cut_short_nothing_that_was_to_come_is_judged() -> None:
    unseen = CheckLine(name="sometimes", kind="coverage", ok=False, detail="never saw crash")
    violation = FirstViolation(check="sometimes", at_us=1, node="", height=0, meaning="never")
    cut = msgspec.structs.replace(
        BAD,
        exit_code=130,
        ended="interrupted",
        checks=(*GOOD.checks, unseen),
        first_violation=violation,
    )
    text = frame(cut, 80)
    assert "interrupted; what was done so far is kept: 2 of 2 checks hold" in text
    assert "FAILS" not in text
    assert "first violation" not in text
    broken = msgspec.structs.replace(cut, checks=BAD.checks, first_violation=BAD.first_violation)
    assert "first violation: agreement at 12.3 s" in frame(broken, 80)


def test_the_command_to_copy_is_one_line() -> None:
    assert any(line.endswith("--verify") for line in frame(GOOD, 40).splitlines())


def test_json_brings_back_the_same_frame() -> None:
    again = from_json(to_json(GOOD).encode())
    assert frame(again, 80) == frame(GOOD, 80)
