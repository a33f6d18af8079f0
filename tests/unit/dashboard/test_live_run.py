"""A run that is stopped, prodded and gone back in is the run of the scenario that it writes."""

from __future__ import annotations

import msgspec
import pytest

from chainsim.build import build
from chainsim.dashboard.acting import Actor, Refused
from chainsim.dashboard.live_run import LiveRun
from chainsim.dashboard.prods import BEHAVIOUR_PRODS, CRASH, ISOLATE, PRODS
from chainsim.trace import Executed, Reached
from tests.unit.dashboard.support import arrive, finish, live, small, until, unwatched

ALL = {prod.label.partition(":")[0]: prod for prod in (*PRODS, *BEHAVIOUR_PRODS)}
TRIED = sorted({prod.label.partition(":")[0] for prod in PRODS} | {"equivocate", "twins"})
"""One way leads to all behaviours: two stand for them."""


def test_in_pieces_or_in_one_go() -> None:
    run = live()
    for at_us in (1, 999_999, 1_000_000, 1_000_001, 1_234_567, 2_500_000):
        until(run, at_us)
        assert run.now_us >= at_us  # steps may have gone past it
        for _ in range(7):
            run.step()
    result, alone = finish(run), unwatched(small())
    assert (result.digest, result.ended, result.virtual_time_us, result.exit_code) == (
        alone.digest,
        alone.ended,
        alone.virtual_time_us,
        alone.exit_code,
    )
    assert result.checks == alone.checks


def test_steps_alone_come_to_the_same_end() -> None:
    scenario = msgspec.structs.replace(small(), duration=700_000)
    run = live(scenario)
    while not run.over:
        run.step()
    result, alone = run.leave(), build(scenario).run()
    assert (result.digest, result.ended) == (alone.digest, alone.ended)
    assert result.virtual_time_us == alone.virtual_time_us == 700_000


def test_a_step_is_one_event() -> None:
    run = live()
    until(run, 1_500_000)
    before = run.simulation.world.scheduler.events
    run.step()
    # The kernel's own question may come along.
    assert 1 <= run.simulation.world.scheduler.events - before <= 2


def test_a_condition_stops_right_after_its_event() -> None:
    run = live()
    run.stop_when = lambda r: type(r) is Executed and r.sequence == 3
    until(run, 20_000_000)
    stopped_by = run.halted_by
    assert isinstance(stopped_by, Executed)
    assert run.now_us == stopped_by.at_us
    assert run.model.height == 3
    run.stop_when = None
    assert finish(run).digest == unwatched(small()).digest


@pytest.mark.parametrize("label", TRIED)
def test_every_prod_is_reproduced_by_its_file(label: str) -> None:
    run = live()
    actor = Actor(run)
    until(run, 1_234_567)
    for _ in range(5):
        run.step()
    actor.prod(ALL[label], "v2")
    arrive(run)
    until(run, 3_000_000)
    if label not in ("restart", "amnesia"):
        actor.prod(ALL[label], "v2")  # again: it ends
        arrive(run)
    until(run, 3_500_000)
    if label != "amnesia":
        actor.prod(CRASH, "v3")
        until(run, 3_600_000)
        actor.prod(CRASH, "v3")
    result, alone = finish(run), unwatched(run.scenario)
    assert result.digest == alone.digest
    assert [c.ok for c in result.checks] == [c.ok for c in alone.checks]
    assert result.exit_code == alone.exit_code
    assert result.digest != unwatched(small()).digest


def test_several_at_one_microsecond_act_in_their_order() -> None:
    run = live()
    actor = Actor(run)
    until(run, 2_500_000)
    for prod, node in ((CRASH, "v1"), (ISOLATE, "v2"), (ALL["slow"], "v3")):
        actor.prod(prod, node)
    # Not begun yet, and taken back by doing it again: it lasts for a microsecond.
    actor.prod(ISOLATE, "v2")
    arrive(run)
    assert run.now_us == 2_500_000
    assert {fault.at for fault in run.live_faults} == {2_500_001}
    until(run, 3_000_000)
    actor.prod(CRASH, "v1")
    result, alone = finish(run), unwatched(run.scenario)
    assert result.digest == alone.digest


