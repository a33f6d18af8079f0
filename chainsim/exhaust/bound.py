"""What is explored, and how far."""

from __future__ import annotations

from functools import partial
from itertools import permutations

import msgspec

from chainsim.scenario_settings import parameters
from consensus.crypto import Verifier
from consensus.messages import (
    Batch,
    Commit,
    Message,
    Prepare,
    PrePrepare,
    Request,
    ViewChange,
    signed,
)
from consensus.protocol import Parameters
from consensus.types import Committee
from scenarios.faults.byzantine import ByzantineFault
from scenarios.genesis import make_genesis
from scenarios.keys import Keys
from scenarios.schema import Scenario

EQUIVOCATE = "equivocate"
CLIENT = "client"


class NotExplorable(Exception):
    """The scenario holds what this search knows nothing of; the message says what to leave out."""


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """All that is explored; a pure value."""

    names: tuple[str, ...]
    """Validators in proposer order."""
    hostile: tuple[str, ...]
    """Those that may say two things."""
    views: int = 1
    """Views 0 to this one less one."""
    timeouts: int = 0
    """Times that each replica's timers may run out."""
    requests: int = 1
    plain: bool = False
    """Each delivery is a step of its own; else only where a threshold changes."""
    symmetry: bool = True
    """States that differ only in who is who count once."""

    @property
    def honest(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name not in self.hostile)

    def primary(self, view: int) -> str:
        """Of a view."""
        return self.names[view % len(self.names)]

    @property
    def renamings(self) -> tuple[dict[str, str], ...]:
        """Who may stand for whom: honest replicas that lead no view of the bound."""
        leaders = {self.primary(view) for view in range(self.views)}
        alike = [name for name in self.honest if name not in leaders]
        if not self.symmetry:
            alike = []
        return tuple(dict(zip(alike, order, strict=True)) for order in permutations(alike))

    def words(self) -> str:
        """The bound for people."""
        parts = [f"n = {len(self.names)}", counted(self.requests, "request")]
        parts.append("view 0" if self.views == 1 else f"views 0 to {self.views - 1}")
        parts.append(f"at most {counted(self.timeouts, 'time-out')} per replica")
        if self.hostile:
            parts.append(f"equivocating: {', '.join(self.hostile)}")
        return ", ".join(parts)


class Setting(msgspec.Struct, frozen=True):
    """What replicas are made from, and what the hostile have signed."""

    chain: bytes
    committee: Committee
    keys: Keys
    verifier: Verifier
    parameters: Parameters
    requests: tuple[Request, ...]
    batches: tuple[Batch, ...]
    """A, then B: what an equivocator may propose. An honest primary proposes A."""


def counted(number: int, what: str) -> str:
    """``1 request``, ``2 requests``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def bound_of(
    scenario: Scenario, *, views: int, timeouts: int, requests: int, plain: bool, symmetry: bool
) -> Bound:
    """The bound that a scenario's committee and equivocators give. Raises ``NotExplorable``."""
    names = tuple(validator.id for validator in scenario.validators)
    if scenario.consensus.protocol != "pbft":
        raise NotExplorable(f'only pbft can be explored, not "{scenario.consensus.protocol}"')
    hostile: list[str] = []
    for index, fault in enumerate(scenario.faults):
        if not isinstance(fault, ByzantineFault) or fault.behaviour != EQUIVOCATE:
            raise NotExplorable(
                f"faults[{index}]: every order of deliveries is explored as it is; of faults only "
                f'byzantine with behaviour = "{EQUIVOCATE}" means something here: leave it out'
            )
        hostile += [name for name in fault.selectors() if name not in hostile]
    strangers = [name for name in hostile if name not in names]
    if strangers:
        raise NotExplorable(f"name the equivocators by their ids, not {', '.join(strangers)}")
    if requests > scenario.consensus.block_max_txs:
        raise NotExplorable("all requests go into one batch: fewer, or a larger block_max_txs")
    return Bound(
        names=names,
        hostile=tuple(hostile),
        views=views,
        timeouts=timeouts,
        requests=requests,
        plain=plain,
        symmetry=symmetry,
    )


def setting_of(scenario: Scenario, bound: Bound) -> Setting:
    """Keys are of the fast kind: signatures are checked, and not what is explored."""
    keys = Keys(scenario.seed, "fast")
    genesis = make_genesis(scenario, keys)
    signer = keys.party(CLIENT)
    requests = tuple(
        signed(Request(genesis.hash, 0, CLIENT, n, b"op%d" % n, signer.public_key), signer)
        for n in range(1, bound.requests + 1)
    )
    return Setting(
        genesis.hash,
        genesis.committee,
        keys,
        keys.scheme.verifier(),
        parameters(scenario),
        requests,
        (Batch(0, requests), Batch(1, requests)),
    )


def lies_of(bound: Bound, setting: Setting) -> tuple[Message, ...]:
    """All that equivocators may say within the bound: either batch, in any view and phase, and
    VIEW-CHANGEs that show nothing. They open no view."""
    said: list[Message] = []
    for name in bound.hostile:
        signer = setting.keys.validator(name)
        sign = partial(signed, signer=signer)
        for view in range(bound.views):
            if view:
                said.append(sign(ViewChange(setting.chain, 0, name, view, 0, (), ())))
            for batch in setting.batches:
                where = (setting.chain, 0, name, view, 1, batch.digest)
                if bound.primary(view) == name and view == 0:
                    said.append(sign(PrePrepare(*where, batch=batch)))
                said += [sign(Prepare(*where)), sign(Commit(*where))]
    return tuple(said)
