"""Scenario -> Simulation: where the registries meet.

    simulation = build(load("quick"))
    result = simulation.run()

``Simulation`` holds a world full of nodes, the planned submissions and faults, and the
listeners (checks, measures, the chain's receipts). It can be run once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

import msgspec

from chainsim import run_end
from chainsim.beside import pace, ratios, undisturbed
from chainsim.checks import CHECKS, CheckContext, CheckResult, CheckSuite
from chainsim.checks.epochs import committees
from chainsim.exit_codes import ExitCode
from chainsim.expectations import Facts, evaluate, exit_code
from chainsim.explore.planting import code_is_whole
from chainsim.hostility import adversary, hostile_validators, intruder
from chainsim.market_measures import METRIC_OF, market
from chainsim.measures import Measures
from chainsim.run_summary import Beside, Ending, ExpectationLine, Pace, WatcherLine
from chainsim.scenario_settings import parameters, world_settings
from chainsim.simulation.key_ring import KeyRing
from chainsim.simulation.standing import MessageCounts, Progress
from chainsim.simulation.world import World
from chainsim.trace import Executed, Record, Recorder
from chainsim.watchers import Watchers
from consensus.crypto import Signer, Verifier
from consensus.protocol import log_record_of
from nodes.block import Block
from nodes.client import MOST_DOUBLINGS, Client
from nodes.durable import formats
from nodes.ledger.memo import ExecutionMemo, Memo
from nodes.ledger.receipts import Receipt
from nodes.observer import Observer as LightObserver
from nodes.validator import Validator
from scenarios.genesis import DEFAULT_CITY, client_cities, make_genesis
from scenarios.hostile_parties import hostile_parties, purse_of
from scenarios.keys import Keys
from scenarios.membership import Council, council_secretary
from scenarios.schema import Observer, Scenario, client_id, ledger_nodes, light_observers
from scenarios.workload.evidence import EvidenceDesk, Prosecutor
from scenarios.workload.plan import number, submissions


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to; times in microseconds of virtual time."""

    ended: Ending
    digest: str
    """Of the milestone stream, in hexadecimal."""
    virtual_time_us: int
    height: int
    """Of the agreed chain."""
    end: run_end.RunEnd
    state_root: bytes
    """At ``height``."""
    messages: MessageCounts
    measures: Measures
    watchers: tuple[WatcherLine, ...]
    """What light observers had proven to them."""
    metrics: dict[str, int]
    market: dict[str, int]
    """See ``chainsim.market_measures``."""
    chain: tuple[Block, ...]
    """The agreed chain, height 1 first."""
    checks: tuple[CheckResult, ...]
    expectations: tuple[ExpectationLine, ...]
    exit_code: ExitCode
    beside: Beside | None = None
    """The run and the undisturbed one, if the scenario asks for it."""

    @property
    def ok(self) -> bool:
        """All checks and expectations hold (or fail as the scenario says they must)."""
        return self.exit_code == ExitCode.OK


