"""Clients' requests on their way to the primary (rules 3 and 21)."""

from __future__ import annotations

from typing import Final

from consensus.limits import request_is_bounded
from consensus.messages import Request
from consensus.pbft.core import Core
from consensus.types import Digest

FORWARDS_KEPT: Final = 65_536
"""Requests forwarded in one interval; a client whose one isn't sends it to all once more."""


class Requests:
    """Takes clients' requests in, checks their signatures, passes them on."""

    def __init__(self, core: Core) -> None:
        self.core: Final = core
        self._forwarded: dict[Digest, int] = {}

    def on_request(self, request: Request) -> None:
        """Take a client's request: queue it, arm its deadline, see that the primary has it."""
        core = self.core
        if request not in core.pool:
            if not self.is_authentic(request) or not core.pool.add(request):
                return
            core.timeouts.request_waiting(request)
        if core.is_primary:
            core.proposer.propose_soon()
        else:
            self.forward(request)

    def forward(self, request: Request) -> None:
        """Pass a client's request on to the primary (rule 21), at most once per interval.

        Two replicas that each take the other for the primary would else play ping-pong.
        """
        core = self.core
        if not core.active:
            return
        while self._forwarded:
            digest, at_us = next(iter(self._forwarded.items()))
            if core.now_us - at_us < core.parameters.status_interval_us:
                break
            del self._forwarded[digest]
        if request.digest not in self._forwarded and len(self._forwarded) < FORWARDS_KEPT:
            self._forwarded[request.digest] = core.now_us
            core.send(core.committee.primary(core.view), request)

    def is_authentic(self, request: Request) -> bool:
        """All signatures verify under the keys that the envelope carries (rule 3)."""
        if request.chain != self.core.chain or request.epoch != 0:
            return False
        if not request_is_bounded(request):
            return False
        payload = request.signing_bytes
        return self.core.verify(request.public_key, payload, request.signature) and all(
            self.core.verify(c.public_key, payload, c.signature) for c in request.cosignatures
        )

    def known_authentic(self, request: Request) -> bool:
        """Whether its signatures were verified once, here or now."""
        return request in self.core.pool or self.is_authentic(request)

    def view_left(self) -> None:
        """A view change began: the next primary gets all of them again."""
        self._forwarded.clear()
