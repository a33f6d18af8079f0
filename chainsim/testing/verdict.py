"""A run's result in words: what is broken, and where everybody stands."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from chainsim.checks import CheckResult
from chainsim.expectations import SAFETY_KINDS
from chainsim.run_result import RunResult
from chainsim.simulation.world import World
from scenarios.schema import Expect


def complaints(result: RunResult, expect: Expect, names: Collection[str]) -> list[str]:
    """One line for each broken property among ``names``; without names of all, as far as the
    scenario doesn't expect it, and for each of its expectations."""
    if names:
        return [_line(check) for check in result.checks if check.name in names and not check.ok]
    lines = [_line(check) for check in result.checks if not check.ok and not _wanted(check, expect)]
    lines += [
        f"expected {row.name}: wanted {row.wanted}, got {row.got}"
        for row in result.expectations
        if not row.ok and row.name not in ("safety", "liveness", "sometimes")
    ]
    if expect.safety == "violated" and all(c.ok for c in result.checks if c.kind in SAFETY_KINDS):
        lines.append("expected a violation of safety, and nothing was violated")
    if expect.liveness == "stalls" and all(c.ok for c in result.checks if c.kind == "liveness"):
        lines.append("expected a stall, and the network lives")
    return lines


def _wanted(check: CheckResult, expect: Expect) -> bool:
    if check.kind in SAFETY_KINDS:
        return expect.safety == "violated"
    return check.kind == "liveness" and expect.liveness != "recovers"


def _line(check: CheckResult) -> str:
    return f"{check.name}: {check.detail}"


def standing(world: World) -> str:
    """Where each validator stands, in one line."""
    return "; ".join(_standing(world))


def _standing(world: World) -> Iterator[str]:
    for host in world.validators:
        if host.node is None:
            yield f"{host.id} is down"
            continue
        view, active, executed, _ = host.node.status()  # type: ignore[attr-defined]
        yield f"{host.id} at height {executed} {'in' if active else 'on its way to'} view {view}"
