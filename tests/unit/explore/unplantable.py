"""A table of planted bugs whose only row can't be planted."""

from __future__ import annotations

from chainsim.explore.planting import Mutant

MUTANTS = {1: Mutant(number=1, name="later", breaks="nothing", note="nothing to break yet")}
