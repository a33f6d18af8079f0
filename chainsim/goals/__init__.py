"""What the harness must reach, and how far it is: goals beside readings.

A goal is a row of ``GOALS``; it reads what was measured and says what came of it. Nothing here
holds a figure: without a measurement a row says that there is none.
"""

from chainsim.goals.readings import Readings, read
from chainsim.goals.rows import GOALS, Goal, Line, lines_of
from chainsim.goals.said import State

__all__ = ["GOALS", "Goal", "Line", "Readings", "State", "lines_of", "read"]
