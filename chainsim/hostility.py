"""Who is in hostile hands: the adversary that faults hire, and PBFT.md's count of the hostile.

Checks must know before the first event whom they may not rely on. Most scenarios say it; where
only the run itself shows who was hit (``primary``, five seconds in), it is rehearsed: the same
run without checks, which decides nothing else (law 4).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from chainsim.simulation.world import Adversary, Intruder, World
from chainsim.trace import FaultChanged, Recorder
from consensus.crypto import Signer
from consensus.effects import TimerKey
from consensus.protocol import Parameters
from consensus.types import Committee, NodeId
from nodes.byzantine import (
    COALITION,
    Accessory,
    Attacker,
    Disguise,
    Draws,
    Options,
    disguise,
)
from nodes.hostile_clients import ATTACKS, ClientAttacker, Purse, Rogue, Tactics
from nodes.node import Node
from scenarios.faults import Fault


def adversary(
    chain: bytes,
    committee: Committee,
    keys_of: Callable[[NodeId], tuple[Signer, ...]],
    parameters: Parameters,
    another: Callable[[NodeId], Node],
) -> Adversary:
    """Makes disguises of ``nodes.byzantine``, each with its own validator's keys only, and with
    those of its coalition if the scenario says that it colludes (law 5).

    ``keys_of`` gives the keys that a validator holds now, the oldest first. ``another`` makes
    a second node like the one of that name.
    """

    def disguised(id_: NodeId, behaviour: str, options: Options, draws: Draws) -> Disguise:
        accomplices = [other for other in options.members if other != id_]
        attacker = Attacker(
            id=id_,
            chain=chain,
            committee=committee,
            signer=keys_of(id_)[0],
            draws=draws,
            options=options,
            parameters=parameters,
            keys=partial(keys_of, id_),
            accessories=tuple(Accessory(other, partial(keys_of, other)) for other in accomplices)
            if behaviour == COALITION
            else (),
        )
        return disguise(behaviour, attacker, lambda: another(id_))

    return disguised


def intruder(
    chain: bytes,
    validators: tuple[NodeId, ...],
    party_of: Mapping[NodeId, str],
    signer_of: Callable[[str], Signer],
    purse_of: Callable[[str], Purse],
) -> Intruder:
    """Makes attacks of ``nodes.hostile_clients``, each with its own party's signer only (law 5)."""

    def hired(id_: NodeId, attack: str, tactics: Tactics, draws: Draws, key: TimerKey) -> Disguise:
        party = party_of[id_]
        attacker = ClientAttacker(
            id=id_,
            party=party,
            chain=chain,
            validators=validators,
            signer=signer_of(party),
            draws=draws,
            purse=purse_of(party),
            tactics=tactics,
        )
        return lambda inner: Rogue(inner, partial(ATTACKS[attack], attacker), key)

    return hired


def hostile_validators(
    world: World, duration_us: int, rehearse: Callable[[Recorder], None], faults: Sequence[Fault]
) -> frozenset[NodeId]:
    """All validators that some fault makes hostile at some time (``Fault.makes_hostile``).

    ``rehearse`` runs the scenario with a given recorder, if that is the only way to know.
    """
    known = world.director.hostile(duration_us)
    if known is not None:
        return known
    found: dict[NodeId, None] = {}

    def note(record: FaultChanged) -> None:
        if record.active and faults[record.index].makes_hostile():
            found.update(dict.fromkeys(record.nodes))

    recorder = Recorder()
    recorder.subscribe(FaultChanged, note)
    rehearse(recorder)
    return frozenset(found) & {host.id for host in world.validators}
