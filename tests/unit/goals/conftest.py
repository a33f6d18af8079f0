"""The command line's fixtures serve here too."""

from tests.unit.cli.conftest import chainsim, process

__all__ = ["chainsim", "process"]
