"""What the bodies of transactions are made of: names, amounts, and the base that they share."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from nodes.ledger.records import MAX_AMOUNT

Name: TypeAlias = Annotated[str, msgspec.Meta(max_length=64)]
"""Refers to something that exists: a party, an account, an auction."""

NewName: TypeAlias = Annotated[
    str, msgspec.Meta(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/+-]*$")
]
"""The id of something new."""

Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=256)]
Key: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Digest: TypeAlias = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Amount: TypeAlias = Annotated[int, msgspec.Meta(gt=0, le=MAX_AMOUNT)]
"""Minor units, above zero."""

Price: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
"""10^-4 per 100 of face, or of a percentage, or of PKR per USD."""

Index: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
TimeUs: TypeAlias = Annotated[int, msgspec.Meta(ge=0, lt=2**62)]


class Money(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount (minor units) of an asset: a currency or a series."""

    asset: Name
    amount: Amount


class Body(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", forbid_unknown_fields=True):
    """Base of all bodies."""
