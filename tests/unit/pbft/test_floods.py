"""Rule 32: each table of a replica, flooded by whoever can, stays within its limit."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from consensus.effects import Broadcast, Send
from consensus.limits import (
    MAX_COSIGNATURES,
    MAX_MASK_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_NAME,
    MAX_OPERATION_BYTES,
    MAX_VIEW,
)
from consensus.messages import (
    Batch,
    CertifiedBatch,
    Checkpoint,
    Commit,
    CommitCertificate,
    CoSignature,
    FetchBatch,
    FetchViewChange,
    Prepare,
    PrePrepare,
    Request,
    SlotStatus,
    Status,
    ViewChange,
    decode,
    signed,
)
from consensus.pbft import core as core_module
from consensus.pbft import requests
from consensus.pbft.catch_up import BATCHES_AHEAD
from consensus.pbft.core import REPORTS_KEPT
from consensus.pbft.new_view import view_change_is_valid
from nodes import mempool
from tests.unit.pbft.bench import CHAIN, Bench, Host
from tests.unit.pbft.tables import FIXED, LIMITS, held, over
from tests.unit.pbft.test_hostile_peers import junk_new_view
from tests.unit.pbft.test_view_change import certificate, view_change

SECOND = 1_000_000
ROOT = Path(__file__).parents[3]


def quiet(n: int = 4, **parameters: int) -> tuple[Bench, Host]:
    """A replica that hears only what the test gives it; all others are hostile."""
    bench = Bench(n, **parameters)
    bench.rule = lambda _from, _to, _message: False
    return bench, bench["r1"]


def size(host: Host, table: str) -> int:
    return held(host.replica.core)[table]


def limit(host: Host, table: str) -> int:
    return LIMITS[table](host.replica.core)


def test_every_table_has_a_limit() -> None:
    bench = Bench(4)
    bench.submit(1)
    bench.settle()
    core = bench["r1"].replica.core
    assert over(core) == []
    assert set(held(core)) == set(LIMITS) | (FIXED & set(held(core)))


def test_a_table_without_a_limit_is_found() -> None:
    core = Bench(4)["r1"].replica.core
    core.views.hoard = {}  # type: ignore[attr-defined]
    assert over(core) == ["views.hoard has no limit"]


def test_the_page_names_every_table() -> None:
    page = (ROOT / "consensus/pbft/README.md").read_text("utf-8")
    section = page.split("## Bounds\n", 1)[1].split("\n## ", 1)[0]
    named = set(re.findall(r"^\| `([\w.]+)` \|", section, re.MULTILINE))
    assert set(LIMITS) - {"core.out"} <= named


# -- what proposals and votes fill -----------------------------------------------------


def slots(bench: Bench, host: Host) -> None:
    for sequence in range(-5, 500):
        for kind, sender in ((PrePrepare, "r0"), (Prepare, "r2"), (Commit, "r3")):
            batch = Batch(sequence + 10, (bench.request(1),))
            message = kind(CHAIN, 0, sender, 0, sequence, batch.digest)
            if isinstance(message, PrePrepare):
                message = message.with_batch(batch)
            host.receive(signed(message, bench.signers[sender]))


def future(bench: Bench, host: Host) -> None:
    for sender in ("r0", "r2", "r3"):
        for view in range(1, 150):
            for sequence in range(1, 5):
                message = Commit(CHAIN, 0, sender, view, sequence, b"d" * 32)
                host.receive(signed(message, bench.signers[sender]))


def reports(bench: Bench, host: Host) -> None:
    for view in range(3, 3 + 4 * (REPORTS_KEPT + 50), 4):
        host.receive(junk_new_view(bench, "r3", view, n=1))


def views(bench: Bench, host: Host) -> None:
    """Two others call for ever higher views, and it joins each."""
    for view in range(1, 300):
        for sender in ("r2", "r3"):
            host.receive(view_change(bench, sender, view))
        assert host.replica.view == view


def held_proposals(bench: Bench, host: Host) -> None:
    """The primary's proposals are due in a year; the others decide without this replica."""
    core = host.replica.core
    for sequence in range(1, 200):
        late = Batch(10**15, (bench.request(sequence),))
        proposal = PrePrepare(CHAIN, 0, "r0", 0, sequence, late.digest, batch=late)
        host.receive(signed(proposal, bench.signers["r0"]))
        host.receive(certified(bench, sequence))
        if sequence % 10 == 0:
            digest = core.checkpoints._states[sequence].digest
            for sender in ("r0", "r2", "r3"):
                vote = Checkpoint(CHAIN, 0, sender, sequence, digest)
                host.receive(signed(vote, bench.signers[sender]))
    assert core.stable == 190


