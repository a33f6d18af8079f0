"""A run as a trace that ui.perfetto.dev opens: Chrome's JSON trace format.

Every node is a process with the tracks CPU (what it works on), sends and arrivals (messages, as
flows from one to the other), view, state (down, paused) and protocol (what stands out, blocks).
Faults are asynchronous events of a process of their own. Times are virtual microseconds.

Slices of one track must not overlap but by nesting: messages take 1 us there, and all that a
node broadcasts at once is one slice. Format: "Trace Event Format" (Chromium project); flows are
its version 2 (``bind_id`` with ``flow_out`` and ``flow_in``), which may have many ends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from chainsim.report.messages import Flight
from chainsim.report.observed import Observed
from chainsim.report.words import fault_words

CPU, SENDS, ARRIVALS, VIEW, STATE, PROTOCOL = range(1, 7)
TRACKS: Final = {
    CPU: "CPU",
    SENDS: "sends",
    ARRIVALS: "arrivals",
    VIEW: "view",
    STATE: "state",
    PROTOCOL: "protocol",
}
"""Thread id -> name, in the order shown."""

FAULTS: Final = 1
"""Process id of the faults; nodes follow."""

Event = dict[str, Any]


def trace(observed: Observed) -> str:
    """The whole file."""
    summary = observed.summary
    events = [
        *_names(observed),
        *_faults(observed),
        *_views(observed),
        *_outages(observed),
        *_moments(observed),
        *_blocks(observed),
        *_work(observed),
        *_messages(observed),
    ]
    document = {
        "displayTimeUnit": "ms",
        "otherData": {
            "scenario": summary.scenario,
            "seed": str(summary.seed),
            "digest": summary.digest,
            "chainsim": summary.version,
            "messages": str(observed.messages.thinning),
        },
        "traceEvents": events,
    }
    return msgspec.json.encode(document).decode() + "\n"


def _processes(observed: Observed) -> dict[str, int]:
    return {node: FAULTS + 1 + number for number, node in enumerate(observed.nodes)}


def _names(observed: Observed) -> Iterator[Event]:
    roles = {validator.id: validator.role for validator in observed.scenario.validators}
    processes = {"": FAULTS, **_processes(observed)}
    for node, pid in processes.items():
        name = f"{node} ({roles[node]})" if node in roles else node or "faults"
        yield _meta(pid, 0, "process_name", name)
        yield _meta(pid, 0, "process_sort_index", pid)
        for tid, track in TRACKS.items() if node else ():
            yield _meta(pid, tid, "thread_name", track)
            yield _meta(pid, tid, "thread_sort_index", tid)


def _meta(pid: int, tid: int, what: str, value: str | int) -> Event:
    argument = "sort_index" if what.endswith("sort_index") else "name"
    return {"ph": "M", "pid": pid, "tid": tid, "name": what, "args": {argument: value}}


def _slice(pid: int, tid: int, at_us: int, lasts_us: int, name: str, **arguments: Any) -> Event:
    return {
        "ph": "X",
        "pid": pid,
        "tid": tid,
        "ts": at_us,
        "dur": max(lasts_us, 1),
        "cat": TRACKS[tid],
        "name": name,
        "args": arguments,
    }


def _faults(observed: Observed) -> Iterator[Event]:
    for number, fault in enumerate(observed.summary.faults, start=1):
        until_us = fault.until_us
        end_us = observed.summary.virtual_time_us if until_us is None else until_us
        for phase, at_us in (("b", fault.from_us), ("e", max(end_us, fault.from_us + 1))):
            yield {
                "ph": phase,
                "pid": FAULTS,
                "tid": 0,
                "ts": at_us,
                "cat": "fault",
                "id": f"0x{number:x}",
                "name": fault_words(fault),
                "args": {"nodes": list(fault.nodes)},
            }


def _views(observed: Observed) -> Iterator[Event]:
    processes = _processes(observed)
    for node, views in observed.timeline.views.items():
        ends = [*(at_us for at_us, _, _ in views[1:]), observed.summary.virtual_time_us]
        for (at_us, view, active), end_us in zip(views, ends, strict=True):
            if end_us > at_us:
                name = f"view {view}" if active else f"waits for view {view}"
                yield _slice(processes[node], VIEW, at_us, end_us - at_us, name)


def _outages(observed: Observed) -> Iterator[Event]:
    processes = _processes(observed)
    for outage in observed.timeline.outages:
        until_us = outage.until_us if outage.until_us >= 0 else observed.summary.virtual_time_us
        if outage.node in processes:
            lasts_us = until_us - outage.from_us
            yield _slice(processes[outage.node], STATE, outage.from_us, lasts_us, outage.state)


def _moments(observed: Observed) -> Iterator[Event]:
    processes = _processes(observed)
    for moment in observed.timeline.moments:
        if moment.node in processes:
            yield _instant(processes[moment.node], moment.at_us, moment.text, moment.kind)
        elif moment.kind == "violation":
            yield _instant(FAULTS, moment.at_us, moment.text, moment.kind)


def _instant(pid: int, at_us: int, name: str, category: str) -> Event:
    return {
        "ph": "i",
        "s": "t",
        "pid": pid,
        "tid": PROTOCOL if pid != FAULTS else 0,
        "ts": at_us,
        "cat": category,
        "name": name,
        "args": {},
    }


def _blocks(observed: Observed) -> Iterator[Event]:
    """An instant, and a counter whose curve is the height."""
    processes = _processes(observed)
    for node, heights in observed.timeline.heights.items():
        pid = processes[node]
        for at_us, height in heights[1:]:
            yield _instant(pid, at_us, f"block {height}", "block")
            yield {
                "ph": "C",
                "pid": pid,
                "tid": 0,
                "ts": at_us,
                "name": "height",
                "args": {"height": height},
            }


def _work(observed: Observed) -> Iterator[Event]:
    processes = _processes(observed)
    by_node: dict[str, list[Any]] = {}
    for record in observed.workload.slices:
        by_node.setdefault(record.node, []).append(record)
    for node, records in by_node.items():
        pid = processes.get(node)
        if pid is None:
            continue
        starts = [*(record.at_us for record in records[1:]), 1 << 62]
        for record, next_us in zip(records, starts, strict=True):
            counts = {
                "sign": record.signatures,
                "verify": record.verifications,
                "execute": record.transactions,
            }
            name = ", ".join(f"{kind} {count}" for kind, count in counts.items() if count)
            # A process that dies at work may be up again before it would have been done.
            lasts_us = min(record.busy_us, next_us - record.at_us)
            yield _slice(pid, CPU, record.at_us, lasts_us, name, **counts)


def _messages(observed: Observed) -> Iterator[Event]:
    processes = _processes(observed)
    bursts: dict[tuple[str, int, int], list[Flight]] = {}
    for flight in observed.messages.flights.values():
        bursts.setdefault((flight.sender, flight.sent_us, flight.content), []).append(flight)
    for number, flights in enumerate(bursts.values(), start=1):
        first = flights[0]
        content = observed.messages.contents[first.content]
        to = [flight.receiver for flight in flights]
        flow = f"0x{number:x}"
        sent = _slice(processes[first.sender], SENDS, first.sent_us, 1, first.type, to=to)
        sent["args"].update(content)
        if any(flight.ended_us > flight.sent_us for flight in flights):
            sent.update(bind_id=flow, flow_out=True)
        yield sent
        for flight in flights:
            yield from _ends(flight, flow, processes)


def _ends(flight: Flight, flow: str, processes: dict[str, int]) -> Iterator[Event]:
    if flight.ended_us < 0:
        return  # still under way when the run ended
    for at_us in (flight.ended_us, *flight.copies):
        name = f"lost: {flight.type} ({flight.lost})" if flight.lost else flight.type
        end = _slice(processes[flight.receiver], ARRIVALS, at_us, 1, name, sender=flight.sender)
        # What is lost at once doesn't flow: a flow needs time.
        if at_us > flight.sent_us:
            end.update(bind_id=flow, flow_in=True)
        yield end
