"""What clients do: one file per kind of workload, and the table of those that exist.

To add one: write its file (a struct with the fields of the scenario's table, ``submissions()``
and ``problems()``), and add its line here.
"""

from __future__ import annotations

from typing import Final

from scenarios.workload.auction import Auction
from scenarios.workload.base import Problem, Submission, Workload
from scenarios.workload.commodity import Commodity
from scenarios.workload.coupons import Coupons
from scenarios.workload.days import Days
from scenarios.workload.dvp import Dvp
from scenarios.workload.evidence import EvidenceDesk
from scenarios.workload.onboarding import Onboarding
from scenarios.workload.script import Script
from scenarios.workload.transfers import Transfers

__all__ = ["WORKLOADS", "Problem", "Submission", "Workload"]

WORKLOADS: Final[dict[str, type[Workload]]] = {
    "script": Script,
    "transfers": Transfers,
    "days": Days,
    "auction": Auction,
    "coupons": Coupons,
    "dvp": Dvp,
    "commodity": Commodity,
    "onboarding": Onboarding,
    "evidence": EvidenceDesk,
}
"""By the ``kind`` that a scenario names."""
