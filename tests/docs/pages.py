"""The Markdown pages of this repository, and what in them is checked by doing it.

- A ``console`` block holds commands (``$ chainsim …``), each followed by all that it prints. They
  run in order, in one new folder per page.
- A ``toml`` block that begins with ``schema`` is a whole scenario: it is saved as NAME.toml in that
  folder before the first command.
- An ``sh`` block holds commands that are only parsed: names, arguments and options must exist.
- Between ``<!-- generated: NAME -->`` and ``<!-- end -->`` stands what ``GENERATED`` makes.

Wall-clock times, and how the program was called, are all that may differ.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = tuple(sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]))

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"(<!-- generated: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
PROGRESS = re.compile(r"^\d+\.\d s simulated, .*\n", re.MULTILINE)
WALL = re.compile(r"^ *(.* simulated in )\d+\.\d s", re.MULTILINE)
"""In a centred line: its length shifts the whole."""
LONG_CALL = ".venv/bin/python -m chainsim "

MAKE = {"make run": "chainsim run sovereign-day"}
"""What a target runs once everything is installed; the Makefile is held to it."""


class Block(NamedTuple):
    """A fenced block and where its text stands in the page."""

    language: str
    text: str
    start: int
    end: int


class Step(NamedTuple):
    """A command of a ``console`` block and what the page says that it prints."""

    command: str
    output: str


def blocks(page: str) -> Iterator[Block]:
    """All fenced blocks with a language, in order."""
    for match in FENCE.finditer(page):
        yield Block(match[1], match[2], match.start(2), match.end(2))


def steps(block: str) -> list[Step]:
    """The commands of a ``console`` block."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)
    assert not parts[0].strip(), "a console block begins with $ and a command"
    return [Step(*pair) for pair in zip(parts[1::2], parts[2::2], strict=True)]


def comparable(output: str) -> str:
    """Output without what may differ from run to run."""
    output = WALL.sub(r"\1… s", output.replace(LONG_CALL, "chainsim "))
    return "\n".join(line.rstrip() for line in output.strip("\n").splitlines())


class Session:
    """A new folder in which a page's commands run, as its reader would run them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        bin_ = folder / ".bin"
        bin_.mkdir()
        shim = bin_ / "chainsim"
        program = "import sys; sys.argv[0] = 'chainsim'; from chainsim.cli import main; main()"
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{program}" "$@"\n')
        shim.chmod(0o755)
        self._environment = {
            "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(folder),
            "COLUMNS": "80",
            "TERM": "dumb",
            "LC_ALL": "C.UTF-8",
        }

    def save_scenarios(self, page: str) -> None:
        """Writes the page's scenarios to files that are called as they are."""
        for block in blocks(page):
            if block.language == "toml" and block.text.startswith("schema"):
                name = tomllib.loads(block.text)["name"]
                (self._folder / f"{name}.toml").write_text(block.text, encoding="utf-8")

    def run(self, command: str) -> str:
        """Standard output and error together, as on a terminal that nobody watches."""
        done = subprocess.run(
            ["sh", "-c", MAKE.get(command, command)],
            cwd=self._folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        output = PROGRESS.sub("", done.stdout.decode())
        lines = (line.rstrip() for line in output.strip("\n").splitlines())
        text = "".join(f"{line}\n" for line in lines)
        return (
            text.replace(" chainsim replay ", f" {LONG_CALL}replay ") if command in MAKE else text
        )


def replayed(page: str, folder: Path) -> str:
    """The page with the output of its commands as it is today."""
    session = Session(folder)
    session.save_scenarios(page)
    result, done = "", 0
    for block in blocks(page):
        if block.language != "console":
            continue
        text = ""
        for step in steps(block.text):
            now = session.run(step.command)
            same = comparable(now) == comparable(step.output)
            text += f"$ {step.command}\n" + (step.output if same else now)
        result += page[done : block.start] + text
        done = block.end
    return result + page[done:]
