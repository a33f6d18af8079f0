"""The top of the screen: where the run stands, and the four answers that people look for first."""

from __future__ import annotations

from typing import Final

from chainsim.dashboard.facts import ViewChange
from chainsim.dashboard.probe import NodeProbe
from chainsim.dashboard.rows import Row, cells, row, span
from chainsim.dashboard.scene import Scene
from chainsim.dashboard.wording import clock

LABEL: Final = 8
FOLLOWS: Final = {
    "DOWN": "nothing is proposed until the view changes",
    "HALTED": "nothing is proposed until the view changes",
    "FROZEN": "nothing is proposed until the view changes",
    "CUT OFF": "its proposals reach too few",
    "DISK LIES": "if it crashes, it forgets what it promised",
    "HOSTILE": "it may propose anything, or nothing",
    "": "its proposals come late",
}
"""What a primary's state means."""
MARKS: Final = {"running": "▶", "PAUSED": "‖", "OVER": "■", "ahead": "▶▶", "again": "◀◀"}


def header(scene: Scene, width: int, _height: int) -> list[Row]:
    """One row: what runs, how far it is, and how fast."""
    mode = scene.mode
    state = {"ahead": "to the goal", "again": "executing again"}.get(mode, mode)
    if mode == "running":
        state += f" {scene.speed}"
    day = f"{scene.glance.day}" if scene.glance.day else ""
    what = "replay of " if scene.recorded else ""
    digits = 6 if mode == "PAUSED" else 3
    pieces = [
        f" {what}{scene.cast.scenario}",
        f"{MARKS[mode]} {state}",
        f"{clock(scene.now_us, digits)} of {clock(scene.cast.duration_us, 0)} s",
        f"height {scene.model.height}",
        f"view {scene.view}",
        f"stops at: {scene.breakpoint}" if scene.breakpoint else "",
        day,
        f"seed {scene.cast.seed}",
    ]
    text = pieces[0]
    for piece in pieces[1:]:
        if piece and len(text) + len(piece) + 2 <= width:
            text += f"  {piece}"
    return [row(span(cells(text, width), "bar"))]


def answers(scene: Scene, width: int, height: int) -> list[Row]:
    """Who leads, who is out, how many more failures halt the network, is money safe."""
    rows = [_leading(scene), _quorum(scene), _out(scene), _money(scene)]
    if scene.verdict:
        label = "RESULT"
        style = "alarm" if scene.bad else "calm"
        rows.append(_answer(label, style, scene.verdict))
    del width
    return rows[:height]


def _answer(label: str, style: str, *spans: str | tuple[str, str]) -> Row:
    return row(span(f" {label:<{LABEL}}", style), " ", *spans)


def _leading(scene: Scene) -> Row:
    if scene.view_change:
        return _view_change(scene)
    primary = next(node for node in scene.probe.nodes if node.id == scene.primary)
    wrong = state_of(scene, primary)[1] if _troubled(scene, primary) else ""
    words = f" leads view {scene.view}; height {scene.model.height + 1} is next"
    if wrong:
        follows = next((what for state, what in FOLLOWS.items() if state in wrong), "")
        words = f" of view {scene.view} is {wrong}: {follows}".replace(
            "is DISK LIES", "has a DISK that LIES"
        )
    style = "warn" if wrong else "calm"
    spans: list[str | tuple[str, str]] = [span(f"★ {scene.primary}", "primary"), words]
    lonely = [node for node in scene.changing if node.view > scene.view]
    if lonely:
        names = ", ".join(f"{node.id} (view {node.view})" for node in lonely)
        spans.append(span(f"; calls for a higher view, alone: {names}", "dim"))
    elif scene.model.view_changes:
        spans.append(span(f"; {_last_change(scene, scene.model.view_changes[-1])}", "dim"))
    return _answer("PRIMARY", style, *spans)


def _last_change(scene: Scene, change: ViewChange) -> str:
    if change.entered_us is None:
        return f"view {change.view} was called for at {clock(change.started_us, 1)} s"
    since = f"since {clock(change.entered_us, 1)} s"
    why = change.why(scene.cast.primary(change.view - 1), past=True)
    if not why:
        return f"{since}: {change.cause}"
    return f"{since}, {why}" if why.startswith(("amid", "after")) else f"{since}, as {why}"


def _view_change(scene: Scene) -> Row:
    wanted = max(node.view for node in scene.changing)
    calling = sum(1 for node in scene.changing if node.view == wanted)
    change = next((c for c in reversed(scene.model.view_changes) if c.view == wanted), None)
    words = f"⟳ changing to view {wanted}: "
    count = f". {calling} call for it, {scene.cast.quorum} needed"
    count += f"; {scene.cast.primary(wanted)} would lead"
    why = ""
    if change is not None:
        trouble = change.why(scene.cast.primary(wanted - 1))
        words_of = f"{change.node} says: {change.cause}"
        why = f"{trouble}; {words_of}" if trouble else words_of
    return _answer("VIEWS", "alarm", span(words, "warn"), why or "nobody said why", count)


