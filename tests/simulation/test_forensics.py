"""Rule 34 on whole runs: forks by more than f, at least f+1 convicted, nobody innocent."""

from __future__ import annotations

from pathlib import Path

import pytest

from chainsim.evidence import evidence_file, judge
from chainsim.exit_codes import ExitCode
from chainsim.forensics import Investigation, investigate_run, investigate_scenario
from chainsim.recorded_run import run_recorded
from consensus.types import max_faulty, quorum_size
from scenarios.loader import load, load_text
from tests.simulation.runs import BASE, Run

EXPECT = '\n[expect]\nsafety = "violated"\nliveness = "ignore"\n'
SIZES = (4, 5, 6, 7)
SEEDS = (1, 2, 3, 4)


def ids(numbers: range) -> list[str]:
    return [f"v{number}" for number in numbers]


def names(*groups: list[str]) -> str:
    return "[" + ", ".join(f'"{name}"' for group in groups for name in group) + "]"


def smallest_coalition(n: int) -> int:
    """How many it takes to fork: the overlap of two quorums."""
    return 2 * quorum_size(n) - n


def colluders(n: int) -> tuple[list[str], str]:
    """The primary tells two halves two things, and accomplices vote for both."""
    liars = ids(range(smallest_coalition(n)))
    honest = ids(range(len(liars), n))
    left, right = honest[: len(honest) // 2], honest[len(honest) // 2 :]
    text = f"""
[[faults]]
kind = "byzantine"
node = "v0"
behaviour = "equivocate"
groups = [{names(liars[1:], left)}, {names(liars[1:], right)}]

[[faults]]
kind = "byzantine"
nodes = {names(liars[1:])}
behaviour = "accomplice"
"""
    return liars, text


def coalition(n: int) -> tuple[list[str], str]:
    """Whoever of them leads votes for all of them, with their keys."""
    liars = ids(range(smallest_coalition(n)))
    text = f"""
[[faults]]
kind = "byzantine"
nodes = {names(liars)}
behaviour = "collude"
"""
    return liars, text


def forgetful(n: int) -> tuple[list[str], str]:
    """Disks that lie, a power cut, and a partition that turns: two views decide apart."""
    honest = n - smallest_coalition(n)
    left = ids(range(honest // 2))
    liars = ids(range(len(left), len(left) + smallest_coalition(n)))
    right = ids(range(len(left) + len(liars), n))
    text = f"""
[[faults]]
kind = "lost-fsync"
nodes = {names(liars)}
at = "0s"

[[faults]]
kind = "partition"
groups = [{names(left, liars)}, {names(right)}]
at = "700ms"
until = "1500ms"

[[faults]]
kind = "crash"
nodes = {names(liars)}
at = "1500ms"
for = "100ms"

[[faults]]
kind = "partition"
groups = [{names(left)}, {names(right, liars)}]
at = "1500ms"
until = "20s"
"""
    return liars, text


def investigated(n: int, seed: int, faults: str) -> Investigation:
    scenario = load_text(BASE.format(n=n) + faults + EXPECT, seed=seed)
    return investigate_scenario(scenario)[0]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize(
    ("attack", "kind", "one_view"),
    [
        (colluders, "conflicting-commit", True),
        (coalition, "conflicting-commit", True),
        (forgetful, "forgotten-commit", False),
    ],
)
def test_rule_34_a_fork_convicts_more_than_f_and_nobody_honest(
    attack: object, kind: str, one_view: bool, n: int, seed: int
) -> None:
    liars, faults = attack(n)  # type: ignore[operator]
    found = investigated(n, seed, faults)
    forks = found.findings.forks
    assert forks
    assert any((fork.first.view == fork.second.view) == one_view for fork in forks)
    assert set(found.findings.culprits) <= set(liars)
    assert len(found.findings.culprits) > max_faulty(n)
    assert kind in {proof.kind for proof in found.findings.proofs}
    for proof in found.findings.proofs:
        content = evidence_file(proof, found.origin)
        assert content is not None
        assert judge(content, found.origin.scheme).holds


@pytest.mark.parametrize("n", SIZES)
def test_one_liar_fewer_forks_nothing(n: int) -> None:
    """All the accomplices but one, and the equivocating primary."""
    liars, faults = colluders(n)
    without = faults.replace(f"nodes = {names(liars[1:])}", f"nodes = {names(liars[1:-1])}")
    if len(liars) == 2:
        without = faults.rsplit("[[faults]]", 1)[0]
    found = investigated(n, 1, without)
    assert found.findings.forks == ()
    assert found.findings.culprits == ()


@pytest.mark.parametrize("n", [7, 8, 10])
def test_a_coalition_within_the_budget_forks_nothing(n: int) -> None:
    """f members with each other's keys, of which one leads: they are deposed, and the next too."""
    members = names(ids(range(max_faulty(n))))
    fault = f'\n[[faults]]\nkind = "byzantine"\nnodes = {members}\nbehaviour = "collude"\n'
    run = Run(fault, n=n)
    assert run.result.exit_code == ExitCode.OK, run.why()
    assert run.result.metrics["view_changes"] > 0
    assert set(run.proven()) <= set(ids(range(max_faulty(n))))


@pytest.mark.parametrize("seed", [1, 2])
def test_an_accomplice_alone_does_no_harm(seed: int) -> None:
    fault = '\n[[faults]]\nkind = "byzantine"\nnode = "v2"\nbehaviour = "accomplice"\n'
    run = Run(fault, seed=seed)
    assert run.result.exit_code == ExitCode.OK, run.why()
    assert run.proven() == {}


def test_forensics_of_a_recorded_run_reads_the_same_run(tmp_path: Path) -> None:
    scenario = load("colluders-fork")
    summary = run_recorded(scenario, tmp_path, "off")
    assert summary.exit_code == ExitCode.OK
    found = investigate_run(scenario, Path(summary.run_dir))
    assert found.findings.culprits == ("exchange-a", "exchange-b")
    assert found.honest == ("mof", "sbp")
