"""Blocks in, receipts and roots out: the state machine that validators replicate.

Every request leaves a receipt. An envelope failure changes nothing else; any other failure uses
up the request number; a success changes the state by exactly the postings of its receipt. What
a block gives depends on the state before it and the block alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec

from consensus.crypto import Verifier
from consensus.encoding import encode
from consensus.messages import Batch, Request
from consensus.types import Digest
from nodes import merkle
from nodes.ledger import (
    access,
    auction,
    auction_outcome,
    cash,
    claims,
    commodity,
    coupons,
    days,
    evidence,
    federal_assets,
    licensing,
    parties,
    redemption,
    restraint,
    sealed_bids,
    series,
    settlement,
    transfer,
    validators,
)
from nodes.ledger.act import Act, BlockScope
from nodes.ledger.audit import audit
from nodes.ledger.codes import (
    E_CHAIN,
    E_EXPIRED,
    E_NONCE,
    E_SCHEMA,
    E_SIG,
    ENVELOPE,
    OK,
    Refused,
)
from nodes.ledger.genesis import Genesis
from nodes.ledger.kinds import entry_of
from nodes.ledger.memo import Execution, Memo
from nodes.ledger.receipts import (
    DVP_EXPIRE,
    EPOCH_END,
    SYSTEM_INDEX,
    VALIDATOR_REMOVAL,
    BlockOutcome,
    Receipt,
)
from nodes.ledger.records import NO_BALANCE, Balance, Configuration, Party
from nodes.ledger.replies import ReplyScope, ReplyTable
from nodes.ledger.state import CONFIGURATION, State, opening_state
from nodes.ledger.transactions import KeyRotate, Transaction, decode
from nodes.state_tree import Proof, StateTree

HANDLERS: Final[dict[str, Callable[[Act, Any], None]]] = {
    "PARTY_REGISTER": parties.register,
    "KEY_ROTATE": parties.rotate_key,
    "REGULATIONS_COMMENCE": licensing.commence_regulations,
    "LICENCE_SET": licensing.set_licence,
    "GOAML_ATTEST": licensing.attest_goaml,
    "SECP_INCORPORATE": licensing.incorporate,
    "ACCOUNT_OPEN": parties.open_account,
    "SERIES_DEFINE": series.define_series,
    "FX_FIX": days.fix_fx,
    "AUCTION_OPEN": auction.open_auction,
    "BID": auction.take_bid,
    "AUCTION_CLOSE": auction.close,
    "AUCTION_ALLOT": auction_outcome.allot,
    "AUCTION_SETTLE": auction_outcome.settle,
    "CASH_MINT": cash.mint_cash,
    "CASH_BURN": cash.burn_cash,
    "TRANSFER": transfer.transfer,
    "DVP_PROPOSE": settlement.propose,
    "DVP_ACCEPT": settlement.accept,
    "DVP_SETTLE": settlement.settle,
    "DVP_CANCEL": settlement.cancel,
    "FREEZE": restraint.freeze,
    "UNFREEZE": restraint.unfreeze,
    "PAUSE": restraint.pause,
    "UNPAUSE": restraint.unpause,
    "DAY_OPEN": days.open_day,
    "COUPON_DECLARE": coupons.declare,
    "COUPON_PAY": coupons.pay,
    "REDEEM": redemption.redeem,
    "CLAIM_ADD": claims.add,
    "CLAIM_REVOKE": claims.revoke,
    "FORCED_TRANSFER": restraint.forced_transfer,
    "VALIDATOR_UPDATE": validators.update,
    "ASSET_REGISTER": federal_assets.register,
    "BID_COMMIT": sealed_bids.commit,
    "BID_REVEAL": sealed_bids.reveal,
    "EVIDENCE": evidence.take,
    "PRICE_FIX": days.fix_price,
    "VAULT_ATTEST": commodity.attest,
    "COMMODITY_MINT": commodity.mint,
    "COMMODITY_REDEEM": commodity.redeem,
}
"""What executes each type; access rules have been checked before."""

MALFORMED: Final = "?"
"""Type in the receipt of an operation that can't be decoded."""


class Result(msgspec.Struct, frozen=True, array_like=True):
    """What a client is told about its request."""

    code: str
    height: int
    index: int
    detail: str


_RESULT_DECODER: Final = msgspec.msgpack.Decoder(Result)


def decode_result(result: bytes) -> Result:
    """The inverse of a reply's encoding. Raises ``msgspec.DecodeError`` on anything else."""
    return _RESULT_DECODER.decode(result)


