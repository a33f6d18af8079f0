"""The examples of docs/ledger.md, carried out: a function for each code, named as the code is.

Its docstring is what the page says; what it returns is the code of the last receipt.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from msgspec.structs import replace

from consensus.encoding import encode
from consensus.messages import Commit, signed
from nodes.ledger.genesis import Genesis, Policies
from nodes.ledger.records import Rules
from tests.unit.ledger import samples
from tests.unit.ledger.samples import Sample
from tests.unit.ledger.support import (
    AUCTION_DAY,
    COUPON_DAY,
    GENESIS,
    MILLION,
    PIB,
    RECORD_DAY,
    SETTLEMENT_DAY,
    Desk,
    key,
    money,
    voter,
    with_party,
    with_policies,
)

PAY = {"source": "dealer-1/main", "target": "dealer-2/main"}


def _send(desk: Desk, sample: Sample, **more: Any) -> str:
    sender, body, cosigners = sample
    return desk.send(sender, body, *cosigners, **more).code


def _pay(desk: Desk, amount: int = 1, asset: str = "PKR", **more: Any) -> str:
    return desk.do("dealer-1", "TRANSFER", **(PAY | {"amount": money(amount, asset)} | more)).code


def _ruled(**rules: Any) -> Genesis:
    """The bond of the samples, with compliance modules."""
    return replace(GENESIS, series=(replace(PIB, rules=Rules(**rules)), *GENESIS.series[1:]))


def _licence(desk: Desk, state: str, party: str = "exchange-n") -> str:
    return desk.do("pvara", "LICENCE_SET", party=party, state=state).code


def e_sig() -> str:
    """a key that isn't the sender's registered one"""
    desk = Desk()
    return _send(desk, samples.transfer(desk), public_key=key("somebody"))


def e_nonce() -> str:
    """a request number that was used, or lies below the window"""
    desk = Desk()
    _send(desk, samples.transfer(desk), number=1)
    return _send(desk, samples.transfer(desk), number=1)


def e_chain() -> str:
    """a request of another chain"""
    desk = Desk()
    return _send(desk, samples.transfer(desk), chain=bytes(32))


def e_expired() -> str:
    """ordered after its expiry height"""
    desk = Desk()
    desk.block()
    return _send(desk, samples.transfer(desk), expiry=1)


def e_schema() -> str:
    """bytes that are no transaction"""
    return Desk().send("dealer-1", b"no transaction").code


def e_role() -> str:
    """an exchange opens a business day; a co-signer is missing"""
    assert Desk().do("mof", "PAUSE").code == "E_ROLE"
    return Desk().do("exchange-a", "DAY_OPEN", date=AUCTION_DAY).code


def e_paused() -> str:
    """a transfer while two authorities have paused the ledger"""
    desk = Desk()
    desk.ok("mof", "PAUSE", "sbp")
    return _pay(desk)


def e_licence() -> str:
    """an exchange with a no-objection certificate sends an order"""
    desk = Desk(with_party("exchange-a", licence="NOC_GRANTED"))
    return _send(desk, samples.transfer(desk))


def e_allot_mismatch() -> str:
    """an allotment one paisa off"""
    desk = Desk()
    sender, body, _ = samples.allot_auction(desk)
    [item] = body.allotments  # type: ignore[union-attr]
    wrong = replace(body, allotments=(replace(item, amount=item.amount - 1),))
    return desk.send(sender, wrong).code


def e_amount() -> str:
    """more is to be frozen than is free"""
    fields = {"account": "ali/main", "amount": money(1_001 * MILLION), "order": "order 1"}
    return Desk().do("pvara", "FREEZE", **fields).code


def e_backing() -> str:
    """a bar that backs another series; more sukuk than the asset is worth"""
    desk = Desk()
    _send(desk, samples.attest_vault(desk))
    samples.define_gold(desk, id="gold-2")
    bars = [{"serial": "b-1", "fine_units": 400_000}]
    assert desk.do("vault", "VAULT_ATTEST", series="gold-2", bars=bars).code == "E_BACKING"
    worth = money(100 * MILLION)
    desk.ok("mof", "ASSET_REGISTER", "sbp", id="m-2", title="deed 9", value=worth)
    define, cosigners = samples.define_series(desk)[1:]
    terms = {"instrument": "sukuk", "underlying": "m-2", "maturity_date": date(2024, 2, 4)}
    assert desk.send("mof", replace(define, **terms), *cosigners).code == "OK"
    return desk.do("sbp", "AUCTION_OPEN", id="g", series="pib-5y", target=200 * MILLION).code


def e_cap() -> str:
    """an issue that would exceed the programme, or the series' limit"""
    desk = Desk(with_policies(programme_cap_cents=125_000_000))
    return _send(desk, samples.settle_auction(desk))


