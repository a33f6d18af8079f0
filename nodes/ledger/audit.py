"""What must hold of a state at every height (LEDGER.md, invariants 1 to 6, 8, 9, 10 and 13).

Reads the whole state: for tests and checks, not for execution.
"""

from __future__ import annotations

from collections.abc import Iterator

from nodes.ledger.genesis import Genesis
from nodes.ledger.records import Balance, Coupon, Freeze, Instruction, Programme, Series, Supply
from nodes.ledger.state import LIVE, PROGRAMME, State


def audit(genesis: Genesis, state: State) -> list[str]:
    """Every invariant that doesn't hold; empty if all do."""
    return [
        *_supplies(state),
        *_partitions(state),
        *_reservations(state),
        *_freezes(state),
        *_denominations(state),
        *_programme(genesis, state),
        *_coupons(state),
        *_backing(state),
        *_redeemed(state),
    ]


def _supplies(state: State) -> Iterator[str]:
    held: dict[str, int] = {}
    for key, balance in state.of_kind("balance"):
        held[key[2]] = held.get(key[2], 0) + balance.free + balance.reserved + balance.frozen
    for key, supply in state.of_kind("supply"):
        assert isinstance(supply, Supply)
        outstanding = supply.issued - supply.redeemed
        if held.pop(key[1], 0) != outstanding:
            yield f"{key[1]}: balances don't sum to issued less redeemed ({outstanding})"
    for asset, total in held.items():
        yield f"{asset}: {total} held, but none was issued"


def _partitions(state: State) -> Iterator[str]:
    for key, balance in state.of_kind("balance"):
        assert isinstance(balance, Balance)
        if min(balance.free, balance.reserved, balance.frozen) < 0:
            yield f"{key[1]} {key[2]}: a partition is below zero: {balance}"


def _reservations(state: State) -> Iterator[str]:
    wanted: dict[tuple[str, str], int] = {}
    for _, instruction in state.of_kind("dvp"):
        assert isinstance(instruction, Instruction)
        if instruction.status == LIVE[1]:
            for lot in (instruction.delivery, instruction.payment):
                place = (lot.source, lot.asset)
                wanted[place] = wanted.get(place, 0) + lot.amount
    for key, balance in state.of_kind("balance"):
        expected = wanted.pop((key[1], key[2]), 0)
        if balance.reserved != expected:
            yield f"{key[1]} {key[2]}: {balance.reserved} reserved, instructions hold {expected}"
    for (account, asset), amount in wanted.items():
        yield f"{account} {asset}: instructions hold {amount}, nothing is reserved"


def _freezes(state: State) -> Iterator[str]:
    ordered: dict[tuple[str, str], int] = {}
    for key, freeze in state.of_kind("freeze"):
        assert isinstance(freeze, Freeze)
        place = (key[1], key[2])
        ordered[place] = sum(order.amount for order in freeze.orders)
    for key, balance in state.of_kind("balance"):
        expected = ordered.pop((key[1], key[2]), 0)
        if balance.frozen != expected:
            yield f"{key[1]} {key[2]}: {balance.frozen} frozen, orders freeze {expected}"
    for (account, asset), amount in ordered.items():
        yield f"{account} {asset}: orders freeze {amount}, nothing is frozen"


def _denominations(state: State) -> Iterator[str]:
    for key, balance in state.of_kind("balance"):
        series: Series | None = state.values.get(("series", key[2]))
        if series is not None and any(
            part % series.denomination for part in (balance.free, balance.reserved, balance.frozen)
        ):
            yield f"{key[1]} {key[2]}: not a multiple of {series.denomination}: {balance}"


def _programme(genesis: Genesis, state: State) -> Iterator[str]:
    used: Programme = state.values.get(PROGRAMME, Programme())
    locked_cents = sum(balance.locked_cents for _, balance in state.of_kind("balance"))
    if locked_cents != used.locked_cents:
        yield f"programme: holdings take {locked_cents} US cents, {used.locked_cents} are counted"
    if used.locked_cents > genesis.policies.programme_cap_cents:
        yield f"programme: {used.locked_cents} US cents outstanding, above the cap"


def _coupons(state: State) -> Iterator[str]:
    for _, coupon in state.of_kind("coupon"):
        assert isinstance(coupon, Coupon)
        name = f"coupon {coupon.number} of {coupon.series}"
        if coupon.paid > coupon.total:
            yield f"{name}: {coupon.paid} paid of {coupon.total}"
        if coupon.paid_on is not None and coupon.paid != coupon.total:
            yield f"{name}: over, with {coupon.paid} paid of {coupon.total}"


def _redeemed(state: State) -> Iterator[str]:
    for key, _ in state.of_kind("redeemed"):
        supply: Supply = state.values.get(("supply", key[1]), Supply())
        if supply.issued != supply.redeemed:
            yield f"{key[1]}: redeemed, but {supply.issued - supply.redeemed} are outstanding"


def _backing(state: State) -> Iterator[str]:
    for _, series in state.of_kind("series"):
        assert isinstance(series, Series)
        supply: Supply = state.values.get(("supply", series.id), Supply())
        outstanding = supply.issued - supply.redeemed
        backed = outstanding
        if series.instrument == "sukuk":
            backed = state.values["asset", series.underlying].value
        elif series.instrument == "commodity":
            attestation = state.values.get(("attestation", series.id))
            backed = 0 if attestation is None else attestation.fine_units
        if outstanding > backed:
            yield f"{series.id}: {outstanding} outstanding, backed by {backed}"
