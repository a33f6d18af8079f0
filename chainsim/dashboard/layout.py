"""Which panel goes where, by the size of the terminal. Pure.

One column up to 109 cells, two up to 169, three beyond. What comes first in a column gets the
rows that it asks for; the panel marked with ``GROWS`` takes what is left.
"""

from __future__ import annotations

from typing import Final

import msgspec

from chainsim.dashboard.scene import Scene

SMALLEST: Final = (40, 10)
"""Cells and rows; in less nothing can be read."""
TWO_COLUMNS: Final = 110
THREE_COLUMNS: Final = 170
GROWS: Final = 0


class Place(msgspec.Struct, frozen=True):
    """A panel's rectangle, from the top left cell (0, 0)."""

    panel: str
    x: int
    y: int
    width: int
    height: int


Wish = tuple[str, int, int]
"""(panel, rows wanted with its title or GROWS, rows below which it isn't shown)"""


def arrange(width: int, height: int, scene: Scene, overlay: str = "") -> list[Place]:
    """The rectangles; the last row is the footer's. ``overlay`` takes the place of all panels
    below the answers."""
    answers = 5 if scene.verdict else 4
    places = [Place("header", 0, 0, width, 1), Place("answers", 0, 1, width, answers)]
    top, rows = 1 + answers, height - 2 - answers
    if overlay:
        return [*places, Place(overlay, 0, top, width, rows)]
    if width < TWO_COLUMNS:
        return places + _column(_single(scene, rows), 0, top, width, rows)
    if width < THREE_COLUMNS:
        left = max(79, width * 3 // 5)
        columns = [(_left(scene), left), (_right(scene), width - left - 1)]
    else:
        left, middle = width * 45 // 100, width * 27 // 100
        columns = [
            (_left(scene), left),
            (_middle(scene), middle),
            (_far_right(scene), width - left - middle - 2),
        ]
    x = 0
    for wishes, wide in columns:
        places += _column(wishes, x, top, wide, rows)
        x += wide + 1
    return places


def _column(wishes: list[Wish], x: int, y: int, width: int, rows: int) -> list[Place]:
    """One panel below the other, as long as there is room."""
    found: list[Place] = []
    fixed = 0
    shown: list[Wish] = []
    for panel, wanted, least in wishes:
        if fixed + least <= rows:
            shown.append((panel, wanted, least))
            fixed += least
    spare = rows - fixed
    growing = [panel for panel, wanted, _ in shown if wanted == GROWS]
    for panel, wanted, least in shown:
        height = least
        if wanted != GROWS:
            more = min(spare, wanted - least)
            height += more
            spare -= more
        found.append(Place(panel, x, 0, width, height))
    grown = growing[-1] if growing else found[-1].panel if found else ""
    placed = []
    for each in found:
        extra = spare if each.panel == grown else 0
        placed.append(msgspec.structs.replace(each, y=y, height=each.height + extra))
        y += each.height + extra
    return placed


def _validators(scene: Scene, most: int = 14) -> Wish:
    n = len(scene.cast.seats)
    return "validators", 2 + n, min(2 + n, most)


def _single(scene: Scene, rows: int) -> list[Wish]:
    """What matters most comes first: what doesn't fit is left out from the end."""
    n = len(scene.cast.seats)
    wishes: list[Wish] = [
        ("validators", 2 + n, min(2 + n, max(4, rows - 8))),
        ("slots", 5, 3),
        ("log", GROWS, 3),
    ]
    if rows > 24:
        wishes[2:2] = [("timeline", 2 + len(scene.cast.faults), 3), ("money", 9, 4)]
    if rows > 40:
        wishes[2:2] = [("network", n + 5, n + 5), ("views", 7, 3), ("finality", 5, 5)]
    return wishes


def _left(scene: Scene) -> list[Wish]:
    return [
        _validators(scene),
        ("slots", 12, 5),
        ("views", 1 + max(2, min(6, 2 * len(scene.model.view_changes))), 3),
        ("log", GROWS, 5),
    ]


def _right(scene: Scene) -> list[Wish]:
    n = len(scene.cast.seats)
    return [
        ("network", n + 5, min(n + 5, 12)),
        ("timeline", 2 + len(scene.cast.faults), 3),
        ("finality", 5, 5),
        ("money", 10, 5),
        ("properties", 5, 3),
        ("chain", GROWS, 3),
    ]


def _middle(scene: Scene) -> list[Wish]:
    n = len(scene.cast.seats)
    return [
        ("network", n + 5, min(n + 5, 12)),
        ("timeline", 3 + len(scene.cast.faults), 3),
        ("finality", 6, 5),
        ("chain", GROWS, 6),
    ]


def _far_right(scene: Scene) -> list[Wish]:
    return [
        ("properties", 1 + max(3, len(scene.properties)), 4),
        ("money", GROWS, 10),
    ]
