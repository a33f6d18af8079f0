"""The ledger's figures: two models, QuantLib, domain scenarios, planted bugs of money, speed.

Speed is of one ledger alone, in CPU time: transfers among 1,000, 10,000 and 1,000,000 accounts,
signatures already checked, with state hashing and without. ``--sample N`` runs N walks, and N seeds
of each scenario.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from typing import Any

from chainsim.bench.ledger import TRANSFERS, transfers_ns
from tests.acceptance.command import ROOT, Scale
from tests.acceptance.journal import Journal, Step, Verdict
from tests.acceptance.sweeps import hunt_steps, hunt_verdicts, money_mutants

WALKS = 100
ACTS = 500
TERMS = 1_000
SCENARIOS = (
    "coupon-day-partition",
    "revoked-mid-settlement",
    "central-bank-down-at-maturity",
    "cap-race",
    "freeze-races-transfer",
    "crash-while-paying-10000",
    "stale-vault-attestation",
    "deciding-seat-revoked",
    "sealed-sukuk-auction",
    "accredited-holders-only",
    "court-order",
    "evidence-on-record",
)
SEEDS = 20
SIZES = (1_000, 10_000, 1_000_000)
TRANSFERS_PER_S = 20_000


def steps(scale: Scale) -> list[Step]:
    """Each walk, the oracle, each scenario with each seed and without its guards, each planted
    bug, each size."""
    return [
        *(Step(f"walk/{seed}", partial(_walk, seed)) for seed in range(scale.of(WALKS))),
        *(Step(f"market/{seed}", partial(_market, seed)) for seed in range(scale.of(WALKS))),
        Step("quantlib", _quantlib),
        *(
            Step(f"scenario/{name}/{seed}", partial(_scenario, name, seed))
            for name in SCENARIOS
            for seed in range(1, scale.of(SEEDS) + 1)
        ),
        *(Step(f"guard/{name}", partial(_guards, name)) for name in SCENARIOS),
        *hunt_steps(money_mutants(), scale),
        *(Step(f"speed/{size}", partial(_speed, size)) for size in SIZES),
    ]


def _walk(seed: int) -> dict[str, Any]:
    from tests.properties.test_two_ledgers import walk

    try:
        return {"acts": walk(seed, ACTS).acts, "differs": ""}
    except AssertionError as error:
        return {"acts": 0, "differs": str(error)[:200]}


def _market(seed: int) -> dict[str, Any]:
    from tests.properties.test_two_markets import walk

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


def _guards(name: str) -> dict[str, Any]:
    """Whether a scenario goes red, each time, without what it guards."""
    from chainsim.build import build
    from scenarios.loader import load
    from tests.simulation.broken_guards import GUARDS

    unnoticed = []
    for guard, notices in GUARDS[name]:
        with guard():
            result = build(load(name, ["consensus.signatures=fast"]), memoise=True).run()
        found = [each.name for each in (*result.checks, *result.expectations) if not each.ok]
        if notices not in found:
            unnoticed.append(guard.__name__)
    return {"broken": len(GUARDS[name]), "unnoticed": unnoticed}


def _speed(accounts: int) -> dict[str, Any]:
    return {
        name: TRANSFERS * 10**9 // transfers_ns(accounts, hashing=hashing)
        for name, hashing in (("with_hashing", True), ("without_hashing", False))
    }


def _hashing_ns(speed: dict[str, int]) -> int:
    """What hashing the state adds to a transfer."""
    return 10**9 // speed["with_hashing"] - 10**9 // speed["without_hashing"]


def _agreement(journal: Journal, prefix: str, figure: str, scale: Scale) -> Verdict:
    walks = journal.matching(prefix)
    differing = sorted(name for name, result in walks.items() if result["differs"])
    acts = sum(result["acts"] for result in walks.values())
    wanted = scale.of(WALKS) * ACTS
    said = f"{acts} {' '.join(differing[:3])}".strip()
    return Verdict(figure, str(wanted), said, acts == wanted and not differing)


def verdicts(journal: Journal, scale: Scale) -> list[Verdict]:
    """Agreement, oracles, scenarios, rates."""
    runs = journal.matching("scenario/")
    bad = sorted(name for name, result in runs.items() if result["exit_code"])
    guards = journal.matching("guard/").values()
    broken = sum(guard["broken"] for guard in guards)
    unnoticed = [name for guard in guards for name in guard["unnoticed"]]
    oracle = journal.matching("quantlib")["quantlib"]
    speed = journal.matching("speed/")
    middle = speed["speed/10000"]
    few, many = speed["speed/1000"], speed["speed/1000000"]
    plain = round(few["without_hashing"] / many["without_hashing"], 2)
    hashed = round(few["with_hashing"] / many["with_hashing"], 2)
    alone = round(_hashing_ns(many) / _hashing_ns(few), 2)
    return [
        _agreement(journal, "walk/", "acts on which both models agree", scale),
        _agreement(journal, "market/", "the same where securities are issued", scale),
        Verdict("QuantLib agrees to 1e-6", f"{TERMS} terms each", str(oracle["said"]),
                oracle["exit_code"] == 0),
        Verdict("domain scenarios that hold", str(len(SCENARIOS) * scale.of(SEEDS)),
                f"{len(runs) - len(bad)} {' '.join(bad[:3])}", not bad),
        Verdict("broken guards that turn a scenario red", str(broken),
                f"{broken - len(unnoticed)} {' '.join(unnoticed[:3])}", not unnoticed),
        *hunt_verdicts(journal, money_mutants(), scale),
        Verdict("transfers/s at 10,000 accounts, without hashing", f"{TRANSFERS_PER_S}",
                str(middle["without_hashing"]), middle["without_hashing"] >= TRANSFERS_PER_S),
        Verdict("the same with state hashing", "", str(middle["with_hashing"]), True),
        Verdict("slower at 1,000,000 than at 1,000 accounts by", "at most 2", str(plain),
                plain <= 2),
        Verdict("the same with state hashing", "at most 4", str(hashed), hashed <= 4),
        Verdict("hashing alone", "at most 4", str(alone), alone <= 4),
    ]  # fmt: skip
