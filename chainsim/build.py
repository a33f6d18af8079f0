"""Scenario -> Simulation: where the registries meet.

    simulation = build(load("quick"))
    result = simulation.run()

``Simulation`` holds a world full of nodes, the planned submissions and faults, and the
listeners (checks, measures, the chain's receipts). It can be run once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from chainsim import run_end
from chainsim.beside import pace, ratios, undisturbed
from chainsim.checks import CHECKS, CheckContext, CheckSuite
from chainsim.checks.epochs import committees
from chainsim.expectations import Facts, evaluate, exit_code
from chainsim.explore.planting import code_is_whole
from chainsim.hostility import adversary, hostile_validators, intruder
from chainsim.market_measures import market
from chainsim.measures import Measures
from chainsim.node_factories import NodeFactories
from chainsim.run_result import RunResult, metrics_of, receipts_of
from chainsim.run_summary import Beside, Ending, Pace
from chainsim.scenario_settings import parameters, world_settings
from chainsim.simulation.standing import Progress
from chainsim.simulation.world import World
from chainsim.trace import Executed, Record, Recorder
from chainsim.watchers import Watchers
from consensus.crypto import Verifier
from consensus.types import NodeId
from nodes.block import Block
from nodes.client import MOST_DOUBLINGS
from nodes.ledger.memo import ExecutionMemo, Memo
from scenarios.genesis import make_genesis
from scenarios.hostile_parties import hostile_parties, purse_of
from scenarios.keys import Keys
from scenarios.schema import Scenario, ledger_nodes, light_observers
from scenarios.workload.plan import number, submissions


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
        self.nodes: Final = NodeFactories(
            scenario, self.genesis, self.keys, self.verifier, self.parameters, self._memo_of
        )
        self.clients: Final = self.nodes.add_to(self.world, [s for s, _ in self.plan])
        """Client node -> the party that it speaks for."""
        self.world.adversary = adversary(
            self.genesis.hash,
            self.genesis.committee,
            lambda id_: self.nodes.key_rings[id_].held,
            self.parameters,
            self.nodes.validator,
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
        for submission, _ in self.plan:
            node = self.nodes.client_of(submission.party)
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
        self.world.close()
        return self.finish("settled" if self.world.settled() else "duration")

    def _rehearse(self, recorder: Recorder) -> None:
        """The same run, for who is hit in it."""
        world = Simulation(self.scenario, recorder, frozenset()).world
        world.run(self.scenario.duration, stop=world.settled)

    def finish(self, ended: Ending) -> RunResult:
        """Judges the run as it stands. Call once; if the scenario has another run beside it, that
        is run now, and what ``progress`` raises comes through."""
        beside = self._beside() if ended != "interrupted" else None
        end = run_end.read(self.world, self.context.honest)
        checks = self.suite.finish(end)
        for violation in self.suite.violations():
            self.recorder.violation(violation)
        chain = tuple(self._chain[height] for height in sorted(self._chain))
        spans = self.measures.spans
        now_us = self.world.now_us
        measured = market(self.scenario, self.genesis, chain, spans, checks, now_us)
        messages, watchers = self.world.messages(), self.watchers.lines()
        metrics = metrics_of(
            chain=chain,
            end=end,
            messages=messages,
            measures=self.measures,
            watchers=watchers,
            market=measured,
            virtual_time_us=now_us,
        )
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
            virtual_time_us=now_us,
            height=len(chain),
            end=end,
            state_root=chain[-1].header.state_root if chain else b"",
            messages=messages,
            measures=self.measures,
            watchers=watchers,
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
        requests = (
            (self.nodes.client_of(submission.party), number)
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

    def _memo_of(self, id_: NodeId) -> Memo | None:
        """Who is ever hostile may look at what honest validators made of a block, and no more."""
        memo = self.memo
        return memo if memo is None or id_ in self.context.honest else memo.reader()

    def _keep_block(self, record: Record) -> None:
        """Honest validators execute the same blocks (agreement's business): the first is kept."""
        assert isinstance(record, Executed)
        if record.block is not None and record.node in self.context.honest:
            self._chain.setdefault(record.sequence, record.block)


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