class Simulation:
    """One run of one scenario, ready to go. Made by ``build``."""

    def __init__(
        self,
        scenario: Scenario,
        recorder: Recorder,
        hostile: frozenset[str] | None = None,
        memo: ExecutionMemo | None = None,
        further: Sequence[str] = (),
    ) -> None:
        """``hostile``: the validators that are so at some time; None: to be found out.
        ``further``: checks of ``chainsim.checks.ON_REQUEST`` besides all others."""
        self.scenario: Final = scenario
        self.recorder: Final = recorder
        self.keys: Final = Keys(scenario.seed, scenario.consensus.signatures)
        self.verifier: Final[Verifier] = self.keys.scheme.verifier()
        self.genesis: Final = make_genesis(scenario, self.keys)
        self.parameters: Final = parameters(scenario)
        self.memo: Final = memo
        self.plan: Final = tuple(number(submissions(scenario, self.genesis, self.keys)))
        """Every submission with the request number that its client will give it."""
        self.world: Final = World(world_settings(scenario), recorder)
        self.key_rings: Final[dict[str, KeyRing]] = {}
        """The keys of each validator."""
        self.clients: Final = _add_nodes(self)
        """Client node -> the party that it speaks for."""
        self.world.adversary = adversary(
            self.genesis.hash,
            self.genesis.committee,
            lambda id_: self.key_rings[id_].held,
            self.parameters,
            lambda id_: _validator_factory(self, id_, self.key_rings[id_])(),
        )
        self.world.intruder = intruder(
            self.genesis.hash,
            self.genesis.committee.ids,
            self.clients,
            self.keys.party,
            lambda party: purse_of(party, self.genesis),
        )
        self.world.add_faults(scenario.faults)
        if hostile is None:
            hostile = hostile_validators(
                self.world, scenario.duration, self._rehearse, scenario.faults
            )
        keepers = tuple(node.id for node in ledger_nodes(scenario))
        for submission, _ in self.plan:
            node = client_id(submission.party, keepers)
            self.world.submit(submission.at_us, node, submission.operation, submission.cosigners)
        self.context: Final = _check_context(self, hostile)
        self.suite: Final = CheckSuite(self.context, (*CHECKS, *further))
        self.measures: Final = Measures(self.context.honest)
        self.watchers: Final = Watchers(self.context.watchers)
        self._chain: dict[int, Block] = {}
        self._progress: Callable[[Progress], None] | None = None
        self.suite.listen(recorder)
        self.measures.listen(recorder)
        self.watchers.listen(recorder)
        recorder.subscribe(Executed, self._keep_block)

    def run(self, progress: Callable[[Progress], None] | None = None) -> RunResult:
        """Runs to the end: no work left, or the scenario's duration.

        What ``progress`` raises comes through; ``finish("interrupted")`` then tells what was
        done so far.
        """
        self._progress = progress
        self.world.go_ahead()
        self.world.run(self.scenario.duration, stop=self.world.settled, progress=progress)
        return self.finish("settled" if self.world.settled() else "duration")

    def _rehearse(self, recorder: Recorder) -> None:
        """The same run, for who is hit in it."""
        world = Simulation(self.scenario, recorder, frozenset()).world
        world.run(self.scenario.duration, stop=world.settled)

    def finish(self, ended: Ending) -> RunResult:
        """Judges the run as it stands. Call once; if the scenario has another run beside it, that
        is run now, and what ``progress`` raises comes through."""
        self.world.close()
        beside = self._beside() if ended != "interrupted" else None
        end = run_end.read(self.world, self.context.honest)
        checks = self.suite.finish(end)
        for violation in self.suite.violations():
            self.recorder.violation(violation)
        chain = tuple(self._chain[height] for height in sorted(self._chain))
        spans = self.measures.spans
        now_us = self.world.now_us
        measured = market(self.scenario, self.genesis, chain, spans, checks, now_us)
        metrics = self._metrics(chain, end, measured)
        metrics["throughput"] = self.pace().throughput_per_hour
        if beside is not None:
            metrics |= ratios(beside)
        facts = Facts(
            checks=checks,
            measures=self.measures,
            metrics=metrics,
            receipts=tuple(receipts_of(chain)),
            submissions=self.plan,
            committees=committees(self.genesis.committee, chain),
            balance=run_end.balance_of(self.world, self.context.honest),
        )
        rows = evaluate(self.scenario, facts)
        return RunResult(
            ended=ended,
            digest=self.recorder.digest(),
            virtual_time_us=self.world.now_us,
            height=len(chain),
            end=end,
            state_root=chain[-1].header.state_root if chain else b"",
            messages=self.world.messages(),
            measures=self.measures,
            watchers=self.watchers.lines(),
            metrics=metrics,
            market=measured,
            chain=chain,
            checks=checks,
            expectations=rows,
            exit_code=exit_code(self.scenario, facts, rows, interrupted=ended == "interrupted"),
            beside=beside,
        )

    def pace(self) -> Pace:
        """How well the workload was served so far; what faults submit doesn't count."""
        keepers = tuple(node.id for node in ledger_nodes(self.scenario))
        requests = (
            (client_id(submission.party, keepers), number)
            for submission, number in self.plan
            if not submission.path.startswith("faults[")
        )
        return pace(self.measures, requests)

    def _beside(self) -> Beside | None:
        if self.scenario.expect.beside is None:
            return None
        memo = None if self.memo is None else ExecutionMemo()
        other = Simulation(undisturbed(self.scenario), Recorder(), frozenset(), memo)
        result = other.run(self._progress)
        return Beside(disturbed=self.pace(), undisturbed=other.pace(), digest=result.digest)

    def discard(self) -> None:
        """Gives the memory of a finished run back at once; only its result can be used then."""
        self.world.discard()
        self.recorder.forget_subscribers()

    def _keep_block(self, record: Record) -> None:
        """Honest validators execute the same blocks (agreement's business): the first is kept."""
        assert isinstance(record, Executed)
        if record.block is not None and record.node in self.context.honest:
            self._chain.setdefault(record.sequence, record.block)

    def _metrics(
        self, chain: Sequence[Block], end: run_end.RunEnd, measured: dict[str, int]
    ) -> dict[str, int]:
        messages = self.world.messages()
        transactions = self.measures.transactions
        watchers = self.watchers.lines()
        finality = self.measures.finality
        settled = [r for r in receipts_of(chain) if (r.type, r.code) == ("DVP_SETTLE", "OK")]
        values: dict[str, int | None] = {
            "height": len(chain),
            "view": max((status.view for status in end.nodes.values()), default=0),
            "view_changes": self.measures.view_changes,
            "messages_sent": sum(messages.sent.values()),
            "messages_delivered": sum(messages.delivered.values()),
            "messages_dropped": sum(messages.dropped.values()),
            "transactions_submitted": transactions.submitted,
            "transactions_final": transactions.final,
            "transactions_failed": transactions.failed,
            "dvp_settled": len(settled),
            "receipts_proven": sum(watcher.receipts for watcher in watchers),
            "balances_proven": sum(watcher.balances for watcher in watchers),
            "proven_height": min((watcher.height for watcher in watchers), default=0),
            "finality_p50": finality.p50,
            "finality_p99": finality.p99,
            "finality_max": finality.max,
            "virtual_time": self.world.now_us,
            **{METRIC_OF.get(name, name): value for name, value in measured.items()},
        }
        return {name: value for name, value in values.items() if value is not None}


