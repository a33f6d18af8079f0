"""What a sweep came to: plain values for JSON, and tables for people."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from chainsim.exit_codes import ExitCode, decisive
from chainsim.explore.chunks import Job
from chainsim.explore.coverage import WANTED
from chainsim.explore.finds import Group
from chainsim.explore.model import BYZANTINE
from chainsim.explore.runner import Sweep, rate
from chainsim.explore.strategies import kinds_of

GROUPS_SHOWN = 12


class SweepReport(msgspec.Struct, frozen=True, kw_only=True):
    """One sweep; the object that ``explore --json`` prints holds one for each combination."""

    scenario: str
    strategy: str
    varied: dict[str, str]
    """``--vary``: PATH -> the value of this row."""
    first_seed: int
    runs: int
    failures: int
    exit_code: int
    digest: str
    """Over the digests of all runs in order of seeds."""
    groups: tuple[Group, ...]
    ungrouped: int
    coverage: dict[str, int]
    """Event -> in how many runs it happened."""
    never_seen: tuple[str, ...]
    """What a sweep should have seen and didn't."""
    median_deliveries: int
    seeds_per_s: float
    seeds_per_core_s: float
    deliveries_per_s: int
    wall_s: float
    resumed: int
    """Runs taken from the journal of an earlier sweep."""
    interrupted: bool
    states: int = 0
    """Different protocol states reached; counted by ``coverage`` only."""
    lost: str = ""
    """Why the executor couldn't go on; empty if it could."""

    @property
    def title(self) -> str:
        """For people: the scenario, and what was varied."""
        varied = ", ".join(f"{path}={value}" for path, value in self.varied.items())
        return varied or self.scenario


def report(job: Job, first_seed: int, varied: dict[str, str], found: Sweep) -> SweepReport:
    """The plain value of a sweep."""
    speed = rate(found)
    return SweepReport(
        scenario=job.base.name,
        strategy=job.strategy,
        varied=varied,
        first_seed=first_seed,
        runs=found.runs,
        failures=found.failures,
        exit_code=int(exit_code(found)),
        digest=found.digest,
        groups=found.findings.groups,
        ungrouped=found.findings.ungrouped,
        coverage=dict(sorted(found.coverage.items())),
        never_seen=never_seen(job, found.coverage),
        median_deliveries=found.median_deliveries,
        seeds_per_s=speed.seeds_per_s,
        seeds_per_core_s=speed.seeds_per_core_s,
        deliveries_per_s=speed.deliveries_per_s,
        wall_s=round(found.wall_ns / 1e9, 3),
        resumed=found.resumed,
        interrupted=found.interrupted,
        states=found.states,
        lost=found.lost,
    )


def exit_code(found: Sweep) -> ExitCode:
    """What the process ends with: 0 if nothing was found."""
    kinds = found.findings.kinds
    codes = []
    if kinds.get("error"):
        codes.append(ExitCode.INTERNAL)
    if kinds.get("safety") or kinds.get("money"):
        codes.append(ExitCode.SAFETY)
    if kinds.get("liveness"):
        codes.append(ExitCode.LIVENESS)
    if found.lost:
        codes.append(ExitCode.INTERNAL)
    elif found.interrupted:
        codes.append(ExitCode.INTERRUPTED)
    return decisive(codes)


def never_seen(job: Job, coverage: dict[str, int]) -> tuple[str, ...]:
    """Events without which a sweep shows little, and faults that the model would have drawn."""
    kinds = kinds_of(job.strategy, job.model)
    faults = [f"fault:{kind}" for kind in kinds]
    spared = {
        *(() if BYZANTINE in kinds else ("misbehaviour",)),
        *(("crash", "restart") if job.strategy in ("twins", "byzzfuzz") else ()),
    }
    wanted = [name for name in WANTED if name not in spared]
    return tuple(name for name in (*wanted, *faults) if not coverage.get(name))


def render(reports: Sequence[SweepReport], shrink_line: str) -> RenderableType:
    """For people: each sweep's verdict, what was found, and what was never seen."""
    parts: list[RenderableType] = []
    if len(reports) > 1:
        parts.append(_table(reports))
    for one in reports:
        if len(reports) == 1 or one.groups:
            parts.append(_sweep(one, shrink_line))
    return Lines(*parts)


def _table(reports: Sequence[SweepReport]) -> Table:
    """One row for each combination of ``--vary``."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    paths = tuple(reports[0].varied)
    for column in (*paths, "runs", "failures", "view changes", "stalls", "seeds/s", "never seen"):
        table.add_column(column, justify="left" if column in paths else "right")
    for one in reports:
        stalls = sum(group.count for group in one.groups if group.kind == "liveness")
        table.add_row(
            *(one.varied[path] for path in paths),
            f"{one.runs:,}",
            f"{one.failures:,}",
            f"{one.coverage.get('view-change', 0):,}",
            f"{stalls:,}",
            f"{one.seeds_per_s:,}",
            ", ".join(one.never_seen),
        )
    return table


def _sweep(one: SweepReport, shrink_line: str) -> RenderableType:
    lines: list[RenderableType] = [_verdict(one)]
    if one.groups:
        lines.append(_groups(one))
    for group in one.groups[:GROUPS_SHOWN]:
        if group.shrunk:
            lines.append(Text(f"  smallest: {group.shrunk}"))
        elif group.run_dir:
            lines.append(Text(f"  {shrink_line} {group.run_dir}", style="dim"))
    if one.never_seen:
        lines.append(
            Text(
                f"  never seen: {', '.join(one.never_seen)}: the sweep shows nothing of that",
                style="yellow",
            )
        )
    lines.append(Text(f"  {_speed(one)}", style="dim"))
    return Lines(*lines)


def _verdict(one: SweepReport) -> Text:
    last = one.first_seed + one.runs - 1
    seeds = f"seeds {one.first_seed} to {last}" if one.runs else "no seeds"
    head = f"{one.title}, {one.strategy}, {seeds}: "
    if one.failures:
        return Text(head + f"{one.failures:,} of {one.runs:,} runs fail", style="bold red")
    if one.lost:
        return Text(head + f"workers were lost ({one.lost}); --resume goes on", style="bold red")
    if one.interrupted:
        return Text(head + "interrupted; nothing found so far", style="yellow")
    return Text(head + f"nothing found in {one.runs:,} runs", style="bold green")


def _groups(one: SweepReport) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("violated", "runs", "seed", "faults", "first says"):
        table.add_column(column, justify="right" if column in ("runs", "seed") else "left")
    for group in one.groups[:GROUPS_SHOWN]:
        faults = ", ".join(group.faults)
        table.add_row(
            Text(group.check, style="red"), str(group.count), str(group.seed), faults, group.detail
        )
    more = len(one.groups) - GROUPS_SHOWN
    if more > 0:
        table.add_row("…", "", "", f"and {more} more groups", "")
    return table


def _speed(one: SweepReport) -> str:
    words = (
        f"{one.seeds_per_s:,} seeds/s, {one.seeds_per_core_s:,} per core and second; "
        f"median {one.median_deliveries:,} deliveries a run, {one.deliveries_per_s:,} a second"
    )
    if one.states:
        words += f"; {one.states:,} protocol states"
    if one.resumed:
        words += f"; {one.resumed:,} runs taken from the journal"
    return f"{words}; digest {one.digest[:16]}"
