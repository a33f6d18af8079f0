"""Hypothesis strategies for every protocol message, with small domains so that values meet."""

from __future__ import annotations

from hypothesis import strategies as st

from consensus.checkpoint_state import CheckpointState
from consensus.messages import (
    BalanceProof,
    Batch,
    BatchReply,
    CertifiedBatch,
    CertifiedState,
    Checkpoint,
    Commit,
    CommitCertificate,
    CoSignature,
    FetchBalance,
    FetchBatch,
    FetchHeaders,
    FetchProof,
    FetchReceipts,
    FetchState,
    FetchViewChange,
    Headers,
    Message,
    NewView,
    Prepare,
    PreparedCertificate,
    PrePrepare,
    ReceiptEvidence,
    ReceiptProof,
    Reply,
    Request,
    SlotStatus,
    State,
    StateProof,
    Status,
    ViewChange,
)
from consensus.types import Member, ScheduledChange

CHAINS = st.sampled_from([b"", b"\x00" * 32, b"\x01" * 32])
NUMBERS = st.one_of(st.integers(0, 3), st.integers(0, 2**63 - 1))
NAMES = st.sampled_from(["", "a", "b", "prepare", "commit", "ministry"])
DIGESTS = st.one_of(st.sampled_from([b"", b"\x00" * 32, b"\x01" * 32]), st.binary(max_size=33))
SIGNATURES = st.binary(max_size=4)
HEAD = (CHAINS, NUMBERS, NAMES)

