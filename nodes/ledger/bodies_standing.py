"""Who is who: parties, keys, licences, claims, accounts, pauses, validators, evidence."""

from __future__ import annotations

import datetime
from typing import Annotated, Literal

import msgspec

from nodes.ledger.bodies import Amount, Body, Key, Name, NewName, Text
from nodes.ledger.records import Licence, Role


class PartyRegister(Body, frozen=True, kw_only=True, tag="PARTY_REGISTER"):
    """A new party. Investors are registered by their custodian, others by PVARA or SBP."""

    id: NewName
    role: Role
    public_key: Key
    lei: Text = ""
    name: Text = ""
    country: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] = "PK"
    verified: bool = True


class KeyRotate(Body, frozen=True, kw_only=True, tag="KEY_ROTATE"):
    """The sender's key becomes ``new_public_key``, co-signing as the sender."""

    new_public_key: Key


class RegulationsCommence(Body, frozen=True, kw_only=True, tag="REGULATIONS_COMMENCE"):
    """From now on licences can be applied for."""


class LicenceSet(Body, frozen=True, kw_only=True, tag="LICENCE_SET"):
    """Move a VASP along an edge of the licence machine."""

    party: Name
    state: Licence


class GoamlAttest(Body, frozen=True, kw_only=True, tag="GOAML_ATTEST"):
    """The VASP is registered with the FMU's goAML."""

    party: Name


class SecpIncorporate(Body, frozen=True, kw_only=True, tag="SECP_INCORPORATE"):
    """The VASP's subsidiary is incorporated."""

    party: Name


class ClaimAdd(Body, frozen=True, kw_only=True, tag="CLAIM_ADD"):
    """The sender vouches for something about a party: its identity, or that it is accredited."""

    subject: Name
    topic: Name
    scope: Name = ""
    """Of an approval: the series."""
    amount: Amount | None = None
    """Of an approval: the largest transfer that it is good for."""
    expires: datetime.date | None = None
    """The last business date on which it counts; None: until it is revoked."""


class ClaimRevoke(Body, frozen=True, kw_only=True, tag="CLAIM_REVOKE"):
    """The sender takes its own claim back."""

    subject: Name
    topic: Name
    scope: Name = ""


class AccountOpen(Body, frozen=True, kw_only=True, tag="ACCOUNT_OPEN"):
    """An account for ``owner``: the sender's own client, or the sender itself."""

    id: NewName
    owner: Name


class Pause(Body, frozen=True, kw_only=True, tag="PAUSE"):
    """Stops what roles.csv doesn't allow while paused."""


class Unpause(Body, frozen=True, kw_only=True, tag="UNPAUSE"):
    """Ends a pause."""


class ValidatorUpdate(Body, frozen=True, kw_only=True, tag="VALIDATOR_UPDATE"):
    """Adds a validator (last in proposer order), removes one, or gives one a new key."""

    change: Literal["add", "remove", "rotate"]
    validator: Name
    public_key: Key | None = None
    """Of a validator added or rotated: the key that its votes will verify under."""


class Evidence(Body, frozen=True, kw_only=True, tag="EVIDENCE"):
    """A validator's misbehaviour, proven by messages that it signed."""

    misbehaviour: Annotated[bytes, msgspec.Meta(max_length=1 << 20)]
    """Encoded ``consensus.misbehaviour.Misbehaviour``."""
    propose_removal: bool = False
