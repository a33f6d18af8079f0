"""Hostile validators: one file per behaviour, all of them wrappers around an honest node.

To add one, write a file with a ``Behaviour`` and a line in ``BEHAVIOURS``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from nodes.byzantine.accomplice import Accomplice
from nodes.byzantine.bad_block_time import BadBlockTime
from nodes.byzantine.base import (
    Accessory,
    Attacker,
    Behaviour,
    Byzantine,
    Disguise,
    Draws,
    HostileNode,
    Options,
)
from nodes.byzantine.bogus_checkpoint import BogusCheckpoint
from nodes.byzantine.bogus_new_view import BogusNewView
from nodes.byzantine.bogus_state import BogusState
from nodes.byzantine.bogus_view_change import BogusViewChange
from nodes.byzantine.censor import Censor
from nodes.byzantine.collude import Collude
from nodes.byzantine.conflicting_votes import ConflictingVotes
from nodes.byzantine.delay_proposals import DelayProposals
from nodes.byzantine.equivocate import Equivocate
from nodes.byzantine.false_proofs import FalseProofs
from nodes.byzantine.false_reply import FalseReply
from nodes.byzantine.future_flood import FutureFlood
from nodes.byzantine.mutate_round import MutateRound
from nodes.byzantine.random_mutation import RandomMutation
from nodes.byzantine.reorder_transactions import ReorderTransactions
from nodes.byzantine.silent import Silent
from nodes.byzantine.stale_replay import StaleReplay
from nodes.byzantine.twins import Twins
from nodes.byzantine.withhold import Withhold
from nodes.byzantine.wrong_allotment import WrongAllotment
from nodes.byzantine.wrong_digest import WrongDigest
from nodes.node import Node

BEHAVIOURS: Final[dict[str, type[Behaviour]]] = {
    "accomplice": Accomplice,
    "bad-block-time": BadBlockTime,
    "bogus-checkpoint": BogusCheckpoint,
    "bogus-new-view": BogusNewView,
    "bogus-state": BogusState,
    "bogus-view-change": BogusViewChange,
    "censor": Censor,
    "collude": Collude,
    "conflicting-votes": ConflictingVotes,
    "delay-proposals": DelayProposals,
    "equivocate": Equivocate,
    "false-proofs": FalseProofs,
    "false-reply": FalseReply,
    "random-mutation": RandomMutation,
    "mutate-round": MutateRound,
    "reorder-transactions": ReorderTransactions,
    "silent": Silent,
    "stale-replay": StaleReplay,
    "withhold": Withhold,
    "wrong-allotment": WrongAllotment,
    "wrong-digest": WrongDigest,
    "future-flood": FutureFlood,
}
"""By the name that a scenario uses; ``twins`` wraps two nodes and is made apart."""

IN_COMPANY: Final = ("accomplice", "collude", "false-proofs")
"""Behaviours that do nothing worth exploring while no more than f validators are hostile, or
while nobody watches without a ledger."""

COALITION: Final = "collude"
"""The one behaviour whose attackers hold each other's keys."""


def disguise(behaviour: str, attacker: Attacker, second: Callable[[], Node]) -> Disguise:
    """What puts a validator in hostile hands: ``behaviour`` is a name of ``BEHAVIOURS``, or
    ``twins``, for which ``second`` makes the other copy.

    What a behaviour remembers outlives its node's crashes.
    """
    if behaviour == "twins":
        return lambda inner: Twins(inner, second(), attacker)
    liar = BEHAVIOURS[behaviour](attacker)
    return lambda inner: Byzantine(inner, liar)


__all__ = [
    "BEHAVIOURS",
    "COALITION",
    "IN_COMPANY",
    "Accessory",
    "Attacker",
    "Behaviour",
    "Byzantine",
    "Disguise",
    "Draws",
    "HostileNode",
    "Options",
    "Twins",
    "disguise",
]
