"""What a scenario injects: one file per fault, and the table of those that exist.

To add one: write its file (a struct with the fields of the scenario's table, and
``primitives()``), and add its line here.
"""

from __future__ import annotations

from typing import Final

from scenarios.faults.base import Fault, NodeFault, When
from scenarios.faults.crash import Crash
from scenarios.faults.isolate import Isolate
from scenarios.faults.link import Link
from scenarios.faults.partition import Partition
from scenarios.faults.restart import Restart
from scenarios.faults.slow import SlowCpu

__all__ = ["FAULTS", "Fault", "NodeFault", "When"]

FAULTS: Final[dict[str, type[Fault]]] = {
    "crash": Crash,
    "restart": Restart,
    "slow": SlowCpu,
    "partition": Partition,
    "isolate": Isolate,
    "link": Link,
}
"""By the ``kind`` that a scenario names."""
