"""The ledger's checks: the truth passes, whatever the transaction; each lie is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from chainsim.checks.authority import Authority
from nodes.ledger.genesis import Genesis
from nodes.ledger.receipts import Posting
from nodes.ledger.records import Licence
from tests.unit.checks.ledger_story import Told, changed, with_postings
from tests.unit.ledger.samples import ALL, Sample, settle_auction
from tests.unit.ledger.support import GENESIS, MILLION, Desk, money
from tests.unit.ledger.test_access import envelope
from tests.unit.ledger.test_redemption import BILLS
from tests.unit.ledger.test_revoked_seat import SIX

CHECKS = ("programme-cap", "restraints", "securities", "authority", "conservation")
WITH_A_JUMP = ("COUPON_DECLARE", "COUPON_PAY", "REDEEM")
"""Their samples put the business date where no block has put it."""


def told(make: Callable[[Desk], Sample], genesis: Genesis = GENESIS) -> Told:
    desk = Told(genesis)
    sender, body, cosigners = make(desk)
    type_name = str(type(body).__struct_config__.tag)
    receipt = desk.send(sender, body, *cosigners, **envelope(type_name, body, cosigners))
    assert receipt.code == "OK"
    return desk


@pytest.mark.parametrize(("type_name", "make"), ALL)
def test_the_truth_passes(type_name: str, make: Callable[[Desk], Sample]) -> None:
    desk = told(make)
    names = CHECKS if type_name in WITH_A_JUMP else (*CHECKS, "replay-from-genesis")
    for name in names:
        result = desk.verdict(name)
        assert result.ok, result.detail


def other_role(id_: str) -> Genesis:
    """Genesis as it would be if a party were somebody else."""
    role: Any = "secp" if id_ != "secp" else "vault"
    parties = tuple(replace(p, role=role) if p.id == id_ else p for p in GENESIS.parties)
    seats = tuple(seat for seat in GENESIS.validators if seat.id != id_)
    return replace(GENESIS, parties=parties, validators=seats)


class TestAuthority:
    ANYBODY = ("KEY_ROTATE", "EVIDENCE")

    @pytest.mark.parametrize(("type_name", "make"), ALL)
    def test_a_sender_of_another_role(self, type_name: str, make: Callable[[Desk], Sample]) -> None:
        desk = told(make)
        sender = desk.receipts[-1].client
        result = desk.verdict("authority", other_role(sender))
        found = [f.what for f in result.findings if f.height == desk.ledger.height]
        assert bool(found) == (type_name not in self.ANYBODY), result

    @pytest.mark.parametrize(("type_name", "make"), ALL)
    def test_a_co_signer_of_another_role(
        self, type_name: str, make: Callable[[Desk], Sample]
    ) -> None:
        cosigners = make(Desk())[2]
        if not cosigners or type_name in ("KEY_ROTATE", "CASH_BURN", "VALIDATOR_UPDATE"):
            return  # these co-sign as themselves, not in a role
        result = told(make).verdict("authority", other_role(cosigners[0]))
        assert any("didn't co-sign" in f.what for f in result.findings)

    @pytest.mark.parametrize("licence", ["NOC_GRANTED", "SUSPENDED", "REVOKED"])
    @pytest.mark.parametrize(("type_name", "make"), ALL)
    def test_a_licence_that_had_fallen(
        self, type_name: str, make: Callable[[Desk], Sample], licence: Licence
    ) -> None:
        desk = told(make)
        sender = desk.ledger.get("party", desk.receipts[-1].client)
        if sender.role not in ("vasp", "investor") or sender.custodian == "dealer-1":
            return
        firm = sender.custodian or sender.id
        parties = tuple(replace(p, licence=licence) if p.id == firm else p for p in GENESIS.parties)
        result = desk.verdict("authority", replace(GENESIS, parties=parties))
        found = [f.what for f in result.findings if f.height == desk.ledger.height]
        anyway = {"DVP_CANCEL": ("SUSPENDED", "REVOKED", "NOC_GRANTED")}
        suspended = ("CLAIM_REVOKE", "DVP_SETTLE", "COMMODITY_REDEEM")
        may = licence in anyway.get(type_name, ()) or (
            licence == "SUSPENDED" and type_name in suspended
        )
        assert bool(found) != may, result

    @pytest.mark.parametrize(("type_name", "make"), ALL)
    def test_while_paused(self, type_name: str, make: Callable[[Desk], Sample]) -> None:
        desk = told(make)
        check = Authority(desk.context())
        for record in desk.trace[:-1]:
            check.on_record(record)
        check.findings.clear()
        check._paused = True
        check.on_record(desk.trace[-1])
        row = check._row(type_name, "", check._parties[desk.receipts[-1].client])
        works = type_name == "VALIDATOR_UPDATE" or (row and row["while_paused"] == "yes")
        assert bool(check.findings) != bool(works)

    def test_an_old_key(self) -> None:
        desk = told(dict(ALL)["KEY_ROTATE"])
        parties = tuple(
            replace(p, public_key=bytes(32)) if p.id == "vault" else p for p in GENESIS.parties
        )
        result = desk.verdict("authority", replace(GENESIS, parties=parties))
        assert "registered key" in result.detail


class TestRemovals:
    """What the ledger does to a committee by itself: only to firms whose licence is gone."""

    def _revoked(self) -> Told:
        desk = Told(SIX)
        desk.ok("pvara", "LICENCE_SET", party="exchange-a", state="SUSPENDED")
        desk.ok("pvara", "LICENCE_SET", party="exchange-a", state="REVOKED")
        assert desk.system_receipts[-1].type == "VALIDATOR_REMOVAL"
        return desk

    def test_the_truth_passes(self) -> None:
        result = self._revoked().verdict("authority", SIX)
        assert result.ok, result.detail

    @pytest.mark.parametrize(
        ("named", "says"),
        [
            ("exchange-b", "exchange-b has no licence that was revoked"),
            ("node-1", "node-1 has no licence that was revoked"),
            ("nobody", "nobody has no seat"),
        ],
    )
    def test_another_is_removed(self, named: str, says: str) -> None:
        desk = self._revoked()
        record = desk.trace[-1]
        assert record.block is not None
        (removal,) = record.block.system_receipts
        other = changed(removal, data=(("validator", named), ("effective", "6")))
        block = replace(record.block, system_receipts=(other,))
        desk.trace[-1] = replace(record, block=block)
        found = [f.what for f in desk.verdict("authority", SIX).findings]
        assert any(says in what for what in found), found

    def test_fewer_than_four_would_remain(self) -> None:
        seats = SIX.validators[1:5]
        result = self._revoked().verdict("authority", replace(SIX, validators=seats))
        assert any("fewer than 4" in f.what for f in result.findings)


class TestProgrammeCap:
    def test_one_cent_less_would_not_do(self) -> None:
        """200 million at 160 from before, 100 million at 157 issued."""
        desk = told(settle_auction)
        exact = 200 * MILLION * 10_000 // 1_600_000 + 100 * MILLION * 10_000 // 1_570_000
        for cap, ok in ((exact + 1, True), (exact, False)):
            policies = replace(GENESIS.policies, programme_cap_cents=cap)
            result = desk.verdict("programme-cap", replace(GENESIS, policies=policies))
            assert result.ok == ok, result.detail

    def test_redemption_makes_room(self) -> None:
        """The check's own book follows holdings: what is redeemed has given its share back."""
        desk = Told(BILLS)
        desk.ok("sbp", "CASH_MINT", account="mof/proceeds", amount=money(50 * MILLION))
        sale = {"source": "exchange-a/main", "target": "dealer-1/main"}
        desk.ok("exchange-a", "TRANSFER", **sale, amount=money(15 * MILLION, "mtb-364"))
        from tests.unit.ledger.support import BILL
        from tests.unit.ledger.test_redemption import on

        on(desk, BILL.maturity_date)
        desk.ok("sbp", "REDEEM", series="mtb-364", limit=1)
        from chainsim.checks.programme_cap import ProgrammeCap

        check = ProgrammeCap(desk.context())
        for record in desk.trace:
            check.on_record(record)
        counted = desk.ledger.get("programme").locked_cents
        assert check._total <= counted <= check._total + 5, "rounding up, holding by holding"


