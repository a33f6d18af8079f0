"""``chainsim verify``: checks a proof of misbehaviour, offline, from the file alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click

from chainsim import run_folder
from chainsim.cli import options, output
from chainsim.cli.scenario_argument import Refused, load
from chainsim.exit_codes import ExitCode

if TYPE_CHECKING:
    from chainsim.evidence import EvidenceFile
    from consensus.crypto import Scheme
    from consensus.evidence import Verdict
    from consensus.types import Member
    from scenarios.keys import Keys
    from scenarios.schema import Scenario


MAX_ROTATIONS: Final = 64
"""Keys of one validator that are tried, where only the run's own secrets can check."""


@click.command("verify")
@click.argument("evidence", metavar="EVIDENCE", type=click.Path(path_type=Path))
@click.option(
    "--run",
    "run",
    metavar="RUN",
    help="Hold chain and keys against this run.  [default: the one whose folder the file is in]",
)
@options.as_json
@click.pass_context
def command(context: click.Context, evidence: Path, run: str | None, as_json: bool) -> None:
    """Check a file of evidence: who did what, and why the signed messages prove it.

    EVIDENCE is a file in a run's evidence/ folder, or a copy of one. Exits with 0 if it is proof,
    with 1 if it is not, with 2 if the file is damaged, incomplete or can't be checked.
    """
    from chainsim.evidence import Malformed, judge, read_evidence

    try:
        content = read_evidence(evidence)
    except Malformed as error:
        raise Refused(str(error)) from None
    scenario = _scenario(evidence, run)
    scheme, whose = _scheme(content, scenario)
    verdict = of_the_run(content, scenario) if scenario is not None else None
    if verdict is None:
        verdict = judge(content, scheme)
    _tell(evidence, content, verdict, whose, as_json=as_json)
    context.exit(ExitCode.OK if verdict.holds else ExitCode.EXPECTATION)


def _scenario(evidence: Path, run: str | None) -> Scenario | None:
    """Of the run that the file belongs to, if that is known."""
    if run is not None:
        try:
            folder = run_folder.find(run)
        except run_folder.RunNotFound as error:
            raise Refused(str(error)) from None
        return load((folder / run_folder.SCENARIO).absolute().as_posix())
    beside = evidence.absolute().parent.parent / run_folder.SCENARIO
    if evidence.absolute().parent.name == run_folder.EVIDENCE and beside.is_file():
        return load(beside.as_posix())
    return None


def _scheme(content: EvidenceFile, scenario: Scenario | None) -> tuple[Scheme, str]:
    """What checks the signatures, and whose keys those are, in words."""
    from consensus.crypto import SCHEMES
    from scenarios.keys import Keys

    if scenario is None:
        if content.signatures == "fast":
            raise Refused(
                f"this can't be checked by itself. {content.who_can_check}\n"
                "To check it inside its run, name that: --run RUN"
            )
        return SCHEMES[content.signatures](), "those that the file gives: compare them"
    keys = Keys(scenario.seed, content.signatures)
    for member in (*content.committee, *content.committee_before):
        _is_of_the_run(member, keys)  # makes them, and so lets "fast" ones be checked
    return keys.scheme, f"those of {scenario.name}, seed {scenario.seed}"


def _is_of_the_run(member: Member, keys: Keys) -> bool:
    """Whether a validator of the run has this key, the first or one that it was given later."""
    return any(
        keys.validator(member.id, rotation).public_key == member.public_key
        for rotation in range(MAX_ROTATIONS)
    )


def of_the_run(content: EvidenceFile, scenario: Scenario) -> Verdict | None:
    """A refusal if the file is of another chain or has other keys than its run."""
    from consensus.evidence import Verdict
    from scenarios.genesis import make_genesis
    from scenarios.keys import Keys

    keys = Keys(scenario.seed, scenario.consensus.signatures)
    genesis = make_genesis(scenario, keys)
    where = f"{scenario.name}, seed {scenario.seed}"
    if content.signatures != scenario.consensus.signatures or content.chain != genesis.hash:
        return Verdict(False, f"the file is of another chain than {where}")
    first = {0: content.committee, 1: content.committee_before}.get(content.epoch)
    members = (*content.committee, *content.committee_before)
    if (first is not None and first != genesis.committee.members) or not all(
        _is_of_the_run(member, keys) for member in members
    ):
        return Verdict(False, f"the file's committee has other keys than that of {where}")
    if content.window != scenario.consensus.window:
        return Verdict(False, f"the file names another window than {where} has")
    return None


def _tell(
    path: Path, content: EvidenceFile, verdict: Verdict, whose: str, *, as_json: bool
) -> None:
    if as_json:
        import msgspec

        result = {
            "evidence": path.as_posix(),
            "proven": verdict.holds,
            "culprit": content.culprit,
            "kind": content.kind,
            "why": verdict.why,
            "signatures": content.signatures,
            "exit_code": int(ExitCode.OK if verdict.holds else ExitCode.EXPECTATION),
        }
        output.write(msgspec.json.encode(result).decode() + "\n")
        return
    if not verdict.holds:
        output.write(f"No proof: {verdict.why}.\n")
        return
    keys = {member.id: member.public_key for member in content.committee}
    rows = (
        f"Proven: {content.culprit}, {content.kind}",
        f"  {verdict.why}.",
        f"  Who can check it: {content.who_can_check}",
        f"  Keys used: {whose}",
        f"  chain {content.chain.hex()}",
        f"  epoch {content.epoch}, key of {content.culprit} {keys[content.culprit].hex()}",
    )
    output.write("\n".join(rows) + "\n")
