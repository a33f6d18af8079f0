"""What a run came to, as ``Simulation.finish`` returns it, and the metrics that it is told in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from chainsim.checks import CheckResult
from chainsim.exit_codes import ExitCode
from chainsim.market_measures import METRIC_OF
from chainsim.measures import Measures
from chainsim.run_end import RunEnd
from chainsim.run_summary import Beside, Ending, ExpectationLine, WatcherLine
from chainsim.simulation.standing import MessageCounts
from nodes.block import Block
from nodes.ledger.receipts import Receipt


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to; times in microseconds of virtual time."""

    ended: Ending
    digest: str
    """Of the milestone stream, in hexadecimal."""
    virtual_time_us: int
    height: int
    """Of the agreed chain."""
    end: RunEnd
    state_root: bytes
    """At ``height``."""
    messages: MessageCounts
    measures: Measures
    watchers: tuple[WatcherLine, ...]
    """What light observers had proven to them."""
    metrics: dict[str, int]
    market: dict[str, int]
    """See ``chainsim.market_measures``."""
    chain: tuple[Block, ...]
    """The agreed chain, height 1 first."""
    checks: tuple[CheckResult, ...]
    expectations: tuple[ExpectationLine, ...]
    exit_code: ExitCode
    beside: Beside | None = None
    """The run and the undisturbed one, if the scenario asks for it."""

    @property
    def ok(self) -> bool:
        """All checks and expectations hold (or fail as the scenario says they must)."""
        return self.exit_code == ExitCode.OK


def receipts_of(chain: Sequence[Block]) -> Iterator[Receipt]:
    """All receipts in the order in which they took effect."""
    for block in chain:
        yield from block.system_receipts
        yield from block.receipts


def metrics_of(
    *,
    chain: Sequence[Block],
    end: RunEnd,
    messages: MessageCounts,
    measures: Measures,
    watchers: Sequence[WatcherLine],
    market: dict[str, int],
    virtual_time_us: int,
) -> dict[str, int]:
    """The metrics that expectations may name, of ``scenarios.metrics``; times in microseconds.

    One that the run gives no figure for, like the finality of nothing, is missing.
    """
    transactions = measures.transactions
    finality = measures.finality
    settled = [r for r in receipts_of(chain) if (r.type, r.code) == ("DVP_SETTLE", "OK")]
    values: dict[str, int | None] = {
        "height": len(chain),
        "view": max((status.view for status in end.nodes.values()), default=0),
        "view_changes": measures.view_changes,
        "messages_sent": sum(messages.sent.values()),
        "messages_delivered": sum(messages.delivered.values()),
        "messages_dropped": sum(messages.dropped.values()),
        "transactions_submitted": transactions.submitted,
        "transactions_final": transactions.final,
        "transactions_failed": transactions.failed,
        "dvp_settled": len(settled),
        "receipts_proven": sum(watcher.receipts for watcher in watchers),
        "balances_proven": sum(watcher.balances for watcher in watchers),
        "proven_height": min((watcher.height for watcher in watchers), default=0),
        "finality_p50": finality.p50,
        "finality_p99": finality.p99,
        "finality_max": finality.max,
        "virtual_time": virtual_time_us,
        **{METRIC_OF.get(name, name): value for name, value in market.items()},
    }
    return {name: value for name, value in values.items() if value is not None}
