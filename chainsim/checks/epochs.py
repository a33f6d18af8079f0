"""Which committee decides which height, read off the blocks themselves (PBFT rule 27)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from consensus.types import Committee, Member, Sequence
from nodes.block import Block
from nodes.ledger.receipts import EPOCH_END


class Epochs:
    """Committees by height; grows with the system receipts that end an epoch."""

    def __init__(self, first: Committee) -> None:
        self._begins: Final[list[tuple[Sequence, Committee]]] = [(1, first)]

    def learn(self, block: Block) -> None:
        """A block whose contents were checked: does an epoch end with it?"""
        for receipt in block.system_receipts:
            if receipt.type == EPOCH_END and block.header.height >= self._begins[-1][0]:
                (_, epoch), *members = receipt.data
                named = (Member(id_, bytes.fromhex(key)) for id_, key in members)
                self._begins.append((block.header.height + 1, Committee(int(epoch), named)))

    def at(self, height: Sequence) -> Committee:
        """The committee that decides ``height``."""
        for begins, committee in reversed(self._begins):
            if begins <= height:
                return committee
        return self._begins[0][1]

    def all(self) -> tuple[Committee, ...]:
        """The committees of all epochs so far, the first one first."""
        return tuple(committee for _, committee in self._begins)


def committees(first: Committee, chain: Iterable[Block]) -> tuple[Committee, ...]:
    """The committees of all epochs that a chain entered, from the ``first`` on."""
    epochs = Epochs(first)
    for block in chain:
        epochs.learn(block)
    return epochs.all()
