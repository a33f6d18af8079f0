"""Chain integrity: blocks link up, their roots are those of what they hold, and a quorum signed.

Each validator's chain is followed from its first block (again after a restart), or from the block
whose state it took over: from there on heights are contiguous, each header names the hash of the
one before, its roots are recomputed from batch and receipts, its time follows rule 8 (it never
falls, and is no further ahead than honest clocks let pass), and its commit certificate holds Q
valid COMMITs of distinct members of the committee.
"""

from __future__ import annotations

from chainsim.checks.base import Check, short
from chainsim.checks.context import CheckContext
from chainsim.checks.epochs import Epochs
from chainsim.trace import Executed, Installed, NodeChanged, Record
from consensus.messages import CommitCertificate
from consensus.types import Digest, NodeId, Sequence
from nodes.block import Block, Header
from nodes.merkle import root as merkle_root


class ChainIntegrity(Check):
    """Hash links, contiguous heights, recomputed roots, verified certificates."""

    name = "chain-integrity"
    subscribes = (Executed, Installed, NodeChanged)

    def __init__(self, context: CheckContext) -> None:
        super().__init__(context)
        self._epochs = Epochs(context.committee)
        self._tips: dict[NodeId, Header] = {}
        self._sound: set[Digest] = set()
        """Header hashes whose block's contents were recomputed and agree."""
        self._height: Sequence = 0
        self._certificates = 0

    def on_record(self, record: Record) -> None:
        if record.node not in self.context.honest:
            return
        if type(record) is NodeChanged:
            if record.state == "up":
                self._tips.pop(record.node, None)  # it reads its chain from disk, from the start
        elif type(record) is Installed and record.header is not None:
            self._on_installed(record, record.header)
        elif type(record) is Executed and record.block is not None:
            problem = self._problem(record, record.block)
            self._tips[record.node] = record.block.header
            if not problem:
                self._epochs.learn(record.block)
            self._height = max(self._height, record.sequence)
            if problem:
                self.fail(record.at_us, record.node, record.sequence, problem)

    def _on_installed(self, record: Installed, header: Header) -> None:
        """A state that was taken over goes forward, and is the one that its header names."""
        before = self._tips.get(record.node)
        self._tips[record.node] = header
        problem = ""
        if (header.height, header.hash) != (record.sequence, record.header_hash):
            problem = f"its header is {header.height} {short(header.hash)}, not what it reports"
        elif header.state_root != record.state_root:
            held = short(record.state_root)
            problem = f"took over a state {held} under a header for {short(header.state_root)}"
        elif before is not None and before.height >= header.height:
            problem = f"went back from height {before.height} to a state of others"
        if problem:
            self.fail(record.at_us, record.node, record.sequence, problem)

    def _problem(self, record: Executed, block: Block) -> str:
        header = block.header
        if header.height != record.sequence or header.hash != record.header_hash:
            return f"its block is {header.height} {short(header.hash)}, not what it reports"
        return (
            self._link_problem(self._tips.get(record.node), header, block)
            or self._date_problem(record, header)
            or self._content_problem(block)
            or self._certificate_problem(header, block.certificate)
        )

    def _link_problem(self, parent: Header | None, header: Header, block: Block) -> str:
        height, parent_hash, time_us = 0, self.context.chain, 0
        if parent is not None:
            height, parent_hash, time_us = parent.height, parent.hash, parent.time_us
        if header.height != height + 1:
            return f"executed height {header.height} after {height}"
        if header.parent != parent_hash:
            return f"names parent {short(header.parent)}, the block before is {short(parent_hash)}"
        proposed_us = block.batch.time_us if block.batch.requests else time_us
        if header.time_us != max(time_us, proposed_us):
            return f"block time {header.time_us}, not the later of {time_us} and {proposed_us}"
        return ""

    def _date_problem(self, record: Executed, header: Header) -> str:
        """Rule 8: honest clocks are at most the drift bound ahead, and let pass that much more."""
        latest_us = record.at_us + 2 * self.context.parameters.clock_drift_us
        if header.time_us <= latest_us:
            return ""
        return f"block time {header.time_us} while it is {record.at_us}: later than any may be"

    def _content_problem(self, block: Block) -> str:
        header, requests, receipts = block.header, block.batch.requests, block.receipts
        if header.hash in self._sound:
            return ""
        if block.batch.digest != header.batch_digest:
            return f"batch {short(block.batch.digest)} under digest {short(header.batch_digest)}"
        asked = [(r.sender, r.number, header.height, i) for i, r in enumerate(requests)]
        if asked != [(r.client, r.number, r.height, r.index) for r in receipts]:
            return f"{len(receipts)} receipts don't answer its {len(requests)} requests in order"
        if merkle_root([request.digest for request in requests]) != header.transactions_root:
            return "the transactions root isn't that of its requests"
        leaves = [receipt.digest for receipt in receipts + block.system_receipts]
        if merkle_root(leaves) != header.receipts_root:
            return "the receipts root isn't that of its receipts"
        self._sound.add(header.hash)
        return ""

    def _certificate_problem(self, header: Header, certificate: CommitCertificate) -> str:
        committee = self._epochs.at(header.height)
        if header.epoch != committee.epoch:
            return f"is of epoch {header.epoch}, but epoch {committee.epoch} decides that height"
        if (certificate.sequence, certificate.digest) != (header.height, header.batch_digest):
            return f"its certificate is for {certificate.sequence} {short(certificate.digest)}"
        wanted = (self.context.chain, certificate.epoch, certificate.view, header.height)
        signers = set()
        for commit in certificate.commits:
            if (
                (commit.chain, commit.epoch, commit.view, commit.sequence) == wanted
                and commit.digest == header.batch_digest
                and commit.epoch == committee.epoch
                and commit.sender in committee
                and self.context.verifier.verify(
                    committee.public_key(commit.sender), commit.signing_bytes, commit.signature
                )
            ):
                signers.add(commit.sender)
        self._certificates += 1
        if len(signers) < committee.quorum:
            return (
                f"its certificate holds {len(signers)} valid COMMITs of distinct validators, "
                f"{committee.quorum} are needed"
            )
        return ""

    def held(self) -> str:
        return f"{self._height} blocks link up; {self._certificates} certificates verify"
