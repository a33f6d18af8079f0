"""The summary at the end of a run, for a terminal: a pure function of a ``RunSummary``.

Every verdict is said in words as well as by mark and colour, so that it reads the same
without colour, and over a pipe.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from rich.columns import Columns
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from chainsim.quantities import seconds
from chainsim.run_summary import (
    Auction,
    CheckLine,
    ExpectationLine,
    FaultLine,
    NodeLine,
    RunSummary,
    WatcherLine,
)
from chainsim.summary_auction import auction_table
from chainsim.summary_beside import beside_table

VERDICTS: Final[dict[int, str]] = {
    0: "everything holds",
    1: "an expectation fails",
    3: "SAFETY IS VIOLATED",
    4: "LIVENESS IS VIOLATED",
    5: "the replay diverged",
    130: "interrupted; what was done so far is kept",
}
"""By exit code."""

MESSAGE_ORDER: Final = ("request", "pre-prepare", "prepare", "commit", "reply", "checkpoint")
"""The types of the normal case, in the order in which a transaction meets them."""

STEP: Final = re.compile(r"workload\[\d+\]\.steps\[\d+\] ")
"""How the name of a script step's expectation begins."""


class Marks(msgspec.Struct, frozen=True):
    """Signs that the terminal can show."""

    good: str
    bad: str
    dot: str


UNICODE: Final = Marks("✓", "✗", "·")
ASCII: Final = Marks("ok", "X", "-")


def print_summary(
    console: Console, summary: RunSummary, commands: Iterable[tuple[str, str]] = ()
) -> None:
    """The whole summary, then what to do next: ``commands`` are (what for, command line)."""
    console.print(SummaryView(summary))
    offers = [("run folder", summary.run_dir)] if summary.run_dir else []
    offers += commands
    pad = max((len(purpose) for purpose, _ in offers), default=0) + 2
    for purpose, command in offers:
        line = Text(f"  {purpose:<{pad}}", style="dim").append(command, style="not dim bold")
        # Wrapped by the terminal, not by us: a person copies it whole.
        console.print(line, soft_wrap=True)


class SummaryView:
    """Renders one summary up to and including the verdict."""

    def __init__(self, summary: RunSummary) -> None:
        self._summary = summary

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        marks = ASCII if options.ascii_only else UNICODE
        summary = self._summary
        yield from _heading(summary, marks)
        yield _section("Validators", _nodes(summary.nodes, marks, wide=options.max_width >= 120))
        if summary.faults:
            yield _section("What went wrong on purpose", _faults(summary.faults))
        yield _section("Traffic", _traffic(summary, marks))
        if summary.beside is not None:
            yield _section("Beside the same run without its faults", beside_table(summary.beside))
        if summary.watchers:
            yield _section("Light observers", _watchers(summary.watchers, marks))
        for auction in summary.settlement.auctions:
            yield _section(_auction_title(auction), auction_table(auction, marks.good, marks.bad))
        yield _section("Checks", _checks(judged(summary), marks))
        if summary.expectations and summary.ended != "interrupted":
            yield _section("Expectations", _expectations(summary.expectations, marks))
        yield _verdict(summary, marks)


def _heading(summary: RunSummary, marks: Marks) -> Iterable[RenderableType]:
    yield Rule(Text(summary.scenario, style="bold"), characters="-" if marks is ASCII else "─")
    if summary.title:
        yield Text(summary.title, style="italic", justify="center")
    facts = (
        f"seed {summary.seed}",
        f"height {summary.height}",
        f"{seconds(summary.virtual_time_us)} simulated in {summary.wall_s:.1f} s",
        f"digest {summary.digest[:16]}",
    )
    yield Text(f" {marks.dot} ".join(facts), style="dim", justify="center")


def _section(title: str, body: RenderableType) -> RenderableType:
    return Group(Text(f"\n{title}", style="bold"), Padding(body, (0, 0, 0, 2)))


def _grid(*columns: str, header: bool = True) -> Table:
    """A borderless table; a column name that begins with ">" is right-aligned."""
    table = Table(box=None, show_header=header, header_style="dim", pad_edge=False)
    for column in columns:
        right = column.startswith(">")
        table.add_column(column.lstrip(">"), justify="right" if right else "left")
    return table


