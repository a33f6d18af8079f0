"""What may be executed, made stable, taken over and believed (rules 3, 6, 7, 9, 10, 22, 27 to 31).

Each function says why a step is not allowed, or nothing if it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from chainsim.specification.facts import CHECKPOINT, COMMIT, Facts, Validator, Vote

UNUSED = frozenset({"E_SIG", "E_NONCE", "E_CHAIN", "E_EXPIRED", "E_SCHEMA"})
"""Codes of requests that were ordered and didn't use up their number (LEDGER.md)."""


class Request(NamedTuple):
    """An ordered request, and what became of it."""

    client: str
    number: int
    code: str
    of_honest: bool
    submitted: bool


class Block(NamedTuple):
    """A block that a validator executed."""

    sequence: int
    parent: bytes
    batch: bytes
    """Digest of what was ordered."""
    header: bytes
    state: bytes
    replies: bytes
    votes: tuple[Vote, ...]
    """Its commit certificate."""
    view: int
    requests: tuple[Request, ...]
    schedules: bool = False
    """A change of the committee took effect in it."""
    successors: tuple[str, ...] = ()
    """The members of the epoch that begins after it, if one does."""


def may_execute(facts: Facts, node: Validator, block: Block) -> str:
    """Rules 5 and 6: the next one, decided by Q COMMITs; rule 7: with the result that everybody
    has who executes this batch after that block."""
    if node.executed is not None and block.sequence != node.executed + 1:
        return f"rule 6: executed {block.sequence} after {node.executed}"
    era = facts.era_at(block.sequence)
    if facts.scheduled is not None and block.sequence > facts.scheduled:
        return f"rule 27: executed {block.sequence} before the epoch ended at {facts.scheduled}"
    vote = (COMMIT, era.epoch, block.view, block.sequence, block.batch)
    signers = facts.certifiers(node, block.votes, vote, era)
    if len(signers) < era.quorum:
        return (
            f"rule 5: executed {block.sequence} on {len(signers)} COMMITs of distinct members, "
            f"{era.quorum} are needed"
        )
    return result_fault(facts, block) or _requests_fault(facts, block)


def result_fault(facts: Facts, block: Block) -> str:
    """Rule 7: header, state and replies are functions of the block before and the batch."""
    found = (block.header, block.state, block.replies)
    if facts.results.get((block.parent, block.batch), found) != found:
        return f"rule 7: another result at {block.sequence} than others had of the same batch"
    return ""


def _requests_fault(facts: Facts, block: Block) -> str:
    """Rule 3: authentic requests; rule 30: each takes effect once."""
    for index, request in enumerate(block.requests):
        if request.code in UNUSED:
            continue
        who = f"request {request.number} of {request.client}"
        if request.of_honest and not request.submitted:
            return f"rule 3: {who}, which it never signed, took effect"
        here = (block.sequence, index)
        first = facts.effective.get((request.client, request.number), here)
        if first != here and not facts.overrun:
            return f"rule 30: {who} took effect at {first[0]} and again at {block.sequence}"
    return ""


def may_take_over(
    facts: Facts, node: Validator, sequence: int, header: bytes, roots: tuple[bytes, bytes]
) -> str:
    """Rule 22: a state that was fetched is the one that others reached by executing."""
    if node.executed is not None and sequence < node.executed:
        return f"rule 22: went back from {node.executed} to {sequence}"
    known = facts.states.get(header)
    if known is None:
        return "" if facts.overrun else f"rule 22: took over a state at {sequence} of nobody's"
    if known != roots:
        return f"rule 22: took over another state at {sequence} than its header stands for"
    return ""


def may_stabilise(facts: Facts, node: Validator, sequence: int, digest: bytes) -> str:
    """Rule 10: Q matching CHECKPOINTs of distinct members, for what it has executed."""
    if sequence % facts.interval:
        return f"rule 9: stable at {sequence}, which {facts.interval} doesn't divide"
    if sequence > node.executed_most:
        return f"rule 10: stable at {sequence}, executed only {node.executed_most}"
    era = facts.era_at(sequence)
    signers = facts.backers(node, (CHECKPOINT, era.epoch, 0, sequence, digest))
    if sequence in node.vouched:
        signers.add(node.name)
    signers.intersection_update(era.members)
    if len(signers) < era.quorum:
        return (
            f"rule 10: stable at {sequence} with {len(signers)} CHECKPOINTs of distinct members, "
            f"{era.quorum} are needed"
        )
    return ""


def may_change_epoch(facts: Facts, node: Validator, sequence: int) -> str:
    """Rule 27: an epoch begins where the last one ended, at a stable checkpoint."""
    era = facts.era_at(sequence + 1)
    if era.epoch == 0:
        return f"rule 27: an epoch began at {sequence}, where none ended"
    if node.place is not None and era.epoch <= node.place[0]:
        return f"rule 27: epoch {era.epoch} began in epoch {node.place[0]}"
    if sequence > node.executed_most:
        return f"rule 27: epoch {era.epoch} began at {sequence}, executed {node.executed_most}"
    return ""


def boundary(facts: Facts, ordered: int) -> int:
    """B of a change ordered at ``ordered``: the least multiple of K >= c + L - 1 (rule 27)."""
    return -(-(ordered + facts.window - 1) // facts.interval) * facts.interval


def may_end_epoch(facts: Facts, sequence: int) -> str:
    """Rule 27: the committee changes after B, and nowhere else."""
    if facts.scheduled != sequence:
        return f"rule 27: an epoch ended at {sequence}, not at {facts.scheduled}"
    return ""


def may_believe(facts: Facts, answered: Iterable[str], number: int) -> str:
    """Rule 31: W matching replies of distinct validators."""
    distinct = set(answered)
    members = [len(distinct.intersection(era.members)) for era in facts.eras]
    if not any(n >= era.weak_quorum for n, era in zip(members, facts.eras, strict=True)):
        return f"rule 31: believed the result of request {number} on {max(members)} equal replies"
    return ""
