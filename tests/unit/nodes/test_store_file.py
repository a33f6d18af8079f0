"""What a boot makes of a file of blocks that holds more than one chain's."""

from __future__ import annotations

from chainsim.build import build
from nodes.block import Block
from nodes.store_file import _leading
from scenarios.loader import load


def _chain(seed: int) -> list[Block]:
    return list(build(load("quick", ["consensus.signatures=fast"], seed)).run().chain)[:6]


def test_rule_11_only_blocks_that_lead_to_the_stable_state_are_kept() -> None:
    """Found by exploring a broken quorum: who had diverged, and took over the others' state, died
    at its next boot."""
    own, others = _chain(1), _chain(2)
    assert own[3].header.height == others[3].header.height
    assert own[3].header != others[3].header
    assert _leading(own, own[3].header) == own[:4]
    assert _leading(own, others[3].header) == []
    assert _leading([*own[:3], others[3]], others[3].header) == [others[3]]
    assert _leading([*own, *others], others[3].header) == others[:4]
    assert _leading([*others, *own], others[3].header) == others[:4]
