"""The ledger's figures: two models, QuantLib, domain scenarios under 20 seeds, speed.

Speed is of one ledger alone, in CPU time: transfers among 1,000, 10,000 and 1,000,000 accounts,
signatures already checked, with state hashing and without. ``--sample N`` runs N walks, and N seeds
of each scenario.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date
from functools import partial
from typing import Any

from chainsim import wall_clock
from consensus.messages import Batch, Request
from nodes.ledger.execution import Ledger
from nodes.ledger.genesis import Genesis, OpeningBalance, Seat
from nodes.ledger.records import Account, Party
from nodes.ledger.state import State
from nodes.ledger.transactions import Money, Transaction, Transfer
from tests.acceptance.command import ROOT, Scale
from tests.acceptance.journal import Journal, Step, Verdict

WALKS = 100
ACTS = 500
TERMS = 1_000
SCENARIOS = (
    "coupon-day-partition",
    "revoked-mid-settlement",
    "central-bank-down-at-maturity",
    "cap-race",
    "freezes-race-transfer",
    "crash-while-paying-10000",
    "stale-vault-attestation",
)
SEEDS = 20
SIZES = (1_000, 10_000, 1_000_000)
BLOCKS = 20
PER_BLOCK = 500
TRANSFERS_PER_S = 20_000
_FIRST = date(2021, 3, 3)


def steps(scale: Scale) -> list[Step]:
    """Each walk, the oracle, each scenario with each seed, each size."""
    return [
        *(Step(f"walk/{seed}", partial(_walk, seed)) for seed in range(scale.of(WALKS))),
        Step("quantlib", _quantlib),
        *(
            Step(f"scenario/{name}/{seed}", partial(_scenario, name, seed))
            for name in SCENARIOS
            for seed in range(1, scale.of(SEEDS) + 1)
        ),
        *(Step(f"speed/{size}", partial(_speed, size)) for size in SIZES),
    ]


def _walk(seed: int) -> dict[str, Any]:
    from tests.properties.test_two_ledgers import walk

    try:
        return {"acts": walk(seed, ACTS).acts, "differs": ""}
    except AssertionError as error:
        return {"acts": 0, "differs": str(error)[:200]}


def _quantlib() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/unit/ledger/test_pricing.py", "-k",
         "quantlib"],
        cwd=ROOT, env={**os.environ, "ORACLE_TERMS": str(TERMS)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    return {"exit_code": done.returncode, "said": done.stdout.splitlines()[-1:]}


def _scenario(name: str, seed: int) -> dict[str, Any]:
    from chainsim.build import build
    from scenarios.loader import load

    result = build(load(name, seed=seed)).run()
    return {"exit_code": int(result.exit_code)}


def crowded(accounts: int) -> Genesis:
    """One dealer with so many accounts that hold cash."""
    return Genesis(
        chain="speed",
        validators=(Seat(id="v", public_key=bytes(32)),),
        parties=(Party(id="d", role="dealer", public_key=b"d" * 32),),
        first_business_day=_FIRST,
        accounts=tuple(Account(id=f"d/{number}", owner="d") for number in range(accounts)),
        balances=tuple(
            OpeningBalance(account=f"d/{number}", asset="PKR", amount=10**9)
            for number in range(accounts)
        ),
    )


def _blocks(genesis: Genesis, accounts: int) -> list[Batch]:
    """Transfers between accounts that are far apart, each signed (or so we say)."""
    found, number = [], 0
    for block in range(BLOCKS):
        requests = []
        for _ in range(PER_BLOCK):
            number += 1
            source, target = number * 7919 % accounts, number * 104_729 % accounts
            body = Transfer(
                source=f"d/{source}",
                target=f"d/{target if target != source else (target + 1) % accounts}",
                amount=Money("PKR", 1),
            )
            operation = Transaction(body).encode()
            requests.append(Request(genesis.hash, 0, "d", number, operation, b"d" * 32))
        found.append(Batch(block + 1, tuple(requests)))
        for request in requests:
            assert request.digest  # a validator has hashed it long before it executes it
    return found


def _speed(accounts: int) -> dict[str, Any]:
    genesis = crowded(accounts)
    batches = _blocks(genesis, accounts)
    rates = {}
    for name, hashing in (("with_hashing", True), ("without_hashing", False)):
        honest = State.rehashed
        ledger = Ledger(genesis)
        try:
            if not hashing:
                State.rehashed = lambda self, changes: self.tree  # type: ignore[method-assign]
            start = wall_clock.cpu_ns()
            for height, batch in enumerate(batches, 1):
                outcome = ledger.execute_block(height, height, batch)
                assert outcome.receipts[-1].code == "OK"
            rates[name] = BLOCKS * PER_BLOCK * 10**9 // (wall_clock.cpu_ns() - start)
        finally:
            State.rehashed = honest  # type: ignore[method-assign]
    return rates


def verdicts(journal: Journal, scale: Scale) -> list[Verdict]:
    """Agreement, oracles, scenarios, rates."""
    walks = journal.matching("walk/")
    differing = sorted(name for name, result in walks.items() if result["differs"])
    acts = sum(result["acts"] for result in walks.values())
    runs = journal.matching("scenario/")
    bad = sorted(name for name, result in runs.items() if result["exit_code"])
    oracle = journal.matching("quantlib")["quantlib"]
    speed = journal.matching("speed/")
    middle = speed["speed/10000"]
    few, many = speed["speed/1000"], speed["speed/1000000"]
    plain = round(few["without_hashing"] / many["without_hashing"], 2)
    hashed = round(few["with_hashing"] / many["with_hashing"], 2)
    return [
        Verdict("acts on which both models agree", f"{scale.of(WALKS) * ACTS}",
                f"{acts} {' '.join(differing[:3])}", not differing),
        Verdict("QuantLib agrees to 1e-6", f"{TERMS} terms each", str(oracle["said"]),
                oracle["exit_code"] == 0),
        Verdict("domain scenarios that hold", str(len(SCENARIOS) * scale.of(SEEDS)),
                f"{len(runs) - len(bad)} {' '.join(bad[:3])}", not bad),
        Verdict("transfers/s at 10,000 accounts, without hashing", f"{TRANSFERS_PER_S}",
                str(middle["without_hashing"]), middle["without_hashing"] >= TRANSFERS_PER_S),
        Verdict("the same with state hashing", "", str(middle["with_hashing"]), True),
        Verdict("slower at 1,000,000 than at 1,000 accounts by", "at most 2", str(plain),
                plain <= 2),
        Verdict("the same with state hashing", "at most 4", str(hashed), hashed <= 4),
    ]  # fmt: skip