def e_country() -> str:
    """a holder from a country that the series doesn't allow"""
    abroad = with_party("dealer-2", country="AE").parties
    desk = Desk(replace(_ruled(countries=("PK",)), parties=abroad))
    return _pay(desk, 10 * MILLION, "pib-51-3y")


def e_custody() -> str:
    """an account for somebody else's client who didn't co-sign"""
    return Desk().do("exchange-b", "ACCOUNT_OPEN", id="ali/b", owner="ali").code


def e_date() -> str:
    """a day that isn't the next business day"""
    return Desk().do("sbp", "DAY_OPEN", date=SETTLEMENT_DAY).code


def e_deadline() -> str:
    """settling an instruction that has expired"""
    desk = Desk()
    desk.send("exchange-a", samples.dvp_body(deadline_us=2_500))
    desk.ok("exchange-b", "DVP_ACCEPT", id="d")
    return desk.do("exchange-a", "DVP_SETTLE", id="d").code


def e_denom() -> str:
    """half a bond"""
    return _pay(Desk(), 5_000_000, "pib-51-3y")


def e_dup() -> str:
    """an id, an LEI, an ISIN, a rate of a day, or a coupon for the second time"""
    desk = Desk()
    _send(desk, samples.fix_fx(desk))
    return desk.do("sbp", "FX_FIX", date=AUCTION_DAY, rate_e4=1_580_000).code


def e_edge() -> str:
    """from NOC_GRANTED to LICENSED at once"""
    desk = Desk()
    _licence(desk, "NOC_GRANTED")
    return _licence(desk, "LICENSED")


def e_evidence() -> str:
    """two signed messages that an honest validator may both send"""
    desk = Desk()
    both = samples.two_commits(desk)
    later = Commit(desk.ledger.genesis.hash, 0, "node-2", 0, 8, b"b" * 32)
    honest = replace(both, second=signed(later, voter(2)))
    return desk.do("vault", "EVIDENCE", misbehaviour=encode(honest)).code


def e_free_bal() -> str:
    """more securities than are free"""
    return _pay(Desk(), 110 * MILLION, "pib-51-3y")


def e_frozen() -> str:
    """free and frozen together would do"""
    desk = Desk()
    frozen = {"account": "dealer-1/main", "amount": money(50 * MILLION, "pib-51-3y")}
    desk.ok("pvara", "FREEZE", **frozen, order="order 1")
    return _pay(desk, 60 * MILLION, "pib-51-3y")


def e_funds() -> str:
    """an issuer without the money for a coupon"""
    desk = Desk(replace(GENESIS, first_business_day=RECORD_DAY))
    for day in (RECORD_DAY, COUPON_DAY):
        desk.open_day(day)
    desk.ok("sbp", "COUPON_DECLARE", series="pib-51-3y", number=2)
    return desk.do("sbp", "COUPON_PAY", series="pib-51-3y", number=2).code


def e_fx_stale() -> str:
    """an issue without a rate of today or yesterday"""
    desk = Desk()
    _send(desk, samples.allot_auction(desk))
    desk.open_day(SETTLEMENT_DAY)
    return desk.do("sbp", "AUCTION_SETTLE", auction="a").code


def e_issuer() -> str:
    """a claim of somebody who is trusted for nothing, or another's claim revoked"""
    desk = Desk()
    _send(desk, samples.claim(desk))
    return desk.do("exchange-b", "CLAIM_REVOKE", subject="ali", topic="accredited").code


def e_key() -> str:
    """a new key that is in use, or that didn't co-sign"""
    desk = Desk()
    return desk.do("vault", "KEY_ROTATE", new_public_key=key("vault, again")).code


def e_late() -> str:
    """a bid after the close"""
    desk = Desk()
    _send(desk, samples.close_auction(desk))
    return desk.send("dealer-2", samples.bid_body("dealer-2", 1, 100 * MILLION, 960_000)).code


def e_lei() -> str:
    """check digits that don't fit"""
    fields = {"id": "new", "role": "dealer", "public_key": key("new")}
    return Desk().do("sbp", "PARTY_REGISTER", **fields, lei="506700GE1G29325QX364").code


def e_maxbal() -> str:
    """a holder would have more than the series allows to one identity"""
    return _pay(Desk(_ruled(max_balance=20 * MILLION)), 30 * MILLION, "pib-51-3y")


def e_ncb_cap() -> str:
    """a non-competitive bid above the ceiling"""
    desk = Desk()
    _send(desk, samples.open_auction(desk))
    accounts = {"cash_account": "sara/main", "securities_account": "sara/main"}
    bid = samples.bid_body("dealer-1", 1, 26 * MILLION, None, **accounts)
    return desk.send("dealer-1", bid).code


