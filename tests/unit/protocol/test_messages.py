"""The signed encoding: domain separation, round trips, and what a decoder makes of junk."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from consensus.crypto import Ed25519Scheme, FastScheme
from consensus.encoding import canonical, digest_of, encode
from consensus.messages import (
    MESSAGE_TYPES,
    NULL_BATCH,
    NULL_DIGEST,
    Batch,
    Checkpoint,
    Commit,
    CoSignature,
    Message,
    Prepare,
    PrePrepare,
    Request,
    decode,
    signed,
)
from tests.unit.protocol.strategies import BATCHES, BY_TYPE, MESSAGES, PRE_PREPARES, REQUESTS

D = b"\x05" * 32


def test_every_message_type_has_a_strategy_and_a_domain_of_its_own() -> None:
    assert set(BY_TYPE) == set(MESSAGE_TYPES)
    assert len({kind.TYPE for kind in MESSAGE_TYPES}) == len(MESSAGE_TYPES)


@pytest.mark.parametrize("scheme", [Ed25519Scheme(), FastScheme()], ids=lambda s: s.name)
def test_a_prepare_never_verifies_as_a_commit(scheme: Ed25519Scheme | FastScheme) -> None:
    signer, verifier = scheme.signer(bytes(32)), scheme.verifier()
    votes: list[Message] = [
        kind(b"c" * 32, 0, "v0", 1, 2, D) for kind in (PrePrepare, Prepare, Commit)
    ]
    votes.append(Checkpoint(b"c" * 32, 0, "v0", 2, D))
    for said in votes:
        signature = signer.sign(said.signing_bytes)
        for claimed in votes:
            valid = verifier.verify(signer.public_key, claimed.signing_bytes, signature)
            assert valid == (claimed is said)


def statement(message: Message) -> tuple[object, ...]:
    """What a signature is about: everything but the signature itself."""
    return (type(message), message.chain, message.epoch, message.sender, message.body())


@settings(max_examples=400)
@given(MESSAGES, MESSAGES)
@example(Prepare(b"", 0, "", 0, 1, D), Commit(b"", 0, "", 0, 1, D))
@example(Prepare(b"", 0, "", 0, 1, D), Prepare(b"", 0, "", 1, 0, D))
@example(Prepare(b"", 0, "", 0, 1, D), Prepare(b"", 1, "", 0, 0, D))
def test_equal_bytes_are_signed_only_for_equal_statements(one: Message, other: Message) -> None:
    equal = statement(one) == statement(other)
    assert (one.signing_bytes == other.signing_bytes) == equal
    assert (one.digest_bytes == other.digest_bytes) == equal


@given(st.sampled_from(MESSAGE_TYPES), st.data())
def test_changing_any_signed_field_changes_the_signed_bytes(
    kind: type[Message], data: st.DataObject
) -> None:
    """Field by field; what isn't signed is listed here, and why."""
    one, other = data.draw(BY_TYPE[kind]), data.draw(BY_TYPE[kind])
    unsigned = {
        "signature",
        "cosignatures",  # covered by the request's digest
        "batch",  # the digest commits to it
        "certificate",  # proves itself
        "states",  # by sequence and digest; their proofs prove themselves
        "checkpoints",  # by digest and signature, below
        "prepared",
        "pre_prepares",
    }
    for name in kind.__struct_fields__:
        mixed = msgspec.structs.replace(one, **{name: getattr(other, name)})
        same = getattr(one, name) == getattr(other, name)
        if name not in unsigned:
            assert (mixed.signing_bytes == one.signing_bytes) == same
        elif name == "signature":
            assert mixed.signing_bytes == one.signing_bytes


@given(MESSAGES)
def test_what_is_encoded_is_decoded(message: Message) -> None:
    data = encode(message)
    back = decode(data)
    assert back == message
    assert type(back) is type(message)
    assert back.signing_bytes == message.signing_bytes
    assert encode(back) == data
    assert message.wire_size == len(data)


