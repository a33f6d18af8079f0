"""Conservation and delivery versus payment: a paisa too many is seen, and half a settlement."""

from __future__ import annotations

import msgspec
import pytest

from chainsim.checks import CheckResult
from chainsim.checks.context import BalanceKey
from nodes.ledger.receipts import Posting
from nodes.ledger.transactions import (
    Body,
    CashMint,
    DvpAccept,
    DvpCancel,
    DvpPropose,
    DvpSettle,
    Leg,
    Money,
)
from tests.unit.checks.story import NAMES, Act, Story, judge, ledgers

DEADLINE_US = 3_500
TERMS = DvpPropose(
    id="d1",
    counterparty="bob",
    delivery=Leg("alice/bonds", "bob/bonds", Money("PIB", 300)),
    payment=Leg("bob/cash", "alice/cash", Money("PKR", 900)),
    deadline_us=DEADLINE_US,
)
OPENING: dict[BalanceKey, int] = {
    ("alice/bonds", "PIB", "free"): 500,
    ("bob/cash", "PKR", "free"): 1000,
}
MINT = Act(
    "alice",
    1,
    CashMint(account="alice/cash", amount=Money("PKR", 50)),
    postings=(Posting("alice/cash", "PKR", "free", 50),),
    minted=(("PKR", 50),),
)


def moves(*changes: tuple[str, str, str, int]) -> tuple[Posting, ...]:
    return tuple(Posting(*change) for change in changes)


RESERVE = moves(
    ("alice/bonds", "PIB", "free", -300),
    ("alice/bonds", "PIB", "reserved", 300),
    ("bob/cash", "PKR", "free", -900),
    ("bob/cash", "PKR", "reserved", 900),
)
SETTLE = moves(
    ("alice/bonds", "PIB", "reserved", -300),
    ("bob/bonds", "PIB", "free", 300),
    ("bob/cash", "PKR", "reserved", -900),
    ("alice/cash", "PKR", "free", 900),
)
RELEASE = moves(
    ("alice/bonds", "PIB", "reserved", -300),
    ("alice/bonds", "PIB", "free", 300),
    ("bob/cash", "PKR", "reserved", -900),
    ("bob/cash", "PKR", "free", 900),
)


def dvp(number: int, body: Body, postings: tuple[Posting, ...] = (), code: str = "OK") -> Act:
    return Act("alice", number, body, code, postings)


PROPOSE = dvp(2, TERMS)
ACCEPT = dvp(3, DvpAccept(id="d1"), RESERVE)


def told(*blocks: list[Act], system: dict[int, list[Act]] | None = None) -> Story:
    """A block a millisecond, executed by everybody."""
    story = Story(opening=dict(OPENING))
    for height, acts in enumerate(blocks, start=1):
        own = (system or {}).get(height, [])
        story.decide(height * 1000, story.block(height * 1000, acts, own))
    return story


def verdict(check: str, story: Story) -> CheckResult:
    return judge(check, story.context(), story.records, story.end(9000))


def whole() -> Story:
    return told([MINT, PROPOSE], [ACCEPT], [dvp(4, DvpSettle(id="d1"), SETTLE)])


def test_a_mint_and_a_settled_dvp_pass() -> None:
    story = whole()
    assert verdict("conservation", story).ok
    result = verdict("delivery-versus-payment", story)
    assert result.ok, result.detail
    assert result.detail.startswith("1 settled whole")


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (MINT, ""),
        (Act("alice", 1, MINT.body, postings=MINT.postings), "posts 50 of PKR but minted 0"),
        (Act("alice", 1, MINT.body, minted=MINT.minted), "posts 0 of PKR but minted 50"),
        (
            Act(
                "alice", 1, None, postings=moves(("a", "PKR", "free", 7), ("b", "PKR", "free", -7))
            ),
            "overdraws b/PKR/free to -7",
        ),
        (
            Act(
                "alice",
                1,
                None,
                postings=moves(("bob/cash", "PKR", "free", -5), ("bob/cash", "PKR", "frozen", 4)),
            ),
            "posts -1 of PKR",
        ),
        (
            Act(
                "alice", 1, None, minted=(("GOLD", -5),), postings=moves(("a", "GOLD", "free", -5))
            ),
            "leaves a supply of -5 GOLD",
        ),
    ],
)
def test_money_out_of_nothing_is_caught(act: Act, words: str) -> None:
    result = verdict("conservation", told([], [act]))
    assert result.ok == (not words)
    if words:
        assert any(words in finding.what for finding in result.findings)
        finding = result.findings[0]
        assert (finding.at_us, finding.node, finding.height) == (2000, "v0", 2)


def test_the_validators_ledgers_equal_the_journal_at_their_height() -> None:
    story = whole()
    at_end = {
        ("alice/bonds", "PIB", "free"): 200,
        ("bob/bonds", "PIB", "free"): 300,
        ("bob/cash", "PKR", "free"): 100,
        ("alice/cash", "PKR", "free"): 950,
    }
    behind = {**OPENING, ("alice/cash", "PKR", "free"): 50}  # height 1
    end = msgspec.structs.replace(story.end(9000), ledgers=ledgers(3, at_end))
    assert judge("conservation", story.context(), story.records, end).ok
    end = msgspec.structs.replace(end, ledgers={**end.ledgers, "v1": ledgers(1, behind)["v1"]})
    assert judge("conservation", story.context(), story.records, end).ok
    wrong = {**at_end, ("alice/cash", "PKR", "free"): 951}
    end = msgspec.structs.replace(end, ledgers={**end.ledgers, "v2": ledgers(3, wrong)["v2"]})
    result = judge("conservation", story.context(), story.records, end)
    assert "holds 951 in alice/cash/PKR/free" in result.detail
    assert (result.findings[0].node, result.findings[0].height) == ("v2", 3)
    context = story.context(honest=frozenset(NAMES) - {"v2"})
    assert judge("conservation", context, story.records, end).ok


