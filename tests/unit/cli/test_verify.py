"""``verify`` as a process: what it prints, and what it exits with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from chainsim.evidence import EvidenceFile, Malformed, judge, read_evidence
from chainsim.recorded_run import run_recorded
from consensus.crypto import SCHEMES, Ed25519Scheme
from consensus.evidence import Verdict
from consensus.messages import signed
from consensus.misbehaviour import Misbehaviour
from consensus.types import Member
from scenarios.loader import load_text
from tests.unit.cli.conftest import Chainsim

LIES = """
schema = 1
name = "lies"
seed = 2
duration = "10s"
validators = 4
[consensus]
signatures = "{signatures}"
[genesis]
include = "cash"
[[workload]]
kind = "transfers"
rate = "10/s"
start = "1s"
stop = "2s"
[[faults]]
kind = "byzantine"
node = "v2"
behaviour = "conflicting-votes"
[expect]
culprits = ["v2"]
"""


def ran(signatures: str, where: Path, seed: int | None = None) -> Path:
    """The evidence of a run in which v2 signed two COMMITs."""
    scenario = load_text(LIES.format(signatures=signatures), seed=seed)
    summary = run_recorded(scenario, where, "off")
    folder = Path(summary.run_dir)
    found = [line for line in summary.misbehaviour if line.kind == "conflicting-commit"]
    return folder / found[0].evidence


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ran("ed25519", tmp_path_factory.mktemp("public"))


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ran("fast", tmp_path_factory.mktemp("private"))


def test_a_copy_alone_is_proof(chainsim: Chainsim, public: Path, tmp_path: Path) -> None:
    copy = shutil.copy(public, tmp_path / "copy.json")
    done = chainsim("verify", str(copy))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Proven: v2, conflicting-commit\n  v2 signed two different")
    assert "Anybody can check this" in done.stdout
    assert "compare them" in done.stdout


def test_inside_its_run_the_keys_are_compared(chainsim: Chainsim, public: Path) -> None:
    done = chainsim("verify", "--json", str(public))
    found = json.loads(done.stdout)
    assert (done.returncode, found["exit_code"], found["proven"]) == (0, 0, True)
    assert (found["culprit"], found["kind"], found["signatures"]) == (
        "v2",
        "conflicting-commit",
        "ed25519",
    )


def test_fast_signatures_convince_inside_their_run_only(
    chainsim: Chainsim, private: Path, tmp_path: Path
) -> None:
    inside = chainsim("verify", str(private))
    assert inside.returncode == 0, inside.stderr
    assert "convinces nobody outside of the run" in inside.stdout
    copy = shutil.copy(private, tmp_path / "copy.json")
    outside = chainsim("verify", str(copy))
    assert outside.returncode == 2
    assert "--run RUN" in outside.stderr
    named = chainsim("verify", str(copy), "--run", str(private.parent.parent))
    assert named.returncode == 0, named.stderr


def test_keys_of_ones_own_making_do_not_pass_for_the_runs(
    chainsim: Chainsim, public: Path, private: Path, tmp_path: Path
) -> None:
    """The same lie on another chain is proof there, and none here."""
    other = ran("ed25519", tmp_path / "runs", seed=3)
    copy = shutil.copy(other, tmp_path / "copy.json")
    assert chainsim("verify", str(copy)).returncode == 0
    for run in (public, private):
        foreign = chainsim("verify", str(copy), "--run", str(run.parent.parent))
        assert foreign.returncode == 1
        assert foreign.stdout.startswith("No proof: the file is of another chain")
    assert chainsim("verify", str(copy), "--run", str(other.parent.parent)).returncode == 0


def test_a_committee_of_ones_own_making_does_not_pass_for_the_runs(public: Path) -> None:
    """The true chain id, beside a key with which anybody can sign in v2's name."""
    from chainsim.cli.verify import of_the_run

    scenario = load_text(LIES.format(signatures="ed25519"))
    content = read_evidence(public)
    assert of_the_run(content, scenario) is None
    forger = Ed25519Scheme().signer(bytes(32))
    members = tuple(
        Member(m.id, forger.public_key if m.id == "v2" else m.public_key) for m in content.committee
    )
    what = content.misbehaviour
    forged = msgspec.structs.replace(
        content,
        committee=members,
        misbehaviour=Misbehaviour(
            what.kind,
            "v2",
            signed(what.first, forger),  # type: ignore[type-var]
            signed(what.second, forger),  # type: ignore[type-var]
        ),
    ).sealed()
    assert judge(forged, Ed25519Scheme()).holds  # under its own keys
    later = msgspec.structs.replace(forged, epoch=1, committee_before=content.committee)
    for attempt in (forged, later):
        refused = of_the_run(attempt, scenario)
        assert refused is not None
        assert not refused.holds


