"""The pytest plugin, in test runs of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

# pytester forgets after each inner run what that one imported first: these may not come twice.
import chainsim.recorded_run
import chainsim.testing  # noqa: F401

ROOT = Path(__file__).parents[3]

FORK = """
from docs.examples.two_phase import TwoPhase

def test_it(cluster):
    c = cluster(protocol=TwoPhase)
    lost = c.drop("commit", to=("r1", "r2", "r3"))
    c.submit("a")
    c.run_until("committed", node="r0")
    c.isolate("r0")
    lost.heal()
    c.submit("b")
    c.run_until("executed", node="r2")
    c.check()
"""


def run(pytester: pytest.Pytester, text: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(text)
    return pytester.runpytest_inprocess("-p", "chainsim.pytest_plugin", *options)


def command(folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    """Runs a printed line as a person would, with the checkout in place of an installation."""
    words = line.split()
    environment = dict(os.environ)
    path = [str(ROOT)]
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        assert name == "PYTHONPATH"
        path.append(value)
    environment["PYTHONPATH"] = os.pathsep.join(path)
    assert words.pop(0) == "python"
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def replay_line(result: pytest.RunResult) -> str:
    (line,) = re.findall(r"^.*python -m chainsim replay runs/\S+$", result.stdout.str(), re.M)
    return str(line)


def test_a_failure_prints_a_line_that_replays_it(pytester: pytest.Pytester) -> None:
    result = run(pytester, FORK)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*agreement: *a fork*", "Seed 1, * breaks *agreement*"])
    line = replay_line(result)
    shown = command(pytester.path, line)
    assert shown.returncode == 3, shown.stderr
    assert "a fork" in shown.stdout
    assert command(pytester.path, f"{line} --verify").returncode == 0


def test_a_failed_assertion_of_the_tests_own_is_kept_too(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        def test_it(cluster):
            c = cluster(n=4)
            c.submit("a")
            c.settle()
            assert c.history("r0") == ("b",)
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["Seed 1, *: no property is broken."])
    assert command(pytester.path, replay_line(result)).returncode == 0


def test_a_protocol_in_the_test_file_is_found_again(pytester: pytest.Pytester) -> None:
    text = FORK.replace("def test_it", "class Mine(TwoPhase):\n    pass\n\ndef test_it")
    pytester.mkdir("inner")
    path = pytester.path / "inner" / "test_mine.py"
    path.write_text(text.replace("protocol=TwoPhase", "protocol=Mine"), encoding="utf-8")
    result = pytester.runpytest_inprocess("-p", "chainsim.pytest_plugin")
    result.assert_outcomes(failed=1)
    line = replay_line(result)
    assert line.startswith("PYTHONPATH=inner ")
    assert command(pytester.path, line).returncode == 3


def test_a_test_that_patches_the_code_is_warned(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        def test_it(cluster):
            c = cluster(n=4)
            c.submit("a")
            c.run_for("1s")
            c._simulation.world.hosts[1].kill(c.now_us, "synced")
            c.run_for("1s")
            assert False
        """,
    )
    result.stdout.fnmatch_lines(["Beware: the file gives another run*"])


def test_an_error_in_a_protocol_is_kept(pytester: pytest.Pytester) -> None:
    result = run(
        pytester,
        """
        from docs.examples.two_phase import TwoPhase

        class Buggy(TwoPhase):
            def _next_view(self):
                raise RuntimeError("a bug")

        def test_it(cluster):
            c = cluster(protocol=Buggy)
            c.crash("r0")
            c.submit("a")
            c.run_for("5s")
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*RuntimeError: a bug", "It ends in RuntimeError('a bug')."])
    shown = command(pytester.path, replay_line(result))
    assert shown.returncode == 70
    assert "a bug" in shown.stderr


def test_passing_tests_leave_nothing(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_it(cluster):\n    cluster().run_for('1s')\n")
    result.assert_outcomes(passed=1)
    assert not (pytester.path / "runs").exists()


SEEDS = """
import pytest

@pytest.mark.seeds(5)
def test_it(cluster):
    c = cluster(n=4)
    assert c.scenario.seed != 3
"""


def test_each_seed_is_a_test(pytester: pytest.Pytester) -> None:
    result = run(pytester, SEEDS)
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["FAILED *::test_it[[]seed3[]]*"])
    result.stdout.fnmatch_lines(["Seed 3, *"])


@pytest.mark.parametrize(
    ("option", "passed", "failed"), [("2", 2, 0), ("3:9", 5, 1), ("10:12", 2, 0)]
)
def test_the_option_says_which_seeds(
    pytester: pytest.Pytester, option: str, passed: int, failed: int
) -> None:
    result = run(pytester, SEEDS, f"--chainsim-seeds={option}")
    result.assert_outcomes(passed=passed, failed=failed)


@pytest.mark.parametrize("option", ["", "x", "5:5", "-3", "1:2:3", "0"])
def test_a_wrong_option_is_refused(pytester: pytest.Pytester, option: str) -> None:
    result = run(pytester, SEEDS, f"--chainsim-seeds={option}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*wanted N or N:M*"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("@pytest.mark.seeds(5)\ndef test_it(): pass", "uses no cluster"),
        ("@pytest.mark.seeds(0)\ndef test_it(cluster): pass", "a count above zero"),
        ("@pytest.mark.seeds\ndef test_it(cluster): pass", "a count above zero"),
    ],
)
def test_a_wrong_marker_is_refused(pytester: pytest.Pytester, text: str, words: str) -> None:
    result = run(pytester, f"import pytest\n{text}\n")
    assert result.ret != pytest.ExitCode.OK
    assert words in result.stdout.str() + result.stderr.str()


@pytest.mark.seeds(3)
def test_our_own_suite_has_the_kit(cluster, chainsim_seed: int) -> None:  # type: ignore[no-untyped-def]
    assert cluster(n=4).scenario.seed == chainsim_seed


def test_starting_pytest_imports_nothing_of_chainsim() -> None:
    code = """if True:
        import sys, chainsim.pytest_plugin
        print([name for name in sys.modules if name.startswith(("chainsim.", "consensus"))])
    """
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['chainsim.pytest_plugin']"
