"""The strategy ``coverage``: what it keeps, what it changes, and that nothing else decides."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from chainsim.explore import guided
from chainsim.explore.chunks import CHUNK, Job
from chainsim.explore.guided import COVERAGE, Corpus
from chainsim.explore.journal import Journal, folder_of, job_digest
from chainsim.explore.model import BYZANTINE, FaultModel, kind_of, model_of
from chainsim.explore.mutating import mutated, within_budget
from chainsim.explore.outcome import run_scenario
from chainsim.explore.planting import Planted, planted
from chainsim.explore.runner import Here, Interrupted, Sweep, sweep
from chainsim.explore.states import ProtocolStates
from chainsim.explore.strategies import STRATEGIES, drawn
from chainsim.trace import NodeChanged, Reached, Record, Recorder, TimerExpired
from scenarios.faults.membership import RemoveValidator
from scenarios.loader import load_text, resolved_toml
from scenarios.rng import Stream
from tests.unit.explore.support import a_job, quick_base, shipped_base
from tests.unit.explore.test_runner import COMMIT_BUG, Backwards, facts

SEEDS = 3 * CHUNK


@pytest.fixture(autouse=True)
def _small_generations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one chunk: a sweep of three generations is short."""
    monkeypatch.setattr(guided, "GENERATION", CHUNK)


def whole(job: Job, first: int = 0, last: int = SEEDS) -> Sweep:
    return sweep(job, first, last, Here())


def test_a_sweep_comes_to_the_same_whatever_the_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guided, "GENERATION", 2 * CHUNK)  # so that chunks come back out of order

    class Pairs(Backwards):
        """Two are all that it is given before a generation ends."""

        WAITS = 2

    job = a_job(COVERAGE, mutant=COMMIT_BUG)
    last = 4 * CHUNK
    one, several = whole(job, last=last), sweep(job, 0, last, Pairs(), jobs=2)
    assert facts(one) == facts(several)
    assert one.states == several.states > 0


def test_an_interrupted_sweep_goes_on_and_comes_to_the_same(tmp_path: Path) -> None:
    job = a_job(COVERAGE, mutant=COMMIT_BUG)
    uncut = whole(job)

    def enough(found: Sweep) -> None:
        if found.runs >= 2 * CHUNK:
            raise Interrupted

    journal = Journal(folder_of(tmp_path, job), job, resume=False)
    part = sweep(job, 0, SEEDS, Here(), journal=journal, tell=enough)
    journal.close()
    assert part.interrupted
    journal = Journal(folder_of(tmp_path, job), job, resume=True)
    rest = sweep(job, 0, SEEDS, Here(), journal=journal)
    journal.close()
    assert (facts(rest), rest.states) == (facts(uncut), uncut.states)
    assert rest.resumed == part.runs


def test_its_seeds_hang_on_where_the_sweep_began() -> None:
    from msgspec.structs import replace

    job = a_job(COVERAGE)
    assert job_digest(job) != job_digest(replace(job, origin=CHUNK))
    plain = a_job("swarm")
    assert job_digest(plain) == job_digest(replace(plain, origin=CHUNK))


def test_later_generations_change_what_earlier_ones_found() -> None:
    job = a_job(COVERAGE)
    given: list[tuple[int, int]] = []

    class Listing(Here):
        def submit(self, fn: object, /, *args: object, **kwargs: object) -> object:  # type: ignore[override]
            assert pickle.loads(pickle.dumps(args)) == args, "it goes to other processes as it is"
            given.append((args[1], sum(map(bool, args[3]))))  # type: ignore[arg-type, call-overload]
            return super().submit(fn, *args, **kwargs)  # type: ignore[arg-type]

    sweep(job, 0, SEEDS, Listing())
    assert [first for first, _ in given] == [0, CHUNK, 2 * CHUNK]
    assert given[0][1] == 0
    assert all(0 < changed < CHUNK for _, changed in given[1:]), "some seeds are drawn anew"


