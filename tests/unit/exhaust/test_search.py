"""What the search visits, what it finds, and where it stops."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

import consensus.types
from chainsim.exhaust import Bound, NotExplorable, Search, Stop, Told, bound_of
from chainsim.exhaust.bound import setting_of
from chainsim.exhaust.schedule import BadSchedule, Move, Schedule, play, read, schedule_of, write
from chainsim.explore.planting import MODULE, Planted, planted, swapped
from scenarios.loader import load_text
from scenarios.schema import Scenario


def scenario(*hostile: str, n: int = 4, more: str = "") -> Scenario:
    text = 'name = "small"\nseed = 1\nduration = "10s"\n'
    text += "".join(f'[[validators]]\nid = "r{i}"\n' for i in range(n))
    for name in hostile:
        text += f'[[faults]]\nkind = "byzantine"\nnode = "{name}"\nbehaviour = "equivocate"\n'
    return load_text(text + more)


def search(
    *hostile: str,
    views: int = 1,
    timeouts: int = 0,
    plain: bool = False,
    symmetry: bool = True,
    n: int = 4,
) -> tuple[Search, Scenario]:
    made = scenario(*hostile, n=n)
    bound = bound_of(
        made, views=views, timeouts=timeouts, requests=1, plain=plain, symmetry=symmetry
    )
    return Search(bound, setting_of(made, bound)), made


def outcomes(done: Search) -> set[tuple[object, ...]]:
    """What replicas have prepared and executed, in each state; who is who among those that lead
    no view doesn't matter."""
    found = set()
    leaders = {done.bound.primary(view) for view in range(done.bound.views)}
    for packed in done._states:
        told = {}
        for local in done._unpacked(packed):
            prepared, executed = done.actors.facts[local.facts]
            told[done.bound.honest[local.owner]] = (tuple(sorted(prepared.items())), executed)
        alike = sorted(value for name, value in told.items() if name not in leaders)
        found.add((*(told.get(name) for name in sorted(leaders)), *alike))
    return found


def test_plain_view_0_has_the_states_that_it_must_have() -> None:
    done, _ = search(plain=True)
    told = done.run()
    assert told.stop is Stop.COMPLETE
    assert told.states == told.explored == 96_234
    assert told.depth == 25, "three proposals, and each PREPARE and COMMIT, arrive one by one"


@pytest.mark.parametrize("hostile", [(), ("r0",)])
def test_what_is_reduced_reaches_what_plain_search_reaches(hostile: tuple[str, ...]) -> None:
    whole, _ = search(*hostile, plain=True)
    assert whole.run().stop is Stop.COMPLETE
    small, _ = search(*hostile)
    told = small.run()
    assert told.stop is Stop.COMPLETE
    assert told.states < 100
    assert outcomes(small) == outcomes(whole)
    assert len(outcomes(small)) > 10


@pytest.mark.parametrize("hostile", [(), ("r0",), ("r3",)])
def test_merging_who_is_who_loses_nothing(hostile: tuple[str, ...]) -> None:
    apart, _ = search(*hostile, symmetry=False)
    merged, _ = search(*hostile)
    states = apart.run().states, merged.run().states
    assert outcomes(apart) == outcomes(merged)
    backups = len(merged.actors.renamings)
    assert states[1] < states[0] <= states[1] * backups


def test_views_are_changed_within_the_bound() -> None:
    done, _ = search(views=2, timeouts=1)
    told = done.run(limit_s=4)
    assert told.found is None
    kinds = {label[0] for label in done.actors.mail.labels}
    assert {"view-change", "new-view"} <= kinds
    assert {local.view for local in done.actors.locals} == {0, 1}
    later = [local for local in done.actors.locals if local.view == 1 and not local.waits]
    assert later, "somebody entered view 1"


