"""The part of a summary that holds a run beside the same one without its faults."""

from __future__ import annotations

from rich.table import Table

from chainsim.quantities import per_second, percent, seconds
from chainsim.run_summary import Beside


def beside_table(beside: Beside) -> Table:
    """One line for each figure: this run's, the undisturbed one's, and the first in terms of the
    second."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("", style="dim")
    for column in ("this run", "undisturbed", ""):
        table.add_column(column, justify="right")
    one, other = beside.disturbed, beside.undisturbed
    rates = one.throughput_per_hour, other.throughput_per_hour
    table.add_row("throughput", *map(per_second, rates), percent(*rates))
    latencies = (
        ("finality p50", one.finality_us.p50, other.finality_us.p50),
        ("finality p99", one.finality_us.p99, other.finality_us.p99),
    )
    for name, mine, theirs in latencies:
        share = "-" if mine is None or theirs is None else percent(mine, theirs)
        table.add_row(name, _time(mine), _time(theirs), share)
    final = (f"{pace.final:,} of {pace.submitted:,}" for pace in (one, other))
    table.add_row("final", *final, "")
    table.add_row("view changes", str(one.view_changes), str(other.view_changes), "")
    return table


def _time(us: int | None) -> str:
    return "never" if us is None else seconds(us)
