"""Tables of the pages that follow from the code's own tables."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping

import rich_click as click

from chainsim.checks import CHECKS
from chainsim.cli.group import cli
from consensus.evidence import KINDS
from nodes.byzantine import BEHAVIOURS, Twins
from nodes.ledger import access
from nodes.ledger.transactions import BODIES
from scenarios import loader
from scenarios.faults import FAULTS
from scenarios.workload import WORKLOADS


def commands() -> str:
    """The command line: how each is called, and what it does."""
    rows = []
    context = click.Context(cli, info_name="chainsim")
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        pieces = command.collect_usage_pieces(click.Context(command, info_name=name))
        called = " ".join([name, *(piece for piece in pieces if piece != "[OPTIONS]")])
        rows.append((f"`{called}`".replace("|", "\\|"), command.get_short_help_str(200)))
    return table(("command", "does"), rows)


def shipped() -> str:
    """The scenarios of the library."""
    scenarios = [loader.load(name) for name in loader.shipped()]
    return table(("scenario", "what happens"), [(f"`{s.name}`", s.title) for s in scenarios])


def rooms(registry: Mapping[str, type], heading: str) -> str:
    """A registry whose classes live in a file each: what the file says of itself."""
    rows = [(f"`{name}`", first_sentence(kind.__module__)) for name, kind in registry.items()]
    return table((heading, "what it is"), rows)


def transactions() -> str:
    """What parties can send, and what the specification knows beyond it."""
    rows = [(f"`{name}`", (body.__doc__ or "").splitlines()[0]) for name, body in BODIES.items()]
    later = sorted({row.transaction for row in access.ROWS} - set(BODIES))
    note = f"\nIn `roles.csv` but not executed yet: {', '.join(f'`{name}`' for name in later)}.\n"
    return table(("transaction", "what it does"), rows) + (note if later else "")


def checks() -> str:
    """The properties, with their kinds."""
    rows = []
    for name, check in CHECKS.items():
        assert isinstance(check, type)
        rows.append((f"`{name}`", check.kind, first_sentence(check.__module__)))
    return table(("property", "kind", "what holds"), rows)


def proofs() -> str:
    """What can be proven against a validator, and by which signed messages."""
    rows = [(f"`{kind}`", (judge.__doc__ or "").splitlines()[0]) for kind, judge in KINDS.items()]
    return table(("kind", "what its culprit signed"), rows)


def first_sentence(module: str) -> str:
    """The first line of a module's docstring, without the ``name`` that it may begin with."""
    line = (sys.modules[module].__doc__ or "").strip().splitlines()[0]
    line = re.sub(r"^``[\w-]+``: ", "", line)
    return re.sub("``", "`", line[0].upper() + line[1:])


def table(heading: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    heading = tuple(heading)
    lines = [heading, ("---",) * len(heading), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


GENERATED: dict[str, Callable[[], str]] = {
    "commands": commands,
    "scenarios": shipped,
    "faults": lambda: rooms(FAULTS, "fault"),
    "transactions": transactions,
    "workloads": lambda: rooms(WORKLOADS, "workload"),
    "behaviours": lambda: rooms({**BEHAVIOURS, "twins": Twins}, "behaviour"),
    "checks": checks,
    "proofs": proofs,
}
"""By the name in the page's marker."""
