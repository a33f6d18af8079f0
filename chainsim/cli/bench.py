"""``chainsim bench``: how fast this machine runs the simulator."""

from __future__ import annotations

import rich_click as click

from chainsim.cli import output


@click.command("bench")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def command(as_json: bool) -> None:
    """Measure messages per second, beside an empty heap loop in the same process."""
    import msgspec

    from chainsim.benchmark import empty_heap_loop, full_node

    output.note("Measuring; this takes some seconds …")
    raw = empty_heap_loop()
    node = full_node()
    ratio = round(node.per_s / raw.per_s, 4)
    if as_json:
        encoded = msgspec.json.encode({"rows": [node, raw], "ratio": ratio})
        output.write(encoded.decode() + "\n")
        return
    for row in (node, raw):
        output.write(f"{row.name:<20}{row.per_s:>12,} {row.unit} per second\n")
        facts = [f"{row.count:,} in {row.wall_s:.2f} s"]
        facts += [f"{name} {count:,}" for name, count in row.detail.items()]
        output.write(f"{'':<20}{', '.join(facts)}\n")
    output.write(f"The full node runs at {ratio:.1%} of the empty loop's speed.\n")
