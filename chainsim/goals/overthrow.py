"""Runs in which more than f validators conspire or forget: is who did it convicted, and nobody
else? (PBFT.md, rule 34; arXiv 2010.06785.)

Each seed draws a committee, the smallest coalition that can fork it (the overlap of two quorums),
one of two attacks, and some faults of the network on top, so that not every attack succeeds and
those that do take different ways. Where a fork comes of it, forensics must convict at least f+1,
by proofs that the judge of ``chainsim verify`` accepts; an honest validator never, fork or not.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from chainsim.evidence import evidence_file, judge
from chainsim.explore.drawing import Draw, draw_faults
from chainsim.explore.model import FaultModel, cast_of, resized
from chainsim.forensics import investigate_scenario
from consensus.types import max_faulty, quorum_size
from scenarios.faults import FAULTS, Fault
from scenarios.loader import load_text
from scenarios.rng import Stream
from scenarios.schema import Scenario

SIZES: Final = (4, 5, 6, 7)
NOISE: Final = ("link", "isolate", "partition", "pause", "crash", "mangle")
"""Kinds of faults that come on top; none of them makes anybody hostile."""

BASE: Final = """
schema = 1
name = "overthrow"
duration = "6s"
validators = 4

[consensus]
block_interval = "50ms"
checkpoint_interval = 5
window = 10
request_timeout = "500ms"
view_change_timeout = "500ms"
status_interval = "200ms"
signatures = "fast"

[network]
latency = { kind = "uniform", low = "5ms", high = "25ms" }

[genesis]
include = "cash"

[[workload]]
kind = "transfers"
rate = "20/s"
start = "500ms"
stop = "2500ms"

[expect]
safety = "violated"
liveness = "ignore"
"""


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What forensics made of one seed."""

    seed: int
    forked: bool
    hostile: tuple[str, ...]
    convicted: tuple[str, ...]
    innocents: tuple[str, ...]
    """Convicted, and honest: there must be none."""
    enough: bool
    """At least f+1 convicted; true without a fork, where nobody need be."""
    refused: int
    """Proofs that the judge doesn't accept: there must be none."""


def overthrow(seed: int) -> Scenario:
    """The scenario of a seed; complete, so that it runs alike from a file."""
    stream = Stream(seed, "goals/overthrow")
    n = stream.pick(SIZES)
    base = msgspec.structs.replace(resized(load_text(BASE), n), seed=seed)
    ids = [validator.id for validator in base.validators]
    attack = _conspiracy if stream.chance(600_000) else _amnesia
    liars, faults = attack(stream, ids, 2 * quorum_size(n) - n)
    draw = Draw(stream, cast_of(base), FaultModel(kinds=NOISE))
    draw.budget, draw.hostile = 0, liars
    for _ in range(stream.below(3)):
        faults += draw_faults(draw, stream.pick(NOISE))
    return msgspec.structs.replace(base, faults=tuple(faults))


def _conspiracy(stream: Stream, ids: list[str], size: int) -> tuple[list[str], list[Fault]]:
    """A primary tells two groups two things, and its accomplices vote for both."""
    leads = stream.pick((0, 0, 0, 1))
    others = [id_ for id_ in ids if id_ != ids[leads]]
    helpers = sorted(stream.sample(others, size - 1))
    honest = [id_ for id_ in others if id_ not in helpers]
    stream.shuffle(honest)
    cut = 1 + stream.below(len(honest) - 1)
    groups = (tuple(helpers + honest[:cut]), tuple(helpers + honest[cut:]))
    primary, helping = {"node": ids[leads]}, {"nodes": tuple(helpers)}
    faults = [
        _fault("byzantine", **primary, behaviour="equivocate", groups=groups),
        _fault("byzantine", **helping, behaviour="accomplice"),
    ]
    if leads:
        # Who leads the first view is away for long enough to lose it.
        faults.append(_fault("isolate", node=ids[0], at=400_000, for_=900_000))
    return [ids[leads], *helpers], faults


def _amnesia(stream: Stream, ids: list[str], size: int) -> tuple[list[str], list[Fault]]:
    """Disks that lie, a power cut, and a partition that turns: two views decide apart."""
    chosen = list(ids)
    stream.shuffle(chosen)
    liars, honest = sorted(chosen[:size]), chosen[size:]
    cut = 1 + stream.below(len(honest) - 1)
    left, right = honest[:cut], honest[cut:]
    begins_us = stream.between(500, 900) * 1_000
    turns_us = begins_us + stream.between(300, 1_200) * 1_000
    return liars, [
        _fault("lost-fsync", nodes=tuple(liars), at=0),
        _fault("partition", groups=(tuple(left + liars), tuple(right)), at=begins_us,
               until=turns_us),
        _fault("crash", nodes=tuple(liars), at=turns_us, for_=100_000),
        _fault("partition", groups=(tuple(left), tuple(right + liars)), at=turns_us,
               until=turns_us + 3_000_000),
    ]  # fmt: skip


def _fault(kind: str, **fields: Any) -> Fault:
    return FAULTS[kind](**fields)


def judged(seed: int) -> Judgement:
    """Runs a seed, investigates it, and has every proof checked like a stranger's."""
    scenario = overthrow(seed)
    found, _ = investigate_scenario(scenario)
    findings = found.findings
    hostile = tuple(v.id for v in scenario.validators if v.id not in found.honest)
    refused = 0
    for proof in findings.proofs:
        content = evidence_file(proof, found.origin)
        refused += content is None or not judge(content, found.origin.scheme).holds
    f = max_faulty(len(scenario.validators))
    return Judgement(
        seed=seed,
        forked=bool(findings.forks),
        hostile=hostile,
        convicted=tuple(findings.culprits),
        innocents=tuple(id_ for id_ in findings.culprits if id_ in found.honest),
        enough=not findings.forks or len(findings.culprits) > f,
        refused=refused,
    )
