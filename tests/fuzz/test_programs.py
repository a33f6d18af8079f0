"""No bytes make decoding or ``handle`` raise, nor a table outgrow its limit (rule 32)."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consensus.encoding import encode
from tests.fuzz.corpus import program
from tests.fuzz.program import ACTS, STEPS, play, read
from tests.unit.pbft.test_bounds import MESSAGES

FOUND: dict[str, bytes] = {}
"""What fuzzing found, by what was wrong; each raised once."""


@pytest.mark.parametrize("what", FOUND)
def test_rule_32_what_was_found_is_mended(what: str) -> None:
    play(FOUND[what])


@settings(max_examples=150)
@given(st.binary(max_size=600))
@example(b"")
def test_rule_32_no_program_raises_out_of_handle(data: bytes) -> None:
    play(data)


@pytest.mark.parametrize("number", range(40))
def test_rule_32_no_long_program_raises_out_of_handle(number: int) -> None:
    play(program(number))


def test_programs_get_somewhere() -> None:
    """Views change, blocks are executed, checkpoints become stable, liars are reported."""
    machines = [play(program(number)) for number in range(40)]
    cores = [machine.validator.replica.core for machine in machines]  # type: ignore[attr-defined]
    assert any(core.view > 0 for core in cores)
    assert any(core.executed > 0 for core in cores)
    assert any(core.slots for core in cores)
    assert len({act for number in range(40) for act in program(number)[:STEPS]}) > len(ACTS)


@settings(max_examples=500)
@given(st.binary(max_size=300))
def test_rule_32_any_bytes_decode_or_are_refused(data: bytes) -> None:
    read(data)


@settings(max_examples=500)
@given(st.sampled_from(MESSAGES), st.data())
def test_rule_32_damaged_messages_decode_or_are_refused(
    message: object, data: st.DataObject
) -> None:
    """A true message cut, lengthened, or with some bytes replaced."""
    raw = bytearray(encode(message))
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    read(bytes(raw[:cut]) + data.draw(st.binary(max_size=8)))
    read(bytes(raw))