class TestRestraints:
    def test_frozen_quantity_that_is_sent(self) -> None:
        desk = told(dict(ALL)["TRANSFER"])
        assert desk.verdict("restraints").ok
        desk.falsify(
            "TRANSFER",
            with_postings(lambda p: [replace(p[0], partition="frozen"), *p[1:]]),
        )
        assert "that is frozen" in desk.verdict("restraints").detail

    def test_an_inflow_to_a_client_of_a_suspended_firm(self) -> None:
        desk = Told()
        where = {"source": "exchange-b/main", "target": "ali/main"}
        desk.ok("exchange-b", "TRANSFER", **where, amount=money(5))
        parties = tuple(
            replace(p, licence="SUSPENDED") if p.id == "exchange-a" else p for p in GENESIS.parties
        )
        fallen = replace(GENESIS, parties=parties)
        assert "which is SUSPENDED" in desk.verdict("restraints", fallen).detail
        out = {"source": "ali/main", "target": "exchange-b/main"}
        outward = Told()
        outward.ok("ali", "TRANSFER", **out, amount=money(5))
        assert outward.verdict("restraints", fallen).ok, "what flows out is no inflow"

    def test_a_licence_set_on_the_way_is_followed(self) -> None:
        desk = Told()
        desk.ok("pvara", "LICENCE_SET", party="exchange-a", state="SUSPENDED")
        assert desk.do("ali", "DVP_CANCEL", id="none").code == "E_STATE"
        desk.ok("sbp", "CASH_MINT", account="sara/main", amount=money(5))
        move = lambda p: [replace(p[0], account="ali/main")]  # noqa: E731
        desk.falsify("CASH_MINT", with_postings(move))
        assert "exchange-a, which is SUSPENDED" in desk.verdict("restraints").detail


