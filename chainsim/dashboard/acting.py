"""Carries out what somebody does to a validator, as faults of the scenario."""

from __future__ import annotations

from typing import Final

import msgspec

from chainsim.dashboard.live_run import LiveRun
from chainsim.dashboard.prods import CRASH, ISOLATE, Prod, hits_alone, same_kind
from chainsim.dashboard.wording import clock
from consensus.types import NodeId, max_faulty
from scenarios.faults import FAULTS, Fault
from scenarios.faults.byzantine import ByzantineFault
from scenarios.faults.clog import Clog
from scenarios.faults.flapping import Flapping
from scenarios.faults.isolate import Isolate
from scenarios.faults.link import Link
from scenarios.faults.partition import Partition
from scenarios.hostile_budget import hostile_count

CUTTING: Final = (Clog, Flapping, Isolate, Link, Partition)
"""Faults of lines that healing ends."""


class Refused(Exception):
    """It can't be done; the message says why."""


class Actor:
    """Acts on one run; every act is a fault that begins or ends at the next microsecond."""

    def __init__(self, run: LiveRun) -> None:
        self._run: Final = run

    def prod(self, prod: Prod, node: NodeId) -> str:
        """Does something to a validator, or ends it if it is being done; what to tell."""
        run = self._run
        at_us = run.now_us + 1
        if at_us > run.scenario.duration:
            raise Refused("the run is over")
        fault = prod.make(node, at_us)
        index = self._running(fault, node)
        if index is not None:
            run.end_live(index)
            return f"{kind_of(fault)} of {node} ends at {clock(at_us, 6)} s"
        if prod is CRASH and not run.simulation.world.network.hosts[node].up:
            return self._start(node, at_us)
        if prod is ISOLATE and self._healed(node, at_us):
            return f"the scenario's cut of {node} ends at {clock(at_us, 6)} s"
        run.inject(fault)
        return f"{kind_of(fault)} of {node} from {clock(at_us, 6)} s on{self._warning(fault)}"

    def _running(self, fault: Fault, node: NodeId) -> int | None:
        """The live fault that this one would be a repetition of."""
        run = self._run
        for index in range(len(run.scenario.faults) - 1, len(run.given) - 1, -1):
            known = run.scenario.faults[index]
            endless = known.until is None and known.length_us() is None
            if endless and hits_alone(known, node) and same_kind(known, fault):
                return index
        return None

    def _start(self, node: NodeId, at_us: int) -> str:
        """A validator that the scenario (or a full disk) took down boots."""
        if node in self._amnesiacs():
            raise Refused(f"{node} lost its disk: it may not vote again under its key (rule 25)")
        self._run.inject(FAULTS["restart"](node=node, at=at_us))  # type: ignore[call-arg]
        return f"{node} boots at {clock(at_us, 6)} s"

    def _amnesiacs(self) -> list[str]:
        return [
            record.node
            for record in self._run.model.log
            if getattr(record, "event", "") == "halted"
        ]

    def _healed(self, node: NodeId, at_us: int) -> bool:
        """Ends what the scenario does to the node's lines; False if it does nothing."""
        run = self._run
        acting = [row.index for row in run.model.faults if row.until_us is None]
        faults = list(run.scenario.faults)
        healed = False
        for index in acting:
            fault = faults[index]
            if isinstance(fault, CUTTING) and fault.every is None:
                cut = run.simulation.world.network.hosts[node].rules
                if cut and self._concerns(index, node):
                    faults[index] = msgspec.structs.replace(fault, for_=None, until=at_us)
                    healed = True
        if healed:
            run.amend(tuple(faults))
        return healed

    def _concerns(self, index: int, node: NodeId) -> bool:
        rows = [row for row in self._run.model.faults if row.index == index]
        fault = self._run.scenario.faults[index]
        return isinstance(fault, Partition) or any(node in row.nodes for row in rows)

    def _warning(self, fault: Fault) -> str:
        if not fault.makes_hostile():
            return ""
        scenario = self._run.scenario
        count, bears = hostile_count(scenario)[0], max_faulty(len(scenario.validators))
        if count <= bears:
            return ""
        return f": {count} are hostile, PBFT bears {bears}; a control run now, safety may break"


def kind_of(fault: Fault) -> str:
    """A fault's name for people."""
    if isinstance(fault, ByzantineFault):
        return f"byzantine {fault.behaviour}"
    return str(type(fault).__struct_config__.tag)
