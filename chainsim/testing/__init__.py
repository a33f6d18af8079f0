"""The test kit: clusters under a test's control, for our own tests and for other protocols.

    >>> from chainsim.testing import cluster
    >>> c = cluster(n=4)
    >>> c.submit("a")
    >>> c.run_until("prepared", node="r2")
    >>> c.isolate("r0")                                     # doctest: +ELLIPSIS
    <...>
    >>> c.submit("b")
    >>> c.heal()
    >>> c.run_for("5s")
    >>> _ = c.check()
    >>> c.history("r2")
    ('a', 'b')

A cluster is a simulation like any other: the real protocol, ledger, network, disks and checks.
``cluster(protocol=MyProtocol)`` runs anything with the interface of
``consensus.protocol.ConsensusProtocol``; see docs/your-own-protocol.md. With pytest there is a
fixture ``cluster`` and a marker ``seeds`` (``chainsim.pytest_plugin``), and Hypothesis finds
schedules and transactions in ``chainsim.testing.strategies``.
"""

from __future__ import annotations

from collections.abc import Iterable

from chainsim.testing.base import ProtocolFactory, make_scenario
from chainsim.testing.control import Cluster
from chainsim.testing.errors import CheckFailed, ClusterFailure, NotReached, WrongUse
from chainsim.testing.injecting import Injected
from chainsim.testing.submitting import Order
from scenarios.schema import Scenario

__all__ = [
    "CheckFailed",
    "Cluster",
    "ClusterFailure",
    "Injected",
    "NotReached",
    "Order",
    "WrongUse",
    "cluster",
]


def cluster(
    n: int = 4,
    *,
    seed: int = 1,
    protocol: str | ProtocolFactory | None = None,
    scenario: str | Scenario | None = None,
    settings: Iterable[str] = (),
    messages: bool = False,
) -> Cluster:
    """A network of validators r0, r1 … with a central bank and four dealers as clients.

    ``protocol`` is a name of ``consensus.protocol.PROTOCOLS``, or a class (or function) that
    makes a replica of an ``Environment``. ``scenario`` takes the place of the network of ``n``:
    a shipped name, a file, TOML text, or a ``Scenario``, which brings its own seed.
    ``settings`` are ``PATH=VALUE`` as for ``--set``. ``messages`` records each message for
    ``transcript``. Raises ``WrongUse``.

    >>> cluster(n=7, seed=3, settings=["network.loss=0.1"]).nodes
    ('r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6')
    """
    return Cluster(make_scenario(n, seed, scenario, settings, protocol), messages=messages)