COSIGNATURES = st.lists(st.builds(CoSignature, NAMES, DIGESTS, SIGNATURES), max_size=2).map(tuple)
REQUESTS = st.builds(
    Request, *HEAD, NUMBERS, st.binary(max_size=8), DIGESTS, SIGNATURES, COSIGNATURES
)
BATCHES = st.builds(Batch, NUMBERS, st.lists(REQUESTS, max_size=2).map(tuple))
HEADERS = st.builds(PrePrepare, *HEAD, NUMBERS, NUMBERS, DIGESTS, SIGNATURES)
PRE_PREPARES = st.builds(
    PrePrepare, *HEAD, NUMBERS, NUMBERS, DIGESTS, SIGNATURES, st.one_of(st.none(), BATCHES)
)
PREPARES = st.builds(Prepare, *HEAD, NUMBERS, NUMBERS, DIGESTS, SIGNATURES)
COMMITS = st.builds(Commit, *HEAD, NUMBERS, NUMBERS, DIGESTS, SIGNATURES)
CHECKPOINTS = st.builds(Checkpoint, *HEAD, NUMBERS, DIGESTS, SIGNATURES)
REPLIES = st.builds(Reply, *HEAD, NUMBERS, NAMES, NUMBERS, st.binary(max_size=4), SIGNATURES)
PREPARED = st.builds(PreparedCertificate, HEADERS, st.lists(PREPARES, max_size=2).map(tuple))
CERTIFICATES = st.builds(
    CommitCertificate, NUMBERS, NUMBERS, NUMBERS, DIGESTS, st.lists(COMMITS, max_size=2).map(tuple)
)
VIEW_CHANGES = st.builds(
    ViewChange,
    *HEAD,
    NUMBERS,
    NUMBERS,
    st.lists(CHECKPOINTS, max_size=2).map(tuple),
    st.lists(PREPARED, max_size=2).map(tuple),
    SIGNATURES,
)
NEW_VIEWS = st.builds(
    NewView,
    *HEAD,
    NUMBERS,
    st.lists(st.tuples(NAMES, DIGESTS), max_size=2).map(tuple),
    st.lists(HEADERS, max_size=2).map(tuple),
    SIGNATURES,
)
MASKS = st.binary(max_size=9)
SLOTS = st.builds(SlotStatus, NUMBERS, st.booleans(), MASKS, MASKS)
STATUSES = st.builds(
    Status,
    *HEAD,
    NUMBERS,
    st.booleans(),
    NUMBERS,
    NUMBERS,
    MASKS,
    MASKS,
    st.lists(SLOTS, max_size=2).map(tuple),
    SIGNATURES,
)
MEMBERS = st.lists(st.builds(Member, NAMES, DIGESTS), max_size=2).map(tuple)
STATES = st.builds(
    CheckpointState,
    NUMBERS,
    DIGESTS,
    DIGESTS,
    NUMBERS,
    MEMBERS,
    st.none() | st.builds(ScheduledChange, NUMBERS, MEMBERS),
)
CERTIFIED = st.builds(CertifiedState, STATES, st.lists(CHECKPOINTS, max_size=2).map(tuple))
PATHS = st.one_of(st.sampled_from(["", "header", "state/", "replies/", "state/a"]), st.text())
INCLUSION = st.lists(DIGESTS, max_size=2).map(tuple)
EVIDENCE = st.builds(
    ReceiptEvidence,
    NUMBERS,
    st.binary(max_size=8),
    NUMBERS,
    NUMBERS,
    INCLUSION,
    st.none() | REQUESTS,
    NUMBERS,
    INCLUSION,
)
BY_TYPE: dict[type[Message], st.SearchStrategy[Message]] = {
    Request: REQUESTS,
    PrePrepare: PRE_PREPARES,
    Prepare: PREPARES,
    Commit: COMMITS,
    Reply: REPLIES,
    Checkpoint: CHECKPOINTS,
    ViewChange: VIEW_CHANGES,
    NewView: NEW_VIEWS,
    Status: STATUSES,
    FetchBatch: st.builds(FetchBatch, *HEAD, NUMBERS, DIGESTS, SIGNATURES),
    BatchReply: st.builds(BatchReply, *HEAD, NUMBERS, BATCHES, SIGNATURES),
    FetchViewChange: st.builds(FetchViewChange, *HEAD, NUMBERS, NAMES, DIGESTS, SIGNATURES),
    CertifiedBatch: st.builds(CertifiedBatch, *HEAD, NUMBERS, BATCHES, CERTIFICATES, SIGNATURES),
    FetchProof: st.builds(FetchProof, *HEAD, NAMES, SIGNATURES),
    StateProof: st.builds(
        StateProof, *HEAD, st.lists(CERTIFIED, max_size=2).map(tuple), SIGNATURES
    ),
    FetchState: st.builds(FetchState, *HEAD, NUMBERS, PATHS, SIGNATURES),
    State: st.builds(State, *HEAD, NUMBERS, PATHS, st.binary(max_size=8), SIGNATURES),
    FetchHeaders: st.builds(FetchHeaders, *HEAD, NUMBERS, NUMBERS, SIGNATURES),
    Headers: st.builds(
        Headers,
        *HEAD,
        NUMBERS,
        st.lists(st.binary(max_size=8), max_size=2).map(tuple),
        SIGNATURES,
    ),
    FetchReceipts: st.builds(FetchReceipts, *HEAD, NUMBERS, NUMBERS, NAMES, SIGNATURES),
    ReceiptProof: st.builds(
        ReceiptProof,
        *HEAD,
        NUMBERS,
        NUMBERS,
        NAMES,
        st.lists(EVIDENCE, max_size=2).map(tuple),
        SIGNATURES,
    ),
    FetchBalance: st.builds(FetchBalance, *HEAD, NUMBERS, NAMES, NAMES, SIGNATURES),
    BalanceProof: st.builds(
        BalanceProof,
        *HEAD,
        NUMBERS,
        NAMES,
        NAMES,
        st.binary(max_size=8),
        st.lists(st.tuples(NUMBERS, INCLUSION), max_size=2).map(tuple),
        st.none() | st.tuples(NAMES, DIGESTS),
        SIGNATURES,
    ),
}
MESSAGES = st.one_of(*BY_TYPE.values())
