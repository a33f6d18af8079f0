"""The DSL: what it does to a network, what it refuses, and that a file has it all again."""

from __future__ import annotations

import doctest
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import chainsim.testing
from chainsim.build import build
from chainsim.testing import CheckFailed, Cluster, NotReached, Order, WrongUse, cluster
from chainsim.trace import FaultChanged
from docs.examples.two_phase import TwoPhase
from nodes.ledger.transactions import CashMint, Money, Transaction
from scenarios.errors import ScenarioErrors
from scenarios.loader import load


def test_the_documented_examples() -> None:
    assert doctest.testmod(chainsim.testing).failed == 0


def test_words_are_ordered_alike_everywhere() -> None:
    c = cluster(n=4)
    c.submit("a", "b", "c")
    c.submit("d", client="dealer-b")
    c.settle()
    assert sorted(c.history("r0")) == ["a", "b", "c", "d"] == sorted(c.final)
    assert {c.history(node) for node in c.nodes} == {c.history("r0")}
    assert c.code("d") == "OK"
    assert c.code("e") == ""
    assert c.sent["request"] == 4
    assert c.sent["new-view"] == 0
    c.check()


def test_run_until_stops_at_the_microsecond() -> None:
    c = cluster(n=4)
    c.submit("a")
    c.run_until("prepared", node="r2")
    assert c.records[-1].node == "r2"
    assert c.records[-1].at_us == c.now_us
    assert c.heights["r2"] == 0
    c.run_until("executed", node="r2", sequence=1)
    assert c.heights["r2"] == 1
    c.run_until(lambda each: "a" in each.final)
    assert c.final == ("a",)


def test_run_until_counts_from_now() -> None:
    c = cluster(n=4)
    c.submit("a")
    c.settle()
    first = c.now_us
    c.submit("b")
    c.run_until("executed", count=4)
    assert c.now_us > first
    assert c.heights == dict.fromkeys(c.nodes, 2)


def test_what_never_comes_says_where_everybody_stands() -> None:
    c = cluster(n=4)
    c.crash("r2", "r3")
    c.submit("a")
    with pytest.raises(NotReached, match=r'"executed" wasn.t reached within 2s: r0 at height 0'):
        c.run_until("executed", within="2s")
    with pytest.raises(NotReached, match="r3 is down"):
        c.settle(within="1s")


def test_an_isolated_primary_is_deposed_and_comes_back() -> None:
    c = cluster(n=4)
    c.isolate("r0")
    c.submit("a")
    c.run_until("final")
    assert (c.heights["r0"], c.heights["r1"]) == (0, 1)
    assert c.primary == "r1"
    c.heal()
    c.run_until("executed", node="r0")
    assert c.history("r0") == ("a",)
    c.run_for("5s")
    c.check()


def test_healing_one_fault_leaves_the_others() -> None:
    c = cluster(n=4)
    first = c.isolate("r3")
    c.partition(["r0", "r1"])
    c.submit("a")
    c.run_for("3s")
    assert c.final == ()
    first.heal()
    c.run_for("3s")
    assert c.final == ()
    c.heal()
    c.settle()
    assert c.final == ("a",)


def test_a_crash_ends_with_a_restart_or_a_heal() -> None:
    c = cluster(n=4)
    c.crash("r1")
    c.crash("r2")
    assert set(c.views) == {"r0", "r3"}
    c.restart("r1")
    assert set(c.views) == {"r0", "r1", "r3"}
    c.heal()
    assert set(c.views) == set(c.nodes)


def test_a_lost_disk_is_an_empty_chain() -> None:
    c = cluster(n=4)
    c.submit("a")
    c.settle()
    assert c.history("r3") == ("a",)
    c.crash("r3", mode="amnesia", rejoins=True)
    assert c.history("r3") == ("a",), "what it had executed when it died"
    c.heal()
    assert c.history("r3") == ()


