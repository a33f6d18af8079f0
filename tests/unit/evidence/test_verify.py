"""Rules 33 and 34: what is proof, and that nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from chainsim.evidence import EvidenceFile, Origin, evidence_file, judge
from consensus.crypto import FastScheme, Scheme, Verifier
from consensus.evidence import KINDS, public_rules, verify
from consensus.messages import (
    Batch,
    Checkpoint,
    Commit,
    Message,
    NewView,
    Prepare,
    PrePrepare,
    ViewChange,
    signed,
)
from consensus.misbehaviour import Misbehaviour
from consensus.types import Committee
from tests.unit.evidence.cases import (
    CASES,
    CHAIN,
    WINDOW,
    A,
    B,
    bogus,
    forgotten,
    rules,
    two,
    view_changes,
    vote,
    voters,
)
from tests.unit.pbft.bench import Bench
from tests.unit.pbft.test_view_change import certificate, new_view, view_change


class Shared:
    """The workbench's own scheme, which holds its secrets."""

    name = "fast"

    def __init__(self, bench: Bench) -> None:
        self._verifier = bench.verifier

    def signer(self, seed: bytes) -> Any:
        raise AssertionError("nobody signs here")

    def verifier(self) -> Verifier:
        return self._verifier


def content(bench: Bench, what: Misbehaviour) -> EvidenceFile:
    scheme: Scheme = Shared(bench)
    origin = Origin(chain=CHAIN, committees={0: bench.committee}, window=WINDOW, scheme=scheme)
    made = evidence_file(what, origin)
    assert made is not None
    return made


def test_every_kind_has_a_case() -> None:
    assert {name.split(":")[0] for name in CASES} == set(KINDS)


@pytest.mark.parametrize("case", CASES)
def test_rule_33_true_proofs_hold(case: str) -> None:
    bench = Bench(4)
    what = CASES[case](bench)
    verdict = verify(what, rules(bench))
    assert verdict.holds, verdict.why
    assert what.culprit in verdict.why


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every plain value in a tree of dicts and lists, with the way to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path, value


def changes(value: Any) -> Iterator[Any]:
    """Values that differ from ``value`` in one place."""
    if isinstance(value, bytes):
        for index in range(len(value)):
            yield value[:index] + bytes([value[index] ^ 1 << index % 8]) + value[index + 1 :]
        yield value[:-1]
    elif isinstance(value, str):
        yield from (value + "x", "r0" if value != "r0" else "r1")
    elif isinstance(value, int):
        yield from (value + 1, value - 1)
    elif value is None:
        yield msgspec.to_builtins(Batch(0, ()), builtin_types=(bytes,))


