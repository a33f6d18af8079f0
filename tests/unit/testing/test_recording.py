"""What was done, written down and read again."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from chainsim.testing import cluster
from chainsim.testing.recording import step
from nodes.ledger.transactions import Transaction
from scenarios.keys import Keys
from scenarios.loader import load_text, resolved_toml
from scenarios.schema import Scenario
from scenarios.workload.bodies import read_body
from scenarios.workload.script import Script
from tests.unit.ledger.samples import ALL, Sample, fix_fx
from tests.unit.ledger.support import Desk


def written_and_read(base: Scenario, transaction: Transaction) -> Transaction:
    """A transaction that went through a script's line in a file."""
    script = Script(steps=(step(1, "sbp", transaction),))
    text = resolved_toml(msgspec.structs.replace(base, workload=(script,), duration=10))
    (read,) = load_text(text).workload
    assert isinstance(read, Script)
    (line,) = read.steps

    def never(path: str, message: str) -> None:
        raise AssertionError(f"{path}: {message}")

    body = read_body(line.tx, line.body, Keys(1, "fast"), never)
    return Transaction(body, line.expiry_height)  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "make"), ALL, ids=[make.__name__ for _, make in ALL])
def test_every_transaction_survives_a_file(name: str, make: Callable[[Desk], Sample]) -> None:
    _, body, _ = make(Desk())
    transaction = Transaction(body, expiry_height=7)
    assert transaction.type == name
    assert written_and_read(cluster().scenario, transaction) == transaction


def test_numbers_in_ten_thousandths_are_written_as_people_do() -> None:
    _, body, _ = fix_fx(Desk())
    line = step(1, "sbp", Transaction(body))
    assert isinstance(line.body["rate_e4"], Decimal)


def test_each_verb_has_a_microsecond_of_its_own() -> None:
    c = cluster()
    c.submit("a", "b")
    c.isolate("r3")
    c.submit("c")
    (script,) = c.scenario.workload
    assert isinstance(script, Script)
    assert [each.at for each in script.steps] == [0, 1, 3]
    assert c.scenario.faults[0].at == 2
    assert c.now_us == 3


def test_what_lies_behind_the_end_is_kept_without_its_times() -> None:
    c = cluster()
    c.fault("isolate", node="r1", until="1h")
    c.fault("isolate", node="r2", at="30m", for_="1s")
    c.fault("isolate", node="r3", at="10ms", every="20ms", until="1h", for_="5ms")
    c.submit("a")
    c.run_for("1s")
    first, second, third = c.scenario.faults
    assert (first.at, first.until) == (0, None)
    assert (second.at, second.when is None) == (None, False)
    assert (third.at, third.until) == (10_000, None)
    assert load_text(resolved_toml(c.scenario)) == c.scenario
    assert c.reproduces()
