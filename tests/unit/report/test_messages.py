"""Which messages are drawn, and how their content is told."""

from __future__ import annotations

from chainsim.report.messages import BEFORE_US, BUDGET, NEAR_US, MessageLog, shown
from chainsim.trace import MessageMoved
from consensus.messages import Batch, Commit, CommitCertificate, Prepare, PrePrepare, Request

VOTE = Prepare(b"chain", 0, "a", 0, 1, b"d" * 32)


def sent(flight: int, sequence: int, at_us: int = 0, kind: str = "prepare") -> MessageMoved:
    message = Prepare(b"chain", 0, "a", 0, sequence, b"d" * 32)
    return MessageMoved(at_us, "a", "sent", kind, "b", 0, sequence, 100, "", flight, message)


def slots(log: MessageLog, count: int, each: int, step_us: int = 1000) -> None:
    """``count`` slots of ``each`` messages."""
    for number in range(count * each):
        slot = number // each + 1
        log.on_message(sent(number + 1, slot, slot * step_us))


def test_a_small_run_is_drawn_whole() -> None:
    log = MessageLog(60, [])
    slots(log, 10, 6)
    assert len(log.flights) == 60
    assert str(log.thinning) == "All 60 messages are drawn."
    assert len(log.contents) == 10, "what was said is kept once for all receivers"


def test_a_large_one_keeps_whole_slots_and_what_is_near_a_moment() -> None:
    log = MessageLog(60_000, [5_000_000], budget=600)
    slots(log, 10_000, 6)
    kept: dict[int, list[int]] = {}
    for number, flight in log.flights.items():
        kept.setdefault((number - 1) // 6 + 1, []).append(flight.sent_us)
    assert len(log.flights) <= 600
    near = [slot for slot, times in kept.items() if -BEFORE_US <= times[0] - 5_000_000 < NEAR_US]
    far = [slot for slot in kept if slot not in near and slot < 4_980]
    assert len(near) > 45
    assert len(far) > 20
    assert all(len(kept[slot]) == 6 for slot in far)
    assert "Thinned: " in str(log.thinning)
    assert f"{len(log.flights):,} of 60,000 messages" in str(log.thinning)


def test_moments_that_come_up_are_near_too() -> None:
    log = MessageLog(60_000, [], budget=600)
    log.moment(3_000_000)
    before = len(log.flights)
    log.on_message(sent(1, 2, 3_000_000))
    log.on_message(sent(2, 2, 3_000_000 + NEAR_US))
    assert len(log.flights) == before + 1


def test_messages_without_a_slot_are_sampled_alike() -> None:
    log = MessageLog(600_000, [], budget=600)
    for number in range(6_000):
        log.on_message(sent(number + 1, 0, kind="status"))
    assert 2 <= len(log.flights) <= 6


def test_no_run_draws_more_than_its_budget() -> None:
    log = MessageLog(BUDGET * 3, [0], budget=90)
    slots(log, 30, 40, step_us=1)
    assert len(log.flights) <= 90


def test_a_flight_ends_once_and_its_copies_are_kept() -> None:
    log = MessageLog(2, [])
    log.on_message(sent(7, 1, 10))
    for at_us in (30, 45):
        log.on_message(MessageMoved(at_us, "b", "delivered", "prepare", "a", 0, 1, 100, "", 7))
    flight = log.flights[7]
    assert (flight.ended_us, flight.copies, flight.lost) == (30, (45,), "")
    log.on_message(sent(8, 1, 50))
    log.on_message(MessageMoved(50, "a", "dropped", "prepare", "b", 0, 1, 100, "loss", 8))
    assert (log.flights[8].ended_us, log.flights[8].lost) == (50, "loss")


def test_content_is_told_for_people() -> None:
    told = shown(VOTE)
    assert told["sender"] == "a"
    assert told["digest"] == "64" * 8 + "…"
    assert "chain" not in told


def test_a_client_s_wish_is_unpacked() -> None:
    wish = b"\x81\xa4type\xa3PAY"
    request = Request(b"chain", 0, "pd-1", 4, wish, b"k" * 32)
    assert shown(request)["operation"] == {"type": "PAY"}
    assert shown(Request(b"chain", 0, "x", 4, b"\xc1", b""))["operation"] == "c1"
    batch = Batch(1, (request,) * 30)
    told = shown(PrePrepare(b"chain", 0, "a", 0, 1, b"d", b"", batch))
    assert told["batch"]["requests"][0]["operation"] == {"type": "PAY"}
    assert told["batch"]["requests"][-1] == "… and 18 more"


def test_certificates_are_summed_up() -> None:
    votes = tuple(Commit(b"chain", 0, name, 3, 9, b"d") for name in "abc")
    told = shown({"certificate": CommitCertificate(0, 3, 9, b"d", votes)})
    assert told["certificate"]["commits"][0] == "commit by a, view 3, sequence 9"
