"""What ``submit`` takes, and the transaction that stands for a plain word.

A word is ordered as a transfer of cash whose amount counts the submissions: so each is an
operation of its own, the ledger executes it for real, and its checks of money hold beside those
of consensus. The word itself is only the test's name for it; it never travels.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from chainsim.testing.errors import WrongUse
from nodes.ledger.genesis import Genesis
from nodes.ledger.transactions import Money, Transaction, Transfer
from scenarios.errors import did_you_mean
from scenarios.schema import client_id
from scenarios.workload.transfers import Transfers

ASSET: Final = "PKR"


class Order(msgspec.Struct, frozen=True):
    """A transaction, and the party that sends it."""

    client: str
    transaction: Transaction


class Labels:
    """Remembers what the test calls each operation."""

    def __init__(self, genesis: Genesis) -> None:
        self._genesis: Final = genesis
        self._accounts: Final = Transfers(rate=1, stop=1).accounts(genesis)
        self._names: Final[dict[bytes, str]] = {}
        self._count = 0

    def orders(self, what: Iterable[str | Order], client: str) -> list[Order]:
        """The transactions to send. Raises ``WrongUse`` for a client that can't."""
        found = []
        for each in what:
            order = self._word(client) if isinstance(each, str) else each
            self.check(order.client)
            label = each if isinstance(each, str) else each.transaction.type
            self._names[order.transaction.encode()] = label
            found.append(order)
        return found

    def check(self, client: str) -> None:
        """Raises ``WrongUse`` for a party that genesis doesn't know."""
        parties = [party.id for party in self._genesis.parties]
        if client not in parties:
            raise WrongUse(f'unknown client "{client}"{did_you_mean(client, parties)}')

    def _word(self, client: str) -> Order:
        mine = [account for account in self._accounts if account.owner == client or not client]
        others = [account for account in self._accounts if account not in mine[:1]]
        if client and not mine:
            self.check(client)
            raise WrongUse(f'"{client}" has no cash to send; give its transaction as an Order')
        if not mine or not others:
            raise WrongUse("words are sent as cash, and this genesis has too little: give Orders")
        self._count += 1
        amount = Money(ASSET, self._count)
        body = Transfer(source=mine[0].id, target=others[0].id, amount=amount)
        return Order(mine[0].owner, Transaction(body))

    def name(self, operation: bytes, party: str, number: int) -> str:
        """The test's name of an operation; of a workload's the client and its number."""
        return self._names.get(operation) or f"{party}#{number}"

    def node(self, party: str, validators: Iterable[str]) -> str:
        """The node that speaks for a party."""
        return client_id(party, tuple(validators))
