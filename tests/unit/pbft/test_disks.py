"""Rule 25 with whole validators: what each kind of damage means for the key."""

from __future__ import annotations

from typing import Any

import pytest

from chainsim.testing import Cluster, cluster
from chainsim.trace import NodeChanged, Reached, Signed


def damaged(**fault: Any) -> Cluster:
    """Three transfers; then something happens to the disk of r1, which starts again; three more."""
    c = cluster(n=4)
    c.submit("a", "b", "c")
    c.run_for("2s")
    c.fault(**fault)
    if fault["kind"] != "crash":
        c.restart("r1")
    c.run_for("1s")
    c.submit("d", "e", "f")
    c.settle()
    return c


def votes_after_the_fault(c: Cluster) -> list[Signed]:
    """What r1 signed after it had gone down."""
    down = next(r.at_us for r in c.records if isinstance(r, NodeChanged) and r.state == "down")
    return [r for r in c.records if isinstance(r, Signed) and r.node == "r1" and r.at_us >= down]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "bit-rot", "node": "r1", "area": "log"},
        {"kind": "crash", "node": "r1", "mode": "amnesia", "for": "100ms"},
    ],
    ids=["rot", "amnesia"],
)
def test_rule_25_who_forgot_what_it_signed_never_votes_again(fault: dict[str, Any]) -> None:
    c = damaged(**fault)
    assert votes_after_the_fault(c) == []
    halts = [r for r in c.records if isinstance(r, Reached) and r.event == "halted"]
    assert [halt.node for halt in halts] == ["r1"]
    assert "rule 25" in halts[0].cause
    assert len(c.final) == 6
    c.check("agreement", "durability")


def test_rule_25_who_lost_blocks_fetches_them_again_and_keeps_its_key() -> None:
    c = damaged(kind="bit-rot", node="r1", area="blocks", records=2)
    repairs = [r for r in c.records if isinstance(r, Reached) and r.event == "disk-repaired"]
    assert [repair.node for repair in repairs] == ["r1"]
    assert c.history("r1") == c.history("r0")
    assert c.chain("r1") != ()
    assert votes_after_the_fault(c)
    c.check("agreement", "one-signed-digest", "durability")
