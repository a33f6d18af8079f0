"""True proofs of every kind, made with the keys of a workbench."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from consensus.evidence import Rules, public_rules
from consensus.messages import (
    NULL_DIGEST,
    Batch,
    Checkpoint,
    Commit,
    Message,
    NewView,
    Prepare,
    PrePrepare,
    signed,
)
from consensus.misbehaviour import Misbehaviour
from tests.unit.pbft.bench import CHAIN, Bench
from tests.unit.pbft.test_view_change import certificate, new_view, view_change

WINDOW = 20
A, B = b"a" * 32, b"b" * 32


def rules(bench: Bench) -> Rules:
    return public_rules(CHAIN, bench.committee, None, WINDOW, bench.verifier)


def vote(bench: Bench, kind: type[Message], sender: str, digest: bytes, view: int = 0) -> Message:
    """A proposal or vote at sequence 1."""
    message = kind(CHAIN, 0, sender, view, 1, digest)  # type: ignore[call-arg]
    return signed(message, bench.signers[sender])


def two(bench: Bench, kind: type[Message]) -> Misbehaviour:
    sender = "r0"
    first, second = (vote(bench, kind, sender, digest) for digest in (A, B))
    return Misbehaviour(f"conflicting-{kind.TYPE}", sender, first, second)  # type: ignore[arg-type]


def checkpoints(bench: Bench) -> Misbehaviour:
    first, second = (
        signed(Checkpoint(CHAIN, 0, "r2", 10, digest), bench.signers["r2"]) for digest in (A, B)
    )
    return Misbehaviour("conflicting-checkpoint", "r2", first, second)


def view_changes(bench: Bench) -> Misbehaviour:
    batch = Batch(0, (bench.request(1),))
    with_p = view_change(bench, "r3", 1, (certificate(bench, batch),))
    return Misbehaviour("conflicting-view-change", "r3", with_p, view_change(bench, "r3", 1))


def new_views(bench: Bench) -> Misbehaviour:
    first = new_view(bench, [view_change(bench, name, 1) for name in ("r0", "r1", "r2")])
    second = new_view(bench, [view_change(bench, name, 1) for name in ("r1", "r2", "r3")])
    return Misbehaviour("conflicting-new-view", "r1", first, second)


def voters(bench: Bench) -> list[Message]:
    """VIEW-CHANGEs for view 1, one of which shows what was prepared at sequence 1."""
    batch = Batch(0, (bench.request(1),))
    shown = (certificate(bench, batch),)
    return [view_change(bench, "r0", 1, shown), *(view_change(bench, r, 1) for r in ("r1", "r2"))]


def bogus(bench: Bench, offers: tuple[tuple[int, bytes], ...]) -> Misbehaviour:
    proofs = voters(bench)
    message = new_view(bench, proofs, offers=offers)  # type: ignore[arg-type]
    return Misbehaviour("bogus-new-view", "r1", message, message, tuple(proofs))  # type: ignore[arg-type]


def without_a_quorum(bench: Bench) -> Misbehaviour:
    message = new_view(bench, [view_change(bench, "r0", 1)] * 3)
    return Misbehaviour("bogus-new-view", "r1", message, message)


def with_an_invalid_voter(bench: Bench) -> Misbehaviour:
    """V counts a VIEW-CHANGE whose certificate is of the view that it asks for."""
    batch = Batch(0, (bench.request(1),))
    invalid = view_change(bench, "r0", 1, (certificate(bench, batch, view=1),))
    named = [invalid, view_change(bench, "r1", 1), view_change(bench, "r2", 1)]
    message = new_view(bench, named, offers=())
    return Misbehaviour("bogus-new-view", "r1", message, message, (invalid,))


def with_a_borrowed_item(bench: Bench) -> Misbehaviour:
    """O holds a PRE-PREPARE of another view."""
    honest = new_view(bench, voters(bench))  # type: ignore[arg-type]
    item = vote(bench, PrePrepare, "r1", A, view=5)
    changed: NewView = msgspec.structs.replace(honest, pre_prepares=(item,))  # type: ignore[arg-type]
    message = signed(changed, bench.signers["r1"])
    return Misbehaviour("bogus-new-view", "r1", message, message)


def forgotten(bench: Bench) -> Misbehaviour:
    return Misbehaviour(
        "forgotten-commit",
        "r3",
        vote(bench, Commit, "r3", A),  # type: ignore[arg-type]
        view_change(bench, "r3", 2),
    )


def contradicted(bench: Bench) -> Misbehaviour:
    first, second = vote(bench, Commit, "r3", A), vote(bench, Prepare, "r3", B)
    return Misbehaviour("contradicted-commit", "r3", first, second)  # type: ignore[arg-type]


CASES: dict[str, Callable[[Bench], Misbehaviour]] = {
    "conflicting-pre-prepare": lambda bench: two(bench, PrePrepare),
    "conflicting-prepare": lambda bench: two(bench, Prepare),
    "conflicting-commit": lambda bench: two(bench, Commit),
    "conflicting-checkpoint": checkpoints,
    "conflicting-view-change": view_changes,
    "conflicting-new-view": new_views,
    "bogus-new-view: null": lambda bench: bogus(bench, ((1, NULL_DIGEST),)),
    "bogus-new-view: nothing": lambda bench: bogus(bench, ()),
    "bogus-new-view: no quorum": without_a_quorum,
    "bogus-new-view: invalid voter": with_an_invalid_voter,
    "bogus-new-view: borrowed item": with_a_borrowed_item,
    "forgotten-commit": forgotten,
    "contradicted-commit": contradicted,
}
