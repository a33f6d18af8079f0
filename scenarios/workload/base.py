"""What every workload has in common: its table in the file, and the submissions that it gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from nodes.ledger.genesis import Genesis

if TYPE_CHECKING:
    from scenarios.workload.context import Context


class Submission(msgspec.Struct, frozen=True):
    """One transaction that a client is told to send, and when.

    ``party`` is the sender's party id; ``cosigners`` are parties that countersign.
    ``operation`` is the encoded transaction (``nodes.ledger.transactions``), ``type`` its
    name. ``expect_code`` is the receipt code that the author of the scenario expects, and
    ``path`` the place in the scenario file that says so.
    """

    at_us: int
    party: str
    type: str
    operation: bytes
    cosigners: tuple[str, ...] = ()
    expect_code: str = ""
    path: str = ""


class Problem(msgspec.Struct, frozen=True):
    """Something wrong with a workload or fault: where (relative to its table), and what."""

    path: str
    message: str


class Workload(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of the tables ``[[workload]]``; ``kind`` picks the class from ``WORKLOADS``."""

    def submissions(self, context: Context) -> Iterator[Submission]:
        """All submissions in order of time. Pure: the same context gives the same ones."""
        raise NotImplementedError

    def problems(self, context: Context) -> Iterator[Problem]:
        """What can't work, said before anything runs: unknown parties, wrong bodies."""
        raise NotImplementedError


def sender(genesis: Genesis, role: str) -> str:
    """The first party with a ledger role. Raises ``StopIteration`` if there is none."""
    return next(party.id for party in genesis.parties if party.role == role)
