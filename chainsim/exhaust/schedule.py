"""The way to a violation as a file that plays again, by itself and step by step.

It holds the scenario, the bound, and to whom what happens in which order; a message is named by
what it says, as it must have been said before.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from chainsim.exhaust.bound import Bound, Setting, lies_of, setting_of
from chainsim.exhaust.host import DEADLINES, Host, clash
from chainsim.exhaust.labels import Labels, told
from chainsim.exhaust.search import Found, Search, is_dead
from consensus.messages import Message
from scenarios.errors import ScenarioErrors
from scenarios.loader import load_text, resolved_toml
from scenarios.schema import Scenario

TIMER: Final = "timer "


class BadSchedule(Exception):
    """The file is no schedule, or holds a step that can't be taken; the message says which."""


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``to`` takes these events: messages by what they say, or ``timer NAME``."""

    to: str
    events: tuple[str, ...]


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A violation and how to get there."""

    check: str
    kind: str
    detail: str
    steps: tuple[Move, ...]
    bound: Bound
    scenario: str
    """TOML."""


def schedule_of(search: Search, scenario: Scenario, found: Found) -> Schedule:
    """What was found, as it is written."""
    labels = search.actors.mail.labels
    steps = tuple(
        Move(
            to,
            tuple(
                TIMER + event if isinstance(event, str) else told(labels[event]) for event in events
            ),
        )
        for to, events in found.steps
    )
    return Schedule(
        check=found.check,
        kind=found.kind,
        detail=found.detail,
        steps=steps,
        bound=search.bound,
        scenario=resolved_toml(scenario),
    )


def write(folder: Path, name: str, schedule: Schedule) -> Path:
    """Into ``exhaust-NAME.json``, or ``exhaust-NAME.2.json`` … Raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        middle = "" if number == 1 else f".{number}"
        path = folder / f"exhaust-{name}{middle}.json"
        try:
            with path.open("xb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(schedule), indent=1) + b"\n")
            return path
        except FileExistsError:
            number += 1


def read(path: Path) -> Schedule:
    """Raises ``BadSchedule``."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Schedule)
    except OSError as error:
        raise BadSchedule(f"can't read {path}: {error.strerror}") from None
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise BadSchedule(f"{path} is no schedule of exhaust: {error}") from None


def play(schedule: Schedule) -> Iterator[tuple[Move, str]]:
    """Takes the steps on fresh replicas; after each, what doesn't hold (nothing if all does).

    Raises ``BadSchedule`` at a step that can't be taken.
    """
    try:
        scenario = load_text(schedule.scenario)
    except ScenarioErrors as error:
        raise BadSchedule(f"its scenario: {error}") from None
    stage = _Stage(schedule.bound, setting_of(scenario, schedule.bound))
    last = len(schedule.steps)
    for number, (step, fault) in enumerate(stage.play(schedule.steps), 1):
        dead = number == last and schedule.kind == "liveness" and stage.is_dead()
        yield step, f"{schedule.check}: {schedule.detail}" if dead else fault


class _Stage:
    def __init__(self, bound: Bound, setting: Setting) -> None:
        self._bound = bound
        self._labels = Labels(setting.batches, proofs=bound.views > 1, votes=bound.plain)
        self._hosts = {name: Host(bound, setting, name) for name in bound.honest}
        self._known: dict[tuple[str, str], Message] = {}
        for message in lies_of(bound, setting):
            for name in bound.honest:
                self._known[name, told(self._labels.message(message))] = message
        self._collect()

    def _collect(self) -> None:
        for host in self._hosts.values():
            for message, to in host.sent:
                label = told(self._labels.message(message))
                for name in to:
                    self._known.setdefault((name, label), message)
            host.sent.clear()

    def play(self, steps: tuple[Move, ...]) -> Iterator[tuple[Move, str]]:
        for number, step in enumerate(steps, 1):
            host = self._hosts.get(step.to)
            if host is None:
                raise BadSchedule(f'step {number}: no honest replica is called "{step.to}"')
            for event in step.events:
                self._take(number, host, event)
            self._collect()
            yield step, self._fault()

    def is_dead(self) -> bool:
        """Whether they are stuck, if nothing more can arrive."""
        done = [(bool(host.executed), bool(host.timers)) for host in self._hosts.values()]
        return is_dead(self._bound, done)

    def _take(self, number: int, host: Host, event: str) -> None:
        if event.startswith(TIMER):
            timer = event.removeprefix(TIMER)
            if timer not in DEADLINES or timer not in host.timers:
                raise BadSchedule(f'step {number}: no timer "{timer}" runs at {host.name}')
            host.fire(timer)
            return
        message = self._known.get((host.name, event))
        if message is None:
            raise BadSchedule(f"step {number}: nobody has sent {host.name} this: {event}")
        host.receive(message)

    def _fault(self) -> str:
        hosts = list(self._hosts.values())
        for place, host in enumerate(hosts):
            if host.fault:
                return host.fault
            for other in hosts[:place]:
                fault = clash(host.done, other.done)
                if fault:
                    return f"{fault}: {other.name} and {host.name}"
        return ""
