"""What is known of a run: sets of facts, and questions about them that change nothing.

Numbers, names and digests only. Everything here is written from the rules of PBFT alone; nothing
of ``consensus/`` is imported, not even its arithmetic of quorums: what is wrong there must not be
wrong here too.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Final, NamedTuple

Statement = tuple[str, int, int, int, bytes]
"""(kind, epoch, view, sequence, digest): what a vote or a proposal says."""

Vote = tuple[str, Statement, bytes]
"""(signer, what it says, its signature): nobody looks into that, but nobody can make another's."""

PROPOSAL: Final = "pre-prepare"
PREPARE: Final = "prepare"
COMMIT: Final = "commit"
CHECKPOINT: Final = "checkpoint"
VIEW_CHANGE: Final = "view-change"
NEW_VIEW: Final = "new-view"


def quorum(n: int) -> int:
    """Q = ceil((n + f + 1) / 2), f = floor((n - 1) / 3) (rule 1)."""
    f = (n - 1) // 3
    return -(-(n + f + 1) // 2)


def weak_quorum(n: int) -> int:
    """W = f + 1 (rule 1)."""
    return (n - 1) // 3 + 1


class Certificate(NamedTuple):
    """An entry of P: a proposal, and who is said to have prepared it (rule 13)."""

    view: int
    sequence: int
    digest: bytes
    proposer: str
    votes: tuple[tuple[str, Statement], ...]


class ViewChange(NamedTuple):
    """What a VIEW-CHANGE says; ``name`` is its digest, by which a NEW-VIEW names it."""

    sender: str
    name: bytes
    epoch: int
    view: int
    stable: int
    proof: tuple[tuple[str, int, bytes], ...]
    """C: (signer, sequence, digest)."""
    prepared: tuple[Certificate, ...]


class NewView(NamedTuple):
    """What a NEW-VIEW says."""

    sender: str
    name: bytes
    epoch: int
    view: int
    named: tuple[tuple[str, bytes], ...]
    """V: (sender, name)."""
    proposals: tuple[tuple[str, int, int, bytes], ...]
    """O: (proposer, view, sequence, digest)."""


class Era(NamedTuple):
    """One epoch: its members in proposer order, and the sequence numbers that it decides."""

    epoch: int
    first: int
    members: tuple[str, ...]

    @property
    def quorum(self) -> int:
        return quorum(len(self.members))

    @property
    def weak_quorum(self) -> int:
        return weak_quorum(len(self.members))

    def primary(self, view: int) -> str:
        """p(v) = v mod n."""
        return self.members[view % len(self.members)]


class Validator:
    """One honest validator: what it did, what it said and what reached it.

    What it remembers of itself may be lost in a crash; what others saw of it is not. So ``place``,
    ``executed`` and ``stable`` are unknown (None) after a restart until it shows them again.
    """

    def __init__(self, name: str) -> None:
        self.name: Final = name
        self.place: tuple[int, int, bool] | None = (0, 0, True)
        """(epoch, view, active)."""
        self.entered: set[tuple[int, int]] = {(0, 0)}
        """(epoch, view) that it was ever in."""
        self.left: tuple[int, int] = (0, 0)
        """Highest (epoch, view) of a VIEW-CHANGE of its own that went out."""
        self.stable: int | None = 0
        self.stable_most = 0
        self.executed: int | None = 0
        self.executed_most = 0
        self.accepted: dict[tuple[int, int, int], bytes] = {}
        """(epoch, view, sequence) -> digest."""
        self.said: dict[tuple[str, int, int, int], bytes] = {}
        """(kind, epoch, view, sequence) -> digest: what it may not contradict (rule 24)."""
        self.committed_out: dict[int, tuple[int, int, bytes]] = {}
        """Sequence -> (epoch, view, digest) of the highest COMMIT that went out."""
        self.heard: dict[Statement, set[str]] = {}
        """Who told it what; of honest ones only what they stood behind."""
        self.view_changes: dict[tuple[str, bytes], ViewChange] = {}
        self.early: list[ViewChange] = []
        """VIEW-CHANGEs of epochs that nobody honest had reached when they arrived."""
        self.wanted: dict[int, dict[str, int]] = {}
        """Epoch -> signer -> the highest view that it heard this one wants."""
        self.new_views: dict[tuple[int, int], dict[bytes, NewView]] = {}
        self.timer = False
        """A timer of its own ran out since it last left a view."""
        self.vouched: set[int] = set()
        """Sequences that it executed itself: its own CHECKPOINT there counts."""
        self.booted = False
        self.stopped = False
        """It follows without acting, or takes over a state: nothing is owed."""
        self.owes: dict[Hashable, tuple[int, int]] = {}
        """What it was asked for -> (since when, how often)."""
        self.resuming = False
        """It started again, and has said nothing since but votes for what its disk holds: it may
        still be on its way into the view whose NEW-VIEW lies there too (rule 23)."""
        self.prescribed: dict[tuple[int, int], list[dict[int, frozenset[bytes]]]] = {}
        """(epoch, view) -> what O may say at which sequence, for each valid NEW-VIEW that reached
        it: an honest primary makes one (rule 14)."""

    def restarted(self) -> None:
        """Up again: what it still knows shows in what it does, and what it never said it may
        have forgotten."""
        if not self.booted:
            self.booted = True
            return
        self.place = self.stable = self.executed = None
        self.owes.clear()
        self.accepted.clear()
        self.timer = False
        self.resuming = True


class Facts:
    """All that is known of one run so far."""

    def __init__(
        self,
        members: Iterable[str],
        honest: Iterable[str],
        interval: int,
        window: int,
        null: bytes,
    ) -> None:
        """``interval`` is K, ``window`` L, ``null`` the digest of the null batch (rule 3)."""
        self.interval: Final = interval
        self.window: Final = window
        self.null: Final = null
        self.validators: Final = {name: Validator(name) for name in honest}
        self.meant: Final[dict[str, set[Statement]]] = {name: set() for name in self.validators}
        """Honest signer -> what its own steps entitle it to say."""
        self.eras: Final = [Era(0, 1, tuple(members))]
        hostile = sum(name not in self.validators for name in self.eras[0].members)
        self.overrun: Final = hostile >= self.eras[0].weak_quorum
        """More are hostile than the protocol stands: honest chains may part (rule 34)."""
        self.scheduled: int | None = None
        """B of the change that is ordered (rule 27)."""
        self.results: Final[dict[tuple[bytes, bytes], tuple[bytes, bytes, bytes]]] = {}
        """(parent hash, batch digest) -> (header hash, state root, reply root)."""
        self.states: Final[dict[bytes, tuple[bytes, bytes]]] = {}
        """Header hash -> (state root, reply root)."""
        self.checkpoints: Final[dict[int, bytes]] = {}
        """Sequence -> the digest that honest validators sign there."""
        self.effective: Final[dict[tuple[str, int], tuple[int, int]]] = {}
        """(client, number) -> (sequence, index) where the request took effect."""
        self.ordered: Final[dict[tuple[str, int], int]] = {}
        """(client, number) -> the sequence at which it was executed first, whatever came of it."""
        self.sent: Final[dict[tuple[str, Statement], set[bytes]]] = {}
        """(honest signer, COMMIT) -> the signatures under which it went out."""
        self.submitted: Final[set[bytes]] = set()
        self.replies: Final[dict[tuple[str, int, bytes], set[str]]] = {}
        """(client node, number, result) -> who answered so."""

    def era_at(self, sequence: int) -> Era:
        """Whose members decide ``sequence`` (rule 27)."""
        for era in reversed(self.eras):
            if sequence >= era.first:
                return era
        return self.eras[0]

    def era(self, epoch: int) -> Era | None:
        """The epoch by its number, if anybody honest has reached its beginning."""
        return self.eras[epoch] if 0 <= epoch < len(self.eras) else None

    def real(self, signer: str, statement: Statement) -> bool:
        """Whether ``signer`` may have said so: a hostile one whatever, an honest one what its own
        steps led it to. Signatures can't be forged, so nothing else may be believed (rule 2)."""
        meant = self.meant.get(signer)
        return meant is None or statement in meant

    def certifiers(
        self, node: Validator, votes: Iterable[Vote], statement: Statement, era: Era
    ) -> set[str]:
        """Distinct members of whom ``votes`` hold that very COMMIT: what an honest one is said to
        have said it has sent so, to the letter. (One's own may not have gone out yet.)"""

        def is_real(signer: str, signature: bytes) -> bool:
            if signer not in self.validators or signer == node.name:
                return True
            return signature in self.sent.get((signer, statement), ())

        return {
            signer
            for signer, said, signature in votes
            if said == statement
            and signer in era.members
            and self.real(signer, statement)
            and is_real(signer, signature)
        }

    def backers(self, validator: Validator, statement: Statement) -> set[str]:
        """Distinct members whose statement reached ``validator``, itself included (rule 2)."""
        era = self.era(statement[1])
        if era is None:
            return set()
        backers = {name for name in validator.heard.get(statement, ()) if name in era.members}
        if statement in self.meant[validator.name] and validator.name in era.members:
            backers.add(validator.name)
        return backers
