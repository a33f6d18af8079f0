"""An independent, executable specification of PBFT: functions over sets, written from the rules.

It is told what honest validators did, said and heard in a run, and accepts every step or names
the first that no rule allows. It shares no code with ``consensus/`` (import-linter holds that):
whoever is wrong there, is wrong alone.

- ``facts``: the sets, and questions about them;
- ``votes``, ``views``, ``chain``: when a step is allowed, by rule; they change nothing;
- ``steps``: judges a step, then makes it a fact.

Two ideas carry it. *Nobody can forge*: a statement of an honest validator counts only if its own
steps led it there, one of a hostile validator always counts, so that signatures needn't be looked
at. And *what arrived may be known*: who has heard a quorum may act on it at once, later or (after a
crash) again; so queues, disks and time-outs need no model, and no step that the rules allow is
refused. ``duties`` has the few steps that are owed in the end. What else a validator should have
done and didn't is no step: that is the business of the liveness checks.

``chainsim/checks/specification.py`` reads a run's trace to it.
"""

from __future__ import annotations

from chainsim.specification.chain import Block, Request
from chainsim.specification.facts import Certificate, Facts, NewView, Statement, ViewChange, Vote
from chainsim.specification.steps import Specification

__all__ = [
    "Block",
    "Certificate",
    "Facts",
    "NewView",
    "Request",
    "Specification",
    "Statement",
    "ViewChange",
    "Vote",
]
