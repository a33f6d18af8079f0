"""The command line, one file per command; ``group.COMMANDS`` lists them."""

from chainsim.cli.entry import main

__all__ = ["main"]
