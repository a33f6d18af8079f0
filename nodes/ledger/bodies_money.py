"""What moves: cash, transfers, delivery versus payment, and what authorities order of holdings."""

from __future__ import annotations

import msgspec

from nodes.ledger.bodies import Body, Digest, Money, Name, NewName, Text, TimeUs


class CashMint(Body, frozen=True, kw_only=True, tag="CASH_MINT"):
    """Central-bank money comes into being."""

    account: Name
    amount: Money
    physical: bool = False
    """Paid in as notes (matters for reports of large cash transactions)."""


class CashBurn(Body, frozen=True, kw_only=True, tag="CASH_BURN"):
    """Central-bank money goes out of being; the account's owner co-signs."""

    account: Name
    amount: Money
    physical: bool = False


class Transfer(Body, frozen=True, kw_only=True, tag="TRANSFER"):
    """Free quantity moves, by the owner of ``source``."""

    source: Name
    target: Name
    amount: Money
    travel_hash: Digest | None = None
    """SHA-256 over salt and IVMS101 data, above the travel-rule threshold."""


class Leg(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One side of a DvP: ``amount`` from ``source`` to ``target`` (accounts)."""

    source: Name
    target: Name
    amount: Money


class DvpPropose(Body, frozen=True, kw_only=True, tag="DVP_PROPOSE"):
    """Securities against cash, between the sender (either side) and ``counterparty``."""

    id: NewName
    counterparty: Name
    delivery: Leg
    payment: Leg
    deadline_us: TimeUs
    """Block time. Alive up to and including it; released at the start of the first block past."""


class DvpAccept(Body, frozen=True, kw_only=True, tag="DVP_ACCEPT"):
    """The counterparty agrees: both legs are reserved."""

    id: Name


class DvpSettle(Body, frozen=True, kw_only=True, tag="DVP_SETTLE"):
    """Both reserved legs change hands, or neither."""

    id: Name


class DvpCancel(Body, frozen=True, kw_only=True, tag="DVP_CANCEL"):
    """Either party withdraws before settlement; what was reserved is free again."""

    id: Name


class FreezeOrder(Body, frozen=True, kw_only=True, tag="FREEZE"):
    """Free quantity becomes frozen under an order, referred to opaquely."""

    account: Name
    amount: Money
    order: Text


class UnfreezeOrder(Body, frozen=True, kw_only=True, tag="UNFREEZE"):
    """What the same party froze under that order becomes free, in full or in part."""

    account: Name
    amount: Money
    order: Text


class ForcedTransfer(Body, frozen=True, kw_only=True, tag="FORCED_TRANSFER"):
    """Quantity moves by an order, without its owner; frozen quantity if the rest doesn't do."""

    source: Name
    target: Name
    amount: Money
    order: Text
