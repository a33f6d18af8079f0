"""The ledger's figures: two models, oracles, domain scenarios, sweeps and planted bugs, speed.

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

from chainsim.bench.ledger import TRANSFERS, Alone
from tests.acceptance.command import ROOT, Scale
from tests.acceptance.journal import Journal, Step, Verdict
from tests.acceptance.sweeps import (
    hunt_steps,
    hunt_verdicts,
    money_mutants,
    sweep_steps,
    sweep_verdicts,
)
from tests.mutants import MONEY

WALKS = 100
ACTS = 500
TERMS = 1_000
_UNIT = "tests/unit/ledger"
ORACLES = {
    "quantlib": (
        f"QuantLib: price, yield, accrued interest, schedule to 1e-6, {TERMS} terms each",
        (f"{_UNIT}/test_pricing.py", "-k", "quantlib"),
    ),
    "log": (
        "the State Bank's log: 14 of 14 rows in every column, and the tied cut-off",
        (f"{_UNIT}/test_auction.py", "-k", "real_auction or tied_cut_off or holder_pays_once"),
    ),
    "rfc9162": ("RFC 9162: roots, inclusion, consistency", (f"{_UNIT}/test_merkle.py",)),
    "stdnum": ("python-stdnum: LEI and ISIN", (f"{_UNIT}/test_identifiers.py",)),
    "beancount": (
        "bean-check accepts the journal, and not one paisa more",
        ("tests/unit/cli/test_export.py", "-k", "bean_check"),
    ),
    "roles": (
        "roles.csv: each type, role, licence and pause state",
        (f"{_UNIT}/test_access.py",),
    ),
    "floats": ("no float in the syntax tree", (f"{_UNIT}/test_no_floats.py",)),
    "reports": (
        "no sign of a report in block, trace, summary, page, tables or another's store",
        ("tests/unit/cli/test_export.py", "-k", "report"),
    ),
}
"""By name: the figure, and which tests hold it."""
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
CLEAN = 2_000
"""Seeds of the base of money, of each strategy, in which nothing may be found."""
SIZES = (1_000, 10_000, 1_000_000)
SAMPLE_SIZES = (1_000, 10_000, 100_000)
"""A million accounts take a minute and 2.5 GB to set up, twice."""
TRANSFERS_PER_S = 20_000


def steps(scale: Scale) -> list[Step]:
    """Each walk, the oracle, each scenario with each seed and without its guards, each planted
    bug, each size."""
    return [
        *(Step(f"walk/{seed}", partial(_walk, seed)) for seed in range(scale.of(WALKS))),
        *(Step(f"market/{seed}", partial(_market, seed)) for seed in range(scale.of(WALKS))),
        *(Step(f"oracle/{name}", partial(_oracle, name)) for name in ORACLES),
        *(
            Step(f"scenario/{name}/{seed}", partial(_scenario, name, seed))
            for name in SCENARIOS
            for seed in range(1, scale.of(SEEDS) + 1)
        ),
        *(Step(f"guard/{name}", partial(_guards, name)) for name in SCENARIOS),
        *sweep_steps(CLEAN, scale, base=MONEY),
        *hunt_steps(money_mutants(), scale),
        *(Step(f"speed/{size}", partial(_speed, size)) for size in _sizes(scale)),
    ]


def _sizes(scale: Scale) -> tuple[int, ...]:
    return SIZES if scale.sample is None else SAMPLE_SIZES


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


def _oracle(name: str) -> dict[str, Any]:
    """Runs the tests that hold the ledger against somebody else's word."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *ORACLES[name][1]],
        cwd=ROOT, env={**os.environ, "ORACLE_TERMS": str(TERMS)}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    said = done.stdout.splitlines()[-1:] or [""]
    return {"exit_code": done.returncode, "said": said[0].strip("= ")}


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
        found = [check.name for check in result.checks if not check.ok]
        found += [expected.name for expected in result.expectations if not expected.ok]
        if notices not in found:
            unnoticed.append(guard.__name__)
    return {"broken": len(GUARDS[name]), "unnoticed": unnoticed}


def _speed(accounts: int) -> dict[str, Any]:
    alone = Alone(accounts)
    return {
        name: TRANSFERS * 10**9 // alone.transfers_ns(hashing=hashing)
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
    oracles = journal.matching("oracle/")
    speed = journal.matching("speed/")
    few, middle, many = (speed[f"speed/{size}"] for size in _sizes(scale))
    most = f"{_sizes(scale)[-1]:,}"
    plain = round(few["without_hashing"] / many["without_hashing"], 2)
    hashed = round(few["with_hashing"] / many["with_hashing"], 2)
    alone = round(_hashing_ns(many) / _hashing_ns(few), 2)
    return [
        _agreement(journal, "walk/", "acts on which both models agree", scale),
        _agreement(journal, "market/", "the same where securities are issued", scale),
        *(Verdict(ORACLES[name.partition("/")[2]][0], "all", oracle["said"],
                  oracle["exit_code"] == 0) for name, oracle in oracles.items()),
        Verdict("domain scenarios that hold", str(len(SCENARIOS) * scale.of(SEEDS)),
                f"{len(runs) - len(bad)} {' '.join(bad[:3])}", not bad),
        Verdict("broken guards that turn a scenario red", str(broken),
                f"{broken - len(unnoticed)} {' '.join(unnoticed[:3])}", not unnoticed),
        *sweep_verdicts(journal, CLEAN, scale),
        *hunt_verdicts(journal, money_mutants(), scale),
        Verdict("transfers/s at 10,000 accounts, without hashing", f"{TRANSFERS_PER_S}",
                str(middle["without_hashing"]), middle["without_hashing"] >= TRANSFERS_PER_S),
        Verdict("the same with state hashing", "", str(middle["with_hashing"]), True),
        Verdict(f"slower at {most} than at 1,000 accounts by", "at most 2", str(plain),
                plain <= 2),
        Verdict("slower by, with state hashing", "at most 4", str(hashed), hashed <= 4),
        Verdict("slower by, hashing alone", "at most 4", str(alone), alone <= 4),
    ]  # fmt: skip
