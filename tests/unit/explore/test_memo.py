"""Sharing what executing a block gave changes nothing but the time that a sweep takes."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from chainsim.build import Simulation, build
from chainsim.explore.chunks import run_chunk
from chainsim.explore.model import FaultModel, model_of
from chainsim.explore.outcome import run_seed
from chainsim.trace import Recorder
from consensus.messages import Batch
from nodes.ledger.execution import Ledger
from nodes.ledger.memo import Execution, ExecutionMemo, Place
from nodes.validator import Validator
from scenarios.loader import load_text
from scenarios.schema import Scenario
from tests.unit.explore.support import QUICK, a_job, shipped_base

HOSTILE = '[[faults]]\nkind = "byzantine"\nnodes = ["v0"]\nbehaviour = "stale-replay"\n'


@pytest.mark.parametrize("strategy", ["random", "swarm"])
def test_outcomes_are_those_of_the_plain_path(strategy: str) -> None:
    """Crashes, wiped disks, twins and liars: the same digests, findings and coverage."""
    for base, model, seeds in (
        (a_job().base, FaultModel(), range(24)),
        (shipped_base(), model_of(shipped_base()), range(8)),
    ):
        for seed in seeds:
            plain = run_seed(base, strategy, model, seed)
            assert plain == run_seed(base, strategy, model, seed, memoise=True), seed


class Counting(ExecutionMemo):
    """Counts what is taken and given."""

    def __init__(self) -> None:
        super().__init__()
        self.recalled = self.kept = 0

    def recall(self, place: Place, batch: Batch) -> Execution | None:
        found = super().recall(place, batch)
        self.recalled += found is not None
        return found

    def keep(self, place: Place, batch: Batch, execution: Execution) -> None:
        self.kept += 1
        super().keep(place, batch, execution)


def run(scenario: Scenario) -> tuple[Counting, int]:
    memo = Counting()
    result = Simulation(scenario, Recorder(), memo=memo).run()
    assert result.ok
    return memo, result.height


def test_a_block_is_executed_once_and_a_restart_executes_nothing() -> None:
    crash = '[[faults]]\nkind = "restart"\nat = "200ms"\nnodes = ["v1"]\n'
    memo, height = run(load_text(QUICK + crash))
    assert memo.kept == height > 3
    assert memo.recalled > 3 * height, "three others, and what v1 replays"


def test_a_validator_that_is_ever_hostile_poisons_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its ledger comes to roots of its own; as it may only read, nobody takes them over."""
    ledgers: list[Ledger] = []
    made, whole = Validator.__init__, Ledger._execution

    def make(self: Validator, id_: str, *rest: Any) -> None:
        made(self, id_, *rest)
        if id_ == "v0":
            ledgers.append(self.ledger)

    first: list[int] = []

    def wrong(self: Ledger, height: int, time_us: int, batch: Batch) -> Execution:
        execution = whole(self, height, time_us, batch)
        if self not in ledgers:
            return execution
        first.append(height)
        outcome = replace(execution.outcome, state_root=bytes(32))
        return replace(execution, outcome=outcome)

    monkeypatch.setattr(Validator, "__init__", make)
    monkeypatch.setattr(Ledger, "_execution", wrong)
    simulation = build(load_text(QUICK + HOSTILE), memoise=True)
    result = simulation.run()
    assert result.ok
    assert all(block.header.state_root != bytes(32) for block in result.chain)
    assert first, "it was the first to execute a block at least once"


def test_a_planted_bug_runs_on_the_plain_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be one of the ledger, which the roots that are compared don't show."""
    asked: list[Place] = []
    monkeypatch.setattr(ExecutionMemo, "recall", lambda self, place, batch: asked.append(place))
    run_chunk(a_job(mutant=8), 0, 2)
    assert not asked
    run_chunk(a_job(), 0, 2)
    assert asked
