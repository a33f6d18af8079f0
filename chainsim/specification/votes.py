"""When a validator may accept, prepare, commit and say so (rules 3 to 5, 12 and 24).

Each function says why a step is not allowed, or nothing if it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from chainsim.specification.facts import (
    CHECKPOINT,
    COMMIT,
    NEW_VIEW,
    PREPARE,
    PROPOSAL,
    VIEW_CHANGE,
    Facts,
    Validator,
)


def may_accept(facts: Facts, node: Validator, view: int, sequence: int, digest: bytes) -> str:
    """Rule 3: a proposal is accepted in the active view, from its primary, inside the window,
    and no second one at the same place; rule 14: what O prescribes, where it does."""
    era = facts.era_at(sequence)
    here = (era.epoch, view)
    if node.place is not None and node.place != (*here, True):
        epoch, current, active = node.place
        how = "in" if active else "changing to"
        return f"rule 3: accepted in view {view} while {how} view {current} of epoch {epoch}"
    if here not in node.entered:
        return f"rule 3: accepted in view {view}, which it never entered"
    if here < node.left:
        return f"rule 12: accepted in view {view} after its VIEW-CHANGE for {node.left[1]}"
    if sequence > node.stable_most + facts.window:
        return f"rule 3: accepted above H = {node.stable_most + facts.window}"
    if facts.scheduled is not None and sequence > facts.scheduled:
        return f"rule 27: accepted above B = {facts.scheduled}"
    if node.stable is not None and sequence <= node.stable:
        return f"rule 3: accepted at or below h = {node.stable}"
    known = node.accepted.get((era.epoch, view, sequence))
    if known is not None and known != digest:
        return f"rule 3: accepted a second digest at ({view}, {sequence})"
    orders = node.prescribed.get(here, ())
    if orders and not any(_follows(order, sequence, digest) for order in orders):
        return f"rule 15: accepted at {sequence} what the NEW-VIEW for {view} doesn't hold"
    primary = era.primary(view)
    if node.name == primary:
        return ""
    if primary not in node.heard.get((PROPOSAL, era.epoch, view, sequence, digest), ()):
        return f"rule 3: accepted what {primary}, the primary of view {view}, never proposed to it"
    return ""


def _follows(order: Mapping[int, frozenset[bytes]], sequence: int, digest: bytes) -> bool:
    """Whether O says this, or nothing any more: it ends before ``sequence``."""
    return sequence > max(order, default=0) or digest in order.get(sequence, ())


def may_prepare(facts: Facts, node: Validator, view: int, sequence: int, digest: bytes) -> str:
    """Rule 4: the proposal and Q-1 matching PREPAREs of distinct backups."""
    era = facts.era_at(sequence)
    if node.accepted.get((era.epoch, view, sequence)) != digest:
        return f"rule 4: prepared at ({view}, {sequence}) what it didn't accept"
    voters = facts.backers(node, (PREPARE, era.epoch, view, sequence, digest))
    voters.discard(era.primary(view))
    if len(voters) < era.quorum - 1:
        return (
            f"rule 4: prepared at ({view}, {sequence}) with {len(voters)} PREPAREs of distinct "
            f"backups, {era.quorum - 1} are needed"
        )
    return ""


def may_commit(facts: Facts, node: Validator, view: int, sequence: int, digest: bytes) -> str:
    """Rule 5: prepared, and Q matching COMMITs of distinct members."""
    era = facts.era_at(sequence)
    statement = (COMMIT, era.epoch, view, sequence, digest)
    if statement not in facts.meant[node.name]:
        return f"rule 5: committed at ({view}, {sequence}) what it hadn't prepared"
    voters = facts.backers(node, statement)
    if len(voters) < era.quorum:
        return (
            f"rule 5: committed at ({view}, {sequence}) with {len(voters)} COMMITs of distinct "
            f"members, {era.quorum} are needed"
        )
    return ""


def may_say(
    facts: Facts, node: Validator, kind: str, epoch: int, view: int, sequence: int, digest: bytes
) -> str:
    """Rules 4, 5, 9, 12 and 24: votes follow from one's own steps, never contradict each other,
    and none is for a view that was left."""
    known = node.said.get(said_key(kind, epoch, view, sequence))
    if known is not None and known != digest:
        return f"rule 24: a second {kind} at ({view}, {sequence})"
    if kind in (VIEW_CHANGE, NEW_VIEW):
        return ""
    if epoch != facts.era_at(sequence).epoch:
        return f"rule 27: {kind} at {sequence} under epoch {epoch}"
    if kind == CHECKPOINT:
        return _may_vouch(facts, node, sequence, digest)
    if (epoch, view) < node.left:
        return f"rule 12: {kind} at ({view}, {sequence}) after its VIEW-CHANGE for {node.left[1]}"
    if (kind, epoch, view, sequence, digest) not in facts.meant[node.name]:
        led = {PROPOSAL: "propose", PREPARE: "accept", COMMIT: "prepare"}[kind]
        return f"rules 4 and 5: {kind} at ({view}, {sequence}) for what it didn't {led}"
    return ""


def said_key(kind: str, epoch: int, view: int, sequence: int) -> tuple[str, int, int, int]:
    """What a signer says one thing about (rule 24)."""
    if kind == CHECKPOINT:
        return kind, 0, 0, sequence
    if kind in (VIEW_CHANGE, NEW_VIEW):
        return kind, epoch, view, 0
    return kind, epoch, view, sequence


def _may_vouch(facts: Facts, node: Validator, sequence: int, digest: bytes) -> str:
    if sequence % facts.interval:
        return f"rule 9: a CHECKPOINT at {sequence}, which {facts.interval} doesn't divide"
    if sequence > node.executed_most:
        return f"rule 9: a CHECKPOINT at {sequence}, executed only {node.executed_most}"
    if not facts.overrun and facts.checkpoints.get(sequence, digest) != digest:
        return f"rule 9: its CHECKPOINT at {sequence} differs from another honest validator's"
    return ""
