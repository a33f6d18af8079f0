"""``Cluster``: a network under a test's control, on the real simulation.

Each verb happens at once and takes a microsecond of virtual time of its own, so what a test
says first happens first. Time passes in ``run_for``, ``run_until`` and ``settle``.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from pathlib import Path
from typing import Any, Final

from chainsim.build import build
from chainsim.checks import CHECKS
from chainsim.run_result import RunResult
from chainsim.simulation.scheduler import END
from chainsim.testing import verdict
from chainsim.testing.errors import CheckFailed, NotReached, WrongUse
from chainsim.testing.injecting import Injected, check_fault, ended, read_fault
from chainsim.testing.readings import Readings
from chainsim.testing.recording import Recording, step
from chainsim.testing.seen import Seen
from chainsim.testing.submitting import Labels, Order
from chainsim.testing.waiting import EVENTS, Watch
from chainsim.trace import MILESTONES, MessageMoved, Record, Recorder
from scenarios.errors import did_you_mean
from scenarios.faults import Fault
from scenarios.faults.client import ClientFault
from scenarios.hostile_parties import hostile_parties
from scenarios.loader import resolved_toml
from scenarios.schema import Scenario
from scenarios.units import UnitError, parse_duration, show_duration

Duration = str | int
"""``"5s"``, ``"20ms"``, or whole microseconds."""


class Cluster(Readings):
    """Made by ``chainsim.testing.control``. Nothing has run yet; the nodes boot at time 0."""

    def __init__(self, scenario: Scenario, *, messages: bool = False) -> None:
        self._recording: Final = Recording(scenario)
        self._messages: Final = messages
        self._over = False
        """Whether the run came to its end."""
        self._now_us = -1
        self._watch: Callable[[Record], bool] | None = None
        self._build()
        self._planned: Final = tuple(submission for submission, _ in self._simulation.plan)
        self._labels = Labels(self._simulation.genesis)

    # -- work -------------------------------------------------------------------------

    def submit(self, *what: str | Order, client: str = "") -> None:
        """Lets ``client`` (default: the first with cash) send each of ``what``.

        A word is sent as a transfer of cash (see ``chainsim.testing.submitting``).
        """
        for order in self._labels.orders(what, client):
            self._check_apart({order.client})
            at_us = self._now_us + 1
            self._recording.steps.append(step(at_us, order.client, order.transaction))
            node = self._labels.node(order.client, self.nodes)
            self._simulation.world.submit(at_us, node, order.transaction.encode())
            self._run(at_us)

    # -- faults -----------------------------------------------------------------------

    def fault(self, kind: str, **fields: Any) -> Injected:
        """Injects a fault by the names of scenario files: ``c.fault("link", to="r1", loss=0.5)``.

        Without ``at`` or ``when`` it begins now; without ``for_`` or ``until`` it lasts until
        it is healed. Raises ``WrongUse``.
        """
        at_us = self._now_us + 1
        return self._inject(read_fault(self._recording.base, kind, fields, at_us))

    def schedule(self, *faults: Fault) -> None:
        """Adds faults as they are, with their own times; none of them in the past."""
        for fault in faults:
            check_fault(self._recording.base, fault, self._now_us + 1)
        self._inject(*faults)

    def isolate(self, *nodes: str, **fields: Any) -> Injected:
        """Pulls the network cables of ``nodes``."""
        return self.fault("isolate", nodes=nodes, **fields)

    def partition(self, *groups: list[str] | tuple[str, ...], **fields: Any) -> Injected:
        """Cuts between groups; validators in none form one more."""
        return self.fault("partition", groups=groups, **fields)

    def crash(self, *nodes: str, **fields: Any) -> Injected:
        """Kills processes: ``mode="amnesia"`` takes their disks too."""
        return self.fault("crash", nodes=nodes, **fields)

    def restart(self, *nodes: str, **fields: Any) -> Injected:
        """Starts processes anew: at once if they are down, else after ``downtime``."""
        return self.fault("restart", nodes=nodes, **fields)

    def drop(self, types: str | tuple[str, ...] = (), **fields: Any) -> Injected:
        """Loses messages of these types (``from_``, ``to``, ``view``, ``sequence``, ``nth`` …)."""
        return self.fault("mangle", type=types, drop=True, **fields)

    def delay(self, by: Duration, types: str | tuple[str, ...] = (), **fields: Any) -> Injected:
        """Makes messages of these types take ``by`` longer; matched as in ``drop``."""
        return self.fault("mangle", type=types, delay=_text(by), **fields)

    def mangle(self, types: str | tuple[str, ...] = (), **fields: Any) -> Injected:
        """Does one of drop, delay, duplicate, replay and corrupt to messages that match."""
        return self.fault("mangle", type=types, **fields)

    def byzantine(self, node: str, behaviour: str, **fields: Any) -> Injected:
        """Puts a validator into hostile hands, for good; the checks no longer count it honest."""
        return self.fault("byzantine", node=node, behaviour=behaviour, **fields)

    def heal(self, *injected: Injected) -> None:
        """Ends these faults, or all that a test began and that can end, crashes too.

        Hostile validators stay hostile. Triggered and repeated faults keep their own times.
        """
        faults = self._recording.faults
        indices = [each.index for each in injected] or range(len(faults))
        now_us = self._now_us + 1
        healed = {index: ended(faults[index], now_us) for index in indices}
        changes = {index: fault for index, fault in healed.items() if fault is not None}
        if changes:
            for index, fault in changes.items():
                faults[index] = fault
            self._again()
            self._run(now_us)

    def _inject(self, *faults: Fault) -> Injected:
        next_us = self._now_us + 1
        known = self._recording.faults
        known.extend(faults)
        try:
            self._check_apart(self._recording.senders(self._planned))
        except WrongUse:
            del known[-len(faults) :]
            raise
        if any(fault.makes_hostile() or isinstance(fault, ClientFault) for fault in faults):
            self._again()  # who is honest is told to the checks before a run
        else:
            self._simulation.world.add_faults(faults)
        if any(fault.begins_us() == next_us for fault in faults):
            self._run(next_us)
        return Injected(self, len(known) - 1)

    def _check_apart(self, senders: Set[str]) -> None:
        """Raises ``WrongUse`` if a client both works and attacks."""
        both = sorted(senders & hostile_parties(self._recording.whole()))
        if both:
            raise WrongUse(
                f'"{both[0]}" attacks, and would work as well: take another party for one'
            )

    # -- time -------------------------------------------------------------------------

    def run_for(self, duration: Duration) -> None:
        """Lets time pass."""
        self._run(max(self._now_us, 0) + _us(duration))

    def run_until(
        self,
        event: str | Callable[[Cluster], bool],
        *,
        node: str | None = None,
        view: int | None = None,
        sequence: int | None = None,
        count: int = 1,
        within: Duration = "60s",
    ) -> None:
        """Runs until ``event`` happens (for the ``count``-th time from now), to the end of that
        microsecond. ``event`` may be a condition on the cluster, asked after each milestone.

        Raises ``NotReached`` after ``within``, ``WrongUse`` for unknown names.
        """
        watch: Callable[[Record], bool]
        if isinstance(event, str):
            if event not in EVENTS:
                raise WrongUse(f'unknown event "{event}"{did_you_mean(event, EVENTS)}')
            if node is not None:
                self._host(node)
            watch = Watch(event, node, view, sequence, count)
        elif event(self):
            return
        else:
            condition = event
            watch = lambda _record: condition(self)  # noqa: E731
        self._watch = watch
        self._run(max(self._now_us, 0) + _us(within))
        if self._watch is not None:
            self._watch = None
            what = str(watch) if isinstance(event, str) else "the condition"
            raise self._not_reached(f"{what} wasn't reached", within)

    def settle(self, within: Duration = "60s") -> None:
        """Runs until no work is left (``World.settled``). Raises ``NotReached``."""
        world = self._simulation.world
        self._run(max(self._now_us, 0) + _us(within), stop=world.settled)
        if not world.settled():
            raise self._not_reached("there was still work", within)

    def run(self) -> RunResult:
        """Runs to the end of the scenario, as the command line would."""
        world = self._simulation.world
        self._run(self._recording.base.duration, stop=world.settled)
        self._over = True
        world.close()
        return self.result()

    def _run(self, until_us: int, stop: Callable[[], bool] | None = None) -> None:
        world = self._simulation.world
        try:
            world.run(until_us, stop=stop)
        except BaseException:
            self._now_us = until_us  # so that the scenario reaches what went wrong
            raise
        self._now_us = world.now_us

    def _not_reached(self, what: str, within: Duration) -> NotReached:
        where = verdict.standing(self._simulation.world)
        return NotReached(f"{what} within {_text(within)}: {where}", self)

    # -- judging ----------------------------------------------------------------------

    def result(self) -> RunResult:
        """The run so far, judged by all checks."""
        return self._simulation.finish("duration")

    def check(self, *names: str) -> RunResult:
        """Raises ``CheckFailed`` if a property among ``names`` is broken.

        Without names: if any is, or an expectation of the scenario. A test may check, go on,
        and check again.
        """
        for name in names:
            if name not in CHECKS:
                raise WrongUse(f'unknown check "{name}"{did_you_mean(name, CHECKS)}')
        result = self.result()
        found = verdict.complaints(result, self._recording.base.expect, names)
        if found:
            raise CheckFailed("\n".join(found), self)
        return result

    # -- keeping ----------------------------------------------------------------------

    @property
    def scenario(self) -> Scenario:
        """What was done so far, as a scenario that ends here and repeats it."""
        return self._recording.up_to(self.now_us, self._planned)

    def reproduces(self) -> bool:
        """Whether ``scenario`` gives this very run again: it does, unless the test changes the
        code or the world by other ways than the kit's."""
        again = Cluster(self.scenario)
        again._run(self.now_us)
        if self._over:
            again._simulation.world.close()
        return again.digest == self.digest

    def save(self, path: Path) -> None:
        """Writes ``scenario`` to a file for ``chainsim run``."""
        path.write_text(resolved_toml(self.scenario), encoding="utf-8")

    # -- within -----------------------------------------------------------------------

    def _build(self) -> None:
        recorder = Recorder()
        self._seen = Seen()
        kinds: tuple[type[Record], ...] = MILESTONES
        if self._messages:
            kinds += (MessageMoved,)
        for kind in kinds:
            recorder.subscribe(kind, self._on_record)
        self._simulation = build(self._recording.whole(), recorder)

    def _again(self) -> None:
        """The past once more, under a scenario that has changed in what is to come."""
        before = self.digest
        self._build()
        if self._now_us >= 0:
            self._simulation.world.run(self._now_us)
        assert self.digest == before, "one past, one digest"

    def _on_record(self, record: Record) -> None:
        self._seen.add(record)
        if self._watch is not None and self._watch(record):
            self._watch = None
            scheduler = self._simulation.world.scheduler
            scheduler.push(record.at_us, END, 1, scheduler.finish)


def _us(duration: Duration) -> int:
    if isinstance(duration, int):
        return duration
    try:
        return parse_duration(duration)
    except UnitError as error:
        raise WrongUse(f"{error}, got {duration!r}") from None


def _text(duration: Duration) -> str:
    return show_duration(_us(duration))