@settings(max_examples=400)
@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_decode_errors(data: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        decode(data)


@settings(max_examples=400)
@given(MESSAGES, st.integers(0, 10_000), st.integers(1, 255), st.integers(0, 3))
def test_a_damaged_message_is_another_one_or_a_decode_error(
    message: Message, at: int, flip: int, cut: int
) -> None:
    data = bytearray(encode(message))
    data[at % len(data)] ^= flip
    damaged = bytes(data[: len(data) - cut])
    assume(damaged)
    try:
        read = decode(damaged)
    except msgspec.MsgspecError:
        return
    assert isinstance(read, MESSAGE_TYPES)
    assert isinstance(read.signing_bytes, bytes)


def test_broken_text_in_a_tag_and_deep_nesting_are_decode_errors_too() -> None:
    good = encode(Prepare(b"", 0, "", 0, 0, b""))
    broken = good.replace(b"prepare", b"\xf0repare")
    deep = bytes([good[0] + 1]) + good[1:] + b"\xa1x" + b"\x91" * 100_000 + b"\xc0"
    for data in (broken, deep):
        assert data != good
        with pytest.raises(msgspec.DecodeError):
            decode(data)


def test_a_signed_message_verifies_and_keeps_its_statement() -> None:
    scheme = FastScheme()
    signer = scheme.signer(bytes(32))
    vote = Prepare(b"c", 0, "v0", 1, 2, D)
    proven = signed(vote, signer)
    assert statement(proven) == statement(vote)
    verifier = scheme.verifier()
    assert verifier.verify(signer.public_key, vote.signing_bytes, proven.signature)
    assert verifier.verify(signer.public_key, proven.signing_bytes, proven.signature)
    fresh = decode(encode(proven))
    assert verifier.verify(signer.public_key, fresh.signing_bytes, proven.signature)


@given(REQUESTS, REQUESTS)
def test_a_requests_digest_covers_its_payload_and_all_signatures(
    one: Request, other: Request
) -> None:
    assert (one.digest == other.digest) == (one == other)


def test_who_cosigns_is_part_of_what_is_signed() -> None:
    """So nobody on the way can strip, add or swap a co-signature and burn the client's number."""
    bare = Request(b"c", 0, "a", 1, b"op", b"key", b"sig")
    full = msgspec.structs.replace(bare, cosignatures=(CoSignature("b", b"k", b"s"),))
    unsigned = msgspec.structs.replace(bare, cosignatures=(CoSignature("b", b"k", b""),))
    assert full.signing_bytes != bare.signing_bytes
    assert full.signing_bytes == unsigned.signing_bytes
    assert full.digest != unsigned.digest


@given(BATCHES, BATCHES)
def test_a_batchs_digest_covers_time_and_order(one: Batch, other: Batch) -> None:
    if one.requests and other.requests:
        assert (one.digest == other.digest) == (one == other)
    else:
        assert (one.digest == other.digest) == (one.requests == other.requests)


def test_the_null_digest_is_the_tagged_constant() -> None:
    assert NULL_BATCH.digest == NULL_DIGEST == digest_of("null-batch")
    assert len(NULL_DIGEST) == 32
    requests = tuple(Request(b"", 0, "a", number, b"", b"") for number in (1, 2))
    assert Batch(1, requests).digest != Batch(1, requests[::-1]).digest != NULL_DIGEST


@given(PRE_PREPARES)
def test_a_pre_prepares_header_says_the_same_without_the_batch(message: PrePrepare) -> None:
    assert message.header.batch is None
    assert message.header.signing_bytes == message.signing_bytes
    assert message.header.signature == message.signature
    assert message.header.header is message.header
    assert message.header.with_batch(NULL_BATCH).batch == NULL_BATCH


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.text(max_size=4),
    st.binary(max_size=4),
)
FIELDS = st.lists(st.one_of(SCALARS, st.lists(SCALARS, max_size=3).map(tuple)), max_size=4).map(
    tuple
)


def typed(value: object) -> object:
    """``value`` with types spelt out: in Python True == 1."""
    if isinstance(value, tuple):
        return tuple(typed(item) for item in value)
    return type(value).__name__, value


@settings(max_examples=400)
@given(st.text(max_size=3), FIELDS, st.text(max_size=3), FIELDS)
@example("a", ("bc",), "ab", ("c",))
@example("t", ((), ("a",)), "t", (("a",), ()))
@example("t", ("a", b"b"), "t", (b"a", "b"))
@example("t", (1,), "t", (True,))
def test_the_canonical_encoding_is_injective(
    tag: str, fields: tuple[object, ...], other_tag: str, others: tuple[object, ...]
) -> None:
    equal = (tag, typed(fields)) == (other_tag, typed(others))
    assert (canonical(tag, *fields) == canonical(other_tag, *others)) == equal
    assert (digest_of(tag, *fields) == digest_of(other_tag, *others)) == equal
