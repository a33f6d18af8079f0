"""Latency models: how long a message takes one way.

A draw is an index into a quantile table. The standard exponential and the standard normal are
committed as integers (``scenarios/data/quantiles.csv``), because log, exp and cos differ between
C libraries; the log-normal goes through ``decimal``, whose ``ln`` and ``exp`` are specified to
the last digit. Every line between two nodes is thus ``base + spread * table[draw] / 2**20``.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cache
from importlib import resources
from typing import Final

import msgspec

from scenarios import cities

QUANTILE_BITS: Final = 12
QUANTILES: Final = 1 << QUANTILE_BITS
"""Rows of a table: row k is the quantile at (k + 1/2) / QUANTILES."""
SCALE_BITS: Final = 20
SCALE: Final = 1 << SCALE_BITS
"""One, in the fixed-point numbers of the tables."""

_CONTEXT: Final = Context(prec=34, rounding=ROUND_HALF_EVEN)
_Z99: Final = Decimal("2.326347874040841100885606163346912")
"""The 99th percentile of the standard normal."""

Table = tuple[int, ...]


class Line(msgspec.Struct, frozen=True):
    """One-way latency between two nodes: ``base_us + spread_us * table[draw] / SCALE``."""

    base_us: int
    spread_us: int
    table: Table


class LatencyModel(msgspec.Struct, frozen=True):
    """What the lines of a network are like; made by the functions below.

    ``delays_us`` is the table of a distribution, the same for all lines (one row if constant);
    ``matrix`` names a city matrix instead.
    """

    delays_us: Table = ()
    matrix: str = ""

    def knows(self, city: str) -> bool:
        """Whether a node may stand in ``city``: any city will do, unless there is a matrix."""
        return not self.matrix or city in cities.city_matrix(self.matrix).cities

    @property
    def spreads(self) -> bool:
        """Whether draws of the model differ before jitter."""
        return len(self.delays_us) > 1

    def line(self, source: str, target: str, jitter_ppm: int = 0) -> Line:
        """The line between two cities.

        With a fixed latency, ``jitter_ppm`` of it times an exponential draw is added. A
        distribution's own draws take the table; its jitter is up to the network.
        """
        if self.spreads:
            return Line(0, SCALE, self.delays_us)
        if self.matrix:
            base_us = cities.city_matrix(self.matrix).one_way_us(source, target)
        else:
            base_us = self.delays_us[0]
        return fixed_line(base_us, jitter_ppm)


def fixed_line(base_us: int, jitter_ppm: int) -> Line:
    """A line of fixed latency, with jitter."""
    return Line(base_us, base_us * jitter_ppm // 1_000_000, exponential_quantiles())


def constant(value_us: int) -> LatencyModel:
    """Every message takes ``value_us``."""
    return LatencyModel((value_us,))


@cache
def uniform(low_us: int, high_us: int) -> LatencyModel:
    """Evenly between ``low_us`` and ``high_us``."""
    width_us = high_us - low_us
    return LatencyModel(
        tuple(low_us + width_us * (2 * k + 1) // (2 * QUANTILES) for k in range(QUANTILES))
    )


@cache
def normal(mean_us: int, deviation_us: int) -> LatencyModel:
    """Normal, cut at zero."""
    return LatencyModel(
        tuple(max(0, mean_us + (deviation_us * z >> SCALE_BITS)) for z in normal_quantiles())
    )


@cache
def lognormal(median_us: int, p99_us: int) -> LatencyModel:
    """Log-normal with this median and 99th percentile; both above zero, p99 the larger."""
    ratio = _CONTEXT.divide(Decimal(p99_us), Decimal(median_us))
    sigma = _CONTEXT.divide(_CONTEXT.ln(ratio), _Z99)

    def delay_us(z: int) -> int:
        exponent = _CONTEXT.multiply(sigma, _CONTEXT.divide(Decimal(z), Decimal(SCALE)))
        exact = _CONTEXT.multiply(Decimal(median_us), _CONTEXT.exp(exponent))
        return int(exact.to_integral_value(ROUND_HALF_EVEN))

    return LatencyModel(tuple(delay_us(z) for z in normal_quantiles()))


@cache
def exponential(mean_us: int, floor_us: int = 0) -> LatencyModel:
    """``floor_us`` plus an exponential with mean ``mean_us``."""
    return LatencyModel(
        tuple(floor_us + (mean_us * e >> SCALE_BITS) for e in exponential_quantiles())
    )


def city_matrix(name: str) -> LatencyModel:
    """Half the round trip between cities of ``scenarios/data/latency-NAME.csv``.

    Raises ``KeyError`` if there is no such matrix.
    """
    cities.city_matrix(name)
    return LatencyModel(matrix=name)


@cache
def _columns() -> dict[str, Table]:
    file = resources.files("scenarios").joinpath("data", "quantiles.csv")
    rows = list(csv.reader(file.read_text(encoding="utf-8").splitlines()))
    return {
        name: tuple(int(row[column]) for row in rows[1:]) for column, name in enumerate(rows[0])
    }


def exponential_quantiles() -> Table:
    """Of the exponential distribution with mean 1, times SCALE."""
    return _columns()["exponential"]


def normal_quantiles() -> Table:
    """Of the standard normal distribution, times SCALE."""
    return _columns()["normal"]


MODELS: Final[dict[str, Callable[..., LatencyModel]]] = {
    "constant": constant,
    "uniform": uniform,
    "normal": normal,
    "lognormal": lognormal,
    "exponential": exponential,
}
"""By the ``kind`` of a scenario's ``network.latency`` table."""
