"""Sweeps on more than one machine: a dask.distributed cluster as the executor.

The cluster is somebody else's: its scheduler hands chunks to workers, and gives what a dead one
had to another. All that is ours is the question whether the workers run the same code.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

PREFIX: Final = "dask:"
CONNECT_S: Final = 10
PACKAGES: Final = ("chainsim", "consensus", "nodes", "scenarios")


class NoCluster(Exception):
    """There is no cluster that could be used; the message says why and what to do."""


@contextmanager
def dask_executor(address: str) -> Iterator[tuple[Executor, int]]:
    """The executor of the cluster whose scheduler is at ``address`` (``tcp://host:8786``), and
    how many chunks it runs at once. Raises ``NoCluster``."""
    try:
        import distributed
    except ImportError:
        raise NoCluster(
            'dask.distributed isn\'t installed: pip install "chainsim[cluster]"'
        ) from None
    try:
        connect: Any = distributed.Client
        client = connect(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:  # TimeoutError is an OSError
        raise NoCluster(f"no scheduler answers at {address}: {_first_line(error)}") from None
    try:
        room = _room(client.nthreads(), address)
        _same_code(client)
        # Not pure: a chunk is asked for once, and nobody need remember its result.
        yield client.get_executor(pure=False), room
    finally:
        client.close()


def _room(threads: dict[str, int], address: str) -> int:
    start = f"start workers with: dask worker {address} --nthreads 1"
    if not threads:
        raise NoCluster(f"the cluster has no workers; {start}")
    busy = [worker for worker, count in threads.items() if count > 1]
    if busy:
        # A planted bug is in all threads of a process, and threads don't make Python quicker.
        raise NoCluster(f"worker {busy[0]} has more than one thread; {start}")
    return len(threads)


def _same_code(client: Any) -> None:
    """The same code gives the same runs (law 3): whoever has another can't take part."""
    try:
        found: dict[str, str] = client.run(fingerprint)
    except Exception as error:  # whatever the workers raised
        raise NoCluster(f"workers can't import chainsim: {_first_line(error)}") from None
    others = [worker for worker, code in found.items() if code != fingerprint()]
    if others:
        raise NoCluster(
            f"worker {others[0]} has another version of chainsim than this process: seeds would be "
            "other runs there"
        )


@cache
def fingerprint() -> str:
    """SHA-256 over the sources of the four packages."""
    root = Path(__file__).resolve().parents[2]
    digest = sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
