"""Random acts, valid and not, on the ledger and on the naive one: codes and balances must agree."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from consensus.messages import Request
from nodes.ledger.genesis import Genesis, OpeningBalance
from nodes.ledger.records import Rules, Series
from nodes.ledger.transactions import body_of
from scenarios.rng import Stream
from tests.properties.naive_ledger import NaiveLedger, next_day
from tests.unit.ledger.support import BILL, GENESIS, MILLION, PIB, Desk, key, money

ROOT = Path(__file__).parents[2]
ROLES_CSV = ROOT / "scenarios" / "data" / "roles.csv"
FIRST = datetime.date(2021, 3, 3)
BOND = replace(PIB, issue_date=datetime.date(2019, 3, 5), maturity_date=datetime.date(2022, 3, 5))
"""Coupons on 5 March (Friday) and 5 September 2021."""
SHORT = replace(
    BILL, issue_date=datetime.date(2020, 12, 15), maturity_date=datetime.date(2021, 3, 9)
)
RULED: Series = replace(
    BOND,
    id="pib-ruled",
    rules=Rules(
        countries=("PK",),
        topics=("accredited",),
        max_balance=70 * MILLION,
        window_days=2,
        window_limit=50 * MILLION,
        approval=True,
    ),
)
START = replace(
    GENESIS,
    first_business_day=FIRST,
    parties=tuple(replace(p, country="AE") if p.id == "dealer-2" else p for p in GENESIS.parties),
    series=(BOND, SHORT, RULED),
    balances=(
        *GENESIS.balances,
        *(
            OpeningBalance(account=f"{house}/main", asset=asset, amount=60 * MILLION)
            for house in ("exchange-a", "exchange-b", "dealer-1")
            for asset in ("mtb-364", "pib-ruled")
        ),
        OpeningBalance(account="ali/main", asset="pib-51-3y", amount=30 * MILLION),
        OpeningBalance(account="mof/proceeds", asset="PKR", amount=400 * MILLION),
    ),
)
ASSETS = ("PKR", "pib-51-3y", "mtb-364", "pib-ruled")
AMOUNTS = (1, 500_000, 10_000_000, 10 * MILLION, 20 * MILLION, 30 * MILLION, 60 * MILLION)
HOUSES = ("exchange-a", "exchange-b", "dealer-1", "dealer-2", "ali", "sara")
BLOCK_US = 1_000
Act = tuple[str, str, tuple[str, ...], dict[str, Any]]
"""(sender, type, co-signers, fields)"""


def naive() -> NaiveLedger:
    """The naive ledger at the same beginning."""
    return NaiveLedger(**beginning(START))


def beginning(start: Genesis) -> dict[str, Any]:
    """A genesis in plain values, as the naive ledger takes it."""
    with ROLES_CSV.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = ("id", "role", "licence", "custodian", "country", "verified", "goaml", "incorporated")
    balances: dict[tuple[str, str], int] = {}
    for item in start.balances:
        place = (item.account, item.asset)
        balances[place] = balances.get(place, 0) + item.amount
    return {
        "parties": [{name: getattr(p, name) for name in names} for p in start.parties],
        "accounts": [
            {"id": a.id, "owner": a.owner, "custodian": a.custodian} for a in start.accounts
        ],
        "series": [_terms(item) for item in start.series],
        "balances": balances,
        "rows": rows,
        "first_day": FIRST,
    }


def _terms(item: Series) -> dict[str, Any]:
    """Coupons backward from maturity, every six months: these fall on the 5th."""
    coupons: list[datetime.date] = []
    day = item.maturity_date
    while item.instrument == "pib" and day > item.issue_date:
        coupons.insert(0, day)
        month = day.month - 6
        day = day.replace(year=day.year - (month < 1), month=month if month > 0 else month + 12)
    rules = {
        name: value for name in item.rules.__struct_fields__ if (value := getattr(item.rules, name))
    }
    return {
        "id": item.id,
        "denomination": item.denomination,
        "coupon_e4": item.coupon_e4,
        "coupons": coupons,
        "issue": item.issue_date,
        "maturity": item.maturity_date,
        "instrument": item.instrument,
        "underlying": item.underlying,
        "issuer_account": item.issuer_account,
        "rules": rules,
    }


class TwoLedgers:
    """Both ledgers, block by block."""

    kinds: tuple[str, ...]
    makers: dict[str, Callable[[Any, Stream], Act]]

    def __init__(self, start: Genesis = START, model: NaiveLedger | None = None) -> None:
        self.desk = Desk(start)
        self.naive = model or naive()
        self.codes: dict[tuple[str, str], int] = {}
        self.acts = 0

    def block(self, acts: list[Act], after_us: int = BLOCK_US) -> None:
        """Execute on both, and compare codes and every balance."""
        before_us = self.desk.time_us
        requests: list[Request] = [
            self.desk.request(sender, body_of(kind, fields), cosigners)
            for sender, kind, cosigners, fields in acts
        ]
        outcome = self.desk.block(*requests, after_us=after_us)
        self.naive.at(outcome.time_us if acts else before_us)
        for act, receipt in zip(acts, outcome.receipts, strict=True):
            expected = self.naive.do(act[0], act[1], act[2], act[3])
            assert receipt.code == expected, (act, receipt, expected)
            assert all(posting.delta for posting in receipt.postings), "of nothing none is left"
            name = (act[1], receipt.code)
            self.codes[name] = self.codes.get(name, 0) + 1
        self.acts += len(acts)
        self.naive.end(self.desk.ledger.height)
        self.compare()

    def compare(self) -> None:
        """Every partition of every holding."""
        state = self.desk.ledger._state
        ours = {
            (name[1], name[2]): [held.free, held.reserved, held.frozen]
            for name, held in state.of_kind("balance")
        }
        theirs = {place: parts for place, parts in self.naive.s["balances"].items() if any(parts)}
        assert ours == theirs

    def act(self, stream: Stream) -> Act:
        """One random act; about half of them make sense."""
        if self.naive.s["paused"] and not stream.below(3):
            return "mof", "UNPAUSE", ("sbp",), {}  # a pause is short, or little else would happen
        return self.makers[stream.pick(self.kinds)](self, stream)

    # What an act needs to make sense

    def holder(self, stream: Stream) -> str:
        """An account, mostly one that exists."""
        known = [*self.naive.s["accounts"], "nowhere"]
        return stream.pick(known)

    def date(self, stream: Stream) -> datetime.date:
        """The next business day, mostly."""
        day = self.naive.s["day"]
        right = next_day(day) if day else FIRST
        return right if stream.below(8) else right + datetime.timedelta(days=1)


def _amount(stream: Stream) -> dict[str, Any]:
    return money(stream.pick(AMOUNTS), stream.pick(ASSETS))


def _transfer(both: TwoLedgers, stream: Stream) -> Act:
    who = stream.pick(HOUSES)
    source = f"{who}/main" if stream.below(10) else both.holder(stream)
    fields = {"source": source, "target": both.holder(stream), "amount": _amount(stream)}
    return who, "TRANSFER", (), fields


def _cash(both: TwoLedgers, stream: Stream) -> Act:
    account = both.holder(stream)
    fields = {"account": account, "amount": _amount(stream) if not stream.below(5) else money(5)}
    if stream.below(2):
        return "sbp", "CASH_MINT", (), fields
    return "sbp", "CASH_BURN", (account.split("/", maxsplit=1)[0],), fields


def _propose(both: TwoLedgers, stream: Stream) -> Act:
    seller, buyer = stream.pick(HOUSES), stream.pick(HOUSES)
    asset = stream.pick(ASSETS)
    fields = {
        "id": f"d{stream.below(60)}",
        "counterparty": buyer,
        "delivery": {
            "source": f"{seller}/main", "target": f"{buyer}/main",
            "amount": money(stream.pick(AMOUNTS), asset),
        },
        "payment": {
            "source": f"{buyer}/main", "target": f"{seller}/main",
            "amount": money(stream.pick(AMOUNTS)),
        },
        "deadline_us": both.desk.time_us + 1_000 * stream.below(40),
    }  # fmt: skip
    return seller, "DVP_PROPOSE", (), fields


def _go_on(both: TwoLedgers, stream: Stream) -> Act:
    kind = stream.pick(("DVP_ACCEPT", "DVP_ACCEPT", "DVP_SETTLE", "DVP_SETTLE", "DVP_CANCEL"))
    dvps = both.naive.s["dvps"]
    wanted = "ACCEPTED" if kind == "DVP_SETTLE" else "PROPOSED"
    live = [id_ for id_, dvp in dvps.items() if dvp["status"] == wanted]
    id_ = stream.pick(live) if live and stream.below(6) else f"d{stream.below(60)}"
    who = dvps[id_]["counterparty"] if id_ in dvps and stream.below(6) else stream.pick(HOUSES)
    return who, kind, (), {"id": id_}


def _freeze(both: TwoLedgers, stream: Stream) -> Act:
    fields = {
        "account": both.holder(stream),
        "amount": _amount(stream),
        "order": stream.pick(("o1", "o2", "")),
    }
    orders = both.naive.s["freezes"]
    if orders and stream.below(2):
        account, asset, by, order, amount = stream.pick(orders)
        part = money(stream.pick((amount, amount // 2 or 1, 10_000_000)), asset)
        return by, "UNFREEZE", (), {"account": account, "amount": part, "order": order}
    return stream.pick(("pvara", "sbp", "mof")), "FREEZE", (), fields


def _force(both: TwoLedgers, stream: Stream) -> Act:
    fields = {
        "source": both.holder(stream),
        "target": both.holder(stream),
        "amount": _amount(stream),
        "order": stream.pick(("o1", "o9", "")),
    }
    return "pvara", "FORCED_TRANSFER", ("sbp",) if stream.below(8) else (), fields


def _licence(both: TwoLedgers, stream: Stream) -> Act:
    # Mostly back up: with all licences gone little else would happen.
    states = ("SUSPENDED", "LICENSED", "LICENSED", "LICENSED", "NOC_GRANTED", "APPLIED")
    state = stream.pick(states) if stream.below(40) else "REVOKED"
    party = stream.pick(("exchange-a", "exchange-b", "exchange-n"))
    return "pvara", "LICENCE_SET", (), {"party": party, "state": state}


def _standing(both: TwoLedgers, stream: Stream) -> Act:
    party = {"party": "exchange-n"}
    return stream.pick(
        (
            ("mof", "REGULATIONS_COMMENCE", ("pvara",), {}),
            ("pvara", "GOAML_ATTEST", (), party),
            ("secp", "SECP_INCORPORATE", (), party),
        )
    )


def _pause(both: TwoLedgers, stream: Stream) -> Act:
    paused = both.naive.s["paused"]
    kind = "UNPAUSE" if paused or not stream.below(6) else "PAUSE"
    if kind == "PAUSE" and stream.below(4):
        return _transfer(both, stream)
    return "mof", kind, (stream.pick(("sbp", "pvara", "mof")),), {}


def _claim(both: TwoLedgers, stream: Stream) -> Act:
    who = stream.pick(("exchange-a", "dealer-1", "pvara", "sbp"))
    subject = stream.pick(HOUSES)
    topic = stream.pick(("identity", "accredited", "accredited", "approval", "odd"))
    fields: dict[str, Any] = {"subject": subject, "topic": topic}
    if topic == "approval":
        fields["scope"] = "pib-ruled"
    if not stream.below(6):
        return who, "CLAIM_REVOKE", (), fields
    if topic == "approval":
        fields["amount"] = stream.pick(AMOUNTS)
    if stream.below(2):
        fields["expires"] = FIRST + datetime.timedelta(days=stream.below(12))
    return who, "CLAIM_ADD", (), fields


def _account(both: TwoLedgers, stream: Stream) -> Act:
    keeper = stream.pick(("exchange-a", "exchange-b", "dealer-1"))
    if stream.below(3):
        owner = stream.pick(("ali", "sara", "new-0", "new-1", keeper))
        cosigners = (owner,) if stream.below(2) and owner in both.naive.s["parties"] else ()
        id_ = f"{owner}/{keeper}"
        return keeper, "ACCOUNT_OPEN", cosigners, {"id": id_, "owner": owner}
    name = f"new-{stream.below(2)}"
    fields = {"id": name, "role": stream.pick(("investor", "investor", "dealer"))}
    fields |= {"public_key": key(name), "verified": bool(stream.below(2))}  # type: ignore[dict-item]
    return keeper, "PARTY_REGISTER", (), fields


def _day(both: TwoLedgers, stream: Stream) -> Act:
    return "sbp", "DAY_OPEN", (), {"date": both.date(stream)}


def _coupon(both: TwoLedgers, stream: Stream) -> Act:
    # Coupons 1 to 4 lie before the chain's first day or on 5 March 2021.
    coupon = {"series": stream.pick(ASSETS), "number": stream.pick((3, 4, 4, 4, 4, 5))}
    if stream.below(2):
        return "sbp", "COUPON_DECLARE", (), coupon
    limit = stream.pick((None, 1, 2))
    return "sbp", "COUPON_PAY", (), coupon | {"limit": limit}


def _redeem(both: TwoLedgers, stream: Stream) -> Act:
    fields = {"series": stream.pick(("mtb-364", "pib-51-3y", "odd"))}
    return "sbp", "REDEEM", (), fields | {"limit": stream.pick((None, 1))}


def _fix(both: TwoLedgers, stream: Stream) -> Act:
    day = both.naive.s["day"] or FIRST
    date = day + datetime.timedelta(days=stream.pick((0, 0, 1, -1)))
    if stream.below(2):
        return "sbp", "FX_FIX", (), {"date": date, "rate_e4": 1_570_000}
    return "sbp", "PRICE_FIX", (), {"date": date, "metal": "gold", "price_e4": 10**9}


def _stranger(both: TwoLedgers, stream: Stream) -> Act:
    """Any act, by anybody."""
    _, kind, cosigners, fields = both.act(stream)
    return stream.pick([p.id for p in START.parties]), kind, cosigners, fields


MAKERS: dict[str, Callable[[Any, Stream], Act]] = {
    "transfer": _transfer,
    "cash": _cash,
    "propose": _propose,
    "go on": _go_on,
    "freeze": _freeze,
    "force": _force,
    "licence": _licence,
    "standing": _standing,
    "pause": _pause,
    "claim": _claim,
    "account": _account,
    "day": _day,
    "coupon": _coupon,
    "redeem": _redeem,
    "fix": _fix,
    "stranger": _stranger,
}
KINDS: tuple[str, ...] = (
    *("transfer",) * 6, *("propose",) * 5, *("go on",) * 8, *("claim",) * 4, *("coupon",) * 4,
    *("freeze",) * 3, *("account",) * 2, *("redeem",) * 2,
    "cash", "force", "licence", "standing", "pause", "day", "fix", "stranger",
)  # fmt: skip
TwoLedgers.kinds, TwoLedgers.makers = KINDS, MAKERS
