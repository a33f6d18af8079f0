"""The nodes of a scenario's network: who they are, and how each is made when its process starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from chainsim.simulation.key_ring import KeyRing
from chainsim.simulation.world import World
from consensus.crypto import Signer, Verifier
from consensus.protocol import Parameters, log_record_of
from consensus.types import NodeId
from nodes.client import Client
from nodes.durable import formats
from nodes.ledger.genesis import Genesis
from nodes.ledger.memo import Memo
from nodes.observer import Observer as LightObserver
from nodes.validator import Validator
from scenarios.genesis import DEFAULT_CITY, client_cities
from scenarios.keys import Keys
from scenarios.membership import Council, council_secretary
from scenarios.schema import Observer, Scenario, client_id, ledger_nodes, light_observers
from scenarios.workload.base import Submission
from scenarios.workload.evidence import EvidenceDesk, Prosecutor


class NodeFactories:
    """Makes the nodes of one scenario; a node is made anew whenever its process starts."""

    def __init__(
        self,
        scenario: Scenario,
        genesis: Genesis,
        keys: Keys,
        verifier: Verifier,
        parameters: Parameters,
        memo_of: Callable[[NodeId], Memo | None],
    ) -> None:
        """``memo_of``: what a validator may look up of executions (see ``Ledger``)."""
        self._scenario: Final = scenario
        self._genesis: Final = genesis
        self._keys: Final = keys
        self._verifier: Final = verifier
        self._parameters: Final = parameters
        self._memo_of: Final = memo_of
        self._keepers: Final = tuple(node.id for node in ledger_nodes(scenario))
        self._observers: Final = frozenset(observer.id for observer in scenario.observers)
        self.key_rings: Final[dict[NodeId, KeyRing]] = {
            id_: KeyRing(partial(keys.validator, id_)) for id_ in self._keepers
        }
        """The keys of each validator."""

    def add_to(self, world: World, plan: Iterable[Submission]) -> dict[NodeId, str]:
        """Validators in proposer order, then a client for every party that does something in the
        scenario or in ``plan``; returns the clients, each with the party that it speaks for."""
        self._add_validators(world)
        cosigners = self._cosigners(tuple(plan), world)
        self._add_clients(world, cosigners)
        # Last, so that who watches shifts nobody else's draws.
        self._add_observers(world)
        return {self.client_of(party): party for party in cosigners}

    def client_of(self, party: str) -> NodeId:
        """The node that speaks for a party."""
        return client_id(party, self._keepers)

    def validator(self, id_: NodeId) -> Validator:
        """A validator whose process starts, with the keys that it holds by now."""
        keys = self.key_rings[id_]
        return Validator(
            id_,
            self._genesis,
            self._genesis.committee,
            keys.signer,
            self._verifier,
            self._parameters,
            self._scenario.consensus.protocol,
            self._memo_of(id_),
            keys.next_signer,
            self._observers,
            keys.later_signers,
            self._scenario.disk.rewrite_after,
        )

    def _client(self, party: str, cosigners: dict[str, Signer]) -> Client:
        return Client(
            self.client_of(party),
            party,
            self._genesis.hash,
            self._genesis.committee,
            self._keys.party(party),
            cosigners,
            self._verifier,
            self._parameters.request_timeout_us,
            self._genesis.policies.request_window,
        )

    def _observer(self, observer: Observer) -> LightObserver:
        interval_us = self._parameters.status_interval_us
        return LightObserver(
            observer.id,
            self._genesis.hash,
            self._genesis.committee,
            self._verifier,
            watch=observer.watch,
            assets=self._genesis.currencies,
            poll_us=interval_us,
            answer_us=interval_us,
            max_age_us=observer.max_age,
        )

    def _add_validators(self, world: World) -> None:
        disk = formats(log_record_of(self._scenario.consensus.protocol))
        for node in ledger_nodes(self._scenario):
            world.add_node(
                node.id,
                partial(self.validator, node.id),
                kind="validator",
                role=node.role,
                city=node.city,
                formats=disk,
                keys=self.key_rings[node.id],
                seat=node.id in self._genesis.committee,
            )

    def _cosigners(
        self, plan: tuple[Submission, ...], world: World
    ) -> dict[str, dict[str, Signer]]:
        """By party that acts, whose keys it may cosign with; tells the world whom the council and
        the evidence desks act through."""
        scenario = self._scenario
        cosigners: dict[str, dict[str, Signer]] = {party: {} for party in client_cities(scenario)}
        secretary = council_secretary(scenario, plan)
        if secretary:
            seats = self._genesis.committee.ids
            cosigners[secretary] = {id_: self._keys.party(id_) for id_ in seats}
            world.council = Council(secretary, self.client_of(secretary))
        for workload in scenario.workload:
            if isinstance(workload, EvidenceDesk):
                world.prosecutors.append(Prosecutor(workload, self.client_of(workload.from_)))
        for submission in plan:
            signers = cosigners.setdefault(submission.party, {})
            for party in submission.cosigners:
                signers[party] = self._keys.party(party)
        return cosigners

    def _add_clients(self, world: World, cosigners: dict[str, dict[str, Signer]]) -> None:
        cities = client_cities(self._scenario)
        for party, signers in cosigners.items():
            world.add_node(
                self.client_of(party),
                partial(self._client, party, signers),
                kind="client",
                city=cities.get(party, DEFAULT_CITY),
                party=party,
                house=party if party in self._keepers else "",
            )

    def _add_observers(self, world: World) -> None:
        for observer in light_observers(self._scenario):
            world.add_node(
                observer.id,
                partial(self._observer, observer),
                kind="observer",
                role=observer.role,
                city=observer.city,
            )
