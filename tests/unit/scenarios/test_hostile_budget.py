"""The fault budget: more than f hostile validators only in a control run that says so."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from chainsim.build import build
from chainsim.cli.group import cli
from chainsim.exit_codes import ExitCode
from scenarios.errors import ScenarioErrors
from scenarios.hostile_budget import hostile_count
from scenarios.loader import load_text

BASE = """
schema = 1
name = "budget"
duration = "10s"
validators = {n}
[consensus]
signatures = "fast"
[genesis]
include = "cash"
"""


def text(*faults: str, n: int = 4, more: str = "") -> str:
    tables = "".join(f"\n[[faults]]\n{fault}\n" for fault in faults)
    return BASE.format(n=n) + tables + more


CENSOR = 'kind = "byzantine"\nbehaviour = "censor"\nnode = "v0"\n'
LIAR = 'kind = "byzantine"\nbehaviour = "silent"\n'
AMNESIA = 'kind = "crash"\nmode = "amnesia"\nat = "1s"\n'
LYING_DISK = 'kind = "lost-fsync"\nat = "1s"\n'
ROT = 'kind = "bit-rot"\nat = "1s"\n'


@pytest.mark.parametrize(
    ("faults", "n", "count"),
    [
        ((LIAR + 'node = "v0"',), 4, 1),
        ((LIAR + 'node = "v0"', AMNESIA + 'node = "v0"', LYING_DISK + 'node = "v0"'), 4, 1),
        ((LIAR + 'node = "v0"', AMNESIA + 'node = "v1"'), 4, 2),
        ((LIAR + 'nodes = ["v0", "v1"]',), 4, 2),
        ((LIAR + 'node = "random:f"',), 7, 2),
        ((LIAR + 'node = "random:2"', LYING_DISK + 'node = "v1"'), 7, 3),
        ((LIAR + 'node = "primary"', ROT + 'node = "v3"'), 4, 2),
        ((LIAR + 'node = "role:other"',), 4, 4),
        ((LIAR + 'node = "random:1"\nat = "0s"\nevery = "3s"\nfor = "1s"',), 7, 4),
        ((ROT + 'node = "v0"\narea = "blocks"', 'kind = "crash"\nnode = "v1"\nat = "1s"'), 4, 0),
    ],
)
def test_the_hostile_are_counted_and_too_many_are_refused(
    faults: tuple[str, ...], n: int, count: int
) -> None:
    control = load_text(text(*faults, n=n, more='[expect]\nsafety = "violated"\n'))
    assert hostile_count(control)[0] == count
    if count <= (n - 1) // 3:
        load_text(text(*faults, n=n))
        return
    with pytest.raises(ScenarioErrors) as caught:
        load_text(text(*faults, n=n))
    (error,) = caught.value.errors
    assert error.path == f"faults[{len(faults) - 1}]"
    assert f"{count} validators may be hostile" in error.message
    assert f"but {n} validators tolerate {(n - 1) // 3}" in error.message
    assert 'expect.safety = "violated"' in error.message


def test_only_validators_can_be_byzantine() -> None:
    with pytest.raises(ScenarioErrors) as caught:
        load_text(text(LIAR + 'node = "dealer-a"'))
    assert [str(e.path) for e in caught.value.errors] == ["faults[0].node"]
    assert "no validator" in caught.value.errors[0].message


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (LIAR.replace("silent", "silnt") + 'node = "v0"', 'no behaviour is called "silnt"'),
        (LIAR + 'node = "v0"\ngroups = [["v1"]]', "two groups"),
        (LIAR + 'node = "v0"\nreceivers = ["v9"]', 'unknown validator "v9"'),
        (LIAR + 'node = "v0"\ntypes = ["vote"]', 'no message has the type "vote"'),
        (CENSOR + 'clients = ["dealer-x"]', 'unknown party "dealer-x"; did you mean "dealer-'),
        (CENSOR + 'transactions = ["BIDS"]', 'no transaction is a "BIDS"; did you mean "BID"?'),
        (CENSOR.replace("censor", "collude"), "who colludes? name two members or more"),
        (CENSOR.replace("censor", "delay-proposals") + 'delay = "0s"', "delay must be above zero"),
        ('kind = "mangle"\nat = "1s"\ndrop = true\ndelay = "1s"', "exactly one of drop"),
        ('kind = "mangle"\nat = "1s"\ntype = "prepar"\ndrop = true', 'the type "prepar"'),
        ('kind = "mangle"\nat = "1s"\ntype = "prepare"\ncorrupt = "batch"', 'no field "batch"'),
        ('kind = "mangle"\nat = "1s"\nduplicate = 9', "1 to 8 copies"),
        ('kind = "late-start"\nat = "1s"\nfor = "1s"\nnode = "v0"', "moment when it starts"),
        ('kind = "crash"\nat = "1s"\nrejoins = true\nnode = "v0"', "goes with mode = amnesia"),
    ],
)
def test_what_does_not_fit_is_said(fault: str, says: str) -> None:
    with pytest.raises(ScenarioErrors) as caught:
        load_text(text(fault))
    assert any(says in error.message for error in caught.value.errors), caught.value.errors


def test_the_checks_know_whom_not_to_rely_on() -> None:
    def honest(*faults: str, n: int = 4) -> list[str]:
        return sorted(build(load_text(text(*faults, n=n))).context.honest)

    assert honest(LIAR + 'node = "v2"') == ["v0", "v1", "v3"]
    assert honest(LIAR + 'node = "primary"') == ["v1", "v2", "v3"]
    assert len(honest(LIAR + 'node = "random:f"', n=7)) == 5
    assert honest(LYING_DISK + 'node = "v1"') == ["v0", "v2", "v3"]
    # Who leads after the crash shows only in the run: it is rehearsed.
    assert honest(LIAR + 'node = "primary"\nat = "1s"') == ["v1", "v2", "v3"]
    never = LIAR + 'node = "primary"\nwhen = { event = "prepared", sequence = 999 }'
    assert len(honest(never)) == 4


def removal(who: str) -> str:
    return f'kind = "remove-validator"\nnode = "{who}"\nat = "2s"'


TWO_LIARS = (LIAR + 'node = "v1"', LIAR + 'node = "v2"')


def test_the_budget_holds_in_every_committee_that_is_planned() -> None:
    """Seven bear two liars, six only one: unless it is a liar who goes."""
    load_text(text(*TWO_LIARS, n=7))
    load_text(text(*TWO_LIARS, removal("v2"), n=7))
    with pytest.raises(ScenarioErrors) as caught:
        load_text(text(*TWO_LIARS, removal("v0"), n=7))
    (error,) = caught.value.errors
    assert error.path == "faults[1]"
    assert "2 validators may be hostile" in error.message
    assert "the 6 validators that faults[2] leaves tolerate 1" in error.message
    load_text(text(*TWO_LIARS, removal("v0"), n=7, more='[expect]\nsafety = "violated"\n'))


def test_a_clock_beyond_the_bound_counts() -> None:
    far, near = 'kind = "skew"\nby = "501ms"\n', 'kind = "skew"\nby = "500ms"\n'
    load_text(text(near + 'nodes = ["v0", "v1", "v2", "v3"]', far + 'node = "v0"'))
    with pytest.raises(ScenarioErrors, match="2 validators may be hostile"):
        load_text(text(LIAR + 'node = "v0"', far + 'node = "v1"'))
    load_text(text(far + 'nodes = ["dealer-a", "dealer-b"]'))  # clients are no validators


@pytest.mark.parametrize("command", ["validate", "run"])
def test_the_command_line_refuses_it_with_two(command: str, tmp_path: Path) -> None:
    file = tmp_path / "many.toml"
    file.write_text(text(LIAR + 'nodes = ["v0", "v1"]'), encoding="utf-8")
    result = CliRunner().invoke(cli, [command, str(file)])
    assert result.exit_code == ExitCode.USAGE
    assert 'says expect.safety = "violated"' in result.output
    assert "Traceback" not in result.output