@pytest.mark.parametrize("legs", [SETTLE[:2], SETTLE[2:], SETTLE[:3], ()])
def test_half_a_settlement_is_caught(legs: tuple[Posting, ...]) -> None:
    story = told([MINT, PROPOSE], [ACCEPT], [dvp(4, DvpSettle(id="d1"), legs)])
    result = verdict("delivery-versus-payment", story)
    assert "isn't both of its legs" in result.detail
    finding = result.findings[0]
    assert (finding.at_us, finding.node, finding.height) == (3000, "v0", 3)


@pytest.mark.parametrize("delta", [-1, 1])
def test_a_settlement_at_another_price_is_caught(delta: int) -> None:
    legs = (
        *SETTLE[:2],
        Posting("bob/cash", "PKR", "reserved", -900 - delta),
        Posting("alice/cash", "PKR", "free", 900 + delta),
    )
    story = told([MINT, PROPOSE], [ACCEPT], [dvp(4, DvpSettle(id="d1"), legs)])
    assert "isn't both of its legs" in verdict("delivery-versus-payment", story).detail


def test_accepting_reserves_both_legs() -> None:
    story = told([PROPOSE], [dvp(3, DvpAccept(id="d1"), RESERVE[:2])])
    result = verdict("delivery-versus-payment", story)
    assert "isn't both of its legs" in result.detail
    assert any("0 of PKR reserved" in finding.what for finding in result.findings)


def test_settling_twice_or_unaccepted_is_caught() -> None:
    settle = dvp(4, DvpSettle(id="d1"), SETTLE)
    again = dvp(5, DvpSettle(id="d1"), SETTLE)
    for story in (told([PROPOSE], [ACCEPT], [settle, again]), told([PROPOSE], [settle])):
        assert "without a live instruction" in verdict("delivery-versus-payment", story).detail


def test_cancelling_gives_everything_back() -> None:
    good = told([PROPOSE], [ACCEPT], [dvp(4, DvpCancel(id="d1"), RELEASE)])
    assert verdict("delivery-versus-payment", good).ok
    bad = told([PROPOSE], [ACCEPT], [dvp(4, DvpCancel(id="d1"))])
    result = verdict("delivery-versus-payment", bad)
    assert any("stranded" in finding.what for finding in result.findings)
    unaccepted = told([PROPOSE], [dvp(4, DvpCancel(id="d1"))])
    assert verdict("delivery-versus-payment", unaccepted).ok


def test_a_failed_step_changes_nothing() -> None:
    story = told([PROPOSE], [ACCEPT], [dvp(4, DvpSettle(id="d1"), code="E_LICENCE")])
    result = verdict("delivery-versus-payment", story)
    assert result.ok
    assert result.detail.endswith("1 reserved")


def test_expiry_releases_at_the_first_block_past_the_deadline() -> None:
    release = Act("", 0, None, postings=RELEASE)
    on_time = told([PROPOSE], [ACCEPT], [], [MINT], system={4: [release]})
    assert on_time.blocks[3].header.time_us > DEADLINE_US
    assert verdict("delivery-versus-payment", on_time).ok
    assert verdict("conservation", on_time).ok
    forgotten = told([PROPOSE], [ACCEPT], [], [MINT])
    result = verdict("delivery-versus-payment", forgotten)
    assert result.findings[0].height == 4
    early = told([PROPOSE], [ACCEPT], [MINT], system={3: [release]})
    assert verdict("delivery-versus-payment", early).findings[0].height == 3


def test_an_instruction_lives_up_to_its_deadline() -> None:
    story = told([PROPOSE], [ACCEPT])
    settle = dvp(4, DvpSettle(id="d1"), SETTLE)
    story.decide(DEADLINE_US, story.block(DEADLINE_US, [settle]))
    assert verdict("delivery-versus-payment", story).ok
    late = told([PROPOSE], [ACCEPT])
    late.decide(DEADLINE_US + 1, late.block(DEADLINE_US + 1, [settle]))
    assert not verdict("delivery-versus-payment", late).ok


def test_what_expires_goes_back_to_whom_it_belongs() -> None:
    stolen = (*RELEASE[:3], Posting("alice/cash", "PKR", "free", 900))
    release = Act("", 0, None, postings=stolen)
    story = told([PROPOSE], [ACCEPT], [], [MINT], system={4: [release]})
    result = verdict("delivery-versus-payment", story)
    assert "isn't what was released" in result.detail
    assert result.findings[0].height == 4


def test_what_ends_reserved_belongs_to_live_instructions() -> None:
    story = told([PROPOSE], [ACCEPT])
    reserved = {
        ("alice/bonds", "PIB", "free"): 200,
        ("alice/bonds", "PIB", "reserved"): 300,
        ("bob/cash", "PKR", "free"): 100,
        ("bob/cash", "PKR", "reserved"): 900,
    }
    end = msgspec.structs.replace(story.end(9000), ledgers=ledgers(2, reserved))
    assert judge("delivery-versus-payment", story.context(), story.records, end).ok
    stranded = {**reserved, ("x", "PKR", "reserved"): 1}
    end = msgspec.structs.replace(story.end(9000), ledgers=ledgers(2, stranded))
    result = judge("delivery-versus-payment", story.context(), story.records, end)
    assert "ends with 1 of PKR reserved in x" in result.detail