@pytest.mark.parametrize(
    ("number", "hostile", "views", "check"),
    [
        (2, "r0", 1, "one-prepared-digest"),  # quorum 2f
        (3, "r3", 2, "one-replica"),  # votes counted per message: NEW-VIEW contradicts history
        (4, "r0", 1, "one-replica"),  # a second proposal overwrites the first
        (5, "r0", 1, "one-prepared-digest"),  # the primary's PREPARE counts
        (6, "r0", 1, "one-prepared-digest"),  # vote digest not compared
    ],
)
def test_planted_bugs_are_found_and_the_way_plays_again(
    number: int, hostile: str, views: int, check: str, tmp_path: Path
) -> None:
    with planted(Planted(MODULE, number)):
        done, made = search(hostile, views=views, timeouts=views - 1)
        told = done.run(limit_s=60)
        assert told.stop is Stop.VIOLATION
        assert told.found is not None
        assert told.found.check == check
        schedule = read(write(tmp_path, "x", schedule_of(done, made, told.found)))
        faults = [fault for _, fault in play(schedule)]
        assert not any(faults[:-1])
        assert faults[-1]
    with suppress(BadSchedule):  # right code doesn't even say what must arrive
        assert not any(fault for _, fault in play(schedule)), "right code doesn't do it"


def test_the_way_is_a_shortest_one() -> None:
    with planted(Planted(MODULE, 2)):
        done, _ = search("r0")
        found = done.run().found
    assert found is not None
    assert len(found.steps) == 2


def test_a_deadlock_is_found() -> None:
    with swapped((consensus.types, "quorum_size", lambda n: n + 1)):
        done, made = search()
        told = done.run()
        assert told.found is not None
        assert (told.found.check, told.found.kind) == ("deadlock", "liveness")
        *_, (_, fault) = play(schedule_of(done, made, told.found))
        assert fault.startswith("deadlock")


# -- limits ------------------------------------------------------------------------------


def test_it_stops_where_memory_or_time_ends_and_says_how_far_it_was() -> None:
    done, _ = search(plain=True)
    told = done.run(memory_bytes=1)
    assert told.stop is Stop.MEMORY
    assert 0 < told.depth < 25
    assert told.explored < told.states
    done, _ = search(plain=True)
    assert done.run(limit_s=0).stop is Stop.TIME


def test_an_interrupt_keeps_what_was_done() -> None:
    def interrupt(_: Told) -> None:
        raise KeyboardInterrupt

    done, _ = search(plain=True)
    told = done.run(tell=interrupt)
    assert told.stop is Stop.INTERRUPTED
    assert told.explored == 4096
    assert told.found is None


def test_what_is_not_explored_is_refused() -> None:
    crash = '[[faults]]\nkind = "crash"\nat = "1s"\nfor = "1s"\nnode = "r1"\n'
    silent = '[[faults]]\nkind = "byzantine"\nnode = "r1"\nbehaviour = "silent"\n'
    for more in (crash, silent):
        with pytest.raises(NotExplorable, match="leave it out"):
            bound(scenario(more=more))
    with pytest.raises(NotExplorable, match="larger block_max_txs"):
        bound(scenario(), requests=201)


def bound(made: Scenario, requests: int = 1) -> Bound:
    return bound_of(made, views=1, timeouts=0, requests=requests, plain=False, symmetry=True)


def test_a_schedule_says_what_it_needs(tmp_path: Path) -> None:
    done, made = search("r0")
    empty = Schedule(
        check="agreement", kind="safety", detail="", steps=(), bound=done.bound, scenario=""
    )
    with pytest.raises(BadSchedule, match="its scenario"):
        list(play(empty))
    for to, event, why in (
        ("r0", "PREPARE of r1: 0, 1, A", "no honest replica"),
        ("r1", "PREPARE of r2: 0, 1, A", "nobody has sent r1 this"),
        ("r1", "timer request", 'no timer "request" runs'),
    ):
        wrong = schedule_of(done, made, found_nothing())
        wrong = Schedule(
            check="", kind="safety", detail="", steps=(Move(to, (event,)),),
            bound=done.bound, scenario=wrong.scenario,
        )  # fmt: skip
        with pytest.raises(BadSchedule, match=why):
            list(play(wrong))
    path = tmp_path / "no.json"
    with pytest.raises(BadSchedule, match="can't read"):
        read(path)
    path.write_text('{"check": 1}')
    with pytest.raises(BadSchedule, match="is no schedule"):
        read(path)


def found_nothing():  # type: ignore[no-untyped-def]
    from chainsim.exhaust import Found

    return Found("", "safety", "", ())
