"""What the ledger's own state adds to the books: the day, the programme's cap, coupons, licences.

Read from an honest validator that is furthest ahead, key by key, and only when the chain grew.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from functools import lru_cache

import msgspec

from chainsim.simulation.world import World
from consensus.types import NodeId
from nodes.ledger.execution import Ledger
from nodes.ledger.records import Party, Series, Upcoming
from nodes.ledger.schedule import schedule
from nodes.validator import Validator


class SeriesGlance(msgspec.Struct, frozen=True):
    """One series."""

    id: str
    maturity: datetime.date
    coupon: int
    """The first that isn't paid; 0: all are."""
    pays: datetime.date | None
    """When it is to be paid."""


class Glance(msgspec.Struct, frozen=True):
    """The ledger at one height; None where nothing is known yet."""

    height: int = 0
    day: datetime.date | None = None
    cap_used_cents: int = 0
    cap_cents: int = 0
    licences: tuple[tuple[str, str], ...] = ()
    """(firm, state) of all that need one, in order of genesis."""
    series: tuple[SeriesGlance, ...] = ()
    paused: bool = False

    @property
    def coupons_due(self) -> int:
        """Coupons that are to be paid today, or should have been paid before."""
        day = self.day
        return sum(1 for each in self.series if day and each.pays is not None and each.pays <= day)


def glance(world: World, honest: Iterable[NodeId], assets: Iterable[str], before: Glance) -> Glance:
    """``assets``: those that were ever issued. ``before`` itself if the chain didn't grow."""
    running = [world.node(id_) for id_ in honest]
    validators = [node for node in running if isinstance(node, Validator)]
    if not validators:
        return before
    ledger = max(validators, key=lambda node: node.ledger.height).ledger
    if before.cap_cents and ledger.height == before.height:
        return before
    day = ledger.get("day")
    programme = ledger.get("programme")
    parties: list[Party | None] = [ledger.get("party", p.id) for p in ledger.genesis.parties]
    today = None if day is None else day.date
    return Glance(
        height=ledger.height,
        day=today,
        cap_used_cents=0 if programme is None else programme.locked_cents,
        cap_cents=ledger.genesis.policies.programme_cap_cents,
        licences=tuple((p.id, p.licence) for p in parties if p is not None and p.role == "vasp"),
        series=tuple(
            _series(ledger, series)
            for series in (ledger.get("series", asset) for asset in sorted(assets))
            if series is not None
        ),
        paused=ledger.get("paused") is not None,
    )


def _series(ledger: Ledger, series: Series) -> SeriesGlance:
    upcoming: Upcoming | None = ledger.get("upcoming", series.id)
    if upcoming is None:
        return SeriesGlance(series.id, series.maturity_date, 0, None)
    pays = _payment_date(series, ledger.genesis.closed, upcoming.number)
    return SeriesGlance(series.id, series.maturity_date, upcoming.number, pays)


@lru_cache(maxsize=256)
def _payment_date(
    series: Series, closed: frozenset[datetime.date], number: int
) -> datetime.date | None:
    dates = schedule(series, closed)
    return dates[number - 1].payment_date if number <= len(dates) else None
