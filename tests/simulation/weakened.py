"""Protocols without one of their defences, beside the planted bugs of ``tests/mutants``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import msgspec

import consensus.types
from chainsim.explore.planting import swapped
from consensus.messages import Batch, PrePrepare, Request
from consensus.pbft import membership, view_change
from consensus.pbft.normal_case import NormalCase
from consensus.pbft.timeouts import Timeouts
from nodes.chain import Chain
from nodes.ledger import allotment, auction_outcome, execution
from nodes.ledger.replies import ReplyScope, Window
from nodes.responder import Responder
from nodes.validator import Validator

Patch = AbstractContextManager[None]


def everybody_must_vote() -> Patch:
    """Q = n."""
    return swapped((consensus.types, "quorum_size", lambda n: n))


def proofs_unchecked() -> Patch:
    """A VIEW-CHANGE is believed if its sender signed it."""
    return swapped(
        (
            view_change,
            "view_change_is_valid",
            lambda message, _c, _w, authentic, *_: authentic(message),
        )
    )


@contextmanager
def no_filter_of_repeats() -> Iterator[None]:
    """A request that comes again is ordered and executed again."""
    with swapped(
        (ReplyScope, "is_stale", lambda self, party, number: False),
        (Responder, "_answer_again", lambda self, request, now_us: None),
        (Validator, "_acceptable", lambda self, request: True),
    ):
        yield


def digest_believed() -> Patch:
    """Whatever comes under a digest is the batch that it names (rule 3)."""

    def on_pre_prepare(self: NormalCase, message: PrePrepare) -> None:
        if message.batch is not None:
            batch = Batch(message.batch.time_us, message.batch.requests)
            batch.__dict__["digest"] = message.digest
            message = message.with_batch(batch)
        original(self, message)

    original = NormalCase.on_pre_prepare
    return swapped((NormalCase, "on_pre_prepare", on_pre_prepare))


def one_deadline_for_all() -> Patch:
    """Whoever's request executes, everybody's deadline begins anew (rule 18)."""

    def executed(self: Timeouts, batch: Batch, fresh: bool) -> None:
        original(self, batch, fresh)
        due = self.core.now_us + self.request_timeout_us
        self._deadlines = {client: (number, due) for client, (number, _) in self._deadlines.items()}

    original = Timeouts.executed
    return swapped((Timeouts, "executed", executed))


def no_window() -> Patch:
    """A client's numbers execute in rising order only (rule 30)."""

    def is_stale(self: Window, number: int, width: int) -> bool:
        return number <= self.highest

    return swapped((Window, "is_stale", is_stale))


def time_may_fall() -> Patch:
    """A block's time is what was proposed, whatever its parent's (rule 8)."""
    return swapped((Chain, "tip_time_us", property(lambda self: 0)))


def clock_not_asked() -> Patch:
    """A proposal may be dated as one likes (rule 8)."""
    return swapped((NormalCase, "_is_ahead_of_clock", lambda self, batch: False))


def own_key_will_do() -> Patch:
    """What verifies under the key in its envelope is its sender's (rule 3 alone)."""

    def opened(block: Any, replies: Any, request: Request, transaction: Any) -> Any:
        party = block.get(("party", request.sender))
        if party is not None:
            request = msgspec.structs.replace(request, public_key=party.public_key)
        return original(block, replies, request, transaction)

    original = execution._open_envelope
    return swapped((execution, "_open_envelope", opened))


def first_come_first_served() -> Patch:
    """Where prices tie, who came first gets it."""

    def rank(bid: allotment.Competitive) -> tuple[int, int]:
        return -allotment.price_of(bid), bid.number

    return swapped((allotment, "rank", rank), (auction_outcome, "rank", rank))


def proofs_of_states_unchecked() -> Patch:
    """A state is stable if whoever says so brings votes along, whoever signed them (rule 10)."""
    return swapped((membership, "certified_state_is_valid", lambda *_: True))