def build(
    scenario: Scenario,
    recorder: Recorder | None = None,
    *,
    memoise: bool = False,
    plain: bool = False,
    further: Sequence[str] = (),
) -> Simulation:
    """A simulation of a scenario that ``scenarios.loader`` made; ``recorder`` gets its trace.

    ``memoise``: each block is executed once, and its outcome shared by all honest validators; a
    run is the same, only faster. Not for code that may be wrong in what it makes of a state.
    ``plain``: every message goes the long way (``World.plain``), as it does with planted bugs.
    ``further``: checks to be had on request, like ``("specification",)``.
    """
    memo = ExecutionMemo() if memoise else None
    simulation = Simulation(scenario, recorder or Recorder(), memo=memo, further=further)
    simulation.world.plain = plain or not code_is_whole()
    return simulation


def receipts_of(chain: Sequence[Block]) -> Iterator[Receipt]:
    """All receipts in the order in which they took effect."""
    for block in chain:
        yield from block.system_receipts
        yield from block.receipts


def _add_nodes(simulation: Simulation) -> dict[str, str]:
    """Validators in proposer order, then a client for every party; returns the clients."""
    scenario, world = simulation.scenario, simulation.world
    keepers = tuple(node.id for node in ledger_nodes(scenario))
    disk = formats(log_record_of(scenario.consensus.protocol))
    for node in ledger_nodes(scenario):
        keys = KeyRing(partial(simulation.keys.validator, node.id))
        simulation.key_rings[node.id] = keys
        world.add_node(
            node.id,
            _validator_factory(simulation, node.id, keys),
            kind="validator",
            role=node.role,
            city=node.city,
            formats=disk,
            keys=keys,
            seat=node.id in simulation.genesis.committee,
        )
    cities = client_cities(scenario)
    countersigners: dict[str, dict[str, Signer]] = {party: {} for party in cities}
    secretary = council_secretary(scenario, (submission for submission, _ in simulation.plan))
    if secretary:
        seats = simulation.genesis.committee.ids
        countersigners[secretary] = {id_: simulation.keys.party(id_) for id_ in seats}
        world.council = Council(secretary, client_id(secretary, keepers))
    for workload in scenario.workload:
        if isinstance(workload, EvidenceDesk):
            world.prosecutors.append(Prosecutor(workload, client_id(workload.from_, keepers)))
    for submission, _ in simulation.plan:
        signers = countersigners.setdefault(submission.party, {})
        for party in submission.cosigners:
            signers[party] = simulation.keys.party(party)
    for party, signers in countersigners.items():
        world.add_node(
            client_id(party, keepers),
            _client_factory(simulation, party, signers),
            kind="client",
            city=cities.get(party, DEFAULT_CITY),
            party=party,
            house=party if party in keepers else "",
        )
    # Last, so that who watches shifts nobody else's draws.
    for observer in light_observers(scenario):
        world.add_node(
            observer.id,
            _observer_factory(simulation, observer),
            kind="observer",
            role=observer.role,
            city=observer.city,
        )
    return {client_id(party, keepers): party for party in countersigners}