def _nodes(nodes: Iterable[NodeLine], marks: Marks, *, wide: bool) -> Table:
    nodes = tuple(nodes)
    top = max((node.height for node in nodes), default=0)
    table = _grid("node", "role", "city", ">height", ">view", "state")
    for node in nodes:
        if not node.up:
            state = Text(f"{marks.bad} down", style="red")
        elif node.height < top:
            state = Text(f"{marks.bad} {top - node.height} behind", style="yellow")
        else:
            state = Text(f"{marks.good} level", style="green")
        if node.up and not node.active:
            state.append(", changing view", style="yellow")
        if node.waits_for:
            state.append(f"; waits for {node.waits_for}")
        table.add_row(
            Text(node.id, style="bold"),
            node.role,
            node.city,
            str(node.height),
            str(node.view),
            state,
        )
    if wide:
        table.padding = (0, 3, 0, 0)
    return table


def _faults(faults: Iterable[FaultLine]) -> Table:
    table = _grid("fault", "nodes", ">from", ">until")
    for fault in faults:
        until = "the end" if fault.until_us is None else seconds(fault.until_us)
        groups = fault.groups or (fault.nodes,)
        nodes = " | ".join(", ".join(group) for group in groups)
        kind = f"{fault.kind}: {fault.behaviour}" if fault.behaviour else fault.kind
        table.add_row(kind, nodes, seconds(fault.from_us), until)
    return table


def _traffic(summary: RunSummary, marks: Marks) -> Table:
    table = _grid("", "", header=False)
    gap = f" {marks.dot} "
    sent = summary.messages
    table.add_row(
        "messages",
        f"{sent.sent:,} sent{gap}{sent.delivered:,} delivered{gap}{sent.dropped:,} dropped",
    )
    table.add_row("by type", _counts(sent.by_type, first=MESSAGE_ORDER))
    work = summary.transactions
    table.add_row(
        "transactions",
        f"{work.submitted:,} submitted{gap}{work.final:,} final{gap}{work.failed:,} refused",
    )
    if work.failed:
        table.add_row("by code", _counts(work.by_code, first=("OK",)))
    if summary.settlement.dvp:
        table.add_row("DvP", _counts(summary.settlement.dvp, first=tuple(summary.settlement.dvp)))
    finality = summary.finality_us
    if finality.p50 is not None and finality.p99 is not None and finality.max is not None:
        table.add_row(
            "finality",
            f"p50 {seconds(finality.p50)}{gap}p99 {seconds(finality.p99)}"
            f"{gap}longest {seconds(finality.max)}",
        )
    if summary.finality_stages_us:
        stages = [f"{name} {seconds(us)}" for name, us in summary.finality_stages_us.items()]
        table.add_row("of which", Columns(stages, padding=(0, 3)))
    table.add_row("view changes", str(summary.view_changes))
    market = summary.settlement.market
    if "availability_ppm" in market:
        table.add_row("market", gap.join(_market(market)))
    if summary.misbehaviour:
        caught = (f"{line.node}: {line.kind}" for line in summary.misbehaviour)
        table.add_row("caught", Text(gap.join(caught), style="yellow"))
    table.columns[0].style = "dim"
    table.columns[0].no_wrap = True
    return table


def _market(market: Mapping[str, int]) -> Iterable[str]:
    """The measures of a market infrastructure that people ask for first."""
    yield f"available {_percent(market['availability_ppm'])}"
    yield f"final by value date {_percent(market['final_by_value_date_ppm'])}"
    late, longest = market["late_coupon_days"], market["longest_recovery_us"]
    if late:
        yield f"coupons {late} days late"
    if longest:
        target = seconds(market["recovery_target_us"])
        yield f"longest recovery {seconds(longest)} (target {target})"


def _percent(ppm: int) -> str:
    """``999_500`` as ``99.95 %``."""
    return f"{ppm // 10_000}.{ppm % 10_000 // 100:02d} %"


