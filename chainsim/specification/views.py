"""When a view may be left and entered, and what VIEW-CHANGE and NEW-VIEW must say (rules 12 to 20).

Each function says why a step is not allowed, or nothing if it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from chainsim.specification.facts import (
    CHECKPOINT,
    PREPARE,
    PROPOSAL,
    Certificate,
    Era,
    Facts,
    NewView,
    Validator,
    ViewChange,
)


def may_leave(facts: Facts, node: Validator, view: int) -> str:
    """Rules 15 and 18 to 20: a view is left for the next one when a timer ran out or its
    NEW-VIEW is a lie, and for a higher one when W others want at least that."""
    place = node.place
    if place is not None and view <= place[1]:
        return f"rule 12: a VIEW-CHANGE for {view} while in view {place[1]}"
    if node.timer and (place is None or view == place[1] + 1):
        return ""
    eras = facts.eras if place is None else facts.eras[place[0] : place[0] + 1]
    for era in eras:
        epoch, wanted = era.epoch, node.wanted.get(era.epoch, {})
        others = [v for name, v in wanted.items() if name != node.name and name in era.members]
        if sum(v >= view for v in others) >= era.weak_quorum:
            return ""
        pending = place is None or (not place[2] and view == place[1] + 1)
        lied = era.primary(view - 1) not in facts.validators and (epoch, view - 1) in node.new_views
        if pending and lied:
            return ""
    return (
        f"rules 18 to 20: left for view {view}, though no timer ran out, fewer than f+1 others "
        "want it, and no NEW-VIEW was a lie"
    )


def certificate_fault(facts: Facts, era: Era, entry: Certificate) -> str:
    """Rule 13: a proposal of that view's primary, and Q-1 PREPAREs of distinct backups for it."""
    where = (era.epoch, entry.view, entry.sequence, entry.digest)
    primary = era.primary(entry.view)
    if entry.proposer != primary or not facts.real(primary, (PROPOSAL, *where)):
        return f"{primary}, the primary of view {entry.view}, proposed no such thing"
    vote = (PREPARE, *where)
    backups = {
        name
        for name, said in entry.votes
        if said == vote and name != primary and name in era.members and facts.real(name, vote)
    }
    if len(backups) < era.quorum - 1:
        return f"{len(backups)} distinct backups prepared it, {era.quorum - 1} are needed"
    return ""


def view_change_fault(facts: Facts, message: ViewChange) -> str:
    """Rule 13: what every receiver must find in a VIEW-CHANGE, whoever signed it."""
    era = facts.era(message.epoch)
    if era is None or message.sender not in era.members:
        return f"rule 13: {message.sender} is no member in epoch {message.epoch}"
    last = message.stable
    for entry in message.prepared:
        if not last < entry.sequence <= message.stable + facts.window:
            return f"rule 13: P holds {entry.sequence} out of order, or outside the window"
        last = entry.sequence
        if not 0 <= entry.view < message.view:
            return f"rule 13: P holds a certificate of view {entry.view}"
        fault = certificate_fault(facts, era, entry)
        if fault:
            return f"rule 13: P at {entry.sequence}: {fault}"
    return _stable_fault(facts, message)


def _stable_fault(facts: Facts, message: ViewChange) -> str:
    if message.stable == 0:
        return "rule 13: C proves the genesis" if message.proof else ""
    # The checkpoint that began this epoch was signed by the committee before (rule 27).
    era = facts.era_at(message.stable)
    signers = {
        signer
        for signer, sequence, digest in message.proof
        if sequence == message.stable
        and digest == message.proof[0][2]
        and signer in era.members
        and facts.real(signer, (CHECKPOINT, era.epoch, 0, sequence, digest))
    }
    if len(signers) < era.quorum:
        return (
            f"rule 13: C holds {len(signers)} CHECKPOINTs for {message.stable}, "
            f"{era.quorum} are needed"
        )
    return ""


def may_send_view_change(facts: Facts, node: Validator, message: ViewChange) -> str:
    """Rules 13 and 23: what it showed as prepared, by a COMMIT, is in P until it is stable."""
    fault = view_change_fault(facts, message)
    if fault:
        return fault
    shown = {entry.sequence: entry for entry in message.prepared}
    for sequence, (epoch, view, digest) in node.committed_out.items():
        if epoch != message.epoch or sequence <= message.stable:
            continue
        entry = shown.get(sequence)
        if entry is None or entry.view < view:
            return f"rule 13: P lacks {sequence}, which it committed in view {view}"
        if entry.view == view and entry.digest != digest:
            return f"rule 13: P holds another digest at {sequence} than it committed"
    return ""


