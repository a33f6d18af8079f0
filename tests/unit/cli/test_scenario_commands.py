"""The commands that only look at scenarios: list, show, validate, schema, new."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from chainsim.cli.group import cli
from chainsim.coalitions import Coalition, smallest, to_fork, to_halt
from scenarios import loader


def invoke(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, list(arguments))
    return result.exit_code, result.output


def test_new_writes_a_valid_scenario_and_never_over_another(tmp_path: Path) -> None:
    path = tmp_path / "try-this.toml"
    assert invoke("new", str(path))[0] == 0
    assert loader.load(str(path)).name == "try-this"
    written = path.read_text()
    code, text = invoke("new", str(path))
    assert (code, path.read_text()) == (2, written)
    assert "exists already" in text


@pytest.mark.parametrize(
    ("name", "message"),
    [("Wrong Name", "name: wanted lower-case"), ('a"b', "not valid TOML"), ("no/folder", "write")],
)
def test_new_refuses_what_can_be_no_scenario(tmp_path: Path, name: str, message: str) -> None:
    code, text = invoke("new", str(tmp_path / "there" / name))
    assert code == 2
    assert message in text
    assert list(tmp_path.iterdir()) == []


def test_validate_checks_all_files_and_says_all_errors(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    invoke("new", str(good))
    bad.write_text('schema = 1\nname = "bad"\nsped = 3\nvalidators = "many"\n')
    code, text = invoke("validate", str(bad), str(good))
    assert code == 2
    assert f"{good}: good is a valid scenario" in text
    for path in ("sped: unknown field", "validators: wanted", "duration: missing"):
        assert path in text
    assert invoke("validate", str(good)) == (0, f"{good}: good is a valid scenario\n")


def test_schema_is_a_json_schema_of_the_whole_file() -> None:
    code, text = invoke("schema")
    assert code == 0
    assert "validators" in json.dumps(json.loads(text))


def test_show_draws_cast_coalitions_and_timeline(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    invoke("new", str(path))
    code, text = invoke("show", str(path), "--set", 'faults[0].at="30s"')
    assert code == 0
    assert "4 validators, quorum 3, 1 may be hostile" in text
    assert "halt: silence of 2" in text
    (crash,) = [line for line in text.splitlines() if line.strip().startswith("crash")]
    bar = crash.split()[1]
    ends = int(re.search(r"for = \"(\d+)s\"", path.read_text())[1]) + 30  # type: ignore[index]
    assert bar.index("█") / len(bar) == pytest.approx(30 / (ends * 9 / 8), abs=0.05)


def test_show_toml_loads_again(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    invoke("new", str(path))
    code, text = invoke("show", str(path), "--toml", "--set", "seed=9")
    assert code == 0
    assert loader.load_text(text) == loader.load(str(path), ["seed=9"])


def test_list_json_is_what_is_shipped() -> None:
    code, text = invoke("list", "--json")
    assert code == 0
    names = [row["name"] for row in json.loads(text)]
    assert sorted(names) == list(loader.shipped())
    assert names[:2] == ["quick", "sovereign-day"]  # what a newcomer should see first
    bases = ["explore-base", "explore-money", "explore-twins"]
    assert [name for name in names if name in bases] == bases
    assert names.index(bases[0]) > len(names) - 6, "for who knows what to look for"


@pytest.mark.parametrize(("n", "halt", "fork"), [(4, 2, 2), (5, 2, 3), (6, 3, 2), (7, 3, 3)])
def test_sizes_that_halt_and_fork(n: int, halt: int, fork: int) -> None:
    assert (to_halt(n), to_fork(n)) == (halt, fork)


def test_smallest_coalitions_hold_no_spare_role() -> None:
    roles = ["ministry", "central-bank", "exchange", "exchange", "exchange", "bank", "bank"]
    assert smallest(roles, 3) == (
        Coalition(("exchange",), 3),
        Coalition(("bank", "central-bank"), 3),
        Coalition(("bank", "ministry"), 3),
    )
    assert smallest(roles, 8) == ()