LATER = """
[[faults]]
kind = "rotate-key"
node = "v1"
at = "1s"
[[faults]]
kind = "byzantine"
node = "v2"
behaviour = "conflicting-votes"
at = "6s"
[[workload]]
kind = "transfers"
rate = "10/s"
start = "2s"
stop = "9s"
"""


@pytest.mark.parametrize("signatures", ["ed25519", "fast"])
def test_evidence_of_a_later_epoch_is_checked_under_that_epochs_keys(
    signatures: str, chainsim: Chainsim, tmp_path: Path
) -> None:
    """v1 gets a new key, so there is a new committee, and v2 lies to it."""
    text = LIES.format(signatures=signatures).split("[[faults]]")[0] + LATER
    text = text.replace('duration = "10s"', 'duration = "30s"').replace(
        "[genesis]", "checkpoint_interval = 5\nwindow = 10\n[genesis]"
    )
    summary = run_recorded(load_text(text), tmp_path, "off")
    assert {line.node for line in summary.misbehaviour} == {"v2"}
    for line in summary.misbehaviour:
        path = Path(summary.run_dir) / line.evidence
        content = read_evidence(path)
        assert content.epoch == 1
        assert content.committee[1] != content.committee_before[1]
        done = chainsim("verify", str(path))
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_flipped_byte_is_refused(public: Path, tmp_path: Path) -> None:
    text = public.read_bytes()
    target = tmp_path / "flipped.json"
    for index in range(len(text)):
        flipped = ord("\n") if text[index] == ord(" ") else text[index] ^ (1 << index % 8)
        target.write_bytes(text[:index] + bytes([flipped]) + text[index + 1 :])
        assert not verdict(target).holds, index
    for cut in (text[:-1], text + b"\n", text[: len(text) // 2], b""):
        target.write_bytes(cut)
        assert not verdict(target).holds
    target.write_bytes(text)
    assert verdict(target).holds


def verdict(path: Path) -> Verdict:
    try:
        content: EvidenceFile = read_evidence(path)
    except Malformed as error:
        return Verdict(False, str(error))
    return judge(content, SCHEMES[content.signatures]())


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "no file of evidence"),
        ("[]", "no file of evidence"),
        ('{"culprit": "v2"}', "missing required field"),
        ("\x00\xff", "no file of evidence"),
        ("[" * 100_000, "no file of evidence"),
    ],
)
def test_what_is_no_evidence_is_said_so(
    chainsim: Chainsim, tmp_path: Path, text: str, word: str
) -> None:
    target = tmp_path / "wrong.json"
    target.write_bytes(text.encode("latin-1"))
    done = chainsim("verify", str(target))
    assert done.returncode == 2
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_numbers_that_no_message_holds_are_refused(public: Path, tmp_path: Path) -> None:
    target = tmp_path / "huge.json"
    huge = public.read_text().replace('"view": 0', f'"view": {2**70}', 1)
    target.write_text(huge)
    assert not verdict(target).holds


def test_a_file_that_is_not_there(chainsim: Chainsim, tmp_path: Path) -> None:
    done = chainsim("verify", str(tmp_path / "nothing.json"))
    assert done.returncode == 2
    assert "nothing.json: No such file" in done.stderr
    assert chainsim("verify", str(tmp_path)).returncode == 2
