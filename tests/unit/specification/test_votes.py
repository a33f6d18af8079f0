"""Rules 3 to 6, 9, 10, 12, 24, 30 and 31, one refused step each."""

from __future__ import annotations

import pytest

from chainsim.specification import Request
from chainsim.specification.facts import quorum, weak_quorum
from tests.unit.specification.scene import Scene

A, B = b"a", b"b"


def test_rule_01_quorums_intersect_in_f_plus_1_and_fit_into_the_honest() -> None:
    for n in range(1, 101):
        f = (n - 1) // 3
        assert 2 * quorum(n) - n >= f + 1
        assert quorum(n) <= n - f
        assert weak_quorum(n) == f + 1
    assert [quorum(n) for n in (4, 5, 6, 7, 10)] == [3, 4, 4, 5, 7]


def test_a_whole_normal_case_is_allowed() -> None:
    scene = Scene()
    for sequence in (1, 2):
        scene.decided(0, sequence, b"%d" % sequence)
    scene.vouched(2, *scene.names)
    for name in scene.names:
        assert scene.rules.stabilises(scene[name], 2, b"cp") == ""
    scene.decided(0, 3, b"3")


def test_rule_03_a_proposal_must_be_the_primarys_and_have_come() -> None:
    scene = Scene()
    scene.proposes(0, 1, A, to=("r1",))
    assert scene.rules.accepts(scene["r1"], 0, 1, A) == ""
    assert scene.rules.accepts(scene["r2"], 0, 1, A).startswith("rule 3: accepted what r0")
    scene.heard("r1", "pre-prepare", 0, 1, B)
    assert scene.rules.accepts(scene["r3"], 0, 1, B).startswith("rule 3: accepted what r0")


def test_rule_03_no_second_digest_at_one_place() -> None:
    scene = Scene(hostile=["r0"])
    scene.proposes(0, 1, A)
    scene.proposes(0, 1, B)
    assert scene.rules.accepts(scene["r1"], 0, 1, A) == ""
    assert scene.rules.accepts(scene["r1"], 0, 1, A) == ""
    assert "second digest" in scene.rules.accepts(scene["r1"], 0, 1, B)


def test_rule_03_the_window_and_the_view() -> None:
    scene = Scene(hostile=["r0"])
    scene.proposes(0, 5, A)
    assert "above H = 4" in scene.rules.accepts(scene["r1"], 0, 5, A)
    scene.proposes(1, 1, A)
    assert "while in view 0" in scene.rules.accepts(scene["r2"], 1, 1, A)


def test_rule_03_what_a_crash_took_may_be_accepted_anew_if_nothing_was_said() -> None:
    scene = Scene(hostile=["r0"])
    scene["r1"].restarted()  # its first start
    scene.proposes(0, 1, A)
    scene.proposes(0, 1, B)
    assert scene.rules.accepts(scene["r1"], 0, 1, A) == ""
    scene["r1"].restarted()
    assert scene.rules.accepts(scene["r1"], 0, 1, B) == ""
    assert scene.says("r1", "prepare", 0, 1, B) == ""
    scene["r1"].restarted()
    assert scene.rules.accepts(scene["r1"], 0, 1, A) == ""
    assert scene.says("r1", "prepare", 0, 1, A).startswith("rule 24")


@pytest.mark.parametrize(("n", "backups"), [(4, 2), (5, 3), (6, 3), (7, 4)])
def test_rule_04_prepared_takes_q_minus_1_distinct_backups(n: int, backups: int) -> None:
    scene = Scene(n)
    scene.proposes(0, 1, A)
    for name in scene.names[1:]:
        assert scene.rules.accepts(scene[name], 0, 1, A) == ""
    scene.votes("prepare", 0, 1, A, *scene.names[1:backups])
    for _ in range(3):  # repeating a vote makes it no more
        scene.votes("prepare", 0, 1, A, "r1")
    last = scene[scene.names[-1]]
    last_counts = backups - 1 + 1
    assert last_counts == backups
    assert scene.rules.prepares(last, 0, 1, A) == ""
    fault = scene.rules.prepares(scene["r1"], 0, 1, A)
    assert fault.startswith(f"rule 4: prepared at (0, 1) with {backups - 1} PREPAREs")


def test_rule_04_the_primarys_prepare_never_counts() -> None:
    scene = Scene(hostile=["r0"])
    scene.proposes(0, 1, A)
    assert scene.rules.accepts(scene["r1"], 0, 1, A) == ""
    scene.votes("prepare", 0, 1, A, "r0", "r1")
    assert "with 1 PREPAREs" in scene.rules.prepares(scene["r1"], 0, 1, A)


def test_rule_02_a_forged_vote_of_an_honest_one_counts_for_nothing() -> None:
    scene = Scene(hostile=["r0"])
    scene.proposes(0, 1, A)
    assert scene.rules.accepts(scene["r1"], 0, 1, A) == ""
    scene.heard("r2", "prepare", 0, 1, A)  # r2 never accepted it
    assert "with 1 PREPAREs" in scene.rules.prepares(scene["r1"], 0, 1, A)


