"""Proofs of misbehaviour as files: both signed messages, and the key that they verify under."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from chainsim.run_folder import EVIDENCE
from chainsim.run_summary import MisbehaviourLine
from consensus.misbehaviour import Misbehaviour


class EvidenceFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a file in ``evidence/`` holds; bytes are base64."""

    culprit: str
    kind: str
    public_key: bytes
    """The culprit's, in the epoch of the messages."""
    misbehaviour: Misbehaviour


def write_evidence(
    folder: Path,
    proofs: Mapping[tuple[str, str], Misbehaviour | None],
    public_keys: Mapping[str, bytes],
) -> tuple[MisbehaviourLine, ...]:
    """One file for each (culprit, kind), in the order given; makes ``evidence/`` in any case."""
    place = folder / EVIDENCE
    place.mkdir(exist_ok=True)
    lines = []
    for number, ((culprit, kind), proof) in enumerate(proofs.items(), start=1):
        name = ""
        if proof is not None:
            content = EvidenceFile(
                culprit=culprit,
                kind=kind,
                public_key=public_keys.get(culprit, b""),
                misbehaviour=proof,
            )
            name = f"{number:02d}-{culprit}-{kind}.json"
            encoded = msgspec.json.format(msgspec.json.encode(content), indent=2)
            (place / name).write_bytes(encoded + b"\n")
        lines.append(
            MisbehaviourLine(node=culprit, kind=kind, evidence=f"{EVIDENCE}/{name}" if name else "")
        )
    return tuple(lines)
