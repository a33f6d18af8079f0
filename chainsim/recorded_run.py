"""One run with everything that it leaves behind: trace, summary, chain and evidence."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import msgspec

from chainsim import __version__, run_folder, wall_clock
from chainsim.build import Simulation, build
from chainsim.chain_export import write_chain
from chainsim.evidence import Origin, write_evidence
from chainsim.run_result import RunResult
from chainsim.run_summary import (
    CheckLine,
    FaultLine,
    FirstViolation,
    Messages,
    MisbehaviourLine,
    NodeLine,
    RunSummary,
    to_json,
)
from chainsim.settlement_summary import settlement
from chainsim.simulation.standing import Progress
from chainsim.trace import Level, Recorder
from consensus.pbft.replica import Replica
from consensus.types import Committee
from nodes.validator import Validator
from scenarios.faults.byzantine import ByzantineFault
from scenarios.faults.partition import Partition
from scenarios.loader import resolved_toml
from scenarios.schema import Scenario


class Interrupted(Exception):
    """A watcher wants the run to end; raised from ``progress``, between two events."""


class RunFailed(Exception):
    """A bug of ours ended a run; its cause is chained, and ``folder`` holds what was done."""

    def __init__(self, folder: Path) -> None:
        super().__init__("the run failed")
        self.folder = folder


class Played(NamedTuple):
    """A run that is over, and what was run in the end: live faults are part of the scenario."""

    scenario: Scenario
    simulation: Simulation
    result: RunResult
    wall_s: float


Player = Callable[[Scenario, Callable[[], Recorder]], Played]
"""Runs a scenario; asks for a new recorder at each start, which ends the one before."""


def run_recorded(
    scenario: Scenario,
    runs: Path,
    level: Level,
    progress: Callable[[Progress], None] | None = None,
    player: Player | None = None,
    *,
    further: tuple[str, ...] = (),
) -> RunSummary:
    """Runs ``scenario`` and leaves a folder in ``runs``. ``player``: who runs it; left out, it
    runs through, telling ``progress``, with the ``further`` checks that are asked for.

    Raises ``run_folder.Unwritable``, and ``RunFailed`` for anything unforeseen.
    """
    with run_folder.unfinished(runs, scenario.name, scenario.seed) as folder:
        trace = folder / run_folder.TRACE if level != "off" else None
        recorders = _Recorders(level, trace)
        try:
            (folder / run_folder.SCENARIO).write_text(resolved_toml(scenario), encoding="utf-8")
            recorders.new()
        except OSError as error:
            raise run_folder.Unwritable(f"can't write to {folder}: {error.strerror}") from error
        try:
            played = (player or _through(progress, further))(scenario, recorders.new)
            recorders.current.close()
            summary = _keep(folder, played)
        except BaseException as error:
            recorders.current.close()
            name = run_folder.run_name(scenario.name, scenario.seed, recorders.current.digest())
            kept = run_folder.finish(folder, name)
            if isinstance(error, Exception):
                raise RunFailed(kept) from error
            raise
    return summary


def play(
    simulation: Simulation,
    progress: Callable[[Progress], None] | None = None,
    until_us: int | None = None,
) -> tuple[RunResult, float]:
    """Runs to the end, or until ``progress`` raises ``Interrupted``; with the wall seconds.

    With ``until_us`` it goes no further than that, like a run that was interrupted there.
    """
    start_ns = wall_clock.now_ns()
    try:
        if until_us is not None:
            simulation.world.run(until_us, progress=progress)
            raise Interrupted
        result = simulation.run(progress)
    except Interrupted:
        result = simulation.finish("interrupted")
    return result, wall_clock.seconds_since(start_ns)


class _Recorders:
    """One trace file, written anew by each recorder."""

    def __init__(self, level: Level, trace: Path | None) -> None:
        self._level: Level = level
        self._trace = trace
        self.current = Recorder()

    def new(self) -> Recorder:
        self.current.close()
        self.current = Recorder(self._level, self._trace)
        return self.current


def _through(progress: Callable[[Progress], None] | None, further: tuple[str, ...] = ()) -> Player:
    def player(scenario: Scenario, new_recorder: Callable[[], Recorder]) -> Played:
        simulation = build(scenario, new_recorder(), further=further)
        result, wall_s = play(simulation, progress)
        return Played(scenario, simulation, result, wall_s)

    return player


def _keep(folder: Path, played: Played) -> RunSummary:
    """Writes the rest of the folder and gives it its name."""
    scenario, simulation, result, wall_s = played
    (folder / run_folder.SCENARIO).write_text(resolved_toml(scenario), encoding="utf-8")
    misbehaviour = write_evidence(folder, result.measures.evidence, origin_of(simulation))
    meta = {
        "scenario": scenario.name,
        "seed": str(scenario.seed),
        "digest": result.digest,
        "version": __version__,
        "chain": simulation.genesis.hash.hex(),
    }
    write_chain(folder / run_folder.CHAIN, result.chain, simulation.context.opening, meta)
    name = run_folder.run_name(scenario.name, scenario.seed, result.digest)
    final = run_folder.finish(folder, name)
    summary = summarise(scenario, result, wall_s, os.fspath(final), misbehaviour)
    (final / run_folder.SUMMARY).write_text(to_json(summary, indent=2), encoding="utf-8")
    return summary


def origin_of(simulation: Simulation) -> Origin:
    """What the messages of a run are held against, when they are used as evidence."""
    return Origin(
        chain=simulation.genesis.hash,
        committees=_committees(simulation),
        window=simulation.parameters.window,
        scheme=simulation.keys.scheme,
    )


def _committees(simulation: Simulation) -> dict[int, Committee]:
    """By epoch, as the honest validators that are up can prove them (rule 29)."""
    known = {0: simulation.genesis.committee}
    for host in simulation.world.validators:
        node = host.node
        if host.id not in simulation.context.honest or not isinstance(node, Validator):
            continue
        if isinstance(node.replica, Replica):
            for certified in node.replica.states_since(0):
                known.setdefault(certified.state.epoch, certified.state.committee)
    return known


def summarise(
    scenario: Scenario,
    result: RunResult,
    wall_s: float,
    run_dir: str = "",
    misbehaviour: tuple[MisbehaviourLine, ...] = (),
) -> RunSummary:
    """The plain value that is printed and saved."""
    measures, messages = result.measures, result.messages
    return RunSummary(
        scenario=scenario.name,
        title=scenario.title,
        seed=scenario.seed,
        version=__version__,
        digest=result.digest,
        ok=result.ok,
        exit_code=int(result.exit_code),
        ended=result.ended,
        virtual_time_us=result.virtual_time_us,
        wall_s=wall_s,
        height=result.height,
        views={id_: node.view for id_, node in result.end.nodes.items()},
        view_changes=measures.view_changes,
        messages=Messages(
            sent=sum(messages.sent.values()),
            delivered=sum(messages.delivered.values()),
            dropped=sum(messages.dropped.values()),
            by_type=messages.sent,
        ),
        transactions=measures.transactions,
        finality_us=measures.finality,
        finality_stages_us=measures.stages_us(),
        checks=tuple(
            CheckLine(name=check.name, kind=check.kind, ok=check.ok, detail=check.detail)
            for check in result.checks
        ),
        expectations=result.expectations,
        misbehaviour=misbehaviour,
        state_root=result.state_root.hex(),
        settlement=msgspec.structs.replace(
            settlement(scenario, result.chain), market=result.market
        ),
        run_dir=run_dir,
        nodes=_nodes(scenario, result),
        faults=_faults(scenario, measures.faults),
        first_violation=_first_violation(result),
        watchers=result.watchers,
        beside=result.beside,
    )


def _nodes(scenario: Scenario, result: RunResult) -> tuple[NodeLine, ...]:
    lines = []
    for validator in scenario.validators:
        status = result.end.nodes[validator.id]
        lines.append(
            NodeLine(
                id=validator.id,
                role=validator.role,
                city=validator.city,
                up=status.up,
                height=status.executed,
                view=status.view,
                active=status.active,
                waits_for=status.waits_for,
            )
        )
    return tuple(lines)


def _faults(scenario: Scenario, lines: tuple[FaultLine, ...]) -> tuple[FaultLine, ...]:
    """With what no trace record holds: the groups of partitions, what hostile nodes did."""
    validators = [validator.id for validator in scenario.validators]

    def told(line: FaultLine) -> FaultLine:
        fault = scenario.faults[line.index]
        if isinstance(fault, Partition):
            return msgspec.structs.replace(line, groups=_sides(fault, validators))
        if isinstance(fault, ByzantineFault):
            return msgspec.structs.replace(line, behaviour=fault.behaviour)
        return line

    return tuple(told(line) for line in lines)


def _sides(partition: Partition, validators: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Its groups as the scenario names them, and the validators that it leaves out as one more.

    Who is left out of ``primary`` or ``role:exchange`` isn't known here: then nobody is added.
    """
    named = partition.selectors()
    rest = tuple(id_ for id_ in validators if id_ not in named)
    plain = all(":" not in name and name != "primary" for name in named)
    return (*partition.groups, rest) if rest and plain else partition.groups


def _first_violation(result: RunResult) -> FirstViolation | None:
    found = [
        FirstViolation(
            check=check.name,
            at_us=finding.at_us,
            node=finding.node,
            height=finding.height,
            meaning=finding.what,
        )
        for check in result.checks
        if not check.ok
        for finding in check.findings
    ]
    return min(found, key=lambda violation: violation.at_us, default=None)
