"""A run's ledger as a double-entry journal that beancount's ``bean-check`` accepts.

Every receipt that moved something is a transaction, dated with the business date. What was minted
or burned stands against ``Equity:Issued``, what accounts held at genesis against
``Equity:Opening``, so each transaction balances by itself, and at the end every account is
asserted to hold what the ledger says. Currencies are in major units, everything else in minor.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Iterator

from chainsim.exported_chain import Chain, Entry

ISSUED = "Equity:Issued"
OPENING = "Equity:Opening"
EXACTLY = "~ 0.001"
"""A balance directive of its own accord lets a paisa pass."""
_LONGEST_COMMODITY = 24


def journal(chain: Chain, title: str, start: datetime.date, currencies: Iterable[str]) -> str:
    """The whole file. ``start``: the calendar's first day; the journal opens the day before."""
    names = _Names(chain, frozenset(currencies))
    first = (start - datetime.timedelta(days=1)).isoformat()
    opening = chain.opening()
    lines = [f'option "title" "{_quoted(title)}"', ""]
    lines += [f"{first} open {name}" for name in names.accounts()]
    lines += ["", f'{first} * "genesis"']
    for key, amount in sorted(opening.items()):
        lines.append(names.posting(key, amount))
        lines.append(f"  {OPENING}  {names.amount(key[1], -amount)}")
    last = first
    for entry in chain.entries:
        if entry.postings:
            last = entry.day or first
            lines += ["", *_transaction(entry, last, names)]
    after = (datetime.date.fromisoformat(last) + datetime.timedelta(days=1)).isoformat()
    lines.append("")
    for key in sorted(names.keys):
        number, commodity = names.amount(key[1], chain.balances.get(key, 0)).split(" ")
        lines.append(f"{after} balance {names.account(key)}  {number} {EXACTLY} {commodity}")
    return "\n".join(lines) + "\n"


def _transaction(entry: Entry, day: str, names: _Names) -> Iterator[str]:
    who = entry.sender or "the ledger"
    yield f'{day} * "{_quoted(who)}" "{entry.type}"'
    yield f"  height: {entry.height}"
    yield f"  position: {entry.position}"
    for account, asset, partition, delta in entry.postings:
        yield names.posting((account, asset, partition), delta)
    for asset, amount in entry.minted:
        yield f"  {ISSUED}  {names.amount(asset, -amount)}"


class _Names:
    """beancount's words for accounts and assets: its alphabet is smaller than ours."""

    def __init__(self, chain: Chain, currencies: frozenset[str]) -> None:
        self._currencies = currencies
        self.keys = {*chain.balances, *chain.opening()}
        for entry in chain.entries:
            self.keys.update((account, asset, part) for account, asset, part, _ in entry.postings)
        assets = sorted({asset for _, asset, _ in self.keys})
        self._commodities = _unique(assets, _commodity)
        self._accounts = _unique(sorted({account for account, _, _ in self.keys}), _account)

    def accounts(self) -> list[str]:
        """All accounts, with the two that stand against them."""
        return [ISSUED, OPENING, *sorted({self.account(key) for key in self.keys})]

    def account(self, key: tuple[str, str, str]) -> str:
        """``Assets:Exchange-a:Bonds:Free``."""
        account, _, partition = key
        return f"Assets:{self._accounts[account]}:{partition.capitalize()}"

    def amount(self, asset: str, minor: int) -> str:
        """With its commodity; two decimals for currencies."""
        if asset not in self._currencies:
            return f"{minor} {self._commodities[asset]}"
        sign = "-" if minor < 0 else ""
        whole, part = divmod(abs(minor), 100)
        return f"{sign}{whole}.{part:02d} {self._commodities[asset]}"

    def posting(self, key: tuple[str, str, str], delta: int) -> str:
        return f"  {self.account(key)}  {self.amount(key[1], delta)}"


def _commodity(asset: str) -> str:
    """Capital letters, digits, ``'._-``; begins with a letter, ends with a letter or digit."""
    name = re.sub(r"[^A-Z0-9'._-]", "-", asset.upper())
    if not name[:1].isalpha():
        name = f"A{name}"
    return name[:_LONGEST_COMMODITY].rstrip("'._-").ljust(2, "X")


def _account(account: str) -> str:
    """Components of letters, digits and hyphens that begin with a capital letter or digit."""
    parts = [re.sub(r"[^A-Za-z0-9-]", "-", part) for part in account.split("/")]
    return ":".join(
        part[:1].upper() + part[1:] if part[:1].isalnum() else f"X{part}" for part in parts
    )


def _unique(names: Iterable[str], convert: Callable[[str], str]) -> dict[str, str]:
    """A word for each name, different ones for different names."""
    found: dict[str, str] = {}
    taken: dict[str, None] = {}
    for name in names:
        word = convert(name)
        count = 1
        while word in taken:
            count += 1
            word = f"{convert(name)[: _LONGEST_COMMODITY - 4]}-{count}"
        taken[word] = None
        found[name] = word
    return found


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
