"""``chainsim shrink``: the smallest scenario that fails like a recorded run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from chainsim import run_folder
from chainsim.cli import options, output
from chainsim.cli.scenario_argument import Refused, load

if TYPE_CHECKING:
    from chainsim.explore.shrink import Shrunk


@click.command("shrink")
@options.recorded_run
@click.option("--check", metavar="NAME", default="", help="The property to keep violated.")
@click.option("--limit", metavar="60s", default="60s", help="At most this long.  [default: 60s]")
@options.written_file("Where the scenario goes.  [default: smallest.toml in the run's folder]")
@click.option(
    "--save-regressions", is_flag=True, help="Keep it in regressions/, which the tests run, too."
)
@options.as_json
def command(
    run: str, check: str, limit: str, target: Path | None, save_regressions: bool, as_json: bool
) -> None:
    """Make the scenario of a failing run smaller while the same property stays violated.

    RUN is a path (a run's folder or a scenario file), a unique prefix of a name in runs/, or
    @last. What comes out is a scenario file that needs no strategy.
    """
    from chainsim.cli.explore import seconds
    from chainsim.cli.sweeping import SMALLEST, watching_shrink
    from chainsim.explore.shrink import NothingToShrink, shrink
    from scenarios.loader import resolved_toml

    source = scenario_of(run)
    scenario = load(source.as_posix() if "/" in source.as_posix() else f"./{source}")
    limit_s = seconds(limit)
    try:
        with watching_shrink(limit_s) as tell:
            small = shrink(scenario, check, limit_s=limit_s, tell=tell)
    except NothingToShrink as error:
        raise Refused(f"{source} can't be shrunk: {error}") from None
    target = target or source.parent / SMALLEST
    try:
        target.write_text(resolved_toml(small.scenario), encoding="utf-8")
    except OSError as error:
        raise Refused(f"can't write {target}: {error.strerror}") from None
    if save_regressions:
        _keep(small, source)
    _tell(small, target, before=(len(scenario.faults), len(scenario.validators)), as_json=as_json)


def _keep(small: Shrunk, source: Path) -> None:
    from chainsim import regressions

    detail = next(f.detail for f in small.outcome.found if f.check == small.check)
    try:
        path = regressions.keep(
            small.scenario, small.check, f"shrink {source.as_posix()}: {detail}"
        )
    except OSError as error:
        raise Refused(f"can't write to {regressions.FOLDER}: {error.strerror}") from None
    output.note(f"kept: {path.as_posix()}")


def scenario_of(run: str) -> Path:
    """The scenario file that is meant."""
    if run.endswith(".toml"):
        return Path(run)
    try:
        return run_folder.find(run) / run_folder.SCENARIO
    except run_folder.RunNotFound as error:
        raise Refused(str(error)) from None


def _tell(small: Shrunk, target: Path, before: tuple[int, int], *, as_json: bool) -> None:
    faults, validators = len(small.scenario.faults), len(small.scenario.validators)
    if as_json:
        import msgspec

        result = {
            "file": target.as_posix(),
            "check": small.check,
            "size_before": small.size_before,
            "size_after": small.size_after,
            "faults": faults,
            "validators": validators,
            "runs": small.runs,
            "wall_s": small.wall_s,
            "complete": small.complete,
            "digest": small.outcome.digest,
        }
        output.write(msgspec.json.encode(result).decode() + "\n")
        return
    detail = next(f.detail for f in small.outcome.found if f.check == small.check)
    ended = "" if small.complete else "; time ran out, a longer --limit may find a smaller one"
    shown = target.as_posix() if "/" in target.as_posix() else f"./{target}"
    output.write(
        f"{small.check} stays violated: {detail}\n"
        f"faults {before[0]} -> {faults}, validators {before[1]} -> {validators}, "
        f"size {small.size_before} -> {small.size_after} "
        f"({small.runs} runs in {small.wall_s:.1f} s{ended})\n"
        f"Run it: {output.invocation()} run {shown}\n"
    )
