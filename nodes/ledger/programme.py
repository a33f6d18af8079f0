"""The programme cap: USD outstanding, each issue valued at the rate locked when it was made.

Every holding carries the US cents that it takes (``Balance.locked_cents``): an issue gives it
the value of its quantity up to the next whole cent, what moves takes its share along, and what is
redeemed releases the weighted average of its holding. Rounding never lets the cap be exceeded.
"""

from __future__ import annotations

from nodes.ledger.act import Act
from nodes.ledger.codes import E_CAP, Refused
from nodes.ledger.records import Programme
from nodes.ledger.state import PROGRAMME


def take(act: Act, cents: int) -> None:
    """Take US cents from the programme. E_CAP if they don't fit."""
    used: Programme = act.get(PROGRAMME) or Programme()
    locked_cents = used.locked_cents + cents
    cap_cents = act.genesis.policies.programme_cap_cents
    if locked_cents > cap_cents:
        raise Refused(E_CAP, f"{locked_cents} of {cap_cents} US cents would be outstanding")
    act.put(PROGRAMME, Programme(locked_cents))
    act.note("programme_cents", locked_cents)


def release(act: Act, cents: int) -> None:
    """Give back what burned holdings took."""
    used: Programme = act.get(PROGRAMME) or Programme()
    assert used.locked_cents >= cents, "no holding takes more than the programme counts"
    act.put(PROGRAMME, Programme(used.locked_cents - cents))
    act.note("programme_cents", used.locked_cents - cents)