def _watchers(watchers: Iterable[WatcherLine], marks: Marks) -> Table:
    """What each had proven to it."""
    table = _grid("", "", header=False)
    for watcher in watchers:
        words = (
            f"{_many(watcher.receipts, 'receipt')} and {_many(watcher.balances, 'balance')} "
            f"proven up to height {watcher.height}"
        )
        if watcher.committee_changes:
            words += f" through {_many(watcher.committee_changes, 'committee change')}"
        text = Text(words)
        if watcher.skipped:
            text.append(f" {marks.dot} {_many(watcher.skipped, 'block')} skipped", style="yellow")
        if watcher.liars:
            text.append(f" {marks.dot} caught lying: {', '.join(watcher.liars)}", style="yellow")
        if watcher.stopped:
            text.append(f" {marks.dot} {marks.bad} stopped: {watcher.stopped}", style="red")
        table.add_row(Text(watcher.id, style="bold"), text)
    return table


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _counts(counts: Mapping[str, int], first: tuple[str, ...] = ()) -> Columns:
    """``name count`` side by side, as many as fit; ``first`` come first."""
    names = [name for name in first if name in counts]
    names += sorted(name for name in counts if name not in first)
    return Columns([f"{name} {counts[name]:,}" for name in names], padding=(0, 3))


def _auction_title(auction: Auction) -> str:
    title = f"Auction {auction.series}"
    if auction.title:
        title += f": {auction.title}"
    return title


def judged(summary: RunSummary) -> tuple[CheckLine, ...]:
    """The checks that count. Of a run that was cut short nobody expects what was still to come."""
    whole = summary.ended != "interrupted"
    return tuple(check for check in summary.checks if whole or check.kind != "coverage")


def _checks(checks: Iterable[CheckLine], marks: Marks) -> Table:
    table = _grid("", "", "", header=False)
    for check in checks:
        table.add_row(_mark(check.ok, marks), check.name, check.detail)
    return table


def _mark(ok: bool, marks: Marks) -> Text:
    if ok:
        return Text(marks.good, style="green")
    return Text(f"{marks.bad} FAILS", style="bold red")


def _expectations(lines: Iterable[ExpectationLine], marks: Marks) -> Table:
    """One row each, but for the many steps of scripts that went as they should."""
    table = _grid("", "", header=False)
    smooth = 0
    for line in lines:
        if line.ok and STEP.match(line.name):
            smooth += 1
            continue
        words = Text(line.name)
        words.append(f": {line.wanted}", style="dim")
        if not line.ok or not line.wanted.startswith(line.got):
            words.append(f", got {line.got}")
        table.add_row(_mark(line.ok, marks), words)
    if smooth:
        steps = "1 scripted step" if smooth == 1 else f"{smooth} scripted steps"
        table.add_row(_mark(True, marks), f"{steps} got the code that the script expects")
    return table


def verdict(summary: RunSummary) -> str:
    """What it came to, in one line."""
    words = VERDICTS.get(summary.exit_code, f"exit code {summary.exit_code}")
    checks = judged(summary)
    held = sum(check.ok for check in checks)
    if summary.exit_code == 0 and held < len(checks):
        words = "it fails as the scenario expects"
    met = sum(line.ok for line in summary.expectations)
    counts = f"{held} of {len(checks)} checks hold"
    if summary.ended == "interrupted":
        counts += "; expectations are not judged"
    elif summary.expectations:
        counts += f", {met} of {len(summary.expectations)} expectations are met"
    return f"{words}: {counts}"


def _verdict(summary: RunSummary, marks: Marks) -> RenderableType:
    good = summary.exit_code == 0
    style = "bold green" if good else "bold red"
    lines: list[RenderableType] = [
        Text(""),
        Text(f"{marks.good if good else marks.bad} {verdict(summary)}", style=style),
    ]
    violation = summary.first_violation
    if violation is not None and violation.check in {check.name for check in judged(summary)}:
        where = f"at {seconds(violation.at_us)}"
        where += f", node {violation.node}" if violation.node else ""
        where += f", height {violation.height}" if violation.height else ""
        style = "yellow" if good else "red"
        lines.append(Text(f"  first violation: {violation.check} {where}", style=style))
        lines.append(Padding(Text(violation.meaning), (0, 0, 0, 4)))
    return Group(*lines)
