"""Every file in tests/wrong_scenarios gives exactly the errors in the .expected beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.loader import ScenarioErrors, load

FOLDER = Path(__file__).parents[2] / "wrong_scenarios"
FILES = sorted(FOLDER.glob("*.toml"))


def errors_of(file: Path) -> list[str]:
    with pytest.raises(ScenarioErrors) as caught:
        load(str(file))
    return [str(error) for error in caught.value.errors]


def test_there_are_files() -> None:
    assert len(FILES) >= 15


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_all_errors_at_once(file: Path, request: pytest.FixtureRequest) -> None:
    expected = file.with_suffix(".expected")
    found = errors_of(file)
    if request.config.getoption("--golden-update"):
        expected.write_text("\n".join(found) + "\n", encoding="utf-8")
    assert found == expected.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_lines_are_where_the_fault_is(file: Path) -> None:
    """The line that an error names holds the last name of its path, or opens its table."""
    lines = file.read_bytes().decode("utf-8", "replace").splitlines()
    with pytest.raises(ScenarioErrors) as caught:
        load(str(file))
    for error in caught.value.errors:
        if error.line is None or not error.path:
            continue
        names = [part.split("[")[0] for part in error.path.split(".")]
        text = lines[error.line - 1]
        assert any(name in text for name in names), (str(error), text)


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(ScenarioErrors, match="can't read the file: No such file"):
        load(str(tmp_path / "nothing.toml"))
    with pytest.raises(ScenarioErrors, match="can't read the file: Is a directory"):
        load(f"{tmp_path}/")
    with pytest.raises(ScenarioErrors, match="can't read the file"):
        load("a\0b.toml")


def test_wrong_shipped_name() -> None:
    with pytest.raises(ScenarioErrors, match='called "quik"; did you mean "quick"'):
        load("quik")
    with pytest.raises(ScenarioErrors, match="no shipped scenario"):
        load("")


def test_a_file_that_is_far_too_large(tmp_path: Path) -> None:
    file = tmp_path / "large.toml"
    file.write_bytes(b"#" * 8_000_001)
    with pytest.raises(ScenarioErrors, match="too large for a scenario"):
        load(str(file))


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000 + "]" * 5000,
        "a = " + "9" * 5000,
        "a = 2021-02-30",
        "a = 1e99999999999999999999",
        "a.b = 1\na = 2",
        "a = '''",
        "\r",
        "[[a]]\n[a]",
        "a = nan\nduration = inf",
        'x = "\\ud800"',
    ],
)
def test_toml_that_is_only_just_toml_or_not_even(tmp_path: Path, text: str) -> None:
    file = tmp_path / "odd.toml"
    file.write_text(text, encoding="utf-8", newline="")
    assert errors_of(file)
