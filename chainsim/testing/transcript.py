"""A run as text, one line for each thing that happened: for golden files and for reading.

After etcd-io/raft's interaction tests.
"""

from __future__ import annotations

from collections.abc import Iterable

from chainsim.trace import (
    Accused,
    Executed,
    FaultChanged,
    Final,
    Installed,
    MessageMoved,
    NodeChanged,
    Persisted,
    Proven,
    Reached,
    Record,
    Signed,
    Submitted,
    TimerExpired,
)


def transcript(records: Iterable[Record]) -> str:
    """Milestones and deliveries in order of execution; the beat of STATUS is left out."""
    return "".join(
        f"{record.at_us:>9} {record.node or 'world':<9} {line_of(record)}\n"
        for record in records
        if shown(record)
    )


def shown(record: Record) -> bool:
    """Whether a transcript has a line for a record."""
    match record:
        case Signed():
            return False  # the delivery is shown
        case MessageMoved(what=what, type=kind):
            return what != "sent" and kind != "status"
        case TimerExpired(key=key):
            return key != "status"
        case _:
            return True


def line_of(record: Record) -> str:
    """What a record says, without its time and node."""
    match record:
        case MessageMoved(what=what, type=kind, peer=peer, view=view, sequence=sequence):
            cause = f": {record.cause}" if record.cause else ""
            line = "from" if what == "delivered" else "to"
            return f"{what} {kind}({view},{sequence}) {line} {peer}{cause}"
        case Reached(event=event, view=view, sequence=sequence, cause=cause):
            return f"{event} ({view},{sequence}){': ' + cause if cause else ''}"
        case Executed(sequence=sequence, transactions=count, replayed=replayed):
            return f"executed block {sequence}, {count} tx{' from disk' if replayed else ''}"
        case Installed(sequence=sequence, replayed=replayed):
            return f"took over the state at {sequence}{' from disk' if replayed else ''}"
        case Final(number=number, code=code, latency_us=latency_us):
            return f"request {number} is final: {code} after {latency_us} us"
        case Proven(what="blocks", sequence=sequence, amounts=(count, skipped)):
            missing = f", {skipped} skipped" if skipped else ""
            return f"believes block {sequence}, {count} headers{missing}"
        case Proven(what="receipt", sequence=sequence, account=account):
            return f"believes a receipt of {account} in block {sequence}"
        case Proven(sequence=sequence, account=account, asset=asset, amounts=amounts):
            return f"believes that {account} has {sum(amounts)} {asset} after block {sequence}"
        case Submitted(number=number):
            return f"request {number} signed"
        case TimerExpired(key=key):
            return f"timer {key}"
        case Persisted(records=count):
            return f"fsync: {count} more records durable"
        case FaultChanged(kind=kind, active=active, nodes=nodes):
            return f"fault {kind} {'begins' if active else 'ends'}: {', '.join(nodes)}"
        case NodeChanged(state=state):
            return state
        case Accused(culprit=culprit, kind=kind):
            return f"accuses {culprit} of {kind}"
        case _:
            return type(record).__name__.lower()
