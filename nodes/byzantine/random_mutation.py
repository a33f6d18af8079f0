"""Small random damage to single messages: the fuzzer among the liars."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, ClassVar

import msgspec

from consensus.effects import Effect
from consensus.encoding import digest_of
from consensus.events import Event, Receive
from consensus.messages import Checkpoint, Commit, Message, Prepare, PrePrepare
from consensus.types import NodeId
from nodes.byzantine.base import Attacker, Behaviour, rewrite

KEPT = 64
"""Messages remembered, to splice from."""
RECENT_VOTES = 8
"""Votes remembered, to retype: an old one no longer matters to anybody."""
_VOTES = (Prepare, Commit)


class RandomMutation(Behaviour):
    """By chance puts one of its messages to one peer through one of the mutations below."""

    STOPPED_BY: ClassVar[tuple[int, ...]] = (2, 3, 29, 32)

    def __init__(self, attacker: Attacker) -> None:
        super().__init__(attacker)
        self._kept: list[Message] = []
        self._votes: deque[Prepare | Commit] = deque(maxlen=RECENT_VOTES)
        self._mutations: tuple[Callable[[Message], Message | None], ...] = (
            self._change_field,
            self._spoof_sender,
            self._retype,
            self._splice,
            self._other_epoch,
            self._junk_signature,
        )

    def inbound(self, event: Event) -> tuple[Event, ...]:
        if isinstance(event, Receive):
            if isinstance(event.message, _VOTES):
                self._votes.append(event.message)
            if len(self._kept) < KEPT:
                self._kept.append(event.message)
            else:
                self._kept[self.attacker.draws.below(KEPT)] = event.message
        return (event,)

    def outbound(self, now_us: int, effects: list[Effect]) -> list[Effect]:
        return rewrite(effects, self._mutate)

    def _mutate(self, _to: NodeId, message: Message) -> list[Message]:
        draws = self.attacker.draws
        if not draws.chance(self.attacker.options.chance_ppm):
            return [message]
        mutated = self._mutations[draws.below(len(self._mutations))](message)
        if mutated is None:
            return [message]
        return [mutated] if draws.chance(500_000) else [mutated, message]

    def _sign_or_not(self, message: Message) -> Message:
        """Signed again in its own name, or left with a signature that no longer fits."""
        return self.attacker.sign(message) if self.attacker.draws.chance(700_000) else message

    def _change_field(self, message: Message) -> Message | None:
        """One number a little up or down, or one digest replaced."""
        draws = self.attacker.draws
        names = [
            n for n in ("view", "sequence", "stable", "executed", "digest") if hasattr(message, n)
        ]
        names = [n for n in names if n in message.__struct_fields__]
        if not names:
            return None
        name = names[draws.below(len(names))]
        value: Any = getattr(message, name)
        if isinstance(value, int):
            value = max(0, value + draws.below(5) - 2)
        else:
            value = self._some_digest(value)
        return self._sign_or_not(msgspec.structs.replace(message, **{name: value}))

    def _some_digest(self, digest: bytes) -> bytes:
        """A digest that somebody named, or one that nobody did."""
        known = [
            kept.digest
            for kept in self._kept
            if isinstance(kept, PrePrepare | Prepare | Commit | Checkpoint)
        ]
        if known and self.attacker.draws.chance(500_000):
            return known[self.attacker.draws.below(len(known))]
        return digest_of("mutation", digest)

    def _spoof_sender(self, message: Message) -> Message | None:
        """Somebody else's name, under its own signature; half of the votes for something else."""
        others = self.attacker.committee.others(self.attacker.id)
        name = others[self.attacker.draws.below(len(others))] if others else self.attacker.id
        changes: dict[str, Any] = {"sender": name}
        if isinstance(message, _VOTES) and self.attacker.draws.chance(500_000):
            changes["digest"] = self._some_digest(message.digest)
        return self._sign_or_not(msgspec.structs.replace(message, **changes))

    def _retype(self, message: Message) -> Message | None:
        """A PREPARE as a COMMIT or the other way, the signature kept; anybody's it has heard."""
        votes = [*self._votes, *([message] if isinstance(message, _VOTES) else [])]
        if not votes:
            return None
        vote = votes[self.attacker.draws.below(len(votes))]
        other = Commit if isinstance(vote, Prepare) else Prepare
        return other(
            vote.chain,
            vote.epoch,
            vote.sender,
            vote.view,
            vote.sequence,
            vote.digest,
            vote.signature,
        )

    def _splice(self, message: Message) -> Message | None:
        """One field from another message of the same type."""
        donors = [kept for kept in self._kept if type(kept) is type(message)]
        if not donors:
            return None
        donor = donors[self.attacker.draws.below(len(donors))]
        names = message.__struct_fields__
        name = names[self.attacker.draws.below(len(names))]
        spliced = msgspec.structs.replace(message, **{name: getattr(donor, name)})
        return self._sign_or_not(spliced)

    def _other_epoch(self, message: Message) -> Message | None:
        return self._sign_or_not(msgspec.structs.replace(message, epoch=message.epoch + 1))

    def _junk_signature(self, message: Message) -> Message | None:
        """A vote in another's name with a signature of nobody's, ahead of the true one."""
        others = self.attacker.committee.others(self.attacker.id)
        if not isinstance(message, _VOTES) or not others:
            return None
        name = others[self.attacker.draws.below(len(others))]
        junk = digest_of("junk", message.digest)
        return msgspec.structs.replace(message, sender=name, digest=junk, signature=junk)
