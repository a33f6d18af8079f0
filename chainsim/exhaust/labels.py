"""Replicas and messages as plain values: to compare, to rename, to tell people.

A message's label says what it says, not how it was signed. A replica's is all of its fields, but
for those that are the same in every state, or that decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, Final

import msgspec

from consensus.messages import (
    NULL_DIGEST,
    Batch,
    BatchReply,
    Checkpoint,
    Commit,
    CommitCertificate,
    FetchBatch,
    Message,
    NewView,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    Request,
    ViewChange,
)
from consensus.pbft.slot import Slot
from consensus.types import Committee

Label = tuple[Any, ...]
Votes = (Prepare, Commit, Checkpoint)

CARRIED: Final = (
    PrePrepare,
    Prepare,
    Commit,
    Checkpoint,
    ViewChange,
    NewView,
    FetchBatch,
    BatchReply,
)
"""Messages that are explored. STATUS and its answers only repeat what is never lost here;
requests are everywhere from the start; a VIEW-CHANGE that is asked for is on its way anyway."""

SKIPPED: Final = frozenset(
    {
        # The same in every state, or a way to another object that is looked at by itself.
        "core", "chain", "id", "parameters", "store", "observers", "configurations", "committee",
        "others", "position", "route", "cap", "pool",
        # Left over from the last event.
        "out", "_signatures", "_verifications", "_delivery",
        # Evidence, statistics, and limits of what is answered.
        "_reported", "_peak", "_early_peak", "_answers", "_followers", "_forwarded",
    }
)  # fmt: skip
SECRETS: Final = ("_verify", "_own_keys", "_signer", "_keys", "_acceptable")
ROOMS: Final = (
    "requests",
    "proposer",
    "normal",
    "checkpoints",
    "views",
    "entrance",
    "catch_up",
    "timeouts",
    "membership",
    "transfer",
)


class Labels:
    """Makes labels; knows the digests that it has met by what they stand for."""

    def __init__(self, batches: Iterable[Batch], *, proofs: bool, votes: bool) -> None:
        """``proofs``: who signed a certificate is part of it; ``votes``: so are votes that
        haven't led to anything."""
        self._proofs = proofs
        self._votes = votes
        self._digests: dict[bytes, Any] = {NULL_DIGEST: "null"}
        for name, batch in zip("ABCDEFGH", batches, strict=False):
            self._digests[batch.digest] = name

    def digest(self, digest: bytes) -> Any:
        """What it is the digest of, if that is known."""
        return self._digests.get(digest) or digest.hex()[:16]

    def message(self, message: Message) -> Label:
        """What a message says."""
        kind, sender = message.TYPE, message.sender
        match message:
            case PrePrepare() | Prepare() | Commit():
                where = (message.view, message.sequence, self.digest(message.digest))
                return (kind, sender, *where)
            case Checkpoint() | FetchBatch():
                return (kind, sender, message.sequence, self.digest(message.digest))
            case BatchReply():
                return (kind, sender, message.sequence, self.digest(message.batch.digest))
            case ViewChange():
                entries = tuple(self._certificate(entry) for entry in message.prepared)
                signers = frozenset(vote.sender for vote in message.checkpoints)
                label: Label = (kind, sender, message.view, message.stable, signers, entries)
            case NewView():
                named = frozenset((who, self.digest(d)) for who, d in message.view_changes)
                order = tuple((p.sequence, self.digest(p.digest)) for p in message.pre_prepares)
                label = (kind, sender, message.view, named, order)
            case _:
                return (kind, sender, *message.slot())
        self._digests.setdefault(message.digest_bytes, label)
        return label

    def _certificate(self, entry: PreparedCertificate) -> Label:
        signers = frozenset(v.sender for v in entry.prepares) if self._proofs else ()
        return (entry.view, entry.sequence, self.digest(entry.digest), signers)

    def replica(self, core: Any, pool: Any) -> Label:
        """All that decides what a replica does next."""
        rooms = tuple(self.of(getattr(core, name)) for name in ROOMS)
        own = frozenset(
            (name, self.of(value))
            for name, value in vars(core).items()
            if name not in SKIPPED and name not in ROOMS and name not in SECRETS
        )
        return (own, rooms, self.of(pool))

    def of(self, value: Any) -> Any:
        """Any value that a replica holds."""
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, bytes):
            return self.digest(value)
        if isinstance(value, Enum):
            return value.value
        if isinstance(value, tuple | list):
            return tuple(self.of(item) for item in value)
        if isinstance(value, Mapping):
            return frozenset((self.of(key), self.of(item)) for key, item in value.items())
        if isinstance(value, set | frozenset):
            return frozenset(self.of(item) for item in value)
        return self._of_object(value)

    def _of_object(self, value: Any) -> Any:
        match value:
            case Request():
                return ("request", value.sender, value.number)
            case Message():
                return self.message(value)
            case Batch():
                return self.digest(value.digest)
            case PreparedCertificate():
                return self._certificate(value)
            case CommitCertificate():
                return (value.view, value.sequence, self.digest(value.digest))
            case Committee():
                return value.epoch
            case Slot():
                return self._slot(value)
        if isinstance(value, msgspec.Struct):
            names: Iterable[str] = value.__struct_fields__
        elif hasattr(value, "__slots__"):
            names = value.__slots__
        else:
            names = vars(value)
        wanted = [name for name in names if name not in SKIPPED and name not in SECRETS]
        return (type(value).__name__, *(self.of(getattr(value, name)) for name in sorted(wanted)))

    def _slot(self, slot: Slot) -> Label:
        kept: Label = ()
        if self._votes:
            kept = tuple(
                (
                    frozenset((v.sender, self.digest(v.digest)) for v in votes.values()),
                    frozenset((self.digest(d), mask.bit_count()) for d, mask in masks.items()),
                )
                for votes, masks in (
                    (slot.prepares, slot.prepare_masks),
                    (slot.commits, slot.commit_masks),
                )
            )
        held = (slot.pre_prepare, slot.certificate, slot.decision)
        return (slot.sequence, slot.view, slot.phase.value, *map(self.of, held), *kept)


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """``value`` with other names in it."""
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, tuple):
        return tuple([renamed(item, names) for item in value])
    if isinstance(value, frozenset):
        return frozenset([renamed(item, names) for item in value])
    return value


def words(label: Any) -> str:
    """A label for people and for files; two labels read alike only if they are."""
    if isinstance(label, frozenset):
        return "{" + ", ".join(sorted(words(item) for item in label)) + "}"
    if isinstance(label, tuple):
        return "(" + ", ".join(words(item) for item in label) + ")"
    return str(label)


def told(label: Label) -> str:
    """A message in a schedule: ``PREPARE of r1: 0, 1, A``."""
    kind, sender, *rest = label
    return f"{str(kind).upper()} of {sender}: {', '.join(words(item) for item in rest)}"
