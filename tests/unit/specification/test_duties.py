"""Rules 12, 14, 16, 17, 19 and 21: what is owed to who asks again and again, and when it is not."""

from __future__ import annotations

from collections.abc import Callable

from chainsim.specification.duties import (
    SPAN_US,
    TIMES,
    owes_execution,
    owes_forwarding,
    owes_joining,
    owes_new_view,
    owes_opening,
    owes_view_change,
)
from chainsim.specification.facts import Facts, Validator, ViewChange
from tests.unit.specification.scene import Scene

A = b"a"
STEP_US = SPAN_US // (TIMES - 1)
Owes = Callable[[Facts, Validator, ViewChange, int], str]


def asked(ask: Callable[[int], str], times: int = TIMES, step_us: int = STEP_US) -> str:
    """The last answer of some."""
    answers = [ask(number * step_us) for number in range(times)]
    assert not any(answers[:-1])
    return answers[-1]


def certified(scene: Scene, name: str, *signers: str) -> Callable[[int], str]:
    vote = ("commit", 0, 0, 1, A)
    votes = tuple((signer, vote, b"") for signer in signers)
    return lambda now_us: owes_execution(scene.facts, scene[name], 1, 0, A, votes, now_us)


def test_rule_12_a_certificate_is_executed_in_the_end() -> None:
    scene = Scene()
    scene.prepared(0, 1, A)
    shown = certified(scene, "r3", "r0", "r1", "r2")
    assert asked(shown, TIMES - 1) == ""
    assert shown(SPAN_US).startswith("rule 12")


def test_rule_12_not_on_too_few_nor_at_once_nor_after_it_did() -> None:
    scene = Scene(hostile=["r2"])
    scene.prepared(0, 1, A)
    assert asked(certified(scene, "r3", "r0", "r1", "r2")) == "", "r2's may be a bad signature"
    scene = Scene()
    scene.prepared(0, 1, A)
    shown = certified(scene, "r3", "r0", "r1", "r2")
    assert asked(shown, step_us=1) == ""
    scene["r3"].restarted()
    scene["r3"].restarted()
    assert shown(SPAN_US) == "", "a crash may have taken what it heard"
    assert scene.executes("r0", 1, A) == ""
    assert asked(certified(scene, "r0", "r0", "r1", "r2")) == ""


def test_rule_17_a_view_change_that_is_lacked_is_sent_again() -> None:
    scene = Scene()
    scene.leaves("r1", 1)
    node = scene["r1"]

    def asks(now_us: int, *, asker: str = "r2", view: int = 1, lacks: bool = True) -> str:
        return owes_view_change(scene.facts, node, asker, view, lacks, now_us)

    assert asked(asks).startswith("rule 17")
    assert asks(2 * SPAN_US, lacks=False) == ""
    assert asked(lambda now_us: asks(now_us, view=2)) == ""
    assert asked(lambda now_us: asks(now_us, asker="a stranger")) == ""
    node.place = (0, 1, True)
    assert asked(asks) == "", "it is in that view now"


def test_rule_16_a_new_view_is_brought_to_who_lags() -> None:
    scene = Scene()
    node = scene["r1"]
    assert asked(lambda t: owes_new_view(scene.facts, node, "r2", 1, t)) == "", "view 0 has none"
    node.place = (0, 1, True)
    assert asked(lambda t: owes_new_view(scene.facts, node, "r3", 2, t)) == ""
    assert asked(lambda t: owes_new_view(scene.facts, node, "r2", 1, t)).startswith("rule 16")


def test_rule_21_a_backup_passes_on_what_several_clients_ask_for() -> None:
    scene = Scene()

    def asks(name: str, *clients: str) -> str:
        fault = ""
        for number in range(TIMES):
            for client in clients:
                now_us = number * STEP_US
                fault = owes_forwarding(scene.facts, scene[name], client, 1, now_us) or fault
        return fault

    assert asks("r1", "alice") == "", "one client may be none that the ledger serves"
    assert asks("r2", "alice", "bob").startswith("rule 21")
    assert asks("r0", "alice", "bob") == "", "the primary proposes"
    scene.facts.ordered.update({("alice", 1): 0, ("bob", 1): 0})
    assert asks("r3", "alice", "bob") == "", "it was executed"


def joining(scene: Scene, name: str, view: int, *senders: str, owes: Owes = owes_joining) -> str:
    """What is owed after each of ``senders`` has sent its VIEW-CHANGE often and long enough."""
    faults = [
        owes(scene.facts, scene[name], scene.view_change(sender, view), number * STEP_US)
        for number in range(TIMES)
        for sender in senders
    ]
    assert not any(faults[:-1])
    return faults[-1]


def test_rule_19_who_hears_that_others_want_a_higher_view_joins_them() -> None:
    assert joining(Scene(), "r3", 1, "r1", "r2").startswith("rule 19")
    assert joining(Scene(), "r3", 1, "r1") == "", "one may be mistaken"
    assert joining(Scene(hostile=["r2"]), "r3", 1, "r1", "r2") == "", "r2's may be invalid"
    scene = Scene()
    scene["r3"].place = (0, 1, False)
    assert joining(scene, "r3", 1, "r1", "r2") == "", "it is on its way there itself"


def test_rule_19_not_while_it_takes_over_a_state_and_not_for_what_it_heard_before_a_crash() -> None:
    scene = Scene()
    node = scene["r3"]
    node.stopped = True
    assert joining(scene, "r3", 1, "r1", "r2") == ""
    node.stopped = False
    assert joining(scene, "r3", 1, "r1") == ""
    node.restarted()
    node.restarted()
    node.place = (0, 0, True)
    assert joining(scene, "r3", 1, "r2") == ""


def test_rule_14_the_primary_opens_the_view_that_a_quorum_wants() -> None:
    def opening(scene: Scene, name: str, *senders: str) -> str:
        scene[name].place = (0, 1, False)
        return joining(scene, name, 1, *senders, owes=owes_opening)

    assert opening(Scene(), "r1", "r2", "r3").startswith("rule 14")
    assert opening(Scene(), "r1", "r2") == "", "no quorum, itself included"
    assert opening(Scene(), "r2", "r1", "r3") == "", "not its view"
    assert opening(Scene(hostile=["r3"]), "r1", "r2", "r3") == "", "r3's may be invalid"
    scene = Scene()
    assert joining(scene, "r1", 1, "r2", "r3", owes=owes_opening) == "", "it is still in view 0"
