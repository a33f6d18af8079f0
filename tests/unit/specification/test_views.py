"""Rules 12 to 15, 18 to 20 and 27: view changes and epochs, one refused step each."""

from __future__ import annotations

from chainsim.specification.views import view_change_fault
from tests.unit.specification.scene import NULL, Scene

A, B = b"a", b"b"


def test_a_whole_view_change_is_allowed_and_carries_what_was_prepared() -> None:
    scene = Scene()
    scene.prepared(0, 1, A)
    changes = [scene.leaves(n, 1, scene.certificate(0, 1, A)) for n in ("r1", "r2", "r3")]
    assert scene.rules.enters(scene["r1"], 1) == ""
    message = scene.new_view(1, changes, A)
    assert scene.rules.accepts(scene["r1"], 1, 1, A) == ""
    assert scene.rules.says(scene["r1"], "new-view", 0, 1, 0, message.name) == ""
    assert scene.rules.sends_new_view(scene["r1"], message) == ""
    scene.hears_new_view(message)
    for name in ("r0", "r2", "r3"):
        assert scene.rules.enters(scene[name], 1) == ""
        assert scene.rules.accepts(scene[name], 1, 1, A) == ""


def test_rules_18_to_20_a_view_is_left_for_a_reason() -> None:
    scene = Scene(hostile=["r3"])
    assert scene.rules.leaves(scene["r1"], 1).startswith("rules 18 to 20")
    scene.leaves("r3", 1)
    assert scene.rules.leaves(scene["r1"], 1).startswith("rules 18 to 20")
    scene.leaves("r2", 1)
    scene.leaves("r2", 2)
    assert scene.rules.leaves(scene["r1"], 2).startswith("rules 18 to 20")
    assert scene.rules.leaves(scene["r1"], 1) == ""
    assert scene.rules.leaves(scene["r1"], 1).startswith("rule 12")


def test_rule_20_a_timer_leads_to_the_next_view_only() -> None:
    scene = Scene()
    scene.rules.timer(scene["r1"], "status")
    assert scene.rules.leaves(scene["r1"], 1)
    scene.rules.timer(scene["r1"], "new-view")
    assert scene.rules.leaves(scene["r1"], 2)
    assert scene.rules.leaves(scene["r1"], 1) == ""
    assert scene.rules.leaves(scene["r1"], 2), "one expiry, one view"


def test_rule_15_a_lie_is_a_reason_for_who_has_just_started_and_heard_nothing_else() -> None:
    """explore-base, random, seed 600583."""
    scene = Scene(hostile=["r1"])
    scene["r2"].restarted()
    scene["r2"].restarted()
    assert scene.rules.leaves(scene["r2"], 2).startswith("rules 18 to 20")
    scene.hears_new_view(scene.new_view(1, []))
    assert scene.rules.leaves(scene["r2"], 3).startswith("rules 18 to 20")
    assert scene.rules.leaves(scene["r2"], 2) == ""


def test_rule_12_no_part_in_a_view_after_its_view_change() -> None:
    scene = Scene()
    scene.proposes(0, 1, A)
    assert scene.rules.accepts(scene["r1"], 0, 1, A) == ""
    scene.leaves("r1", 1)
    assert scene.says("r1", "prepare", 0, 1, A).startswith("rule 12")
    assert scene.rules.accepts(scene["r1"], 0, 1, A).startswith("rule 3")
    scene["r1"].restarted()
    scene["r1"].restarted()
    assert scene.rules.accepts(scene["r1"], 0, 1, A).startswith("rule 12")


def test_rule_13_what_was_committed_is_in_p() -> None:
    scene = Scene()
    scene.prepared(0, 1, A)
    node = scene["r1"]
    lacking = scene.view_change("r1", 1)
    assert scene.rules.sends_view_change(node, lacking).startswith("rule 13: P lacks 1")
    whole = scene.view_change("r1", 1, scene.certificate(0, 1, A))
    assert scene.rules.sends_view_change(node, whole) == ""