class Ledger:
    """One validator's copy of the state machine."""

    def __init__(
        self, genesis: Genesis, memo: Memo | None = None, verifier: Verifier | None = None
    ) -> None:
        """The state at height 0. Raises ``ValueError`` if ``genesis.problems()`` isn't empty.

        ``memo``, shared by ledgers of this genesis, spares executing what one of them did.
        ``verifier`` checks the signatures in EVIDENCE; without one it is refused.
        """
        self.genesis: Final = genesis
        self.height = 0
        self._memo: Final = memo
        self._verifier: Final = verifier
        self._state: Final[State] = opening_state(genesis).copy()
        self._replies: Final = ReplyTable(genesis.policies.request_window)

    def execute_block(self, height: int, parent_time_us: int, batch: Batch) -> BlockOutcome:
        """Execute ``batch`` as block ``height`` (the next one) and adopt the new state."""
        assert height == self.height + 1, f"block {height} after {self.height}"
        memo = self._memo
        if memo is None:
            execution = self._execution(height, parent_time_us, batch)
        else:
            place = (height, parent_time_us, self._state.root, self._replies.root)
            known = memo.recall(place, batch)
            execution = known or self._execution(height, parent_time_us, batch)
            if known is None:
                memo.keep(place, batch, execution)
        self._state.adopt(execution.changes, execution.tree)
        self._state.forget_due(execution.outcome.time_us)
        self._replies.adopt(execution.windows, execution.reply_tree)
        self.height = height
        return execution.outcome

    def _execution(self, height: int, parent_time_us: int, batch: Batch) -> Execution:
        """What ``batch`` gives here; changes nothing yet."""
        # Rule 8: a null block's time is its parent's; its digest doesn't cover a proposed one.
        time_us = max(parent_time_us, batch.time_us) if batch.requests else parent_time_us
        block = BlockScope(self.genesis, self._state, height, time_us, self._verifier)
        replies = self._replies.scope()
        system = _expire_dvps(block, self._state.due(time_us))
        receipts: list[Receipt] = []
        results: list[bytes | None] = []
        for index, request in enumerate(batch.requests):
            receipt, result = _execute(block, replies, index, request)
            receipts.append(receipt)
            results.append(result)
        system += _change_committee(block, len(system))
        tree = self._state.rehashed(block.changes)
        windows = replies.changes()
        reply_tree = self._replies.rehashed(windows)
        outcome = BlockOutcome(
            time_us=time_us,
            receipts=tuple(receipts),
            system_receipts=system,
            results=tuple(results),
            transactions_root=merkle.root([request.digest for request in batch.requests]),
            receipts_root=merkle.root([receipt.digest for receipt in (*receipts, *system)]),
            state_root=tree.root,
            reply_root=reply_tree.root,
        )
        return Execution(outcome, block.changes, tree, windows, reply_tree)

    @property
    def configuration(self) -> Configuration:
        """The validators in force from the next block on, and what is scheduled after them."""
        configuration: Configuration = self._state.values[CONFIGURATION]
        return configuration

    def install(self, height: int, time_us: int, entries: StateTree, replies: StateTree) -> None:
        """Be where executing the blocks up to ``height`` would have led (rule 22).

        ``time_us`` is that block's time. Costs what differs from the state as it is.
        """
        changes = dict(entry_of(*change) for change in self._state.tree.changes_to(entries))
        self._state.adopt(changes, entries)
        self._state.forget_due(time_us)
        self._replies.install(replies)
        self.height = height

    @property
    def trees(self) -> tuple[StateTree, StateTree]:
        """The authenticated state, and the reply table, as they are."""
        return self._state.tree, self._replies.tree

    def cached_reply(self, party: str, number: int) -> bytes | None:
        """The result of an executed request still inside the window, else None."""
        return self._replies.cached(party, number)

    def is_stale(self, party: str, number: int) -> bool:
        """Whether ``number`` can't execute any more: executed, or below the window (rule 30)."""
        return self._replies.is_stale(party, number)

    def get(self, *key: str) -> Any:
        """A value of the state, as ``get("party", "sbp")``; None if absent."""
        return self._state.values.get(key)

    def values(self, kind: str) -> list[Any]:
        """All values of a kind, in key order (``"bid"``, ``"dvp"``, …). Reads everything."""
        return [value for _, value in self._state.of_kind(kind)]

    def balance(self, account: str, asset: str, partition: str = "free") -> int:
        """Minor units in a partition (free, reserved, frozen); 0 for what doesn't exist."""
        held: Balance = self._state.values.get(("balance", account, asset), NO_BALANCE)
        return {"free": held.free, "reserved": held.reserved, "frozen": held.frozen}[partition]

    def holdings(self) -> Iterator[tuple[str, str, Balance]]:
        """(account, asset, partitions) of all that anybody holds. Reads everything."""
        for key, value in self._state.values.items():
            if key[0] == "balance":
                yield key[1], key[2], value

    def prove(self, *key: str) -> tuple[bytes | None, Proof]:
        """Encoded value and proof of one key, for ``state_tree.verify`` under ``state_root``."""
        return self._state.prove(key)

    @property
    def state_root(self) -> Digest:
        """Root of the authenticated state."""
        return self._state.root

    @property
    def reply_root(self) -> Digest:
        """Root of the reply table (rule 9)."""
        return self._replies.root

    def audit(self) -> list[str]:
        """Every internal invariant that doesn't hold; empty if all do. Reads everything."""
        return audit(self.genesis, self._state)


