"""Each hostile behaviour fails on the right protocol, and does its damage on a weakened one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import msgspec
import pytest

from chainsim.exit_codes import ExitCode
from nodes.byzantine import BEHAVIOURS, COALITION
from scenarios.faults.byzantine import NAMES
from tests.mutants import client_and_disk, log, votes
from tests.mutants.views import patient_backups, selection_believed
from tests.simulation import weakened
from tests.simulation.runs import Run
from tests.simulation.weakened import Patch

SILENT_PRIMARY = """
[[faults]]
kind = "byzantine"
node = "v0"
behaviour = "silent"
types = ["pre-prepare"]
at = "1200ms"
"""
"""Makes everybody change to view 1, with the VIEW-CHANGE of v0 among the first."""
CRASHED_PRIMARY = """
[[faults]]
kind = "crash"
node = "v0"
at = "1120ms"
for = "3s"
"""
"""Makes everybody change to view 1 while slots are in flight."""


ALL_DAY = """
[[workload]]
kind = "transfers"
rate = "10/s"
start = "2400ms"
stop = "59s"
"""
"""There is always something to execute."""
CROWD = """
[[workload]]
kind = "transfers"
rate = "200/s"
start = "1s"
stop = "1500ms"
"""
"""Batches hold several requests of one client."""
IN_ORDER = ('network.latency={ kind = "constant", value = "10ms" }', "network.jitter=0")
"""What a client sends first arrives first."""


def hostile(behaviour: str, node: str = "v0", more: str = "") -> str:
    return f'\n[[faults]]\nkind = "byzantine"\nnode = "{node}"\nbehaviour = "{behaviour}"\n{more}\n'


def test_every_behaviour_is_tried() -> None:
    """Who harms only in company is in test_forensics, who lies to those that lag behind in
    tests/unit/nodes/test_bogus_state.py, who forges allotments in test_liar_scenarios."""
    attacks = {name.partition(",")[0] for name in DAMAGE}
    assert set(NAMES) == {*BEHAVIOURS, "twins"} == {*attacks, *ELSEWHERE}
    assert not attacks & set(ELSEWHERE)


# The right protocol

RIGHT = [
    (behaviour, node, n, seed)
    for behaviour in NAMES
    if behaviour != COALITION
    for node, n, seed in (("v0", 4, 1), ("v2", 4, 2), ("v0", 5, 3), ("v1", 7, 4))
]
CRASH = '\n[[faults]]\nkind = "crash"\nnode = "{node}"\nat = "1s"\nfor = "2s"\n'


@pytest.mark.parametrize(("behaviour", "node", "n", "seed"), RIGHT)
def test_on_the_right_protocol_nothing_breaks(behaviour: str, node: str, n: int, seed: int) -> None:
    """The honest agree and go on, though a primary crashes besides; nobody honest is accused."""
    crash = CRASH.format(node="v1" if node == "v0" else "v0")
    run = Run(hostile(behaviour, node, "chance = 0.5") + crash, n=n, seed=seed)
    assert run.result.exit_code == ExitCode.OK, run.why()
    assert set(run.proven()) <= {node}
    assert run.result.metrics["transactions_final"] == 40


PROVEN = {
    "conflicting-votes": ("v2", "", "conflicting-commit"),
    "equivocate": (
        "v0",
        'groups = [["v1", "v2"], ["v2", "v3"]]',
        "conflicting-pre-prepare",
    ),
    "bogus-view-change": ("v0", "", "conflicting-view-change"),
    "random-mutation": ("v0", "", "conflicting-commit"),
    "bogus-new-view": ("v1", CRASHED_PRIMARY, "bogus-new-view"),
    # When the time of what it voted for comes, it votes again.
    "future-flood": ("v2", "", "conflicting-commit"),
    # Its votes for nothing prove nothing, until its honest part shows what it voted for as well.
    "wrong-digest": ("v2", CRASHED_PRIMARY, "conflicting-prepare"),
}
"""Behaviour -> (who, with what, what is proven against it)."""


@pytest.mark.parametrize("behaviour", PROVEN)
def test_who_contradicts_itself_before_others_is_proven_guilty(behaviour: str) -> None:
    node, more, kind = PROVEN[behaviour]
    more += f"\n{SILENT_PRIMARY if behaviour == 'bogus-view-change' else ''}"
    expect = f'[expect]\nculprits = ["{node}"]\n'
    run = Run(hostile(behaviour, node, more) + expect, seed=2)
    assert kind in run.proven()[node]
    assert set(run.proven()) == {node}
    assert run.result.exit_code == ExitCode.OK, run.why()


@pytest.mark.parametrize(
    "behaviour",
    [
        "silent",
        "withhold",
        "stale-replay",
        "censor",
        "delay-proposals",
        "reorder-transactions",
        "bad-block-time",
        "false-reply",
    ],
)
def test_silence_repetition_and_taste_are_no_crime(behaviour: str) -> None:
    """Nor is what is said of a time, or to a client: none of it is signed twice (rule 33)."""
    for node in ("v0", "v2"):
        assert Run(hostile(behaviour, node, "chance = 1.0")).proven() == {}


def test_twins_contradict_each_other() -> None:
    """Each copy is honest; that both signed for one slot shows only in what was signed."""
    run = Run(hostile("twins", "v0", 'groups = [["v1"], ["v2", "v3"]]'))
    signed: dict[tuple[object, ...], set[bytes]] = {}
    for record in run.signed("v0"):
        key = record.type, record.view, record.sequence
        if record.type in ("pre-prepare", "prepare", "commit"):
            signed.setdefault(key, set()).add(record.digest)
    assert any(len(digests) > 1 for digests in signed.values())
    assert run.result.exit_code == ExitCode.OK, run.why()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_who_delays_less_than_the_time_out_keeps_its_seat_and_who_delays_more_does_not(
    seed: int,
) -> None:
    """What rule 18 promises: an order within the time-outs (a client's, then a backup's)."""
    just_under = Run(hostile("delay-proposals"), seed=seed).result
    assert just_under.metrics["view_changes"] == 0
    assert just_under.metrics["finality_p50"] > 375_000, "three quarters of 500 ms"
    beyond = Run(hostile("delay-proposals", more='delay = "2s"'), seed=seed).result
    assert beyond.metrics["view_changes"] > 0
    assert beyond.metrics["finality_max"] < 2_000_000
    assert {just_under.exit_code, beyond.exit_code} == {ExitCode.OK}


# Weakened protocols


class Damage(msgspec.Struct, frozen=True):
    """What a behaviour breaks on a protocol without one of its defences."""

    weakened: Callable[[], Patch]
    fault: str
    breaks: str
    """A check that must fail, or a receipt's code that must not be there."""
    seed: int = 1
    besides: str = ""
    """Further faults and work, which alone do no damage."""
    n: int = 4
    settings: tuple[str, ...] = ()

    def run(self, fault: str) -> Run:
        """One run with ``fault`` beside what does no damage."""
        return Run(self.besides + fault, n=self.n, seed=self.seed, settings=self.settings)


