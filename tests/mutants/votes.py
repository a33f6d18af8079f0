"""Mutants of quorums and of counting votes (rules 1 to 5, 7 and 32)."""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cached_property

import consensus.types
from chainsim.explore.planting import swapped
from consensus import certificates
from consensus.configurations import Configurations
from consensus.encoding import canonical
from consensus.messages import Commit, Prepare
from consensus.pbft.guard import SignGuard
from consensus.pbft.normal_case import NormalCase
from consensus.pbft.slot import Phase, Slot
from consensus.types import max_faulty

Patch = AbstractContextManager[None]


def quorum_of_3f_plus_1() -> Patch:
    """Q = 2f+1: right at n = 3f+1 only."""
    return swapped((consensus.types, "quorum_size", lambda n: 2 * max_faulty(n) + 1))


def quorum_2f() -> Patch:
    """Q = 2f: two quorums need share nobody."""
    return swapped((consensus.types, "quorum_size", lambda n: max(1, 2 * max_faulty(n))))


def counted_per_message() -> Patch:
    """Each arrival of a vote counts, so a repeated one counts again."""

    def add_prepare(self: Slot, position: int, vote: Prepare) -> int:
        self.prepares[position] = vote
        count = self.prepare_masks.get(vote.digest, 0) << 1 | 1
        self.prepare_masks[vote.digest] = count
        return count.bit_count()

    def add_commit(self: Slot, position: int, vote: Commit) -> int:
        self.commits[position] = vote
        count = self.commit_masks.get(vote.digest, 0) << 1 | 1
        self.commit_masks[vote.digest] = count
        return count.bit_count()

    def on_prepare(self: NormalCase, message: Prepare) -> None:
        _forget_vote(self, message, "prepares")
        original_prepare(self, message)

    def on_commit(self: NormalCase, message: Commit) -> None:
        _forget_vote(self, message, "commits")
        original_commit(self, message)

    original_prepare, original_commit = NormalCase.on_prepare, NormalCase.on_commit
    return swapped(
        (Slot, "add_prepare", add_prepare),
        (Slot, "add_commit", add_commit),
        (NormalCase, "on_prepare", on_prepare),
        (NormalCase, "on_commit", on_commit),
    )


def _forget_vote(normal: NormalCase, message: Prepare | Commit, table: str) -> None:
    """A second vote for the same digest isn't held against the first."""
    slot = normal.core.slots.get(message.sequence)
    if slot is None or message.view != slot.view:
        return
    votes = getattr(slot, table)
    known = votes.get(normal.core.committee.index(message.sender))
    if known is not None and known.digest == message.digest:
        votes.pop(normal.core.committee.index(message.sender))


def second_proposal_overwrites() -> Patch:
    """The slot starts afresh with the second proposal, and the guard lets it vote for that."""

    def on_pre_prepare(self: NormalCase, message: object) -> None:
        slot = self.core.slots.get(message.sequence)  # type: ignore[attr-defined]
        if (
            slot is not None
            and slot.pre_prepare is not None
            and slot.pre_prepare.view == message.view  # type: ignore[attr-defined]
            and slot.pre_prepare.digest != message.digest  # type: ignore[attr-defined]
            and slot.phase is not Phase.COMMITTED
            and self.core.authentic(message)  # type: ignore[arg-type]
        ):
            slot.pre_prepare = None
            slot.phase = Phase.EMPTY
            slot.prepares.pop(self.core.position, None)
            slot.commits.pop(self.core.position, None)
        original(self, message)  # type: ignore[arg-type]

    original = NormalCase.on_pre_prepare
    return swapped(
        (NormalCase, "on_pre_prepare", on_pre_prepare), (SignGuard, "allows", lambda *_: True)
    )


