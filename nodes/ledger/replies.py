"""The reply table: which request numbers each party has used, and what it was told.

PBFT rule 30: a window of w numbers below and including the highest used one; each executes
once, in any order inside it, below it never. A repeat gets the reply that the first one got.
The table is authenticated by its own tree, whose root goes into checkpoints (rule 9).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from consensus.encoding import encode
from consensus.types import Digest
from nodes.state_tree import StateTree

MAX_NUMBER: Final = 2**62
"""Numbers from 1 up to here are valid."""


class Window:
    """One party's used numbers: bit i of ``bitmap`` stands for ``highest - i``."""

    __slots__ = ("bitmap", "highest", "results")

    def __init__(self, highest: int, bitmap: int, results: dict[int, bytes]) -> None:
        self.highest = highest
        self.bitmap = bitmap
        self.results: Final = results

    def copy(self) -> Window:
        """An independent copy."""
        return Window(self.highest, self.bitmap, self.results.copy())

    def is_stale(self, number: int, width: int) -> bool:
        """Used, or below the window."""
        age = self.highest - number
        return age >= 0 and (age >= width or bool(self.bitmap >> age & 1))

    def use(self, number: int, width: int, result: bytes) -> None:
        """Record ``number``, which isn't stale, with its result; what leaves the window goes."""
        results = self.results
        if number > self.highest:
            if number - self.highest >= width:
                results.clear()
                self.bitmap = 0
            else:
                for leaving in range(self.highest - width + 1, number - width + 1):
                    results.pop(leaving, None)
                self.bitmap = self.bitmap << (number - self.highest) & ((1 << width) - 1)
            self.highest = number
        self.bitmap |= 1 << (self.highest - number)
        results[number] = result

    @classmethod
    def decode(cls, data: bytes) -> Window:
        """The inverse of ``encode``. Raises ``msgspec.DecodeError`` on anything else."""
        highest, bitmap, results = _WINDOWS.decode(data)
        return cls(highest, int(bitmap), dict(results))

    def encode(self) -> bytes:
        """Canonical bytes, independent of the order of use."""
        return encode((self.highest, str(self.bitmap), sorted(self.results.items())))


_WINDOWS: Final = msgspec.msgpack.Decoder(tuple[int, str, list[tuple[int, bytes]]])


class ReplyTable:
    """Windows of all parties, and the tree over them."""

    __slots__ = ("_width", "_windows", "tree")

    def __init__(self, width: int) -> None:
        self._width: Final = width
        self._windows: Final[dict[str, Window]] = {}
        self.tree = StateTree()

    @property
    def root(self) -> Digest:
        """Commits to every window and cached result."""
        return self.tree.root

    def is_stale(self, party: str, number: int) -> bool:
        """Whether ``number`` can't execute any more, or never could."""
        if not 0 < number <= MAX_NUMBER:
            return True
        window = self._windows.get(party)
        return window is not None and window.is_stale(number, self._width)

    def cached(self, party: str, number: int) -> bytes | None:
        """The result of an executed request inside the window, else None."""
        window = self._windows.get(party)
        return None if window is None else window.results.get(number)

    def scope(self) -> ReplyScope:
        """A block's view of the table."""
        return ReplyScope(self._windows, self._width)

    def rehashed(self, changed: Iterable[tuple[str, Window]]) -> StateTree:
        """The tree after a block's windows."""
        return self.tree.update([(party.encode(), window.encode()) for party, window in changed])

    def adopt(self, changed: Iterable[tuple[str, Window]], tree: StateTree) -> None:
        """Take over a block's windows with their tree (``rehashed``). They stay as they are."""
        self._windows.update(changed)
        self.tree = tree

    def install(self, tree: StateTree) -> None:
        """Take over another table, which is this tree's."""
        for party, window in self.tree.changes_to(tree):
            if window is None:
                del self._windows[party.decode()]
            else:
                self._windows[party.decode()] = Window.decode(window)
        self.tree = tree


class ReplyScope:
    """The reply table while a block executes: changed windows are copies."""

    __slots__ = ("_base", "_changed", "_width")

    def __init__(self, base: dict[str, Window], width: int) -> None:
        self._base: Final = base
        self._width: Final = width
        self._changed: Final[dict[str, Window]] = {}

    def _window(self, party: str) -> Window | None:
        return self._changed.get(party) or self._base.get(party)

    def is_stale(self, party: str, number: int) -> bool:
        """As ``ReplyTable.is_stale``, at this point of the block."""
        if not 0 < number <= MAX_NUMBER:
            return True
        window = self._window(party)
        return window is not None and window.is_stale(number, self._width)

    def cached(self, party: str, number: int) -> bytes | None:
        """As ``ReplyTable.cached``, at this point of the block."""
        window = self._window(party)
        return None if window is None else window.results.get(number)

    def use(self, party: str, number: int, result: bytes) -> None:
        """Record an executed request."""
        window = self._changed.get(party)
        if window is None:
            before = self._base.get(party)
            window = before.copy() if before is not None else Window(0, 0, {})
            self._changed[party] = window
        window.use(number, self._width, result)

    def changes(self) -> tuple[tuple[str, Window], ...]:
        """What ``ReplyTable.adopt`` takes."""
        return tuple(self._changed.items())
