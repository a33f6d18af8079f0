"""Liars that keep in step with views: twins divided by view, and single changed messages."""

from __future__ import annotations

from typing import Any

import pytest

from consensus.crypto import FastScheme
from consensus.effects import Broadcast, Effect, Send
from consensus.encoding import digest_of
from consensus.events import Boot, Event, Receive
from consensus.messages import (
    Batch,
    Checkpoint,
    Commit,
    Message,
    NewView,
    Prepare,
    PrePrepare,
    Request,
    ViewChange,
    signed,
)
from consensus.types import Committee, Member
from nodes.byzantine import Attacker, Options, Twins
from nodes.byzantine.mutate_round import DROPPED, MUTABLE, MutateRound
from scenarios.rng import Stream

SCHEME = FastScheme()
KEYS = {name: SCHEME.signer(digest_of("k", name)) for name in ("v0", "v1", "v2", "v3")}
COMMITTEE = Committee(0, tuple(Member(name, key.public_key) for name, key in KEYS.items()))
OTHERS = ("v1", "v2", "v3")


def attacker(**options: Any) -> Attacker:
    return Attacker(
        id="v0",
        chain=b"chain",
        committee=COMMITTEE,
        signer=KEYS["v0"],
        draws=Stream(1, "draws"),
        options=Options(**options),
    )


def vote(view: int, sender: str = "v0", kind: type[Any] = Prepare) -> Any:
    return signed(kind(b"chain", 0, sender, view, 7, b"d" * 32), KEYS[sender])


class Copy:
    """Notes what it hears; says what it is told to."""

    id = "v0"

    def __init__(self, says: list[Effect]) -> None:
        self.heard: list[Message] = []
        self.says = says

    def handle(self, event: Event) -> list[Effect]:
        if isinstance(event, Receive):
            self.heard.append(event.message)
        return self.says


# twins


def twins(*groups: tuple[str, ...], says: list[Effect] | None = None) -> tuple[Twins, Copy, Copy]:
    first, second = Copy(says or []), Copy([])
    pair = Twins(first, second, attacker(groups=groups))
    pair.handle(Boot(0))
    return pair, first, second


def test_a_message_reaches_the_copy_that_its_view_says() -> None:
    pair, first, second = twins(("v1",), ("v2", "v3"), ("v2",), ("v1", "v2"))
    for view, sender in ((0, "v1"), (0, "v2"), (1, "v1"), (1, "v2"), (1, "v3"), (9, "v1")):
        pair.handle(Receive(1, vote(view, sender)))
    told = [[(m.view, m.sender) for m in copy.heard] for copy in (first, second)]  # type: ignore[attr-defined]
    assert told[0] == [(0, "v1"), (1, "v2")]
    # v2 is with both in view 1, v3 with none; the last pair is for all later views.
    assert told[1] == [(0, "v2"), (1, "v1"), (1, "v2"), (9, "v1")]


def test_what_names_no_view_goes_by_the_latest_that_was_named() -> None:
    pair, first, second = twins(("v1",), ("v2",), ("v2",), ("v1",))
    checkpoint = signed(Checkpoint(b"chain", 0, "v1", 4, b"d" * 32), KEYS["v1"])
    pair.handle(Receive(1, checkpoint))
    pair.handle(Receive(2, vote(1, "v2")))
    pair.handle(Receive(3, vote(0, "v1")))  # a late one: no way back
    pair.handle(Receive(4, checkpoint))
    assert [type(m) for m in first.heard] == [Checkpoint, Prepare, Prepare]
    assert [type(m) for m in second.heard] == [Checkpoint]


def test_a_copy_speaks_to_those_of_its_view_only() -> None:
    says: list[Effect] = [
        Broadcast(OTHERS, vote(0)),
        Broadcast(OTHERS, vote(1)),
        Send("c", vote(1)),
    ]
    pair, _, _ = twins(("v1",), ("v2", "v3"), ("v2",), ("v1",), says=says)
    done = pair.handle(Receive(1, vote(0, "v1")))
    assert [(e.to, e.message.view) for e in done if isinstance(e, Send)] == [  # type: ignore[attr-defined]
        ("v1", 0),
        ("v2", 1),
        ("c", 1),
    ]


# mutate-round


def seen(message: Message, to: str = "v1", **options: Any) -> list[Message]:
    """What ``to`` gets in place of a broadcast."""
    done = MutateRound(attacker(**options)).outbound(0, [Broadcast(OTHERS, message)])
    return [effect.message for effect in done if isinstance(effect, Send) and effect.to == to]


def proposal(count: int = 2) -> PrePrepare:
    requests = tuple(Request(b"chain", 0, "v3", number, b"op", b"key") for number in range(count))
    batch = Batch(5, requests)
    plain = PrePrepare(b"chain", 0, "v0", 1, 7, batch.digest, batch=batch)
    return signed(plain, KEYS["v0"])


def test_only_its_own_messages_of_the_round_are_changed_and_only_for_some() -> None:
    options = {"view": 1, "types": ("prepare",), "receivers": ("v1",), "field": "sequence"}
    (changed,) = seen(vote(1), **options)
    assert (changed.sequence, changed.digest) == (8, vote(1).digest)  # type: ignore[attr-defined]
    assert SCHEME.verifier().verify(
        KEYS["v0"].public_key,
        changed.signing_bytes,
        changed.signature,  # type: ignore[attr-defined]
    )
    for same in (vote(0), vote(1, kind=Commit), vote(1, "v2")):
        assert seen(same, **options) == [same]
    assert seen(vote(1), to="v2", **options) == [vote(1)]


def test_small_scope() -> None:
    assert seen(vote(1), field="view", step=-1)[0].view == 0  # type: ignore[attr-defined]
    assert seen(vote(0), field="view", step=-1)[0].view == 0  # type: ignore[attr-defined]
    assert seen(vote(1), field="digest")[0].digest != vote(1).digest  # type: ignore[attr-defined]
    assert seen(vote(1), field=DROPPED) == []
    (other,) = seen(proposal(), field="batch")
    assert other.batch.digest == other.digest != proposal().digest  # type: ignore[attr-defined]
    assert seen(proposal(0), field="batch") == [proposal(0)]
    lock = ViewChange(b"chain", 0, "v0", 1, 0, (), ("one", "two"))  # type: ignore[arg-type]
    with pytest.raises(AttributeError):  # what is signed again is without the last certificate
        seen(lock, field="prepared")
    bare = signed(ViewChange(b"chain", 0, "v0", 1, 4, (), ()), KEYS["v0"])
    assert seen(bare, field="prepared") == [bare]
    assert seen(bare, field="stable")[0].stable == 5  # type: ignore[attr-defined]


@pytest.mark.parametrize("field", [field for field in MUTABLE if field != DROPPED])
def test_a_message_without_the_field_stays_as_it_is(field: str) -> None:
    views = (("v0", b"d" * 32), ("v1", b"e" * 32))
    bare = signed(NewView(b"chain", 0, "v0", 1, views, ()), KEYS["v0"])
    changed = seen(bare, field=field)
    assert (changed == [bare]) == (field not in ("view", "view_changes"))