def certified(bench: Bench, sequence: int) -> CertifiedBatch:
    """What three hostile validators can make of anything."""
    batch = Batch(sequence, (bench.request(sequence, "c1"),))
    commits = tuple(
        signed(Commit(CHAIN, 0, id_, 0, sequence, batch.digest), bench.signers[id_])
        for id_ in ("r0", "r2", "r3")
    )
    proof = CommitCertificate(0, 0, sequence, batch.digest, commits)
    return signed(CertifiedBatch(CHAIN, 0, "r0", sequence, batch, proof), bench.signers["r0"])


def caught(bench: Bench, host: Host) -> None:
    for sequence in range(2, 500):
        host.receive(certified(bench, sequence))


# -- what checkpoints and view changes fill ----------------------------------------------


def checkpoints(bench: Bench, host: Host) -> None:
    for sender in ("r0", "r2", "r3"):
        for sequence in range(1, 2000):
            vote = Checkpoint(CHAIN, 0, sender, sequence, sender.encode() * 16)
            host.receive(signed(vote, bench.signers[sender]))


def new_views(bench: Bench, host: Host) -> None:
    for view in range(2, 300):
        host.receive(junk_new_view(bench, bench.committee.primary(view), view))


def status_of(bench: Bench, sender: str, epoch: int = 0, **changed: object) -> Status:
    plain = Status(CHAIN, epoch, sender, 0, True, 0, 0, b"", b"", ())
    return signed(msgspec.structs.replace(plain, **changed), bench.signers[sender])


def status(bench: Bench, host: Host) -> None:
    """Members, strangers, and members' names in epochs that nobody knows."""
    for number in range(300):
        bench.now_us += 2 * SECOND
        for sender in ("r0", "r2", "r3", "c0", "c1"):
            host.receive(status_of(bench, sender, executed=number))
            host.receive(status_of(bench, sender, epoch=number, executed=number))


def fetches(bench: Bench, host: Host) -> None:
    """Whatever it has, everybody asks for it, again and again."""
    slots(bench, host)
    for sender in ("r2", "r3"):
        host.receive(view_change(bench, sender, 1))
    for _ in range(50):
        for message in questions(bench, host):
            host.receive(message)


def questions(bench: Bench, host: Host) -> list[FetchBatch | FetchViewChange]:
    asked: list[FetchBatch | FetchViewChange] = []
    for sender in ("r0", "r2", "r3"):
        signer = bench.signers[sender]
        for slot in host.replica.core.slots.values():
            if slot.pre_prepare is not None:
                what = FetchBatch(CHAIN, 0, sender, slot.sequence, slot.pre_prepare.digest)
                asked.append(signed(what, signer))
        for author, known in host.replica.core.views.received.items():
            view = FetchViewChange(CHAIN, 0, sender, 1, author, known.digest_bytes)
            asked.append(signed(view, signer))
    return asked


Flood = Callable[[Bench, Host], None]

FLOODS: list[tuple[Flood, dict[str, str]]] = [
    (slots, {"core.slots": "full"}),
    (future, {"future.kept": "by senders"}),
    (reports, {"core.reported": "by senders"}),
    (views, {"guard.signed": "", "views.received": ""}),
    (held_proposals, {"normal.held": "", "core.slots": ""}),
    (caught, {"catch_up.caught": "full"}),
    (checkpoints, {"checkpoints.votes": "by senders", "checkpoints.ahead": "by senders"}),
    (new_views, {"entrance.entries": "by senders"}),
    (status, {"catch_up.previous": "", "catch_up.heard_us": "", "catch_up.attempts": ""}),
    (fetches, {"answers.given": ""}),
]
"""A flood, and the tables that it is meant for: "full" are filled to the last place, "by senders"
to what those who take part may have."""


