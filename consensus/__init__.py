"""Sans-IO Byzantine-fault-tolerant protocols. Start here.

Reading order:

1. ``types``: the committee and the arithmetic of quorums.
2. ``messages``, ``encoding``, ``crypto``: what is said, in which bytes, and who can have said it.
3. ``events`` and ``effects``: what a host tells a replica and what the replica asks of it. The
   order of effects is the contract.
4. ``protocol``: the interface of a protocol, and the table of those that exist.
5. ``misbehaviour``, ``evidence`` and ``forensics``: what validators are caught doing, what proves
   it to anybody, and who broke safety.
6. ``pbft``: Castro and Liskov's protocol, with its theory of operation.

Nothing in this package knows of ledgers, clocks, networks, files or randomness.
"""
