"""The programme cap: USD outstanding, each issue valued at the rate locked when it was made.

An issue takes up to the next whole cent, so rounding never lets the programme exceed its cap.
"""

from __future__ import annotations

from nodes.ledger.act import Act
from nodes.ledger.codes import E_CAP, Refused
from nodes.ledger.pricing import locked_value_cents
from nodes.ledger.records import FxFix, Programme
from nodes.ledger.state import PROGRAMME


def lock(act: Act, face_paisa: int, fix: FxFix) -> None:
    """Take an issue from the programme at ``fix``. E_CAP if it doesn't fit."""
    used: Programme = act.get(PROGRAMME) or Programme()
    locked_cents = used.locked_cents + locked_value_cents(face_paisa, fix.rate_e4)
    cap_cents = act.genesis.policies.programme_cap_cents
    if locked_cents > cap_cents:
        raise Refused(E_CAP, f"{locked_cents} of {cap_cents} US cents would be outstanding")
    act.put(PROGRAMME, Programme(locked_cents))
    act.note("fx_e4", fix.rate_e4)
    act.note("programme_cents", locked_cents)
