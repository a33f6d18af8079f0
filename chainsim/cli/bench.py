"""``chainsim bench``: how fast this machine runs the simulator."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from chainsim.cli import options, output
from chainsim.exit_codes import ExitCode


@click.command("bench")
@click.argument("rows", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Long rows too: hours on a slow machine.")
@click.option("--list", "listing", is_flag=True, help="Only say which rows there are.")
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE", help="Keep the rows.")
@click.option(
    "--compare", type=click.Path(path_type=Path), metavar="FILE", help="Beside what was saved."
)
@options.as_json
@click.pass_context
def command(
    context: click.Context,
    rows: tuple[str, ...],
    everything: bool,
    listing: bool,
    save: Path | None,
    compare: Path | None,
    as_json: bool,
) -> None:
    """Measure what a decision, a seed, a transaction costs, beside an empty heap loop.

    ROWS are names from --list; without any, all that take seconds. Times are CPU time.
    """
    from chainsim.bench import runner, table
    from chainsim.bench.catalogue import ENTRIES
    from chainsim.bench.measure import BenchmarkFailed
    from scenarios.errors import did_you_mean

    if listing:
        for name, entry in ENTRIES.items():
            output.write(f"{name:<24}{entry.about}{' (long)' if entry.long else ''}\n")
        return
    for name in rows:
        if name not in ENTRIES:
            raise click.UsageError(f'no row "{name}"{did_you_mean(name, ENTRIES)}; see --list')
    try:
        before = {} if compare is None else {row.name: row for row in runner.read(compare).rows}
    except runner.NotSaved as problem:
        raise click.UsageError(str(problem)) from problem
    wanted = rows or tuple(n for n, entry in ENTRIES.items() if everything or not entry.long)
    if not as_json:
        output.write(table.HEADER + ("  change\n" if before else "\n"))
    found = []
    for name in wanted:
        try:
            row = runner.measured(name)
        except BenchmarkFailed as problem:
            output.note(str(problem))
            context.exit(ExitCode.EXPECTATION)
        found.append(row)
        if not as_json:
            output.write(table.line(row, before.get(name)) + "\n")
        if save is not None:  # after each, so that an interrupt keeps what there is
            save.write_bytes(runner.encoded(tuple(found)))
    if as_json:
        output.write(runner.encoded(tuple(found)).decode())
    elif before:
        for text in table.differences(tuple(found), before):
            output.write(text + "\n")
