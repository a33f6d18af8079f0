"""Nobody succeeds who lacked the role, the licence, the co-signers or the key just then.

Reads roles.csv by itself, follows parties, keys, licences, pauses and the committee from genesis
through the ordered transactions, and judges every success at its place in the block (LEDGER.md,
invariant 12).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib import resources
from typing import Final

import msgspec

from chainsim.checks.context import CheckContext
from chainsim.checks.results import ChainProperty
from chainsim.trace import Executed
from consensus.messages import Request
from consensus.types import quorum_size
from nodes.block import Block
from nodes.ledger.receipts import EPOCH_END, VALIDATOR_REMOVAL, Receipt
from nodes.ledger.transactions import (
    AccountOpen,
    Body,
    CashBurn,
    KeyRotate,
    LicenceSet,
    PartyRegister,
    decode,
)

AUTHORITIES: Final = ("mof", "sbp", "pvara")
FEWEST: Final = 4


class _Party(msgspec.Struct):
    """What decides about a party."""

    role: str
    key: bytes
    licence: str
    custodian: str


def _rows() -> list[dict[str, str]]:
    text = resources.files("scenarios").joinpath("data", "roles.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


class Authority(ChainProperty):
    """Every success was somebody's right at that moment."""

    name = "authority"
    kind = "money"

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        genesis = context.genesis
        self._rows = _rows()
        self._parties: dict[str, _Party] = {}
        self._owners: dict[str, str] = {}
        self._members = [seat.id for seat in genesis.validators] if genesis else []
        self._paused = False
        self._acts = 0
        for party in genesis.parties if genesis else ():
            self._parties[party.id] = _Party(
                party.role, party.public_key, party.licence, party.custodian
            )
        for account in genesis.accounts if genesis else ():
            self._owners[account.id] = account.owner

    def on_block(self, record: Executed, block: Block) -> None:
        if self.context.genesis is None:
            return
        for request, receipt in zip(block.batch.requests, block.receipts, strict=False):
            transaction = decode(request.operation)
            if receipt.code == "OK" and transaction is not None:
                self._acts += 1
                for problem in self._problems(request, receipt, transaction.body):
                    who = f"{receipt.type} {receipt.number} of {receipt.client}"
                    self.fail(record.at_us, record.node, record.sequence, f"{who}: {problem}")
                self._follow(request, receipt, transaction.body)
        for receipt in block.system_receipts:
            if receipt.type == EPOCH_END:
                self._members = [name for name, _ in receipt.data if name != "epoch"]
            elif receipt.type == VALIDATOR_REMOVAL:
                for problem in self._removal_problems(receipt):
                    what = f"{receipt.type} of block {receipt.height}: {problem}"
                    self.fail(record.at_us, record.node, record.sequence, what)

    def _problems(self, request: Request, receipt: Receipt, body: Body) -> Iterator[str]:
        sender = self._parties.get(request.sender)
        if sender is None or sender.key != request.public_key:
            yield "not signed with a registered key"
            return
        row = self._row(receipt.type, request.sender, sender)
        if row is None:
            yield f"a {sender.role} may not"
            return
        if self._paused and row["while_paused"] != "yes":
            yield "not while the ledger is paused"
        states = row["licence_states"]
        holder = None if states in ("", "any") else self._licence_holder(sender)
        if holder is not None and holder.licence not in states.split("|"):
            yield f"not with a licence that is {holder.licence}"
        if row["co_signers"] and not self._is_carried(row["co_signers"], request, body):
            yield f"{row['co_signers']} didn't co-sign"

    def _removal_problems(self, receipt: Receipt) -> Iterator[str]:
        """By itself the ledger removes revoked firms only, and keeps four validators."""
        for id_ in (value for name, value in receipt.data if name == "validator"):
            party = self._parties.get(id_)
            if party is None or party.licence != "REVOKED":
                yield f"{id_} has no licence that was revoked"
            if id_ not in self._members:
                yield f"{id_} has no seat"
            if len(self._members) <= FEWEST:
                yield f"fewer than {FEWEST} would remain"

    def _row(self, type_name: str, id_: str, sender: _Party) -> dict[str, str] | None:
        roles = [sender.role, "any"]
        if id_ in self._members:
            roles.append("validator")
        for row in self._rows:
            initiators = row["initiator"].split("|")
            if row["transaction"] == type_name and any(role in initiators for role in roles):
                return row
        return None

    def _licence_holder(self, party: _Party) -> _Party | None:
        if party.role == "vasp":
            return party
        custodian = self._parties.get(party.custodian)
        if party.role == "investor" and custodian is not None and custodian.role == "vasp":
            return custodian
        return None

    def _is_carried(self, wanted: str, request: Request, body: Body) -> bool:
        """Whether those who must have countersigned, each under the key registered then."""
        signers = [c.party for c in request.cosignatures if self._key(c.party) == c.public_key]
        roles = [self._parties[id_].role for id_ in signers]
        match wanted, body:
            case "own new key", KeyRotate(new_public_key=key):
                return any(c.public_key == key for c in request.cosignatures)
            case "account owner", CashBurn(account=account):
                return self._owners.get(account) in (request.sender, *signers)
            case "another of the three", _:
                own = self._parties[request.sender].role
                return any(role in AUTHORITIES and role != own for role in roles)
            case "a quorum of validators", _:
                carried = {request.sender, *signers} & set(self._members)
                return len(carried) >= quorum_size(len(self._members))
        return wanted in roles

    def _key(self, id_: str) -> bytes | None:
        party = self._parties.get(id_)
        return None if party is None else party.key

    def _follow(self, request: Request, receipt: Receipt, body: Body) -> None:
        """What a success changes about who may do what."""
        match body:
            case PartyRegister(id=id_, role=role, public_key=key):
                by = self._parties.get(request.sender)
                custodian = request.sender if by and by.role in ("vasp", "dealer") else ""
                self._parties[id_] = _Party(role, key, "NONE", custodian)
            case KeyRotate(new_public_key=key) if request.sender in self._parties:
                self._parties[request.sender].key = key
            case LicenceSet(party=id_, state=state) if id_ in self._parties:
                self._parties[id_].licence = state
            case AccountOpen(id=id_, owner=owner):
                self._owners[id_] = owner
                if owner != request.sender and owner in self._parties:
                    self._parties[owner].custodian = request.sender
        if receipt.type in ("PAUSE", "UNPAUSE"):
            self._paused = receipt.type == "PAUSE"

    def held(self) -> str:
        return f"{self._acts} successful acts were their senders' right at that moment"
