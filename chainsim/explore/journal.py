"""What is done of a sweep: a header line and one line for each finished chunk, only ever appended.

A torn last line (the process was killed in the middle of it) is ignored, so its chunk runs again.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from chainsim import __version__
from chainsim.explore.chunks import CHUNK, Chunk, Job
from chainsim.explore.guided import COVERAGE
from scenarios.loader import resolved_toml

NAME: Final = "journal.jsonl"


class WrongJournal(Exception):
    """The journal there is of another sweep, or can't be read or written."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What the chunks of a journal were made from; only the same may go on with it."""

    version: str
    job: str
    """Digest of base scenario, strategy, model and mutant."""
    chunk: int


def job_digest(job: Job) -> str:
    """What decides the outcome of a seed, besides the version."""
    parts = [resolved_toml(job.base), job.strategy, job.model, job.stop_on_failure, job.mutant]
    if job.strategy == COVERAGE:
        parts.append(job.origin)
    if job.digests:
        parts.append("twice")
    if job.further:
        parts.append(job.further)
    return sha256(msgspec.json.encode(parts)).hexdigest()


def header_of(job: Job) -> Header:
    """The header of a sweep's journal."""
    return Header(version=__version__, job=job_digest(job), chunk=CHUNK)


class Journal:
    """The journal of one sweep in ``folder``. Raises ``WrongJournal`` as soon as something is."""

    def __init__(self, folder: Path, job: Job, *, resume: bool) -> None:
        self.path: Final = folder / NAME
        self._header: Final = header_of(job)
        self._done: dict[tuple[int, int], Chunk] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if resume and self.path.exists():
                self._read()
                self._file = self.path.open("ab")
                self._file.write(b"\n")  # ends a torn line
            else:
                self._file = self.path.open("wb")
                self._write(self._header)
        except OSError as error:
            raise WrongJournal(f"can't use {self.path}: {error.strerror}") from error

    def done(self, first: int, count: int) -> Chunk | None:
        """The result of a chunk that is finished already."""
        return self._done.get((first, count))

    def add(self, chunk: Chunk, count: int) -> None:
        """A chunk of ``count`` seeds is finished; on disk when this returns."""
        self._write(Line(count=count, chunk=chunk))

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _write(self, line: msgspec.Struct) -> None:
        self._file.write(msgspec.json.encode(line) + b"\n")
        self._file.flush()

    def _read(self) -> None:
        lines = iter(self.path.read_bytes().split(b"\n"))
        try:
            header = msgspec.json.decode(next(lines), type=Header)
        except msgspec.DecodeError:
            raise WrongJournal(f"{self.path} isn't the journal of a sweep") from None
        if header != self._header:
            raise WrongJournal(
                f"{self.path} is of another sweep: its scenario, strategy, model or version differs"
            )
        for line in _readable(lines):
            self._done[line.chunk.first, line.count] = line.chunk


class Line(msgspec.Struct, frozen=True):
    """A finished chunk; ``count`` seeds were asked of it."""

    count: int
    chunk: Chunk


def _readable(lines: Iterator[bytes]) -> Iterator[Line]:
    decoder = msgspec.json.Decoder(Line)
    for line in lines:
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError:
            continue


def folder_of(runs: Path, job: Job) -> Path:
    """Where a sweep keeps its journal; hidden, as it is no run."""
    return runs / f".explore-{job.base.name}-{job.strategy}-{job_digest(job)[:8]}"