def test_rule_13_certificates_are_real() -> None:
    scene = Scene(hostile=["r0"])
    scene.proposes(0, 1, A)
    assert scene.rules.accepts(scene["r1"], 0, 1, A) == ""
    real = scene.certificate(0, 1, A, "r1", "r2")
    assert "1 distinct backups" in view_change_fault(scene.facts, scene.view_change("r0", 1, real))
    assert scene.rules.accepts(scene["r2"], 0, 1, A) == ""
    assert view_change_fault(scene.facts, scene.view_change("r0", 1, real)) == ""
    for wrong in (
        scene.certificate(0, 1, A, "r1", "r1"),  # one signer, twice
        scene.certificate(0, 1, A, "r0", "r1"),  # the primary's own
        scene.certificate(0, 1, B),  # of nobody
        scene.certificate(0, 5, A),  # beyond the window
        scene.certificate(1, 1, A),  # of the view that it is for
    ):
        assert view_change_fault(scene.facts, scene.view_change("r0", 1, wrong))


def test_rule_13_c_is_a_quorum() -> None:
    scene = Scene(hostile=["r3"])
    scene.decided(0, 1, A)
    scene.decided(0, 2, A)
    scene.vouched(2, "r0", "r1")
    short = scene.view_change("r3", 1, stable=2)
    assert "C holds 2 CHECKPOINTs" in view_change_fault(scene.facts, short)
    scene.vouched(2, "r2")
    assert view_change_fault(scene.facts, short) == ""


def test_rule_14_the_highest_view_wins_and_gaps_are_null() -> None:
    scene = Scene(hostile=["r0"])
    scene.proposes(0, 3, A)
    for name in ("r1", "r2"):
        assert scene.rules.accepts(scene[name], 0, 3, A) == ""
    entry = scene.certificate(0, 3, A, "r1", "r2")
    changes = [scene.leaves("r1", 1, entry), scene.leaves("r2", 1), scene.leaves("r3", 1)]
    for wrong in ((), (NULL, NULL), (NULL, NULL, B), (A, NULL, A), (NULL, NULL, A, NULL)):
        message = scene.new_view(1, changes, *wrong)
        assert scene.rules.sends_new_view(scene["r1"], message).startswith("rule 14")
    message = scene.new_view(1, changes, NULL, NULL, A)
    assert scene.rules.sends_new_view(scene["r1"], message) == ""


def test_rule_15_a_hostile_primarys_new_view_must_follow_from_v() -> None:
    scene = Scene(hostile=["r1"])
    scene.prepared(0, 1, A)
    entry = scene.certificate(0, 1, A, "r2", "r3")
    changes = [scene.leaves(n, 1, entry) for n in ("r0", "r2", "r3")]
    scene.hears_new_view(scene.new_view(1, changes, B))
    assert scene.rules.enters(scene["r2"], 1).startswith("rule 14: O holds another digest")
    scene.hears_new_view(scene.new_view(1, [*changes[:2], changes[0]], A))
    assert scene.rules.enters(scene["r2"], 1).startswith("rule 1")
    scene.hears_new_view(scene.new_view(1, changes, A))
    assert scene.rules.enters(scene["r2"], 1) == ""
    scene.proposes(1, 1, B)
    assert scene.rules.accepts(scene["r2"], 1, 1, B).startswith("rule 15")


def test_rule_15_v_holds_a_quorum_of_distinct_senders() -> None:
    scene = Scene(hostile=["r1"])
    changes = [scene.leaves("r2", 1), scene.leaves("r3", 1)]
    scene.hears_new_view(scene.new_view(1, [*changes, changes[0]]))
    assert "V holds 2 senders" in scene.rules.enters(scene["r2"], 1)


def test_rule_15_no_view_below_ones_own_view_change() -> None:
    scene = Scene(hostile=["r1"])
    changes = [scene.leaves(n, 1) for n in ("r0", "r2", "r3")]
    scene.hears_new_view(scene.new_view(1, changes))
    scene.leaves("r2", 2)
    assert scene.rules.enters(scene["r2"], 1).startswith("rule 15")
    scene["r2"].restarted()
    scene["r2"].restarted()
    assert scene.rules.enters(scene["r2"], 1).startswith("rule 15")
    assert scene.rules.enters(scene["r3"], 1) == ""


def test_rule_33_nobody_stops_as_long_as_at_most_f_are_hostile() -> None:
    cause = "NEW-VIEW for 1 contradicts what was executed"
    scene, overrun = Scene(hostile=["r1"]), Scene(hostile=["r1", "r2"])
    assert scene.rules.halts(scene["r0"], cause).startswith("rules 11 and 33")
    assert overrun.rules.halts(overrun["r0"], cause) == ""


