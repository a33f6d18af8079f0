"""The full figures that a milestone asks for: ``make acceptance AREA=foundation``.

Each area is a list of named measurements. What is finished is kept in a journal, so an
interrupted run goes on where it stopped; ``--fresh`` forgets it. ``--sample N`` runs a small part,
with a journal of its own. At the end a table is printed, and the exit code is 1 if a figure falls
short.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.acceptance import explore, foundation, harness, ledger, pbft, scenarios
from tests.acceptance.command import ROOT, Scale
from tests.acceptance.journal import Journal, Step, Verdict

Area = tuple[Callable[[Scale], list[Step]], Callable[[Journal, Scale], list[Verdict]]]

AREAS: dict[str, Area] = {
    "foundation": (foundation.steps, foundation.verdicts),
    "ledger": (ledger.steps, ledger.verdicts),
    "explore": (explore.steps, explore.verdicts),
    "pbft": (pbft.steps, pbft.verdicts),
    "harness": (harness.steps, harness.verdicts),
    "scenarios": (scenarios.steps, scenarios.verdicts),
}


def journal_of(area: str, scale: Scale, *, fresh: bool = False) -> Journal:
    """What an area has measured so far; samples of each size are kept apart."""
    part = "" if scale.sample is None else f"-sample-{scale.sample}"
    return Journal(ROOT / ".acceptance" / f"{area}{part}.jsonl", fresh=fresh)


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"wanted a number above 0, not {text!r}")
    return int(text)


def main() -> int:
    """Run what the journal lacks, then judge."""
    parser = argparse.ArgumentParser(prog="make acceptance", description=__doc__)
    parser.add_argument("area", choices=sorted(AREAS))
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    parser.add_argument("--sample", type=_positive, metavar="N", help="at most N of each thing")
    arguments = parser.parse_args()
    steps, verdicts = AREAS[arguments.area]
    scale = Scale(arguments.sample)
    journal = journal_of(arguments.area, scale, fresh=arguments.fresh)
    console = Console(stderr=True)
    missing = [step for step in steps(scale) if step.name not in journal]
    try:
        for step in track(missing, description=arguments.area, console=console):
            journal.add(step.name, step.run())
    except KeyboardInterrupt:
        console.print(f"interrupted; {len(journal)} results are kept in {journal.path}")
        return 130
    table = Table("figure", "wanted", "got", "", title=journal.path.stem)
    results = verdicts(journal, scale)
    for verdict in results:
        table.add_row(verdict.figure, verdict.wanted, verdict.got, "✓" if verdict.ok else "✗")
    Console().print(table)
    print(json.dumps({verdict.figure: verdict.got for verdict in results}))
    return 0 if all(verdict.ok for verdict in results) else 1


if __name__ == "__main__":
    sys.exit(main())
