"""The dashboard as a person sees it: on a pseudo-terminal, keys sent and the screen read back."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from chainsim.dashboard.prods import BEHAVIOUR_PRODS
from tests.live.person import ROOT, Person
from tests.unit.dashboard.support import TEXT, small, unwatched

CHAINSIM = ("-m", "chainsim")


def start(folder: Path, *options: str, size: tuple[int, int] = (80, 24), **extra: str) -> Person:
    """Runs the small scenario under the dashboard."""
    (folder / "small.toml").write_text(TEXT, encoding="utf-8")
    return Person(folder, *CHAINSIM, "run", "./small.toml", "--live", *options, size=size, **extra)


def summary(folder: Path) -> dict[str, object]:
    (found,) = (folder / "runs").iterdir()
    return json.loads((found / "summary.json").read_text())


@pytest.mark.parametrize(
    ("size", "there", "not_there"),
    [
        ((80, 24), ("Validators", "Slots", "Events"), ("Network", "Money")),
        ((120, 40), ("Validators", "Slots", "View changes", "Network", "Faults", "Money"), ()),
        ((200, 60), ("View changes", "Properties", "Chain", "Finality", "Money", "Events"), ()),
    ],
)
def test_each_size_shows_what_fits(
    tmp_path: Path, size: tuple[int, int], there: tuple[str, ...], not_there: tuple[str, ...]
) -> None:
    with start(tmp_path, "--speed", "max", size=size) as person:
        text = person.sees("OVER", "RESULT")
        for title in there:
            assert f"─ {title}" in text
        for title in not_there:
            assert f"─ {title}" not in text
        for answer in ("PRIMARY", "QUORUM", "OUT", "MONEY", "✓ safe", "more failure"):
            assert answer in text
        person.press("q")
        assert person.ends() == 0
        assert person.restored()
    assert summary(tmp_path)["digest"] == unwatched(small()).digest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal_and_keeps_the_run(
    tmp_path: Path, number: signal.Signals
) -> None:
    with start(tmp_path) as person:
        person.sees("running x1", "height")
        person.signal(number)
        assert person.ends() == 130
        assert person.restored()
    assert summary(tmp_path)["ended"] == "interrupted"


def chainsim(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command line, without a terminal."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *CHAINSIM, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_crash_recover_save_and_the_same_digest(tmp_path: Path) -> None:
    with start(tmp_path, size=(100, 30)) as person:
        person.sees("running x1", "height")
        person.press(" ", "g", "2600ms\r")
        person.sees("PAUSED", "2.600000 of")
        person.press("\x1b[B", "\x1b[B", "c")  # down to v2, crash it
        person.sees("crash of v2 from 2.600001 s on")
        person.press(">")
        person.sees("✗ DOWN", "v2 DOWN", "any")
        person.press("g", "+0.5\r")
        person.sees("PAUSED", unless=("2.600000 of",))
        person.press("c")
        person.sees("crash of v2 ends at")
        person.press("g", "20\r")
        text = person.sees("OVER", "RESULT", "exit code 0", "OUT      nobody")
        digest = text.partition("digest ")[2][:8]
        person.press("w")
        person.sees("wrote small-live.toml")
        person.press("q")
        assert person.ends() == 0
    written = (tmp_path / "small-live.toml").read_text()
    assert written.count('kind = "crash"') == 2
    assert 'at = "2600001us"' in written
    watched = summary(tmp_path)["digest"]
    alone = json.loads(chainsim(tmp_path, "run", "./small-live.toml", "--json").stdout)
    assert alone["digest"] == watched
    assert alone["digest"].startswith(digest)
    again = chainsim(tmp_path, "replay", "small-3-" + digest, "--verify")
    assert (again.returncode, "equal" in again.stdout) == (0, True)


def test_keys(tmp_path: Path) -> None:
    with start(tmp_path, "--speed", "0.5", size=(120, 40)) as person:
        person.sees("running x0.5", "height")
        person.press(" ")
        person.sees("PAUSED")
        person.press("+", "+")
        person.sees("speed x2")
        person.press("-")
        person.sees("speed x1")
        person.press("g", "700ms\r")
        before = person.sees("PAUSED", "0.700000 of").splitlines()[0]
        person.press(".", ".", ".")
        person.waits(lambda text: "PAUSED" in text and text.splitlines()[0] != before, "a step")
        height = int(person.text.partition("height ")[2].split()[0])
        person.press(">")
        person.sees("PAUSED", f"height {height + 1}", "stopped at")
        person.press("n")
        person.sees("stopped at 1.000000 s: crash begins: v0", "v0 DOWN")
        person.press("n")
        person.sees("stopped at 2.000000 s: crash is over")
        person.press("p")
        person.sees("PAUSED", "1.000000 of", "v0 DOWN")
        person.press("\r")
        person.sees("─ v0, other in islamabad", "the process is down")
        person.press("\x1b[B")
        person.sees("─ v1, other in islamabad", "mempool", "prepared-cert.", "blocks")
        person.press("\x1b")
        person.sees("─ Events", unless=("─ v1, other",))
        person.press("?")
        person.sees("─ Keys", "breakpoint")
        person.press("?")
        person.sees("─ Events", unless=("─ Keys",))
        person.press("/", "prepared v2\r")
        text = person.sees("─ Events with 'prepared v2'")
        lines = text.partition("─ Events with")[2].splitlines()[1:-1]
        assert lines[0].startswith("    0.")
        assert all("v2" in line[:30] for line in lines if line.strip().startswith(("0.", "1.")))
        person.press("/", "\x15", "\r")
        person.sees("─ Events ─")
        person.press("k", "prepared at v9\r")
        person.sees('no validator or client is called "v9"')
        person.press("k", "prepared at v2 view 1\r")
        person.sees("stops at: prepared at v2 view 1")
        person.press(" ", "+", "+", "+")
        person.sees("PAUSED", "stopped at 2.", "v2 prepared height", "view 1")
        person.press("g", "nonsense\r")
        person.sees("nonsense: ")
        person.press("g", "\x1b", "q")
        assert person.ends() == 130  # before its end: what was done is kept
        assert person.restored()
    assert summary(tmp_path)["ended"] == "interrupted"


def test_every_prod_has_a_key_and_can_be_undone(tmp_path: Path) -> None:
    with start(tmp_path, size=(120, 40)) as person:
        person.sees("running")
        person.press(" ", "g", "2600ms\r")
        person.sees("PAUSED", "2.600000 of")
        person.press("\x1b[A", "i")  # up to the last, v3
        person.sees("isolate of v3")
        person.press(">")
        person.sees("≠ CUT OFF", "SPLIT")
        person.press("i")
        person.sees("isolate of v3 ends")
        person.press("b")
        person.sees("─ Do to v3", "equivocate", "twins")
        (silent,) = (p.key for p in BEHAVIOUR_PRODS if p.label.startswith("silent:"))
        person.press(silent)
        person.sees("byzantine silent of v3")
        person.press(">")
        person.sees("! HOSTILE", "v3 HOSTILE")
        person.press("f")
        person.sees("─ Do to v3", "slow disk", "amnesia")
        person.press("p")
        person.sees("pause of v3")
        person.press("u")
        person.sees("taken back: pause", "PAUSED")
        person.press("q")
        assert person.ends() == 130


def test_replay_forwards_and_backwards(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(TEXT, encoding="utf-8")
    assert chainsim(tmp_path, "run", "./small.toml").returncode == 0
    arguments = (*CHAINSIM, "replay", "@last", "--live")
    with Person(tmp_path, *arguments, "--at", "3s", size=(120, 40)) as person:
        person.sees("replay of small", "PAUSED", "3.000000 of", "equal to the recording so far")
        person.press("p")
        person.sees("replay of small", "PAUSED", "2.", unless=("3.000000 of",))
        person.press("g", "0.5\r")
        person.sees("0.500000 of", "height 3", "equal to the recording so far")
        person.press("c")
        person.sees("nothing can be done to it")
        person.press("g", "20\r")
        person.sees("OVER", "equal to the recording: ", "milestones and the digest")
        person.press("q")
        assert person.ends() == 0
    (trace,) = (tmp_path / "runs").glob("*/trace.jsonl.gz")
    lines = gzip.decompress(trace.read_bytes()).splitlines(keepends=True)
    lines[400] = lines[400].replace(b'"at_us":', b'"at_us":1')
    trace.write_bytes(gzip.compress(b"".join(lines)))
    with Person(tmp_path, *arguments, "--speed", "max", size=(120, 40)) as person:
        person.sees("OVER", "DIFFERS from the recording")
        person.press("q")
        assert person.ends() == 5


def test_suspend_and_continue(tmp_path: Path) -> None:
    with start(tmp_path) as person:
        person.sees("running x1", "height")
        for stop in (lambda: person.signal(signal.SIGTSTP), lambda: person.press("\x1a")):
            stop()
            while os.waitpid(person.process.pid, os.WUNTRACED | os.WNOHANG) == (0, 0):
                person.read()
            person.settles()
            assert person.restored()
            person.raw.clear()
            person.screen.reset()
            person.signal(signal.SIGCONT)
            person.sees("running x1", "Validators", "QUORUM")
        person.press("\x03")  # Ctrl-C
        assert person.ends() == 130


def test_resizing(tmp_path: Path) -> None:
    with start(tmp_path, "--speed", "0.1", size=(120, 40)) as person:
        person.sees("─ Network", "─ Money")
        person.resize(80, 24)
        person.sees("─ Validators", unless=("─ Network",))
        person.resize(200, 60)
        person.sees("─ Properties", "─ Chain")
        person.resize(30, 5)
        person.sees("too small: 30x5")
        person.press("q")
        assert person.ends() == 130
        assert person.restored()


def test_a_closed_terminal_keeps_the_run(tmp_path: Path) -> None:
    with start(tmp_path) as person:
        person.sees("running x1", "height")
        os.close(person.slave)
        os.close(person.master)
        assert person.process.wait(timeout=30) == 130
    assert summary(tmp_path)["ended"] == "interrupted"


def test_a_bug_restores_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(TEXT, encoding="utf-8")
    broken = (
        "from chainsim.dashboard.layout import Place\n"
        "from chainsim.dashboard import layout\n"
        "whole = layout.arrange\n"
        "def arrange(width, height, scene, overlay=''):\n"
        "    assert scene.now_us < 500_000, 'planted'\n"
        "    return whole(width, height, scene, overlay)\n"
        "layout.arrange = arrange\n"
        "from chainsim.cli import main\n"
        "main(['run', './small.toml', '--live'])\n"
    )
    with Person(tmp_path, "-c", broken) as person:
        assert person.ends() == 70
        assert person.restored()
        assert b"Traceback" not in person.raw.rpartition(b"\x1b[?1049l")[2]


def test_nothing_flickers(tmp_path: Path) -> None:
    with start(tmp_path, "--speed", "2", size=(120, 40)) as person:
        person.sees("OVER")
        person.press("q")
        person.ends()
        frames = bytes(person.raw).split(b"\x1b[?2026h")[1:]
    assert len(frames) > 10
    assert all(b"\x1b[?2026l" in frame for frame in frames)
    # Only the first frame clears the screen; later ones say little, and never all of it.
    assert [number for number, frame in enumerate(frames) if b"\x1b[2J" in frame] == [0]
    later = sorted(len(frame) for frame in frames[2:])
    assert later[len(later) // 2] < len(frames[0]) // 2


def test_without_colour_all_is_said(tmp_path: Path) -> None:
    with start(tmp_path, size=(120, 40), NO_COLOR="1") as person:
        person.press(" ", "g1.5\r")
        person.sees("PAUSED", "1.500000 of", "✗ DOWN", "v0 DOWN", "✓ safe")
        colours = {cell.fg for row in person.screen.buffer.values() for cell in row.values()}
        assert colours <= {"default", "brightblack"}  # faint, which NO_COLOR leaves
        person.press("q")
        person.ends()


def test_an_ascii_terminal(tmp_path: Path) -> None:
    with start(tmp_path, PYTHONUTF8="0", PYTHONIOENCODING="ascii", LC_ALL="C") as person:
        person.press(" ", "g1.5\r")
        person.sees("PAUSED", "1.500000 of", "X DOWN", "v0 DOWN", "+ safe")
        assert all(byte < 128 for byte in person.raw)
        person.press("q")
        person.ends()


def test_without_a_terminal_it_is_plain_lines(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(TEXT, encoding="utf-8")
    done = chainsim(tmp_path, "run", "./small.toml", "--live")
    assert done.returncode == 0
    assert "No terminal to draw a dashboard on: plain lines instead." in done.stderr
    assert "     1.000 s ! crash begins: v0\n" in done.stderr
    assert "v1 calls for view 1" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    assert "everything holds" in done.stdout
    assert summary(tmp_path)["digest"] == unwatched(small()).digest


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--speed", "2"), "--speed goes with --live"),
        (("--live", "--speed", "fast"), 'or max; got "fast"'),
        (("--live", "--speed", "0"), "or max"),
    ],
)
def test_wrong_options(tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    done = chainsim(tmp_path, "run", "quick", *options)
    assert (done.returncode, words in done.stderr) == (2, True)


def test_frames_give_way_before_the_run_does(tmp_path: Path) -> None:
    # Each frame is made to cost 30 ms: as fast as can be, drawing stays a tenth of the time.
    (tmp_path / "small.toml").write_text(TEXT, encoding="utf-8")
    dear = (
        "import sys\n"
        "from chainsim import wall_clock, live\n"
        "from chainsim.dashboard.app import App\n"
        "drawn, began = App.frame, wall_clock.now_ns()\n"
        "spent = [0, 0]\n"
        "def frame(self, width, height):\n"
        "    start = wall_clock.now_ns()\n"
        "    while wall_clock.now_ns() < start + 30_000_000: pass\n"
        "    found = drawn(self, width, height)\n"
        "    if not self.player.idle(): spent[0] += wall_clock.now_ns() - start; spent[1] += 1\n"
        "    if self.run.over: self.leaving = True\n"
        "    return found\n"
        "App.frame = frame\n"
        "whole = live.watch\n"
        "def watch(app):\n"
        "    start = wall_clock.now_ns()\n"
        "    whole(app)\n"
        "    share = spent[0] * 100 // (wall_clock.now_ns() - start)\n"
        "    open('share', 'w').write(f'{share} {spent[1]}')\n"
        "live.watch = watch\n"
        "from chainsim.cli import main\n"
        "main(['run', './small.toml', '--live', '--speed', 'max', '--set', 'duration=140s',\n"
        "      '--set', 'workload[0].stop=100s'])\n"
    )
    with Person(tmp_path, "-c", dear) as person:
        assert person.ends() == 0
    share, frames = map(int, (tmp_path / "share").read_text().split())
    assert frames >= 3
    assert share <= 20
