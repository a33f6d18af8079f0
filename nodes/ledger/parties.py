"""Parties and their keys and accounts: PARTY_REGISTER, KEY_ROTATE, ACCOUNT_OPEN."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from nodes.ledger.act import Act
from nodes.ledger.claims import is_verified
from nodes.ledger.codes import E_CUSTODY, E_DUP, E_KEY, E_LEI, E_ROLE, E_UNVERIFIED, Refused
from nodes.ledger.identifiers import valid_lei
from nodes.ledger.records import Account, Party
from nodes.ledger.transactions import AccountOpen, KeyRotate, PartyRegister

CUSTODIANS: Final = ("vasp", "dealer")
"""Roles that register and keep investors."""


def register(act: Act, body: PartyRegister) -> None:
    """PARTY_REGISTER: a custodian registers investors, PVARA and SBP everybody else."""
    is_custodian = act.sender.role in CUSTODIANS
    if is_custodian != (body.role == "investor"):
        raise Refused(E_ROLE, f"{act.sender.role} may not register a party of role {body.role}")
    key: tuple[str, ...] = ("key", body.public_key.hex())
    if act.party(body.id) is not None or act.get(key) is not None:
        raise Refused(E_DUP, f"{body.id} or its key is registered already")
    if body.lei and not valid_lei(body.lei):
        raise Refused(E_LEI, body.lei)
    entity: tuple[str, ...] = ("lei", body.lei)
    if body.lei and act.get(entity) is not None:
        raise Refused(E_DUP, f"{body.lei} is registered already")
    party = Party(
        id=body.id,
        role=body.role,
        public_key=body.public_key,
        custodian=act.sender.id if is_custodian else "",
        lei=body.lei,
        name=body.name,
        country=body.country,
        verified=body.verified,
    )
    act.put(("party", body.id), party)
    act.put(key, body.id)
    if body.lei:
        act.put(entity, body.id)


def rotate_key(act: Act, body: KeyRotate) -> None:
    """KEY_ROTATE: signed by the old key and, as a co-signature, by the new one."""
    new: tuple[str, ...] = ("key", body.new_public_key.hex())
    if act.get(new) is not None:
        raise Refused(E_KEY, "that key is in use")
    act.put(("key", act.sender.public_key.hex()), None)
    act.put(new, act.sender.id)
    act.put(("party", act.sender.id), replace(act.sender, public_key=body.new_public_key))


def open_account(act: Act, body: AccountOpen) -> None:
    """ACCOUNT_OPEN: for oneself, for a client, or for somebody who becomes one by co-signing."""
    owner = act.party(body.owner)
    if owner is None or not is_verified(act, owner):
        raise Refused(E_UNVERIFIED, f"{body.owner} is not a verified party")
    own = owner.id == act.sender.id
    if not own and owner.custodian != act.sender.id:
        _take_over(act, owner)
    if act.account(body.id) is not None:
        raise Refused(E_DUP, f"account {body.id} exists")
    custodian = "" if own else act.sender.id
    act.put(("account", body.id), Account(id=body.id, owner=owner.id, custodian=custodian))


def _take_over(act: Act, client: Party) -> None:
    """An investor moves to another custodian; what it holds with the old one stays its own."""
    if client.role != "investor" or act.sender.role not in CUSTODIANS:
        raise Refused(E_CUSTODY, f"{act.sender.id} is not the custodian of {client.id}")
    if client not in act.cosigners:
        raise Refused(E_CUSTODY, f"{client.id} must co-sign to move to {act.sender.id}")
    act.put(("party", client.id), replace(client, custodian=act.sender.id))
    act.note("moved_from", client.custodian)
