"""Further planted bugs, beyond the list of MUTANTS: what else could be wrong in this very code.

``python -m chainsim mutants --module tests.mutants.further`` hunts for them. Where exploring can't
find one, its row says why: mostly because a second guard stands behind the first.
"""

from __future__ import annotations

from collections.abc import Callable

from chainsim.explore.planting import Mutant
from tests.mutants import further_patches as patches

NOT_DRAWN = (
    "the behaviour that dates its proposals wrongly, bad-block-time, isn't drawn; a scenario with "
    "it shows it at once"
)
ONE_LIE = (
    "it takes one of four lies of one behaviour, told while the primary is away; a scenario with "
    "just that shows it"
)
HIDDEN_VIEW = (
    "it takes a change of the committee in a later view and a newcomer whose vote is needed: it "
    "alone is in view 0, and the next view change brings it level"
)
TWO_GUARDS = (
    "slots and view are read back from the same log and forbid the same: the guard is the last "
    "line, and nothing gets that far"
)
ALL_AT_ONCE = (
    "all f+1 that answered must lose power in the milliseconds between REPLY and fsync, and the "
    "others must not have the block"
)
NOBODY_TRIES = "no hostile behaviour sends a NEW-VIEW for a view that it doesn't lead"
LONG_ENOUGH = "the base's time-outs are ten times a message's way: no view needs longer ones"
MENDED_ANYHOW = "a lost proposal costs its view; the next one proposes again, within the bound"
ONE_HONEST_HAS_IT = (
    "equivalent: one of the f+1 is honest and has executed that far, so what is discarded was "
    "decided, and it serves the rest"
)

_ROWS: tuple[tuple[str, str, Callable[[], patches.Patch], str], ...] = (
    ("checkpoint digests not compared", "agreement", patches.any_checkpoint, ""),
    ("requests' signatures not checked", "validity", patches.anybodys_requests, ""),
    ("the window is L + 1", "memory", patches.window_too_wide, ""),
    ("the next committee is asked about slot B", "liveness", patches.boundary_too_early, ""),
    ("votes of two views are called a contradiction", "accuses", patches.accused_across_views, ""),
    ("a certified batch's certificate not checked", "agreement", patches.any_certificate, ""),
    ("block time not held against the clock", "time", patches.any_time, NOT_DRAWN),
    (
        "the view survives a change of the committee",
        "liveness",
        patches.view_survives_epoch,
        HIDDEN_VIEW,
    ),
    ("clients retransmit to the primary alone", "liveness", patches.retransmits_to_one, ""),
    (
        "the sign guard is empty after a boot",
        "agreement after crash",
        patches.guard_forgets,
        TWO_GUARDS,
    ),
    ("REPLY before the block is durable", "durability", patches.replies_before_block, ALL_AT_ONCE),
    ("no timer for the new view", "liveness", patches.never_impatient_again, ""),
    ("P of a VIEW-CHANGE not checked", "agreement", patches.certificates_believed, ""),
    ("C of a VIEW-CHANGE not checked", "liveness", patches.checkpoints_believed, ONE_LIE),
    ("NEW-VIEW taken from anybody", "agreement", patches.anybodys_new_view, NOBODY_TRIES),
    ("time-outs never double", "liveness", patches.never_doubled, LONG_ENOUGH),
    ("proposals are not sent again", "liveness", patches.proposals_not_resent, MENDED_ANYHOW),
    ("COMMITs of earlier views count", "agreement", patches.old_commits_count, ""),
    (
        "stable at f+1 checkpoints, and proven by them",
        "liveness",
        patches.stable_at_weak_and_believed,
        ONE_HONEST_HAS_IT,
    ),
)

FIRST = 101
"""These numbers don't collide with those of the list."""

MUTANTS = {
    number: Mutant(number=number, name=name, breaks=breaks, apply=apply, unseen=unseen)
    for number, (name, breaks, apply, unseen) in enumerate(_ROWS, FIRST)
}
