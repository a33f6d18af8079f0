"""What a scenario injects: one file per fault, and the table of those that exist.

To add one: write its file (a struct with the fields of the scenario's table, and
``primitives()``), and add its line here.
"""

from __future__ import annotations

from typing import Final

from scenarios.faults.base import Fault, NodeFault, When
from scenarios.faults.bit_rot import BitRot
from scenarios.faults.byzantine import ByzantineFault
from scenarios.faults.client import (
    DoubleSpend,
    Flood,
    Malformed,
    PartialSend,
    Replay,
    WrongSignature,
)
from scenarios.faults.clock import Drift, Jump, Skew
from scenarios.faults.clog import Clog
from scenarios.faults.crash import Crash
from scenarios.faults.flapping import Flapping
from scenarios.faults.full import Full
from scenarios.faults.isolate import Isolate
from scenarios.faults.late_start import LateStart
from scenarios.faults.link import Link
from scenarios.faults.lost_fsync import LostFsync
from scenarios.faults.mangle import Mangle
from scenarios.faults.membership import AddValidator, RemoveValidator, RotateKey
from scenarios.faults.partition import Partition
from scenarios.faults.pause import Pause
from scenarios.faults.power_loss import PowerLoss
from scenarios.faults.priorities import Priorities
from scenarios.faults.proactive_recovery import ProactiveRecovery
from scenarios.faults.restart import Restart
from scenarios.faults.revoke_licence import RevokeLicence
from scenarios.faults.slow import SlowCpu
from scenarios.faults.slow_fsync import SlowFsync
from scenarios.faults.torn_write import TornWrite

__all__ = ["FAULTS", "Fault", "NodeFault", "When"]

FAULTS: Final[dict[str, type[Fault]]] = {
    # process
    "crash": Crash,
    "restart": Restart,
    "pause": Pause,
    "slow": SlowCpu,
    "late-start": LateStart,
    # network
    "partition": Partition,
    "isolate": Isolate,
    "link": Link,
    "clog": Clog,
    "flapping": Flapping,
    "mangle": Mangle,
    "priorities": Priorities,
    # disk
    "slow-fsync": SlowFsync,
    "lost-fsync": LostFsync,
    "torn-write": TornWrite,
    "bit-rot": BitRot,
    "full": Full,
    "power-loss": PowerLoss,
    # clock
    "skew": Skew,
    "drift": Drift,
    "jump": Jump,
    # the committee
    "add-validator": AddValidator,
    "remove-validator": RemoveValidator,
    "rotate-key": RotateKey,
    "proactive-recovery": ProactiveRecovery,
    "revoke-licence": RevokeLicence,
    # clients
    "double-spend": DoubleSpend,
    "flood": Flood,
    "malformed": Malformed,
    "replay": Replay,
    "wrong-signature": WrongSignature,
    "partial-send": PartialSend,
    # hostile hands
    "byzantine": ByzantineFault,
}
"""By the ``kind`` that a scenario names."""