def test_messages_are_dropped_and_delayed_by_type() -> None:
    c = cluster(n=4)
    c.drop("commit", to="r3")
    c.submit("a")
    c.run_for("100ms")
    assert (c.heights["r2"], c.heights["r3"]) == (1, 0)
    assert c.dropped["mangle"] == 3

    slow = cluster(n=4)
    slow.delay("200ms", "prepare")
    slow.submit("a")
    slow.run_until("executed")
    assert slow.now_us > 200_000
    assert slow.views["r0"] == 0


def test_a_hostile_validator_is_no_longer_held_to_anything() -> None:
    c = cluster(n=4)
    c.byzantine("r0", "equivocate")
    c.submit("a", "b", "c")
    c.settle()
    c.check()
    assert set(c.final) == {"a", "b", "c"}
    late = cluster(n=4)
    late.submit("a")
    late.settle()
    late.byzantine("r1", "silent")
    late.crash("r0")
    late.submit("b")
    late.run_for("3s")
    assert late.final == ("a",)
    late.heal()
    late.settle()
    late.check()
    assert late.final == ("a", "b")
    ended = [r.kind for r in late.records if isinstance(r, FaultChanged) and not r.active]
    assert ended == ["crash"], "hostile hands stay hostile"


def test_a_client_that_attacks_is_no_longer_held_to_anything() -> None:
    c = cluster(n=4)
    c.submit("a", client="dealer-a")
    c.fault("double-spend", node="dealer-d", rate="20/s", for_="1s")
    c.submit("b", client="dealer-b")
    c.run_for("2s")
    c.settle()
    c.check()
    paid = [r for b in c.result().chain for r in b.receipts if r.client == "dealer-d"]
    assert [receipt.code for receipt in paid].count("OK") == 1
    with pytest.raises(WrongUse, match='"dealer-d" attacks'):
        c.submit("c", client="dealer-d")
    with pytest.raises(WrongUse, match='"dealer-a" attacks'):
        c.fault("flood", node="dealer-a", rate="10/s")
    c.submit("d", client="dealer-a")
    c.settle()
    c.check()


def test_a_stall_fails_the_check_and_says_why() -> None:
    c = cluster(n=4)
    c.crash("r2", "r3")
    c.submit("a")
    c.run_for("60s")
    with pytest.raises(CheckFailed, match=r"liveness: .*request 1 isn't final"):
        c.check()
    c.check("agreement", "durability")


def test_a_test_may_check_and_go_on() -> None:
    c = cluster(n=4)
    for word in "abc":
        c.submit(word)
        c.settle()
        assert c.check().height == len(c.history("r0"))


def test_a_broken_protocol_fails_the_check() -> None:
    c = forked(cluster(protocol=TwoPhase))
    with pytest.raises(CheckFailed, match=r"node r2, height 1: .* a fork") as caught:
        c.check("agreement")
    assert caught.value.cluster is c
    with pytest.raises(CheckFailed, match="agreement"):
        c.check()


def forked(c: Cluster) -> Cluster:
    lost = c.drop("commit", to=("r1", "r2", "r3"))
    c.submit("a")
    c.run_until("committed", node="r0")
    c.isolate("r0")
    lost.heal()
    c.submit("b")
    c.run_until("executed", node="r2")
    return c


def test_one_seed_one_digest() -> None:
    def digest(seed: int) -> str:
        c = cluster(n=4, seed=seed)
        c.submit("a")
        c.isolate("r1")
        c.run_for("2s")
        return c.digest

    assert digest(5) == digest(5) != digest(6)


def busy(c: Cluster) -> None:
    """Uses every kind of verb, with a heal and a late traitor in the middle."""
    c.submit("a", "b")
    c.run_until("prepared", node="r1")
    c.drop("prepare", from_="r2", nth=3)
    c.isolate("r3", for_="700ms")
    c.run_for("1s")
    c.crash("r1")
    c.submit("c", client="dealer-c")
    c.run_for("2s")
    c.heal()
    c.byzantine("r3", "stale-replay")
    c.fault("link", from_="r0", to="r2", latency="50ms", at="9s")
    c.fault("isolate", node="r2", at="30s", until="40s")
    c.submit(Order("sbp", Transaction(CashMint(account="dealer-a/cash", amount=Money("PKR", 5)))))
    c.run_for("7s")


