"""Whether misbehaviour is proven: a pure function of signed messages (rules 33 and 34).

Whoever knows the chain id, the public keys of the committee of that epoch and the window can
check, years later and without a network. A replica asks before it accuses anybody, ``chainsim
verify`` asks about a file. Nothing is believed but signatures: what no signature covers (a batch
that travels with a PRE-PREPARE's header) has no place in evidence.

An honest validator is never proven guilty, because it never signs what these rules forbid: its
sign guard is filled again from its vote log after a crash (rules 23 and 24).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from consensus.certificates import Authentic, stable_proof_is_valid
from consensus.crypto import Verifier
from consensus.messages import (
    Checkpoint,
    Commit,
    Message,
    NewView,
    Prepare,
    PrePrepare,
    ViewChange,
)
from consensus.misbehaviour import Misbehaviour
from consensus.pbft.guard import guard_key, statement
from consensus.pbft.new_view import (
    carries_batch,
    new_view_is_well_formed,
    select,
    view_change_is_valid,
)
from consensus.types import Committee, Digest, Sequence


class Verdict(msgspec.Struct, frozen=True):
    """``holds``: it is proven. ``why``: in words, either way."""

    holds: bool
    why: str


class Rules(msgspec.Struct, frozen=True):
    """What the messages are held against: all of it is public and known beforehand."""

    committee: Committee
    """Of the epoch that the messages name."""
    window: Sequence
    """L: how far above its stable checkpoint a VIEW-CHANGE may reach."""
    authentic: Authentic
    """Whether a message is of that chain and epoch and its sender signed it."""
    proves: Callable[[tuple[Checkpoint, ...], Sequence], bool]
    """Whether CHECKPOINTs make a sequence stable: those with which the epoch began are of the
    committee before (rule 27)."""


def public_rules(
    chain: bytes,
    committee: Committee,
    before: Committee | None,
    window: Sequence,
    verifier: Verifier,
) -> Rules:
    """What a third party goes by; ``before`` is the committee of the epoch before, if any."""
    authentic = authenticator(chain, committee, verifier)

    def proves(proof: tuple[Checkpoint, ...], sequence: Sequence) -> bool:
        if before is not None and proof and proof[0].epoch == before.epoch:
            old = authenticator(chain, before, verifier)
            return stable_proof_is_valid(proof, sequence, None, before, old)
        return stable_proof_is_valid(proof, sequence, None, committee, authentic)

    return Rules(committee, window, authentic, proves)


def authenticator(chain: bytes, committee: Committee, verifier: Verifier) -> Authentic:
    """Checks signatures of ``committee`` on ``chain``."""

    def authentic(message: Message) -> bool:
        if message.chain != chain or message.epoch != committee.epoch:
            return False
        if message.sender not in committee:
            return False
        key = committee.public_key(message.sender)
        signature: bytes = message.signature  # type: ignore[attr-defined]
        return verifier.verify(key, message.signing_bytes, signature)

    return authentic


def verify(misbehaviour: Misbehaviour, rules: Rules) -> Verdict:
    """Whether ``misbehaviour`` is proven by the messages that it holds."""
    what = misbehaviour
    judge = KINDS.get(what.kind)
    if judge is None:
        return _no(f'"{what.kind}" is no kind of misbehaviour that can be proven')
    if what.culprit not in rules.committee:
        return _no(f"{what.culprit} is no member of the committee of epoch {rules.committee.epoch}")
    if what.first.sender != what.culprit or what.second.sender != what.culprit:
        return _no(f"not both messages are of {what.culprit}")
    if any(carries_batch(message) for message in (what.first, what.second, *what.proofs)):
        return _no("a message carries a batch, which no signature covers")
    return judge(what, rules)


def _conflict(what: Misbehaviour, rules: Rules) -> Verdict:
    """Two different messages of that type under one key of rule 24."""
    first, second = what.first, what.second
    wanted = what.kind.removeprefix("conflicting-")
    if wanted != first.TYPE or wanted != second.TYPE or what.proofs:
        return _no(f"two messages of the type {wanted} are wanted, and nothing else")
    if guard_key(first) != guard_key(second):
        return _no("the two are about different things: an honest validator may sign both")
    if statement(first) == statement(second):
        return _no("the two say the same: repeating oneself is no misbehaviour")
    unsigned = _unsigned((second, first), rules)
    if unsigned:
        return unsigned
    return _yes(
        f"{what.culprit} signed two different {wanted.upper()} messages for {_place(first)}: "
        f"{_short(statement(first))} and {_short(statement(second))}; an honest validator signs one"
    )


def _bogus_new_view(what: Misbehaviour, rules: Rules) -> Verdict:
    """A NEW-VIEW that does not follow from the VIEW-CHANGEs that it names (rules 14 and 15)."""
    message = what.first
    if not isinstance(message, NewView) or what.second != message:
        return _no("one NEW-VIEW is wanted, twice")
    if rules.committee.primary(message.view) != message.sender:
        return _no(f"{message.sender} is not the primary of view {message.view}: nobody heeds it")
    unsigned = _unsigned((message,), rules)
    if unsigned:
        return unsigned
    started = f"{what.culprit} started view {message.view} with a NEW-VIEW that"
    if not new_view_is_well_formed(message, rules.committee, rules.window, rules.authentic):
        return _yes(
            f"{started} does not name a quorum of {rules.committee.quorum} members in V, or whose "
            f"O is not at most {rules.window} PRE-PREPAREs of its own, signed, for that view"
        )
    voters: list[ViewChange] = []
    for proof in what.proofs:
        named = (proof.sender, proof.digest_bytes) in message.view_changes
        if not isinstance(proof, ViewChange) or not named:
            return _no("a proof is no VIEW-CHANGE that V names")
        voters.append(proof)
    unsigned = _unsigned(voters, rules)
    if unsigned:
        return unsigned
    for voter in voters:
        valid = view_change_is_valid(
            voter, rules.committee, rules.window, rules.authentic, rules.proves
        )
        if voter.view != message.view or not valid:
            return _yes(
                f"{started} counts a VIEW-CHANGE of {voter.sender} which is not valid for that view"
            )
    if [voter.sender for voter in voters] != [sender for sender, _ in message.view_changes]:
        return _no("VIEW-CHANGEs that V names are missing: what follows from V can't be computed")
    return _selection(message, voters, started)


def _selection(message: NewView, voters: list[ViewChange], started: str) -> Verdict:
    offered = tuple((p.sequence, p.digest) for p in message.pre_prepares)
    selected = select(voters).proposals
    if offered == selected:
        return _no("O follows from V: the NEW-VIEW is what it must be")
    place = next(
        (n for (n, wanted), got in zip(selected, offered, strict=False) if (n, wanted) != got),
        None,
    )
    if place is None:
        return _yes(
            f"{started} proposes {len(offered)} slots again, where its VIEW-CHANGEs select "
            f"{len(selected)}"
        )
    wanted = dict(selected)[place]
    got = dict(offered).get(place)
    shown = "nothing" if got is None else _short(got)
    return _yes(
        f"{started} proposes {shown} at sequence {place}, where its VIEW-CHANGEs select "
        f"{_short(wanted)}"
    )


def _forgotten_commit(what: Misbehaviour, rules: Rules) -> Verdict:
    """A COMMIT, and a later VIEW-CHANGE that hides what must have been prepared (rule 34)."""
    vote, change = what.first, what.second
    if not isinstance(vote, Commit) or not isinstance(change, ViewChange) or what.proofs:
        return _no("a COMMIT and a VIEW-CHANGE are wanted, and nothing else")
    if change.view <= vote.view:
        return _no("the VIEW-CHANGE is for no later view than that of the COMMIT")
    if change.stable >= vote.sequence:
        return _no("the VIEW-CHANGE has a stable checkpoint there: nothing had to be shown")
    if any(p.sequence == vote.sequence and p.view >= vote.view for p in change.prepared):
        return _no("the VIEW-CHANGE shows a prepared certificate of that view or a later one")
    unsigned = _unsigned((change, vote), rules)
    if unsigned:
        return unsigned
    return _yes(
        f"{what.culprit} signed a COMMIT for {_short(vote.digest)} at {_place(vote)}, which it may "
        f"only once that is prepared with it; its VIEW-CHANGE for view {change.view}, with stable "
        f"checkpoint {change.stable}, shows no prepared certificate of view {vote.view} or later "
        f"for that sequence. An honest validator carries it until a checkpoint covers it"
    )


def _contradicted_commit(what: Misbehaviour, rules: Rules) -> Verdict:
    """A COMMIT, and a proposal or PREPARE of another digest at the same place."""
    vote, other = what.first, what.second
    if not isinstance(vote, Commit) or not isinstance(other, PrePrepare | Prepare) or what.proofs:
        return _no("a COMMIT and a PRE-PREPARE or PREPARE are wanted, and nothing else")
    if (vote.epoch, *vote.slot()) != (other.epoch, *other.slot()):
        return _no("the two are about different places: an honest validator may sign both")
    if vote.digest == other.digest:
        return _no("the two name the same digest: that is how a decision is made")
    unsigned = _unsigned((other, vote), rules)
    if unsigned:
        return unsigned
    return _yes(
        f"{what.culprit} signed a COMMIT for {_short(vote.digest)} and a {other.TYPE.upper()} for "
        f"{_short(other.digest)}, both at {_place(vote)}; an honest validator commits only to the "
        f"one digest that it accepted there"
    )


Judge = Callable[[Misbehaviour, Rules], Verdict]

KINDS: Final[dict[str, Judge]] = {
    "conflicting-pre-prepare": _conflict,
    "conflicting-prepare": _conflict,
    "conflicting-commit": _conflict,
    "conflicting-checkpoint": _conflict,
    "conflicting-view-change": _conflict,
    "conflicting-new-view": _conflict,
    "bogus-new-view": _bogus_new_view,
    "forgotten-commit": _forgotten_commit,
    "contradicted-commit": _contradicted_commit,
}
"""What can be proven, by name; the last two are found by forensics (rule 34)."""


def _unsigned(messages: Iterable[Message], rules: Rules) -> Verdict | None:
    """A refusal if one of ``messages`` is not authentic."""
    for message in messages:
        if not rules.authentic(message):
            return _no(
                f"the signature of the {message.TYPE.upper()} does not verify under the key of "
                f"{message.sender} in epoch {rules.committee.epoch} of this chain"
            )
    return None


def _place(message: Message) -> str:
    view, sequence = message.slot()
    if message.TYPE == "checkpoint":
        return f"sequence {sequence}"
    return f"view {view}, sequence {sequence}" if sequence else f"view {view}"


def _short(digest: Digest) -> str:
    return f"{digest.hex()[:12]}…"


def _yes(why: str) -> Verdict:
    return Verdict(True, why)


def _no(why: str) -> Verdict:
    return Verdict(False, why)