def e_no_noc() -> str:
    """goAML attested for who holds no certificate"""
    return Desk().do("pvara", "GOAML_ATTEST", party="exchange-n").code


def e_no_order() -> str:
    """a freeze without an order reference"""
    return Desk().do("pvara", "FREEZE", account="ali/main", amount=money(1), order="").code


def e_not_incorporated() -> str:
    """a licence applied for without a subsidiary"""
    desk = Desk()
    _send(desk, samples.commence(desk))
    _licence(desk, "NOC_GRANTED")
    return _licence(desk, "APPLIED")


def e_not_due() -> str:
    """a coupon before its payment day, or before the one that comes first"""
    desk = Desk()
    desk.open_day()
    return desk.do("sbp", "COUPON_DECLARE", series="pib-51-3y", number=2).code


def e_not_mature() -> str:
    """redemption before maturity; metal never matures"""
    desk = Desk()
    desk.open_day()
    return desk.do("sbp", "REDEEM", series="mtb-364").code


def e_no_regulation() -> str:
    """a licence applied for before regulations commence"""
    desk = Desk()
    _licence(desk, "NOC_GRANTED")
    return _licence(desk, "APPLIED")


def e_price() -> str:
    """a cut-off that the bids don't reach; a price where bids are rates"""
    desk = Desk()
    _send(desk, samples.bid(desk))
    close = {"auction": "a", "cutoff_e4": 960_000, "amount": 100 * MILLION}
    return desk.do("sbp", "AUCTION_CLOSE", **close).code


def e_quorum() -> str:
    """a change of validators that too few of them signed"""
    fields = {"change": "remove", "validator": "node-2"}
    return Desk().do("node-1", "VALIDATOR_UPDATE", "node-3", **fields).code


def e_reveal() -> str:
    """a revealed bid that isn't what was committed to"""
    desk = Desk()
    sender, body, _ = samples.reveal_bid(desk)
    return desk.send(sender, replace(body, price_e4=960_000)).code


def e_stale_attest() -> str:
    """metal minted on an attestation of last week"""
    desk = Desk()
    mint = samples.mint_commodity(desk)
    for day in (SETTLEMENT_DAY, date(2021, 3, 5), date(2021, 3, 8)):
        desk.open_day(day)
    return _send(desk, mint)


def e_state() -> str:
    """an auction closed twice"""
    desk = Desk()
    _send(desk, samples.close_auction(desk))
    close = {"auction": "a", "cutoff_e4": 950_000, "amount": 100 * MILLION}
    return desk.do("sbp", "AUCTION_CLOSE", **close).code


def e_terms() -> str:
    """a bill of 100 days; an ISIN whose check digit is wrong"""
    desk = Desk()
    sender, body, cosigners = samples.define_series(desk)
    assert desk.send(sender, replace(body, isin="US0378331004"), *cosigners).code == "E_TERMS"
    bill = {"instrument": "mtb", "denomination": 500_000, "coupon_e4": 0}
    days = {"issue_date": date(2021, 3, 4), "maturity_date": date(2021, 6, 12)}
    return desk.send(sender, replace(body, **bill, **days), *cosigners).code


def e_topic() -> str:
    """a claim that its issuer isn't trusted for, or that a holder lacks"""
    return _pay(Desk(_ruled(topics=("accredited",))), 10 * MILLION, "pib-51-3y")


def e_travel() -> str:
    """cash above the threshold without a travel-rule hash"""
    desk = Desk(replace(GENESIS, policies=Policies(travel_rule_threshold=5)))
    return _send(desk, samples.transfer(desk))


def e_unverified() -> str:
    """an account whose owner's identity claim has expired"""
    desk = Desk(with_party("dealer-2", verified=False))
    desk.open_day()
    claim = {"subject": "dealer-2", "topic": "identity", "expires": AUCTION_DAY}
    desk.ok("exchange-a", "CLAIM_ADD", **claim)
    assert _pay(desk) == "OK"
    desk.open_day(SETTLEMENT_DAY)
    return _pay(desk)


def e_window() -> str:
    """more sent in one window than the series allows"""
    desk = Desk(_ruled(window_days=1, window_limit=20 * MILLION))
    desk.open_day()
    assert _pay(desk, 20 * MILLION, "pib-51-3y") == "OK"
    return _pay(desk, 10 * MILLION, "pib-51-3y")


EXAMPLES = {name.upper(): act for name, act in list(globals().items()) if name.startswith("e_")}
"""By code."""
