"""``revoke-licence``: the regulator takes an exchange's licence away (LICENCE_SET to REVOKED)."""

from __future__ import annotations

from scenarios.faults.base import NodeFault, Selector
from scenarios.faults.membership import MOMENT_US
from scenarios.faults.primitives import Primitive
from scenarios.units import Duration


class RevokeLicence(NodeFault, frozen=True, kw_only=True, tag="revoke-licence"):
    """An ordered transaction of the first licensor of genesis, or of ``by``, sent ``at`` that time.

    From the block that holds it on the firm may do nothing but leave. If it is a validator, the
    ledger queues that its seat goes, too. Only a suspended licence can be revoked, so that is
    ordered before.
    """

    by: Selector | None = None
    """The party that sends it."""
    notice: Duration = 1_000_000
    """How long before it the suspension is sent; "0s" for a firm that is suspended already."""

    def length_us(self) -> int | None:
        return MOMENT_US

    def check(self) -> None:
        if self.at is None or self.for_ is not None or self.until is not None:
            raise ValueError("a licence is revoked at one moment: at, nothing else")
        if self.every is not None:
            raise ValueError("a licence is revoked once: at, not every")
        if self.node is None:
            raise ValueError("a licence is one firm's: node, not nodes")
        if self.notice > self.at:
            raise ValueError("the suspension would come before the run: at is less than notice")

    def selectors(self) -> tuple[str, ...]:
        assert self.node is not None
        return (self.node,)

    @property
    def firm(self) -> str:
        """The party whose licence it is."""
        assert self.node is not None
        return self.node.removesuffix(".desk")

    def primitives(self) -> tuple[Primitive, ...]:
        return ()