DAMAGE = {
    "silent": Damage(patient_backups, hostile("silent"), "liveness"),
    "withhold": Damage(
        weakened.everybody_must_vote,
        hostile("withhold", "v2", 'types = ["prepare", "commit", "certified-batch"]'),
        "liveness",
    ),
    "equivocate": Damage(votes.quorum_2f, hostile("equivocate"), "agreement"),
    "conflicting-votes": Damage(
        votes.digest_not_compared, hostile("conflicting-votes", "v2"), "chain-integrity"
    ),
    "stale-replay": Damage(
        weakened.no_filter_of_repeats, hostile("stale-replay", "v0", "chance = 1.0"), "exactly-once"
    ),
    "bogus-view-change": Damage(
        weakened.proofs_unchecked,
        hostile("bogus-view-change", "v0", "chance = 0.0"),
        "liveness",
        seed=5,
        besides=SILENT_PRIMARY,
    ),
    "bogus-new-view": Damage(
        selection_believed, hostile("bogus-new-view", "v1"), "liveness", besides=CRASHED_PRIMARY
    ),
    "bogus-checkpoint": Damage(
        weakened.proofs_of_states_unchecked,
        hostile("bogus-checkpoint", "v2", "chance = 1.0"),
        "liveness",
    ),
    "random-mutation": Damage(
        votes.digest_not_compared, hostile("random-mutation"), "agreement", seed=3
    ),
    "mutate-round": Damage(
        votes.digest_not_compared,
        hostile(
            "mutate-round", "v0", 'types = ["pre-prepare"]\nreceivers = ["v1"]\nfield = "batch"'
        ),
        "agreement",
    ),
    "future-flood": Damage(log.future_unbounded, hostile("future-flood", "v2"), "bounded-memory"),
    "twins": Damage(votes.quorum_2f, hostile("twins"), "agreement"),
    "wrong-digest": Damage(weakened.digest_believed, hostile("wrong-digest"), "agreement"),
    "delay-proposals": Damage(
        patient_backups, hostile("delay-proposals", more='delay = "80s"'), "liveness"
    ),
    "censor": Damage(
        weakened.one_deadline_for_all,
        hostile("censor", more='clients = ["dealer-a"]'),
        "liveness",
        besides=ALL_DAY,
    ),
    "reorder-transactions": Damage(
        weakened.no_window,
        hostile("reorder-transactions"),
        "E_NONCE",
        besides=CROWD,
        settings=IN_ORDER,
    ),
    "false-reply": Damage(
        client_and_disk.one_reply, hostile("false-reply", "v2"), "client-history"
    ),
    "bad-block-time": Damage(
        weakened.time_may_fall, hostile("bad-block-time", more='delay = "100ms"'), "chain-integrity"
    ),
    "bad-block-time, ahead": Damage(
        weakened.clock_not_asked,
        hostile("bad-block-time", more='chance = 0.0\ndelay = "2s"'),
        "chain-integrity",
    ),
    "collude": Damage(
        votes.quorum_2f,
        '\n[[faults]]\nkind = "byzantine"\nnodes = ["v0", "v2"]\nbehaviour = "collude"\n',
        "agreement",
        n=7,
    ),
}
"""Fork (agreement), stall (liveness), wrong execution (exactly-once), false proof, a client that
believes a lie (client-history), time that falls (chain-integrity)."""


