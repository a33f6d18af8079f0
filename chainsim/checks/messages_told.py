"""The messages of a run in the words of the specification: names, numbers and digests."""

from __future__ import annotations

from typing import Any, Final

from chainsim.specification import Certificate, NewView, Statement, ViewChange, Vote
from consensus.messages import CommitCertificate


class Translation:
    """Translates each VIEW-CHANGE and NEW-VIEW once, to however many it is sent."""

    def __init__(self) -> None:
        self._told: Final[dict[bytes, ViewChange | NewView]] = {}
        """By the message's digest."""

    def view_change(self, message: Any) -> ViewChange:
        """What a VIEW-CHANGE says."""
        found = self._told.get(message.digest_bytes)
        if not isinstance(found, ViewChange):
            found = ViewChange(
                message.sender,
                message.digest_bytes,
                message.epoch,
                message.view,
                message.stable,
                tuple((vote.sender, vote.sequence, vote.digest) for vote in message.checkpoints),
                tuple(_certificate(entry) for entry in message.prepared),
            )
            self._told[message.digest_bytes] = found
        return found

    def new_view(self, message: Any) -> NewView:
        """What a NEW-VIEW says."""
        found = self._told.get(message.digest_bytes)
        if not isinstance(found, NewView):
            found = NewView(
                message.sender,
                message.digest_bytes,
                message.epoch,
                message.view,
                message.view_changes,
                tuple((p.sender, p.view, p.sequence, p.digest) for p in message.pre_prepares),
            )
            self._told[message.digest_bytes] = found
        return found


def statement(kind: str, message: Any) -> Statement:
    """What a proposal, PREPARE or COMMIT says."""
    return kind, message.epoch, message.view, message.sequence, message.digest


def checkpoint_statement(vote: Any) -> Statement:
    """What a CHECKPOINT says: it is of no view."""
    return "checkpoint", vote.epoch, 0, vote.sequence, vote.digest


def votes_of(certificate: CommitCertificate) -> tuple[Vote, ...]:
    """Its COMMITs."""
    return tuple(
        (vote.sender, statement("commit", vote), vote.signature) for vote in certificate.commits
    )


def _certificate(entry: Any) -> Certificate:
    proposal = entry.pre_prepare
    return Certificate(
        proposal.view,
        proposal.sequence,
        proposal.digest,
        proposal.sender,
        tuple((vote.sender, statement("prepare", vote)) for vote in entry.prepares),
    )
