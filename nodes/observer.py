"""A light observer: follows a chain without executing it, and believes nothing that isn't proven
(PBFT rule 29).

It starts from the committee of genesis, or from a checkpoint that somebody it trusts handed it,
unless that is too old: keys of long ago may be in anybody's hands. From there STATE-PROOFs lead
it from committee to committee to the newest stable checkpoint; that names a header, whose hashes
lead back to the last one that it believed, and whose roots prove receipts and balances. COMMITs
mean nothing to it: they prove an order and no results.

It asks one validator at a time. What is right proves itself, so one honest validator is enough;
who signed something wrong is a liar, and isn't asked again while there are others. Who doesn't
answer is passed over. ``observer_round`` holds what is gathered.

    resting ── poll ──> committees ── a newer checkpoint ──> headers ──> balances ──> receipts
       ^                    │ no news                           │ nobody has them         │
       └────────────────────┴───────────────────────────────────┴─────────────────────────┘
    any ── two certified histories, or too old a checkpoint ──> stopped
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from consensus.configurations import Configurations
from consensus.crypto import Verifier
from consensus.effects import CancelTimer, Compute, Effect, Milestone, Send, SetTimer, TimerKey
from consensus.errors import ConfigurationError
from consensus.events import Boot, Event, Receive, TimerFired
from consensus.messages import (
    BalanceProof,
    CertifiedState,
    FetchBalance,
    FetchHeaders,
    FetchProof,
    FetchReceipts,
    Headers,
    Message,
    ReceiptProof,
    StateProof,
)
from consensus.types import Committee, NodeId, Sequence
from nodes.block import Header
from nodes.effects import BalanceProven, BlocksProven, ReceiptProven
from nodes.observer_round import Anchor, Round

POLL: Final[TimerKey] = ("poll",)
"""Time to ask for news."""
ANSWER: Final[TimerKey] = ("answer",)
"""An answer is overdue."""
MAX_AGE_US: Final = 14 * 86_400_000_000
"""Two weeks: how old a trusted checkpoint may be, if nobody says otherwise."""
MAX_ASSETS: Final = 64
"""Assets whose balances are followed."""
MAX_STATES: Final = 128
"""States that are read of one STATE-PROOF."""


class Phase(Enum):
    """What a light observer waits for."""

    RESTING = "the next poll"
    COMMITTEES = "a state proof"
    HEADERS = "headers"
    BALANCES = "a balance"
    RECEIPTS = "receipts"
    STOPPED = "nothing any more"


NEXT: Final[dict[Phase, Phase]] = {
    Phase.COMMITTEES: Phase.HEADERS,
    Phase.HEADERS: Phase.BALANCES,
    Phase.BALANCES: Phase.RECEIPTS,
    Phase.RECEIPTS: Phase.RESTING,
}
"""What follows when a phase has all that it wanted."""


class TrustedCheckpoint(msgspec.Struct, frozen=True):
    """A stable checkpoint that the operator vouches for, and the header that it names."""

    certified: CertifiedState
    header: Header


class Observer:
    """Implements ``nodes.node.Node`` for whoever watches a chain without keeping it.

    ``watch`` are accounts (or parties) whose receipts and balances it has proven; ``assets`` those
    that it asks for from the beginning, others are added as receipts name them. It asks every
    ``poll_us``, and gives a validator ``answer_us``; both, and ``max_age_us``, in local clock.
    """

    def __init__(
        self,
        id: NodeId,  # noqa: A002
        chain: bytes,
        committee: Committee,
        verifier: Verifier,
        *,
        watch: tuple[str, ...] = (),
        assets: tuple[str, ...] = ("PKR",),
        poll_us: int = 1_000_000,
        answer_us: int = 1_000_000,
        trusted: TrustedCheckpoint | None = None,
        max_age_us: int = MAX_AGE_US,
    ) -> None:
        """``committee`` is that of genesis; with ``trusted`` it is not used.

        Raises ``ConfigurationError`` if the trusted checkpoint doesn't name its header.
        """
        self.id: Final = id
        self.phase = Phase.RESTING
        self.stopped = ""
        """Why it goes no further; empty while it does."""
        self._chain: Final = chain
        self._verify: Final = verifier.verify
        self._watch: Final = watch
        self._assets: Final = list(assets)
        self._poll_us: Final = poll_us
        self._answer_us: Final = answer_us
        self._max_age_us: Final = max_age_us
        self._anchor = Anchor(0, chain, None)
        if trusted is not None:
            state, header = trusted.certified.state, trusted.header
            if (header.height, header.hash) != (state.sequence, state.header_hash):
                raise ConfigurationError("the trusted checkpoint is of another header")
            self._anchor = Anchor(header.height, header.hash, header.time_us)
            committee = state.committee
        self._configurations: Final = Configurations(committee, chain, verifier)
        self._round: Round | None = None
        self._question: Message | None = None
        self._asked: NodeId = ""
        self._turn = 0
        """Whose turn it is, by place in the committee: round robin, past liars."""
        self._tries = 0
        """Validators that had no good answer to the question at hand."""
        self._liars: dict[NodeId, None] = {}
        self._now_us = 0
        self._out: list[Effect] = []
        self._verifications = 0

    @property
    def committee(self) -> Committee:
        """The newest that was proven."""
        return self._configurations.newest

    @property
    def height(self) -> Sequence:
        """Of the newest block that it believes; all that is asked of it is proven up to there."""
        return self._anchor.height

    @property
    def liars(self) -> tuple[NodeId, ...]:
        """Validators of this committee that signed something wrong."""
        return tuple(self._liars)

    def waits_for(self) -> str:
        """What is missing, in words."""
        if self.stopped:
            return self.stopped
        return f"{self.phase.value}{f' from {self._asked}' if self._question else ''}"

    def handle(self, event: Event) -> list[Effect]:
        """Boot, Receive or TimerFired in; effects out, in order."""
        self._out = []
        self._verifications = 0
        self._now_us = event.now_us
        if self.phase is not Phase.STOPPED:
            match event:
                case Boot():
                    self._rest()
                case TimerFired(key=key) if key == POLL and self.phase is Phase.RESTING:
                    self._poll()
                case TimerFired(key=key) if key == ANSWER and self._question is not None:
                    self._pass_over()
                case Receive(message=message):
                    self._receive(message)
        if self._verifications:
            self._out.append(Compute(verifications=self._verifications))
        return self._out

    # -- asking ----------------------------------------------------------------------------

    def _poll(self) -> None:
        self._turn += 1
        self._tries = 0
        self.phase = Phase.COMMITTEES
        self._ask()

    def _rest(self) -> None:
        """Until the next poll; what was gathered and isn't complete is forgotten."""
        self.phase, self._round, self._question = Phase.RESTING, None, None
        if self._is_too_old():
            self._stop("the last checkpoint that it trusts is too old to follow from")
        else:
            self._out.append(SetTimer(POLL, self._poll_us))

    def _is_too_old(self) -> bool:
        """Rule 29. Genesis has no age: it is what the chain is."""
        made_us = self._anchor.time_us
        return made_us is not None and self._now_us - made_us > self._max_age_us

    def _stop(self, why: str) -> None:
        self.phase, self._round, self._question = Phase.STOPPED, None, None
        self.stopped = why
        height, hash_ = self._anchor.height, self._anchor.hash
        self._out.append(Milestone("observer-stopped", 0, height, hash_, why))

    def _ask(self) -> None:
        """Put the question of this phase to the validator whose turn it is."""
        ids = self.committee.ids
        self._turn %= len(ids)
        ring = (*ids[self._turn :], *ids[: self._turn])
        self._asked = next((id_ for id_ in ring if id_ not in self._liars), ring[0])
        self._turn = ids.index(self._asked)
        self._question = self._question_now()
        self._out.append(Send(self._asked, self._question))
        self._out.append(SetTimer(ANSWER, self._answer_us))

    def _question_now(self) -> Message:
        head = (self._chain, self.committee.epoch, self.id)
        round_ = self._round
        if round_ is None:
            return FetchProof(*head, self.id)
        last = round_.target.sequence
        if self.phase is Phase.HEADERS:
            return FetchHeaders(*head, round_.first, round_.top)
        if self.phase is Phase.BALANCES:
            return FetchBalance(*head, last, *round_.wanted[0])
        return FetchReceipts(*head, round_.from_block, last, round_.unread[0])

    def _answered(self) -> None:
        self._question = None
        self._tries = 0
        self._out.append(CancelTimer(ANSWER))

    def _pass_over(self) -> None:
        """No good answer from this one: the next validator is asked, until all were."""
        self._question = None
        self._turn += 1
        self._tries += 1
        if self._tries < self.committee.n:
            self._ask()
            return
        self._tries = 0
        round_ = self._round
        if self.phase is Phase.HEADERS and round_ is not None and round_.headers:
            round_.lowest = round_.top + 1  # nobody has those below any more
            self._go_on()
        elif self.phase is Phase.BALANCES and round_ is not None:
            round_.wanted.clear()  # the checkpoint is past, and its balances gone with it
            self._go_on()
        else:
            self._rest()

    def _wrong(self, answer: Message, why: str) -> None:
        """Whoever signed this lies; what nobody signed may be anybody's, and means nothing."""
        if not self._is_signed(answer):
            return
        self._liars[answer.sender] = None
        sequence = answer.slot()[1]
        cause = f"{answer.sender} sent {why}"
        self._out.append(Milestone("liar-caught", 0, sequence, answer.digest_bytes, cause))
        self._out.append(CancelTimer(ANSWER))
        self._pass_over()

    def _is_signed(self, message: Message) -> bool:
        """Whether the one that was asked signed it, in whatever epoch it is by now."""
        keys = [self.committee.public_key(message.sender)]
        then = self._configurations.of_epoch(message.epoch)
        if then is not None and message.sender in then:
            keys.append(then.public_key(message.sender))
        for key in dict.fromkeys(keys):
            self._verifications += 1
            if self._verify(key, message.signing_bytes, message.signature):  # type: ignore[attr-defined]
                return True
        return False

    def _declined(self, answer: Message) -> None:
        """It doesn't have that; the next one is asked at once, if it says so itself."""
        if self._is_signed(answer):
            self._out.append(CancelTimer(ANSWER))
            self._pass_over()

    # -- answers ---------------------------------------------------------------------------

    def _receive(self, message: Message) -> None:
        """Only the answer to the question at hand counts, from whom it was put to."""
        question = self._question
        if question is None or message.sender != self._asked or message.chain != self._chain:
            return
        round_ = self._round
        if isinstance(message, StateProof):
            if isinstance(question, FetchProof):
                self._on_state_proof(message)
        elif round_ is None:
            return
        elif isinstance(message, Headers):
            if isinstance(question, FetchHeaders) and message.last == question.last:
                self._on_headers(message, round_)
        elif isinstance(message, BalanceProof):
            asked = (message.sequence, message.account, message.asset)
            if isinstance(question, FetchBalance) and asked == question.body():
                self._on_balance(message, round_)
        elif isinstance(message, ReceiptProof) and isinstance(question, FetchReceipts):
            self._on_receipts(message, question, round_)

    def _on_state_proof(self, proof: StateProof) -> None:
        """Follow the committees that a quorum of each one before proves."""
        newest: CertifiedState | None = None
        for certified in proof.states[:MAX_STATES]:
            if certified.sequence <= self._anchor.height:
                continue
            committee = self._configurations.at(certified.sequence)
            if any(vote.epoch > committee.epoch for vote in certified.proof):
                break  # of a committee that isn't proven here yet
            if not self._is_certified(certified, committee):
                self._wrong(proof, "a state that no quorum of its epoch signed")
                return
            if self._configurations.learn(certified):
                self._follow(certified)
            newest = certified
        self._answered()
        if newest is None:
            self._rest()
            return
        self._round = Round(self._anchor, newest, self._watch, self._assets)
        self.phase = NEXT[self.phase]
        self._go_on()

    def _is_certified(self, certified: CertifiedState, committee: Committee) -> bool:
        if len(certified.proof) > committee.n:
            return False
        self._verifications += len(certified.proof)
        return self._configurations.is_valid(certified)

    def _follow(self, certified: CertifiedState) -> None:
        state = certified.state
        self._liars.clear()  # who is in the new committee has another word
        cause = f"epoch {state.epoch}: {', '.join(state.committee.ids)}"
        event = "committee-followed"
        self._out.append(Milestone(event, 0, state.sequence, state.digest, cause))

    def _on_headers(self, answer: Headers, round_: Round) -> None:
        if answer.headers:
            self._judge(answer, round_.add_headers(answer))
        else:
            self._declined(answer)

    def _on_balance(self, answer: BalanceProof, round_: Round) -> None:
        if answer.levels or answer.value or answer.neighbour or round_.is_empty:
            self._judge(answer, round_.add_balance(answer))
        else:
            self._declined(answer)

    def _on_receipts(self, answer: ReceiptProof, question: FetchReceipts, round_: Round) -> None:
        """That nothing is left out isn't proven by the answer itself: it takes somebody's word."""
        if (answer.first, answer.subject) != (round_.from_block, question.subject):
            return
        if answer.through < answer.first:
            self._declined(answer)
            return
        if answer.through > question.last or not self._is_signed(answer):
            return
        readers = {*round_.readers, answer.sender}
        why = round_.add_receipts(answer)
        if why and len(readers) > 1 and not round_.readers:
            # Something is left out, and two have told parts of it: either may be the one.
            self._out.append(CancelTimer(ANSWER))
            self._pass_over()
        else:
            self._judge(answer, why)

    def _judge(self, answer: Message, why: str) -> None:
        if why:
            self._wrong(answer, why)
        else:
            self._answered()
            self._go_on()

    # -- a round ---------------------------------------------------------------------------

    def _go_on(self) -> None:
        """Ask for the next thing that is missing, or end the round."""
        round_ = self._round
        assert round_ is not None
        if round_.contradicts:
            self._stop("two histories are certified: more than f validators are hostile")
            return
        missing = {
            Phase.HEADERS: lambda: round_.top >= round_.lowest,
            Phase.BALANCES: lambda: bool(round_.wanted),
            Phase.RECEIPTS: lambda: bool(round_.unread),
        }
        while self.phase is not Phase.RESTING and not missing[self.phase]():
            self.phase = NEXT[self.phase]
        if self.phase is Phase.RESTING:
            self._believe(round_)
            self._rest()
        else:
            self._ask()

    def _believe(self, round_: Round) -> None:
        """All of it is proven."""
        self._out.append(BlocksProven(round_.tip, len(round_.headers), round_.skipped))
        for subject, receipts in round_.receipts.items():
            self._out.extend(ReceiptProven(subject, receipt) for receipt in receipts)
        height = round_.target.sequence
        for (account, asset), balance in round_.balances.items():
            self._out.append(BalanceProven(height, account, asset, balance))
        self._anchor = round_.end()
        new = [asset for asset in round_.assets() if asset not in self._assets]
        self._assets.extend(new[: MAX_ASSETS - len(self._assets)])
