"""``python -m tests.fuzz [seconds]``: coverage-guided fuzzing (atheris) of decode and ``handle``.

What raises is written to ``tests/fuzz/found/``; put its bytes into ``FOUND`` of
``tests/fuzz/test_programs.py``, and mend the code.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["consensus", "nodes"]):
    from tests.fuzz.program import play, read

HERE = Path(__file__).parent
FOUND = HERE / "found"


def one(data: bytes) -> None:
    """The first byte says which: what follows is a message, or a program."""
    if data[:1] < b"\x40":
        read(data[1:])
    else:
        play(data[1:])


def main() -> None:
    """Fuzz for a number of seconds (600), from a corpus of true messages and programs."""
    from tests.fuzz.corpus import write

    seconds = sys.argv[1] if len(sys.argv) > 1 else "600"
    FOUND.mkdir(exist_ok=True)
    corpus = HERE / "corpus"
    write(corpus)
    arguments = [sys.argv[0], f"-max_total_time={seconds}", "-max_len=4096", "-timeout=20"]
    atheris.Setup([*arguments, f"-artifact_prefix={FOUND}/", str(corpus)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
