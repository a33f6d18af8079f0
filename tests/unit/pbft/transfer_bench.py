"""The workbench with whole validators in it: ledger, snapshots and the store file are real.

So a test sees what of a fetched state comes into force, and what a crash leaves of it.
"""

from __future__ import annotations

import datetime
from typing import Any, cast

from consensus.effects import Compact, Effect, Persist
from consensus.encoding import encode
from consensus.events import Boot
from consensus.messages import Message, Request, signed
from consensus.pbft.replica import Replica
from nodes.effects import BlockExecuted, StateInstalled
from nodes.ledger.genesis import Genesis, Seat
from nodes.ledger.records import Account, Party
from nodes.ledger.transactions import Transaction, body_of
from nodes.store_file import REWRITE_AFTER
from nodes.validator import Validator
from tests.unit.pbft.bench import Bench, Host

SECOND = 1_000_000


class ValidatorHost(Host):
    """A validator on a machine: its two files, and what it executed or took over."""

    bench: TransferBench

    def start(self) -> None:
        """(Re)start from the disk."""
        bench = self.bench
        self.validator = Validator(
            self.id,
            bench.genesis,
            bench.genesis.committee,
            bench.signers[self.id],
            bench.verifier,
            bench.parameters,
            observers=bench.observers,
            rewrite_after=bench.rewrite_after,
        )
        self.replica = cast(Replica, self.validator.replica)
        self.timers.clear()
        self.up = True
        self.handle(Boot(bench.now_us, tuple(self.log), tuple(self.file)))

    @property
    def file(self) -> list[Any]:
        """Blocks and snapshots on the disk."""
        return self.__dict__.setdefault("_file", [])

    @property
    def installed(self) -> list[StateInstalled]:
        """States that it took over, from others or (``replayed``) from its disk."""
        return self.__dict__.setdefault("_installed", [])

    def wipe(self, area: str) -> None:
        """One of its files is gone."""
        (self.log if area == "log" else self.file).clear()

    def handle(self, event: Any) -> list[Effect]:
        """Give the validator an event and carry out its effects."""
        effects = self.validator.handle(event)
        for effect in effects:
            self._apply(effect)
        return effects

    def _apply(self, effect: Effect) -> None:
        match effect:
            case Persist("blocks", record):
                self.file.append(record)
            case Compact(records, "blocks"):
                self.file[:] = records
            case StateInstalled():
                self.installed.append(effect)
            case BlockExecuted():
                pass
            case _:
                super()._apply(effect)

    @property
    def height(self) -> int:
        """Of its chain."""
        return self.validator.chain.height

    @property
    def roots(self) -> tuple[bytes, bytes, bytes]:
        """Tip, state and replies."""
        ledger = self.validator.ledger
        return self.validator.chain.tip_hash, ledger.state_root, ledger.reply_root


class TransferBench(Bench):
    """n validators whose clients open accounts: every request leaves something in the state."""

    host_type = ValidatorHost
    rewrite_after = REWRITE_AFTER

    def __init__(self, n: int = 4, **parameters: int) -> None:
        self.genesis: Genesis = None  # type: ignore[assignment]
        fields = {"checkpoint_interval": 2, "window": 4, "block_interval_us": 1, **parameters}
        super().__init__(n, **fields)

    def prepare(self) -> None:
        """Between keys and hosts: the genesis that they share."""
        self.genesis = Genesis(
            chain="test",
            validators=tuple(
                Seat(id=member.id, public_key=member.public_key)
                for member in self.committee.members
            ),
            parties=tuple(
                Party(id=name, role="sbp", public_key=self.signers[name].public_key)
                for name in ("c0", "c1")
            ),
            accounts=(Account(id="c0/cash", owner="c0"),),
            first_business_day=datetime.date(2026, 1, 5),
        )

    def __getitem__(self, name: str) -> ValidatorHost:
        host = self.hosts[name]
        assert isinstance(host, ValidatorHost)
        return host

    def request(self, number: int, client: str = "c0") -> Request:
        """Mints a little more each time."""
        amount = {"asset": "PKR", "amount": number}
        body = body_of("CASH_MINT", {"account": "c0/cash", "amount": amount})
        signer = self.signers[client]
        operation = encode(Transaction(body, 0))
        return signed(
            Request(self.genesis.hash, 0, client, number, operation, signer.public_key), signer
        )

    def blocks(self, first: int, last: int) -> None:
        """Executes a block for each request number; the network is quiet after each."""
        for number in range(first, last + 1):
            self.submit(number)
            self.run_for(10)

    def without(self, *names: str) -> None:
        """Cuts nodes off from all others."""
        self.rule = lambda source, to, _m: source not in names and to not in names

    def heal(self) -> None:
        """Everybody reaches everybody."""
        self.rule = lambda _from, _to, _m: True

    def sent_by(self, source: str) -> list[Message]:
        """What lies in the queue of one sender."""
        return [message for origin, _, message in self.queue if origin == source]
