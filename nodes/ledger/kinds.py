"""What lies under each kind of key: to read a state from its bytes (state transfer, snapshots).

A kind that isn't here holds a string.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import msgspec

from nodes.ledger import records
from nodes.ledger.state import Key

KINDS: Final[dict[str, type]] = {
    "account": records.Account,
    "asset": records.FederalAsset,
    "attestation": records.Attestation,
    "auction": records.Auction,
    "balance": records.Balance,
    "bid": records.BidEntry,
    "claim": records.Claims,
    "committee": records.Configuration,
    "configuration": records.Configuration,
    "coupon": records.Coupon,
    "day": records.Day,
    "dvp": records.Instruction,
    "flagged": records.Flagged,
    "freeze": records.Freeze,
    "fx": records.FxFix,
    "party": records.Party,
    "paused": records.Flag,
    "price": records.PriceFix,
    "programme": records.Programme,
    "recorded": records.Recorded,
    "redeemed": records.Flag,
    "regulations": records.Flag,
    "removals": records.Removals,
    "series": records.Series,
    "supply": records.Supply,
    "upcoming": records.Upcoming,
    "window": records.Window,
}
"""By the first part of the key."""

_DECODERS: Final[dict[str, msgspec.msgpack.Decoder[Any]]] = {
    kind: msgspec.msgpack.Decoder(type_) for kind, type_ in KINDS.items()
}
_STRINGS: Final = msgspec.msgpack.Decoder(str)
_KEYS: Final = msgspec.msgpack.Decoder(tuple[str, ...])


@lru_cache(maxsize=1 << 16)
def entry_of(key: bytes, value: bytes | None) -> tuple[Key, Any]:
    """The key and value that these bytes stand for; None stands for itself.

    Raises ``msgspec.DecodeError`` for bytes that no state holds.
    """
    found = _KEYS.decode(key)
    if value is None:
        return found, None
    return found, _DECODERS.get(found[0], _STRINGS).decode(value)