def _quorum(scene: Scene) -> Row:
    margin = scene.margin
    if margin.at_mercy:
        hostile = ", ".join(node.id for node in scene.probe.nodes if node.hostile)
        words = f"AT THE MERCY of {hostile}: {margin.quorum} must take part, "
        words += f"{margin.quorum - margin.short} do that can be counted on"
        return _answer("QUORUM", "alarm", span(words, "bad"))
    if margin.halted:
        sizes = " | ".join(str(len(group)) for group in scene.groups)
        words = f"HALTED: {margin.quorum} must take part, "
        if len(scene.groups) > 1:
            words += f"but the network is split {sizes}"
        else:
            words += f"{margin.quorum - margin.short} do: {margin.short} short. "
            words += f"Blocked by {', '.join(margin.missing)}"
        return _answer("QUORUM", "alarm", span(words, "bad"))
    part = len(margin.taking_part)
    some = "1 more failure halts it" if margin.more == 1 else f"{margin.more} more failures halt it"
    roles = ", or ".join(" + ".join(c.roles) for c in margin.coalitions[:6])
    if margin.more == 1:
        enough = "any" if margin.anyone else f"any of {', '.join(margin.critical)}"
    elif margin.anyone:
        several = len({role for c in margin.coalitions for role in c.roles}) > 1
        enough = f"any {margin.more}" + (f"; by role: {roles}" if several else "")
    else:
        enough = roles
    words = f" ({enough})"
    lead = f"{part} of {margin.n} take part, {margin.quorum} needed; "
    style = "warn" if margin.more == 1 else "calm"
    return _answer("QUORUM", style, lead, span(some, "strong"), words)


def _out(scene: Scene) -> Row:
    found: dict[str, list[str]] = {}
    for node in scene.probe.nodes:
        if _troubled(scene, node):
            found.setdefault(state_of(scene, node)[1], []).append(node.id)
    if not found:
        return _answer("OUT", "calm", "nobody: all run, and all lines are open")
    words = "; ".join(f"{', '.join(ids)} {what}" for what, ids in found.items())
    return _answer("OUT", "warn", words)


def _money(scene: Scene) -> Row:
    money = scene.model.money
    unequal = money.unequal()
    broken = [p for p in scene.properties if p.breaches and p.kind in ("money", "safety")]
    if unequal or money.half_settled or money.overdrawn or broken:
        words = [f"supply of {', '.join(unequal)} unequal"] if unequal else []
        words += [f"{money.half_settled} half-settled DvPs"] if money.half_settled else []
        words += [f"{money.overdrawn} overdrawn"] if money.overdrawn else []
        words += [f"{p.name} violated" for p in sorted(broken, key=lambda p: p.kind != "money")]
        return _answer("MONEY", "alarm", span("✗ NOT SAFE: " + "; ".join(words), "bad"))
    glance = scene.glance
    words_ = ": supply equal, nobody overdrawn"
    if money.dvp["proposed"]:
        words_ = f": supply equal, 0 of {money.dvp['settled']} DvPs half-settled"
    if glance.cap_cents and glance.series:
        tenths = glance.cap_used_cents * 1000 // glance.cap_cents
        words_ += f", cap {tenths // 10}.{tenths % 10} %, {glance.coupons_due} coupons due"
    return _answer("MONEY", "calm", span("✓ safe", "ok"), words_)


# How a validator is


def _troubled(scene: Scene, node: NodeProbe) -> bool:
    return (
        not node.up
        or node.paused
        or node.hostile
        or node.halted
        or node.lying_disk
        or node.id in scene.cut_off
        or node.slow > 1
        or node.slow_disk > 1
    )


def state_of(scene: Scene, node: NodeProbe) -> tuple[str, str, str]:
    """(mark, words, style) of a validator's state; the worst first."""
    if not node.up:
        return "✗", "DOWN", "alarm"
    words = []
    if node.halted:
        words.append("HALTED")
    if node.hostile:
        words.append("HOSTILE")
    if node.lying_disk:
        words.append("DISK LIES")
    if node.id in scene.cut_off:
        words.append("CUT OFF")
    if node.paused:
        words.append("FROZEN")
    if node.slow > 1:
        words.append(f"SLOW x{node.slow}")
    elif node.slow_disk > 1:
        words.append(f"SLOW DISK x{node.slow_disk}")
    if words:
        bad = node.hostile or node.halted or node.lying_disk
        mark = "!" if bad else "≠" if node.id in scene.cut_off else "‖"
        return mark, " ".join(words), "bad" if bad else "fault"
    if not node.active and node.view > scene.view:
        return "⟳", "changing view", "warn"
    behind = scene.model.height - node.executed
    if behind > 2:
        return "↑", f"behind {behind}", "warn"
    if node.id == scene.primary:
        return "★", "primary", "primary"
    return "·", "backup", "ok"
