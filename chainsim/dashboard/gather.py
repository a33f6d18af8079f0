"""Gathers a scene from a run: probes the world, counts the margin, asks the checks."""

from __future__ import annotations

import msgspec

from chainsim.dashboard.glance import Glance, glance
from chainsim.dashboard.live_run import LiveRun
from chainsim.dashboard.margin import Margin, cut_off, groups, margin
from chainsim.dashboard.probe import NodeProbe, Probe, look
from chainsim.dashboard.scene import Property
from consensus.types import NodeId


class Gatherer:
    """Remembers what is dear to work out, for as long as it holds."""

    def __init__(self) -> None:
        self._glance = Glance()
        self._glanced_at: tuple[int, int] = (-1, -1)
        self._margin_of: tuple[object, ...] = ()
        self._margin: Margin | None = None

    def probe(self, run: LiveRun) -> Probe:
        """The machines now."""
        return look(run.simulation.world)

    def margin(self, run: LiveRun, probe: Probe) -> Margin:
        """The quorum margin, of those that can be counted on."""
        running = tuple(n.id for n in probe.nodes if counts(n))
        key = (running, probe.lines)
        if self._margin is None or key != self._margin_of:
            roles = {seat.id: seat.role for seat in run.model.cast.seats}
            found = margin(roles, running, probe.cut())
            if found.halted:
                anybody = [n.id for n in probe.nodes if works(n)]
                mercy = not margin(roles, anybody, probe.cut()).halted
                found = msgspec.structs.replace(found, at_mercy=mercy)
            self._margin, self._margin_of = found, key
        return self._margin

    def sides(self, probe: Probe) -> tuple[tuple[tuple[NodeId, ...], ...], frozenset[NodeId]]:
        """(groups that can talk, who is cut off)."""
        found = groups([node.id for node in probe.nodes if node.up], probe.cut())
        return found, cut_off(found)

    def glance(self, run: LiveRun) -> Glance:
        """The ledger's state, read anew only when the chain grew."""
        key = (run.executions, run.model.height)
        if key != self._glanced_at:
            before = Glance() if key[0] != self._glanced_at[0] else self._glance
            self._glanced_at = key
            honest = run.simulation.context.honest
            self._glance = glance(
                run.simulation.world, sorted(honest), run.model.money.issued, before
            )
        return self._glance


def counts(node: NodeProbe) -> bool:
    """Whether a validator can be counted on: it runs, and is in nobody's hands."""
    return works(node) and not node.hostile


def works(node: NodeProbe) -> bool:
    """Whether a validator votes, or could if it wanted to."""
    return node.up and not (node.paused or node.halted)


def properties(run: LiveRun) -> tuple[Property, ...]:
    """Every check as it stands; once the run is over, with its verdict."""
    result = run.result
    verdicts = {} if result is None else {check.name: check for check in result.checks}
    found = []
    for check in run.simulation.suite.checks:
        verdict = verdicts.get(check.name)
        breaches = len(check.findings)
        first = str(check.findings[0]) if breaches else ""
        if verdict is not None and not verdict.ok and not breaches:
            breaches, first = 1, verdict.detail
        at_us = check.findings[0].at_us if check.findings else 0
        detail = verdict.detail if verdict is not None else ""
        found.append(Property(check.name, check.kind, breaches, first, at_us, detail))
    return tuple(found)
