"""The blocks that a validator holds: all since genesis, or those since a state it started from."""

from __future__ import annotations

from typing import Final

from consensus.types import Digest, Sequence
from nodes.block import Block, Header


class Chain:
    """Consecutive blocks up to the tip; below the first there may have been others."""

    def __init__(self, genesis_hash: Digest) -> None:
        self._genesis_hash: Final = genesis_hash
        self._blocks: list[Block] = []
        self._base: Header | None = None
        """The header that the tip is, or was, without any block above it; None: genesis."""

    @property
    def height(self) -> Sequence:
        """Of the tip; 0 is genesis."""
        tip = self._tip
        return 0 if tip is None else tip.height

    @property
    def tip_hash(self) -> Digest:
        """Hash of the tip's header; before the first block the genesis hash."""
        tip = self._tip
        return self._genesis_hash if tip is None else tip.hash

    @property
    def tip_time_us(self) -> int:
        """Block time of the tip; 0 at genesis."""
        tip = self._tip
        return 0 if tip is None else tip.time_us

    @property
    def _tip(self) -> Header | None:
        return self._blocks[-1].header if self._blocks else self._base

    def __len__(self) -> int:
        """How many are held."""
        return len(self._blocks)

    def last(self, most: int) -> list[Block]:
        """Up to ``most`` blocks at the tip, the last one first."""
        return self._blocks[: -most - 1 : -1]

    def append(self, block: Block) -> None:
        """The next block."""
        assert block.header.height == self.height + 1
        self._blocks.append(block)

    def between(self, first: Sequence, last: Sequence) -> list[Block]:
        """The blocks from ``first`` to ``last``, as far as they are held."""
        if not self._blocks:
            return []
        lowest = self._blocks[0].header.height
        return self._blocks[max(0, first - lowest) : max(0, last - lowest + 1)]

    def start_at(self, base: Header, kept: list[Block]) -> None:
        """The state after ``base`` is in place; ``kept`` are blocks that lead up to it."""
        assert not kept or kept[-1].header == base
        self._base, self._blocks = base, list(kept)

    def forget_below(self, height: Sequence) -> None:
        """Blocks below ``height`` are served to nobody any more."""
        if self._blocks and self._blocks[0].header.height < height <= self.height:
            del self._blocks[: height - self._blocks[0].header.height]
