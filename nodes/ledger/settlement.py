"""Delivery versus payment: both legs at one height, or none.

PROPOSED --accept--> ACCEPTED --settle--> SETTLED; CANCELLED and EXPIRED from either of the first
two. Accepting reserves both legs. The deadline is block time: an instruction is alive in blocks
whose time is at most its deadline, and the first block past it releases what it holds before
any transaction (a system receipt of type DVP_EXPIRE).
"""

from __future__ import annotations

from msgspec.structs import replace

from nodes.ledger.act import Act
from nodes.ledger.codes import (
    E_DEADLINE,
    E_DUP,
    E_FREE_BAL,
    E_FUNDS,
    E_LICENCE,
    E_ROLE,
    E_STATE,
    Refused,
)
from nodes.ledger.compliance import (
    check_covered,
    check_denomination,
    check_inflow,
    check_rules,
    firm_of,
    verified_account,
)
from nodes.ledger.records import Instruction, Lot
from nodes.ledger.state import LIVE
from nodes.ledger.transactions import DvpAccept, DvpCancel, DvpPropose, DvpSettle, Leg


def propose(act: Act, body: DvpPropose) -> None:
    """DVP_PROPOSE: securities against cash between the sender and one counterparty."""
    if act.get(("dvp", body.id)) is not None:
        raise Refused(E_DUP, f"instruction {body.id} exists")
    if body.deadline_us < act.block.time_us:
        raise Refused(E_DEADLINE, "the deadline has passed")
    delivery, payment = _lot(body.delivery), _lot(body.payment)
    if act.series(delivery.asset) is None or payment.asset not in act.genesis.currencies:
        raise Refused(E_STATE, "the delivery is of a series, the payment of a currency")
    check_denomination(act, delivery.asset, delivery.amount)
    seller = verified_account(act, delivery.source).owner
    buyer = verified_account(act, payment.source).owner
    takes, gets_paid = (verified_account(act, lot.target) for lot in (delivery, payment))
    if (takes.owner, gets_paid.owner) != (buyer, seller) or seller == buyer:
        raise Refused(E_ROLE, "each leg goes from one side to the other")
    if {act.sender.id, body.counterparty} != {seller, buyer}:
        raise Refused(E_ROLE, "the sides are the sender and the counterparty")
    check_inflow(act, takes)
    check_inflow(act, gets_paid)
    act.put(
        ("dvp", body.id),
        Instruction(
            id=body.id,
            proposer=act.sender.id,
            counterparty=body.counterparty,
            delivery=delivery,
            payment=payment,
            deadline_us=body.deadline_us,
        ),
    )


def accept(act: Act, body: DvpAccept) -> None:
    """DVP_ACCEPT: the counterparty's word reserves both legs."""
    instruction = _live(act, body.id, ("PROPOSED",))
    if act.sender.id != instruction.counterparty:
        raise Refused(E_ROLE, f"{instruction.counterparty} accepts")
    for lot, shortfall in (
        (instruction.delivery, E_FREE_BAL),
        (instruction.payment, E_FUNDS),
    ):
        target = verified_account(act, lot.target)
        check_inflow(act, target)
        source = verified_account(act, lot.source)
        check_rules(act, lot.asset, source, target, lot.amount, consume=False)
        check_covered(act, lot.source, lot.asset, lot.amount, shortfall)
        act.move(lot.asset, lot.amount, (lot.source, "free"), (lot.source, "reserved"))
    act.put(("dvp", body.id), replace(instruction, status="ACCEPTED"))


def settle(act: Act, body: DvpSettle) -> None:
    """DVP_SETTLE: by either side; a suspended firm's by policy, a revoked one's never."""
    instruction = _live(act, body.id, ("ACCEPTED",))
    _check_side(act, instruction)
    allowed = ["LICENSED"]
    if act.genesis.policies.suspended_settlement == "settle":
        allowed.append("SUSPENDED")
    legs = (instruction.delivery, instruction.payment)
    for account in [id_ for lot in legs for id_ in (lot.source, lot.target)]:
        firm = firm_of(act, verified_account(act, account))
        if firm is not None and firm.licence not in allowed:
            raise Refused(E_LICENCE, f"licence of {firm.id} is {firm.licence}")
    for lot in legs:
        source, target = verified_account(act, lot.source), verified_account(act, lot.target)
        check_rules(act, lot.asset, source, target, lot.amount)
        act.move(lot.asset, lot.amount, (lot.source, "reserved"), (lot.target, "free"))
    act.put(("dvp", body.id), replace(instruction, status="SETTLED"))


def cancel(act: Act, body: DvpCancel) -> None:
    """DVP_CANCEL: by either side before settlement."""
    instruction = _live(act, body.id, LIVE)
    _check_side(act, instruction)
    _release(act, instruction)
    act.put(("dvp", body.id), replace(instruction, status="CANCELLED"))


def expire(act: Act, id_: str) -> bool:
    """The ledger's own act on an instruction past its deadline; False if it had ended before."""
    instruction: Instruction = act.get(("dvp", id_))
    if instruction.status not in LIVE:
        return False
    _release(act, instruction)
    act.put(("dvp", id_), replace(instruction, status="EXPIRED"))
    act.note("dvp", id_)
    return True


def release_all(act: Act, series: str) -> list[str]:
    """Cancel every live instruction over a series that ends; returns their ids."""
    released = list(act.group("live", series))
    for id_ in released:
        instruction: Instruction = act.get(("dvp", id_))
        _release(act, instruction)
        act.put(("dvp", id_), replace(instruction, status="CANCELLED"))
    return released


def _lot(leg: Leg) -> Lot:
    return Lot(leg.source, leg.target, leg.amount.asset, leg.amount.amount)


def _live(act: Act, id_: str, wanted: tuple[str, ...]) -> Instruction:
    instruction: Instruction | None = act.get(("dvp", id_))
    if instruction is None:
        raise Refused(E_STATE, f"no instruction {id_}")
    if instruction.status == "EXPIRED":
        raise Refused(E_DEADLINE, f"{id_} expired")
    if instruction.status not in wanted:
        raise Refused(E_STATE, f"{id_} is {instruction.status}")
    return instruction


def _check_side(act: Act, instruction: Instruction) -> None:
    if act.sender.id not in instruction.parties:
        raise Refused(E_ROLE, f"{act.sender.id} is not a side of {instruction.id}")


def _release(act: Act, instruction: Instruction) -> None:
    if instruction.status == "ACCEPTED":
        for lot in (instruction.delivery, instruction.payment):
            act.move(lot.asset, lot.amount, (lot.source, "reserved"), (lot.source, "free"))