def test_rule_05_commit_takes_a_prepared_certificate_and_q_commits() -> None:
    scene = Scene(hostile=["r3"])
    scene.proposes(0, 1, A)
    for name in ("r1", "r2"):
        assert scene.rules.accepts(scene[name], 0, 1, A) == ""
    assert scene.says("r1", "commit", 0, 1, A).startswith("rules 4 and 5")
    scene.votes("prepare", 0, 1, A, "r1", "r2")
    assert scene.rules.prepares(scene["r1"], 0, 1, A) == ""
    scene.heard("r2", "commit", 0, 1, A)  # it isn't prepared there
    scene.heard("r3", "commit", 0, 1, A)
    assert "with 2 COMMITs" in scene.rules.commits(scene["r1"], 0, 1, A)
    assert "hadn't prepared" in scene.rules.commits(scene["r2"], 0, 1, A)
    assert "on 2 COMMITs" in scene.executes("r1", 1, A, signers=("r1", "r2", "r3"))


def test_rule_06_execution_is_in_order() -> None:
    scene = Scene()
    scene.decided(0, 1, A)
    scene.prepared(0, 3, A)
    assert scene.executes("r0", 3, A).startswith("rule 6")


def test_rule_07_what_a_batch_leads_to_is_the_same_everywhere() -> None:
    scene = Scene()
    scene.prepared(0, 1, A)
    assert scene.executes("r0", 1, A) == ""
    assert scene.executes("r1", 1, A, state=b"other").startswith("rule 7")
    assert scene.executes("r2", 1, A, state=b"other", replayed=True).startswith("rule 7")


def test_rules_09_and_10_checkpoints() -> None:
    scene = Scene()
    scene.decided(0, 1, A)
    assert scene.says("r0", "checkpoint", 0, 1, b"cp").startswith("rule 9")
    assert "executed only 1" in scene.says("r0", "checkpoint", 0, 2, b"cp")
    scene.decided(0, 2, A)
    scene.vouched(2, "r1")
    assert "differs" in scene.says("r0", "checkpoint", 0, 2, b"another")
    assert "with 2 CHECKPOINTs" in scene.rules.stabilises(scene["r0"], 2, b"cp")
    scene.vouched(2, "r2")
    assert scene.rules.stabilises(scene["r0"], 2, b"cp") == ""
    assert scene.rules.accepts(scene["r0"], 0, 2, B).startswith("rule 3: accepted at or below")


def test_rule_22_what_is_taken_over_is_what_others_reached() -> None:
    scene = Scene()
    scene.prepared(0, 1, A)
    assert scene.executes("r0", 1, A) == ""
    assert scene.rules.takes_over(scene["r1"], 1, b"h1", (b"s1", b"r1")) == ""
    assert scene.rules.takes_over(scene["r2"], 1, b"h1", (b"s1", b"?")).startswith("rule 22")
    assert scene.rules.takes_over(scene["r3"], 1, b"h?", (b"s1", b"r1")).startswith("rule 22")


def test_rule_24_one_digest_under_one_key() -> None:
    scene = Scene()
    scene.prepared(0, 1, A)
    for kind in ("pre-prepare", "commit"):
        assert scene.says("r0", kind, 0, 1, B).startswith("rule 24")


def test_rules_03_and_30_requests_are_signed_and_take_effect_once() -> None:
    scene = Scene()
    for sequence in (1, 2, 3):
        scene.prepared(0, sequence, A)
    ours = Request("alice", 1, "OK", of_honest=True, submitted=True)
    again = ours._replace(code="E_NONCE")
    assert scene.executes("r0", 1, A, requests=(ours,)) == ""
    assert scene.executes("r0", 2, A, requests=(again,)) == ""
    assert scene.executes("r0", 3, A, requests=(ours,)).startswith("rule 30")
    never = ours._replace(number=2, submitted=False)
    assert scene.executes("r0", 3, A, requests=(never,)).startswith("rule 3:")


def test_rule_31_a_client_believes_f_plus_1_members() -> None:
    scene = Scene()
    answers = scene.facts.replies.setdefault(("alice", 1, b"OK"), set())
    answers.update(("r0", "a stranger"))
    assert scene.rules.believes("alice", 1, b"OK").startswith("rule 31")
    answers.add("r1")
    assert scene.rules.believes("alice", 1, b"OK") == ""
    assert scene.rules.believes("alice", 1, b"no").startswith("rule 31")


def test_rule_33_nobody_honest_is_accused() -> None:
    scene = Scene(hostile=["r3"])
    assert scene.rules.accuses("r3") == ""
    assert scene.rules.accuses("r2").startswith("rule 33")


def test_rule_5_a_vote_in_a_certificate_is_the_one_that_was_sent() -> None:
    """Nobody looks into signatures: an honest vote has one of those that it went out with."""
    scene = Scene(hostile=["r3"])
    scene.prepared(0, 1, A)
    vote = ("commit", 0, 0, 1, A)
    scene.facts.sent["r1", vote] = {b"sound"}
    assert scene.rules.commits(scene["r0"], 0, 1, A) == ""
    assert "on 2 COMMITs" in scene.executes("r0", 1, A, signers=("r0", "r1", "r2"))
    assert scene.executes("r1", 1, A, signers=("r0", "r1", "r2")) == "", "its own needn't be out"
    assert scene.executes("r2", 1, A, signers=("r0", "r2", "r3")) == "", "a liar signs as it likes"
