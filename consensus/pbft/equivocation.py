"""Who said two things shows when certificates are held side by side (rule 33).

Votes and proposals also arrive inside other messages: PRE-PREPAREs and PREPAREs in the P of a
VIEW-CHANGE, COMMITs in commit certificates. Where such a one names another digest than what is
held here for the same view and sequence, both signed messages are at hand. Nothing is kept for
this and nothing is compared but digests, unless they differ.
"""

from __future__ import annotations

from collections.abc import Iterable

from consensus.messages import CommitCertificate, PreparedCertificate, ViewChange
from consensus.pbft.core import Core


def compare_prepared(core: Core, message: ViewChange, others: Iterable[ViewChange]) -> None:
    """Hold the P of a valid VIEW-CHANGE against the log and against the P of ``others``."""
    shown = {certificate.sequence: certificate for certificate in message.prepared}
    for sequence, certificate in shown.items():
        _against_slot(core, sequence, certificate)
    for other in others:
        for held in other.prepared:
            found = shown.get(held.sequence)
            if found is not None:
                _against(core, held, found)


def _against_slot(core: Core, sequence: int, shown: PreparedCertificate) -> None:
    slot = core.slots.get(sequence)
    if slot is None:
        return
    if slot.certificate is not None:
        _against(core, slot.certificate, shown)
    if slot.view != shown.view:
        return
    if slot.pre_prepare is not None and slot.pre_prepare.digest != shown.digest:
        core.report("conflicting-pre-prepare", slot.pre_prepare.header, shown.pre_prepare)
    for vote in shown.prepares:
        known = slot.prepares.get(core.committee.position(vote.sender))
        if known is not None and known.digest != vote.digest:
            core.report("conflicting-prepare", known, vote)


def _against(core: Core, held: PreparedCertificate, shown: PreparedCertificate) -> None:
    """Two prepared certificates of one view: whoever signed in both is guilty."""
    if held.view != shown.view or held.digest == shown.digest:
        return
    core.report("conflicting-pre-prepare", held.pre_prepare, shown.pre_prepare)
    known = {vote.sender: vote for vote in held.prepares}
    for vote in shown.prepares:
        if vote.sender in known:
            core.report("conflicting-prepare", known[vote.sender], vote)


def compare_commits(core: Core, certificate: CommitCertificate) -> None:
    """Hold a valid commit certificate against the COMMITs and the decision in the log."""
    slot = core.slots.get(certificate.sequence)
    if slot is None:
        return
    known = {}
    if slot.view == certificate.view:
        known = {vote.sender: vote for vote in slot.commits.values()}
    if slot.decision is not None and slot.decision.view == certificate.view:
        known |= {vote.sender: vote for vote in slot.decision.commits}
    for vote in certificate.commits:
        held = known.get(vote.sender)
        if held is not None and held.digest != vote.digest:
            core.report("conflicting-commit", held, vote)
