"""How fast this machine runs the simulator: ``chainsim bench``.

- ``catalogue``: the rows, by name.
- ``network``: rows that run a whole network; ``others``: seeds, the ledger alone, start-up.
- ``ledger``: transfers that one ledger executes by itself.
- ``measure``: what a row is, and the empty heap loop that it is compared with.
- ``runner``: each row in a process of its own, so that its peak memory is its own.
- ``table``: what is printed, and the comparison with an earlier file.

A row says what one unit of its work costs in events of the empty heap loop, as the same process
ran it just before: that means something on any machine, absolute numbers only on this one.
"""
