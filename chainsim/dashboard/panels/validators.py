"""The validators: who they are, what state they are in, how far they got, how busy they are."""

from __future__ import annotations

from typing import Final

from chainsim.dashboard.facts import Seat
from chainsim.dashboard.panels.headline import state_of
from chainsim.dashboard.probe import NodeProbe
from chainsim.dashboard.rows import Row, cells, row, span
from chainsim.dashboard.scene import Scene

PHASES: Final = {
    "pre-prepare-accepted": "pre-prep.",
    "prepared": "prepared",
    "committed": "committed",
    "executed": "executed",
    "view-change": "wants view",
    "new-view": "in view",
}
NARROW: Final = 90
"""Below this width the city gives way."""


def validators(scene: Scene, width: int, height: int) -> list[Row]:
    """A head and one row per validator; the selected one is always among them."""
    seats = scene.cast.seats
    wide = width >= NARROW
    room = max(1, height - 1)
    first = max(0, min(scene.selected - room // 2, len(seats) - room))
    name = min(14, max(9, *(len(seat.id) for seat in seats)))
    role = min(12, max(4, *(len(seat.role) for seat in seats)))
    head = f"   {'node':<{name}} {'role':<{role}} "
    if wide:
        head += f"{'city':<10} "
    head += f"{'state':<16} view {'phase':<13} height  cpu disk"
    rows = [row(span(head, "head"))]
    pairs = list(zip(seats, scene.probe.nodes, strict=True))
    for place in range(first, min(first + room, len(seats))):
        seat, node = pairs[place]
        chosen = place == scene.selected
        rows.append(_validator(scene, seat, node, (name, role, wide), chosen=chosen))
    return rows


def _validator(
    scene: Scene, seat: Seat, node: NodeProbe, form: tuple[int, int, bool], *, chosen: bool
) -> Row:
    name, role, wide = form
    mark, words, style = state_of(scene, node)
    leads = node.id == scene.primary
    text = [
        span("▸" if chosen else " ", "strong"),
        span("★ " if leads else "  ", "primary"),
        span(cells(seat.id, name), "selected" if chosen else "primary" if leads else ""),
        span(f" {cells(seat.role, role)} ", "dim"),
    ]
    if wide:
        text.append(span(f"{cells(seat.city, 10)} ", "dim"))
    if not node.up:
        return row(*text, span(cells(f"{mark} {words}", 16), style))
    text.append(span(cells(f"{mark} {words}", 16), style))
    event, number = scene.model.phase[node.id]
    phase = f"{PHASES.get(event, event)} {number}" if event else ""
    text.append(span(f" {node.view:>4} {cells(phase, 13)} {node.executed:>6}"))
    text.append(span(f" {_load(node.cpu_queue)}", "warn" if node.cpu_queue > 20 else ""))
    text.append(span(f" {_load(node.disk_queue)}", "warn" if node.disk_queue > 20 else ""))
    return row(*text)


def _load(waiting: int) -> str:
    """A queue in four characters: how many wait."""
    if not waiting:
        return "   ·"
    return f"{waiting:>4}" if waiting < 10_000 else ">9k "
