"""Tables of the pages that follow from the code's own tables."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec
import rich_click as click

from chainsim.checks import CHECKS
from chainsim.cli.group import cli
from chainsim.dashboard.app import KEYS
from chainsim.dashboard.prods import BEHAVIOUR_PRODS, PRODS
from chainsim.explore import bug_report
from chainsim.explore.bug_table import BugTable, shares
from chainsim.goals.readings import BUGS, bug_table
from consensus.encoding import encode
from consensus.evidence import KINDS
from consensus.records import HaltedRecord
from nodes import durable, wal
from nodes.byzantine import BEHAVIOURS, Attacker, Twins
from nodes.hostile_clients import ClientAttacker
from nodes.ledger import access
from nodes.ledger.transactions import BODIES
from scenarios import loader
from scenarios.faults import FAULTS
from scenarios.workload import WORKLOADS
from tests.docs import faults, liars

ROOT = Path(__file__).parents[2]


FURTHER = "docs/further-bugs.json"
"""Likewise, of ``tests.mutants.further``."""


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
    """A registry whose classes live in a file each: what the file says of itself, or, where it
    holds several, what each class does."""
    crowded = Counter(kind.__module__ for kind in registry.values())
    rows = []
    for name, kind in registry.items():
        alone = crowded[kind.__module__] == 1
        rows.append((f"`{name}`", first_sentence(kind.__module__) if alone else summary(kind)))
    return table((heading, "what it is"), rows)


def summary(kind: type) -> str:
    """The first sentence of a class's docstring."""
    text = " ".join((kind.__doc__ or "").split())
    return re.sub("``", "`", re.split(r"(?<=\.)\s", text, maxsplit=1)[0])


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


def properties() -> str:
    """The properties with their whole definitions, as their files have them."""
    rows = []
    for name, check in CHECKS.items():
        assert isinstance(check, type)
        text = " ".join((sys.modules[check.__module__].__doc__ or "").split())
        rows.append((f"`{name}`", check.kind, re.sub("``", "`", text)))
    return table(("property", "kind", "definition"), rows)


def bugs() -> BugTable | None:
    """The last table of planted bugs that was saved."""
    return bug_table(ROOT / BUGS)


def planted_bugs(found: BugTable | None) -> str:
    """A table of planted bugs, as it was saved."""
    if found is None:
        return "Nothing was measured yet.\n"
    strategies = found.strategies
    rows = []
    for row in found.mutants:
        cells = {cell.strategy: bug_report.seeds_of(cell) for cell in row.cells}
        seeds = (cells.get(name, "") for name in strategies)
        by = bug_report.found_by(row)
        by += f": {row.unseen}" if row.unseen and not row.found else ""
        rows.append((str(row.number), row.name, row.breaks, by, *seeds, bug_report.size_of(row)))
    heading = ("#", "bug", "breaks", "found by", *strategies, "size")
    said = f"{bug_report.verdict(found)}. {bug_report.settings(found)}."
    return f"{table(heading, rows)}\n{said}\n"


def property_shares() -> str:
    """What each property finds alone, and which bugs survive without it."""
    found = bugs()
    if found is None:
        return "Nothing was measured yet.\n"
    rows = [
        (f"`{share.check}`", str(len(share.alone)), bug_report.numbers(share.lost))
        for share in shares(found.mutants)
    ]
    of = sum(row.found for row in found.mutants)
    return table(("property", f"alone finds, of {of} bugs", "bugs that survive without it"), rows)


def proofs() -> str:
    """What can be proven against a validator, and by which signed messages."""
    rows = [(f"`{kind}`", (judge.__doc__ or "").splitlines()[0]) for kind, judge in KINDS.items()]
    return table(("kind", "what its culprit signed"), rows)


def keys() -> str:
    """The dashboard's keys; those that do the same share a row."""
    rows: dict[str, list[str]] = {}
    for key, entry in KEYS.items():
        rows.setdefault(entry.help, []).append("space" if key == " " else key)
    return table(
        ("key", "what it does"), [(" ".join(f"`{k}`" for k in ks), h) for h, ks in rows.items()]
    )


