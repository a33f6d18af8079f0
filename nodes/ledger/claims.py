"""What trusted issuers say of parties: CLAIM_ADD, CLAIM_REVOKE (after ERC-3643).

Genesis lists who is trusted for which topic. A claim of the topic ``identity`` verifies its
subject until it expires or its issuer revokes it; who registers a party as verified makes such a
claim without expiry, and revokes it in the same way. A series may ask for claims of its holders
(``Rules.topics``), and for an ``approval`` of each transfer: the claim names series and amount,
and the transfer consumes it.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from msgspec.structs import replace

from nodes.ledger.act import Act
from nodes.ledger.codes import E_DATE, E_ISSUER, E_TOPIC, E_UNVERIFIED, Refused
from nodes.ledger.records import Claim, Claims, Day, Party
from nodes.ledger.state import DAY, Key
from nodes.ledger.transactions import ClaimAdd, ClaimRevoke

IDENTITY: Final = "identity"
APPROVAL: Final = "approval"


def add(act: Act, body: ClaimAdd) -> None:
    """CLAIM_ADD: a claim of the same issuer, subject, topic and scope is renewed."""
    _check_trusted(act, body.topic)
    if act.party(body.subject) is None:
        raise Refused(E_UNVERIFIED, f"no party {body.subject}")
    if body.expires is not None and _expired(act, body.expires):
        raise Refused(E_DATE, f"{body.expires} has passed")
    key = _key(body.subject, body.topic, body.scope)
    others = [claim for claim in _claims(act, key) if claim.issuer != act.sender.id]
    claim = Claim(issuer=act.sender.id, expires=body.expires, amount=body.amount or 0)
    act.put(key, Claims((*others, claim)))


def revoke(act: Act, body: ClaimRevoke) -> None:
    """CLAIM_REVOKE: one's own claim, the one made by registering somebody included."""
    key = _key(body.subject, body.topic, body.scope)
    claims = _claims(act, key)
    left = tuple(claim for claim in claims if claim.issuer != act.sender.id)
    subject = act.party(body.subject)
    registered = body.topic == IDENTITY and subject is not None and _registrar_of(act, subject)
    if len(left) == len(claims) and not registered:
        raise Refused(E_ISSUER, f"{act.sender.id} made no such claim")
    act.put(key, Claims(left) if left else None)
    if registered:
        assert subject is not None
        act.put(("party", subject.id), replace(subject, verified=False))


def _registrar_of(act: Act, subject: Party) -> bool:
    """Whether the sender vouched for ``subject`` by registering it (PVARA also for genesis)."""
    if not subject.verified:
        return False
    return act.sender.id == subject.custodian or (
        act.sender.role == "pvara" and not subject.custodian
    )


def _check_trusted(act: Act, topic: str) -> None:
    """E_ISSUER if the sender is trusted for nothing, E_TOPIC if not for this."""
    names = (act.sender.role, act.sender.id)
    trusted = [
        entry.topic
        for entry in act.genesis.policies.claim_topics
        if any(name in entry.issuers for name in names)
    ]
    if not trusted:
        raise Refused(E_ISSUER, f"{act.sender.id} is trusted for no topic")
    if topic not in trusted:
        raise Refused(E_TOPIC, f"{act.sender.id} is not trusted for {topic}")


def is_verified(act: Act, party: Party) -> bool:
    """Whether somebody trusted vouches for the party's identity today."""
    return party.verified or has_claim(act, party.id, IDENTITY)


def has_claim(act: Act, party: str, topic: str) -> bool:
    """Whether an unexpired claim of a topic is made of a party."""
    return any(not _lapsed(act, claim) for claim in _claims(act, _key(party, topic, "")))


def find_approval(act: Act, party: str, series: str, amount: int) -> Claim | None:
    """An unexpired approval of a transfer of at least ``amount``; the oldest of several."""
    for claim in _claims(act, _key(party, APPROVAL, series)):
        if claim.amount >= amount and not _lapsed(act, claim):
            return claim
    return None


def consume_approval(act: Act, party: str, series: str, claim: Claim) -> None:
    """It was good for one transfer."""
    key = _key(party, APPROVAL, series)
    left = tuple(other for other in _claims(act, key) if other != claim)
    act.put(key, Claims(left) if left else None)


def _key(subject: str, topic: str, scope: str) -> Key:
    return ("claim", subject, topic, scope)


def _claims(act: Act, key: Key) -> tuple[Claim, ...]:
    found: Claims | None = act.get(key)
    return () if found is None else found.claims


def _lapsed(act: Act, claim: Claim) -> bool:
    return claim.expires is not None and _expired(act, claim.expires)


def _expired(act: Act, last_day: date) -> bool:
    """Whether the business date is past ``last_day``; before the first day nothing is."""
    today: Day | None = act.get(DAY)
    return today is not None and today.date > last_day