def test_the_saved_file_is_the_run_again(tmp_path: Path) -> None:
    c = cluster(n=4, seed=3)
    busy(c)
    c.save(tmp_path / "kept.toml")
    again = cluster(scenario=load(str(tmp_path / "kept.toml")))
    again.run_for(c.now_us)
    assert again.digest == c.digest
    assert again.heights == c.heights
    assert c.reproduces()
    assert build(load(str(tmp_path / "kept.toml"))).run().exit_code == 0


def test_a_scenario_with_work_of_its_own_is_saved_too() -> None:
    c = cluster(scenario="quick", settings=["consensus.signatures=fast"], seed=4)
    c.run_for("2500ms")
    c.crash("mof")
    c.submit("a")
    c.run_for("1s")
    assert "#1" in c.final[0]
    (script,) = c.scenario.workload
    assert len(script.steps) == 101 + 1  # type: ignore[attr-defined]
    assert c.reproduces()


def test_messages_are_in_the_transcript_when_asked_for() -> None:
    def text(*, messages: bool) -> tuple[str, str]:
        c = cluster(n=4, messages=messages)
        c.submit("a")
        c.settle()
        return c.digest, c.transcript()

    (digest, long), (same, short) = text(messages=True), text(messages=False)
    assert digest == same
    assert "delivered pre-prepare(0,1) from r0" in long
    assert "delivered" not in short
    assert "request 1 is final: OK" in short


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda c: c.isolate("r9"), 'unknown validator "r9"'),
        (lambda c: c.fault("isolat", node="r1"), 'did you mean "isolate"'),
        (lambda c: c.isolate("r1", foor="3s"), "unknown field"),
        (lambda c: c.crash("r1", mode="gone"), "mode"),
        (lambda c: c.drop("prepares"), 'no message has the type "prepares"'),
        (lambda c: c.byzantine("r1", "equivocates"), 'no behaviour is called "equivocates"'),
        (lambda c: c.isolate("r1", at="1us"), "it is 1000001 us already"),
        (lambda c: c.run_until("preparedd"), 'did you mean "prepared"'),
        (lambda c: c.run_until("prepared", node="r9"), 'unknown node "r9"'),
        (lambda c: c.run_for("5 parsecs"), "5 parsecs"),
        (lambda c: c.submit("a", client="dealer-x"), 'unknown client "dealer-x"'),
        (lambda c: c.submit("a", client="sbp"), "has no cash"),
        (lambda c: c.check("agrement"), 'did you mean "agreement"'),
        (lambda c: c.chain("r9"), 'unknown node "r9"'),
        (lambda _: cluster(0), "n goes from 1"),
        (lambda _: cluster(settings=["consensus.windo=3"]), 'did you mean "window"'),
        (lambda _: cluster(protocol="raft"), 'unknown protocol "raft"'),
        (lambda _: cluster(protocol="docs.examples.two_phase:Three"), "Three"),
        (lambda _: cluster(protocol=partial(TwoPhase)), "by name"),
    ],
)
def test_wrong_use_is_told_clearly(wrong: Callable[[Cluster], object], words: str) -> None:
    c = cluster()
    c.run_for("1s")
    with pytest.raises(WrongUse, match=words):
        wrong(c)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no_such_module:Replica", "No module named"),
        ("consensus.types:DIGEST_SIZE", "makes no replica"),
        ("tests.unit.testing.raises:Replica", "it raises"),
        (":", "Empty module name"),
    ],
)
def test_a_protocol_that_cannot_be_had_is_an_error_of_the_scenario(name: str, words: str) -> None:
    with pytest.raises(ScenarioErrors, match=f"consensus.protocol: .*{words}"):
        load("quick", [f'consensus.protocol="{name}"'])


def test_the_committee_does_not_change_while_a_run_goes_on() -> None:
    with pytest.raises(WrongUse, match="planned before the run"):
        cluster(4).fault("rotate-key", node="r1")
