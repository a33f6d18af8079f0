"""The ledger once more, as simply as it can be said: lists that are walked, copies that are kept.

Written from the specification and sharing no code with ``nodes.ledger``. It takes transactions as
a type and plain fields and answers with a code; slow, and proud of it. ``naive_market`` adds
auctions, sukuk, metal, the programme's cap and validators; keys and evidence it leaves out.
"""

from __future__ import annotations

import copy
import datetime
from fractions import Fraction
from typing import Any

Fields = dict[str, Any]
FREE, RESERVED, FROZEN = 0, 1, 2
ONE_DAY = datetime.timedelta(days=1)
EDGES = {
    ("NONE", "NOC_GRANTED"), ("NOC_GRANTED", "APPLIED"), ("NOC_GRANTED", "LAPSED"),
    ("APPLIED", "LICENSED"), ("LICENSED", "SUSPENDED"), ("SUSPENDED", "LICENSED"),
    ("SUSPENDED", "REVOKED"),
}  # fmt: skip


class No(Exception):
    """The transaction fails with this code."""


def need(condition: object, code: str) -> None:
    if not condition:
        raise No(code)


def next_day(day: datetime.date) -> datetime.date:
    day += ONE_DAY
    while day.weekday() >= 5:
        day += ONE_DAY
    return day


def last_day(day: datetime.date) -> datetime.date:
    day -= ONE_DAY
    while day.weekday() >= 5:
        day -= ONE_DAY
    return day


def pays_on(day: datetime.date) -> datetime.date:
    return day if day.weekday() < 5 else next_day(day)


def half_up(value: Fraction) -> int:
    return (value + Fraction(1, 2)).__floor__()


