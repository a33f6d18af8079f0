"""As ``two_ledgers``, where securities are issued: auctions, sukuk, metal, cap and validators."""

from __future__ import annotations

import datetime
from fractions import Fraction
from typing import Any

from msgspec.structs import replace

from nodes.ledger.genesis import Policies, Seat
from nodes.ledger.records import FederalAsset, Series
from scenarios.rng import Stream
from tests.properties import two_ledgers
from tests.properties.naive_ledger import next_day
from tests.properties.naive_market import NaiveMarket, up
from tests.properties.two_ledgers import BOND, FIRST, MAKERS, SHORT, Act, TwoLedgers
from tests.unit.ledger.support import MILLION, key, money

CAP_CENTS = 250_000_000
SEATS = ("node-1", "node-2", "node-3", "node-4", "exchange-b")
NEW_SUKUK = tuple(f"gis-new-{number}" for number in range(3))
"""Defined in genesis, and bid in rates until an auction sets their rental."""
START = replace(
    two_ledgers.START,
    assets=tuple(
        FederalAsset(id=f"port-{n}", title=f"port {n}", value=500 * MILLION) for n in range(3)
    ),
    series=(
        *two_ledgers.START.series,
        *(
            Series(
                id=id_,
                instrument="sukuk",
                issue_date=datetime.date(2021, 2, 5),
                maturity_date=datetime.date(2024, 2, 5),
                denomination=10_000_000,
                issuer_account="mof/proceeds",
                underlying=f"port-{number}",
            )
            for number, id_ in enumerate(NEW_SUKUK)
        ),
    ),
    validators=tuple(Seat(id=id_, public_key=key(f"{id_} votes")) for id_ in SEATS),
    policies=Policies(programme_cap_cents=CAP_CENTS),
    checkpoint_interval=2,
    window=4,
)
SERIES = (
    *(BOND.id,) * 3, *(SHORT.id,) * 2, *NEW_SUKUK, *NEW_SUKUK, *("gis-1",) * 2, *("gis-2",) * 2,
    "pib-ruled", "gold", "odd",
)  # fmt: skip
DEALERS = ("dealer-1", "dealer-2")
SIZES = tuple(n * MILLION for n in (1, 10, 20, 60, 100, 150, 300))


def naive_market() -> NaiveMarket:
    """The naive market at the same beginning."""
    locks: dict[tuple[str, str], int] = {}
    for item in START.balances:
        if item.fx_rate_e4:
            cents = up(Fraction(item.amount * 10_000, item.fx_rate_e4))
            locks[item.account, item.asset] = locks.get((item.account, item.asset), 0) + cents
    return NaiveMarket(
        cap=CAP_CENTS,
        members=list(SEATS),
        interval=START.checkpoint_interval,
        window=START.window,
        locks=locks,
        assets={asset.id: asset.value for asset in START.assets},
        fixes=[(fix.date, fix.rate_e4) for fix in START.fx_fixes],
        **two_ledgers.beginning(START),
    )


class TwoMarkets(TwoLedgers):
    """Both markets, block by block; beyond balances also the cap and the committee."""

    naive: NaiveMarket

    def __init__(self) -> None:
        super().__init__(START, naive_market())
        self.keys = 0

    def compare(self) -> None:
        super().compare()
        held = self.desk.ledger._state.of_kind("balance")
        ours = {(k[1], k[2]): b.locked_cents for k, b in held if b.locked_cents}
        assert ours == {k: cents for k, cents in self.naive.s["locks"].items() if cents}
        configuration = self.desk.ledger.configuration
        assert [m.id for m in configuration.members] == self.naive.s["members"]
        coming = configuration.scheduled
        if coming is None:
            assert self.naive.s["coming"] is None
        else:
            assert self.naive.s["coming"] == (coming.effective, [m.id for m in coming.members])

    def auctions(self, status: str) -> list[str]:
        return [id_ for id_, a in self.naive.s["auctions"].items() if a["status"] == status]

    def one(self, stream: Stream, status: str) -> str:
        """An auction, mostly one in this state."""
        known = self.auctions(status)
        return stream.pick(known) if known and stream.below(8) else f"a{stream.below(12)}"


