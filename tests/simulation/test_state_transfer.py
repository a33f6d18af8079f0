"""The shipped scenarios of rule 22: the state is fetched, lies are seen, and where nobody looks,
the scenario fails."""

from __future__ import annotations

import pytest

from chainsim.build import build
from chainsim.explore.planting import Planted, planted
from chainsim.run_result import RunResult
from chainsim.trace import Executed, Installed, Reached, Record, Recorder
from scenarios.loader import load

LAG = "checkpoint-lag-state-transfer"
LIES = "state-transfer-source-lies"


def play(name: str, seed: int) -> tuple[RunResult, list[Record]]:
    records: list[Record] = []
    recorder = Recorder()
    for kind in (Reached, Executed, Installed):
        recorder.subscribe(kind, records.append)
    scenario = load(name, ["consensus.signatures=fast"], seed)
    return build(scenario, recorder, memoise=True).run(), records


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rule_22_a_laggard_jumps_over_what_nobody_holds(seed: int) -> None:
    result, records = play(LAG, seed)
    assert result.exit_code == 0
    jumped = [r for r in records if isinstance(r, Installed) and r.node == "v3" and not r.replayed]
    assert jumped
    executed = {r.sequence for r in records if isinstance(r, Executed) and r.node == "v3"}
    assert result.height - len(executed) > 100  # of the blocks between it executed none
    at = {r.sequence: r.state_root for r in records if isinstance(r, Executed) and r.node == "v0"}
    assert all(r.state_root == at[r.sequence] for r in jumped)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rule_22_a_lying_source_is_seen_and_others_asked(seed: int) -> None:
    result, records = play(LIES, seed)
    assert result.exit_code == 0
    refused = [r for r in records if isinstance(r, Reached) and r.event == "state-piece-refused"]
    assert {(r.node, r.cause.split()[0]) for r in refused} == {("v3", "v2")}


@pytest.mark.parametrize(("number", "name"), [(24, LAG), (27, LIES)])
def test_rule_22_with_the_bug_in_place_the_scenario_fails(number: int, name: str) -> None:
    """Which piece the liar is asked for hangs on the seed: the state's own digest is checked by
    the protocol itself."""
    broken = set()
    for seed in range(1, 7):
        with planted(Planted("tests.mutants", number)):
            scenario = load(name, ["consensus.signatures=fast"], seed)
            result = build(scenario, Recorder()).run()
        if result.exit_code == 3:
            broken |= {check.name for check in result.checks if not check.ok}
            break
    assert broken & {"agreement", "equal-state-roots", "chain-integrity"}
