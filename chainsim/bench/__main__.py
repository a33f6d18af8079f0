"""Measures one row in this process and prints it as JSON: ``runner`` starts this."""

from __future__ import annotations

import sys

import msgspec

from chainsim.bench.catalogue import ENTRIES
from chainsim.bench.measure import BenchmarkFailed, empty_heap_loop, row
from chainsim.exit_codes import ExitCode


def main(name: str) -> ExitCode:
    """Prints the row, or on standard error why there is none."""
    heap_events_per_s = empty_heap_loop()
    try:
        measured = row(name, ENTRIES[name].work(), heap_events_per_s)
    except BenchmarkFailed as problem:
        sys.stderr.write(f"{problem}\n")
        return ExitCode.EXPECTATION
    sys.stdout.write(msgspec.json.encode(measured).decode() + "\n")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