class NaiveLedger:
    """One ledger; ``do`` executes a transaction and returns its code."""

    def __init__(
        self,
        parties: list[Fields],
        accounts: list[Fields],
        series: list[Fields],
        balances: dict[tuple[str, str], int],
        rows: list[dict[str, str]],
        first_day: datetime.date,
    ) -> None:
        self.s: Fields = {
            "parties": {p["id"]: dict(p) for p in parties},
            "accounts": {a["id"]: dict(a) for a in accounts},
            "balances": {place: [amount, 0, 0] for place, amount in balances.items()},
            "freezes": [],
            "dvps": {},
            "claims": [],
            "sent": {},
            "paused": False,
            "regulated": False,
            "day": None,
            "coupons": {},
            "redeemed": [],
            "fixes": {},
            "vault": {},
        }
        self.series = {item["id"]: item for item in series}
        self.rows = rows
        self.first_day = first_day
        self.now_us = 0
        self.closes: list[tuple[datetime.date | None, dict[tuple[str, str], list[int]]]] = []

    # The frame: who may, then the rule; a failure puts everything back

    def at(self, now_us: int) -> None:
        """A block begins: what is past its deadline is released."""
        self.now_us = now_us
        for dvp in self.s["dvps"].values():
            if dvp["status"] in ("PROPOSED", "ACCEPTED") and dvp["deadline_us"] < now_us:
                self.release(dvp)
                dvp["status"] = "EXPIRED"

    def end(self, height: int) -> None:
        """A block ends."""

    def do(self, sender: str, type_name: str, cosigners: tuple[str, ...], fields: Fields) -> str:
        before = copy.deepcopy(self.s)
        try:
            known = all(c in self.s["parties"] and c != sender for c in cosigners)
            need(known and len(set(cosigners)) == len(cosigners), "E_SIG")
            self.allowed(sender, type_name, cosigners, fields)
            named = {"id_" if name == "id" else name: value for name, value in fields.items()}
            getattr(self, type_name.lower())(sender, cosigners, **named)
        except No as refusal:
            self.s = before
            return str(refusal)
        return "OK"

    def allowed(
        self, sender: str, type_name: str, cosigners: tuple[str, ...], fields: Fields
    ) -> None:
        me = self.s["parties"][sender]
        row = next(
            (
                row
                for row in self.rows
                if row["transaction"] == type_name
                and (me["role"] in row["initiator"].split("|") or row["initiator"] == "any")
            ),
            None,
        )
        if row is None:
            raise No("E_ROLE")
        need(row["while_paused"] == "yes" or not self.s["paused"], "E_PAUSED")
        if row["licence_states"] not in ("", "any"):
            firm = me if me["role"] == "vasp" else self.s["parties"].get(me["custodian"])
            bound = me["role"] in ("vasp", "investor") and firm and firm["role"] == "vasp"
            need(not bound or firm["licence"] in row["licence_states"].split("|"), "E_LICENCE")
        roles = [self.s["parties"][c]["role"] for c in cosigners]
        wanted = row["co_signers"]
        if wanted == "another of the three":
            others = {"mof", "sbp", "pvara"} - {me["role"]}
            need(any(role in others for role in roles), "E_ROLE")
        elif wanted == "account owner":
            account = self.s["accounts"].get(fields["account"])
            need(account and account["owner"] in (sender, *cosigners), "E_ROLE")
        elif wanted:
            need(wanted in roles, "E_ROLE")

    # Looking things up

    def held(self, account: str, asset: str) -> list[int]:
        return self.s["balances"].setdefault((account, asset), [0, 0, 0])  # type: ignore[no-any-return]

    def move(self, asset: str, amount: int, source: tuple[str, int], to: tuple[str, int]) -> None:
        self.held(source[0], asset)[source[1]] -= amount
        self.held(to[0], asset)[to[1]] += amount

    def claimed(self, party: str, topic: str) -> bool:
        day = self.s["day"]
        return any(
            c["subject"] == party and c["topic"] == topic and not c["scope"]
            and not (c["expires"] and day and day > c["expires"])
            for c in self.s["claims"]
        )  # fmt: skip

    def account(self, id_: str) -> Fields:
        found: Fields | None = self.s["accounts"].get(id_)
        if found is None:
            raise No("E_UNVERIFIED")
        owner = self.s["parties"][found["owner"]]
        need(owner["verified"] or self.claimed(owner["id"], "identity"), "E_UNVERIFIED")
        return found

    def firm(self, account: Fields) -> Fields | None:
        parties = self.s["parties"]
        owner = parties[account["owner"]]
        kept = account["custodian"]
        for id_ in (kept,) if kept else (owner["id"], owner["custodian"]):
            if id_ and parties[id_]["role"] == "vasp":
                return dict(parties[id_])
        return None

    def inflow(self, account: Fields) -> None:
        firm = self.firm(account)
        need(firm is None or firm["licence"] == "LICENSED", "E_LICENCE")

    def whole(self, asset: str, amount: int) -> None:
        need(amount % self.series.get(asset, {"denomination": 1})["denomination"] == 0, "E_DENOM")

    def covered(self, account: str, asset: str, amount: int, code: str) -> None:
        free, _, frozen = self.held(account, asset)
        need(free >= amount, "E_FROZEN" if free + frozen >= amount else code)

    def today(self) -> datetime.date:
        need(self.s["day"], "E_DATE")
        return self.s["day"]  # type: ignore[no-any-return]

    def modules(self, asset: str, source: Fields, to: Fields, amount: int, *, now: bool) -> None:
        rules = self.series.get(asset, {}).get("rules")
        if not rules or source["owner"] == to["owner"]:
            return
        taker = self.s["parties"][to["owner"]]
        countries = rules.get("countries")
        need(not countries or taker["country"] in countries, "E_COUNTRY")
        for topic in rules.get("topics", ()):
            need(self.claimed(taker["id"], topic), "E_TOPIC")
        if "max_balance" in rules:
            total = sum(
                sum(parts)
                for (account, name), parts in self.s["balances"].items()
                if name == asset and self.s["accounts"].get(account, to)["owner"] == taker["id"]
            )
            need(total + amount <= rules["max_balance"], "E_MAXBAL")
        if "window_limit" in rules:
            need(self.s["day"], "E_WINDOW")
            key = (source["owner"], asset)
            start, sent = self.s["sent"].get(key, (self.s["day"], 0))
            if (self.s["day"] - start).days >= rules["window_days"]:
                start, sent = self.s["day"], 0
            need(sent + amount <= rules["window_limit"], "E_WINDOW")
            if now:
                self.s["sent"][key] = (start, sent + amount)
        if rules.get("approval"):
            day = self.s["day"]
            good = [
                c for c in self.s["claims"]
                if (c["subject"], c["topic"], c["scope"]) == (source["owner"], "approval", asset)
                and c["amount"] >= amount and not (c["expires"] and day and day > c["expires"])
            ]  # fmt: skip
            need(good, "E_TOPIC")
            if now:
                self.s["claims"].remove(good[0])

    # Standing

    def party_register(self, me: str, _: Any, id_: str, role: str, **more: Any) -> None:
        keeper = self.s["parties"][me]["role"] in ("vasp", "dealer")
        need(keeper == (role == "investor"), "E_ROLE")
        need(id_ not in self.s["parties"], "E_DUP")
        party = {"id": id_, "role": role, "licence": "NONE", "country": "PK", "verified": True}
        self.s["parties"][id_] = party | {"custodian": me if keeper else ""} | more

    def regulations_commence(self, me: str, _: Any) -> None:
        need(not self.s["regulated"], "E_DUP")
        self.s["regulated"] = True

    def licence_set(self, me: str, _: Any, party: str, state: str) -> None:
        found = self.s["parties"].get(party)
        need(found and found["role"] == "vasp" and (found["licence"], state) in EDGES, "E_EDGE")
        if state == "APPLIED":
            need(self.s["regulated"], "E_NO_REGULATION")
            need(found.get("incorporated"), "E_NOT_INCORPORATED")
            need(found.get("goaml"), "E_EDGE")
        found["licence"] = state

    def goaml_attest(self, me: str, _: Any, party: str) -> None:
        found = self.s["parties"].get(party)
        need(found and found["licence"] == "NOC_GRANTED", "E_NO_NOC")
        found["goaml"] = True

    def secp_incorporate(self, me: str, _: Any, party: str) -> None:
        found = self.s["parties"].get(party)
        need(found and found["licence"] == "NOC_GRANTED", "E_NO_NOC")
        found["incorporated"] = True

    def claim_add(
        self, me: str, _: Any, subject: str, topic: str, scope: str = "",
        amount: int = 0, expires: datetime.date | None = None,
    ) -> None:  # fmt: skip
        role = self.s["parties"][me]["role"]
        known = ("identity", "approval") + (() if role == "pvara" else ("accredited",))
        need(topic in known, "E_TOPIC")
        need(subject in self.s["parties"], "E_UNVERIFIED")
        need(not (expires and self.s["day"] and self.s["day"] > expires), "E_DATE")
        name = {"subject": subject, "topic": topic, "scope": scope, "issuer": me}
        self.s["claims"] = [c for c in self.s["claims"] if any(c[k] != v for k, v in name.items())]
        self.s["claims"].append(name | {"amount": amount, "expires": expires})

    def claim_revoke(self, me: str, _: Any, subject: str, topic: str, scope: str = "") -> None:
        name = {"subject": subject, "topic": topic, "scope": scope, "issuer": me}
        left = [c for c in self.s["claims"] if any(c[k] != v for k, v in name.items())]
        found = self.s["parties"].get(subject)
        vouched = False
        if topic == "identity" and found and found["verified"]:
            authority = self.s["parties"][me]["role"] == "pvara" and not found["custodian"]
            vouched = found["custodian"] == me or authority
        need(len(left) < len(self.s["claims"]) or vouched, "E_ISSUER")
        self.s["claims"] = left
        if vouched:
            found["verified"] = False

    def account_open(self, me: str, cosigners: tuple[str, ...], id_: str, owner: str) -> None:
        found = self.s["parties"].get(owner)
        need(found and (found["verified"] or self.claimed(owner, "identity")), "E_UNVERIFIED")
        if owner != me and found["custodian"] != me:
            keeper = self.s["parties"][me]["role"] in ("vasp", "dealer")
            need(found["role"] == "investor" and keeper and owner in cosigners, "E_CUSTODY")
            found["custodian"] = me
        need(id_ not in self.s["accounts"], "E_DUP")
        custodian = "" if owner == me else me
        self.s["accounts"][id_] = {"id": id_, "owner": owner, "custodian": custodian}

    # Cash and transfers

    def cash_mint(self, me: str, _: Any, account: str, amount: Fields) -> None:
        need(amount["asset"] == "PKR", "E_FUNDS")
        to = self.account(account)
        if to["custodian"]:
            self.inflow(to)
        self.held(account, "PKR")[FREE] += amount["amount"]

    def cash_burn(self, me: str, _: Any, account: str, amount: Fields) -> None:
        need(amount["asset"] == "PKR", "E_FUNDS")
        self.covered(account, "PKR", amount["amount"], "E_FUNDS")
        self.held(account, "PKR")[FREE] -= amount["amount"]

    def transfer(self, me: str, _: Any, source: str, target: str, amount: Fields) -> None:
        asset, quantity = amount["asset"], amount["amount"]
        giver = self.account(source)
        need(giver["owner"] == me, "E_ROLE")
        taker = self.account(target)
        self.inflow(taker)
        self.whole(asset, quantity)
        self.covered(source, asset, quantity, "E_FREE_BAL")
        self.modules(asset, giver, taker, quantity, now=True)
        self.move(asset, quantity, (source, FREE), (target, FREE))

    # Delivery versus payment

    def dvp_propose(
        self, me: str, _: Any, id_: str, counterparty: str, delivery: Fields, payment: Fields,
        deadline_us: int,
    ) -> None:  # fmt: skip
        need(id_ not in self.s["dvps"], "E_DUP")
        need(deadline_us >= self.now_us, "E_DEADLINE")
        asset = delivery["amount"]["asset"]
        need(asset in self.series and payment["amount"]["asset"] == "PKR", "E_STATE")
        self.whole(asset, delivery["amount"]["amount"])
        seller = self.account(delivery["source"])["owner"]
        buyer = self.account(payment["source"])["owner"]
        takes, paid = self.account(delivery["target"]), self.account(payment["target"])
        right = (takes["owner"], paid["owner"]) == (buyer, seller) and seller != buyer
        need(right and {me, counterparty} == {seller, buyer}, "E_ROLE")
        self.inflow(takes)
        self.inflow(paid)
        self.s["dvps"][id_] = {
            "proposer": me, "counterparty": counterparty, "status": "PROPOSED",
            "legs": [delivery, payment], "deadline_us": deadline_us,
        }  # fmt: skip

    def live(self, id_: str, *wanted: str) -> Fields:
        found: Fields | None = self.s["dvps"].get(id_)
        if found is None:
            raise No("E_STATE")
        need(found["status"] != "EXPIRED", "E_DEADLINE")
        need(found["status"] in wanted, "E_STATE")
        return found

    def dvp_accept(self, me: str, _: Any, id_: str) -> None:
        dvp = self.live(id_, "PROPOSED")
        need(me == dvp["counterparty"], "E_ROLE")
        for leg, code in zip(dvp["legs"], ("E_FREE_BAL", "E_FUNDS"), strict=True):
            asset, quantity = leg["amount"]["asset"], leg["amount"]["amount"]
            to = self.account(leg["target"])
            self.inflow(to)
            self.modules(asset, self.account(leg["source"]), to, quantity, now=False)
            self.covered(leg["source"], asset, quantity, code)
            self.move(asset, quantity, (leg["source"], FREE), (leg["source"], RESERVED))
        dvp["status"] = "ACCEPTED"

    def dvp_settle(self, me: str, _: Any, id_: str) -> None:
        dvp = self.live(id_, "ACCEPTED")
        need(me in (dvp["proposer"], dvp["counterparty"]), "E_ROLE")
        for leg in dvp["legs"]:
            for end in ("source", "target"):
                firm = self.firm(self.account(leg[end]))
                need(firm is None or firm["licence"] in ("LICENSED", "SUSPENDED"), "E_LICENCE")
        for leg in dvp["legs"]:
            asset, quantity = leg["amount"]["asset"], leg["amount"]["amount"]
            giver, taker = self.account(leg["source"]), self.account(leg["target"])
            self.modules(asset, giver, taker, quantity, now=True)
            self.move(asset, quantity, (leg["source"], RESERVED), (leg["target"], FREE))
        dvp["status"] = "SETTLED"

    def dvp_cancel(self, me: str, _: Any, id_: str) -> None:
        dvp = self.live(id_, "PROPOSED", "ACCEPTED")
        need(me in (dvp["proposer"], dvp["counterparty"]), "E_ROLE")
        self.release(dvp)
        dvp["status"] = "CANCELLED"

    def release(self, dvp: Fields) -> None:
        if dvp["status"] == "ACCEPTED":
            for leg in dvp["legs"]:
                place = leg["source"]
                asset, quantity = leg["amount"]["asset"], leg["amount"]["amount"]
                self.move(asset, quantity, (place, RESERVED), (place, FREE))

    # Orders of authorities

    def freeze(self, me: str, _: Any, account: str, amount: Fields, order: str) -> None:
        asset, quantity = amount["asset"], amount["amount"]
        need(order, "E_NO_ORDER")
        need(self.held(account, asset)[FREE] >= quantity, "E_AMOUNT")
        self.whole(asset, quantity)
        self.freeze_more(account, asset, me, order, quantity)
        self.move(asset, quantity, (account, FREE), (account, FROZEN))

    def freeze_more(self, account: str, asset: str, by: str, order: str, amount: int) -> None:
        for entry in self.s["freezes"]:
            if entry[:4] == [account, asset, by, order]:
                entry[4] += amount
                break
        else:
            self.s["freezes"].append([account, asset, by, order, amount])
        self.s["freezes"] = [entry for entry in self.s["freezes"] if entry[4]]

    def orders(self, account: str, asset: str) -> list[list[Any]]:
        return [entry for entry in self.s["freezes"] if entry[:2] == [account, asset]]

    def unfreeze(self, me: str, _: Any, account: str, amount: Fields, order: str) -> None:
        asset, quantity = amount["asset"], amount["amount"]
        mine = [e for e in self.orders(account, asset) if e[2:4] == [me, order]]
        need(mine, "E_NO_ORDER")
        need(mine[0][4] >= quantity, "E_AMOUNT")
        self.whole(asset, quantity)
        self.freeze_more(account, asset, me, order, -quantity)
        self.move(asset, quantity, (account, FROZEN), (account, FREE))

    def forced_transfer(
        self, me: str, _: Any, source: str, target: str, amount: Fields, order: str
    ) -> None:
        asset, quantity = amount["asset"], amount["amount"]
        need(order, "E_NO_ORDER")
        need(source in self.s["accounts"], "E_UNVERIFIED")
        self.inflow(self.account(target))
        self.whole(asset, quantity)
        free, _, frozen = self.held(source, asset)
        need(free + frozen >= quantity and source != target, "E_AMOUNT")
        shortfall = max(0, quantity - free)
        self.move(asset, quantity - shortfall, (source, FREE), (target, FREE))
        self.move(asset, shortfall, (source, FROZEN), (target, FREE))
        entries = self.orders(source, asset)
        for entry in [e for e in entries if e[3] == order] + [e for e in entries if e[3] != order]:
            part = min(entry[4], shortfall)
            shortfall -= part
            self.freeze_more(*entry[:4], -part)

    def pause(self, me: str, _: Any) -> None:
        need(not self.s["paused"], "E_STATE")
        self.s["paused"] = True

    def unpause(self, me: str, _: Any) -> None:
        need(self.s["paused"], "E_STATE")
        self.s["paused"] = False

    # Days, coupons, redemption

    def day_open(self, me: str, _: Any, date: datetime.date) -> None:
        day = self.s["day"]
        need(date == (next_day(day) if day else self.first_day), "E_DATE")
        self.closes.append((day, copy.deepcopy(self.s["balances"])))
        self.s["day"] = date

    def fixing(self, name: str, date: datetime.date, value: int) -> None:
        today = self.today()
        need(date >= today, "E_LATE")
        need(date <= today, "E_DATE")
        need((name, date) not in self.s["fixes"], "E_DUP")
        self.s["fixes"][name, date] = value

    def fx_fix(self, me: str, _: Any, date: datetime.date, rate_e4: int) -> None:
        self.fixing("fx", date, rate_e4)

    def price_fix(self, me: str, _: Any, date: datetime.date, metal: str, price_e4: int) -> None:
        self.fixing(metal, date, price_e4)

    def due_coupon(self, series: str, number: int) -> tuple[datetime.date, int]:
        """(unadjusted date, paid so far); refuses all but the next one."""
        need(series in self.series, "E_NOT_DUE")
        dates = self.series[series]["coupons"]
        first = sum(pays_on(day) < self.first_day for day in dates)
        done = first + sum(
            1 for (name, _), c in self.s["coupons"].items() if name == series and c["over"]
        )
        need(not (number <= len(dates) and number <= done), "E_DUP")
        need(number == done + 1 and number <= len(dates), "E_NOT_DUE")
        return dates[number - 1], done

    def at_close(self, day: datetime.date) -> dict[tuple[str, str], list[int]]:
        """Balances at the close of a business day: when the next one was opened."""
        before = [held for date, held in self.closes if date is None or date <= day]
        return before[-1]

    def coupon_declare(self, me: str, _: Any, series: str, number: int) -> None:
        day, _done = self.due_coupon(series, number)
        need((series, number) not in self.s["coupons"], "E_DUP")
        need(self.today() >= pays_on(day), "E_NOT_DUE")
        terms = self.series[series]
        held = self.at_close(last_day(pays_on(day)))
        owed = {
            account: (sum(parts), half_up(Fraction(sum(parts) * terms["coupon_e4"], 2_000_000)))
            for (account, asset), parts in held.items()
            if asset == series and sum(parts)
        }
        self.s["coupons"][series, number] = {"owed": owed, "over": False}

    def coupon_pay(
        self, me: str, _: Any, series: str, number: int, limit: int | None = None
    ) -> None:
        self.due_coupon(series, number)
        coupon = self.s["coupons"].get((series, number))
        need(coupon, "E_NOT_DUE")
        page = sorted(coupon["owed"])[:limit]
        self.pay_all(series, {account: coupon["owed"].pop(account) for account in page})
        coupon["over"] = not coupon["owed"]

    def pay_all(self, series: str, owed: dict[str, tuple[int, int]]) -> None:
        """(quantity, cash) for each account; frozen as far as the quantity is frozen now."""
        issuer = self.series[series]["issuer_account"]
        total = sum(cash for _, cash in owed.values())
        self.covered(issuer, "PKR", total, "E_FUNDS")
        self.held(issuer, "PKR")[FREE] -= total
        for account, (quantity, cash) in owed.items():
            frozen = min(self.held(account, series)[FROZEN], quantity)
            part = half_up(Fraction(cash * frozen, quantity))
            self.held(account, "PKR")[FREE] += cash - part
            self.held(account, "PKR")[FROZEN] += part
            entries = self.orders(account, series)
            shares = [part * e[4] // sum(x[4] for x in entries) for e in entries] if part else []
            for index, (entry, share) in enumerate(zip(entries, shares, strict=bool(part))):
                extra = part - sum(shares) if index == 0 else 0
                if share + extra:
                    self.freeze_more(account, "PKR", entry[2], entry[3], share + extra)

    def redeem(self, me: str, _: Any, series: str, limit: int | None = None) -> None:
        need(series in self.series, "E_NOT_MATURE")
        need(series not in self.s["redeemed"], "E_DUP")
        terms = self.series[series]
        need(self.today() >= pays_on(terms["maturity"]), "E_NOT_MATURE")
        coming = [day for day in terms["coupons"] if pays_on(day) >= self.first_day]
        over = [c for (name, _), c in self.s["coupons"].items() if name == series and c["over"]]
        need(len(over) == len(coming), "E_NOT_DUE")
        for dvp in self.s["dvps"].values():
            asset = dvp["legs"][0]["amount"]["asset"]
            if asset == series and dvp["status"] in ("PROPOSED", "ACCEPTED"):
                self.release(dvp)
                dvp["status"] = "CANCELLED"
        everybody = sorted(
            account
            for (account, asset), parts in self.s["balances"].items()
            if asset == series and sum(parts)
        )
        page = everybody[:limit]
        owed = {account: (sum(self.held(account, series)),) * 2 for account in page}
        self.pay_all(series, owed)
        for account in page:
            self.s["balances"][account, series] = [0, 0, 0]
        gone = [e for e in self.s["freezes"] if e[1] == series and e[0] in page]
        self.s["freezes"] = [e for e in self.s["freezes"] if e not in gone]
        if len(page) == len(everybody):
            self.s["redeemed"].append(series)
