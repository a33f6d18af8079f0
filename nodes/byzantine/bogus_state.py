"""Serves pieces of states that never were to those who fetch one."""

from __future__ import annotations

from typing import Any, ClassVar, Final

import msgspec

from consensus.effects import Effect
from consensus.encoding import encode
from consensus.messages import Message, State
from consensus.types import NodeId
from nodes.block import Header
from nodes.byzantine.base import Behaviour, rewrite
from nodes.snapshots import HEADER
from nodes.tree_pieces import Piece

_HEADERS: Final = msgspec.msgpack.Decoder(Header)
_PIECES: Final = msgspec.msgpack.Decoder(Piece)


class BogusState(Behaviour):
    """Lies, by chance (``chance``), in answers to FETCH-STATE.

    The lies: a value, in the right form, that is one more than it was; an entry left out; a
    header with another time; bytes that mean nothing.
    """

    STOPPED_BY: ClassVar[tuple[int, ...]] = (22,)

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        return rewrite(effects, self._lie)

    def _lie(self, _to: NodeId, message: Message) -> list[Message]:
        if not isinstance(message, State) or not message.piece:
            return [message]
        draws = self.attacker.draws
        if not draws.chance(self.attacker.options.chance_ppm):
            return [message]
        if not draws.below(8):
            piece = message.piece[: draws.below(len(message.piece))] + b"\xc1"
        elif message.path == HEADER:
            header = _HEADERS.decode(message.piece)
            piece = encode(msgspec.structs.replace(header, time_us=header.time_us + 1))
        elif message.path:
            piece = encode(self._changed(_PIECES.decode(message.piece)))
        else:
            piece = message.piece + b"\x00"
        return [self.attacker.sign(msgspec.structs.replace(message, piece=piece, signature=b""))]

    def _changed(self, piece: Piece) -> Piece:
        """Another piece of the same form."""
        draws = self.attacker.draws
        if not piece.leaves:
            first, *others = piece.children
            return Piece((), piece.bitmap, (first[::-1], *others))
        place = draws.below(len(piece.leaves))
        key, value = piece.leaves[place]
        more = _one_more(msgspec.msgpack.decode(value))
        changed = () if more is None else ((key, encode(more)),)
        return Piece((*piece.leaves[:place], *changed, *piece.leaves[place + 1 :]))


def _one_more(value: Any) -> Any:
    """``value`` with its first whole number one higher; None if it holds none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value + 1
    if isinstance(value, list):
        for place, item in enumerate(value):
            more = _one_more(item)
            if more is not None:
                return [*value[:place], more, *value[place + 1 :]]
    if isinstance(value, dict):
        for name, item in value.items():
            more = _one_more(item)
            if more is not None:
                return {**value, name: more}
    return None
