"""The licence machine of VASPs, and what leads along it.

NONE -> NOC_GRANTED -> APPLIED -> LICENSED <-> SUSPENDED -> REVOKED; NOC_GRANTED -> LAPSED.
While an NOC is held, PVARA attests the goAML registration and SECP the incorporation; both, and
regulations in force, are needed to apply. A revocation also queues the removal of the firm's
validator, if it has one (see ``validators``).
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from nodes.ledger import validators
from nodes.ledger.act import Act
from nodes.ledger.codes import (
    E_DUP,
    E_EDGE,
    E_NO_NOC,
    E_NO_REGULATION,
    E_NOT_INCORPORATED,
    Refused,
)
from nodes.ledger.records import Flag, Licence, Party
from nodes.ledger.state import REGULATIONS
from nodes.ledger.transactions import (
    GoamlAttest,
    LicenceSet,
    RegulationsCommence,
    SecpIncorporate,
)

EDGES: Final[dict[Licence, tuple[Licence, ...]]] = {
    "NONE": ("NOC_GRANTED",),
    "NOC_GRANTED": ("APPLIED", "LAPSED"),
    "APPLIED": ("LICENSED",),
    "LICENSED": ("SUSPENDED",),
    "SUSPENDED": ("LICENSED", "REVOKED"),
    "REVOKED": (),
    "LAPSED": (),
}


def commence_regulations(act: Act, body: RegulationsCommence) -> None:
    """REGULATIONS_COMMENCE: once."""
    if act.get(REGULATIONS) is not None:
        raise Refused(E_DUP, "regulations are in force already")
    act.put(REGULATIONS, Flag(by=(act.sender.id, *(party.id for party in act.cosigners))))


def set_licence(act: Act, body: LicenceSet) -> None:
    """LICENCE_SET: along an edge; applying wants regulations, goAML and incorporation."""
    party = act.party(body.party)
    if party is None or party.role != "vasp":
        raise Refused(E_EDGE, f"{body.party} is not a VASP")
    if body.state not in EDGES[party.licence]:
        raise Refused(E_EDGE, f"{party.licence} doesn't lead to {body.state}")
    if body.state == "APPLIED":
        if act.get(REGULATIONS) is None:
            raise Refused(E_NO_REGULATION)
        if not party.incorporated:
            raise Refused(E_NOT_INCORPORATED, party.id)
        if not party.goaml:
            raise Refused(E_EDGE, f"{party.id} is not registered with goAML")
    act.put(("party", party.id), replace(party, licence=body.state))
    act.note("from", party.licence)
    act.note("to", body.state)
    if body.state == "REVOKED" and validators.queue_removal(act, party.id):
        act.note("seat", "removal queued")


def attest_goaml(act: Act, body: GoamlAttest) -> None:
    """GOAML_ATTEST: of the holder of an NOC."""
    act.put(("party", body.party), replace(_noc_holder(act, body.party), goaml=True))


def incorporate(act: Act, body: SecpIncorporate) -> None:
    """SECP_INCORPORATE: of the holder of an NOC."""
    act.put(("party", body.party), replace(_noc_holder(act, body.party), incorporated=True))


def _noc_holder(act: Act, id_: str) -> Party:
    party = act.party(id_)
    if party is None or party.licence != "NOC_GRANTED":
        raise Refused(E_NO_NOC, f"{id_} holds no NOC")
    return party