@pytest.mark.parametrize(
    ("flood", "meant"), FLOODS, ids=lambda value: getattr(value, "__name__", "")
)
def test_rule_32_a_flood_fills_no_table_beyond_its_limit(
    flood: Flood, meant: dict[str, str]
) -> None:
    bench, host = quiet()
    flood(bench, host)
    assert over(host.replica.core) == []
    for table, how in meant.items():
        assert size(host, table) > 0, table
        if how == "full":
            assert size(host, table) in (limit(host, table), limit(host, table) - 1), table
        if how == "by senders":  # of four, one is the replica itself; or a single one takes part
            shares = {limit(host, table) * part // 4 for part in (1, 3)}
            assert size(host, table) in shares, table


def test_rule_32_a_thousand_views_leave_one_entry_in_the_guard() -> None:
    bench, host = quiet()
    views(bench, host)
    assert size(host, "guard.signed") == 1


def test_rule_32_held_proposals_of_decided_slots_go() -> None:
    bench, host = quiet()
    held_proposals(bench, host)
    assert min(host.replica.core.normal._held) > host.replica.stable


def test_rule_32_caught_batches_reach_no_further_than_their_cap() -> None:
    bench, host = quiet()
    caught(bench, host)
    assert max(host.replica.core.catch_up._caught) == BATCHES_AHEAD


def test_rule_32_requests_fill_no_more_than_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "FORWARDS_KEPT", 20)
    bench, host = quiet()
    for number in range(1, 200):
        host.receive(bench.request(number))
    assert size(host, "requests.forwarded") == 20
    assert size(host, "timeouts.deadlines") == 1
    assert size(host, "pool.digests") == 199


def test_rule_32_numbers_of_others_proposals_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mempool, "PROPOSED_LIMIT", 30)
    bench = Bench(4)
    pool = mempool.Mempool()
    for number in range(100):
        pool.mark_selected((bench.request(number),))
    assert len(pool._proposed) == 30


def test_rule_32_reports_are_capped_per_culprit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(core_module, "REPORTS_KEPT", 5)
    bench, host = quiet()
    for view in range(3, 3 + 4 * 50, 4):
        host.receive(junk_new_view(bench, "r3", view, n=1))
    for view in range(2, 2 + 4 * 3, 4):
        host.receive(junk_new_view(bench, "r2", view, n=1))
    assert [r.culprit for r in host.reports].count("r3") == 5
    assert [r.culprit for r in host.reports].count("r2") == 3


# -- single messages -----------------------------------------------------------------


def test_rule_32_a_message_that_is_too_long_is_not_decoded() -> None:
    with pytest.raises(msgspec.DecodeError, match="at most"):
        decode(bytes(MAX_MESSAGE_BYTES + 1))


def oversized(bench: Bench) -> dict[str, Request]:
    signer = bench.signers["c0"]
    plain = Request(CHAIN, 0, "c0", 1, b"op", signer.public_key)
    cosigner = CoSignature("c1", bench.signers["c1"].public_key, b"")
    return {
        "operation": msgspec.structs.replace(plain, operation=bytes(MAX_OPERATION_BYTES + 1)),
        "cosignatures": msgspec.structs.replace(
            plain, cosignatures=(cosigner,) * (MAX_COSIGNATURES + 1)
        ),
        "sender": msgspec.structs.replace(plain, sender="c" * (MAX_NAME + 1)),
        "cosigner": msgspec.structs.replace(
            plain, cosignatures=(msgspec.structs.replace(cosigner, party="c" * (MAX_NAME + 1)),)
        ),
    }


@pytest.mark.parametrize("what", ["operation", "cosignatures", "sender", "cosigner"])
def test_rule_32_an_oversized_request_is_neither_kept_nor_accepted_in_a_batch(what: str) -> None:
    bench, host = quiet()
    request = oversized(bench)[what]
    payload = request.signing_bytes
    cosignatures = tuple(
        msgspec.structs.replace(c, signature=bench.signers["c1"].sign(payload))
        for c in request.cosignatures
    )
    request = signed(
        msgspec.structs.replace(request, cosignatures=cosignatures), bench.signers["c0"]
    )
    host.receive(request)
    assert size(host, "pool.digests") == 0
    batch = Batch(0, (request,))
    proposal = PrePrepare(CHAIN, 0, "r0", 0, 1, batch.digest, batch=batch)
    host.receive(signed(proposal, bench.signers["r0"]))
    assert not host.reached("pre-prepare-accepted")


