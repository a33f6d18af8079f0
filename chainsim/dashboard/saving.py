"""Writes a run, with all that was done to it, as a scenario that gives the same digest."""

from __future__ import annotations

from pathlib import Path

from chainsim.dashboard.live_run import LiveRun
from chainsim.dashboard.wording import clock
from scenarios.loader import resolved_toml


def save(run: LiveRun, folder: Path) -> Path:
    """A new file in ``folder``, never one that exists. Raises ``OSError``."""
    text = _header(run) + resolved_toml(run.scenario)
    count = 1
    while True:
        suffix = "" if count == 1 else f"-{count}"
        path = folder / f"{run.scenario.name}-live{suffix}.toml"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            count += 1
            continue
        return path


def _header(run: LiveRun) -> str:
    done = len(run.live_faults)
    lines = [f"# {run.scenario.name}, seed {run.scenario.seed}, as it was run at the dashboard: "]
    lines[0] += f"the last {done} of the faults were done live." if done else "as the file says."
    lines.append(
        "# A fault acts at its microsecond before all else; several at one, in this order."
    )
    if run.result is None:
        lines.append(f"# Written at {clock(run.now_us, 6)} s, before the run was over.")
    else:
        lines.append(f"# The run was over ({run.result.ended}) at {clock(run.now_us, 6)} s.")
        lines.append(f"# Digest: {run.result.digest}")
    return "\n".join(lines) + "\n\n"
