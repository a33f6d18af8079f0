"""Latency models: how long a message takes one way, as integer quantile tables.

SKELETON being filled in; the signatures below stay.
"""

from __future__ import annotations

import msgspec


class LatencyModel(msgspec.Struct, frozen=True):
    """See the constructors below."""

    kind: str
    table: tuple[int, ...] = ()


def constant(value_us: int) -> LatencyModel:
    """Every message takes ``value_us``."""
    raise NotImplementedError


def uniform(low_us: int, high_us: int) -> LatencyModel:
    """Evenly between ``low_us`` and ``high_us``."""
    raise NotImplementedError


def normal(mean_us: int, deviation_us: int) -> LatencyModel:
    """Normal, cut at zero."""
    raise NotImplementedError


def lognormal(median_us: int, p99_us: int) -> LatencyModel:
    """Log-normal with this median and 99th percentile."""
    raise NotImplementedError


def exponential(mean_us: int, floor_us: int = 0) -> LatencyModel:
    """``floor_us`` plus an exponential with mean ``mean_us``."""
    raise NotImplementedError


def city_matrix(name: str) -> LatencyModel:
    """Half the round trip between the cities of ``scenarios/data/latency-NAME.csv``."""
    raise NotImplementedError