def test_whoever_the_scenario_took_down_can_be_started() -> None:
    run = live()
    until(run, 1_500_000)
    Actor(run).prod(CRASH, "v0")
    until(run, 1_600_000)
    assert run.simulation.world.network.hosts["v0"].up
    assert finish(run).digest == unwatched(run.scenario).digest


def test_amnesia_is_for_good() -> None:
    run = live()
    until(run, 2_500_000)
    Actor(run).prod(ALL["amnesia"], "v2")
    arrive(run)
    until(run, 2_600_000)
    Actor(run).prod(ALL["amnesia"], "v2")
    arrive(run)
    until(run, 2_700_000)
    with pytest.raises(Refused, match="rule 25"):
        Actor(run).prod(CRASH, "v2")


def test_a_partition_of_the_scenario_is_healed() -> None:
    cut = '[[faults]]\nkind = "partition"\ngroups = [["v0", "v1"], ["v2", "v3"]]\n'
    run = live(small(cut, 'at = "2500ms"\nfor = "3s"'))
    until(run, 3_000_000)
    assert Actor(run).prod(ISOLATE, "v3").startswith("the scenario's cut")
    arrive(run)
    until(run, 3_100_000)
    assert not run.simulation.world.network.hosts["v3"].rules
    result, alone = finish(run), unwatched(run.scenario)
    assert result.digest == alone.digest


def test_going_back_executes_again_to_the_very_moment() -> None:
    run = live()
    until(run, 2_000_000)
    for _ in range(3):
        run.step()
    height, events = run.model.height, run.simulation.world.scheduler.events
    Actor(run).prod(ALL["silent"], "v3")  # hostile: executed again up to here
    arrive(run)
    assert (run.model.height, run.simulation.world.scheduler.events) == (height, events)
    until(run, 4_000_000)
    run.go_to(700_000)
    arrive(run)
    assert run.now_us == 700_000
    assert run.model.height < height
    assert run.model.faults == []
    assert finish(run).digest == unwatched(run.scenario).digest


def test_undo_leaves_no_trace() -> None:
    run = live()
    actor = Actor(run)
    until(run, 1_300_000)
    actor.prod(CRASH, "v1")
    until(run, 2_300_000)
    assert run.undo() is not None
    arrive(run)
    assert (run.now_us, run.live_faults) == (2_300_000, ())
    assert run.undo() is None
    assert finish(run).digest == unwatched(small()).digest


def test_more_liars_than_pbft_bears_make_a_control_run() -> None:
    run = live()
    actor = Actor(run)
    until(run, 2_500_000)
    assert "control run" not in actor.prod(ALL["silent"], "v1")
    arrive(run)
    assert "PBFT bears 1; a control run" in actor.prod(ALL["silent"], "v2")
    arrive(run)
    assert run.scenario.expect.safety == "violated"
    until(run, 3_000_000)
    actor.prod(ALL["silent"], "v1")
    actor.prod(ALL["silent"], "v2")
    result, alone = finish(run), unwatched(run.scenario)
    assert (result.digest, result.exit_code) == (alone.digest, alone.exit_code)


def test_checks_learn_who_is_hit_when_a_live_fault_changes_the_primary() -> None:
    hostile = (
        '[[faults]]\nkind = "byzantine"\nbehaviour = "silent"\nnode = "primary"\nat = "3800ms"'
    )
    run = live(small(hostile))
    before = run.simulation.context.honest
    until(run, 2_200_000)
    primary = run.simulation.world.primary().id
    Actor(run).prod(CRASH, primary)
    until(run, 3_900_000)
    arrive(run)
    until(run, 4_000_000)
    assert run.simulation.context.honest != before
    assert run.simulation.context.honest == unwatched_honest(run)
    assert finish(run).digest == unwatched(run.scenario).digest


def unwatched_honest(run: LiveRun) -> frozenset[str]:
    """Who is honest in a run of the same scenario from the command line."""
    return live(run.scenario).simulation.context.honest


def test_the_log_knows_what_happened() -> None:
    run = live()
    until(run, 2_200_000)
    started = [r for r in run.model.log if isinstance(r, Reached)]
    assert any(record.event == "view-change-started" for record in started)
