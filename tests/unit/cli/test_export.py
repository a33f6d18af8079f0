"""``chainsim export``: a journal that bean-check accepts, tables, and reports that stay private."""

from __future__ import annotations

import csv
import gzip
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from chainsim.exported_chain import read_chain
from tests.unit.cli.conftest import Chainsim

CASH = """
schema = 1
name = "cash-desk"
title = "Notes are paid in and out"
duration = "60s"
validators = 4
[consensus]
signatures = "fast"
[calendar]
start = 2021-03-03
day = "20s"
[genesis]
include = "market"
[[workload]]
kind = "days"
[[workload]]
kind = "dvp"
rate = "1/s"
stop = "20s"
series = "PIB-5Y-05MAR2024"
between = ["exchange-a", "exchange-b", "bank-a"]
[[workload]]
kind = "script"
steps = [
"""
STEP = (
    '{{ at = "{at}s", from = "sbp", tx = "{tx}", cosigners = {cosigners}, '
    'body = {{ account = "{account}", amount = "{amount}.00 PKR", physical = {physical} }} }},'
)


def step(at: int, account: str, amount: int, tx: str = "CASH_MINT", physical: str = "true") -> str:
    owner = account.split("/", maxsplit=1)[0]
    cosigners = f'["{owner}"]' if tx == "CASH_BURN" else "[]"
    fields = {"account": account, "amount": amount, "tx": tx, "physical": physical}
    return STEP.format(at=at, cosigners=cosigners, **fields)


SCENARIO = CASH + "\n".join(
    (
        step(2, "client-1/main", 2_000_000),
        step(3, "client-2/main", 1_999_999),
        step(4, "client-3/main", 900_000),
        step(5, "client-3/main", 1_200_000),
        step(6, "client-1/main", 9_000_000, physical="false"),
        step(7, "client-2/main", 3_000_000, tx="CASH_BURN"),
        step(24, "client-2/main", 1_999_999),
        "]",
    )
)
"""A large one, two below the threshold on two days, two of one day that together reach it."""


@pytest.fixture
def run(chainsim: Chainsim, tmp_path: Path) -> Path:
    """The folder of a run with trades and cash, and its report."""
    (tmp_path / "cash.toml").write_text(SCENARIO, encoding="utf-8")
    done = chainsim("run", "./cash.toml")
    assert done.returncode == 0, done.stderr
    [folder] = (tmp_path / "runs").iterdir()
    return folder


