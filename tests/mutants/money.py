"""Mutants of the ledger (LEDGER.md, settlement)."""

from __future__ import annotations

from contextlib import AbstractContextManager

from chainsim.explore.planting import swapped
from nodes.ledger import execution, settlement
from nodes.ledger.act import Act
from nodes.ledger.transactions import DvpAccept, DvpSettle

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