def _open(both: TwoMarkets, stream: Stream) -> Act:
    fields = {
        "id": f"a{stream.below(40)}", "series": stream.pick(SERIES), "target": stream.pick(SIZES),
    }  # fmt: skip
    return "sbp", "AUCTION_OPEN", (), fields


def _bid(both: TwoMarkets, stream: Stream) -> Act:
    dealer = stream.pick(DEALERS)
    id_ = both.one(stream, "OPEN")
    found = both.naive.s["auctions"].get(id_, {"rates": False, "bids": []})
    fields: dict[str, Any] = {
        "auction": id_, "reference": stream.below(6), "amount": stream.pick(SIZES),
        "cash_account": f"{dealer}/main", "securities_account": f"{dealer}/main",
    }  # fmt: skip
    if not stream.below(5):
        client = stream.pick(("sara", "sara", "ali", "dealer-2"))
        fields |= {"cash_account": f"{client}/main", "securities_account": f"{client}/main"}
        fields["amount"] = stream.pick((1, 2, 25, 30)) * MILLION
        return "dealer-1", "BID", (), fields
    if found["rates"] != (not stream.below(12)):
        fields["rate_e4"] = 90_000 + 500 * stream.below(4)
    else:
        fields["price_e4"] = stream.pick((0, *(950_000 + 5_000 * n for n in range(6))))
    return dealer, "BID", (), fields


