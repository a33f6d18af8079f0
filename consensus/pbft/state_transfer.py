"""State transfer: fetching a stable state instead of executing what led to it (rule 22).

Who lags by more than a window finds nobody who still has the blocks. It learns from W matching
CHECKPOINTs that there is a later state, or from Q of them (STATE-PROOF) that it is stable, and
fetches that state piece by piece, from several members at once. Each piece is checked against
what the digest commits to, by the ``StateStore``; who sent a wrong one isn't asked again. Once
all is there, and Q are held, the validator installs it in one step with reply table and epoch.
Meanwhile this replica votes on nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from consensus.checkpoint_state import CheckpointState
from consensus.effects import Install, TimerKey
from consensus.events import Installed
from consensus.messages import CertifiedState, Checkpoint, FetchState, Message, State
from consensus.pbft.answers import Answers
from consensus.pbft.core import Core
from consensus.types import Digest, NodeId, Sequence

TRANSFER: Final[TimerKey] = ("transfer",)
PIECES_PER_SOURCE: Final = 4
"""Pieces that are asked of one member at a time."""
MAX_PIECE_BYTES: Final = 1 << 20
"""A larger piece is refused unread."""
MAX_PATH: Final = 128
"""Characters; whoever asks for a longer path gets no answer."""
ANSWERS_PER_INTERVAL: Final = 1024
"""Pieces sent to one asker in half a status interval, each once."""
MANIFEST: Final = ""
"""The path of the ``CheckpointState`` itself."""


class Target(msgspec.Struct, frozen=True):
    """A state to fetch: ``state`` is what ``digest`` stands for, once known; ``proof`` the Q
    CHECKPOINTs that make it stable, empty as long as only W are held."""

    sequence: Sequence
    digest: Digest
    proof: tuple[Checkpoint, ...] = ()
    state: CheckpointState | None = None


class StateTransfer:
    """Knows what state this replica needs, whom it asked for what, and serves others."""

    def __init__(self, core: Core) -> None:
        self.core: Final = core
        self.target: Target | None = None
        """What is being fetched; None: nothing."""
        self.due = False
        """Whether ``proceed`` has something to do."""
        self._later: Target | None = None
        """A newer target, for when nobody has the pieces of this one any more."""
        self._asked: dict[str, dict[NodeId, int]] = {}
        """Per missing piece who was asked for it, and when; the last is the one waited for."""
        self._refused: dict[NodeId, None] = {}
        """Who sent a wrong piece."""
        self._without: dict[NodeId, None] = {}
        """Who said that it doesn't have this state."""
        self._fresh = False
        """Whether a piece came since the timer was armed."""
        self._turn = 0
        self._answers: Final = Answers(core.parameters.status_interval_us // 2)

    # -- what to fetch ------------------------------------------------------------------

    def is_far(self, sequence: Sequence) -> bool:
        """Whether ``sequence`` lies too far ahead to execute one's way there, or one's own state
        is of no use for that."""
        core = self.core
        if core.store is None:
            return False
        return core.suspect or sequence - core.executed > core.parameters.window

    def wanted(
        self,
        sequence: Sequence,
        digest: Digest,
        proof: tuple[Checkpoint, ...] = (),
        state: CheckpointState | None = None,
    ) -> None:
        """Others have this state: W said so, or, with ``proof``, Q; fetch it if it is far."""
        if not self.is_far(sequence):
            return
        found = Target(sequence, digest, proof, state)
        if self.target is None:
            self._aim(found)
        elif (sequence, digest) == (self.target.sequence, self.target.digest):
            self._learn(found)
        elif sequence > self.target.sequence:
            if self._later is None or sequence >= self._later.sequence:
                self._later = found
            self.due = True
        elif proof and not self.target.proof and self._later is None:
            self._later = found  # the target may never become stable

    def _aim(self, target: Target) -> None:
        """Start, or turn to another target; pieces that are the same in both are kept."""
        core = self.core
        if self.target is None:
            core.milestone(
                "state-transfer-started", core.view, target.sequence, target.digest, self._why()
            )
            core.set_timer(TRANSFER, core.parameters.status_interval_us)
        self.target, self._later = target, None
        self._asked.clear()
        self._without.clear()
        self._fresh = True
        self.due = core.transferring = True
        if target.state is not None and core.store is not None:
            core.store.aim(target.state)

    def _why(self) -> str:
        return f"executed {self.core.executed}"

    def _learn(self, found: Target) -> None:
        """More is known of the state that is being fetched."""
        assert self.target is not None
        known = self.target.state
        self.target = Target(
            found.sequence,
            found.digest,
            self.target.proof or found.proof,
            known or found.state,
        )
        if known is None and found.state is not None and self.core.store is not None:
            self._asked.pop(MANIFEST, None)
            self.core.store.aim(found.state)
        self.due = True

    # -- fetching -----------------------------------------------------------------------

    def proceed(self) -> None:
        """Ask for what is missing, or install what is complete."""
        self.due = False
        core = self.core
        if self.target is None or core.halted:
            return
        if self.target.sequence <= core.executed and not core.suspect:
            self._stop()
            return
        if any(True for _ in self._missing()):
            self._ask_missing()
        elif self.target.proof and self.target.state is not None and not core.normal.delivering:
            certified = CertifiedState(self.target.state, self.target.proof)
            epochs = core.configurations.until(certified.sequence)
            core.out.append(Install(certified, epochs))

    def _ask_missing(self) -> None:
        """Ask for all that wasn't asked for; if nobody has it, turn to a newer state."""
        self._ask([path for path in self._missing() if path not in self._asked])
        if not self._asked and self._later is not None:
            self._aim(self._later)
            self.due = False
            self._ask(list(self._missing()))

    def _missing(self) -> Iterable[str]:
        assert self.target is not None
        assert self.core.store is not None
        return (MANIFEST,) if self.target.state is None else self.core.store.missing()

    def _ask(self, paths: Iterable[str]) -> None:
        core = self.core
        assert self.target is not None
        for path in paths:
            source = self._source(path)
            if source is None:
                continue  # all are busy: answers make room
            self._asked.setdefault(path, {})
            self._asked[path].pop(source, None)
            self._asked[path][source] = core.now_us
            message = core.sign(
                FetchState(core.chain, core.committee.epoch, core.id, self.target.sequence, path)
            )
            assert message is not None
            core.send(source, message)

    def _source(self, path: str) -> NodeId | None:
        """Whom to ask for a piece: in turn, who isn't busy, and rather who wasn't asked yet."""
        members = self.core.configurations.newest.others(self.core.id)
        load = dict.fromkeys(members, 0)
        for asked in self._asked.values():
            latest = next(reversed(asked), "")
            if latest in load:
                load[latest] += 1
        before = self._asked.get(path, {})
        able = [
            source
            for source in members
            if source not in self._refused
            and source not in self._without
            and load[source] < PIECES_PER_SOURCE
        ]
        able = [source for source in able if source not in before] or able
        if not able:
            return None
        self._turn += 1
        return able[self._turn % len(able)]

    def on_state(self, message: State) -> None:
        """A piece that was asked for, or word that there is none."""
        target = self.target
        asked = self._asked.get(message.path)
        if target is None or message.sequence != target.sequence or asked is None:
            return
        if message.sender not in asked:
            return
        if len(message.piece) <= MAX_PIECE_BYTES and self._take(message.path, message.piece):
            self._asked.pop(message.path, None)
            self._fresh = True
        elif self._authentic(message):
            if message.piece:
                self._refuse(message)
            else:
                self._without[message.sender] = None
            self._ask_others(message.sender)
        self.due = True

    def _take(self, path: str, piece: bytes) -> bool:
        """Whether ``piece`` is what the target has at ``path``."""
        core, target = self.core, self.target
        assert core.store is not None
        assert target is not None
        if not piece:
            return False
        if path != MANIFEST:
            return core.store.add(path, piece)
        state = _decode_state(piece)
        if state is None or (state.sequence, state.digest) != (target.sequence, target.digest):
            return False
        if not state.names_committees:
            return False
        self._learn(Target(target.sequence, target.digest, (), state))
        return True

    def _refuse(self, message: State) -> None:
        self._refused[message.sender] = None
        cause = f'{message.sender} sent a wrong piece "{message.path}"'
        self.core.milestone("state-piece-refused", self.core.view, message.sequence, cause=cause)

    def _ask_others(self, source: NodeId) -> None:
        """Nothing good comes from ``source``: what it was asked for is asked of others, and if
        nobody is left, for a newer state."""
        waiting = [path for path, asked in self._asked.items() if next(reversed(asked)) == source]
        for path in waiting:
            self._asked[path].pop(source)
            if not self._asked[path]:
                del self._asked[path]
        self._ask(waiting)

    def _authentic(self, message: Message) -> bool:
        """Whether the member that a message names signed it, in whichever epoch."""
        core = self.core
        committee = core.configurations.of_epoch(message.epoch)
        return (
            committee is not None
            and message.sender in committee
            and core.authentic_of(committee)(message)
        )

    def timer_fired(self) -> None:
        """Ask somebody else for what doesn't come; turn to a newer state if nothing does."""
        core = self.core
        if self.target is None:
            return
        core.set_timer(TRANSFER, core.parameters.status_interval_us)
        newest = core.configurations.newest
        left = [
            source
            for source in newest.others(core.id)
            if source not in self._refused and source not in self._without
        ]
        # No more than f are left that may have it: all of them may only pretend to hurry.
        lone = len(left) < newest.weak_quorum
        if not left:
            self._refused.clear()  # more liars than the model has: none is worse than another
            self._without.clear()
        if self._later is not None and (lone or not self._fresh):
            self._aim(self._later)
        else:
            since = core.now_us - core.parameters.status_interval_us
            overdue = [
                path for path, asked in self._asked.items() if asked[next(reversed(asked))] <= since
            ]
            self._ask(overdue)
        self._fresh = False
        self.due = True

    # -- the end --------------------------------------------------------------------------

    def _stop(self) -> None:
        """Nothing is needed any more."""
        core = self.core
        self.target = self._later = None
        self._asked.clear()
        self._refused.clear()
        self._without.clear()
        core.transferring = False
        core.checkpoints.sign_missing()
        core.cancel_timer(TRANSFER)
        core.normal.vote_again()
        core.timeouts.jumped()

    def on_installed(self, event: Installed) -> None:
        """The validator holds the state now: go on from there, in its epoch."""
        core, certified = self.core, event.certified
        before, core.executed = core.executed, certified.sequence
        core.milestone(
            "state-transferred",
            core.view,
            certified.sequence,
            certified.state.digest,
            f"from {before}",
        )
        core.transferring = core.suspect = False
        core.pool.drop_stale()
        core.normal.jumped()
        core.membership.jumped(certified)
        core.checkpoints.installed(certified)
        core.timeouts.jumped()
        self._stop()
        core.normal.deliver_next()
        core.proposer.propose_soon()

    # -- serving others -------------------------------------------------------------------

    def on_fetch_state(self, message: FetchState) -> None:
        """Answer with the piece, or say that there is none; so many per interval and asker."""
        core = self.core
        if core.store is None or len(message.path) > MAX_PATH or not self._may_answer(message):
            return
        piece = core.store.piece(message.sequence, message.path) or b""
        answer = core.sign(
            State(
                core.chain,
                core.committee.epoch,
                core.id,
                message.sequence,
                message.path,
                piece,
            )
        )
        assert answer is not None
        core.send(message.sender, answer)

    def _may_answer(self, message: FetchState) -> bool:
        core = self.core
        asker = message.sender if message.signature else f"{message.sender} (unsigned)"
        what = (message.sequence, message.path)
        return core.membership.may_ask(message) and self._answers.allow(
            asker, what, core.now_us, ANSWERS_PER_INTERVAL
        )


_STATES: Final = msgspec.msgpack.Decoder(CheckpointState)


def _decode_state(data: bytes) -> CheckpointState | None:
    try:
        return _STATES.decode(data)
    except (ValueError, OverflowError, RecursionError):
        return None
