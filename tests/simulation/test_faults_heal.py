"""Each fault, injected and healed, leaves a network that behaves like an undisturbed one."""

from __future__ import annotations

from functools import cache

import pytest

from chainsim.exit_codes import ExitCode
from chainsim.simulation.host import Host
from scenarios.faults import FAULTS
from scenarios.faults.membership import LASTING
from scenarios.rng import PPM
from tests.simulation.runs import LATER, LATER_US, MALLORY, Run

DISTURBANCES = {
    "crash": 'node = "primary"',
    "crash/amnesia": 'kind = "crash"\nnode = "v2"\nmode = "amnesia"\nrejoins = true',
    "restart": 'node = "primary"\ndowntime = "300ms"',
    "pause": 'node = "primary"',
    "slow": 'node = "primary"\nfactor = 2000.0',
    "late-start": 'node = "v3"',
    "partition": 'groups = [["v0", "v1"], ["v2", "v3"]]',
    "isolate": 'node = "primary"',
    "link": 'from = "v0"\nloss = 0.5\nlatency = "200ms"\nduplicate = 0.3\nreorder = 0.3',
    "link/corrupt": 'kind = "link"\nfrom = "v0"\ncorrupt = 0.5',
    "clog": 'from = "v0"',
    "flapping": 'from = "v0"\nup = "100ms"\ndown = "200ms"',
    "mangle": 'type = ["commit", "prepare"]\nprobability = 0.7\ndrop = true',
    "priorities": 'order = ["v3", "v1", "v0", "v2"]\nstep = "90ms"\nchanges = [30, 60]',
    "slow-fsync": 'nodes = ["v0", "v1"]\nfactor = 200.0',
    "lost-fsync": 'node = "v1"',
    "torn-write": 'node = "v1"',
    "bit-rot": 'node = "v1"\narea = "blocks"\nrecords = 3',
    "full": 'node = "primary"',
    "power-loss": 'nodes = ["v0", "v1", "v2", "v3"]',
    "skew": 'node = "primary"\nby = "20s"',
    "skew/back": 'kind = "skew"\nnode = "primary"\nby = "-20s"',
    "drift": 'node = "primary"\nrate = 20.0',
    "drift/slow": 'kind = "drift"\nnode = "primary"\nrate = 0.01',
    "jump": 'node = "primary"\nby = "20s"',
    "jump/back": 'kind = "jump"\nnode = "v2"\nby = "-20s"',
    "double-spend": 'node = "mallory"\nrate = "50/s"',
    "flood": 'node = "mallory"\nrate = "200/s"',
    "malformed": 'node = "mallory"\nrate = "50/s"',
    "replay": 'node = "mallory"\nrate = "50/s"',
    "wrong-signature": 'node = "mallory"\nrate = "50/s"',
    "partial-send": 'node = "mallory"\nrate = "50/s"',
    "byzantine": 'node = "v0"\nbehaviour = "equivocate"',
    "byzantine/twins": 'kind = "byzantine"\nnode = "v0"\nbehaviour = "twins"',
}
"""Each begins under load, and is over long before the later load."""
TIMES = {"late-start": 'at = "2s"', "restart": 'at = "1s"'}
ALONE = ("drift",)
"""Here v0 runs ahead of its time, and calls for a view that nobody else wants: it waits in that,
without a vote, until the others come there (rule 12), and follows the chain meanwhile."""
ALONG = {
    "torn-write": '[[faults]]\nkind = "crash"\nnode = "v1"\nat = "1400ms"\nfor = "300ms"\n',
    "bit-rot": '[[faults]]\nkind = "restart"\nnode = "v1"\nat = "1400ms"\n',
}
"""What makes the damage show."""


def disturbed(name: str) -> Run:
    fields = DISTURBANCES[name]
    if not fields.startswith("kind"):
        fields = f'kind = "{name}"\n{fields}'
    timing = TIMES.get(name, 'at = "1s"\nfor = "1500ms"')
    return Run(f"{LATER}{MALLORY}\n[[faults]]\n{fields}\n{timing}\n{ALONG.get(name, '')}")


@cache
def undisturbed() -> Run:
    return Run(LATER + MALLORY)


def residue(run: Run) -> list[str]:
    """Whatever differs from a machine and a line without faults."""
    world = run.simulation.world
    found = ["clogs"] if world.network.passage.clogs else []

    def look(host: Host) -> list[str]:
        usual = {
            "rules": host.rules == {},
            "CPU": host.factor_ppm == PPM,
            "fsync": host.fsync_factor_ppm == PPM,
            "lies": not host.disk.lies,
            "tears": host.disk.tears is None,
            "watched": not host.disk_watched,
            "clock": host.clock is None,
            "paused": not host.paused,
            "down": host.up,
            "held down": not world.director.holds_down(host),
            "hostile": not world.director.is_hostile(host),
            "handler": host.node is not None and host.handler == host.node.handle,
        }
        return [f"{host.id}: {what}" for what, ok in usual.items() if not ok]

    return found + [line for host in world.hosts[1:] for line in look(host)]


def test_every_kind_of_fault_is_tried() -> None:
    """What changes the committee for good is in ``test_membership``."""
    assert {name.partition("/")[0] for name in DISTURBANCES} | LASTING == set(FAULTS)


@pytest.mark.parametrize("name", DISTURBANCES)
def test_a_healed_fault_leaves_nothing_behind(name: str) -> None:
    run, calm = disturbed(name), undisturbed()
    assert run.result.exit_code == ExitCode.OK, run.why()
    assert residue(run) == []
    executed = {id_: status.executed for id_, status in run.result.end.nodes.items()}
    assert set(executed.values()) == {run.result.height}
    # The same money in the same places, at every honest validator.
    wanted = next(iter(calm.result.end.ledgers.values())).balances
    for ledger in run.result.end.ledgers.values():
        assert run.without_paid_by("mallory", ledger.balances) == wanted


@pytest.mark.parametrize("name", DISTURBANCES)
def test_after_a_fault_decisions_take_the_usual_votes(name: str) -> None:
    run = disturbed(name)
    later = [block for block in run.result.chain if block.header.time_us >= LATER_US]
    assert len(later) > 10
    # No view changes any more: all in the one view that the fault left behind.
    assert {block.certificate.view for block in later} <= {run.result.end.nodes["v1"].view}
    votes = run.votes(LATER_US)
    voters = [id_ for id_, status in run.result.end.nodes.items() if status.active]
    assert len(voters) == (3 if name in ALONE else 4)
    for kind, each in {
        "pre-prepare": 1,
        "prepare": len(voters) - 1,
        "commit": len(voters),
    }.items():
        assert votes[kind] == each * len(later), (kind, votes)
    # Who waits alone repeats its VIEW-CHANGE.
    assert votes["view-change"] <= 4 - len(voters)
    assert votes["new-view"] == 0
