"""No bytes make decoding or ``handle`` raise, nor a table outgrow its limit (rule 32)."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from consensus.encoding import encode
from tests.fuzz.corpus import program
from tests.fuzz.program import ACTS, STEPS, play, read
from tests.unit.pbft.test_bounds import MESSAGES

FOUND: dict[str, bytes] = {
    "a stable state whose committee is nobody": bytes.fromhex(
        "7ecb840b01d165f54fdf357c0583d2b5fe7eb13b50c9bacdabaa70f72e"
    ),
    "a piece of a state whose path has digits that are none": bytes.fromhex(
        "6ea728355c2ecc6ea74830e91a90b53af5adfd2659eb583c2c5655a757828f50809d9ac6d3e5fdb14c"
    ),
    "a view that fits into 64 bits, but the next one doesn't": bytes.fromhex(
        "20e284a965a33544f5e1ebe124496179bcbef966913fe32f228a18bdb26c27c040c01e45f70b"
    ),
}
"""What fuzzing found, by what was wrong; each raised once. The bytes mean something as long as new
acts and options are appended, never inserted."""


@pytest.mark.parametrize("what", FOUND)
def test_rule_32_what_was_found_is_mended(what: str) -> None:
    play(FOUND[what])


@settings(max_examples=150)
@given(st.binary(max_size=600))
@example(b"")
def test_rule_32_no_program_raises_out_of_handle(data: bytes) -> None:
    play(data)


@pytest.mark.parametrize("number", range(80))
def test_rule_32_no_long_program_raises_out_of_handle(number: int) -> None:
    play(program(number))


def test_programs_get_somewhere() -> None:
    """Views change, blocks are executed, checkpoints become stable, liars are reported."""
    machines = [play(program(number)) for number in range(80)]
    cores = [machine.core for machine in machines]
    assert any(core.view > 0 for core in cores)
    assert any(core.executed > 0 for core in cores)
    assert any(core.stable > 0 for core in cores)
    assert any(core.slots for core in cores)
    assert len({act for number in range(80) for act in program(number)[:STEPS]}) > len(ACTS)


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
