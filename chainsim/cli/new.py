"""``chainsim new``: a commented scenario to start from."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from chainsim.cli import output
from chainsim.cli.scenario_argument import Refused, listed

TEMPLATE = """\
# A scenario: who is on the network, what they do, and what goes wrong.
# Check it with "chainsim validate {file}", run it with "chainsim run {file}".
# Editors complete it with what "chainsim schema" prints.
schema = 1
name = "{name}"                           # lower-case letters, digits and hyphens
title = "Say in one line what is tried here"
description = "Say what should come of it, and why that is interesting."
tags = []
seed = 1                                  # same scenario, same seed: same run
duration = "60s"                          # virtual time; ends sooner once all work is done

[consensus]
protocol = "pbft"
block_interval = "100ms"
signatures = "ed25519"                    # or "fast", for many runs

[network]
latency = "pakistan-gulf"                 # or {{ kind = "constant", value = "20ms" }}
loss = 0.0

# Four validators tolerate one hostile one, seven two: f = floor((n - 1) / 3).
[[validators]]
id = "mof"
name = "Ministry of Finance"
role = "ministry"                         # central-bank, licensor, registrar, exchange, bank …
city = "islamabad"

[[validators]]
id = "sbp"
name = "State Bank"
role = "central-bank"
city = "karachi"

[[validators]]
id = "exchange-a"                         # failing firms are fictional
role = "exchange"
city = "dubai"

[[validators]]
id = "bank-a"
role = "bank"
city = "karachi"

[genesis]
include = "cash"                          # parties and accounts to start from

[[workload]]
kind = "transfers"
rate = "10/s"
start = "1s"
stop = "30s"

[[faults]]
kind = "crash"                            # crash, restart, slow, partition, isolate, link
node = "mof"                              # an id, "primary", "random:f", "role:exchange"
at = "5s"
for = "10s"

[expect]
safety = "holds"
liveness = "recovers"                     # all is final "within" of the last heal
within = "20s"
sometimes = ["view-change"]               # must have happened, or the run shows nothing
"""


@click.command("new")
@click.argument("name")
def command(name: str) -> None:
    """Write NAME.toml, a commented scenario to start from.

    NAME may be a path; the scenario is called like the file.
    """
    from scenarios import loader

    target = Path(name if name.endswith(".toml") else f"{name}.toml")
    shown = str(target) if "/" in str(target) else f"./{target}"
    text = TEMPLATE.format(name=target.stem, file=shown)
    try:
        loader.load_text(text, str(target))
    except loader.ScenarioErrors as errors:
        raise Refused(listed(errors)) from None
    try:
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Refused(f"{target} exists already; it stays as it is") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Refused(f"can't write {target}: {reason}") from None
    output.write(f"Wrote {target}. Now: {output.invocation()} run {shown}\n")
