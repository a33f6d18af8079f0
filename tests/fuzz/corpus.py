"""What fuzzing starts from: true messages of all kinds, and a few programs."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from consensus.encoding import encode
from tests.fuzz.program import ACTS, STEPS
from tests.unit.pbft.test_bounds import captured


def write(folder: Path) -> None:
    """Files for ``tests/fuzz/__main__.py``, named by their content."""
    folder.mkdir(exist_ok=True)
    seeds = [b"\x00" + encode(message) for message in captured()]
    seeds += [b"\x40" + bytes([act]) * STEPS for act in range(len(ACTS))]
    seeds += [b"\x40" + program(number) for number in range(64)]
    for seed in seeds:
        (folder / sha256(seed).hexdigest()[:16]).write_bytes(seed)


def program(number: int) -> bytes:
    """Bytes without a pattern, the same for the same number."""
    return b"".join(sha256(b"%d/%d" % (number, part)).digest() for part in range(16))
