"""How fast one ledger executes transfers by itself, in CPU time: no network, no consensus.

Signatures count as checked and requests as hashed, as they are when a validator executes, and the
garbage collector is frozen, as it is during a run. State hashing is told apart: rates with it, and
without.
"""

from __future__ import annotations

import gc
from contextlib import nullcontext
from datetime import date
from typing import Final

from chainsim import wall_clock
from chainsim.explore.planting import swapped
from consensus.messages import Batch, Request
from nodes.ledger.execution import Ledger
from nodes.ledger.genesis import Genesis, OpeningBalance, Seat
from nodes.ledger.records import Account, Party
from nodes.ledger.state import State
from nodes.ledger.transactions import Money, Transaction, Transfer
from nodes.state_tree import StateTree

BLOCKS: Final = 20
PER_BLOCK: Final = 500
TRANSFERS: Final = BLOCKS * PER_BLOCK
_KEY: Final = b"d" * 32


ROUNDS: Final = 3
"""Of which the quickest counts: what else the machine does only ever slows one down."""


class Alone:
    """One ledger among so many accounts, with no network and no consensus."""

    def __init__(self, accounts: int) -> None:
        self._accounts: Final = accounts
        self._genesis: Final = crowded(accounts)
        self._ledger: Final = Ledger(self._genesis)

    def transfers_ns(self, *, hashing: bool) -> int:
        """CPU nanoseconds for ``TRANSFERS`` transfers, in the quickest of some rounds."""
        return min(self._round_ns(hashing=hashing) for _ in range(ROUNDS))

    def _round_ns(self, *, hashing: bool) -> int:
        batches = blocks(self._genesis, self._accounts, self._ledger.height)
        gc.freeze()
        gc.disable()
        try:
            with nullcontext() if hashing else swapped((State, "rehashed", _unhashed)):
                return _executing_ns(self._ledger, batches)
        finally:
            gc.enable()
            gc.unfreeze()


def _executing_ns(ledger: Ledger, batches: list[Batch]) -> int:
    start_ns = wall_clock.cpu_ns()
    for height, batch in enumerate(batches, ledger.height + 1):
        receipts = ledger.execute_block(height, height, batch).receipts
        assert all(receipt.code == "OK" for receipt in receipts)
    return wall_clock.cpu_ns() - start_ns


def _unhashed(state: State, changes: object) -> StateTree:
    """In the place of ``State.rehashed``: the tree stands still."""
    return state.tree


def crowded(accounts: int) -> Genesis:
    """One dealer with so many accounts that hold cash."""
    return Genesis(
        chain="speed",
        validators=(Seat(id="v", public_key=bytes(32)),),
        parties=(Party(id="d", role="dealer", public_key=_KEY),),
        first_business_day=date(2021, 3, 3),
        accounts=tuple(Account(id=f"d/{number}", owner="d") for number in range(accounts)),
        balances=tuple(
            OpeningBalance(account=f"d/{number}", asset="PKR", amount=10**9)
            for number in range(accounts)
        ),
    )


def blocks(genesis: Genesis, accounts: int, height: int) -> list[Batch]:
    """Transfers between accounts that are far apart, in the blocks after ``height``."""
    found = []
    for block in range(height, height + BLOCKS):
        requests = []
        for number in range(block * PER_BLOCK + 1, (block + 1) * PER_BLOCK + 1):
            source, target = number * 7919 % accounts, number * 104_729 % accounts
            if target == source:
                target = (target + 1) % accounts
            body = Transfer(source=f"d/{source}", target=f"d/{target}", amount=Money("PKR", 1))
            operation = Transaction(body).encode()
            request = Request(genesis.hash, 0, "d", number, operation, _KEY)
            assert request.digest  # remembered: whoever took it in has hashed it
            requests.append(request)
        found.append(Batch(block + 1, tuple(requests)))
    return found