def put(tree: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of the tree with another value at one place."""
    if not path:
        return value
    head, *rest = path
    if isinstance(tree, dict):
        return {**tree, head: put(tree[head], tuple(rest), value)}
    copy = list(tree)
    copy[head] = put(copy[head], tuple(rest), value)
    return copy


@pytest.mark.parametrize("case", CASES)
def test_rule_33_no_changed_message_is_proof(case: str) -> None:
    """Each byte, number and name of the messages, of the chain id and of the culprit's key, with
    the checksum made anew: what binds is the signatures."""
    bench = Bench(4)
    whole = content(bench, CASES[case](bench))
    scheme = Shared(bench)
    assert judge(whole, scheme).holds
    tree = msgspec.to_builtins(whole, builtin_types=(bytes,))
    culprit = bench.committee.index(whole.culprit)
    bound = [
        (path, value)
        for path, value in leaves(tree)
        if path[0] in ("misbehaviour", "chain", "epoch", "culprit", "kind")
        or path[:2] == ("committee", culprit)
    ]
    tried = 0
    for path, value in bound:
        for changed in changes(value):
            try:
                altered = msgspec.convert(
                    put(tree, path, changed), EvidenceFile, builtin_types=(bytes,)
                ).sealed()
            except msgspec.ValidationError:
                continue  # no message any more
            tried += 1
            verdict = judge(altered, scheme)
            assert not verdict.holds, (path, verdict.why)
    assert tried > 200


def test_rule_33_bad_luck_is_no_proof() -> None:
    """Pairs that honest validators do sign."""
    bench = Bench(4)
    batch = Batch(0, (bench.request(1),))
    shown = certificate(bench, batch)
    repeated = vote(bench, Commit, "r3", A)
    later = vote(bench, Commit, "r3", B, view=1)
    honest = [
        Misbehaviour("conflicting-commit", "r3", repeated, repeated),  # type: ignore[arg-type]
        Misbehaviour("conflicting-commit", "r3", repeated, later),  # type: ignore[arg-type]
        Misbehaviour(
            "contradicted-commit",
            "r3",
            repeated,  # type: ignore[arg-type]
            vote(bench, Prepare, "r3", A),  # type: ignore[arg-type]
        ),
        Misbehaviour(
            "forgotten-commit",
            "r3",
            vote(bench, Commit, "r3", batch.digest),  # type: ignore[arg-type]
            view_change(bench, "r3", 1, (shown,)),
        ),
        Misbehaviour(
            "forgotten-commit",
            "r3",
            vote(bench, Commit, "r3", A, view=2),  # type: ignore[arg-type]
            view_change(bench, "r3", 1),
        ),
    ]
    for what in honest:
        assert not verify(what, rules(bench)).holds, what.kind


def test_rule_33_an_honest_new_view_is_no_proof_whatever_is_left_out() -> None:
    bench = Bench(4)
    proofs = voters(bench)
    honest = new_view(bench, proofs)  # type: ignore[arg-type]
    for kept in range(len(proofs) + 1):
        what = Misbehaviour("bogus-new-view", "r1", honest, honest, tuple(proofs[:kept]))  # type: ignore[arg-type]
        assert not verify(what, rules(bench)).holds


def test_rule_33_nobody_is_framed_by_what_no_signature_covers() -> None:
    """A relay puts a batch into a header, or breaks a VIEW-CHANGE's own signature."""
    bench = Bench(4)
    proofs = voters(bench)
    honest = new_view(bench, proofs)  # type: ignore[arg-type]
    padded = msgspec.structs.replace(
        honest,
        pre_prepares=tuple(p.with_batch(Batch(0, ())) for p in honest.pre_prepares),
    )
    first = proofs[0]
    broken = msgspec.structs.replace(first, signature=bytes(len(first.signature)))  # type: ignore[attr-defined]
    for message, named in ((padded, ()), (honest, (broken,)), (honest, (broken, *proofs[1:]))):
        what = Misbehaviour("bogus-new-view", "r1", message, message, named)
        assert not verify(what, rules(bench)).holds


def test_rule_33_a_stranger_and_an_unknown_kind_are_no_proof() -> None:
    bench = Bench(4)
    true = two(bench, PrePrepare)
    strange = msgspec.structs.replace(true, kind="slander")
    assert "no kind" in verify(strange, rules(bench)).why
    few = Committee(0, bench.committee.members[1:])
    other = msgspec.structs.replace(rules(bench), committee=few)
    assert "no member" in verify(true, other).why


def test_rule_33_another_chain_or_epoch_is_no_proof() -> None:
    bench = Bench(4)
    elsewhere = [
        signed(Commit(chain, epoch, "r3", 0, 1, digest), bench.signers["r3"])
        for chain, epoch in ((b"x" * 32, 0), (CHAIN, 1))
        for digest in (A, B)
    ]
    for first, second in (elsewhere[:2], elsewhere[2:]):
        assert not verify(
            Misbehaviour("conflicting-commit", "r3", first, second), rules(bench)
        ).holds


def test_rule_27_the_checkpoints_that_began_an_epoch_are_of_the_committee_before() -> None:
    """An honest new primary counts VIEW-CHANGEs whose C the old committee signed."""
    bench = Bench(4)
    before = Committee(0, bench.committee.members)
    after = Committee(1, bench.committee.members)
    began = tuple(
        signed(Checkpoint(CHAIN, 0, id_, 40, A), bench.signers[id_]) for id_ in ("r0", "r1", "r2")
    )
    proofs = tuple(
        signed(ViewChange(CHAIN, 1, id_, 1, 40, began, ()), bench.signers[id_])
        for id_ in ("r0", "r1", "r2")
    )
    named = tuple((vc.sender, vc.digest_bytes) for vc in proofs)
    message = signed(NewView(CHAIN, 1, "r1", 1, named, ()), bench.signers["r1"])
    what = Misbehaviour("bogus-new-view", "r1", message, message, proofs)
    known = public_rules(CHAIN, after, before, WINDOW, bench.verifier)
    assert not verify(what, known).holds
    whole = Origin(
        chain=CHAIN, committees={0: before, 1: after}, window=WINDOW, scheme=Shared(bench)
    )
    assert evidence_file(what, whole) is None
    extra = signed(PrePrepare(CHAIN, 1, "r1", 1, 41, A), bench.signers["r1"])
    lie = signed(msgspec.structs.replace(message, pre_prepares=(extra,)), bench.signers["r1"])
    true = evidence_file(Misbehaviour("bogus-new-view", "r1", lie, lie, proofs), whole)
    assert true is not None
    assert judge(true, Shared(bench)).holds
    assert not judge(msgspec.structs.replace(true, committee_before=()), Shared(bench)).holds


def test_a_verifier_without_the_secrets_believes_no_fast_signature() -> None:
    bench = Bench(4)
    whole = content(bench, bogus(bench, ()))
    assert not judge(whole, FastScheme()).holds


def test_rule_34_the_view_change_must_be_later_and_the_sequence_uncovered() -> None:
    bench = Bench(4)
    true = forgotten(bench)
    assert isinstance(true.first, Commit)
    changed: list[Message] = [
        signed(
            msgspec.structs.replace(true.first, view=view, sequence=sequence), bench.signers["r3"]
        )
        for view, sequence in ((2, 1), (3, 1), (0, 0))
    ]
    for commit in changed:
        what = msgspec.structs.replace(true, first=commit)
        assert not verify(what, rules(bench)).holds
    assert verify(view_changes(bench), rules(bench)).holds
