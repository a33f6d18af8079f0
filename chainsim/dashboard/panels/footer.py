"""The bottom row, and the pages that keys open: help and menus."""

from __future__ import annotations

from chainsim.dashboard.prods import Prod
from chainsim.dashboard.rows import Row, cells, row, span, wrapped
from chainsim.dashboard.scene import Scene

HINTS = (
    ("?", "help"),
    ("space", "pause"),
    ("↑↓", "select"),
    ("c", "crash"),
    ("i", "isolate"),
    ("b", "hostile"),
    ("w", "write"),
    ("enter", "detail"),
    ("+-", "speed"),
    (".", "event"),
    (">", "block"),
    ("f", "faults"),
    ("g", "go to"),
    ("n/p", "next/prev. event"),
    ("k", "breakpoint"),
    ("u", "undo"),
    ("/", "filter"),
)
REPLAY_LACKS = ("c", "i", "b", "f", "u")


def footer(scene: Scene, width: int) -> Row:
    """A question, a message, or what the keys do, as many as fit."""
    if scene.typing:
        # What is being typed stays in sight, whatever the width.
        return row(span(f" {scene.footer[-(width - 2) :]}", "strong"), span(" ", "selected"))
    if scene.footer:
        return row(span(cells(" " + scene.footer, width), "warn"))
    spans = [span(" q", "key"), span(" quit", "dim")]
    room = width - 8
    for key, what in HINTS:
        if scene.recorded and key in REPLAY_LACKS:
            continue
        room -= len(key) + len(what) + 3
        if room < 0:
            break
        spans += [span(f"  {key}", "key"), span(f" {what}", "dim")]
    return row(*spans)


def help_rows(keys: list[tuple[str, str]], width: int, height: int) -> list[Row]:
    """All keys, in as many columns as it takes, then how to read the screen."""
    rows = [_title("Keys (? or Escape goes back)", width)]
    named = [("space" if key == " " else key, what) for key, what in keys]
    columns = 1 if len(named) + len(READING) + 3 <= height else 2
    wide = width // columns
    lines = -(-len(named) // columns)
    for line in range(lines):
        spans = []
        for key, what in named[line::lines]:
            spans += [span(f" {key:>9} ", "key"), span(cells(what, wide - 11))]
        rows.append(row(*spans))
    rows.append(_title("Reading", width))
    for text in READING:
        rows += [row(f"  {line}") for line in wrapped(text, width - 4, 3)]
    return rows


READING = (
    "★ primary   ✗ down or cut   ≠ cut off   ! hostile   ‖ frozen   ⟳ changing view   ↑ behind",
    "A block needs a quorum of PREPAREs (one less, the proposal counts) and of COMMITs.",
    "OUT names who is out; QUORUM says how many more failures halt the network, and of whom.",
    "What you do acts at the next microsecond. w writes it down: the file gives the same digest.",
)


def menu_rows(prods: tuple[Prod, ...], node: str, width: int) -> list[Row]:
    """A menu of things to do to a validator; doing one again ends it."""
    rows = [_title(f"Do to {node} (again: end it; any other key goes back)", width)]
    rows += [row(span(f"  {prod.key} ", "key"), f" {prod.label}") for prod in prods]
    return rows


def _title(text: str, width: int) -> Row:
    head = f"─ {text} "
    return row(span(head, "title"), span("─" * max(0, width - len(head)), "rule"))
