"""Rule 22: a ledger that takes over another one's state goes on exactly like it."""

from __future__ import annotations

import pytest

from consensus.messages import Request
from nodes.ledger.execution import Ledger
from nodes.ledger.kinds import entry_of
from nodes.ledger.state import key_bytes
from tests.unit.ledger.samples import ALL, Sample
from tests.unit.ledger.support import GENESIS, Desk
from tests.unit.ledger.test_access import envelope


def request_of(desk: Desk, type_name: str, sample: Sample) -> Request:
    sender, body, cosigners = sample
    return desk.request(sender, body, cosigners, **envelope(type_name, body, cosigners))


def taken_over(desk: Desk, other: Desk) -> Desk:
    """``other``, whose ledger took over the first one's state."""
    other.ledger.install(desk.ledger.height, desk.time_us, *desk.ledger.trees)
    other.time_us = desk.time_us
    return other


@pytest.mark.parametrize(("type_name", "make"), ALL)
def test_rule_22_every_kind_of_value_is_read_back_from_its_bytes(
    type_name: str, make: object
) -> None:
    desk = Desk()
    sample: Sample = make(desk)  # type: ignore[operator]
    assert desk.block(request_of(desk, type_name, sample)).receipts[0].code == "OK"
    entries, _ = desk.ledger.trees
    values = desk.ledger._state.values
    found = dict(entry_of(key, value) for key, value in entries.items())
    assert found == values
    assert {key_bytes(key) for key in values} == {key for key, _ in entries.items()}


@pytest.mark.parametrize(("type_name", "make"), ALL)
def test_rule_22_what_is_executed_next_gives_the_same(type_name: str, make: object) -> None:
    """From genesis, and from the state just before: the same receipts and roots as ever."""
    for behind in (False, True):
        desk = Desk()
        other = Desk()
        if behind:
            make(other)  # type: ignore[operator]
        sample: Sample = make(desk)  # type: ignore[operator]
        taken_over(desk, other)
        request = request_of(desk, type_name, sample)
        for after_us in (1_000, 10**13):  # at last beyond every deadline
            assert desk.block(request, after_us=after_us) == other.block(request, after_us=after_us)
        assert other.ledger.audit() == []


def test_rule_22_the_reply_table_comes_with_the_state() -> None:
    desk = Desk()
    request = desk.request("sbp", b"junk")
    desk.block(request)
    done = request_of(desk, ALL[0][0], ALL[0][1](desk))
    assert desk.block(done).receipts[0].code == "OK"
    other = taken_over(desk, Desk())
    assert other.ledger.cached_reply(done.sender, done.number) is not None
    assert other.block(done).receipts[0].code == "E_NONCE"
    assert other.ledger.reply_root == desk.ledger.reply_root


def test_rule_22_a_state_can_be_taken_over_in_steps() -> None:
    """Costs what differs: each step starts from the one before."""
    desk, follower = Desk(), Ledger(GENESIS)
    for _, make in ALL[:12]:
        fresh = Desk()
        make(fresh)
        follower.install(fresh.ledger.height, fresh.time_us, *fresh.ledger.trees)
        assert follower.state_root == fresh.ledger.state_root
        assert follower.reply_root == fresh.ledger.reply_root
        assert follower._state.values == fresh.ledger._state.values
        assert follower._state._groups == fresh.ledger._state._groups
        assert follower.audit() == []
    follower.install(desk.ledger.height, desk.time_us, *desk.ledger.trees)
    assert follower._state.values == desk.ledger._state.values
