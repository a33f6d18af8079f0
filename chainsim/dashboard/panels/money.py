"""Money at a glance: what is accounted for, reserved and due, and who may trade."""

from __future__ import annotations

from typing import Final

from chainsim.dashboard.glance import Glance, SeriesGlance
from chainsim.dashboard.rows import Row, cells, row, span
from chainsim.dashboard.scene import Scene
from chainsim.dashboard.wording import amount, bar

FREE_TO_TRADE: Final = "LICENSED"


def money(scene: Scene, width: int, height: int) -> list[Row]:
    """Supply of each asset, DvPs, the cap, then series, licences and the largest accounts."""
    books, glance = scene.model.money, scene.glance
    rows: list[Row] = []
    for asset in books.issued:
        held, issued = books.total.get(asset, 0), books.issued[asset]
        equal = held == issued
        mark = span(" ✓", "ok") if equal else span(" ✗ UNEQUAL", "alarm")
        words = f" {amount(held)} = issued"
        if not equal:
            words = f" {amount(held)} held, {amount(issued)} issued"
        rows.append(row(f" {cells(asset, 16)}", mark, words))
    rows.append(_dvp(scene))
    if glance.cap_cents:
        rows.append(_cap(glance))
    rows += [_series(each, glance) for each in glance.series]
    rows += [_licence(firm, state) for firm, state in glance.licences]
    room = height - len(rows)
    if room > 1:
        rows.append(row(span(" largest accounts", "head")))
        ranked = sorted(books.held.items(), key=lambda item: (-item[1], item[0]))
        rows += [
            row(f" {cells(account, 18)} {amount(held):>13} ", span(asset, "dim"))
            for (account, asset), held in ranked[: room - 1]
            if held
        ]
    del width
    return rows[:height]


def _dvp(scene: Scene) -> Row:
    books = scene.model.money
    steps = f" DvP {books.dvp['settled']} settled, {books.open_dvps} open, "
    half = books.half_settled
    mark = span(f"✗ {half} HALF", "alarm") if half else span("0 half ✓", "ok")
    refused = f"; {books.refused} refused" if books.refused else ""
    return row(steps, mark, span(refused, "dim"))


def _cap(glance: Glance) -> Row:
    tenths = glance.cap_used_cents * 1000 // glance.cap_cents
    gauge = bar(glance.cap_used_cents, glance.cap_cents, 10)
    used = f" cap {gauge} {tenths // 10}.{tenths % 10} %"
    due = glance.coupons_due
    coupon = span(f"; coupons due {due}", "warn" if due else "dim")
    return row(used, coupon)


def _series(each: SeriesGlance, glance: Glance) -> Row:
    if each.pays is None:
        return row(f" {cells(each.id, 16)} ", span(f"no coupon; matures {each.maturity}", "dim"))
    due = "coupon" if glance.day is None or each.pays > glance.day else "DUE:"
    due = "LATE:" if glance.day is not None and each.pays < glance.day else due
    style = "dim" if due == "coupon" else "warn" if due == "DUE:" else "bad"
    return row(f" {cells(each.id, 16)} ", span(f"{due} {each.coupon} on {each.pays}", style))


def _licence(firm: str, state: str) -> Row:
    style = "ok" if state == FREE_TO_TRADE else "bad" if state == "REVOKED" else "warn"
    mark = "✓" if state == FREE_TO_TRADE else "✗" if state in ("REVOKED", "LAPSED") else "•"
    return row(f" {cells(firm, 16)} licence ", span(f"{mark} {state}", style))
