"""Who validates: VALIDATOR_UPDATE, and the end of an epoch (PBFT rules 27 and 28).

One change at a time is scheduled; it takes effect after the last slot that the old committee
may have in flight. The ledger only counts: how replicas change over is consensus' business.

A firm whose licence is revoked loses its seat, too: its removal is queued, and the ledger schedules
it by itself at the end of the first block in which it can: no other change is in flight, and four
remain. Nobody has to carry it, as the revocation was PVARA's to decide. A change that a quorum
carries in the same block goes first.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from consensus.configurations import boundary_after
from consensus.types import Member, ScheduledChange, quorum_size
from nodes.ledger.act import Act
from nodes.ledger.codes import (
    E_DUP,
    E_KEY,
    E_LICENCE,
    E_QUORUM,
    E_ROLE,
    E_STATE,
    E_UNVERIFIED,
    Refused,
)
from nodes.ledger.records import Configuration, Removals
from nodes.ledger.state import CONFIGURATION, REMOVALS
from nodes.ledger.transactions import Body, ValidatorUpdate

FEWEST: Final = 4
"""A smaller committee tolerates nobody hostile (PBFT rule 28)."""


def configuration(act: Act) -> Configuration:
    """The committee in force in this block."""
    found: Configuration = act.get(CONFIGURATION)
    return found


def is_member(act: Act, id_: str) -> bool:
    """Whether ``id_`` validates in this block."""
    return any(member.id == id_ for member in configuration(act).members)


def check_carried(act: Act, body: Body) -> None:
    """Refuse (E_ROLE, E_QUORUM) what isn't proposed by a validator and signed by a quorum."""
    if not is_member(act, act.sender.id):
        raise Refused(E_ROLE, f"{act.sender.id} is no validator")
    carried = {act.sender.id, *(p.id for p in act.cosigners if is_member(act, p.id))}
    wanted = quorum_size(len(configuration(act).members))
    if len(carried) < wanted:
        raise Refused(E_QUORUM, f"{len(carried)} validators signed, {wanted} are needed")


def update(act: Act, body: ValidatorUpdate) -> None:
    """VALIDATOR_UPDATE: schedule the next committee."""
    current = configuration(act)
    if current.scheduled is not None:
        raise Refused(E_STATE, f"a change takes effect after block {current.scheduled.effective}")
    members = _changed(act, current.members, body)
    if len(members) < FEWEST:
        raise Refused(E_QUORUM, f"{len(members)} validators would remain, {FEWEST} are needed")
    _schedule(act, current, members)


def _schedule(act: Act, current: Configuration, members: tuple[Member, ...]) -> None:
    effective = boundary_after(
        act.block.height, act.genesis.checkpoint_interval, act.genesis.window
    )
    act.put(CONFIGURATION, replace(current, scheduled=ScheduledChange(effective, members)))
    act.note("effective", effective)


def queue_removal(act: Act, id_: str) -> bool:
    """Queue the removal of a firm's validator; False if it has no seat, and none in sight."""
    current = configuration(act)
    coming = () if current.scheduled is None else current.scheduled.members
    if all(member.id != id_ for member in (*current.members, *coming)):
        return False
    queue: Removals = act.get(REMOVALS) or Removals(())
    act.put(REMOVALS, Removals((*queue.validators, id_)))
    return True


def remove_queued(act: Act) -> bool:
    """Schedule the first queued removal; False if there is none, or it has to wait.

    Not for a block that ends an epoch: the new committee's first block is the earliest that may
    schedule a change of it.
    """
    queue: Removals | None = act.get(REMOVALS)
    current = configuration(act)
    if queue is None or current.scheduled is not None or len(current.members) <= FEWEST:
        return False
    first, *rest = queue.validators
    act.note("validator", first)
    _schedule(act, current, tuple(m for m in current.members if m.id != first))
    act.put(REMOVALS, Removals(tuple(rest)) if rest else None)
    return True


def _changed(act: Act, members: tuple[Member, ...], body: ValidatorUpdate) -> tuple[Member, ...]:
    """The members after the change. A rotated one keeps its place in proposer order."""
    known = any(member.id == body.validator for member in members)
    if known != (body.change != "add"):
        raise Refused(E_DUP if known else E_STATE, f"{body.validator} {_standing(known)}")
    if body.change == "remove":
        if body.public_key is not None:
            raise Refused(E_KEY, "who is removed gets no key")
        return tuple(member for member in members if member.id != body.validator)
    party = act.party(body.validator)
    if party is None:
        raise Refused(E_UNVERIFIED, f"{body.validator} is not a registered party")
    if body.change == "add" and party.licence == "REVOKED":
        raise Refused(E_LICENCE, f"{body.validator}'s licence is revoked: it gets no seat again")
    new = Member(body.validator, _fresh_key(act, body))
    if body.change == "add":
        return (*members, new)
    return tuple(new if member.id == body.validator else member for member in members)


def _standing(known: bool) -> str:
    return "validates already" if known else "is no validator"


def _fresh_key(act: Act, body: ValidatorUpdate) -> bytes:
    """A key that never voted: an erased one must not come back (PBFT rule 29)."""
    key = body.public_key
    if key is None:
        raise Refused(E_KEY, "the new key is missing")
    place: tuple[str, ...] = ("validator-key", key.hex())
    if act.get(place) is not None:
        raise Refused(E_KEY, "that key was a validator's before")
    act.put(place, body.validator)
    return key


def end_epoch(act: Act) -> bool:
    """Put the scheduled committee in force if this block is the last of its epoch; whose removal
    was queued and who has lost its seat with it is forgotten."""
    current = configuration(act)
    scheduled = current.scheduled
    if scheduled is None or scheduled.effective != act.block.height:
        return False
    epoch = current.epoch + 1
    new = Configuration(epoch=epoch, members=scheduled.members)
    act.put(CONFIGURATION, new)
    act.put(("committee", str(epoch)), new)
    act.note("epoch", epoch)
    for member in scheduled.members:
        act.note(member.id, member.public_key.hex())
    queue: Removals | None = act.get(REMOVALS)
    if queue is not None:
        seated = {member.id for member in new.members}
        left = tuple(id_ for id_ in queue.validators if id_ in seated)
        act.put(REMOVALS, Removals(left) if left else None)
    return True
