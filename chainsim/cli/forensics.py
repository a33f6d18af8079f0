"""``chainsim forensics``: who is provably guilty of a fork, with a file of evidence for each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from chainsim import run_folder
from chainsim.cli import options, output
from chainsim.cli.scenario_argument import Refused, load
from chainsim.exit_codes import ExitCode

if TYPE_CHECKING:
    from chainsim.forensics import Investigation


@click.command("forensics")
@options.recorded_run
@options.as_json
@click.pass_context
def command(context: click.Context, run: str, as_json: bool) -> None:
    """Find who is provably guilty of a fork, and write the proofs into the run's evidence/.

    RUN is a path, a unique prefix of a name in runs/, or @last. It is played again, and the logs
    of its honest validators are read. Exits with 0 once that is done, whatever was found, and
    with 5 if the run is another today.
    """
    try:
        folder = run_folder.find(run)
    except run_folder.RunNotFound as error:
        raise Refused(str(error)) from None
    scenario = load((folder / run_folder.SCENARIO).absolute().as_posix())
    if scenario.consensus.protocol != "pbft":
        raise Refused(f"the logs of \"{scenario.consensus.protocol}\" can't be read: only pbft's")
    from chainsim.cli.progress import watching
    from chainsim.evidence import write_found
    from chainsim.forensics import NotTheRun, investigate_run

    try:
        with watching(scenario.duration) as progress:
            found = investigate_run(scenario, folder, progress)
    except NotTheRun as error:
        output.note(f"{folder}: {error}")
        context.exit(ExitCode.DIVERGED)
    if found.interrupted:
        output.note("Interrupted: nothing can be said of the whole run.")
        context.exit(ExitCode.INTERRUPTED)
    try:
        files = write_found(folder, found.findings.proofs, found.origin)
    except OSError as error:
        raise Refused(f"can't write to {folder}: {error.strerror}") from None
    _tell(folder, found, files, as_json=as_json)


def _tell(folder: Path, found: Investigation, files: tuple[Path, ...], *, as_json: bool) -> None:
    forks, proofs = found.findings.forks, found.findings.proofs
    if as_json:
        import msgspec

        result = {
            "run": folder.as_posix(),
            "forks": [
                {
                    "sequence": fork.first.sequence,
                    "views": [fork.first.view, fork.second.view],
                    "digests": [fork.first.digest.hex(), fork.second.digest.hex()],
                }
                for fork in forks
            ],
            "culprits": list(found.findings.culprits),
            "proofs": [
                {"node": proof.culprit, "kind": proof.kind, "evidence": path.as_posix()}
                for proof, path in zip(proofs, files, strict=True)
            ],
        }
        output.write(msgspec.json.encode(result).decode() + "\n")
        return
    read = ", ".join(found.honest)
    if not forks:
        output.write(f"No fork: the logs of {read} agree on every block.\n")
        return
    one, other = forks[0].first, forks[0].second
    views = f"decided in view {one.view}, and otherwise in view {other.view}"
    lines = [
        f"Forked first at sequence {one.sequence}: {views}. Places that differ: {len(forks)}.",
        f"Logs read: {read}. Provably guilty: {', '.join(found.findings.culprits) or 'nobody'}.",
    ]
    lines += [
        f"  {proof.culprit}  {proof.kind}  {path.as_posix()}"
        for proof, path in zip(proofs, files, strict=True)
    ]
    if len(found.findings.culprits) <= found.f:
        lines.append(
            f"A fork takes more than {found.f}: who forgot what it had signed, or signed only what "
            "was not kept, leaves no proof."
        )
    if files:
        lines.append(f"Check one: {output.invocation()} verify {files[0].as_posix()}")
    output.write("\n".join(lines) + "\n")