def _validator_factory(simulation: Simulation, id_: str, keys: KeyRing) -> Callable[[], Validator]:
    observers = frozenset(observer.id for observer in simulation.scenario.observers)
    return lambda: Validator(
        id_,
        simulation.genesis,
        simulation.genesis.committee,
        keys.signer,
        simulation.verifier,
        simulation.parameters,
        simulation.scenario.consensus.protocol,
        _memo_for(simulation, id_),
        keys.next_signer,
        observers,
        keys.later_signers,
        simulation.scenario.disk.rewrite_after,
    )


def _memo_for(simulation: Simulation, id_: str) -> Memo | None:
    """Who is ever hostile may look at what honest validators made of a block, and no more."""
    memo = simulation.memo
    return memo if memo is None or id_ in simulation.context.honest else memo.reader()


def _client_factory(
    simulation: Simulation, party: str, countersigners: dict[str, Signer]
) -> Callable[[], Client]:
    committee = simulation.genesis.committee
    keepers = tuple(node.id for node in ledger_nodes(simulation.scenario))
    return lambda: Client(
        client_id(party, keepers),
        party,
        simulation.genesis.hash,
        committee,
        simulation.keys.party(party),
        countersigners,
        simulation.verifier,
        simulation.parameters.request_timeout_us,
        simulation.genesis.policies.request_window,
    )


def _observer_factory(simulation: Simulation, observer: Observer) -> Callable[[], LightObserver]:
    parameters = simulation.parameters
    return lambda: LightObserver(
        observer.id,
        simulation.genesis.hash,
        simulation.genesis.committee,
        simulation.verifier,
        watch=observer.watch,
        assets=simulation.genesis.currencies,
        poll_us=parameters.status_interval_us,
        answer_us=parameters.status_interval_us,
        max_age_us=observer.max_age,
    )


def _check_context(simulation: Simulation, hostile: frozenset[str]) -> CheckContext:
    scenario = simulation.scenario
    committee = simulation.genesis.committee
    attacking = hostile_parties(scenario)
    opening: dict[tuple[str, str, str], int] = {}
    for balance in simulation.genesis.balances:
        key = (balance.account, balance.asset, "free")
        opening[key] = opening.get(key, 0) + balance.amount
    return CheckContext(
        committee=committee,
        chain=simulation.genesis.hash,
        honest=frozenset(node.id for node in ledger_nodes(scenario)) - hostile,
        verifier=simulation.verifier,
        parameters=simulation.parameters,
        clients={n: party for n, party in simulation.clients.items() if party not in attacking},
        opening=opening,
        client_retry_us=simulation.parameters.request_timeout_us << MOST_DOUBLINGS,
        within_us=scenario.expect.within,
        lossless=scenario.network.loss == 0,
        sometimes=scenario.expect.sometimes,
        genesis=simulation.genesis,
        watchers=frozenset(observer.id for observer in light_observers(scenario)),
    )
