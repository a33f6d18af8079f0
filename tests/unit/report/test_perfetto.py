"""The trace for Perfetto: its structure is the format's, and its content the run's."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from chainsim.report.observed import Observed, observe
from chainsim.report.perfetto import CPU, FAULTS, PROTOCOL, TRACKS, VIEW, trace
from scenarios.loader import load

NEEDED = {
    "M": {"pid", "tid", "name", "args"},
    "X": {"pid", "tid", "ts", "dur", "name", "cat", "args"},
    "i": {"pid", "tid", "ts", "name", "s"},
    "C": {"pid", "tid", "ts", "name", "args"},
    "b": {"pid", "ts", "cat", "id", "name"},
    "e": {"pid", "ts", "cat", "id", "name"},
}
"""Phase -> what the Trace Event Format asks of its events."""


@pytest.fixture(scope="module")
def seen(folder: Any) -> Observed:
    return observe(load(str(folder / "scenario.toml")), folder, slices=True)


@pytest.fixture(scope="module")
def events(seen: Observed) -> list[dict[str, Any]]:
    document = json.loads(trace(seen))
    assert document["otherData"]["digest"] == seen.summary.digest
    found: list[dict[str, Any]] = document["traceEvents"]
    return found


def of(events: list[dict[str, Any]], phase: str, tid: int = 0) -> list[dict[str, Any]]:
    return [e for e in events if e["ph"] == phase and (not tid or e["tid"] == tid)]


def test_every_event_has_what_its_phase_needs(events: list[dict[str, Any]]) -> None:
    assert {event["ph"] for event in events} == NEEDED.keys()
    for event in events:
        assert NEEDED[event["ph"]] <= event.keys()
        for name in ("pid", "tid", "ts", "dur"):
            assert isinstance(event.get(name, 0), int)


def test_every_track_is_named(events: list[dict[str, Any]], seen: Observed) -> None:
    named = {
        (e["pid"], e["tid"]): e["args"]["name"]
        for e in of(events, "M")
        if e["name"] in ("process_name", "thread_name")
    }
    assert {e["pid"] for e in events} == {pid for pid, _ in named}
    for event in of(events, "X"):
        assert named[event["pid"], event["tid"]] == TRACKS[event["tid"]]
    names = {name for (_, tid), name in named.items() if not tid}
    assert {f"{node} (other)" for node in seen.validators} <= names


def test_slices_of_a_track_nest_or_follow(events: list[dict[str, Any]]) -> None:
    tracks: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for event in of(events, "X"):
        span = (event["ts"], event["ts"] + event["dur"])
        tracks.setdefault((event["pid"], event["tid"]), []).append(span)
    for track, spans in tracks.items():
        open_: list[int] = []
        for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
            while open_ and open_[-1] <= start:
                open_.pop()
            assert not open_ or end <= open_[-1], (track, start)
            open_.append(end)


def test_messages_flow_from_sender_to_receivers(
    events: list[dict[str, Any]], seen: Observed
) -> None:
    out = {event["bind_id"]: event for event in events if event.get("flow_out")}
    ends = [event for event in events if event.get("flow_in")]
    for end in ends:
        start = out[end["bind_id"]]
        assert start["ts"] < end["ts"]
        assert start["name"] in end["name"]
    flights = seen.messages.flights.values()
    arrived = sum(1 + len(f.copies) for f in flights if f.ended_us > f.sent_us)
    assert len(ends) == arrived
    assert len(out) == len({e["bind_id"] for e in ends})
    assert "content" in next(iter(out.values()))["args"]


def test_cpu_slices_are_the_work(events: list[dict[str, Any]], seen: Observed) -> None:
    busy: Counter[int] = Counter()
    for event in of(events, "X", CPU):
        busy[event["pid"]] += event["dur"]
    expected = {
        FAULTS + 1 + number: sum(seen.workload.busy[node])
        for number, node in enumerate(seen.nodes)
        if node != "v0"  # which dies at work
    }
    assert {pid: busy[pid] for pid in expected} == expected


def test_faults_views_and_heights(events: list[dict[str, Any]], seen: Observed) -> None:
    begins, ends = of(events, "b"), of(events, "e")
    assert [e["id"] for e in begins] == [e["id"] for e in ends]
    assert [e["ts"] for e in begins] == [fault.from_us for fault in seen.summary.faults]
    assert "view 1" in {event["name"] for event in of(events, "X", VIEW)}
    top = {e["pid"]: e["args"]["height"] for e in of(events, "C")}
    assert sorted(top.values()) == sorted(node.height for node in seen.summary.nodes)
    assert any("calls for view 1" in event["name"] for event in of(events, "i", PROTOCOL))
