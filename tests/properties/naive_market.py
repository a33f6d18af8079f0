"""The naive ledger goes to market: auctions, sukuk, metal, the programme's cap, who validates.

As in ``naive_ledger``: from the specification, sharing no code with ``nodes.ledger``, slow.
It leaves out keys and evidence, and believes terms but for a few that are plainly wrong.
"""

from __future__ import annotations

import datetime
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

from tests.properties.naive_ledger import (
    FREE,
    Fields,
    NaiveLedger,
    No,
    half_up,
    last_day,
    need,
    next_day,
)

MILLION = 100_000_000
STEP = 50 * MILLION


def up(value: Fraction) -> int:
    return -((-value).__floor__())


class NaiveMarket(NaiveLedger):
    """One ledger with everything but keys and evidence."""

    def __init__(
        self, *, cap: int, members: list[str], interval: int, window: int,
        locks: dict[tuple[str, str], int], fixes: list[tuple[datetime.date, int]],
        assets: dict[str, int], **more: Any,
    ) -> None:  # fmt: skip
        super().__init__(**more)
        self.cap, self.interval, self.window = cap, interval, window
        self.height = 0
        self.s |= {
            "auctions": {}, "assets": dict(assets), "titles": {}, "backs": {},
            "locks": dict(locks), "rates": list(fixes), "prices": [], "rentals": {},
            "members": list(members), "coming": None, "doomed": [], "defined": {},
        }  # fmt: skip

    # The frame

    def do(self, sender: str, type_name: str, cosigners: tuple[str, ...], fields: Fields) -> str:
        self.series = self.known()
        code = super().do(sender, type_name, cosigners, fields)
        self.series = self.known()
        return code

    def known(self) -> dict[str, Fields]:
        """Series of genesis, and those defined since with the rental that an auction set."""
        first = {name: item for name, item in self.series.items() if not item.get("defined")}
        later: dict[str, Fields] = {name: dict(item) for name, item in self.s["defined"].items()}
        both = first | later
        for name, rate_e4 in self.s["rentals"].items():
            both[name]["coupon_e4"] = rate_e4
        return both

    def allowed(
        self, sender: str, type_name: str, cosigners: tuple[str, ...], fields: Fields
    ) -> None:
        if type_name != "VALIDATOR_UPDATE":
            super().allowed(sender, type_name, cosigners, fields)
            return
        members = self.s["members"]
        need(sender in members, "E_ROLE")
        carried = {sender, *cosigners} & set(members)
        need(len(carried) >= quorum(len(members)), "E_QUORUM")

    def end(self, height: int) -> None:
        """A block is over: a committee takes office, or a revoked firm's removal is scheduled."""
        self.height = height
        coming = self.s["coming"]
        if coming is not None:
            if coming[0] == height:
                self.s["members"], self.s["coming"] = coming[1], None
            return
        self.s["doomed"] = [id_ for id_ in self.s["doomed"] if id_ in self.s["members"]]
        if self.s["doomed"] and len(self.s["members"]) > 4:
            gone = self.s["doomed"].pop(0)
            self.schedule([id_ for id_ in self.s["members"] if id_ != gone], height)

    def schedule(self, members: list[str], height: int) -> None:
        last = height + self.window - 1
        while last % self.interval:
            last += 1
        self.s["coming"] = (last, members)

    def licence_set(self, me: str, _: Any, party: str, state: str) -> None:
        super().licence_set(me, _, party, state)
        coming = self.s["coming"][1] if self.s["coming"] else []
        if state == "REVOKED" and party in (*self.s["members"], *coming):
            self.s["doomed"].append(party)

    def validator_update(
        self, me: str, _: Any, change: str, validator: str, public_key: bytes | None = None
    ) -> None:
        members = self.s["members"]
        need(self.s["coming"] is None, "E_STATE")
        if change == "add":
            need(validator not in members, "E_DUP")
            need(validator in self.s["parties"], "E_UNVERIFIED")
            need(public_key, "E_KEY")
            after = [*members, validator]
        else:
            need(validator in members, "E_STATE")
            after = [id_ for id_ in members if id_ != validator]
        need(len(after) >= 4, "E_QUORUM")
        self.schedule(after, self.height + 1)

    # The programme: every holding carries US cents

    def move(self, asset: str, amount: int, source: tuple[str, int], to: tuple[str, int]) -> None:
        if source[0] != to[0]:
            share = self.share(source[0], asset, amount)
            self.lock(source[0], asset, -share)
            self.lock(to[0], asset, share)
        super().move(asset, amount, source, to)

    def share(self, account: str, asset: str, amount: int) -> int:
        total = sum(self.held(account, asset))
        return int(self.s["locks"].get((account, asset), 0) * amount // total) if total else 0

    def lock(self, account: str, asset: str, cents: int) -> None:
        place = (account, asset)
        self.s["locks"][place] = self.s["locks"].get(place, 0) + cents

    def take(self) -> None:
        need(sum(self.s["locks"].values()) <= self.cap, "E_CAP")

    def redeem(self, me: str, _: Any, series: str, limit: int | None = None) -> None:
        need(self.series.get(series, {}).get("instrument") != "commodity", "E_NOT_MATURE")
        super().redeem(me, _, series, limit)
        for account, asset in list(self.s["locks"]):
            if asset == series and not sum(self.held(account, series)):
                del self.s["locks"][account, asset]

    # Fixings

    def fx_fix(self, me: str, _: Any, date: datetime.date, rate_e4: int) -> None:
        super().fx_fix(me, _, date, rate_e4)
        self.s["rates"].append((date, rate_e4))

    def price_fix(self, me: str, _: Any, date: datetime.date, metal: str, price_e4: int) -> None:
        super().price_fix(me, _, date, metal, price_e4)
        self.s["prices"].append((date, price_e4))

    def fresh(self, name: str) -> int:
        """The last fixing, of today or the business day before."""
        fixes = self.s[name]
        need(fixes and fixes[-1][0] >= last_day(self.today()), "E_FX_STALE")
        return int(fixes[-1][1])

    # Securities

    def outstanding(self, series: str) -> int:
        return sum(sum(p) for (_, asset), p in self.s["balances"].items() if asset == series)

    def backing(self, series: str, amount: int) -> None:
        terms = self.series[series]
        if terms["instrument"] == "sukuk":
            worth = self.s["assets"][terms["underlying"]]
            need(self.outstanding(series) + amount <= worth, "E_BACKING")

    def asset_register(self, me: str, _: Any, id_: str, title: str, value: Fields) -> None:
        need(id_ not in self.s["assets"], "E_DUP")
        need(title not in self.s["titles"], "E_BACKING")
        need(value["asset"] == "PKR", "E_BACKING")
        self.s["assets"][id_] = value["amount"]
        self.s["titles"][title] = id_

    def series_define(self, me: str, _: Any, id_: str, **terms: Any) -> None:
        """Only of what the walks define: bonds, sukuk and metal, with a denomination that fits."""
        need(id_ not in self.series and id_ != "PKR", "E_DUP")
        wanted = 1 if terms["instrument"] == "commodity" else 10_000_000
        need(terms["denomination"] == wanted, "E_TERMS")
        under = terms.get("underlying", "")
        need(bool(under) == (terms["instrument"] == "sukuk"), "E_TERMS")
        if under:
            need(under in self.s["assets"] and under not in self.s["backs"], "E_BACKING")
            self.s["backs"][under] = id_
        self.s["defined"][id_] = {
            "id": id_, "denomination": wanted, "coupon_e4": terms.get("coupon_e4", 0),
            "coupons": [], "instrument": terms["instrument"], "underlying": under,
            "issuer_account": terms["issuer_account"], "rules": {}, "defined": True,
            "issue": terms["issue_date"], "maturity": terms.get("maturity_date"),
        }  # fmt: skip

    # Auctions

    def auction(self, id_: str, wanted: str) -> Fields:
        found: Fields | None = self.s["auctions"].get(id_)
        if found is None or found["status"] != wanted:
            raise No("E_STATE")
        return found

    def auction_open(self, me: str, _: Any, id_: str, series: str, target: int) -> None:
        need(id_ not in self.s["auctions"], "E_DUP")
        terms = self.series.get(series)
        if terms is None or terms["instrument"] == "commodity":
            raise No("E_TERMS")
        day = next_day(self.today())
        need(terms["issue"] <= day < terms["maturity"], "E_TERMS")
        self.whole(series, target)
        self.backing(series, target)
        self.s["auctions"][id_] = {
            "series": series, "target": target, "day": self.today(), "settles": day, "bids": [],
            "rates": terms["instrument"] == "sukuk" and not terms["coupon_e4"], "status": "OPEN",
        }  # fmt: skip

    def bid(
        self, me: str, _: Any, auction: str, reference: int, amount: int, cash_account: str,
        securities_account: str, price_e4: int | None = None, rate_e4: int | None = None,
    ) -> None:  # fmt: skip
        found = self.s["auctions"].get(auction)
        need(found, "E_STATE")
        need(found["status"] == "OPEN" and found["day"] == self.today(), "E_LATE")
        need(all((b["dealer"], b["reference"]) != (me, reference) for b in found["bids"]), "E_DUP")
        self.whole(found["series"], amount)
        cash, paper = self.account(cash_account), self.account(securities_account)
        need(cash["owner"] == paper["owner"], "E_ROLE")
        named = price_e4 is not None or rate_e4 is not None
        if named:
            need(cash["owner"] == me, "E_ROLE")
            right, wrong = (rate_e4, price_e4) if found["rates"] else (price_e4, rate_e4)
            need(right and wrong is None, "E_PRICE")
        else:
            need({cash["custodian"], paper["custodian"]} == {me}, "E_ROLE")
            need(self.s["parties"][cash["owner"]]["role"] in ("investor", "vasp"), "E_ROLE")
            least, most = 25 * MILLION, 500 * MILLION
            need(amount <= min(max(found["target"] // 200, least), most), "E_NCB_CAP")
        found["bids"].append({
            "dealer": me, "reference": reference, "amount": amount, "cash": cash_account,
            "paper": securities_account, "who": cash["owner"], "gets": 0,
            "number": len(found["bids"]),
            "worth": (-rate_e4 if found["rates"] else price_e4) if named else None,  # type: ignore[operator]
        })  # fmt: skip

    def auction_close(self, me: str, _: Any, auction: str, cutoff_e4: int, amount: int) -> None:
        found = self.auction(auction, "OPEN")
        self.whole(found["series"], amount)
        need(amount <= found["target"], "E_CAP")
        cutoff = -cutoff_e4 if found["rates"] else cutoff_e4
        named = [b for b in found["bids"] if b["worth"] is not None]
        above = sum(b["amount"] for b in named if b["worth"] > cutoff)
        reached = sum(b["amount"] for b in named if b["worth"] >= cutoff)
        need(not amount or above <= amount, "E_PRICE")
        need(amount <= reached, "E_PRICE")
        found |= {"status": "CLOSED", "cutoff": cutoff, "amount": amount}

    def shares(self, found: Fields) -> dict[int, int]:
        """Face value by place in the book; what follows from the close."""
        left, gets = found["amount"], {}
        ranked = sorted(
            (b for b in found["bids"] if b["worth"] is not None),
            key=lambda b: (-b["worth"], b["reference"], b["number"]),
        )
        for bid in ranked:
            if bid["worth"] > found["cutoff"] and found["amount"]:
                gets[bid["number"]] = bid["amount"]
                left -= bid["amount"]
        at = [b for b in ranked if b["worth"] == found["cutoff"]]
        fits = sum(b["amount"] for b in at) <= left
        large = [] if fits else [b for b in at if b["amount"] > STEP]
        for bid in at:
            if bid not in large:
                gets[bid["number"]] = min(bid["amount"], left)
                left -= gets[bid["number"]]
        pool, total = left, sum(b["amount"] for b in large)
        for bid in large:
            nearest = STEP * half_up(Fraction(pool * bid["amount"], total * STEP))
            gets[bid["number"]] = min(nearest, bid["amount"], left // STEP * STEP)
            left -= gets[bid["number"]]
        gets = {number: share for number, share in gets.items() if share}
        for bid in found["bids"] if gets else ():
            alone = [b for b in found["bids"] if b["worth"] is None and b["who"] == bid["who"]]
            if bid["worth"] is None and len(alone) == 1:
                gets[bid["number"]] = bid["amount"]
        return gets

    def auction_allot(self, me: str, _: Any, auction: str, allotments: list[Fields]) -> None:
        found = self.auction(auction, "CLOSED")
        gets = self.shares(found)
        said = sorted((a["dealer"], a["reference"], a["amount"]) for a in allotments)
        right = sorted(
            (bid["dealer"], bid["reference"], gets[bid["number"]])
            for bid in found["bids"]
            if bid["number"] in gets
        )
        need(said == right, "E_ALLOT_MISMATCH")
        if found["rates"] and gets:
            need(not self.series[found["series"]]["coupon_e4"], "E_STATE")
            self.s["rentals"][found["series"]] = -found["cutoff"]
        for bid in found["bids"]:
            bid["gets"] = gets.get(bid["number"], 0)
        found["status"] = "ALLOTTED"

    def auction_settle(self, me: str, _: Any, auction: str) -> None:
        found = self.auction(auction, "ALLOTTED")
        need(self.today() >= found["settles"], "E_DATE")
        series = found["series"]
        need(series not in self.s["redeemed"], "E_STATE")
        rate = self.fresh("rates")
        order = sorted(
            (b for b in found["bids"] if b["gets"] and b["worth"] is not None),
            key=lambda b: (-b["worth"], b["reference"], b["number"]),
        )
        order += [b for b in found["bids"] if b["gets"] and b["worth"] is None]
        accrued = accrued_e4(self.series[series], found["settles"])
        for bid in order:
            price = self.price(found, bid)
            cost = half_up(Fraction(bid["gets"]) * (price + accrued) / 1_000_000)
            try:
                self.covered(bid["cash"], "PKR", cost, "E_FUNDS")
                to = self.account(bid["paper"])
                self.inflow(to)
                self.may_hold(series, to, bid["gets"])
                self.backing(series, bid["gets"])
            except No:
                continue
            issuer = self.series[series]["issuer_account"]
            self.move("PKR", cost, (bid["cash"], FREE), (issuer, FREE))
            self.held(bid["paper"], series)[FREE] += bid["gets"]
            self.lock(bid["paper"], series, up(Fraction(bid["gets"] * 10_000, rate)))
        self.take()
        found["status"] = "SETTLED"

    def may_hold(self, series: str, to: Fields, amount: int) -> None:
        rules = self.series[series].get("rules") or {}
        nobody = {"owner": "", "id": ""}
        asked = ("countries", "topics", "max_balance")
        kept = {name: rules[name] for name in asked if name in rules}
        self.series[series] = self.series[series] | {"rules": kept}
        try:
            self.modules(series, nobody, to, amount, now=False)
        finally:
            self.series[series] = self.series[series] | {"rules": rules}

    def price(self, found: Fields, bid: Fields) -> int:
        """10^-4 per 100, without accrued interest."""
        if self.series[found["series"]]["instrument"] == "sukuk":
            return 1_000_000 if found["rates"] else int(found["cutoff"])
        if bid["worth"] is not None:
            return int(bid["worth"])
        terms, day = self.series[found["series"]], found["settles"]
        named = [b for b in found["bids"] if b["worth"] is not None and b["gets"]]
        with localcontext() as context:
            context.prec = 40
            total = sum(yield_at(terms, day, b["worth"]) * b["gets"] for b in named)
            price = price_at(terms, day, total / sum(b["gets"] for b in named))
            return int((price * 10_000).quantize(Decimal(1), ROUND_HALF_UP))

    # Metal

    def attested(self, series: str) -> Fields | None:
        found: Fields | None = self.s["vault"].get(series)
        return found

    def metal(self, series: str) -> None:
        need(self.series.get(series, {}).get("instrument") == "commodity", "E_BACKING")

    def vault_attest(self, me: str, _: Any, series: str, bars: list[Fields]) -> None:
        self.metal(series)
        before = self.attested(series)
        need(before is None or before["vault"] == me, "E_BACKING")
        serials = [bar["serial"] for bar in bars]
        need(len(set(serials)) == len(serials), "E_DUP")
        for other, found in self.s["vault"].items():
            need(other == series or not set(serials) & set(found["bars"]), "E_BACKING")
        weight = sum(bar["fine_units"] for bar in bars if not bar.get("encumbered"))
        need(weight >= self.outstanding(series), "E_BACKING")
        now = {"vault": me, "day": self.today(), "bars": serials, "weight": weight}
        self.s["vault"] = self.s["vault"] | {series: now}

    def commodity_mint(self, me: str, _: Any, series: str, account: str, amount: int) -> None:
        self.metal(series)
        to = self.account(account)
        self.inflow(to)
        found = self.attested(series)
        oldest = last_day(self.today())
        if found is None or found["day"] < oldest:
            raise No("E_STALE_ATTEST")
        need(self.outstanding(series) + amount <= found["weight"], "E_BACKING")
        price, rate = self.fresh("prices"), self.fresh("rates")
        self.held(account, series)[FREE] += amount
        self.lock(account, series, up(Fraction(amount * price, 10 * rate)))
        self.take()

    def commodity_redeem(
        self, me: str, cosigners: tuple[str, ...], series: str, account: str, amount: int
    ) -> None:
        self.metal(series)
        found = self.s["accounts"].get(account)
        need(found and found["owner"] == me, "E_ROLE")
        kept = self.attested(series)
        if kept is None or kept["vault"] not in cosigners:
            raise No("E_ROLE")
        self.covered(account, series, amount, "E_FREE_BAL")
        self.lock(account, series, -self.share(account, series, amount))
        self.held(account, series)[FREE] -= amount
        self.s["vault"] = self.s["vault"] | {series: kept | {"weight": kept["weight"] - amount}}


def quorum(n: int) -> int:
    """The least number of which two sets share more than f of n."""
    f = (n - 1) // 3
    return next(q for q in range(n + 1) if 2 * q - n > f)


def accrued_e4(terms: Fields, day: datetime.date) -> Fraction:
    """Of bonds, half-yearly on the day of the month of issue; a sukuk's begins at issue here."""
    if terms["instrument"] == "mtb":
        return Fraction(0)
    start, end = period(terms, day)
    if terms["instrument"] == "sukuk":
        return Fraction(terms["coupon_e4"] * (day - start).days, 365)
    return Fraction(terms["coupon_e4"] * (day - start).days, 2 * (end - start).days)


def period(terms: Fields, day: datetime.date) -> tuple[datetime.date, datetime.date]:
    """The half-year around a day; schedules of the walks fall on a day that all months have."""
    start = terms["issue"]
    while True:
        end = half_year_after(start)
        if day < end:
            return start, end
        start = end


def half_year_after(day: datetime.date) -> datetime.date:
    month = day.month + 6
    return day.replace(year=day.year + (month > 12), month=month - 12 if month > 12 else month)


def price_at(terms: Fields, day: datetime.date, pct: Decimal) -> Decimal:
    """Clean, per 100, at a yield in percent."""
    if terms["instrument"] == "mtb":
        return 100 / (1 + pct * (terms["maturity"] - day).days / 36_500)
    start, end = period(terms, day)
    left = Decimal((end - day).days) / (end - start).days
    half = Decimal(terms["coupon_e4"]) / 20_000
    growth = 1 + pct / 200
    value, when, at = Decimal(0), end, left
    while when <= terms["maturity"]:
        value += half / growth**at
        if when == terms["maturity"]:
            value += 100 / growth**at
        when, at = half_year_after(when), at + 1
    return value - half * (1 - left)


def yield_at(terms: Fields, day: datetime.date, price_e4: int) -> Decimal:
    """By halving: two yields between which the price lies, until nothing is between them."""
    low, high = Decimal(-90), Decimal(1000)
    for _ in range(130):
        middle = (low + high) / 2
        if price_at(terms, day, middle) * 10_000 > price_e4:
            low = middle
        else:
            high = middle
    return (low + high) / 2
