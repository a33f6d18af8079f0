"""Each hostile client fails on the right network, and does its damage on one without a guard."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest

import consensus.limits
from chainsim.exit_codes import ExitCode
from chainsim.explore.planting import swapped
from consensus.messages import Request
from consensus.pbft import requests
from consensus.pbft.requests import Requests
from nodes.hostile_clients import ATTACKS
from nodes.ledger import execution
from nodes.ledger.act import Act, BlockScope
from nodes.ledger.records import Party
from nodes.ledger.replies import ReplyScope
from nodes.mempool import Mempool
from nodes.validator import Validator
from tests.simulation import weakened
from tests.simulation.runs import MALLORY, Run

FEW = ("consensus.block_max_txs=4",)
"""A network that a single client can keep busy."""


def attacked(kind: str, more: str = "", settings: tuple[str, ...] = (), seed: int = 1) -> Run:
    """Mallory attacks for a second, while four honest clients pay each other."""
    fields = f'kind = "{kind}"\nnode = "mallory"\nat = "1s"\nfor = "1s"\n'
    return Run(f"{MALLORY}\n[[faults]]\n{fields}{more}", settings=settings, seed=seed)


def assert_nobody_else_notices(run: Run) -> None:
    """All that honest clients sent is final and good, in view 0, and soon."""
    assert run.result.exit_code == ExitCode.OK, run.why()
    assert run.result.measures.codes == {"OK": 40}
    assert run.result.metrics["transactions_submitted"] == 40
    assert run.result.metrics["view_changes"] == 0
    assert run.result.metrics["finality_max"] < 400_000
    assert run.proven() == {}


RATES = {"flood": "1000/s", "malformed": "200/s"}


@pytest.mark.parametrize("kind", ATTACKS)
def test_honest_clients_get_their_due_beside_any_attack(kind: str) -> None:
    settings = FEW if kind == "flood" else ()
    run = attacked(kind, f'rate = "{RATES.get(kind, "50/s")}"', settings, seed=3)
    assert_nobody_else_notices(run)


def test_of_all_payments_with_the_same_money_one_is_good() -> None:
    codes = attacked("double-spend", 'rate = "50/s"').receipts("mallory")
    assert codes["OK"] == 1
    # 50 acts, each with one number for two payments and another for the third.
    assert codes == {"OK": 1, "E_FREE_BAL": 99}


def test_what_is_repeated_executes_once() -> None:
    run = attacked("replay", 'rate = "200/s"')
    codes = run.receipts("mallory")
    assert codes["OK"] > 20
    assert set(codes) == {"OK"}
    numbers = [
        receipt.number
        for block in run.result.chain
        for receipt in block.receipts
        if receipt.client == "mallory"
    ]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_no_forged_signature_moves_money() -> None:
    run = attacked("wrong-signature", 'rate = "200/s"')
    codes = run.receipts("mallory")
    assert codes["E_SIG"] > 20
    assert set(codes) == {"E_SIG"}
    accounts = run.simulation.genesis.balances
    held = {b.account: b.amount for b in accounts}
    ledger = next(iter(run.result.end.ledgers.values()))
    assert ledger.balances["mallory/cash", "PKR", "free"] == held["mallory/cash"]


def test_what_can_be_ordered_of_malformed_requests_is_refused_in_its_receipt() -> None:
    codes = attacked("malformed", 'rate = "200/s"').receipts("mallory")
    assert codes["E_SCHEMA"] > 20
    assert set(codes) == {"E_SCHEMA"}


@pytest.mark.parametrize("to", ["", 'receivers = ["v3"]', 'receivers = ["v1", "v2"]'])
def test_whoever_is_told_passes_it_on(to: str) -> None:
    run = attacked("partial-send", f'rate = "50/s"\n{to}')
    assert run.receipts("mallory") == {"OK": 50}
    assert_nobody_else_notices(run)


# Without the guard


def first_come_first_served() -> AbstractContextManager[None]:
    """Requests are ordered as if they were one client's: who has the most gets the most."""

    def select(self: Mempool, limit: int) -> tuple[Request, ...]:
        chosen: list[Request] = []
        while self._ready and len(chosen) < limit:
            client = max(self._ready, key=lambda name: len(self._queues[name].fresh))
            queue = self._queues[client]
            number = queue.fresh[0]
            self._stale(client, queue, number)
            chosen.append(queue.waiting[number])
        return tuple(chosen)

    return swapped((Mempool, "select", select))


def everything_is_authentic() -> AbstractContextManager[None]:
    """Nobody looks at whose key it is, neither before ordering nor at execution."""

    def open_envelope(block: BlockScope, _r: ReplyScope, request: Request, _t: object) -> Act:
        sender = block.get(("party", request.sender))
        assert isinstance(sender, Party)
        return Act(block, sender)

    return swapped(
        (Requests, "is_authentic", lambda self, request: True),
        (Validator, "_acceptable", lambda self, request: True),
        (execution, "_open_envelope", open_envelope),
    )


def size_does_not_matter() -> AbstractContextManager[None]:
    """Signatures are verified however many there are."""
    return swapped(
        (requests, "request_is_bounded", lambda request: True),
        (consensus.limits, "request_is_bounded", lambda request: True),
    )


def nothing_is_passed_on() -> AbstractContextManager[None]:
    return swapped((Requests, "forward", lambda self, request: None))


def test_without_request_numbers_the_same_number_is_paid_twice() -> None:
    with weakened.no_filter_of_repeats():
        assert "exactly-once" in attacked("double-spend", 'rate = "50/s"').broken()
        assert "exactly-once" in attacked("replay", 'rate = "50/s"').broken()


def test_without_fairness_a_flood_starves_everybody_else() -> None:
    with first_come_first_served():
        run = attacked("flood", 'rate = "1000/s"', FEW, seed=3)
    assert run.result.metrics["finality_max"] > 800_000


def test_without_limits_one_request_keeps_validators_busy() -> None:
    with size_does_not_matter():
        run = attacked("malformed", 'rate = "200/s"', seed=3)
    assert run.result.metrics["finality_max"] > 800_000


def test_without_forwarding_whoever_is_told_keeps_it() -> None:
    with nothing_is_passed_on():
        run = attacked("partial-send", 'rate = "50/s"\nreceivers = ["v3"]')
    assert run.receipts("mallory")["OK"] < 50


def test_without_keys_everybodys_money_is_mallorys() -> None:
    with everything_is_authentic():
        run = attacked("wrong-signature", 'rate = "50/s"')
    assert {"validity", "authority"} <= set(run.broken())
