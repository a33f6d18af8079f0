"""``script``: named parties send given transactions at given times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from nodes.ledger.transactions import Transaction
from scenarios.convert import entries, whole
from scenarios.errors import did_you_mean
from scenarios.genesis_spec import PartyId
from scenarios.units import Duration
from scenarios.workload.base import Problem, Submission, Workload
from scenarios.workload.bodies import CODES, read_body
from scenarios.workload.context import Context


class Step(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"from_": "from"},
):
    """One transaction."""

    at: Duration
    from_: PartyId
    tx: str
    """Its type, as in LEDGER.md: TRANSFER."""
    body: dict[str, Any] = {}
    cosigners: tuple[PartyId, ...] = ()
    """Parties that countersign."""
    expiry_height: Annotated[int, msgspec.Meta(ge=0, lt=2**62)] = 0
    """The last height at which it may execute; 0 for no expiry."""
    expect_code: str | None = None
    """The receipt's code that must come of it."""


class Script(Workload, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="script"):
    """Steps may stand in any order; they are sent in order of ``at``."""

    steps: tuple[Step, ...]

    def submissions(self, context: Context) -> Iterator[Submission]:
        def never(path: str, message: str) -> None:
            raise AssertionError(f"{path}: {message}")

        order = sorted(range(len(self.steps)), key=lambda i: (self.steps[i].at, i))
        for index in order:
            step = self.steps[index]
            body = read_body(step.tx, step.body, context.keys, never)
            assert body is not None
            yield Submission(
                step.at,
                step.from_,
                step.tx,
                Transaction(body, step.expiry_height).encode(),  # type: ignore[arg-type]
                step.cosigners,
                step.expect_code or "",
                f"steps[{index}]",
            )

    def problems(self, context: Context) -> Iterator[Problem]:
        parties = [party.id for party in context.genesis.parties]
        for base, step in entries("steps", self.steps, Step):
            named = [(f"{base}.from", step.from_)]
            named += entries(f"{base}.cosigners", step.cosigners, str)
            for path, party in named:
                if whole(party) and party not in parties:
                    hint = did_you_mean(party, parties)
                    yield Problem(path, f'unknown party "{party}"{hint}')
            if whole(step.at) and step.at > context.duration_us:
                yield Problem(f"{base}.at", "later than the end of the run (duration)")
            if step.expect_code is not None and step.expect_code not in CODES:
                hint = did_you_mean(step.expect_code, CODES)
                yield Problem(f"{base}.expect_code", f'unknown code "{step.expect_code}"{hint}')
            if whole(step.tx):
                yield from _body_problems(step, base, context)


def _body_problems(step: Step, base: str, context: Context) -> list[Problem]:
    found: list[Problem] = []

    def report(path: str, message: str) -> None:
        found.append(Problem(f"{base}.{path}", message))

    read_body(step.tx, step.body, context.keys, report)
    return found
