"""Bounded exhaustive exploration: every order of events up to a bound, over the real replicas.

Breadth first, from the start on. A *state* is what the replicas are, together with what each has
sent; whatever was sent may arrive at any later time, any number of times, or never: so loss, delay,
reordering and repetition need no model of their own. A hostile validator has no state: all that it
may sign within the bound may arrive anywhere at any time.

- ``bound``: what is explored, and how far;
- ``labels``: replicas and messages as values that can be compared, renamed and told to people;
- ``host``: a replica with its clock, timers and ledger, taken along a path of events;
- ``actors``: the states of one replica, and what leads from one to the next, each worked out once;
- ``search``: the states of all together, merged by symmetry, with what must hold in each;
- ``schedule``: the way to a violation as a file that plays again.

Replicas are only ever driven through ``handle``. Two paths that leave a replica alike in every
field lead to one state; a path is played from the start when it must be gone further, so nothing
has to be copied.
"""

from __future__ import annotations

from chainsim.exhaust.bound import Bound, NotExplorable, bound_of
from chainsim.exhaust.search import Found, Search, Stop, Told

__all__ = ["Bound", "Found", "NotExplorable", "Search", "Stop", "Told", "bound_of"]
