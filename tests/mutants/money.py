"""Mutants of the ledger (LEDGER.md, settlement)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from msgspec.structs import replace

from chainsim.explore.planting import swapped
from consensus.effects import Effect
from nodes.ledger import execution, settlement
from nodes.ledger.act import Act
from nodes.ledger.records import Upcoming
from nodes.ledger.transactions import DvpAccept, DvpSettle
from nodes.validator import Validator

Patch = AbstractContextManager[None]


def one_leg() -> Patch:
    """Accepting reserves the legs that are covered, settling moves the legs that are reserved."""

    def accept(act: Act, body: DvpAccept) -> None:
        instruction = settlement._live(act, body.id, ("PROPOSED",))
        for lot in (instruction.delivery, instruction.payment):
            if act.balance(lot.source, lot.asset).free >= lot.amount:
                act.move(lot.asset, lot.amount, (lot.source, "free"), (lot.source, "reserved"))
        act.put(("dvp", body.id), settlement.replace(instruction, status="ACCEPTED"))

    def settle(act: Act, body: DvpSettle) -> None:
        instruction = settlement._live(act, body.id, ("ACCEPTED",))
        for lot in (instruction.delivery, instruction.payment):
            if act.balance(lot.source, lot.asset).reserved >= lot.amount:
                act.move(lot.asset, lot.amount, (lot.source, "reserved"), (lot.target, "free"))
        act.put(("dvp", body.id), settlement.replace(instruction, status="SETTLED"))

    handlers = {**execution.HANDLERS, "DVP_ACCEPT": accept, "DVP_SETTLE": settle}
    return swapped((execution, "HANDLERS", handlers))


def paid_again() -> Patch:
    """How far a coupon's payment has come is kept in memory alone: whoever is up again after a
    restart, or took over a state, pays everybody anew.

    It so holds another state than its root says, and may not share what others worked out from
    that root: it executes by itself.
    """

    def forget(validator: Validator) -> None:
        state = validator.ledger._state
        for key, coupon in list(state.of_kind("coupon")):
            state.values[key] = replace(coupon, paid=0, last="", paid_on=None)
            state.values["upcoming", coupon.series] = Upcoming(coupon.number, coupon.record_date)
            object.__setattr__(validator.ledger, "_memo", None)

    def boot(self: Validator, event: Any) -> list[Effect]:
        effects = _boot(self, event)
        forget(self)
        return effects

    def take_over(self: Validator, *what: Any, **how: Any) -> Effect:
        effect = _take_over(self, *what, **how)
        if not how:  # replayed: before the blocks that follow, and ``boot`` forgets after them
            forget(self)
        return effect

    _boot, _take_over = Validator._boot, Validator._take_over
    return swapped((Validator, "_boot", boot), (Validator, "_take_over", take_over))
