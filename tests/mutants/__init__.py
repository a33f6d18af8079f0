"""Planted bugs: each row of MUTANTS.md as a small patch of the code in memory.

``python -m chainsim mutants`` looks for each of them by exploring alone. A row that can't be
planted yet says why. To add one, write a context manager that swaps what it breaks, and its row.
"""

from __future__ import annotations

from chainsim.explore.planting import Mutant
from tests.mutants import client_and_disk, log, money, transfer, views, votes

MONEY = "explore-money"
"""Where a coupon falls due: the base of what breaks money."""

_ROWS = (
    Mutant(
        number=1, name="quorum 2f+1 at n=6", breaks="agreement", apply=votes.quorum_of_3f_plus_1
    ),
    Mutant(number=2, name="quorum 2f", breaks="agreement", apply=votes.quorum_2f),
    Mutant(
        number=3,
        name="votes counted per message, not per signer",
        breaks="agreement",
        apply=votes.counted_per_message,
    ),
    Mutant(
        number=4,
        name="a second PRE-PREPARE at (v,n) overwrites the first",
        breaks="agreement",
        apply=votes.second_proposal_overwrites,
        note="the sign guard is off, which alone would refuse the second vote",
    ),
    Mutant(
        number=5,
        name="the primary's PREPARE counts",
        breaks="agreement",
        apply=votes.primary_prepares,
    ),
    Mutant(
        number=6,
        name="vote digest not compared",
        breaks="agreement",
        apply=votes.digest_not_compared,
    ),
    Mutant(
        number=7,
        name="PREPARE and COMMIT sign the same bytes",
        breaks="agreement",
        apply=votes.one_domain,
    ),
    Mutant(
        number=8, name="view change carries no P", breaks="agreement", apply=views.nothing_prepared
    ),
    Mutant(
        number=9,
        name="new view ignores the highest view in P",
        breaks="agreement",
        apply=views.lowest_view_wins,
    ),
    Mutant(
        number=10,
        name="P only from the last view",
        breaks="agreement",
        apply=views.only_last_view_prepared,
    ),
    Mutant(
        number=11,
        name="NEW-VIEW signers not checked distinct",
        breaks="agreement",
        apply=views.signers_repeat,
    ),
    Mutant(
        number=12,
        name="O not recomputed by backups",
        breaks="agreement",
        apply=views.selection_believed,
    ),
    Mutant(number=13, name="no null filling", breaks="liveness", apply=views.gaps_stay),
    Mutant(
        number=14,
        name="still votes in v after VIEW-CHANGE(v+1)",
        breaks="agreement",
        apply=views.votes_on,
    ),
    Mutant(
        number=15,
        name="stable at f+1 checkpoints",
        breaks="liveness",
        apply=log.stable_at_weak,
        note="shows only where a short proof is refused; equivalent where it is believed",
    ),
    Mutant(
        number=16,
        name="log discarded on execution, not on stability",
        breaks="agreement",
        apply=log.discarded_on_execution,
    ),
    Mutant(
        number=17, name="no watermark check", breaks="liveness, memory", apply=log.no_watermarks
    ),
    Mutant(
        number=18,
        name="one VIEW-CHANGE moves the view",
        breaks="liveness",
        apply=views.one_moves_all,
    ),
    Mutant(number=19, name="no f+1 join", breaks="liveness", apply=views.nobody_joins),
    Mutant(
        number=20,
        name="VIEW-CHANGE never retransmitted",
        breaks="liveness",
        apply=views.said_once,
    ),
    Mutant(
        number=21,
        name="backups don't forward or arm timers",
        breaks="liveness",
        apply=views.patient_backups,
    ),
    Mutant(
        number=22,
        name="COMMIT sent before the certificate is durable",
        breaks="agreement after crash",
        apply=client_and_disk.commit_before_durable,
    ),
    Mutant(
        number=23,
        name="fsync skipped",
        breaks="agreement after power loss",
        apply=client_and_disk.fsync_skipped,
    ),
    Mutant(
        number=24,
        name="reply table not transferred",
        breaks="executed twice",
        apply=transfer.replies_left_behind,
    ),
    Mutant(
        number=25,
        name="duplicate filter only in the mempool",
        breaks="executed twice",
        apply=client_and_disk.executed_again,
    ),
    Mutant(
        number=26,
        name="client accepts one REPLY",
        breaks="wrong result",
        apply=client_and_disk.one_reply,
    ),
    Mutant(
        number=27,
        name="transferred state not checked against its root",
        breaks="agreement",
        apply=transfer.pieces_believed,
    ),
    Mutant(
        number=28,
        name="certificate checked with the current set, not its epoch's",
        breaks="agreement, liveness",
        apply=votes.todays_committee,
    ),
    Mutant(
        number=29,
        name="future messages buffered without bound",
        breaks="memory",
        apply=log.future_unbounded,
    ),
    Mutant(
        number=30,
        name="a later junk vote replaces a valid one",
        breaks="liveness",
        apply=votes.later_vote_replaces,
    ),
    Mutant(
        number=31,
        name="coupon paid again after recovery",
        breaks="money",
        apply=money.paid_again,
        base=MONEY,
    ),
    Mutant(
        number=32,
        name="one leg of a DvP applied when the other fails",
        breaks="money",
        apply=money.one_leg,
        base=MONEY,
    ),
)

MUTANTS = {mutant.number: mutant for mutant in _ROWS}
