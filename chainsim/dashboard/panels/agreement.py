"""Agreement as it happens: slots that fill with votes, the chain they become, views that change."""

from __future__ import annotations

from chainsim.dashboard.facts import MILESTONES, BlockRow, Slot, ViewChange
from chainsim.dashboard.rows import Row, cells, row, span
from chainsim.dashboard.scene import Scene
from chainsim.dashboard.wording import bar, clock


def slots(scene: Scene, width: int, height: int) -> list[Row]:
    """The open sequence numbers and the last ones closed: votes towards the quorum."""
    n, quorum = len(scene.cast.seats), scene.cast.quorum
    gauge = 5 if width < 100 else 10
    each = n if width >= 60 + 2 * n and n <= 20 else 0
    head = f" {'seq':>5} view pre-prepare {'prepare':<{gauge + 6 + each + bool(each)}} "
    head += f"{'commit':<{gauge + 6 + each + bool(each)}} executed"
    rows = [row(span(head, "head"))]
    model = scene.model
    top = max(model.slots, default=0)
    shown = [s for s in range(max(1, top - height + 2), top + 1) if s in model.slots]
    open_ = [s for s in sorted(model.slots) if s > model.height]
    if len(open_) > height - 1:
        shown = open_[: height - 1]
    for sequence in shown:
        slot = model.slots[sequence]
        form = (n, quorum, gauge, each, slot.view % n)
        rows.append(_slot(sequence, slot, form, done=sequence <= model.height))
    if not shown:
        rows.append(row(span("  nothing proposed yet", "dim")))
    return rows


def _slot(sequence: int, slot: Slot, form: tuple[int, int, int, int, int], *, done: bool) -> Row:
    n, quorum, gauge, each, primary = form
    accepted = slot.stage[MILESTONES[0]].bit_count()
    spans = [
        span(f" {sequence:>5} {slot.view:>4} ", "dim" if done else "strong"),
        span(cells(f"{accepted}/{n}", 11)),
        *_votes(slot.prepares, slot.stage["prepared"], quorum - 1, (gauge, each, primary)),
        *_votes(slot.commits, slot.stage["committed"], quorum, (gauge, each, -1)),
        span(f" {slot.executed.bit_count()}/{n}", "ok" if slot.executed.bit_count() == n else ""),
    ]
    if slot.rivals:
        spans.append(span(f" {1 + len(slot.rivals)} DIGESTS: somebody lies", "bad"))
    return row(*spans)


def _votes(
    signed: int, reached: int, wanted: int, form: tuple[int, int, int]
) -> list[tuple[str, str]]:
    """Votes signed towards those wanted; ✓ once somebody holds enough; then whose they are (★:
    the primary, whose proposal stands for its PREPARE)."""
    gauge, each, primary = form
    count = signed.bit_count()
    style = "ok" if reached else "warn" if count else "dim"
    mark = "✓" if reached else " "
    spans = [
        span(f" {bar(min(count, wanted), wanted, gauge)} {f'{count}/{wanted}':<4}{mark}", style)
    ]
    if each:
        marks = ["●" if signed >> place & 1 else "·" for place in range(each)]
        if primary >= 0 and marks[primary] == "·":
            marks[primary] = "★"
        spans.append(span(f" {''.join(marks)}", style))
    return spans


def chain(scene: Scene, width: int, height: int) -> list[Row]:
    """The last blocks, the newest first."""
    n = len(scene.cast.seats)
    rows = [row(span(" height     at s view hash     txs refused executed", "head"))]
    for block in list(scene.model.blocks)[-1:-height:-1]:
        rows.append(_block(block, n))
    if len(rows) == 1:
        rows.append(row(span("  no block yet", "dim")))
    del width
    return rows


def _block(block: BlockRow, n: int) -> Row:
    count = block.executed.bit_count()
    return row(
        span(f" {block.height:>6} ", "strong"),
        f"{clock(block.at_us, 2):>8} {block.view:>4} ",
        span(block.hash[:4].hex(), "dim"),
        f" {block.transactions:>3} ",
        span(f"{block.refused or '·':>7} ", "warn" if block.refused else "dim"),
        span(f"{count}/{n}", "ok" if count == n else ""),
    )


def views(scene: Scene, width: int, height: int) -> list[Row]:
    """Each view change with its cause, the newest first."""
    changes = scene.model.view_changes
    if not changes:
        return [row(span(" none: view 0 since the start", "dim"))]
    rows: list[Row] = []
    for change in reversed(changes):
        rows.extend(_view(scene, change, width))
        if len(rows) >= height:
            break
    return rows[:height]


def _view(scene: Scene, change: ViewChange, width: int) -> list[Row]:
    n = len(scene.cast.seats)
    entered = change.entered.bit_count()
    where = f"{entered}/{n} entered" if entered else f"{change.callers.bit_count()}/{n} call for it"
    head = f" ⟳ {clock(change.started_us, 2):>7} s to view {change.view}"
    head += f" ({scene.cast.primary(change.view)}), {where}"
    first = row(span(head, "" if entered else "warn"))
    why = f"{change.node} says: {change.cause}"
    trouble = change.why(scene.cast.primary(change.view - 1), past=True)
    if trouble:
        why = f"{trouble}; {why}"
    return [first, row(span(cells(f"     why: {why}", width), "dim"))]
