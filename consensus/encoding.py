"""The one canonical byte encoding that is signed and hashed.

A value is encoded as a MessagePack array whose first item is a domain tag. MessagePack is
typed and length-prefixed, and the encoder has one form for each value, so two different
(domain, fields) never share bytes: a PREPARE can't be read as a COMMIT.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

import msgspec

from consensus.types import Digest

_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")
_PREFIX: Final = "chainsim/1/"


def canonical(domain: str, *fields: Any) -> bytes:
    """Bytes of ``fields`` (int, str, bytes, bool, None, tuples, structs) under ``domain``."""
    return _ENCODER.encode((_PREFIX + domain, *fields))


def digest_of(domain: str, *fields: Any) -> Digest:
    """SHA-256 of ``canonical(domain, *fields)``."""
    return sha256(canonical(domain, *fields)).digest()


def encode(value: Any) -> bytes:
    """Deterministic MessagePack of one value, for sizes, disks and the wire (not for signing)."""
    return _ENCODER.encode(value)
