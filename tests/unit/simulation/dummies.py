"""Small nodes and worlds for the tests of the simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import msgspec

from chainsim.simulation.latency import constant
from chainsim.simulation.settings import (
    CpuPrices,
    DiskSettings,
    NetworkSettings,
    WorldSettings,
)
from chainsim.simulation.world import World
from chainsim.trace import Record, Recorder
from consensus.effects import Area, Effect
from consensus.events import Boot, Event, Receive, Submit, TimerFired
from consensus.messages import Message
from nodes.durable import Format

ANYTHING: dict[Area, Format] = {
    "log": Format(msgspec.msgpack.Decoder(), binds=True),
    "blocks": Format(msgspec.msgpack.Decoder()),
}
"""What dummies write."""

MS = 1000
SECOND = 1_000_000


class Ping(Message, frozen=True, dict=True, tag="ping"):
    """A message with a sequence and any content."""

    TYPE: ClassVar[str] = "ping"

    number: int
    text: str = ""

    def body(self) -> tuple[Any, ...]:
        return self.number, self.text

    def slot(self) -> tuple[int, int]:
        return 0, self.number


def ping(sender: str, number: int = 1, text: str = "") -> Ping:
    return Ping(b"chain", 0, sender, number, text)


Reaction = Callable[["Dummy", Event], Iterable[Effect]]


class Dummy:
    """A node that notes every event and answers as it is told.

    ``memory`` is shared by all incarnations of one place: the test's view from outside.
    """

    def __init__(self, name: str, react: Reaction, memory: list[Event]) -> None:
        self.id = name
        self.memory = memory
        self.seen: list[Event] = []
        self._react = react
        self.outstanding = 0
        self.view = 0
        self.height = 0
        self.active = True

    def handle(self, event: Event) -> list[Effect]:
        self.seen.append(event)
        self.memory.append(event)
        return list(self._react(self, event))

    def status(self) -> tuple[int, bool, int, int]:
        return self.view, self.active, self.height, 0


def quiet(_node: Dummy, _event: Event) -> list[Effect]:
    return []


class Stage:
    """A world of dummies, with what happened to each."""

    def __init__(
        self,
        names: Iterable[str],
        react: Reaction | dict[str, Reaction] = quiet,
        *,
        seed: int = 1,
        network: NetworkSettings | None = None,
        cpu: CpuPrices | None = None,
        fsync_us: int = 0,
        clients: Iterable[str] = (),
        roles: dict[str, str] | None = None,
        houses: dict[str, str] | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        settings = WorldSettings(
            seed=seed,
            network=network or NetworkSettings(latency=constant(10 * MS)),
            cpu=cpu or CpuPrices(),
            disk=DiskSettings(fsync_us=fsync_us),
        )
        self.recorder = recorder or Recorder()
        self.records: list[Record] = []
        self.world = World(settings, self.recorder)
        self.memory: dict[str, list[Event]] = {}
        for name in names:
            self._add(name, react, "validator", (roles or {}).get(name, ""), "")
        for name in clients:
            self._add(name, react, "client", "", (houses or {}).get(name, ""))

    def _add(
        self, name: str, react: Reaction | dict[str, Reaction], kind: Any, role: str, house: str
    ) -> None:
        memory = self.memory[name] = []
        reaction = react if callable(react) else react.get(name, quiet)
        self.world.add_node(
            name,
            lambda: Dummy(name, reaction, memory),
            kind=kind,
            role=role,
            house=house,
            formats=ANYTHING,
        )

    def listen(self, *kinds: type[Record]) -> list[Record]:
        for kind in kinds:
            self.recorder.subscribe(kind, self.records.append)
        return self.records

    def received(self, name: str) -> list[tuple[int, str, int]]:
        """(when, from whom, number) of every ping that a node was given."""
        return [
            (event.now_us, event.message.sender, event.message.number)
            for event in self.memory[name]
            if isinstance(event, Receive) and isinstance(event.message, Ping)
        ]

    def times(self, name: str) -> list[int]:
        return [at_us for at_us, _, _ in self.received(name)]

    def boots(self, name: str) -> list[Boot]:
        return [event for event in self.memory[name] if isinstance(event, Boot)]


def on_boot(*effects: Effect) -> Reaction:
    """Does ``effects`` when it boots for the first time."""

    def react(node: Dummy, event: Event) -> list[Effect]:
        first = len(node.memory) == 1
        return list(effects) if isinstance(event, Boot) and first else []

    return react


def on_timer(reactions: dict[str, list[Effect]], boot: list[Effect]) -> Reaction:
    """Does ``boot`` at the first boot, then what is given for each timer."""

    def react(node: Dummy, event: Event) -> list[Effect]:
        if isinstance(event, Boot):
            return boot if len(node.memory) == 1 else []
        if isinstance(event, TimerFired):
            return reactions.get(event.key[0], [])
        return []

    return react


def on_submit(effects: Callable[[Dummy, bytes], Iterable[Effect]]) -> Reaction:
    """Does something whenever its user submits (any node can be told so at any time)."""

    def react(node: Dummy, event: Event) -> Iterable[Effect]:
        return effects(node, event.operation) if isinstance(event, Submit) else []

    return react
