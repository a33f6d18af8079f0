"""``chainsim schema``: the JSON Schema of scenario files, so that editors complete them."""

from __future__ import annotations

import rich_click as click

from chainsim.cli import output


@click.command("schema")
def command() -> None:
    """Print the JSON Schema of scenario files."""
    import msgspec

    from scenarios.json_schema import json_schema

    encoded = msgspec.json.encode(json_schema())
    output.write(msgspec.json.format(encoded, indent=2).decode() + "\n")