def test_a_find_keeps_the_scenario_that_fails() -> None:
    job = a_job(COVERAGE, mutant=COMMIT_BUG)
    groups = whole(job).findings.groups
    later = [group for group in groups if group.seed >= CHUNK]
    assert later, "a bug that is found again and again"
    for group in (groups[0], *later[:2]):
        with planted(Planted("tests.mutants", COMMIT_BUG)):
            again = run_scenario(load_text(group.scenario))
        assert again.found[0].check == group.check
        assert again.kinds == group.faults


def test_the_corpus_keeps_what_was_first_somewhere_and_forgets_the_least(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guided, "KEPT", 2)
    corpus = Corpus(0)
    base = quick_base()
    states = [(1, 2), (1,), (3,), (4, 5, 6), *[()] * (CHUNK - 4)]
    corpus.merge(0, states, lambda seed: STRATEGIES["swarm"](base, FaultModel(), seed))
    assert (corpus.states, corpus.kept) == (6, 3)
    assert not corpus.may_begin(2 * CHUNK)
    parents = [pair for pair in corpus.parents(CHUNK, CHUNK) if pair]
    assert corpus.kept == 2
    assert {scenario.seed for pair in parents for scenario in pair} == {0, 3}
    assert all(first.seed == 3 or second.seed == 0 for first, second in parents), "novelty leads"


def test_changed_scenarios_load_and_keep_the_fault_budget() -> None:
    base = shipped_base()
    model = model_of(base)
    different = leaving = 0
    for seed in range(30):
        scenario = drawn(base, COVERAGE, model, seed)
        donor = drawn(base, COVERAGE, model, seed + 1000)
        changed = mutated(scenario, donor, model, Stream(seed, "test"))
        assert changed == mutated(scenario, donor, model, Stream(seed, "test"))
        assert within_budget(changed)
        assert changed.seed == scenario.seed
        assert load_text(resolved_toml(changed)) == changed
        different += changed.faults != scenario.faults
        leaving += any(isinstance(fault, RemoveValidator) for fault in changed.faults)
        for fault in changed.faults:
            if kind_of(fault) not in (BYZANTINE, "late-start"):
                assert fault.length_us() is not None or fault.until is not None or _ends(fault)
    assert different > 24
    assert leaving


def _ends(fault: object) -> bool:
    """Changes of the committee are an order, over when it is given."""
    return kind_of(fault) in ("add-validator", "remove-validator", "rotate-key")  # type: ignore[arg-type]


# What a state is


def states_of(*records: Record) -> list[int]:
    recorder, states = Recorder(), ProtocolStates()
    states.listen(recorder)
    for record in records:
        recorder.record(record)
    return list(states.seen)


def reached(node: str, event: str, view: int = 0, sequence: int = 1) -> Reached:
    return Reached(5, node, event, view, sequence, b"d")


def test_names_and_sequences_make_no_state() -> None:
    assert states_of(reached("a", "prepared")) == states_of(reached("b", "prepared", 0, 77))
    both = reached("a", "prepared"), reached("b", "prepared")
    assert len(states_of(*both)) == len(states_of(*both, reached("c", "prepared"))) == 1


def test_events_views_and_who_is_down_do() -> None:
    base = (reached("a", "prepared"), reached("b", "prepared"))
    assert len(states_of(*base, reached("a", "committed"))) == 2
    assert len(states_of(*base, reached("a", "view-change-started", 1))) == 2
    assert len(states_of(*base, TimerExpired(5, "a", "request"))) == 2
    assert len(states_of(*base, TimerExpired(5, "a", "status"))) == 1
    assert len(states_of(*base, NodeChanged(5, "a", "down"))) == 2
    assert len(states_of(*base, NodeChanged(5, "client", "down"))) == 1


def test_a_state_has_the_same_number_in_every_process() -> None:
    assert states_of(reached("a", "prepared")) == [GOLDEN]


GOLDEN = 1808372598582428947