def selected(facts: Facts, view_changes: Iterable[ViewChange]) -> dict[int, frozenset[bytes]]:
    """Rule 14: O by sequence, from V: the certificate of the highest view, else null. More than
    one digest only where certificates of one view contradict each other."""
    voters = tuple(view_changes)
    least = max(message.stable for message in voters)
    entries = [e for message in voters for e in message.prepared if e.sequence > least]
    most = max((entry.sequence for entry in entries), default=least)
    order = {}
    for sequence in range(least + 1, most + 1):
        here = [entry for entry in entries if entry.sequence == sequence]
        highest = max((entry.view for entry in here), default=-1)
        digests = frozenset(entry.digest for entry in here if entry.view == highest)
        order[sequence] = digests or frozenset((facts.null,))
    return order


def new_view_fault(
    facts: Facts, message: NewView, known: Mapping[tuple[str, bytes], ViewChange]
) -> tuple[str, dict[int, frozenset[bytes]]]:
    """Rule 15: of the primary, V a quorum of distinct valid VIEW-CHANGEs for that view, and O
    what follows from it. Also what O prescribes. ``known`` are the VIEW-CHANGEs at hand."""
    era = facts.era(message.epoch)
    if era is None or message.sender != era.primary(message.view):
        return f"rule 15: a NEW-VIEW for {message.view} of {message.sender}", {}
    voters: dict[str, ViewChange] = {}
    for sender, name in message.named:
        found = known.get((sender, name))
        if found is None:
            return f"rule 15: V names a VIEW-CHANGE of {sender} that never came", {}
        if (found.epoch, found.view) != (message.epoch, message.view):
            return f"rule 15: V holds a VIEW-CHANGE of {sender} for view {found.view}", {}
        fault = view_change_fault(facts, found)
        if fault:
            return f"rule 15: V holds a VIEW-CHANGE of {sender} that is invalid: {fault}", {}
        voters[sender] = found
    if len(voters) < era.quorum:
        return f"rule 15: V holds {len(voters)} senders, {era.quorum} are needed", {}
    order = selected(facts, voters.values())
    offered = [(sequence, digest) for _, _, sequence, digest in message.proposals]
    if [sequence for sequence, _ in offered] != list(order):
        return "rule 14: O holds other sequence numbers than follow from V", {}
    for sequence, digest in offered:
        if digest not in order[sequence]:
            return f"rule 14: O holds another digest at {sequence} than follows from V", {}
    return "", {sequence: frozenset((digest,)) for sequence, digest in offered}


class Way(NamedTuple):
    """A view that may be entered, and what its NEW-VIEW prescribes there (rule 14)."""

    epoch: int
    view: int
    order: dict[int, frozenset[bytes]] | None
    """None: of the primary itself, whose NEW-VIEW is judged when it goes out: until then nobody
    else can have acted on it."""


def may_enter(facts: Facts, node: Validator, view: int) -> tuple[str, list[Way]]:
    """Rule 15: a view is entered by a valid NEW-VIEW of its primary, never from a higher one nor
    below a VIEW-CHANGE of one's own. Also the ways that are open: after a restart, when nobody
    knows in which epoch it is, there may be several."""
    place = node.place
    entered = place is not None and view == place[1] and place[2] and not node.resuming
    if place is not None and (view < place[1] or entered):
        return f"rule 15: entered view {view} while in view {place[1]}", []
    ways: list[Way] = []
    why = f"rule 15: entered view {view} without a NEW-VIEW for it"
    for era in facts.eras if place is None else facts.eras[place[0] : place[0] + 1]:
        here = (era.epoch, view)
        if here < node.left:
            why = f"rule 15: entered view {view} after its VIEW-CHANGE for {node.left[1]}"
        elif era.primary(view) == node.name:
            wanted = node.wanted.get(era.epoch, {})
            others = {name for name, v in wanted.items() if v >= view and name in era.members}
            if len(others | {node.name}) >= era.quorum or here in node.entered:
                ways.append(Way(*here, None))
            else:
                why = f"rule 14: opened view {view} on {len(others | {node.name})} VIEW-CHANGEs"
        else:
            for message in node.new_views.get(here, {}).values():
                fault, order = new_view_fault(facts, message, node.view_changes)
                why = fault or why
                if not fault:
                    ways.append(Way(*here, order))
    return ("" if ways else why), ways
