"""A permissioned-blockchain simulator: what runs it."""

from typing import Final

__version__: Final = "0.1.0"
