"""Hostile clients: one file per attack, all of them carried out beside an honest client's process.

To add one, write a file with an ``Attack`` and a line in ``ATTACKS``.
"""

from __future__ import annotations

from typing import Final

from nodes.hostile_clients.base import Attack, ClientAttacker, Purse, Rogue, Tactics
from nodes.hostile_clients.double_spend import DoubleSpend
from nodes.hostile_clients.flood import Flood
from nodes.hostile_clients.malformed import Malformed
from nodes.hostile_clients.partial_send import PartialSend
from nodes.hostile_clients.replay import Replay
from nodes.hostile_clients.wrong_signature import WrongSignature

ATTACKS: Final[dict[str, type[Attack]]] = {
    "double-spend": DoubleSpend,
    "flood": Flood,
    "malformed": Malformed,
    "replay": Replay,
    "wrong-signature": WrongSignature,
    "partial-send": PartialSend,
}
"""By the kind of fault that a scenario names."""

__all__ = ["ATTACKS", "Attack", "ClientAttacker", "Purse", "Rogue", "Tactics"]