def primary_prepares() -> Patch:
    """A PREPARE of the primary is one of the Q-1, in certificates too."""

    def on_prepare(self: NormalCase, message: Prepare) -> None:
        core = self.core
        if (
            core.active
            and message.view == core.view
            and message.sender == core.committee.primary(message.view)
        ):
            slot = core.slot(message.sequence)
            position = core.committee.index(message.sender)
            if slot is not None and position not in slot.prepares and core.authentic(message):
                slot.add_prepare(position, message)
                self._check_prepared(slot)
            return
        original(self, message)

    def valid(certificate: object, committee: object, authentic: object) -> bool:
        votes = certificate.prepares  # type: ignore[attr-defined]
        senders = certificates.mask_of(committee, (p.sender for p in votes))  # type: ignore[arg-type]
        enough = committee.quorum - 1  # type: ignore[attr-defined]
        return (
            len(votes) == enough == senders.bit_count()
            and certificate.pre_prepare.sender  # type: ignore[attr-defined]
            == committee.primary(certificate.view)  # type: ignore[attr-defined]
            and all(authentic(vote) for vote in (*votes, certificate.pre_prepare))  # type: ignore[attr-defined,operator]
        )

    original = NormalCase.on_prepare
    return swapped((NormalCase, "on_prepare", on_prepare), *everywhere(valid))


def everywhere(valid: object) -> tuple[tuple[object, str, object], ...]:
    """Another check of prepared certificates, in each module that uses it."""
    from consensus.pbft import new_view

    name = "prepared_certificate_is_valid"
    return tuple((module, name, valid) for module in (certificates, new_view))


def digest_not_compared() -> Patch:
    """Votes for whatever digest count for the slot's proposal."""

    def count(masks: dict[bytes, int]) -> int:
        every = 0
        for mask in masks.values():
            every |= mask
        return every.bit_count()

    return swapped(
        (Slot, "prepare_count", lambda self, _digest: count(self.prepare_masks)),
        (Slot, "commit_count", lambda self, _digest: count(self.commit_masks)),
        (
            Slot,
            "prepares_for",
            lambda self, _digest, n: tuple(self.prepares[p] for p in sorted(self.prepares))[:n],
        ),
        (
            Slot,
            "commits_for",
            lambda self, _digest, n: tuple(self.commits[p] for p in sorted(self.commits))[:n],
        ),
        (certificates, "_prepares", _same_slot),
        (certificates, "_commits", _same_slot),
    )


def _same_slot(vote: object, certificate: object) -> bool:
    return (vote.view, vote.sequence) == (certificate.view, certificate.sequence)  # type: ignore[attr-defined]


def one_domain() -> Patch:
    """The type isn't signed: a PREPARE with its signature is as good as a COMMIT."""

    def signing_bytes(self: Prepare | Commit) -> bytes:
        return canonical("vote", self.chain, self.epoch, self.sender, *self.body())

    def prop() -> object:
        made = cached_property(signing_bytes)
        made.__set_name__(Prepare, "signing_bytes")
        return made

    return _overridden(prop, Prepare, Commit)


def _overridden(prop: object, *owners: type) -> Patch:
    from contextlib import contextmanager

    @contextmanager
    def patch():  # type: ignore[no-untyped-def]
        for owner in owners:
            type.__setattr__(owner, "signing_bytes", prop())  # type: ignore[operator]
        try:
            yield
        finally:
            for owner in owners:
                type.__delattr__(owner, "signing_bytes")

    return patch()


def later_vote_replaces() -> Patch:
    """The last vote under a sender's name stands, authentic or not."""

    def replacing(table: str, original: object) -> object:
        def on_vote(self: NormalCase, message: Prepare | Commit) -> None:
            slot = self.core.slots.get(message.sequence)
            if slot is not None and slot.view == message.view:
                position = self.core.committee.index(message.sender)
                votes = getattr(slot, table)
                known = votes.get(position)
                if known is not None and known.digest != message.digest:
                    masks = getattr(slot, table[:-1] + "_masks")
                    masks[known.digest] &= ~(1 << position)
                    votes[position] = message
                    masks[message.digest] = masks.get(message.digest, 0) | 1 << position
                    return
            original(self, message)  # type: ignore[operator]

        return on_vote

    return swapped(
        (NormalCase, "on_prepare", replacing("prepares", NormalCase.on_prepare)),
        (NormalCase, "on_commit", replacing("commits", NormalCase.on_commit)),
    )


def todays_committee() -> Patch:
    """Certificates of any sequence are held against the newest committee that is known."""
    return swapped((Configurations, "at", lambda self, sequence: self.newest))
