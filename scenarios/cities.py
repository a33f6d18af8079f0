"""City matrices: round trips between the cities that a validator may stand in.

A matrix is a CSV in ``scenarios/data`` named ``latency-NAME.csv`` with the columns ``from``,
``to`` and ``round_trip_ms``. The figures of ``pakistan-gulf`` are estimates.
"""

from __future__ import annotations

import csv
from functools import cache
from typing import Final

import msgspec

from scenarios.data_files import data_names, data_text

INSIDE_CITY_US: Final = 1000
"""Round trip between two nodes of one city."""


class CityMatrix(msgspec.Struct, frozen=True):
    """Round trips in microseconds; symmetric, and complete over ``cities``."""

    name: str
    cities: tuple[str, ...]
    round_trips_us: dict[tuple[str, str], int]

    def round_trip_us(self, one: str, other: str) -> int:
        """Between two cities of the matrix. Raises ``KeyError`` for others."""
        return self.round_trips_us[one, other]

    def one_way_us(self, one: str, other: str) -> int:
        """Half a round trip."""
        return self.round_trips_us[one, other] // 2


def matrix_names() -> tuple[str, ...]:
    """The shipped matrices, sorted."""
    return data_names("latency-", ".csv")


@cache
def city_matrix(name: str) -> CityMatrix:
    """The shipped matrix ``name``. Raises ``KeyError`` if there is none."""
    if name not in matrix_names():
        raise KeyError(name)
    round_trips: dict[tuple[str, str], int] = {}
    cities: dict[str, None] = {}
    for row in csv.DictReader(data_text(f"latency-{name}.csv").splitlines()):
        one, other, microseconds = row["from"], row["to"], int(row["round_trip_ms"]) * 1000
        round_trips[one, other] = round_trips[other, one] = microseconds
        cities[one] = cities[other] = None
    for city in cities:
        round_trips[city, city] = INSIDE_CITY_US
    for one in cities:
        for other in cities:
            assert (one, other) in round_trips, f"{name} lacks {one}-{other}"
    return CityMatrix(name, tuple(cities), round_trips)
