"""The committed quantile tables are what they say. ``python -m`` this module to write them anew."""

from __future__ import annotations

from decimal import Decimal, localcontext
from pathlib import Path
from statistics import NormalDist

from chainsim.simulation import latency
from chainsim.simulation.latency import QUANTILES, SCALE

FILE = Path(__file__).parents[3] / "scenarios" / "data" / "quantiles.csv"


def exponential(k: int) -> int:
    with localcontext() as context:
        context.prec = 40
        upper = 1 - Decimal(2 * k + 1) / (2 * QUANTILES)
        return int((-upper.ln() * SCALE).to_integral_value())


def normal(k: int) -> int:
    return round(NormalDist().inv_cdf((2 * k + 1) / (2 * QUANTILES)) * SCALE)


def test_exponential_table_is_the_quantile_function() -> None:
    assert latency.exponential_quantiles() == tuple(map(exponential, range(QUANTILES)))


def test_normal_table_is_the_quantile_function() -> None:
    # To one unit: the float reference may round a tie the other way on another machine.
    table = latency.normal_quantiles()
    assert len(table) == QUANTILES
    assert all(abs(table[k] - normal(k)) <= 1 for k in range(QUANTILES))


if __name__ == "__main__":
    rows = (f"{exponential(k)},{normal(k)}\n" for k in range(QUANTILES))
    FILE.write_text("exponential,normal\n" + "".join(rows), encoding="utf-8")
