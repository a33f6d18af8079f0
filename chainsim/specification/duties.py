"""What a validator owes in the end, if it is asked often enough (rules 12, 14, 16, 17, 19 and 21).

A step that isn't taken can't be refused. But some are owed: who is told the same again and again,
for longer than any queue or disk takes, and still does nothing, follows no rule that allows that.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from chainsim.specification.facts import COMMIT, Facts, Validator, ViewChange, Vote

Duty = tuple[str, int, int]
"""(what is owed, epoch, view)."""

TIMES: Final = 6
"""So often it must have heard what calls for a step."""
SPAN_US: Final = 5_000_000
"""And for so long, of virtual time."""


def overdue(node: Validator, duty: Hashable, now_us: int) -> bool:
    """Whether ``node`` was reminded of this often and long enough; this is one more time."""
    since_us, times = node.owes.get(duty, (now_us, 0))
    node.owes[duty] = (since_us, times + 1)
    return times + 1 >= TIMES and now_us - since_us >= SPAN_US


def owes_execution(
    facts: Facts,
    node: Validator,
    sequence: int,
    view: int,
    digest: bytes,
    votes: tuple[Vote, ...],
    now_us: int,
) -> str:
    """Rule 12: a valid commit certificate for the next batch is executed, whatever the view."""
    if node.stopped or node.executed is None or sequence != node.executed + 1:
        return ""
    if facts.scheduled is not None and sequence > facts.scheduled:
        return ""
    era = facts.era_at(sequence)
    vote = (COMMIT, era.epoch, view, sequence, digest)
    signers = facts.certifiers(node, votes, vote, era)
    # A hostile signer's vote may be counted here and be invalid to the validator.
    if len(signers.intersection(facts.validators)) < era.quorum:
        return ""
    if not overdue(node, ("execute", sequence), now_us):
        return ""
    return f"rule 12: it was shown {TIMES} valid certificates for {sequence}, and doesn't execute"


def owes_view_change(
    facts: Facts, node: Validator, asker: str, view: int, lacks: bool, now_us: int
) -> str:
    """Rules 16 and 17: who waits in a view change with others sends them the VIEW-CHANGE that
    they say they lack."""
    place = node.place
    if asker not in facts.validators or place is None or node.left != place[:2]:
        return ""
    duty = ("view-change", asker, view)
    if place[2] or place[1] != view or not lacks:
        node.owes.pop(duty, None)
        return ""
    if not overdue(node, duty, now_us):
        return ""
    return f"rule 17: {asker} says again and again that it lacks its VIEW-CHANGE for {view}"


def owes_joining(facts: Facts, node: Validator, message: ViewChange, now_us: int) -> str:
    """Rule 19: who hears again and again that W others want a higher view joins them."""
    place = node.place
    if place is None or message.epoch != place[0] or message.view <= place[1]:
        return ""
    insist = _insist(facts, node, ("join", *place[:2]), message.sender, now_us)
    if insist < facts.eras[place[0]].weak_quorum:
        return ""
    return f"rule 19: {insist} others want a higher view again and again, and it doesn't join"


def owes_opening(facts: Facts, node: Validator, message: ViewChange, now_us: int) -> str:
    """Rule 14: the primary of a view that Q validators want, itself one of them, opens it."""
    place = node.place
    if place != (message.epoch, message.view, False):
        return ""
    era = facts.eras[message.epoch]
    if era.primary(message.view) != node.name:
        return ""
    insist = _insist(facts, node, ("open", *place[:2]), message.sender, now_us)
    if insist + 1 < era.quorum:
        return ""
    return f"rule 14: {insist} others want view {message.view} again and again, it doesn't open it"


def _insist(facts: Facts, node: Validator, duty: Duty, sender: str, now_us: int) -> int:
    """From how many others the VIEW-CHANGEs that call for ``duty`` came often and long enough,
    with this one of ``sender``. Only honest ones count: a hostile one's may be invalid."""
    members = facts.eras[duty[1]].members
    if node.stopped or node.name not in members:
        return 0
    if sender not in facts.validators or sender not in members or sender == node.name:
        return 0
    overdue(node, (*duty, sender), now_us)
    return sum(
        isinstance(each, tuple)
        and each[:3] == duty
        and times >= TIMES
        and now_us - since_us >= SPAN_US
        for each, (since_us, times) in node.owes.items()
    )


def owes_new_view(facts: Facts, node: Validator, asker: str, view: int, now_us: int) -> str:
    """Rules 16 and 17: who is in a view brings the NEW-VIEW to who says it isn't."""
    place = node.place
    if asker not in facts.validators or place is None or not place[2] or place[1] == 0:
        return ""
    if view > place[1] or not overdue(node, ("new-view", asker, place[:2]), now_us):
        return ""
    return f"rule 16: {asker} says again and again that it isn't in view {place[1]}"


def owes_forwarding(facts: Facts, node: Validator, client: str, number: int, now_us: int) -> str:
    """Rule 21: a backup passes on to the primary what clients ask again for."""
    place = node.place
    if place is None or not place[2] or node.executed is None or node.stopped:
        return ""
    era = facts.eras[place[0]]
    if node.name not in era.members or era.primary(place[1]) == node.name:
        return ""
    ordered = facts.ordered.get((client, number))
    if ordered is not None and ordered <= node.executed:
        return ""
    if not overdue(node, ("forward", client, place[:2]), now_us):
        return ""
    late = [duty for duty, (since_us, times) in node.owes.items()
            if isinstance(duty, tuple) and duty[0] == "forward" and times >= TIMES // 2
            and now_us - since_us >= SPAN_US // 2]  # fmt: skip
    if len(late) < 2:
        return ""  # one client alone may be none that the ledger serves
    return f"rule 21: {client} and others ask again and again, and it passes nothing on"
