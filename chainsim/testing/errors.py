"""What the kit raises: a test's own mistakes apart from what it finds in a protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainsim.testing.control import Cluster


class WrongUse(ValueError):
    """The test asks for something that makes no sense; says what, and the remedy."""


class ClusterFailure(AssertionError):
    """Base of findings. ``cluster`` is where it happened, so that a plugin can save the run."""

    def __init__(self, message: str, cluster: Cluster) -> None:
        super().__init__(message)
        self.cluster = cluster


class CheckFailed(ClusterFailure):
    """A property doesn't hold; one line for each, with the time and node of its first breach."""


class NotReached(ClusterFailure):
    """What ``run_until`` or ``settle`` waited for didn't happen; says where everybody stands."""