def _expire_dvps(block: BlockScope, due: list[str]) -> tuple[Receipt, ...]:
    receipts: list[Receipt] = []
    for id_ in due:
        act = Act(block, None)
        if settlement.expire(act, id_):
            receipts.append(_system_receipt(act, len(receipts), DVP_EXPIRE))
    return tuple(receipts)


def _change_committee(block: BlockScope, number: int) -> tuple[Receipt, ...]:
    """At the end of a block: what is due comes into force, or else what is queued is scheduled."""
    for happens, type_name in (
        (validators.end_epoch, EPOCH_END),
        (validators.remove_queued, VALIDATOR_REMOVAL),
    ):
        act = Act(block, None)
        if happens(act):
            return (_system_receipt(act, number, type_name),)
    return ()


def _system_receipt(act: Act, number: int, type_name: str) -> Receipt:
    """Commit what the ledger did by itself; ``number`` counts such acts within the block."""
    act.commit()
    return Receipt(
        height=act.block.height,
        index=SYSTEM_INDEX,
        client="",
        number=number,
        type=type_name,
        code=OK,
        postings=tuple(act.postings),
        data=tuple(act.data),
    )


def _execute(
    block: BlockScope, replies: ReplyScope, index: int, request: Request
) -> tuple[Receipt, bytes | None]:
    """Execute one request on the block's overlay: its receipt, and the reply's result."""
    transaction = decode(request.operation)
    type_name = MALFORMED if transaction is None else transaction.type
    sender, number = request.sender, request.number
    try:
        act = _open_envelope(block, replies, request, transaction)
        body = transaction.body  # type: ignore[union-attr]  # E_SCHEMA was refused
        access.check(act, type_name, body)
        HANDLERS[type_name](act, body)
    except Refused as refusal:
        code = refusal.code
        receipt = Receipt(block.height, index, sender, number, type_name, code, refusal.detail)
    else:
        act.commit()
        code = OK
        receipt = Receipt(
            block.height,
            index,
            sender,
            number,
            type_name,
            OK,
            "",
            tuple(item for item in act.minted.items() if item[1]),
            tuple(act.postings),
            tuple(act.data),
        )
    if code in (E_SIG, E_CHAIN):
        return receipt, None
    result = encode((code, block.height, index, receipt.detail))
    if code not in ENVELOPE:
        replies.use(sender, number, result)
    elif code == E_NONCE:
        result = replies.cached(sender, number) or result
    return receipt, result


def _open_envelope(
    block: BlockScope, replies: ReplyScope, request: Request, transaction: Transaction | None
) -> Act:
    """Refuse E_CHAIN, E_SIG, E_NONCE, E_SCHEMA or E_EXPIRED, in this order, or let it in.

    Signatures were verified under the keys in the envelope before ordering (rule 3); here
    those keys must be the registered ones.
    """
    if request.chain != block.genesis.hash:
        raise Refused(E_CHAIN)
    sender: Party | None = block.get(("party", request.sender))
    if sender is None or request.public_key != sender.public_key:
        raise Refused(E_SIG, "not the sender's registered key")
    if replies.is_stale(request.sender, request.number):
        raise Refused(E_NONCE, "request number used, or below the window")
    if transaction is None:
        raise Refused(E_SCHEMA, "no transaction of a known type and form")
    if transaction.expiry_height and block.height > transaction.expiry_height:
        raise Refused(E_EXPIRED, f"valid up to height {transaction.expiry_height}")
    cosigners: tuple[Party, ...] = ()
    if request.cosignatures:
        cosigners = _cosigners(block, sender, request, transaction)
    return Act(block, sender, cosigners)


def _cosigners(
    block: BlockScope, sender: Party, request: Request, transaction: Transaction
) -> tuple[Party, ...]:
    """The parties that co-signed, each once, under its registered key (or its own new one)."""
    found: dict[str, Party] = {}
    for cosignature in request.cosignatures:
        party: Party | None = block.get(("party", cosignature.party))
        expected = None if party is None else party.public_key
        if party == sender:
            body = transaction.body
            expected = body.new_public_key if isinstance(body, KeyRotate) else None
        if party is None or cosignature.public_key != expected or party.id in found:
            raise Refused(E_SIG, "a co-signature is not under its party's registered key")
        found[party.id] = party
    return tuple(found.values())
