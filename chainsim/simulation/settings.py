"""What the simulated machines and lines are like: numbers only, all integers.

``chainsim/build.py`` makes these from a scenario; nothing here knows the file format.
"""

from __future__ import annotations

import msgspec

from chainsim.simulation.latency import LatencyModel, constant


class SimulationError(Exception):
    """The caller put together something that can't run; says what, and the remedy."""


class NetworkSettings(msgspec.Struct, frozen=True, kw_only=True):
    """All links alike; faults change single ones. Probabilities in parts per million."""

    latency: LatencyModel = constant(1000)
    """One way, without jitter; see ``chainsim.simulation.latency``."""
    jitter_ppm: int = 0
    """Mean of what a draw adds, as a share of the one-way latency (exponential tail)."""
    loss_ppm: int = 0
    duplicate_ppm: int = 0
    reorder_ppm: int = 0
    """Probability of a further delay: one more draw of the link's latency."""
    bandwidth_bps: int = 0
    """Bits per second of each sender's network card; 0: no limit."""


class CpuPrices(msgspec.Struct, frozen=True, kw_only=True):
    """Virtual time of one operation, in microseconds, on a CPU at its usual speed."""

    sign_us: int = 0
    verify_us: int = 0
    execute_us: int = 0


class DiskSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One fsync takes from one to two times ``fsync_us``."""

    fsync_us: int = 0


class WorldSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a world is made of, but for its nodes, work and faults."""

    seed: int
    network: NetworkSettings = NetworkSettings()
    cpu: CpuPrices = CpuPrices()
    disk: DiskSettings = DiskSettings()
