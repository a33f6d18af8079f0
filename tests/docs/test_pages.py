"""What the pages show is what happens; what they name exists."""

from __future__ import annotations

import csv
import re
import shlex
from pathlib import Path

import pytest
import rich_click as click

from chainsim import chain_export, run_summary, trace
from chainsim.cli.group import COMMANDS, cli
from chainsim.exit_codes import ExitCode
from scenarios import loader
from scenarios.data_files import data_text
from tests.docs.generated import GENERATED
from tests.docs.pages import MAKE, PAGES, ROOT, SECTION, blocks, comparable, replayed, steps

IDS = [str(page.relative_to(ROOT)) for page in PAGES]
every_page = pytest.mark.parametrize("page", PAGES, ids=IDS)

UPDATE = "make golden-update writes it anew; then review the diff"


@pytest.fixture
def updating(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--golden-update"))


def code(page: Path) -> list[str]:
    """Everything between single backticks, outside of blocks."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"`([^`\n]+)`", prose)


def shell_lines(page: Path) -> list[str]:
    """All commands that the page gives, shown with their output or not."""
    lines = []
    for block in blocks(page.read_text("utf-8")):
        if block.language == "sh":
            lines += [line.split("  #")[0].strip() for line in block.text.splitlines()]
        elif block.language == "console":
            lines += [step.command for step in steps(block.text)]
    return [line for line in lines if line and not line.startswith("#")]


@every_page
def test_commands_print_what_the_page_shows(page: Path, tmp_path: Path, updating: bool) -> None:
    text = page.read_text("utf-8")
    today = replayed(text, tmp_path)
    if updating:
        page.write_text(today, encoding="utf-8")
        return
    assert comparable(today) == comparable(text), UPDATE


@every_page
def test_generated_tables(page: Path, updating: bool) -> None:
    text = page.read_text("utf-8")
    today = SECTION.sub(lambda found: found[1] + GENERATED[found[2]]() + found[4], text)
    if updating:
        page.write_text(today, encoding="utf-8")
        return
    assert today == text, UPDATE


def test_every_generated_table_is_shown_somewhere() -> None:
    shown = {found[2] for page in PAGES for found in SECTION.finditer(page.read_text("utf-8"))}
    assert shown == set(GENERATED)


@every_page
def test_commands_parse(page: Path) -> None:
    for line in shell_lines(page):
        words = shlex.split(line.split(" | ")[0])
        if words[0] == "make":
            assert words[1] in targets(), line
        elif words[0] == "chainsim":
            command = cli.get_command(click.Context(cli), words[1])
            assert command is not None, line
            command.make_context(words[1], words[2:])


def targets() -> set[str]:
    """Of the Makefile."""
    return set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def test_a_target_runs_what_the_pages_say() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target, command in MAKE.items():
        recipe = makefile.split(f"\n{target.removeprefix('make ')}:", 1)[1].split("\n\n")[0]
        assert f"-m {command} " in recipe


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@every_page
def test_named_files_exist(page: Path) -> None:
    """Paths in prose are given from the root. Capitals (NAME) stand for something."""
    for name in code(page):
        inside = re.fullmatch(
            r"(consensus|nodes|scenarios|chainsim|tests|docs)/[a-z0-9_./-]*", name
        )
        if inside:
            assert (ROOT / name).exists(), name


@every_page
def test_named_targets_and_commands_exist(page: Path) -> None:
    for name in code(page):
        words = name.split()
        if words[0] == "make" and len(words) > 1:
            assert words[1] in targets(), name
        if words[0] == "chainsim" and len(words) > 1 and not words[1].startswith("-"):
            assert words[1] in COMMANDS, name


def test_scenarios_shown_in_full_hold() -> None:
    """A page's scenario loads; that it runs is up to the commands below it."""
    texts = [b.text for p in PAGES for b in blocks(p.read_text("utf-8")) if b.language == "toml"]
    whole = [text for text in texts if text.startswith("schema")]
    assert whole
    for text in whole:
        loader.load_text(text)


def rows(page: str, heading: str) -> list[str]:
    """First cells of the table under ``heading``, without backticks."""
    section = (ROOT / page).read_text("utf-8").split(f"{heading}\n", 1)[1].split("\n#", 1)[0]
    cells = re.findall(r"^\| ([^|]+?) \|", section, re.MULTILINE)
    return [cell.strip("`") for cell in cells[1:] if not cell.startswith("---")]


def test_exit_codes() -> None:
    assert [int(row) for row in rows("README.md", "### Exit codes")] == [int(c) for c in ExitCode]


@pytest.mark.parametrize(
    ("heading", "names"),
    [
        ("## Fields of summary.json", run_summary.RunSummary.__struct_fields__),
        (
            "## Records of trace.jsonl.gz",
            (*(str(k.__struct_config__.tag) for k in trace.MILESTONES), "violation", "message"),
        ),
        (
            "## Tables of chain.sqlite",
            tuple(re.findall(r"CREATE TABLE (\w+)", chain_export.SCHEMA)),
        ),
    ],
)
def test_the_run_folder_page_names_everything(heading: str, names: tuple[str, ...]) -> None:
    assert sorted(rows("docs/run-folder.md", heading)) == sorted(names)


def test_the_world_page_gives_the_round_trips_in_force() -> None:
    text = (ROOT / "docs/simulated-world.md").read_text("utf-8")
    shown = re.findall(r"^\| (\w+) - (\w+) \| (\d+) \|$", text, re.MULTILINE)
    reader = csv.reader(data_text("latency-pakistan-gulf.csv").splitlines()[1:])
    assert [(a.lower(), b.lower(), ms) for a, b, ms in shown] == [tuple(row) for row in reader]


def test_the_world_page_gives_the_defaults_in_force() -> None:
    scenario = loader.load_text('name = "defaults"\nduration = "1s"\nvalidators = 4\n')
    resolved = loader.resolved_toml(scenario)
    text = (ROOT / "docs/simulated-world.md").read_text("utf-8")
    for field, value in re.findall(r"\| `(?:network|cpu|disk)\.(\w+)` \| `([^`]+)` \|", text):
        assert re.search(rf"^{field} = {re.escape(value)}$", resolved, re.MULTILINE), field


def test_a_page_that_lies_is_found(tmp_path: Path) -> None:
    truth = "```console\n$ echo 7 | chainsim --version\nchainsim 0\n```\n"
    today = replayed(truth, tmp_path)
    assert comparable(today) != comparable(truth)
    assert comparable(today) == comparable(replayed(today, _empty(tmp_path)))


def test_a_slow_machine_is_no_lie() -> None:
    quick = "   seed 1 · 103 s simulated in 9.9 s · digest 2e18   \n"
    slow = "  seed 1 · 103 s simulated in 10.1 s · digest 2e18   \n"
    assert comparable(quick) == comparable(slow)
    assert comparable(quick) != comparable(slow.replace("103", "104"))


def _empty(parent: Path) -> Path:
    folder = parent / "again"
    folder.mkdir()
    return folder
