"""The full figures that a milestone asks for: ``make acceptance AREA=foundation``.

Each area is a list of named measurements. What is finished is kept in a journal, so an
interrupted run goes on where it stopped; ``--fresh`` forgets it. At the end a table is printed,
and the exit code is 1 if a figure falls short.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.acceptance import foundation, ledger
from tests.acceptance.journal import Journal, Step, Verdict

AREAS: dict[str, tuple[Callable[[], list[Step]], Callable[[Journal], list[Verdict]]]] = {
    "foundation": (foundation.steps, foundation.verdicts),
    "ledger": (ledger.steps, ledger.verdicts),
}
ROOT = Path(__file__).parents[2]


def main() -> int:
    """Run what the journal lacks, then judge."""
    parser = argparse.ArgumentParser(prog="make acceptance", description=__doc__)
    parser.add_argument("area", choices=sorted(AREAS))
    parser.add_argument("--fresh", action="store_true", help="forget earlier results")
    arguments = parser.parse_args()
    steps, verdicts = AREAS[arguments.area]
    journal = Journal(ROOT / ".acceptance" / f"{arguments.area}.jsonl", fresh=arguments.fresh)
    console = Console(stderr=True)
    missing = [step for step in steps() if step.name not in journal]
    try:
        for step in track(missing, description=arguments.area, console=console):
            journal.add(step.name, step.run())
    except KeyboardInterrupt:
        console.print(f"interrupted; {len(journal)} results are kept in {journal.path}")
        return 130
    table = Table("figure", "wanted", "got", "", title=f"acceptance: {arguments.area}")
    results = verdicts(journal)
    for verdict in results:
        table.add_row(verdict.figure, verdict.wanted, verdict.got, "✓" if verdict.ok else "✗")
    Console().print(table)
    print(json.dumps({verdict.figure: verdict.got for verdict in results}))
    return 0 if all(verdict.ok for verdict in results) else 1


if __name__ == "__main__":
    sys.exit(main())
