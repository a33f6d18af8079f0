"""A newcomer's questions, answered from the screen alone and compared with the world.

Who leads? Is a view change under way, and why? Who is cut off or down? How many more failures
halt the network? Is money safe?
"""

from __future__ import annotations

import re

import pytest

from chainsim.dashboard.app import App
from consensus.types import quorum_size, weak_quorum_size
from scenarios.loader import load
from tests.unit.dashboard.support import live, screen, until

MOMENTS = {
    "cascading-primary-crashes": range(2_000_000, 14_000_000, 400_000),
    "partition-heal": range(4_000_000, 14_000_000, 500_000),
    "asymmetric-cut": range(2_000_000, 9_000_000, 500_000),
    "equivocating-primary": range(1_000_000, 6_000_000, 500_000),
}
"""Scenarios, and when somebody looks at the screen."""


def label(text: str, name: str) -> str:
    """The row with this label; empty if there is none."""
    found = re.search(rf"^ {name} +(.*)$", text, re.MULTILINE)
    return found[1] if found else ""


def named(out: str, state: str) -> set[str]:
    """Whom the row OUT says to be in a state."""
    parts = [part.strip() for part in out.split(";")]
    return {
        id_.strip()
        for part in parts
        if part.endswith(state)
        for id_ in part.removesuffix(state).split(",")
    }


@pytest.mark.parametrize("name", MOMENTS)
def test_a_newcomer_reads_the_truth(name: str) -> None:
    app = App(live(load(name)), 1_000)
    seen: set[str] = set()
    for at_us in MOMENTS[name]:
        until(app.run, at_us)
        text = screen(app, 160, 40)
        world = app.run.simulation.world
        hosts = world.validators
        n = len(hosts)
        statuses = {h.id: h.node.status() for h in hosts if h.node is not None}  # type: ignore[attr-defined]
        # Who leads, or that views change.
        changing = [id_ for id_, (view, active, *_) in statuses.items() if not active]
        if label(text, "PRIMARY"):
            assert f"★ {world.primary().id} " in label(text, "PRIMARY")
            assert len(changing) < n
            seen.add("primary")
        else:
            words = label(text, "VIEWS")
            wanted = max(view for view, active, *_ in statuses.values() if not active)
            assert words.startswith(f"⟳ changing to view {wanted}: ")
            assert "not executed in time" in words or "NEW-VIEW" in words or "changed view" in words
            assert len(changing) >= min(weak_quorum_size(n), len(statuses))
            seen.add("view change")
        # Who is out.
        out = label(text, "OUT")
        down = {host.id for host in hosts if not host.up}
        assert named(out, " DOWN") == down
        lines = {h.id: {o.id for o in hosts if h.rules.get(o.instance)} for h in hosts}
        cut = any(lines.values())
        assert ("CUT OFF" in out) == (cut and len(down) < n)
        assert ("nobody" in out) == (not down and not cut and "HOSTILE" not in out)
        # How many more.
        hostile = {host.id for host in hosts if world.director.is_hostile(host)}
        assert named(out, " HOSTILE") == hostile - down
        left = n - len(down | hostile)
        if not cut and left >= quorum_size(n):
            more = left - quorum_size(n) + 1
            plural = "failure halts" if more == 1 else "failures halt"
            assert f"{more} more {plural} it" in label(text, "QUORUM")
        elif not cut and left + len(hostile - down) < quorum_size(n):
            assert label(text, "QUORUM").startswith("HALTED")
            seen.add("halted")
        # Money.
        assert label(text, "MONEY").startswith("✓ safe")
    assert "primary" in seen
    if name == "cascading-primary-crashes":
        assert {"view change", "halted"} & seen


def test_money_that_is_not_safe_is_said_so() -> None:
    app = App(live(load("amnesia-beyond-f")), 1_000)
    until(app.run, 12_000_000)
    text = screen(app, 120, 40)
    assert label(text, "MONEY").startswith("✗ NOT SAFE: ")
    assert "agreement violated" in label(text, "MONEY")
    assert "─ Properties: " in text
    assert "VIOLATED" in text
    app.run.model.money.total["PKR"] += 1  # what no run can do
    assert "supply of PKR unequal" in screen(app, 120, 40)