def prods() -> str:
    """What can be done to a validator from the dashboard's menus."""
    rows = [(f"`f` `{p.key}`", p.label) for p in PRODS]
    rows += [(f"`b` `{p.key}`", p.label) for p in BEHAVIOUR_PRODS]
    return table(("keys", "what happens to the selected validator"), rows)


GIVEN = {
    "id": "its node's name",
    "party": "its name on the ledger",
    "chain": "the genesis hash",
    "committee": "who validates, as far as its own node knows",
    "validators": "who validates",
    "signer": "its own key",
    "keys": "its own keys, after rotations too",
    "draws": "a source of chance of its own, so that it shifts nobody else's",
    "options": "what the scenario chose about it",
    "tactics": "what the scenario chose about it",
    "parameters": "the protocol's, which all share",
    "purse": "what its party had in genesis, and the accounts of others that hold the same",
    "accessories": "keys of those whom the scenario names in one `collude` with it, else none",
}
"""What an attacker is given: a field that has no line here may be more than it should have."""


def given(attacker: type[msgspec.Struct]) -> str:
    """Everything that a behaviour is given."""
    rows = [(f"`{name}`", GIVEN[name]) for name in attacker.__struct_fields__]
    return table(("it is given", "which is"), rows)


def disk_files() -> str:
    """The files of a validator's disk."""
    rows = [
        (f"`{durable.SUPERBLOCK}`", "whose disk it is, and how far each file is durable", "yes")
    ]
    for area, format_ in durable.FORMATS.items():
        rows.append((f"`{area}`", format_.holds, "yes" if format_.binds else "no: fetched again"))
    return table(("file", "what is in it", "is its loss amnesia?"), rows)


def disk_example() -> str:
    """A small vote log, byte by byte."""
    data = example_log()
    header, record = wal.ends(data)
    parts = [(0, len(wal.MAGIC), "magic")]
    for start, end, what in (
        (len(wal.MAGIC), header, "header: generation 1, began with no record"),
        (header, record, "record: this replica has stopped for good"),
    ):
        parts += [
            (start, start + 4, "length"),
            (start + 4, start + wal.OVERHEAD, "checksum"),
            (start + wal.OVERHEAD, end, what),
        ]
    lines = []
    for start, end, what in parts:
        for at in range(start, end, 16):
            note = what if at == start else ""
            lines.append(f"{at:4}  {data[at : min(at + 16, end)].hex(' '):47}  {note}".rstrip())
    return "```text\n" + "\n".join(lines) + "\n```\n"


def example_log() -> bytes:
    """The bytes that the page about disks shows."""
    id_ = wal.FileId("v0", "log")
    return wal.new_file(id_) + wal.frame(id_.key, 1, encode(HaltedRecord("another state")))


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
    "keys": keys,
    "prods": prods,
    "scenarios": shipped,
    "faults": lambda: rooms(FAULTS, "fault"),
    "transactions": transactions,
    "workloads": lambda: rooms(WORKLOADS, "workload"),
    "behaviours": lambda: rooms({**BEHAVIOURS, "twins": Twins}, "behaviour"),
    "checks": checks,
    "fault-examples": faults.examples,
    "fault-usage": faults.usage,
    "given-to-validators": lambda: given(Attacker),
    "given-to-clients": lambda: given(ClientAttacker),
    "disk-files": disk_files,
    "disk-example": disk_example,
    "planted-bugs": lambda: planted_bugs(bugs()),
    "further-bugs": lambda: planted_bugs(bug_table(ROOT / FURTHER)),
    "properties": properties,
    "property-shares": property_shares,
    "proofs": proofs,
    "attacks": lambda: table(
        ("behaviour", "rules that stop it", "where this is so instead", "breaks", "tried in"),
        liars.attacks(),
    ),
    "proven-liars": lambda: table(("behaviour", "proven against it"), liars.proven()),
    "hostile-scenarios": lambda: table(
        ("scenario", "behaviours", "expects", "proven guilty"), liars.hostile_scenarios()
    ),
}
"""By the name in the page's marker."""
