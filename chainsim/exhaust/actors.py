"""The states of each replica by itself, and what leads from one to the next.

What a replica does hangs on nothing but its own state and the event, so each pair of those is
worked out once, however many states of all together it occurs in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from chainsim.exhaust.bound import Bound, Setting, lies_of
from chainsim.exhaust.host import Done, Host
from chainsim.exhaust.labels import Label, Labels, Votes, renamed
from consensus.messages import Message, NewView, ViewChange

Event = int | str
"""The number of a message that arrives, or the name of a timer that runs out."""


class Mail:
    """All messages that anybody may ever send within the bound, by number."""

    def __init__(self, labels: Labels) -> None:
        self._labels: Final = labels
        self._numbers: Final[dict[tuple[Label, tuple[str, ...]], int]] = {}
        self.labels: Final[list[Label]] = []
        self.messages: Final[list[Message]] = []
        self.receivers: Final[list[tuple[str, ...]]] = []

    def number(self, message: Message, to: tuple[str, ...]) -> int:
        """Of the message; those that say the same to the same are one."""
        label = self._labels.message(message)
        found = self._numbers.setdefault((label, to), len(self.messages))
        if found == len(self.messages):
            self.labels.append(label)
            self.messages.append(message)
            self.receivers.append(to)
        return found

    def named_by(self, message: NewView) -> set[Label]:
        """Labels of the VIEW-CHANGEs that a NEW-VIEW names."""
        return {self._labels.digest(digest) for _, digest in message.view_changes}


class Local:
    """One state of one replica: a way that leads to it, and what the search asks of it."""

    __slots__ = (
        "events",
        "executed",
        "facts",
        "fault",
        "forms",
        "number",
        "outbox",
        "owner",
        "parent",
        "spent",
        "timers",
        "view",
        "waits",
    )

    number: int
    owner: int
    parent: Local | None
    events: tuple[Event, ...]
    outbox: dict[str, int]
    """To whom -> messages, as bits."""
    facts: int
    """The number of what it prepared and executed."""
    executed: int
    forms: tuple[int, ...]
    """By renaming: the number of what this state looks like under it."""
    fault: str
    spent: bool
    """No timer of it may run out any more within the bound."""
    timers: tuple[str, ...]
    view: int
    waits: bool
    """In a view change."""


class Actors:
    """All honest replicas of a bound."""

    def __init__(self, bound: Bound, setting: Setting) -> None:
        self.bound: Final = bound
        self._setting: Final = setting
        self.labels: Final = Labels(setting.batches, proofs=bound.views > 1, votes=bound.plain)
        self.mail: Final = Mail(self.labels)
        self.renamings: Final = bound.renamings
        self.locals: Final[list[Local]] = []
        self.facts: Final[list[Done]] = []
        self._by_key: Final[dict[Any, Local]] = {}
        self._forms: Final[dict[Any, int]] = {}
        self._fact_numbers: Final[dict[Any, int]] = {}
        self._steps: Final[
            dict[tuple[int, tuple[Event, ...]], tuple[Local, tuple[Event, ...]]]
        ] = {}
        """What events lead a state to, and those of them that were taken."""
        self._moves: Final[dict[tuple[int, int], tuple[Local, ...]]] = {}
        lies = 0
        for message in lies_of(bound, setting):
            lies |= 1 << self.mail.number(message, bound.honest)
        self.lies: Final = lies
        self.start: Final = tuple(self._boot(owner) for owner in range(len(bound.honest)))

    def _boot(self, owner: int) -> Local:
        host = Host(self.bound, self._setting, self.bound.honest[owner])
        return self._intern(host, owner, None, ())

    # -- states -----------------------------------------------------------------------------

    def _intern(
        self, host: Host, owner: int, parent: Local | None, events: tuple[Event, ...]
    ) -> Local:
        sent = [(self.mail.number(message, to), message, to) for message, to in host.sent]
        mask = 0
        for number, _, _ in sent:
            mask |= 1 << number
        timers = tuple(sorted(host.timers.items()))
        inside = self.labels.replica(host.replica.core, host.pool)
        key = (host.name, inside, mask, host.fired, timers, host.fault)
        found = self._by_key.get(key)
        if found is None:
            found = self._by_key[key] = self._new(host, owner, parent, events)
            numbers = [number for number, _, _ in sent]
            found.forms = self._forms_of(host, (inside, host.fired, timers, host.fault), numbers)
        return found

    def _new(
        self, host: Host, owner: int, parent: Local | None, events: tuple[Event, ...]
    ) -> Local:
        made = Local()
        made.number = len(self.locals)
        made.owner, made.parent, made.events = owner, parent, events
        made.outbox = dict.fromkeys(self.bound.honest, 0)
        for message, to in host.sent:
            for name in to:
                if name in made.outbox:
                    made.outbox[name] |= 1 << self.mail.number(message, to)
        done = host.done
        key = (frozenset(done.prepared.items()), done.executed)
        made.facts = self._fact_numbers.setdefault(key, len(self.facts))
        if made.facts == len(self.facts):
            self.facts.append(done)
        made.executed = len(host.executed)
        made.fault = host.fault
        made.timers = tuple(host.timers)
        made.view, made.waits = host.replica.view, not host.replica.active
        made.spent = host.fired >= self.bound.timeouts
        self.locals.append(made)
        return made

    def _forms_of(self, host: Host, inside: Any, sent: Iterable[int]) -> tuple[int, ...]:
        said = frozenset((self.mail.labels[n], self.mail.receivers[n]) for n in sent)
        forms = []
        for names in self.renamings:
            key = renamed((host.name, inside, said), names) if names else (host.name, inside, said)
            forms.append(self._forms.setdefault(_unordered(key), len(self._forms)))
        return tuple(forms)

    def _host(self, local: Local) -> Host:
        """The replica in this state: it is taken there from the start."""
        path: list[Event] = []
        at: Local | None = local
        while at is not None:
            path.extend(reversed(at.events))
            at = at.parent
        host = Host(self.bound, self._setting, self.bound.honest[local.owner])
        for event in reversed(path):
            self._take(host, event)
        return host

    def _take(self, host: Host, event: Event) -> None:
        if isinstance(event, str):
            host.fire(event)
        else:
            host.receive(self.mail.messages[event])

    # -- steps ------------------------------------------------------------------------------

    def moves(self, local: Local, arriving: int) -> tuple[Local, ...]:
        """The states that one step leads to, where ``arriving`` are the messages, as bits, that
        others sent it."""
        key = (local.number, arriving)
        found = self._moves.get(key)
        if found is None:
            after: dict[int, Local] = {}
            for step in self._possible(local, arriving):
                reached, _ = self._step(local, step)
                if reached is not local:
                    after[reached.number] = reached
            found = self._moves[key] = tuple(after.values())
        return found

    def way(self, local: Local, arriving: int, after: Local) -> tuple[Event, ...]:
        """The events that lead from one state to another, of those that are possible here."""
        for step in self._possible(local, arriving):
            reached, taken = self._step(local, step)
            if reached is after:
                return taken
        raise AssertionError("one step leads from one state to the next")

    def _possible(self, local: Local, arriving: int) -> Iterator[tuple[Event, ...]]:
        yield from self._plain(arriving) if self.bound.plain else self._thresholds(local, arriving)
        yield from self._timers(local)

    def _timers(self, local: Local) -> Iterator[tuple[Event, ...]]:
        if not local.spent and local.view + 1 < self.bound.views:
            for timer in local.timers:
                yield (timer,)

    def _step(self, local: Local, events: tuple[Event, ...]) -> tuple[Local, tuple[Event, ...]]:
        key = (local.number, events)
        found = self._steps.get(key)
        if found is None:
            host = self._host(local)
            before = host.progress
            taken: list[Event] = []
            for event in events:
                self._take(host, event)
                taken.append(event)
                if not self.bound.plain and host.progress > before and self._is_vote(event):
                    break
            moved = self.bound.plain or not self._is_vote(events[0]) or host.progress > before
            reached = self._intern(host, local.owner, local, tuple(taken)) if moved else local
            found = self._steps[key] = reached, tuple(taken)
        return found

    def _is_vote(self, event: Event) -> bool:
        return not isinstance(event, str) and isinstance(self.mail.messages[event], Votes)

    def _plain(self, arriving: int) -> Iterator[tuple[Event, ...]]:
        for number in bits(arriving):
            yield (number,)

    def _thresholds(self, local: Local, arriving: int) -> Iterator[tuple[Event, ...]]:
        """Steps that change something. Votes for one thing arrive together, up to the one that
        completes a quorum (and again, for who would count one twice); a VIEW-CHANGE where it is
        counted; a NEW-VIEW with the VIEW-CHANGEs that it names."""
        votes: dict[Label, list[int]] = {}
        changes: dict[Label, int] = {}
        for number in bits(arriving):
            message = self.mail.messages[number]
            if isinstance(message, Votes):
                kind, _, *what = self.mail.labels[number]
                votes.setdefault((kind, *what), []).append(number)
            elif isinstance(message, ViewChange):
                changes[self.mail.labels[number]] = number
                if self._counts(local, message):
                    yield (number,)
        for several in votes.values():
            yield (*several, *several)
        for number in bits(arriving):
            message = self.mail.messages[number]
            if isinstance(message, NewView):
                named = self.mail.named_by(message)
                yield (number, *(n for label, n in changes.items() if label in named))
            elif not isinstance(message, (*Votes, ViewChange)):
                yield (number,)

    def _counts(self, local: Local, message: ViewChange) -> bool:
        """Whether it may make f+1 that are joined, or a quorum for whoever leads that view."""
        if local.view < message.view:
            return True
        mine = self.bound.primary(message.view) == self.bound.honest[local.owner]
        return mine and local.view == message.view and local.waits


def bits(mask: int) -> Iterator[int]:
    """Places of the bits that are set, from the lowest."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _unordered(key: Any) -> Any:
    """``others`` of a sender come in proposer order, which a renaming disturbs."""
    name, inside, said = key
    return name, inside, frozenset((label, frozenset(to)) for label, to in said)
