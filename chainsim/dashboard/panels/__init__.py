"""The panels: one pure function each, from a scene and a size to rows of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from chainsim.dashboard.panels import agreement, events, flow, headline, money, network, validators
from chainsim.dashboard.rows import Row, row, span
from chainsim.dashboard.scene import Scene

Draw = Callable[[Scene, int, int], list[Row]]
Key = Callable[[Scene], object]


class Panel(msgspec.Struct, frozen=True):
    """``draw(scene, width, height)`` gives at most ``height`` rows; no title, no title row.

    ``key``: what the rows hang on besides the size; while it is equal, they aren't drawn again.
    """

    title: str
    draw: Draw
    key: Key | None = None


def _of_log(scene: Scene) -> object:
    return scene.model.told, scene.filter, scene.log_back


def _of_chain(scene: Scene) -> object:
    return scene.model.executions


def _of_views(scene: Scene) -> object:
    return scene.model.moves


def _of_network(scene: Scene) -> object:
    probe = scene.probe
    return probe.lines, probe.messages, probe.dropped, scene.groups


def _of_money(scene: Scene) -> object:
    return scene.model.height, scene.glance


def _of_faults(scene: Scene) -> object:
    acted = tuple(row.until_us for row in scene.model.faults)
    return acted, scene.cast.faults, scene.now_us * 1_000 // scene.cast.duration_us


PANELS: Final[dict[str, Panel]] = {
    "header": Panel("", headline.header),
    "answers": Panel("", headline.answers),
    "validators": Panel("Validators", validators.validators),
    "slots": Panel("Slots: votes towards the quorum", agreement.slots),
    "chain": Panel("Chain", agreement.chain, _of_chain),
    "views": Panel("View changes", agreement.views, _of_views),
    "network": Panel("Network", network.network, _of_network),
    "money": Panel("Money", money.money, _of_money),
    "finality": Panel("Finality and throughput", flow.finality),
    "timeline": Panel("Faults", flow.timeline, _of_faults),
    "log": Panel("Events", events.log, _of_log),
    "properties": Panel("Properties", events.properties, lambda scene: scene.properties),
}
"""By the name that ``layout`` uses."""


class Drawn:
    """Remembers each panel as it was drawn last."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], tuple[object, list[Row]]] = {}
        self.draws = 0
        """Panels that had to be drawn."""

    def draw(self, name: str, scene: Scene, width: int, height: int) -> list[Row]:
        """A panel with its title row, in exactly ``height`` rows."""
        key = PANELS[name].key
        if key is None:
            return self._draw(name, scene, width, height)
        # A model is of one execution: another one is another run.
        wanted = (scene.model, key(scene))
        place = (name, width, height)
        known = self._known.get(place)
        if known is None or known[0] != wanted:
            known = self._known[place] = (wanted, self._draw(name, scene, width, height))
        return known[1]

    def _draw(self, name: str, scene: Scene, width: int, height: int) -> list[Row]:
        self.draws += 1
        panel = PANELS[name]
        rows: list[Row] = []
        if panel.title:
            rows.append(_title(panel.title, scene, name, width))
        rows += panel.draw(scene, width, height - len(rows))
        return rows[:height] + [()] * (height - len(rows))


def _title(title: str, scene: Scene, name: str, width: int) -> Row:
    note = ""
    if name == "log" and scene.filter:
        note = f" with {scene.filter!r}"
    if name == "log" and scene.log_back:
        note += f" ({scene.log_back} lines back)"
    if name == "properties":
        broken = sum(1 for each in scene.properties if each.breaches)
        note = f": {broken} VIOLATED" if broken else f": {len(scene.properties)} hold so far"
    text = f"─ {title}{note} "
    return row(span(text, "title"), span("─" * max(0, width - len(text)), "rule"))
