"""What a check is, its result, and the bookkeeping that every check shares."""

from __future__ import annotations

from typing import ClassVar, Final, Literal

import msgspec

from chainsim.checks.context import CheckContext, RunEnd
from chainsim.trace import Record
from consensus.types import NodeId, Sequence

Kind = Literal["safety", "liveness", "coverage", "money"]

FINDINGS_KEPT: Final = 100
"""Findings that one check keeps; it counts the rest."""


class Finding(msgspec.Struct, frozen=True):
    """One breach of a property: when, where, at which height, and what it means."""

    at_us: int
    node: NodeId
    height: Sequence
    what: str

    def __str__(self) -> str:
        place = f"at {seconds(self.at_us)}"
        if self.node:
            place += f", node {self.node}"
        if self.height:
            place += f", height {self.height}"
        return f"{place}: {self.what}"


class CheckResult(msgspec.Struct, frozen=True):
    """A property's verdict; ``detail`` is one line for people."""

    name: str
    kind: Kind
    ok: bool
    detail: str
    findings: tuple[Finding, ...] = ()
    """The breaches in order of time, the first ``FINDINGS_KEPT`` of them."""


class Check:
    """Reads the trace of one run and judges one property; one instance per run."""

    name: ClassVar[str]
    kind: ClassVar[Kind] = "safety"
    subscribes: tuple[type[Record], ...]
    """The record types that ``on_record`` wants; it gets no others."""

    def __init__(self, context: CheckContext) -> None:
        self.context = context
        self.findings: list[Finding] = []
        self._breaches = 0

    def on_record(self, record: Record) -> None:
        """Takes one record, in trace order. Cheap, and never raises."""
        raise NotImplementedError

    def finish(self, end: RunEnd) -> CheckResult:
        """The verdict; called once, when the run is over."""
        self.at_end(end)
        return self.result()

    def at_end(self, end: RunEnd) -> None:
        """What can only be judged once the run is over; most have nothing to add."""

    def held(self) -> str:
        """What was examined, in words, when nothing is wrong."""
        raise NotImplementedError

    def fail(self, at_us: int, node: NodeId, height: Sequence, what: str) -> None:
        """Records a breach; recording is append-only."""
        self._breaches += 1
        if len(self.findings) < FINDINGS_KEPT:
            self.findings.append(Finding(at_us, node, height, what))

    def result(self) -> CheckResult:
        if not self._breaches:
            return CheckResult(self.name, self.kind, True, self.held())
        detail = str(self.findings[0])
        if self._breaches > 1:
            detail += f" (and {self._breaches - 1} more)"
        return CheckResult(self.name, self.kind, False, detail, tuple(self.findings))


def seconds(at_us: int) -> str:
    """``1234567`` as ``1.234567 s``, ``20_000_000`` as ``20 s``."""
    sign = "-" if at_us < 0 else ""
    whole, part = divmod(abs(at_us), 1_000_000)
    digits = f".{part:06d}".rstrip("0") if part else ""
    return f"{sign}{whole}{digits} s"


def short(digest: bytes) -> str:
    """The first 4 bytes in hex: enough to tell two digests apart on a screen."""
    return digest[:4].hex() or "none"