def bean_check(journal: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; from beancount.scripts.check import main; sys.exit(main())"
    command = [sys.executable, "-W", "ignore", "-c", code, "--no-cache", str(journal)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_bean_check_accepts_the_journal_and_rejects_one_paisa_more(
    run: Path, chainsim: Chainsim
) -> None:
    done = chainsim("export", "@last", "--format", "beancount")
    journal = Path(done.stdout.strip())
    assert (done.returncode, journal) == (0, Path("runs") / run.name / "export/journal.beancount")
    checked = bean_check(journal)
    assert checked.returncode == 0, checked.stderr
    text = journal.read_text(encoding="utf-8")
    assert text.count(' "DVP_SETTLE"') == 19
    posted = "  Assets:Client-1:Main:Free  2000000.00 PKR"
    asserted = re.search(r"balance Assets:Bank-a:Cash:Free  [0-9.]+", text)
    assert asserted
    for line, words in ((posted, "does not balance"), (asserted[0], "Balance failed")):
        wrong = line.removesuffix(" PKR")
        wrong = wrong[:-1] + str((int(wrong[-1]) + 1) % 10)
        assert text.count(line) >= 1
        journal.write_text(text.replace(line.removesuffix(" PKR"), wrong, 1), "utf-8")
        checked = bean_check(journal)
        assert checked.returncode != 0, f"one paisa in {wrong}"
        assert words in checked.stderr


def test_tables(run: Path, chainsim: Chainsim, tmp_path: Path) -> None:
    done = chainsim("export", run.name, "--format", "csv", "-o", "tables")
    assert done.returncode == 0
    names = [Path(line).name for line in done.stdout.splitlines()]
    assert names == [
        f"{table}.csv"
        for table in ("blocks", "transactions", "receipts", "postings", "balances", "votes")
    ]
    with (tmp_path / "tables" / "receipts.csv").open(encoding="utf-8", newline="") as file:
        receipts = list(csv.DictReader(file))
    assert sum(row["type"] == "CASH_MINT" for row in receipts) == 6


def test_reports_go_to_the_firm_that_keeps_the_account(
    run: Path, chainsim: Chainsim, tmp_path: Path
) -> None:
    done = chainsim("export", run.name, "--format", "goaml")
    assert done.returncode == 0, done.stderr
    private = tmp_path / "runs" / "private" / "fmu" / run.name
    written = sorted(path.relative_to(private).as_posix() for path in private.rglob("*.xml"))
    firms = [path.split("/")[0] for path in written]
    assert firms == ["bank-a", "exchange-a", "exchange-b"]
    kinds = {path.split("/")[0]: path.split("/")[1][:3] for path in written}
    assert kinds == {"bank-a": "STR", "exchange-a": "CTR", "exchange-b": "CTR"}
    for path in private.rglob("*.xml"):
        assert path.stat().st_mode & 0o777 == 0o600
    [structured] = (private / "bank-a").iterdir()
    root = ElementTree.parse(structured).getroot()
    assert root.findtext("rentity_id") == "bank-a"
    amounts = [item.findtext("amount_local") for item in root.iter("transaction")]
    assert amounts == ["900000.00", "1200000.00"]
    [burned] = (private / "exchange-b").iterdir()
    assert "t_from_my_client" in burned.read_text(encoding="utf-8")


def everything(folder: Path) -> bytes:
    """All that a run has written down, unpacked."""
    found = b""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            found += gzip.decompress(content) if path.suffix == ".gz" else content
    return found


def test_nobody_else_learns_of_a_report(run: Path, chainsim: Chainsim, tmp_path: Path) -> None:
    assert chainsim("report", run.name).returncode == 0
    before = everything(run)
    assert b"CASH_MINT" in before
    assert chainsim("export", run.name, "--format", "goaml").returncode == 0
    after = everything(run)
    assert after == before, "the run folder is as it was: block, trace, summary, report, SQLite"
    private = tmp_path / "runs" / "private" / "fmu" / run.name
    for path in private.rglob("*.xml"):
        for sign in (path.name, "rentity_id", "report_code", "goaml-report", "structuring"):
            assert sign.encode() not in after
    clients = {"exchange-a": "client-1", "exchange-b": "client-2", "bank-a": "client-3"}
    for store in private.iterdir():
        content = everything(store)
        for firm, client in clients.items():
            assert (client.encode() in content) == (firm == store.name)


def test_not_into_the_run_folder(run: Path, chainsim: Chainsim) -> None:
    inside = str(run / "reports")
    done = chainsim("export", run.name, "--format", "goaml", "-o", inside)
    assert done.returncode == 2
    assert "confidential" in done.stderr
    assert not (run / "reports").exists()


def test_a_run_without_a_chain(run: Path, chainsim: Chainsim) -> None:
    for content in (None, b"no database"):
        (run / "chain.sqlite").unlink()
        if content is not None:
            (run / "chain.sqlite").write_bytes(content)
        for kind in ("beancount", "csv", "goaml"):
            done = chainsim("export", run.name, "--format", kind)
            assert done.returncode == 2
            assert "chain.sqlite" in done.stderr
        (run / "chain.sqlite").write_bytes(b"")
    assert chainsim("export", "nothing", "--format", "csv").returncode == 2


def test_opening_balances_are_those_of_genesis(run: Path) -> None:
    opening = read_chain(run / "chain.sqlite").opening()
    assert opening["client-1/main", "PKR", "free"] == 5_000_000_000
    assert not any(partition != "free" for _, _, partition in opening)
