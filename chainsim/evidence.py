"""Proofs of misbehaviour as files: the signed messages, and all that it takes to check them.

A file is checked without the run that made it: it names the chain, the committee with its keys,
and the window. That these are the true ones is for whoever relies on the proof to compare; the
chain id is the hash of a genesis that holds the first committee's keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

import msgspec

from chainsim.run_folder import EVIDENCE
from chainsim.run_summary import MisbehaviourLine
from consensus.crypto import Scheme
from consensus.evidence import Rules, Verdict, public_rules, verify
from consensus.misbehaviour import Misbehaviour
from consensus.types import Committee, Member

MAX_EVIDENCE_BYTES: Final = 1 << 26
"""A file of evidence that is larger is refused unread: 64 MiB."""

MAX_WINDOW: Final = 1 << 20
"""A file that names a larger window is refused: what follows from V has as many slots."""

PUBLIC: Final = "Anybody can check this with the public keys of the committee."
PRIVATE: Final = (
    'The signatures are "fast" ones: keyed hashes that only the simulation itself can check, and '
    "that whoever can check them could have made. This convinces nobody outside of the run; "
    'run with consensus.signatures = "ed25519" for a proof that does.'
)


class Malformed(Exception):
    """A file that is no evidence, whole and unchanged; the message says where it fails."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What signed messages of a run are held against."""

    chain: bytes
    committees: Mapping[int, Committee]
    """By epoch."""
    window: int
    scheme: Scheme

    def rules(self, epoch: int) -> Rules:
        """For messages of ``epoch``. Raises ``KeyError`` if that committee isn't known."""
        before = self.committees.get(epoch - 1)
        verifier = self.scheme.verifier()
        return public_rules(self.chain, self.committees[epoch], before, self.window, verifier)


class EvidenceFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a file in ``evidence/`` holds; bytes are base64."""

    format: Literal[1] = 1
    culprit: str
    kind: str
    proven: str
    """Why it is proof, in words."""
    who_can_check: str
    signatures: Literal["ed25519", "fast"]
    chain: bytes
    """The chain id: hash of the genesis."""
    epoch: int
    committee: tuple[Member, ...]
    """The validators of that epoch in proposer order, with their public keys."""
    committee_before: tuple[Member, ...] = ()
    """Those of the epoch before, whose CHECKPOINTs a VIEW-CHANGE may show; of epoch 0 nobody."""
    window: int
    """L of the scenario."""
    misbehaviour: Misbehaviour
    sha256: str = ""
    """Over all of the above, so that damage is told from a lie; it proves nothing by itself."""

    def sealed(self) -> EvidenceFile:
        """The same with its checksum."""
        bare = msgspec.structs.replace(self, sha256="")
        return msgspec.structs.replace(bare, sha256=sha256(_text(bare)).hexdigest())


def evidence_file(misbehaviour: Misbehaviour, origin: Origin) -> EvidenceFile | None:
    """The file for a proof, or None if it proves nothing."""
    epoch = misbehaviour.first.epoch
    if epoch not in origin.committees or (epoch and epoch - 1 not in origin.committees):
        return None
    verdict = verify(misbehaviour, origin.rules(epoch))
    if not verdict.holds:
        return None
    signatures: Literal["ed25519", "fast"] = "fast" if origin.scheme.name == "fast" else "ed25519"
    return EvidenceFile(
        culprit=misbehaviour.culprit,
        kind=misbehaviour.kind,
        proven=verdict.why,
        who_can_check=PRIVATE if signatures == "fast" else PUBLIC,
        signatures=signatures,
        chain=origin.chain,
        epoch=epoch,
        committee=origin.committees[epoch].members,
        committee_before=origin.committees[epoch - 1].members if epoch else (),
        window=origin.window,
        misbehaviour=misbehaviour,
    ).sealed()


def write_evidence(
    folder: Path, proofs: Mapping[tuple[str, str], Misbehaviour | None], origin: Origin
) -> tuple[MisbehaviourLine, ...]:
    """One file for each (culprit, kind), in the order given; makes ``evidence/`` in any case."""
    place = folder / EVIDENCE
    place.mkdir(exist_ok=True)
    lines = []
    for number, ((culprit, kind), proof) in enumerate(proofs.items(), start=1):
        content = None if proof is None else evidence_file(proof, origin)
        name = ""
        if content is not None:
            name = f"{number:02d}-{culprit}-{kind}.json"
            (place / name).write_bytes(_text(content))
        lines.append(
            MisbehaviourLine(node=culprit, kind=kind, evidence=f"{EVIDENCE}/{name}" if name else "")
        )
    return tuple(lines)


def write_found(folder: Path, found: Iterable[Misbehaviour], origin: Origin) -> tuple[Path, ...]:
    """Files of proofs that were found after the run; names of files that exist are used again."""
    place = folder / EVIDENCE
    place.mkdir(exist_ok=True)
    paths = []
    for number, proof in enumerate(found, start=1):
        content = evidence_file(proof, origin)
        assert content is not None, "what was found is proven"
        path = place / f"forensics-{number:02d}-{proof.culprit}-{proof.kind}.json"
        path.write_bytes(_text(content))
        paths.append(path)
    return tuple(paths)


def read_evidence(path: Path) -> EvidenceFile:
    """Reads a file of evidence, whole and unchanged. Raises ``Malformed``."""
    try:
        if path.stat().st_size > MAX_EVIDENCE_BYTES:
            raise Malformed(f"{path} is larger than {MAX_EVIDENCE_BYTES:,} bytes")
        text = path.read_bytes()
    except OSError as error:
        raise Malformed(f"can't read {path}: {error.strerror}") from None
    try:
        content = msgspec.json.decode(text, type=EvidenceFile)
        msgspec.msgpack.encode(content)  # numbers that no message can hold raise here
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as error:
        raise Malformed(f"{path} is no file of evidence: {error}") from None
    if content.sealed().sha256 != content.sha256:
        raise Malformed(f"{path} was changed: what it says doesn't match its sha256")
    if _text(content) != text:
        raise Malformed(f"{path} was changed: it isn't written as chainsim writes it")
    return content


def judge(content: EvidenceFile, scheme: Scheme) -> Verdict:
    """Whether the file's messages prove what it says, under the file's own keys."""
    what = content.misbehaviour
    if (what.culprit, what.kind) != (content.culprit, content.kind):
        return Verdict(False, "the file's headings name another culprit or kind than its proof")
    if what.first.epoch != content.epoch:
        return Verdict(False, f"the messages are not of epoch {content.epoch}")
    if not content.committee or bool(content.epoch) != bool(content.committee_before):
        return Verdict(False, "the file lacks the committee of the epoch, or of the one before")
    if not 0 < content.window <= MAX_WINDOW:
        return Verdict(False, f"no chain has a window of {content.window}")
    try:
        committee = Committee(content.epoch, content.committee)
        before = content.committee_before
        earlier = Committee(content.epoch - 1, before) if before else None
    except ValueError as error:
        return Verdict(False, f"the file's committee is none: {error}")
    rules = public_rules(content.chain, committee, earlier, content.window, scheme.verifier())
    verdict = verify(what, rules)
    if verdict.holds and verdict.why != content.proven:
        return Verdict(False, f"the file claims something else than it proves: {verdict.why}")
    return verdict


def _text(content: EvidenceFile) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"
