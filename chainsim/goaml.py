"""Reports for the Financial Monitoring Unit, goAML-shaped XML: private, and off every ledger.

Two kinds, made from what a firm may know of its own clients and house. A currency transaction
report (CTR) for each CASH_MINT or CASH_BURN marked ``physical`` of PKR 2 million and more. A
suspicious transaction report (STR) where such transactions of one account, each below that, add up
to it within one business day: structuring.

They are written for the reporting firm alone, under ``private/fmu/`` beside the run folder,
readable by their owner only. Nothing of a run knows of them: neither their content nor that they
exist is in a block, a trace, a summary, a report or ``chain.sqlite``. The rules are this
simulator's; the element names follow goAML's report schema, without its bank-specific parts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

import msgspec

from chainsim.exported_chain import Chain, Entry
from nodes.ledger.genesis import Genesis

THRESHOLD_PAISA: Final = 200_000_000
"""PKR 2 million."""

CURRENCY: Final = "PKR"
PHYSICAL: Final = ("CASH_MINT", "CASH_BURN")
PRIVATE: Final = Path("private") / "fmu"


class Report(msgspec.Struct, frozen=True):
    """One report: who files it, of which kind, about which transactions of one account."""

    firm: str
    code: str
    account: str
    day: str
    entries: tuple[Entry, ...]

    @property
    def name(self) -> str:
        """Of its file."""
        first = self.entries[0]
        return f"{self.code}-{self.day or 'before'}-{first.height}-{first.position}.xml"


def reports(chain: Chain, genesis: Genesis) -> list[Report]:
    """All that firms have to file about a chain, in its order."""
    keepers = _keepers(chain, genesis)
    small: dict[tuple[str, str], list[Entry]] = {}
    found = []
    for entry in chain.entries:
        if not _is_cash(entry):
            continue
        account = str(entry.body["account"])
        firm = keepers.get(account, account)
        if _paisa(entry) >= THRESHOLD_PAISA:
            found.append(Report(firm, "CTR", account, entry.day, (entry,)))
        else:
            small.setdefault((account, entry.day), []).append(entry)
    for (account, day), entries in small.items():
        if len(entries) > 1 and sum(map(_paisa, entries)) >= THRESHOLD_PAISA:
            firm = keepers.get(account, account)
            found.append(Report(firm, "STR", account, day, tuple(entries)))
    return found


def _is_cash(entry: Entry) -> bool:
    amount = entry.body.get("amount")
    return (
        entry.type in PHYSICAL
        and entry.code == "OK"
        and entry.body.get("physical") is True
        and isinstance(amount, dict)
        and amount["asset"] == CURRENCY
    )


def _paisa(entry: Entry) -> int:
    return int(entry.body["amount"]["amount"])


def _keepers(chain: Chain, genesis: Genesis) -> Mapping[str, str]:
    """Account -> the firm that keeps it: its custodian, or the house itself."""
    found = {account.id: account.custodian or account.owner for account in genesis.accounts}
    for entry in chain.entries:
        if (entry.type, entry.code) == ("ACCOUNT_OPEN", "OK"):
            found[str(entry.body["id"])] = entry.sender
    return found


def write_reports(found: list[Report], folder: Path) -> list[Path]:
    """A folder for each firm, a file for each report, mode 0600. Raises ``OSError``."""
    written = []
    for report in found:
        store = folder / report.firm
        store.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = store / report.name
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(as_xml(report))
        written.append(path)
    return written


def as_xml(report: Report) -> bytes:
    """The report as goAML has it."""
    root = ElementTree.Element("report")
    _add(root, "rentity_id", report.firm)
    _add(root, "submission_code", "E")
    _add(root, "report_code", report.code)
    _add(root, "submission_date", report.day)
    _add(root, "currency_code_local", CURRENCY)
    if report.code == "STR":
        _add(root, "reason", "cash of one account, in parts below the threshold, in one day")
    for entry in report.entries:
        _transaction(root, report, entry)
    ElementTree.indent(root)
    content = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return bytes(content) + b"\n"


def _transaction(root: ElementTree.Element, report: Report, entry: Entry) -> None:
    element = ElementTree.SubElement(root, "transaction")
    _add(element, "transactionnumber", f"{entry.height}-{entry.position}")
    _add(element, "transmode_code", "CASH")
    _add(element, "date_transaction", entry.day)
    whole, part = divmod(_paisa(entry), 100)
    _add(element, "amount_local", f"{whole}.{part:02d}")
    side = "t_to_my_client" if entry.type == "CASH_MINT" else "t_from_my_client"
    client = ElementTree.SubElement(element, side)
    _add(client, "funds_code", "CASH")
    _add(ElementTree.SubElement(client, "account"), "account", report.account)


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text
