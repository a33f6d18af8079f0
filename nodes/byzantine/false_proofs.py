"""Answers light observers falsely: other headers, receipts or balances, or some left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

import msgspec

from consensus.effects import Effect
from consensus.encoding import digest_of, encode
from consensus.messages import BalanceProof, Headers, Message, ReceiptProof, StateProof
from consensus.types import NodeId
from nodes.block import Header
from nodes.byzantine.base import Attacker, Behaviour, rewrite
from nodes.ledger.receipts import Receipt
from nodes.ledger.records import Balance

_RECEIPTS: Final = msgspec.msgpack.Decoder(Receipt)
_HEADERS: Final = msgspec.msgpack.Decoder(Header)
_BALANCES: Final = msgspec.msgpack.Decoder(Balance)
_MILLION: Final = 1_000_000


class FalseProofs(Behaviour):
    """By chance replaces an answer to a light observer by a lie, under its own signature."""

    STOPPED_BY: ClassVar[tuple[int, ...]] = (29,)

    def __init__(self, attacker: Attacker) -> None:
        super().__init__(attacker)
        self._lies: dict[type[Message], tuple[Callable[[Any], Message], ...]] = {
            StateProof: (self._other_state,),
            Headers: (self._other_header, self._fork, self._short),
            ReceiptProof: (self._other_receipt, self._left_out),
            BalanceProof: (self._richer, self._other_account),
        }

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        return rewrite(effects, self._lie)

    def _lie(self, _to: NodeId, message: Message) -> list[Message]:
        draws = self.attacker.draws
        types = self.attacker.options.types
        lies = self._lies.get(type(message)) if not types or message.TYPE in types else None
        if lies is None or not draws.chance(self.attacker.options.chance_ppm):
            return [message]
        return [self.attacker.sign(lies[draws.below(len(lies))](message))]

    def _other_state(self, proof: StateProof) -> Message:
        """A state that the votes beside it aren't for."""
        if not proof.states:
            return proof
        last = proof.states[-1]
        state = msgspec.structs.replace(last.state, header_hash=digest_of("lie", last.sequence))
        states = (*proof.states[:-1], msgspec.structs.replace(last, state=state))
        return msgspec.structs.replace(proof, states=states)

    def _other_header(self, answer: Headers) -> Message:
        """The last block had another result."""
        return self._changed(answer, len(answer.headers) - 1)

    def _fork(self, answer: Headers) -> Message:
        """The first block was another one."""
        return self._changed(answer, 0)

    def _changed(self, answer: Headers, place: int) -> Message:
        if not answer.headers:
            return answer
        headers = list(answer.headers)
        header = _HEADERS.decode(headers[place])
        root = digest_of("lie", header.state_root)
        headers[place] = encode(msgspec.structs.replace(header, state_root=root))
        return msgspec.structs.replace(answer, headers=tuple(headers))

    def _short(self, answer: Headers) -> Message:
        """The newest is missing."""
        return msgspec.structs.replace(answer, headers=answer.headers[:-1])

    def _other_receipt(self, answer: ReceiptProof) -> Message:
        """A receipt with another code."""
        if not answer.receipts:
            return answer
        first = answer.receipts[0]
        receipt = _RECEIPTS.decode(first.receipt)
        code = "E_FROZEN" if receipt.code == "OK" else "OK"
        lie = encode(msgspec.structs.replace(receipt, code=code))
        told = (msgspec.structs.replace(first, receipt=lie), *answer.receipts[1:])
        return msgspec.structs.replace(answer, receipts=told)

    def _left_out(self, answer: ReceiptProof) -> Message:
        """All that it says is true; not all that is true is said."""
        return msgspec.structs.replace(answer, receipts=answer.receipts[:-1])

    def _richer(self, answer: BalanceProof) -> Message:
        """A million more."""
        held = _BALANCES.decode(answer.value) if answer.value else Balance()
        more = encode(msgspec.structs.replace(held, free=held.free + _MILLION))
        return msgspec.structs.replace(answer, value=more)

    def _other_account(self, answer: BalanceProof) -> Message:
        """As if the account didn't exist."""
        return msgspec.structs.replace(answer, value=b"", neighbour=None)
