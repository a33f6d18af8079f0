"""``chainsim bench``: how fast this machine runs the simulator."""

from __future__ import annotations

import rich_click as click

from chainsim.cli import output


@click.command("bench")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def command(as_json: bool) -> None:
    """Measure messages and seeds per second, beside an empty heap loop in the same process."""
    import msgspec

    from chainsim.benchmark import BLOCK_SIZES, empty_heap_loop, exploring, full_node, ledger_alone

    output.note("Measuring; this takes some seconds …")
    raw = empty_heap_loop()
    rows = [full_node(size) for size in BLOCK_SIZES]
    ratios = {row.name: round(row.per_s / raw.per_s, 4) for row in rows}
    rows.append(exploring())  # seeds, of which the empty loop runs none
    rows += [ledger_alone(hashing=False), ledger_alone(hashing=True)]
    if as_json:
        encoded = msgspec.json.encode({"rows": [*rows, raw], "ratios": ratios})
        output.write(encoded.decode() + "\n")
        return
    for row in (*rows, raw):
        output.write(f"{row.name:<34}{row.per_s:>10,} {row.unit} per second\n")
        facts = [f"{row.count:,} in {row.wall_s:.2f} s"]
        facts += [f"{name} {count:,}" for name, count in row.detail.items()]
        if row.name in ratios:
            facts.append(f"{ratios[row.name]:.1%} of the empty loop's speed")
        output.write(f"{'':<34}{', '.join(facts)}\n")