class TestSecurities:
    def test_half_a_unit(self) -> None:
        desk = told(settle_auction)
        half = lambda p: [*p[:-1], replace(p[-1], delta=p[-1].delta - 1)]  # noqa: E731
        desk.falsify("AUCTION_SETTLE", with_postings(half))
        assert "no multiple of 10000000" in desk.verdict("securities").detail

    def test_a_bond_left_after_redemption(self) -> None:
        desk = told(dict(ALL)["REDEEM"])
        desk.falsify("REDEEM", lambda r: changed(r, minted=(("mtb-364", 500_000),)))
        assert "which is redeemed" in desk.verdict("securities").detail

    def test_more_metal_than_attested(self) -> None:
        desk = told(dict(ALL)["COMMODITY_MINT"])
        desk.falsify("COMMODITY_MINT", lambda r: changed(r, minted=(("gold", 800_001),)))
        assert "leaves 800001 of gold, backed by 800000" in desk.verdict("securities").detail

    def test_handed_out_metal_backs_nothing(self) -> None:
        desk = told(dict(ALL)["COMMODITY_REDEEM"])
        desk.falsify("COMMODITY_REDEEM", lambda r: changed(r, minted=(("gold", 200_001),)))
        assert "backed by 700000" in desk.verdict("securities").detail


class TestReplay:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"postings": (Posting("a", "PKR", "free", 1),)}, "receipts"),
            ({"code": "E_FUNDS"}, "receipts"),
            ({"detail": "x"}, "receipts"),
        ],
    )
    def test_a_receipt_that_does_not_follow(self, changes: dict[str, Any], words: str) -> None:
        desk = told(dict(ALL)["TRANSFER"])
        desk.falsify("TRANSFER", lambda r: changed(r, **changes))
        assert f"another {words}" in desk.verdict("replay-from-genesis").detail

    def test_another_genesis_is_another_chain(self) -> None:
        desk = told(dict(ALL)["TRANSFER"])
        other = replace(GENESIS, chain="other")
        assert not desk.verdict("replay-from-genesis", other).ok

    def test_heights_in_any_order(self) -> None:
        desk = told(settle_auction)
        desk.trace.reverse()
        result = desk.verdict("replay-from-genesis")
        assert result.detail.startswith(f"{desk.ledger.height} blocks")