def test_rule_32_a_batch_beyond_the_maximum_is_not_even_kept_for_later() -> None:
    bench, host = quiet(block_max_txs=3)
    for count, kept in ((4, 0), (3, 1)):
        batch = Batch(0, tuple(bench.request(number) for number in range(1, count + 1)))
        proposal = PrePrepare(CHAIN, 0, "r2", 2, 1, batch.digest, batch=batch)
        host.receive(signed(proposal, bench.signers["r2"]))
        assert size(host, "future.kept") == kept


def test_rule_32_nobody_is_led_to_a_view_that_no_number_holds() -> None:
    bench, host = quiet()
    for sender in ("r0", "r2", "r3"):
        host.receive(view_change(bench, sender, 2**64 - 1))
        host.receive(view_change(bench, sender, MAX_VIEW + 1))
    assert host.replica.view == 0
    host.receive(junk_new_view(bench, "r3", MAX_VIEW + 3))
    assert size(host, "entrance.entries") == 0


def test_rule_32_a_view_change_is_sized_before_its_signatures_are_checked() -> None:
    bench = Bench(4)
    batch = Batch(0, (bench.request(1),))
    many = tuple(certificate(bench, batch, sequence=n) for n in range(1, 22))
    long = view_change(bench, "r2", 1, many)
    asked: list[object] = []

    def authentic(message: object) -> bool:
        asked.append(message)
        return True

    assert not view_change_is_valid(long, bench.committee, 20, authentic)
    padded = msgspec.structs.replace(many[0], prepares=many[0].prepares * 400)
    assert not view_change_is_valid(
        view_change(bench, "r2", 1, (padded,)), bench.committee, 20, authentic
    )
    assert asked == []
    assert isinstance(long, ViewChange)
    assert view_change_is_valid(
        view_change(bench, "r2", 1, many[:20]), bench.committee, 20, authentic
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"executed": -1},
        {"stable": -1},
        {"view": -1},
        {"view": MAX_VIEW + 1},
        {"checkpoints": bytes(MAX_MASK_BYTES + 1)},
        {"view_changes": bytes(MAX_MASK_BYTES + 1)},
        {"slots": (SlotStatus(1, True, b"", b""),) * 21},
        {"slots": (SlotStatus(1, True, bytes(MAX_MASK_BYTES + 1), b""),)},
    ],
)
def test_rule_32_an_implausible_status_is_not_kept(changed: dict[str, object]) -> None:
    bench, host = quiet()
    host.receive(status_of(bench, "r2", **changed))
    assert size(host, "catch_up.previous") == 0
    host.receive(status_of(bench, "r2"))
    assert size(host, "catch_up.previous") == 1


# -- answers -------------------------------------------------------------------------------


def test_rule_32_each_question_is_answered_once_per_half_interval() -> None:
    bench, host = quiet()
    slots(bench, host)
    asked = questions(bench, host)
    first = [e for m in asked for e in host.receive(m) if isinstance(e, Send)]
    assert len(first) == len(asked) > 50
    again = [e for m in asked * 20 for e in host.receive(m) if isinstance(e, Send)]
    assert again == []
    bench.now_us += bench.parameters.status_interval_us
    later = [e for m in asked for e in host.receive(m) if isinstance(e, Send)]
    assert len(later) == len(asked)


def test_rule_32_a_spoofed_status_of_an_unknown_epoch_silences_nobody() -> None:
    """Anybody can put r3's name under a STATUS without a signature, or with one that nobody can
    check, of an epoch that nobody knows."""
    bench = Bench(4)
    bench.rule = lambda _from, to, _m: to != "r3"
    bench.submit(1)
    bench.run_for(3 * SECOND)
    host = bench["r1"]
    bench.rule = lambda _from, _to, _m: True
    spoofed = Status(CHAIN, 999, "r3", 5, True, 10**6, 10**6, b"", b"", (), b"nonsense")
    for _ in range(40):
        for name in ("r0", "r1", "r2"):
            bench[name].receive(spoofed)
            bench[name].receive(msgspec.structs.replace(spoofed, signature=b""))
        bench.run_for(200_000)
    assert len(bench["r3"].blocks) == 1
    assert size(host, "catch_up.previous") <= limit(host, "catch_up.previous")


def test_rule_32_a_member_that_floods_status_delays_nobody_elses() -> None:
    bench, host = quiet()
    for _ in range(100):
        host.receive(status_of(bench, "r2"))
    assert not [e for e in host.receive(status_of(bench, "r3")) if isinstance(e, Broadcast)]
    assert size(host, "catch_up.previous") == 2
