"""``revoke-licence``: who submits what, and when."""

from __future__ import annotations

import pytest

from nodes.ledger.transactions import LicenceSet, decode
from scenarios.genesis import make_genesis
from scenarios.keys import Keys
from scenarios.loader import load_text
from scenarios.workload.plan import submissions

TEXT = """
schema = 1
name = "revocations"
duration = "20s"
validators = 4
[genesis]
include = "market"
"""


def planned(*faults: str) -> list[tuple[int, str, str, str]]:
    """(when, who, whose licence, to what state)."""
    tables = "".join(f'[[faults]]\nkind = "revoke-licence"\n{fault}\n' for fault in faults)
    scenario = load_text(TEXT + tables)
    keys = Keys(1, "fast")
    found = []
    for submission in submissions(scenario, make_genesis(scenario, keys), keys):
        transaction = decode(submission.operation)
        assert transaction is not None
        assert isinstance(transaction.body, LicenceSet)
        body = transaction.body
        found.append((submission.at_us // 1000, submission.party, body.party, body.state))
    return found


@pytest.mark.parametrize(
    ("fault", "steps"),
    [
        ('node = "exchange-a"\nat = "5s"', [(4000, "SUSPENDED"), (5000, "REVOKED")]),
        (
            'node = "exchange-a"\nat = "5s"\nnotice = "3s"\nby = "pvara"',
            [(2000, "SUSPENDED"), (5000, "REVOKED")],
        ),
        ('node = "exchange-a"\nat = "0s"\nnotice = "0s"', [(0, "REVOKED")]),
    ],
)
def test_the_licensor_suspends_and_then_revokes(fault: str, steps: list[tuple[int, str]]) -> None:
    assert planned(fault) == [(at, "pvara", "exchange-a", state) for at, state in steps]


def test_several_are_sent_in_order_of_time() -> None:
    found = planned('node = "exchange-a"\nat = "5s"', 'node = "exchange-b"\nat = "4500ms"')
    assert [(at, firm) for at, _, firm, _ in found] == [
        (3500, "exchange-b"),
        (4000, "exchange-a"),
        (4500, "exchange-b"),
        (5000, "exchange-a"),
    ]
