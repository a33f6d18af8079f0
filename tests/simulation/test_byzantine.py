"""Each hostile behaviour fails on the right protocol, and does its damage on a weakened one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import msgspec
import pytest

import consensus.types
from chainsim.exit_codes import ExitCode
from chainsim.explore.planting import swapped
from consensus.pbft import view_change
from nodes.byzantine import BEHAVIOURS, IN_COMPANY
from nodes.ledger.replies import ReplyScope
from nodes.validator import Validator
from scenarios.faults.byzantine import NAMES
from tests.mutants import log, votes
from tests.mutants.views import patient_backups, selection_believed
from tests.simulation.runs import Run

Patch = AbstractContextManager[None]

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


def hostile(behaviour: str, node: str = "v0", more: str = "") -> str:
    return f'\n[[faults]]\nkind = "byzantine"\nnode = "{node}"\nbehaviour = "{behaviour}"\n{more}\n'


def test_every_behaviour_is_tried() -> None:
    """Who harms only in company is in test_forensics, who lies to those that lag behind in
    tests/unit/nodes/test_bogus_state.py."""
    to_laggards = {"bogus-state", "bogus-checkpoint"}
    assert set(NAMES) == {*BEHAVIOURS, "twins"} == {*DAMAGE, *IN_COMPANY, *to_laggards}


# The right protocol

RIGHT = [
    (behaviour, node, n, seed)
    for behaviour in NAMES
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


@pytest.mark.parametrize("behaviour", ["silent", "withhold", "stale-replay"])
def test_silence_and_repetition_are_no_crime(behaviour: str) -> None:
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


# Weakened protocols


def everybody_must_vote() -> Patch:
    """Q = n."""
    return swapped((consensus.types, "quorum_size", lambda n: n))


def proofs_unchecked() -> Patch:
    """A VIEW-CHANGE is believed if its sender signed it."""
    return swapped(
        (
            view_change,
            "view_change_is_valid",
            lambda message, _c, _w, authentic, *_: authentic(message),
        )
    )


@contextmanager
def no_filter_of_repeats() -> Iterator[None]:
    """A request that comes again is ordered and executed again."""
    with swapped(
        (ReplyScope, "is_stale", lambda self, party, number: False),
        (Validator, "_answer_again", lambda self, request: None),
        (Validator, "_acceptable", lambda self, request: True),
    ):
        yield


class Damage(msgspec.Struct, frozen=True):
    """What a behaviour breaks on a protocol without one of its defences."""

    weakened: Callable[[], Patch]
    fault: str
    breaks: str
    """A check that must fail."""
    seed: int = 1
    besides: str = ""
    """Further faults, which alone do no damage."""


DAMAGE = {
    "silent": Damage(patient_backups, hostile("silent"), "liveness"),
    "withhold": Damage(
        everybody_must_vote,
        hostile("withhold", "v2", 'types = ["prepare", "commit", "certified-batch"]'),
        "liveness",
    ),
    "equivocate": Damage(votes.quorum_2f, hostile("equivocate"), "agreement"),
    "conflicting-votes": Damage(
        votes.digest_not_compared, hostile("conflicting-votes", "v2"), "chain-integrity"
    ),
    "stale-replay": Damage(
        no_filter_of_repeats, hostile("stale-replay", "v0", "chance = 1.0"), "exactly-once"
    ),
    "bogus-view-change": Damage(
        proofs_unchecked,
        hostile("bogus-view-change", "v0", "chance = 0.0"),
        "liveness",
        seed=5,
        besides=SILENT_PRIMARY,
    ),
    "bogus-new-view": Damage(
        selection_believed, hostile("bogus-new-view", "v1"), "liveness", besides=CRASHED_PRIMARY
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
}
"""Fork (agreement), stall (liveness), wrong execution (exactly-once), false proof."""


@pytest.mark.parametrize("behaviour", DAMAGE)
def test_a_weakened_protocol_is_damaged(behaviour: str) -> None:
    damage = DAMAGE[behaviour]
    with damage.weakened():
        run = Run(damage.fault + damage.besides, seed=damage.seed)
    assert damage.breaks in run.broken(), run.broken()


@pytest.mark.parametrize("behaviour", DAMAGE)
@pytest.mark.parametrize("weak", [True, False])
def test_the_damage_takes_both_the_weakness_and_the_liar(behaviour: str, weak: bool) -> None:
    """The weakened protocol without the liar, and the right one with it, hold."""
    damage = DAMAGE[behaviour]
    fault = damage.besides if weak else damage.besides + damage.fault
    with damage.weakened() if weak else nullcontext():
        run = Run(fault, seed=damage.seed)
    assert run.broken() == [], run.why()
