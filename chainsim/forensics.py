"""Who broke safety in a run: its honest validators' logs, read while it is played again.

Runs are deterministic, so nothing has to be kept for this: the run is executed anew, what every
honest validator decided and every NEW-VIEW that it entered is archived on the way, and
``consensus.forensics`` judges. Watching changes nothing (law 4).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from chainsim import run_folder
from chainsim.build import Simulation, build
from chainsim.evidence import Origin
from chainsim.recorded_run import origin_of, play
from chainsim.simulation.standing import Progress
from chainsim.trace import Executed, Reached, Recorder
from consensus.evidence import Rules
from consensus.forensics import Findings, Log, investigate
from consensus.messages import CommitCertificate
from consensus.pbft.core import Core
from consensus.pbft.replica import Replica
from consensus.records import NewViewRecord
from consensus.types import NodeId
from nodes.validator import Validator
from scenarios.schema import Scenario


class NotTheRun(Exception):
    """Played again, the run is another than the one that was recorded; the message says so."""


class Investigation(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, and what it takes to write it down."""

    findings: Findings
    honest: tuple[NodeId, ...]
    """Whose logs were read."""
    f: int
    origin: Origin
    interrupted: bool


class Archive:
    """Listens to a run, and keeps what its honest validators decided and the views they entered."""

    def __init__(self, simulation: Simulation) -> None:
        self._hosts: Final = simulation.world.network.hosts
        self._decisions: Final[dict[NodeId, dict[tuple[int, bytes], CommitCertificate]]] = {}
        self._new_views: Final[dict[NodeId, dict[bytes, NewViewRecord]]] = {}
        for id_ in simulation.genesis.committee.ids:
            if id_ in simulation.context.honest:
                self._decisions[id_], self._new_views[id_] = {}, {}
        simulation.recorder.subscribe(Executed, self._executed)
        simulation.recorder.subscribe(Reached, self._reached)

    def logs(self) -> tuple[Log, ...]:
        """Of all honest validators, in proposer order."""
        return tuple(
            Log(
                node=id_,
                decisions=tuple(decisions.values()),
                new_views=tuple(self._new_views[id_].values()),
            )
            for id_, decisions in self._decisions.items()
        )

    def _executed(self, record: Executed) -> None:
        if record.block is not None:
            self._decided(record.node, record.block.certificate)

    def _reached(self, record: Reached) -> None:
        core = self._core(record.node)
        if core is None:
            return
        if record.event == "committed":
            slot = core.slots.get(record.sequence)
            if slot is not None and slot.decision is not None:
                self._decided(record.node, slot.decision)
        elif record.event == "new-view-entered":
            entered = core.checkpoints.last_new_view
            if entered is not None and entered.new_view.view == record.view:
                self._new_views[record.node][entered.new_view.digest_bytes] = entered

    def _decided(self, node: NodeId, certificate: CommitCertificate) -> None:
        if node in self._decisions:
            key = (certificate.sequence, certificate.digest)
            self._decisions[node].setdefault(key, certificate)

    def _core(self, node: NodeId) -> Core | None:
        """The inside of an honest validator's replica, as it is now."""
        if node not in self._decisions:
            return None
        running = self._hosts[node].node
        if isinstance(running, Validator) and isinstance(running.replica, Replica):
            return running.replica.core
        return None


def investigate_scenario(
    scenario: Scenario, progress: Callable[[Progress], None] | None = None
) -> tuple[Investigation, str]:
    """Runs ``scenario`` and investigates it; with the run's digest."""
    simulation = build(scenario, Recorder())
    archive = Archive(simulation)
    result, _ = play(simulation, progress)
    origin = origin_of(simulation)

    def rules_of(epoch: int) -> Rules | None:
        return origin.rules(epoch) if epoch in origin.committees else None

    investigation = Investigation(
        findings=investigate(archive.logs(), rules_of),
        honest=tuple(log.node for log in archive.logs()),
        f=simulation.genesis.committee.f,
        origin=origin,
        interrupted=result.ended == "interrupted",
    )
    return investigation, result.digest


class _Recorded(msgspec.Struct, frozen=True):
    digest: str
    ended: str


def investigate_run(
    scenario: Scenario, folder: Path, progress: Callable[[Progress], None] | None = None
) -> Investigation:
    """Plays the run in ``folder`` again and investigates it; writes nothing.

    Raises ``NotTheRun`` if what is played differs from what was recorded.
    """
    investigation, digest = investigate_scenario(scenario, progress)
    try:
        summary = (folder / run_folder.SUMMARY).read_bytes()
        recorded = msgspec.json.decode(summary, type=_Recorded)
    except (OSError, msgspec.MsgspecError):
        return investigation
    whole = recorded.ended != "interrupted" and not investigation.interrupted
    if whole and recorded.digest != digest:
        raise NotTheRun(
            f"played again, it is another run: recorded digest {recorded.digest}, now {digest}"
        )
    return investigation
