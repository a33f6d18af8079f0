"""Liveness after heal: everything honest clients submitted is final within a bound.

The network counts as healed from the last change of a fault or of a node's process. The bound
is ``expect.within``, or HARNESS.md's: 2^(f+2) times the largest time-out in force at heal, plus a
transfer, plus two client retries. A run that ends before the bound is judged by whether the
network still makes requests final. A stall is classified and says what each node waits for.
"""

from __future__ import annotations

from chainsim.checks.base import Check, seconds
from chainsim.checks.context import CheckContext, RunEnd
from chainsim.checks.stall import Stall
from chainsim.checks.view_causes import ViewCauses
from chainsim.trace import (
    Accused,
    Executed,
    FaultChanged,
    Final,
    Installed,
    NodeChanged,
    Reached,
    Record,
    Submitted,
    TimerExpired,
)
from consensus.types import NodeId, Sequence

TRANSFER_STATUSES = 4
"""Status intervals that catching up may take: peers resend what two successive STATUS lack."""

_Open = tuple[NodeId, int]


class Liveness(Check):
    """Requests become final, laggards catch up, views stop changing."""

    name = "liveness"
    kind = "liveness"
    subscribes = (
        Submitted,
        Final,
        Executed,
        Installed,
        Reached,
        FaultChanged,
        NodeChanged,
        TimerExpired,
        Accused,
    )

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._open: dict[_Open, int] = {}
        """When what isn't final yet was submitted."""
        self._slow: list[tuple[int, int, NodeId, int]] = []
        """(final, submitted, client, number) of what took longer than the shortest bound."""
        self._finals = 0
        self._last_final_us = -1
        self._disturbed_us = 0
        self._faults: dict[int, FaultChanged] = {}
        self._heights: dict[NodeId, Sequence] = dict.fromkeys(sorted(context.honest), 0)
        self._executed_us: dict[NodeId, int] = {}
        self._first_us: dict[Sequence, int] = {}
        self._doublings: dict[NodeId, int] = {}
        self._doublings_at_heal = 0
        self._late_views: dict[NodeId, Reached] = {}
        self._stall = Stall(context)
        self._causes = ViewCauses()
        self._shortest_us = self._bound_us(0)

    # -- while the run goes on ---------------------------------------------------------

    def on_record(self, record: Record) -> None:
        kind = type(record)
        if kind is Reached:
            self._on_reached(record)
        elif kind is Executed:
            self._on_executed(record)
        elif kind is Installed:
            self._on_installed(record)
        elif kind is Final:
            self._on_final(record)
        elif kind is TimerExpired or kind is Accused:
            self._on_reason(record)
        elif kind is Submitted:
            assert isinstance(record, Submitted)
            if record.node in self.context.clients:
                self._open[record.node, record.number] = record.at_us
        else:
            self._on_disturbance(record)

    def _on_reached(self, record: Record) -> None:
        assert isinstance(record, Reached)
        if record.node not in self.context.honest:
            return
        if record.event == "view-change-started":
            self._doublings[record.node] = self._doublings.get(record.node, 0) + 1
            self._late_views[record.node] = record
            if self._causes.groundless(record):
                self.fail(
                    record.at_us,
                    record.node,
                    self._heights[record.node],
                    f"left for view {record.view} though nobody honest had a reason to: "
                    f"{record.cause or 'no cause given'}",
                )
            self._stall.view_change_started(record)
        elif record.event == "checkpoint-stable":
            self._doublings[record.node] = 0

    def _on_reason(self, record: Record) -> None:
        if record.node in self.context.honest:
            if isinstance(record, TimerExpired):
                self._causes.timer(record)
            elif isinstance(record, Accused):
                self._causes.accused(record)

    def _on_executed(self, record: Record) -> None:
        assert isinstance(record, Executed)
        if record.node in self.context.honest:
            self._heights[record.node] = record.sequence
            self._executed_us[record.node] = record.at_us
            if record.sequence not in self._first_us:
                self._first_us[record.sequence] = record.at_us
                self._stall.progressed()

    def _on_installed(self, record: Record) -> None:
        assert isinstance(record, Installed)
        if record.node in self.context.honest:
            self._heights[record.node] = record.sequence
            self._executed_us[record.node] = record.at_us

    def _on_final(self, record: Record) -> None:
        assert isinstance(record, Final)
        submitted_us = self._open.pop((record.node, record.number), None)
        if submitted_us is None:
            return
        self._finals += 1
        self._last_final_us = record.at_us
        if record.at_us - max(submitted_us, self._disturbed_us) > self._shortest_us:
            self._slow.append((record.at_us, submitted_us, record.node, record.number))

    def _on_disturbance(self, record: Record) -> None:
        self._disturbed_us = record.at_us
        self._doublings_at_heal = max(self._doublings.values(), default=0)
        if isinstance(record, FaultChanged):
            if record.active:
                self._faults[record.index] = record
            else:
                self._faults.pop(record.index, None)

    # -- once it is over ---------------------------------------------------------------

    def _bound_us(self, doublings: int) -> int:
        context, parameters = self.context, self.context.parameters
        if context.within_us is not None:
            return context.within_us
        timeout_us = max(parameters.view_change_timeout_us, parameters.request_timeout_us)
        transfer_us = TRANSFER_STATUSES * parameters.status_interval_us
        attempts = 1 << (context.committee.f + 2)
        return attempts * (timeout_us << doublings) + transfer_us + 2 * context.client_retry_us

    def _silence_us(self) -> int:
        """How long nothing at all may happen in a run that ends before the bound: one time-out
        in force and two client retries. Else a run too short would pass over a dead network.
        """
        timeout_us = self.context.parameters.view_change_timeout_us << self._doublings_at_heal
        return timeout_us + 2 * self.context.client_retry_us

    def at_end(self, end: RunEnd) -> None:
        bound_us = self._bound_us(self._doublings_at_heal)
        self._judge_requests(end, bound_us)
        self._judge_laggards(end, bound_us)
        self._judge_views(end, bound_us)
        self._judge_waiting(end, bound_us)
        self.findings.sort(key=lambda finding: finding.at_us)

    def _judge_requests(self, end: RunEnd, bound_us: int) -> None:
        for final_us, submitted_us, client, number in self._slow:
            since_us = max(submitted_us, self._disturbed_us)
            if final_us > since_us + bound_us:
                took = f"final {seconds(final_us - since_us)} after {seconds(since_us)}"
                self.fail(
                    final_us, client, 0, f"request {number} was {took}; bound {seconds(bound_us)}"
                )
        silence_us = self._silence_us()
        late: list[tuple[NodeId, int, int]] = []
        for (client, number), submitted_us in self._open.items():
            since_us = max(submitted_us, self._disturbed_us)
            waited_us = end.at_us - since_us
            silent = self._last_final_us < since_us
            if waited_us > bound_us or (silent and waited_us > silence_us):
                late.append((client, number, since_us))
        if late:
            client, number, since_us = late[0]
            self.fail(
                end.at_us,
                client,
                max(self._heights.values(), default=0),
                f"request {number} isn't final {seconds(end.at_us - since_us)} after "
                f"{seconds(since_us)} (bound {seconds(bound_us)}), nor are {len(late) - 1} others: "
                + self._stall.classify(end),
            )

    def _judge_laggards(self, end: RunEnd, bound_us: int) -> None:
        top = max(self._first_us, default=0)
        connected = self._stall.connected(end)
        hindered = {node for fault in self._faults.values() for node in fault.nodes}
        for node in sorted(self.context.honest & connected - hindered):
            executed = end.nodes[node].executed
            if executed >= top:
                continue
            since_us = max(self._first_us.get(executed + 1, 0), self._disturbed_us)
            waited_us = end.at_us - since_us
            idle = self._executed_us.get(node, 0) <= since_us
            if waited_us > bound_us or (idle and waited_us > self._silence_us()):
                waits_for = end.nodes[node].waits_for or "it doesn't say what"
                self.fail(
                    end.at_us,
                    node,
                    executed,
                    f"lags behind height {top} for {seconds(waited_us)}; waits for {waits_for}",
                )

    def _judge_views(self, end: RunEnd, bound_us: int) -> None:
        if self._faults or not self.context.lossless:
            return  # a fault that goes on may depose a primary at any time
        for node, record in self._late_views.items():
            if record.at_us > self._disturbed_us + bound_us:
                self.fail(
                    record.at_us,
                    node,
                    self._heights[node],
                    f"still changing views (to {record.view}: {record.cause or 'no cause given'}) "
                    f"{seconds(record.at_us - self._disturbed_us)} after the last disturbance",
                )

    def _judge_waiting(self, end: RunEnd, bound_us: int) -> None:
        """Rule 19: where f+1 honest validators want to leave a view, all follow, and so the wait
        ends. Else one more crash would leave no quorum in any view."""
        if self._faults or not self.context.lossless:
            return
        committee = end.committee or self.context.committee  # f+1 of who is in office by now
        nodes = self.context.honest & self._stall.connected(end)
        waiting = [n for n in sorted(nodes) if n in committee and not end.nodes[n].active]
        if len(waiting) <= committee.f:
            return
        left_us = [self._late_views[node].at_us for node in waiting if node in self._late_views]
        waited_us = end.at_us - max(self._disturbed_us, *left_us, 0)
        if waited_us > bound_us:
            self.fail(
                end.at_us,
                waiting[0],
                end.nodes[waiting[0]].executed,
                f"{', '.join(waiting)} wait for new views for {seconds(waited_us)}, and nobody "
                f"follows (bound {seconds(bound_us)}): " + self._stall.classify(end),
            )

    def held(self) -> str:
        bound_us = self._bound_us(self._doublings_at_heal)
        detail = f"{self._finals} requests final; the last disturbance was at "
        detail += f"{seconds(self._disturbed_us)}, the bound is {seconds(bound_us)}"
        if self._open:
            detail += f"; {len(self._open)} were still within it when the run ended"
        return detail
