"""For each transaction type a world in which one certain transaction of it succeeds.

Each sample prepares a desk and returns (sender, body, co-signers). The generated access tests
then vary one thing at a time: who sends, who co-signs, the licence, a pause.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, TypeAlias

from msgspec.structs import replace

from consensus.encoding import encode
from consensus.messages import Commit, signed
from consensus.misbehaviour import Misbehaviour
from nodes.ledger.records import Day
from nodes.ledger.sealed_bids import commitment_to
from nodes.ledger.transactions import BODIES, AnyBody, body_of
from tests.unit.ledger.support import (
    AUCTION_DAY,
    BILL,
    COUPON_DAY,
    MILLION,
    SETTLEMENT_DAY,
    Desk,
    key,
    money,
    voter,
)

Sample: TypeAlias = tuple[str, AnyBody, tuple[str, ...]]
DEADLINE_US = 10**12


def _body(type_name: str, **fields: Any) -> AnyBody:
    return body_of(type_name, fields)


def register_vasp(desk: Desk) -> Sample:
    body = _body("PARTY_REGISTER", id="exchange-z", role="vasp", public_key=key("exchange-z"))
    return "pvara", body, ()


def register_investor(desk: Desk) -> Sample:
    body = _body("PARTY_REGISTER", id="omar", role="investor", public_key=key("omar"))
    return "exchange-a", body, ()


def rotate_key(desk: Desk) -> Sample:
    return "vault", _body("KEY_ROTATE", new_public_key=key("vault, again")), ("vault",)


def commence(desk: Desk) -> Sample:
    return "mof", _body("REGULATIONS_COMMENCE"), ("pvara",)


def grant_noc(desk: Desk) -> Sample:
    return "pvara", _body("LICENCE_SET", party="exchange-n", state="NOC_GRANTED"), ()


def attest_goaml(desk: Desk) -> Sample:
    desk.ok("pvara", "LICENCE_SET", party="exchange-n", state="NOC_GRANTED")
    return "pvara", _body("GOAML_ATTEST", party="exchange-n"), ()


def incorporate(desk: Desk) -> Sample:
    desk.ok("pvara", "LICENCE_SET", party="exchange-n", state="NOC_GRANTED")
    return "secp", _body("SECP_INCORPORATE", party="exchange-n"), ()


def open_account(desk: Desk) -> Sample:
    return "exchange-a", _body("ACCOUNT_OPEN", id="ali/second", owner="ali"), ()


def define_series(desk: Desk) -> Sample:
    body = _body(
        "SERIES_DEFINE",
        id="pib-5y",
        instrument="pib",
        issue_date=date(2021, 2, 4),
        maturity_date=date(2026, 2, 4),
        denomination=10_000_000,
        issuer_account="mof/proceeds",
        coupon_e4=75_000,
    )
    return "mof", body, ("sbp",)


def fix_fx(desk: Desk) -> Sample:
    desk.open_day()
    return "sbp", _body("FX_FIX", date=AUCTION_DAY, rate_e4=1_570_000), ()


def open_auction(desk: Desk) -> Sample:
    desk.open_day()
    return "sbp", _body("AUCTION_OPEN", id="a", series="pib-51-3y", target=1_000 * MILLION), ()


def bid(desk: Desk) -> Sample:
    desk.send(*open_auction(desk)[:2])
    return "dealer-1", bid_body("dealer-1", 1, 100 * MILLION, 950_000), ()


def bid_body(
    dealer: str, reference: int, amount: int, price_e4: int | None, **more: Any
) -> AnyBody:
    fields = {
        "auction": "a",
        "reference": reference,
        "amount": amount,
        "price_e4": price_e4,
        "cash_account": f"{dealer}/main",
        "securities_account": f"{dealer}/main",
    }
    return body_of("BID", fields | more)


def close_auction(desk: Desk) -> Sample:
    desk.send(*bid(desk)[:2])
    return "sbp", _body("AUCTION_CLOSE", auction="a", cutoff_e4=950_000, amount=100 * MILLION), ()


def allot_auction(desk: Desk) -> Sample:
    desk.send(*close_auction(desk)[:2])
    allotments = [{"dealer": "dealer-1", "reference": 1, "amount": 100 * MILLION}]
    return "sbp", _body("AUCTION_ALLOT", auction="a", allotments=allotments), ()


def settle_auction(desk: Desk) -> Sample:
    desk.send(*allot_auction(desk)[:2])
    desk.open_day(SETTLEMENT_DAY)
    desk.ok("sbp", "FX_FIX", date=SETTLEMENT_DAY, rate_e4=1_570_000)
    return "sbp", _body("AUCTION_SETTLE", auction="a"), ()


def mint_cash(desk: Desk) -> Sample:
    return "sbp", _body("CASH_MINT", account="exchange-n/main", amount=money(5)), ()


def burn_cash(desk: Desk) -> Sample:
    return "sbp", _body("CASH_BURN", account="dealer-1/main", amount=money(5)), ("dealer-1",)


def transfer(desk: Desk) -> Sample:
    body = _body("TRANSFER", source="exchange-a/main", target="exchange-b/main", amount=money(7))
    return "exchange-a", body, ()


def transfer_of_investor(desk: Desk) -> Sample:
    body = _body("TRANSFER", source="ali/main", target="exchange-b/main", amount=money(7))
    return "ali", body, ()


def dvp_body(**changes: Any) -> AnyBody:
    fields: dict[str, Any] = {
        "id": "d",
        "counterparty": "exchange-b",
        "delivery": {
            "source": "exchange-a/main",
            "target": "exchange-b/main",
            "amount": money(10 * MILLION, "pib-51-3y"),
        },
        "payment": {
            "source": "exchange-b/main",
            "target": "exchange-a/main",
            "amount": money(9 * MILLION),
        },
        "deadline_us": DEADLINE_US,
    }
    return body_of("DVP_PROPOSE", fields | changes)


def propose(desk: Desk) -> Sample:
    return "exchange-a", dvp_body(), ()


def accept(desk: Desk) -> Sample:
    desk.send(*propose(desk)[:2])
    return "exchange-b", _body("DVP_ACCEPT", id="d"), ()


def settle(desk: Desk) -> Sample:
    desk.send(*accept(desk)[:2])
    return "exchange-a", _body("DVP_SETTLE", id="d"), ()


def cancel(desk: Desk) -> Sample:
    desk.send(*accept(desk)[:2])
    return "exchange-a", _body("DVP_CANCEL", id="d"), ()


def freeze(desk: Desk) -> Sample:
    return "pvara", _body("FREEZE", account="ali/main", amount=money(9), order="order 1"), ()


def unfreeze(desk: Desk) -> Sample:
    desk.send(*freeze(desk)[:2])
    return "pvara", _body("UNFREEZE", account="ali/main", amount=money(4), order="order 1"), ()


def pause(desk: Desk) -> Sample:
    return "mof", _body("PAUSE"), ("pvara",)


def unpause(desk: Desk) -> Sample:
    desk.ok("mof", "PAUSE", "pvara")
    return "sbp", _body("UNPAUSE"), ("mof",)


def open_day(desk: Desk) -> Sample:
    return "sbp", _body("DAY_OPEN", date=AUCTION_DAY), ()


def first_day_of(desk: Desk, day: date) -> None:
    """The chain is young and its first business day is ``day``: no walk of a hundred openings."""
    desk.ok("sbp", "DAY_OPEN", date=AUCTION_DAY)
    desk.ledger._state.apply({("day",): Day(day)})


def declare_coupon(desk: Desk) -> Sample:
    first_day_of(desk, COUPON_DAY)
    return "sbp", _body("COUPON_DECLARE", series="pib-51-3y", number=2), ()


def pay_coupon(desk: Desk) -> Sample:
    desk.send(*declare_coupon(desk)[:2])
    desk.ok("sbp", "CASH_MINT", account="mof/proceeds", amount=money(7 * MILLION))
    return "sbp", _body("COUPON_PAY", series="pib-51-3y", number=2), ()


def redeem(desk: Desk) -> Sample:
    first_day_of(desk, BILL.maturity_date)
    return "sbp", _body("REDEEM", series="mtb-364"), ()


def claim(desk: Desk) -> Sample:
    return "exchange-a", _body("CLAIM_ADD", subject="ali", topic="accredited"), ()


def claim_of_pvara(desk: Desk) -> Sample:
    return "pvara", _body("CLAIM_ADD", subject="exchange-a", topic="identity"), ()


def revoke_claim(desk: Desk) -> Sample:
    desk.send(*claim(desk)[:2])
    return "exchange-a", _body("CLAIM_REVOKE", subject="ali", topic="accredited"), ()


def forced_transfer(desk: Desk) -> Sample:
    where = {"source": "ali/main", "target": "sbp/main", "order": "order 7"}
    return "pvara", _body("FORCED_TRANSFER", **where, amount=money(7)), ("sbp",)


def remove_validator(desk: Desk) -> Sample:
    body = _body("VALIDATOR_UPDATE", change="remove", validator="node-2")
    return "node-1", body, ("node-3", "node-4", "node-5")


def register_asset(desk: Desk) -> Sample:
    value = money(500 * MILLION)
    return "mof", _body("ASSET_REGISTER", id="m-2", title="deed 9", value=value), ("sbp",)


SALT = bytes(16)


def open_sealed(desk: Desk, **terms: Any) -> Any:
    """An auction of a sealed bond whose window closes at 20 ms; returns the sealed bid."""
    define, cosigners = define_series(desk)[1:]
    desk.send("mof", replace(define, sealed=True, **terms), *cosigners)
    desk.open_day()
    opening = {"id": "a", "series": "pib-5y", "target": 1_000 * MILLION, "closes_at_us": 20_000}
    desk.ok("sbp", "AUCTION_OPEN", **opening)
    return sealed_bid("dealer-1", 1, 100 * MILLION, 950_000)


def sealed_bid(dealer: str, reference: int, amount: int, price_e4: int | None) -> Any:
    bid = bid_body(dealer, reference, amount, price_e4)
    fields = {name: getattr(bid, name) for name in bid.__struct_fields__}
    return _body("BID_REVEAL", **fields, salt=SALT)


def commit_bid(desk: Desk) -> Sample:
    reveal = open_sealed(desk)
    hashed = commitment_to("dealer-1", reveal)
    return "dealer-1", _body("BID_COMMIT", auction="a", reference=1, commitment=hashed), ()


def reveal_bid(desk: Desk) -> Sample:
    desk.send(*commit_bid(desk)[:2])
    desk.block(desk.request("vault", _body("PAUSE")), after_us=20_000)
    return "dealer-1", sealed_bid("dealer-1", 1, 100 * MILLION, 950_000), ()


def fix_price(desk: Desk) -> Sample:
    desk.open_day()
    return "sbp", _body("PRICE_FIX", date=AUCTION_DAY, metal="gold", price_e4=GOLD_E4), ()


GOLD_E4 = 272_000 * 10_000
"""PKR per fine ounce."""


def define_gold(desk: Desk, **terms: Any) -> None:
    fields = {"id": "gold", "instrument": "commodity", "metal": "gold", "denomination": 1}
    fields |= {"issue_date": AUCTION_DAY, "issuer_account": "mof/proceeds"}
    desk.ok("mof", "SERIES_DEFINE", "sbp", **(fields | terms))


def attest_vault(desk: Desk) -> Sample:
    """Two bars of 400 ounces, and one that somebody else has a claim on."""
    desk.open_day()
    define_gold(desk)
    bars = [
        {"serial": "b-1", "fine_units": 400_000},
        {"serial": "b-2", "fine_units": 400_000},
        {"serial": "b-3", "fine_units": 400_000, "encumbered": True},
    ]
    return "vault", _body("VAULT_ATTEST", series="gold", bars=bars), ()


def mint_commodity(desk: Desk) -> Sample:
    desk.send(*attest_vault(desk)[:2])
    desk.ok("sbp", "PRICE_FIX", date=AUCTION_DAY, metal="gold", price_e4=GOLD_E4)
    body = _body("COMMODITY_MINT", series="gold", account="exchange-a/main", amount=500_000)
    return "mof", body, ("sbp",)


def redeem_commodity(desk: Desk) -> Sample:
    desk.send(*mint_commodity(desk)[:2], "sbp")
    body = _body("COMMODITY_REDEEM", series="gold", account="exchange-a/main", amount=100_000)
    return "exchange-a", body, ("vault",)


def two_commits(desk: Desk, number: int = 2, second: bytes = b"b" * 32) -> Misbehaviour:
    """A validator signed COMMITs for two batches in one place."""
    name, signer = f"node-{number}", voter(number)
    commits = [
        signed(Commit(desk.ledger.genesis.hash, 0, name, 0, 7, digest), signer)
        for digest in (b"a" * 32, second)
    ]
    return Misbehaviour("conflicting-commit", name, commits[0], commits[1])


def give_evidence(desk: Desk) -> Sample:
    return "vault", _body("EVIDENCE", misbehaviour=encode(two_commits(desk))), ()


SAMPLES: dict[str, tuple[Callable[[Desk], Sample], ...]] = {
    "PARTY_REGISTER": (register_vasp, register_investor),
    "KEY_ROTATE": (rotate_key,),
    "REGULATIONS_COMMENCE": (commence,),
    "LICENCE_SET": (grant_noc,),
    "GOAML_ATTEST": (attest_goaml,),
    "SECP_INCORPORATE": (incorporate,),
    "ACCOUNT_OPEN": (open_account,),
    "SERIES_DEFINE": (define_series,),
    "FX_FIX": (fix_fx,),
    "AUCTION_OPEN": (open_auction,),
    "BID": (bid,),
    "AUCTION_CLOSE": (close_auction,),
    "AUCTION_ALLOT": (allot_auction,),
    "AUCTION_SETTLE": (settle_auction,),
    "CASH_MINT": (mint_cash,),
    "CASH_BURN": (burn_cash,),
    "TRANSFER": (transfer, transfer_of_investor),
    "DVP_PROPOSE": (propose,),
    "DVP_ACCEPT": (accept,),
    "DVP_SETTLE": (settle,),
    "DVP_CANCEL": (cancel,),
    "FREEZE": (freeze,),
    "UNFREEZE": (unfreeze,),
    "PAUSE": (pause,),
    "UNPAUSE": (unpause,),
    "DAY_OPEN": (open_day,),
    "COUPON_DECLARE": (declare_coupon,),
    "COUPON_PAY": (pay_coupon,),
    "REDEEM": (redeem,),
    "CLAIM_ADD": (claim, claim_of_pvara),
    "CLAIM_REVOKE": (revoke_claim,),
    "FORCED_TRANSFER": (forced_transfer,),
    "VALIDATOR_UPDATE": (remove_validator,),
    "ASSET_REGISTER": (register_asset,),
    "BID_COMMIT": (commit_bid,),
    "BID_REVEAL": (reveal_bid,),
    "EVIDENCE": (give_evidence,),
    "PRICE_FIX": (fix_price,),
    "VAULT_ATTEST": (attest_vault,),
    "COMMODITY_MINT": (mint_commodity,),
    "COMMODITY_REDEEM": (redeem_commodity,),
}

assert SAMPLES.keys() == BODIES.keys()

ALL = [(type_name, make) for type_name, makers in SAMPLES.items() for make in makers]