ELSEWHERE = {
    "accomplice": ("it is one of more than f", "agreement", "tests/simulation/test_forensics.py"),
    "bogus-state": (
        "pieces of a state are believed",
        "another state than the quorum's",
        "tests/unit/nodes/test_bogus_state.py",
    ),
    "false-proofs": (
        "an observer checks no proof of a balance",
        "light-observers",
        "tests/simulation/test_light_observers.py",
    ),
    "wrong-allotment": (
        weakened.own_key_will_do.__doc__,
        "validity",
        "tests/simulation/test_liar_scenarios.py",
    ),
}
"""Behaviours that are tried in other files: what must be broken, what breaks then, which file."""


def harm(run: Run) -> list[str]:
    """Checks that failed, and codes of transactions that weren't done."""
    codes = run.result.measures.transactions.by_code
    return [*run.broken(), *sorted(code for code in codes if code != "OK")]


@pytest.mark.parametrize("behaviour", DAMAGE)
def test_a_weakened_protocol_is_damaged(behaviour: str) -> None:
    damage = DAMAGE[behaviour]
    with damage.weakened():
        run = damage.run(damage.fault)
    assert damage.breaks in harm(run), harm(run)


@pytest.mark.parametrize("behaviour", DAMAGE)
@pytest.mark.parametrize("weak", [True, False])
def test_the_damage_takes_both_the_weakness_and_the_liar(behaviour: str, weak: bool) -> None:
    """The weakened protocol without the liar, and the right one with it, hold."""
    damage = DAMAGE[behaviour]
    with damage.weakened() if weak else nullcontext():
        run = damage.run("" if weak else damage.fault)
    assert harm(run) == [], run.why()
