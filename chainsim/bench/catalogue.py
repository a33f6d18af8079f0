"""The rows of the benchmark: add one here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import msgspec

from chainsim.bench import network, others
from chainsim.bench.measure import Work


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One row: what it measures, and how."""

    about: str
    work: Callable[[], Work]
    long: bool = False
    """Takes more than some seconds: only measured if it is asked for."""


def _decide(
    n: int, blocks: int, signatures: str = "fast", *, long: bool = False
) -> tuple[str, Entry]:
    name = f"decide-{n}" if signatures == "fast" else f"decide-{n}-{signatures}"
    about = f"one decision, {n} validators, full nodes, {signatures} signatures"
    work = partial(network.decisions, n, blocks, signatures)
    return name, Entry(about=about, work=work, long=long)


def _decide_once(n: int, blocks: int) -> tuple[str, Entry]:
    about = f"one decision, {n} validators, each block executed once"
    return f"decide-{n}-once", Entry(
        about=about, work=partial(network.decisions, n, blocks, memoise=True)
    )


def _growth(times: int) -> tuple[str, Entry]:
    about = f"one decision, 4 validators, in a run {times} times as long"
    work = partial(network.growth, 100 * times)
    return f"growth-{times}", Entry(about=about, work=work, long=times > 10)


def _ledger(accounts: int, *, long: bool = False) -> list[tuple[str, Entry]]:
    return [
        (
            f"ledger-{accounts}" + ("" if hashing else "-unhashed"),
            Entry(
                about=f"one ledger alone, {accounts:,} accounts, state hashing "
                + ("on" if hashing else "off"),
                work=partial(others.ledger_alone, accounts, hashing=hashing),
                long=long,
            ),
        )
        for hashing in (True, False)
    ]


MILLION: Final = 1_000_000
SOME: Final = 10_000

ENTRIES: Final[dict[str, Entry]] = dict(
    (
        _decide(4, 200),
        _decide(16, 50),
        _decide(32, 20),
        _decide(64, 8),
        _decide(128, 2),
        _decide(256, 2, long=True),
        _decide(512, 1, long=True),
        _decide_once(4, 200),
        _decide_once(16, 50),
        _decide_once(64, 8),
        _decide(4, 200, "ed25519"),
        _decide(16, 50, "ed25519"),
        _decide(32, 20, "ed25519", long=True),
        _decide(64, 8, "ed25519", long=True),
        _decide(128, 2, "ed25519", long=True),
        ("explore", Entry(about="exploring, 4 validators, one seed",
                          work=partial(others.exploring, 64))),
        ("explore-command", Entry(about="the same as a whole command",
                                  work=partial(others.exploring_command, 64))),
        ("twins", Entry(about="a Twins schedule: 4 validators, 1 twin, 4 rounds of 2 partitions",
                        work=partial(others.twins, 192))),
        *_ledger(1_000),
        *_ledger(10_000),
        *_ledger(MILLION, long=True),
        ("sovereign-day", Entry(about="the flagship scenario", long=True,
                                work=partial(network.shipped, "sovereign-day"))),
        ("transactions", Entry(
            about=f"one of {SOME:,} transactions, 4 validators, each executes",
            work=partial(network.transactions, SOME, memoise=False))),
        ("transactions-once", Entry(
            about="the same, each block executed once",
            work=partial(network.transactions, SOME, memoise=True))),
        ("million", Entry(
            about=f"one of {MILLION:,} transactions, 4 validators, each executes", long=True,
            work=partial(network.transactions, MILLION, memoise=False))),
        ("million-once", Entry(
            about="the same, each block executed once", long=True,
            work=partial(network.transactions, MILLION, memoise=True))),
        _growth(1),
        _growth(10),
        _growth(100),
        ("trace-off", Entry(about="one decision, 7 validators, no trace file",
                            work=partial(network.traced, "off", 100))),
        ("trace-milestones", Entry(about="the same, milestones in the trace",
                                   work=partial(network.traced, "milestones", 100))),
        ("trace-messages", Entry(about="the same, each message in the trace",
                                 work=partial(network.traced, "messages", 100))),
        ("dashboard", Entry(about="the same, milestones and the dashboard's frames",
                            work=partial(network.watched, 100))),
        ("start-help", Entry(about="chainsim --help, all included",
                             work=partial(others.start_up, "--help"))),
        ("start-quick", Entry(about="chainsim run quick, all included",
                              work=partial(others.start_up, "run", "quick"))),
    )
)  # fmt: skip
"""By name, in the order of the table."""
