"""What every command shares: help, mistakes, bugs of ours, closed pipes, start-up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from chainsim.cli import entry
from chainsim.cli.group import COMMANDS, cli
from tests.unit.cli.conftest import Chainsim, environment


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert f"Usage: chainsim {name}" in result.output.replace("cli ", "chainsim ")


def test_help_names_every_command(chainsim: Chainsim) -> None:
    done = chainsim("--help")
    assert done.returncode == 0
    assert all(f" {name} " in done.stdout for name in COMMANDS)


def test_version(process: Chainsim) -> None:
    done = process("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, "chainsim 0.1.0\n", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["validat"], 'no command "validat"; did you mean "validate"?'),
        (["--nonsense"], "No such option"),
        (["new"], "Missing argument 'NAME'"),
        (["list", "--tag"], "'--tag' requires an argument"),
        (["list", "--tag", "nonsense"], 'no shipped scenario has the tag "nonsense"'),
        (["show", "nonsense"], 'no shipped scenario is called "nonsense"'),
        (["show", "./nonsense.toml"], "can't read the file"),
        (["validate", "/dev/null"], "duration: missing"),
    ],
)
def test_a_mistake_is_explained_on_standard_error(
    chainsim: Chainsim, arguments: list[str], message: str
) -> None:
    done = chainsim(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_no_command_at_all_shows_the_help(chainsim: Chainsim) -> None:
    done = chainsim()
    assert done.returncode == 2
    assert "Commands" in done.stdout


def test_a_bug_of_ours_is_70_with_the_traceback_in_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_arguments: list[str]) -> int:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(entry, "_run", broken)
    with pytest.raises(SystemExit) as end:
        entry.main(["list"])
    assert end.value.code == 70
    told = capsys.readouterr().err
    assert "ZeroDivisionError: ours" in told
    assert "Traceback" not in told
    file = Path(told.split("The traceback is in ")[1].strip().removesuffix("."))
    assert "raise ZeroDivisionError" in file.read_text()


def test_ctrl_c_is_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(_arguments: list[str]) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(entry, "_run", interrupted)
    with pytest.raises(SystemExit) as end:
        entry.main(["list"])
    assert end.value.code == 130
    assert "Interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["schema"], ["--help"], ["list"]])
def test_a_reader_who_left_is_no_error(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "chainsim", *arguments],
            stdout=writing,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_colour_follows_the_environment(process: Chainsim) -> None:
    escape = "\x1b["
    assert escape not in process("--help").stdout
    assert escape in process("--help", FORCE_COLOR="1").stdout
    assert "\x1b[3" not in process("--help", FORCE_COLOR="1", NO_COLOR="1").stdout


def test_a_narrow_encoding_is_no_error(process: Chainsim) -> None:
    done = process("--help", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("run so", ["plain,sovereign-day"]),
        ("show qu", ["plain,quick"]),
        ("validate ./mi", ["file,./mi"]),
        ("replay @", ["plain,@last"]),
        ("replay quick", ["plain,quick-1-0a1b2c3d"]),
        ("repl", ["plain,replay"]),
        ("report quick", ["plain,quick-1-0a1b2c3d"]),
    ],
)
def test_the_shell_completes_names(
    chainsim: Chainsim, tmp_path: Path, words: str, completions: list[str]
) -> None:
    run = tmp_path / "runs" / "quick-1-0a1b2c3d"
    run.mkdir(parents=True)
    (run / "scenario.toml").touch()
    line = f"chainsim {words}"
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    done = chainsim(_CHAINSIM_COMPLETE="bash_complete", **asked)
    assert done.stdout.split() == completions
