"""EVIDENCE: signed messages that prove a validator's misbehaviour; flags it, on the record.

Whether they prove it is ``consensus.evidence``'s to say, under the committee of their epoch; the
ledger keeps all committees there were. Who sends it may propose that the validator is removed:
the proposal is noted with the flag, and carried, like any change, by a VALIDATOR_UPDATE.
"""

from __future__ import annotations

from typing import Final

import msgspec

from consensus.evidence import public_rules, verify
from consensus.misbehaviour import Misbehaviour
from consensus.types import Committee
from nodes.ledger.act import Act
from nodes.ledger.codes import E_DUP, E_EVIDENCE, Refused
from nodes.ledger.records import Configuration, Flagged
from nodes.ledger.transactions import Evidence

_DECODER: Final = msgspec.msgpack.Decoder(Misbehaviour)


def take(act: Act, body: Evidence) -> None:
    """EVIDENCE: once for each validator and kind of misbehaviour."""
    found = _decoded(body.misbehaviour)
    committee = _committee(act, found.first.epoch)
    if committee is None:
        raise Refused(E_EVIDENCE, f"there was no epoch {found.first.epoch}")
    if act.block.verifier is None:
        raise Refused(E_EVIDENCE, "this ledger can't check signatures")
    rules = public_rules(
        act.genesis.hash,
        committee,
        _committee(act, committee.epoch - 1),
        act.genesis.window,
        act.block.verifier,
    )
    verdict = verify(found, rules)
    if not verdict.holds:
        raise Refused(E_EVIDENCE, verdict.why)
    key = ("flagged", found.culprit, found.kind)
    if act.get(key) is not None:
        raise Refused(E_DUP, f"{found.culprit} is flagged for {found.kind}")
    flag = Flagged(
        by=act.sender.id,
        epoch=committee.epoch,
        height=act.block.height,
        removal_proposed=body.propose_removal,
    )
    act.put(key, flag)
    act.note("culprit", found.culprit)
    act.note("kind", found.kind)
    act.note("proven", verdict.why)


def _decoded(content: bytes) -> Misbehaviour:
    try:
        return _DECODER.decode(content)
    except (msgspec.DecodeError, ValueError, OverflowError, RecursionError) as error:
        raise Refused(E_EVIDENCE, "these bytes are no evidence") from error


def _committee(act: Act, epoch: int) -> Committee | None:
    """Who validated in an epoch, as far as there was one."""
    found: Configuration | None = act.get(("committee", str(epoch)))
    return None if found is None else Committee(epoch, found.members)
