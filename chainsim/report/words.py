"""Words that all pictures of a run share."""

from __future__ import annotations

from chainsim.run_summary import FaultLine


def fault_words(fault: FaultLine) -> str:
    """``partition: a, b | c``, ``crash: mof``, ``byzantine (equivocate): sbp``."""
    groups = fault.groups or ((fault.nodes,) if fault.nodes else ())
    who = " | ".join(", ".join(group) for group in groups)
    kind = f"{fault.kind} ({fault.behaviour})" if fault.behaviour else fault.kind
    return f"{kind}: {who}" if who else kind
