"""``chainsim exhaust``: every order of events, up to a bound."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click

from chainsim.cli import options, output
from chainsim.cli.scenario_argument import Refused, load
from chainsim.exit_codes import ExitCode

if TYPE_CHECKING:
    from chainsim.exhaust import Bound, Told
    from chainsim.exhaust.schedule import Schedule

LINE_NS: Final = 5_000_000_000
"""Between two plain lines, where nothing can redraw itself."""
UNITS: Final = {"MB": 10**6, "GB": 10**9}


@click.command("exhaust")
@click.argument("file", metavar="FILE")
@click.option("--views", type=click.IntRange(1, 8), default=1, help="Views 0 to N-1.  [default: 1]")
@click.option(
    "--timeouts",
    type=click.IntRange(0, 8),
    default=0,
    help="Times that each replica's timers may run out.  [default: 0]",
)
@click.option(
    "--requests", type=click.IntRange(1, 100), default=1, help="In one batch.  [default: 1]"
)
@click.option("--plain", is_flag=True, help="Explore each single delivery, and reduce nothing.")
@click.option(
    "--symmetry/--no-symmetry", default=True, help="Merge states that differ in who is who."
)
@options.overrides("Change a value of the file.")
@click.option("--time", "limit", metavar="5m", help="Explore no longer than this.")
@click.option("--memory", default="4GB", show_default=True, help="Use no more than this.")
@options.as_json
@options.out("Where the way to a violation is written.")
@click.pass_context
def command(
    context: click.Context,
    file: str,
    views: int,
    timeouts: int,
    requests: int,
    plain: bool,
    symmetry: bool,
    overrides: tuple[str, ...],
    limit: str | None,
    memory: str,
    as_json: bool,
    out: Path,
) -> None:
    """Explore every order of events of FILE's replicas, up to a bound, over their real code.

    FILE is a scenario: its validators, its consensus settings, and who equivocates; or a schedule
    that this command wrote, which is played again. It says what bound it completed. Exits with 3 or
    4 if anything was found, with 5 if a schedule shows nothing any more.
    """
    if file.endswith(".json"):
        context.exit(_play_again(Path(file)))
    from chainsim.cli.explore import seconds
    from chainsim.exhaust import NotExplorable, Search, Stop, bound_of
    from chainsim.exhaust.bound import setting_of
    from chainsim.exhaust.schedule import schedule_of, write

    scenario = load(file, overrides)
    try:
        bound = bound_of(
            scenario,
            views=views,
            timeouts=timeouts,
            requests=requests,
            plain=plain,
            symmetry=symmetry,
        )
    except NotExplorable as error:
        raise Refused(f"{file}: {error}") from None
    limit_s = None if limit is None else seconds(limit)
    search = Search(bound, setting_of(scenario, bound))
    with _watching() as tell:
        told = search.run(limit_s=limit_s, memory_bytes=memory_bytes(memory), tell=tell)
    schedule, where = None, ""
    if told.found is not None:
        schedule = schedule_of(search, scenario, told.found)
        try:
            where = write(out, scenario.name, schedule).as_posix()
        except OSError as error:
            raise Refused(f"can't write to {out}: {error.strerror}") from None
    code = ExitCode.OK if schedule is None else _code(schedule)
    code = ExitCode.INTERRUPTED if told.stop is Stop.INTERRUPTED else code
    _show(bound, told, schedule, where, code, as_json=as_json)
    context.exit(code)


def _code(schedule: Schedule) -> ExitCode:
    return ExitCode.LIVENESS if schedule.kind == "liveness" else ExitCode.SAFETY


def memory_bytes(text: str) -> int:
    """``2GB``, ``500MB``. Raises ``Refused``."""
    found = re.fullmatch(r"([0-9]{1,6}) ?(MB|GB)", text)
    if found is None or not int(found[1]):
        raise Refused(f'--memory: wanted a size like 500MB or 2GB, got "{text}"')
    return int(found[1]) * UNITS[found[2]]


@contextmanager
def _watching() -> Iterator[Callable[[Told], None]]:
    """On a terminal a line that redraws itself, elsewhere one every few seconds."""
    if output.animated():
        with output.console(stderr=True).status("exploring") as status:
            yield lambda told: status.update(_words(told))
        return
    due_ns = LINE_NS

    def tell(told: Told) -> None:
        nonlocal due_ns
        if told.wall_ns >= due_ns:
            due_ns = told.wall_ns + LINE_NS
            output.note(_words(told))

    yield tell


def _words(told: Told) -> str:
    return (
        f"{told.states:,} states found, {told.explored:,} explored, to depth {told.depth}; "
        f"{told.states_per_min:,} a minute"
    )


def _show(
    bound: Bound,
    told: Told,
    schedule: Schedule | None,
    where: str,
    code: ExitCode,
    *,
    as_json: bool,
) -> None:
    from chainsim.exhaust import Stop

    complete = told.stop is Stop.COMPLETE
    if as_json:
        import msgspec

        result = {
            "bound": bound.words(),
            "plain": bound.plain,
            "symmetry": bound.symmetry,
            "complete": complete,
            "stop": told.stop.value if told.stop is not None else "",
            "states": told.states,
            "explored": told.explored,
            "depth": told.depth,
            "transitions": told.transitions,
            "replica_states": told.locals,
            "states_per_min": told.states_per_min,
            "violations": 0 if schedule is None else 1,
            "violation": schedule,
            "schedule": where,
            "exit_code": int(code),
        }
        output.write(msgspec.json.encode(result).decode() + "\n")
        return
    lines = [f"Bound: {bound.words()}"]
    how = "every single delivery" if bound.plain else "deliveries where a threshold changes"
    lines.append(f"  {how}{', symmetric states merged' if len(bound.renamings) > 1 else ''}")
    if schedule is not None:
        lines.append(f"VIOLATED: {schedule.check}: {schedule.detail}")
        lines += [f"  {step.to}  <-  {' · '.join(step.events)}" for step in schedule.steps]
        lines.append(f"Play it again: {output.invocation()} exhaust {where}")
    elif complete:
        lines.append("Complete: nothing is violated in any state.")
    else:
        assert told.stop is not None
        lines.append(
            f"NOT complete ({told.stop.value}): nothing is violated in any state that fewer than "
            f"{told.depth} steps lead to, nor in the others that were seen."
        )
    lines.append(
        f"  {told.states:,} states, {told.transitions:,} transitions, {told.locals:,} states of "
        f"single replicas; {told.states_per_min:,} states a minute"
    )
    output.write("\n".join(lines) + "\n")


def _play_again(path: Path) -> ExitCode:
    from chainsim.exhaust.schedule import BadSchedule, play, read

    try:
        schedule = read(path)
        output.write(f"Bound: {schedule.bound.words()}\n")
        for step, fault in play(schedule):
            output.write(f"  {step.to}  <-  {' · '.join(step.events)}\n")
            if fault:
                output.write(f"VIOLATED: {fault}\n")
                return _code(schedule)
    except BadSchedule as error:
        raise Refused(str(error)) from None
    output.write(f"Nothing is violated: {schedule.check} was, when this was written.\n")
    return ExitCode.DIVERGED