def test_rule_14_the_new_primary_needs_a_quorum() -> None:
    scene = Scene()
    scene.leaves("r2", 1)
    scene.leaves("r1", 1)
    assert "opened view 1 on 2" in scene.rules.enters(scene["r1"], 1)


def test_rule_27_nothing_is_decided_beyond_the_boundary() -> None:
    scene = Scene()
    for sequence in range(1, 7):
        scene.prepared(0, sequence, A)
        for name in scene.names:
            assert scene.executes(name, sequence, A, schedules=sequence == 3) == ""
        if sequence % 2 == 0:
            digest = b"cp%d" % sequence
            scene.vouched(sequence, *scene.names, digest=digest)
            for name in scene.names:
                assert scene.rules.stabilises(scene[name], sequence, digest) == ""
    assert scene.facts.scheduled == 6, "the least multiple of 2 that is at least 3 + 4 - 1"
    assert scene.proposes(0, 7, A).startswith("rule 27: accepted above B = 6")
    assert scene.executes("r0", 7, A).startswith("rule 27")


def test_rule_27_the_next_committee_decides_beyond_it() -> None:
    scene = Scene()
    scene.facts.scheduled = 2
    scene.decided(0, 1, A)
    scene.prepared(0, 2, A)
    assert scene.executes("r0", 2, A, successors=("r0", "r1", "r2", "r3", "r4")) == ""
    assert scene.facts.era_at(3).quorum == 4
    assert scene.rules.changes_epoch(scene["r0"], 2) == ""
    assert scene.rules.changes_epoch(scene["r1"], 2).endswith("executed 1")
    late = scene.rules.says(scene["r0"], "prepare", 0, 0, 3, A)
    assert late.startswith("rule 27: prepare at 3 under epoch 0")
    assert scene.facts.scheduled is None
    scene.facts.scheduled = 6
    assert scene.executes("r0", 4, A, successors=("r0", "r1", "r2", "r3"))


def test_rule_19_what_came_before_its_epoch_is_a_reason_once_that_begins() -> None:
    """explore-base, random, seed 700821: a liar's VIEW-CHANGE for an epoch that nobody was in."""
    scene = Scene(hostile=["r3"])
    node = scene["r0"]
    early = scene.view_change("r3", 1)._replace(epoch=1)
    scene.rules.hears_view_change(node, early)
    scene.facts.scheduled = 2
    scene.decided(0, 1, A)
    scene.prepared(0, 2, A)
    assert scene.executes("r0", 2, A, successors=scene.names) == ""
    assert scene.rules.changes_epoch(node, 2) == ""
    assert scene.rules.leaves(node, 1).startswith("rules 18 to 20"), "that is one of two"
    node.wanted[1]["r2"] = 1
    assert scene.rules.leaves(node, 1) == ""


def test_rule_23_a_restart_may_enter_the_view_again_that_its_disk_holds() -> None:
    """The NEW-VIEW and the first of O are durable, the rest isn't: it is entered again, once,
    and the vote for what is durable may come first."""
    scene = Scene()
    for sequence in (1, 2):
        scene.prepared(0, sequence, A)
    proofs = [scene.certificate(0, sequence, A) for sequence in (1, 2)]
    changes = [scene.leaves(n, 1, *proofs) for n in ("r1", "r2", "r3")]
    assert scene.rules.enters(scene["r1"], 1) == ""
    message = scene.new_view(1, changes, A, A)
    for sequence in (1, 2):
        assert scene.rules.accepts(scene["r1"], 1, sequence, A) == ""
    assert scene.rules.says(scene["r1"], "new-view", 0, 1, 0, message.name) == ""
    assert scene.rules.sends_new_view(scene["r1"], message) == ""
    scene.hears_new_view(message)
    r2 = scene["r2"]
    assert scene.rules.enters(r2, 1) == ""
    assert scene.rules.enters(r2, 1).startswith("rule 15: entered view 1 while in view 1")
    r2.restarted()  # the first time it starts at all
    r2.restarted()
    assert scene.rules.accepts(r2, 1, 1, A) == ""
    assert scene.rules.says(r2, "prepare", 0, 1, 1, A) == ""
    assert scene.rules.enters(r2, 1) == ""
    assert scene.rules.accepts(r2, 1, 2, A) == ""
    assert scene.rules.enters(r2, 1).startswith("rule 15: entered view 1 while in view 1")
