"""What a test reads off a cluster: the trace, the counters, where everybody stands."""

from __future__ import annotations

from collections import Counter

from chainsim.build import Simulation
from chainsim.simulation.host import Host
from chainsim.testing.errors import WrongUse
from chainsim.testing.seen import Seen
from chainsim.testing.submitting import Labels
from chainsim.testing.transcript import transcript
from chainsim.trace import Record
from nodes.block import Block
from scenarios.errors import did_you_mean


class Readings:
    """The reading half of ``Cluster``: nothing here changes a run."""

    _simulation: Simulation
    _seen: Seen
    _labels: Labels
    _now_us: int
    """-1 before the first event."""

    @property
    def nodes(self) -> tuple[str, ...]:
        """The validators, in proposer order."""
        return tuple(host.id for host in self._simulation.world.validators)

    @property
    def clients(self) -> tuple[str, ...]:
        """The parties that can send transactions."""
        return tuple(self._simulation.clients.values())

    @property
    def now_us(self) -> int:
        """Virtual time."""
        return max(self._now_us, 0)

    @property
    def primary(self) -> str:
        """The leader of the highest active view."""
        return self._simulation.world.primary().id

    @property
    def views(self) -> dict[str, int]:
        """The view of each validator that runs."""
        return {host.id: _status(host)[0] for host in self._running()}

    @property
    def heights(self) -> dict[str, int]:
        """The height of each validator that runs."""
        return {host.id: _status(host)[2] for host in self._running()}

    @property
    def sent(self) -> Counter[str]:
        """Messages sent so far, per receiver, by type."""
        return Counter(self._simulation.world.messages().sent)

    @property
    def dropped(self) -> Counter[str]:
        """Messages lost so far, by cause: the kind of a fault, ``loss``, ``down`` …"""
        return Counter(self._simulation.world.messages().dropped_by_cause)

    @property
    def final(self) -> tuple[str, ...]:
        """What clients hold a final answer to, in the order of the answers."""
        return tuple(self._labels.name(*request) for request in self._seen.final)

    def chain(self, node: str) -> tuple[Block, ...]:
        """The blocks that a validator has executed (since its last start, from its disk too)."""
        self._host(node)
        return self._seen.chain(node)

    def history(self, node: str) -> tuple[str, ...]:
        """What a validator has executed, in order, by the names that the test gave."""
        requests = [request for block in self.chain(node) for request in block.batch.requests]
        return tuple(self._labels.name(r.operation, r.sender, r.number) for r in requests)

    def code(self, what: str) -> str:
        """The receipt's code of what a test submitted; empty while it isn't executed."""
        for (operation, party, number), code in self._seen.codes.items():
            if self._labels.name(operation, party, number) == what:
                return code
        return ""

    @property
    def digest(self) -> str:
        """Of the milestones so far: equal runs have equal ones."""
        return self._simulation.recorder.digest()

    @property
    def records(self) -> tuple[Record, ...]:
        """The trace so far; with ``messages=True`` message by message."""
        return tuple(self._seen.records)

    def transcript(self) -> str:
        """The trace so far as text; with ``messages=True`` message by message."""
        return transcript(self._seen.records)

    def _host(self, node: str) -> Host:
        host = self._simulation.world.network.hosts.get(node)
        if host is None:
            raise WrongUse(f'unknown node "{node}"{did_you_mean(node, self.nodes)}')
        return host

    def _running(self) -> list[Host]:
        return [host for host in self._simulation.world.validators if host.node is not None]


def _status(host: Host) -> tuple[int, bool, int, int]:
    status: tuple[int, bool, int, int] = host.node.status()  # type: ignore[union-attr]
    return status
