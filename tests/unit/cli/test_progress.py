"""Progress goes to standard error: one line that redraws itself, or plain lines."""

from __future__ import annotations

import os
import signal

import pytest

from chainsim import wall_clock
from chainsim.cli import output
from chainsim.cli.progress import LINE_NS, watching
from chainsim.recorded_run import Interrupted
from chainsim.simulation.standing import Progress

HERE = Progress(12_345_678, 45, 1, 38_120)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    now = [1_000]
    monkeypatch.setattr(wall_clock, "now_ns", lambda: now[0])
    return now


def test_plain_lines_come_now_and_then(
    clock: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    with watching(60_000_000) as show:
        show(HERE)
        assert capsys.readouterr() == ("", "")
        clock[0] += LINE_NS
        show(HERE)
        show(HERE)
    assert capsys.readouterr() == (
        "",
        "12.3 s simulated, height 45, view 1, 38,120 messages, 19,060/s\n",
    )


def test_ctrl_c_ends_the_run_between_two_events() -> None:
    # A shell without job control starts what runs in the background deaf to Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        _interrupt_twice()
    finally:
        signal.signal(signal.SIGINT, before)


def _interrupt_twice() -> None:
    with watching(60_000_000) as show:
        show(HERE)
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            show(HERE)
        with pytest.raises(KeyboardInterrupt):  # the second one doesn't wait
            os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):  # and afterwards all is as it was
        os.kill(os.getpid(), signal.SIGINT)


def test_a_dumb_terminal_is_not_animated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert output.animated()
    monkeypatch.setenv("TERM", "dumb")
    assert not output.animated()
