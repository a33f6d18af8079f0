"""The panels: one pure function each, from a scene and a size to rows of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from chainsim.dashboard.panels import agreement, events, flow, headline, money, network, validators
from chainsim.dashboard.rows import Row, row, span
from chainsim.dashboard.scene import Scene

Draw = Callable[[Scene, int, int], list[Row]]


class Panel(msgspec.Struct, frozen=True):
    """``draw(scene, width, height)`` gives at most ``height`` rows; no title, no title row."""

    title: str
    draw: Draw


PANELS: Final[dict[str, Panel]] = {
    "header": Panel("", headline.header),
    "answers": Panel("", headline.answers),
    "validators": Panel("Validators", validators.validators),
    "slots": Panel("Slots: votes towards the quorum", agreement.slots),
    "chain": Panel("Chain", agreement.chain),
    "views": Panel("View changes", agreement.views),
    "network": Panel("Network", network.network),
    "money": Panel("Money", money.money),
    "finality": Panel("Finality and throughput", flow.finality),
    "timeline": Panel("Faults", flow.timeline),
    "log": Panel("Events", events.log),
    "properties": Panel("Properties", events.properties),
}
"""By the name that ``layout`` uses."""


def draw(name: str, scene: Scene, width: int, height: int) -> list[Row]:
    """A panel with its title row, in exactly ``height`` rows."""
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
