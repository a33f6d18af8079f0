"""Power cuts while disks rewrite their files, and once more before all is well again.

At a stable checkpoint a validator replaces two files, one after the other. What a cut between
them leaves is lawful, and so is a second cut after the boot that met it; a fault drawn by time
hardly ever comes at the first of these moments, let alone at both.
"""

from __future__ import annotations

from typing import Any, Final

from chainsim.explore.drawing import drawn_kinds
from chainsim.explore.model import Cast, FaultModel
from scenarios.faults import FAULTS, Fault, When
from scenarios.rng import PPM, Stream

OFTEN: Final = 1
"""``disk.rewrite_after`` then: at every checkpoint that is worth it."""
CHANCE: Final = 60_000
"""Of such outages in a run, in parts per million."""
_CHECKPOINTS: Final = 4
"""The last that a cut may wait for, in a run of explore-base."""
_TIMEOUTS: Final = 8
"""For which writes tear after the last work was submitted."""


def draw_outages(stream: Stream, cast: Cast, model: FaultModel) -> list[Fault]:
    """Mostly none; else torn writes for everybody and two cuts or three, each of some."""
    known = drawn_kinds(model)
    if not {"power-loss", "torn-write"} <= set(known) or not stream.chance(CHANCE):
        return []
    lasts_us = cast.busy_us + _TIMEOUTS * cast.timeout_us
    torn: dict[str, Any] = {"nodes": cast.ids, "at": 1, "for_": lasts_us}
    faults = [FAULTS["torn-write"](**torn)]
    if stream.chance(PPM // 2):  # what was rewritten has to last for longer
        begins = When(event="checkpoint-stable", count=stream.between(1, len(cast.ids) * 2))
        length_us = cast.timeout_us * stream.between(1, 6)
        lost: dict[str, Any] = {"type": "checkpoint", "drop": True, "for_": length_us}
        faults.append(FAULTS["mangle"](**lost, when=begins))
    for _ in range(stream.between(2, 3)):
        count = stream.between(1, len(cast.ids))
        hit = sorted(stream.sample(cast.ids, count), key=cast.ids.index)
        event = stream.pick(("checkpoint-stable", "checkpoint-stable", "committed", "executed"))
        most = _CHECKPOINTS * (1 if event == "checkpoint-stable" else 3)
        node = stream.pick(hit)
        cut: dict[str, Any] = {
            "nodes": tuple(hit),
            "boundary": stream.pick(("written", "written", "synced")),
            "when": When(event=event, node=node, count=stream.between(1, most)),
            "for_": cast.timeout_us * stream.between(1, 8) // 8,
        }
        faults.append(FAULTS["power-loss"](**cut))
    return faults