def _close(both: TwoMarkets, stream: Stream) -> Act:
    id_ = both.one(stream, "OPEN")
    found = both.naive.s["auctions"].get(id_)
    worths = [b["worth"] for b in found["bids"] if b["worth"] is not None] if found else []
    cutoff = stream.pick(worths) if worths else 950_000
    reached = sum(b["amount"] for b in found["bids"] if (b["worth"] or -1 << 60) >= cutoff) if (
        found
    ) else 0  # fmt: skip
    amount = stream.pick((reached, reached, reached // 2, MILLION, 0, stream.pick(SIZES)))
    if found:
        amount = min(amount, found["target"]) // (10 * MILLION) * 10 * MILLION
    fields = {"auction": id_, "cutoff_e4": abs(cutoff), "amount": amount + (not stream.below(20))}
    return "sbp", "AUCTION_CLOSE", (), fields


def _allot(both: TwoMarkets, stream: Stream) -> Act:
    id_ = both.one(stream, "CLOSED")
    found = both.naive.s["auctions"].get(id_)
    gets = both.naive.shares(found) if found and found["status"] == "CLOSED" else {}
    said = [
        {"dealer": b["dealer"], "reference": b["reference"], "amount": gets[b["number"]]}
        for b in (found["bids"] if found else ())
        if b["number"] in gets
    ]
    if said and not stream.below(10):
        said[0] = said[0] | {"amount": int(said[0]["amount"]) + 1}
    return "sbp", "AUCTION_ALLOT", (), {"auction": id_, "allotments": said}


def _settle(both: TwoMarkets, stream: Stream) -> Act:
    return "sbp", "AUCTION_SETTLE", (), {"auction": both.one(stream, "ALLOTTED")}


def _register(both: TwoMarkets, stream: Stream) -> Act:
    number = stream.below(4)
    fields = {"id": f"m{number}", "title": f"deed {stream.pick((number, number, 0))}"}
    worth = money(stream.pick((50, 200, 500)) * MILLION, "PKR" if stream.below(9) else BOND.id)
    return "mof", "ASSET_REGISTER", ("sbp",), fields | {"value": worth}


def _define(both: TwoMarkets, stream: Stream) -> Act:
    id_ = stream.pick(("gis-1", "gis-2", "gold", "gold", "gold-2"))
    fields: dict[str, Any] = {"id": id_, "issuer_account": "mof/proceeds"}
    if id_.startswith("gold"):
        terms = {"instrument": "commodity", "metal": "gold", "denomination": 1}
        return "mof", "SERIES_DEFINE", ("sbp",), fields | terms | {"issue_date": FIRST}
    issue = datetime.date(2021, 2, 5)
    fields |= {
        "instrument": "sukuk", "issue_date": issue, "maturity_date": issue.replace(year=2024),
        "denomination": stream.pick((10_000_000, 10_000_000, 10_000_000, 500_000)),
        "coupon_e4": 92_000 if id_ == "gis-2" else 0,
        "underlying": stream.pick(("m0", "m1", "m2", "m3", "")),
    }  # fmt: skip
    return "mof", "SERIES_DEFINE", ("sbp",), fields


def _attest(both: TwoMarkets, stream: Stream) -> Act:
    series = stream.pick(("gold", "gold", "gold-2", "odd"))
    bars = [
        {"serial": f"b{stream.below(6)}", "fine_units": 400_000, "encumbered": not stream.below(6)}
        for _ in range(1 + stream.below(3))
    ]
    return "vault", "VAULT_ATTEST", (), {"series": series, "bars": bars}


def _metal(both: TwoMarkets, stream: Stream) -> Act:
    owner = stream.pick(("exchange-a", "dealer-1", "ali"))
    fields = {"series": stream.pick(("gold", "gold", "gold-2", "odd")), "account": f"{owner}/main"}
    fields |= {"amount": stream.pick((1, 100, 7_777, 150_000, 400_000))}  # type: ignore[dict-item]
    if stream.below(2):
        return "mof", "COMMODITY_MINT", ("sbp",), fields
    return owner, "COMMODITY_REDEEM", ("vault",) if stream.below(6) else (), fields


def _move_metal(both: TwoMarkets, stream: Stream) -> Act:
    amount = money(stream.pick((1, 99, 7_777)), stream.pick(("gold", "gis-1", BOND.id)))
    source, target = stream.pick(("exchange-a", "dealer-1")), stream.pick(("dealer-2", "ali"))
    fields = {"source": f"{source}/main", "target": f"{target}/main", "amount": amount}
    return source, "TRANSFER", (), fields


def _validators(both: TwoMarkets, stream: Stream) -> Act:
    members = both.naive.s["members"]
    signers = [id_ for id_ in (*SEATS, "node-5") if stream.below(8)]
    sender = stream.pick(signers or ["node-1"])
    change = stream.pick(("add", "remove"))
    who = stream.pick(("node-5", "node-6", "nobody", *members))
    fields: dict[str, Any] = {"change": change, "validator": who}
    if change == "add":
        both.keys += 1
        fields["public_key"] = key(f"seat {both.keys}")
    others = tuple(id_ for id_ in signers if id_ != sender)
    return sender, "VALIDATOR_UPDATE", others, fields


def _day(both: TwoMarkets, stream: Stream) -> Act:
    day = both.naive.s["day"]
    return "sbp", "DAY_OPEN", (), {"date": next_day(day) if day else FIRST}


def _fix(both: TwoMarkets, stream: Stream) -> Act:
    day = both.naive.s["day"] or FIRST
    if stream.below(2):
        return "sbp", "FX_FIX", (), {"date": day, "rate_e4": 1_570_000 + stream.below(9)}
    return "sbp", "PRICE_FIX", (), {"date": day, "metal": "gold", "price_e4": 10**9}


def _revoke(both: TwoMarkets, stream: Stream) -> Act:
    fields = {"party": "exchange-b", "state": stream.pick(("SUSPENDED", "LICENSED", "REVOKED"))}
    return "pvara", "LICENCE_SET", (), fields


TwoMarkets.makers = MAKERS | {
    "open": _open, "bid": _bid, "close": _close, "allot": _allot, "settle": _settle,
    "register": _register, "define": _define, "attest": _attest, "metal": _metal,
    "move metal": _move_metal, "validators": _validators, "next day": _day, "rates": _fix,
    "revoke": _revoke,
}  # fmt: skip
TwoMarkets.kinds = (
    *("open",) * 5, *("bid",) * 14, *("close",) * 4, *("allot",) * 5, *("settle",) * 5,
    *("register",) * 2, *("define",) * 3, *("attest",) * 3, *("metal",) * 4, *("move metal",) * 2,
    *("validators",) * 2, *("next day",) * 3, *("rates",) * 4, "transfer", "propose", "go on",
    "go on", "freeze", "force", "cash", "redeem", "revoke", "revoke", "stranger",
)  # fmt: skip
