"""What ``chainsim show`` draws over time: windows of faults, density of load, scale."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from chainsim.scenario_timeline import Window, horizon_us, planned, tick_us, windows
from chainsim.scenario_view import ScenarioView
from scenarios.loader import load_text

S = 1_000_000
BASE = 'schema = 1\nname = "t"\nduration = "60s"\nvalidators = 4\n'


def fault(text: str) -> list[Window]:
    scenario = load_text(BASE + "[[faults]]\n" + text)
    return list(windows(scenario.faults[0], scenario.duration))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('kind = "crash"\nnode = "v0"\nat = "5s"\nfor = "2s"', [(5, 7)]),
        ('kind = "crash"\nnode = "v0"\nat = "5s"\nuntil = "9s"', [(5, 9)]),
        ('kind = "crash"\nnode = "v0"\nat = "5s"', [(5, None)]),
        ('kind = "late-start"\nnode = "v0"\nat = "5s"', [(0, 5)]),
        ('kind = "byzantine"\nnode = "v0"\nbehaviour = "silent"', [(0, None)]),
        ('kind = "rotate-key"\nnode = "v0"\nat = "5s"', [(5, 5)]),
        ('kind = "bit-rot"\nnode = "v0"\nat = "5s"', [(5, 5)]),
        (
            'kind = "isolate"\nnode = "v0"\nat = "5s"\nfor = "1s"\nevery = "10s"\nuntil = "30s"',
            [(5, 6), (15, 16), (25, 26)],
        ),
        (
            'kind = "isolate"\nnode = "v0"\nat = "5s"\nfor = "1s"\nevery = "25s"',
            [(5, 6), (30, 31), (55, 56)],
        ),
    ],
)
def test_when_a_fault_acts(text: str, expected: list[tuple[int, int | None]]) -> None:
    found = [(w.from_us // S, None if w.until_us is None else w.until_us // S) for w in fault(text)]
    assert found == expected


def test_a_restart_is_drawn_for_its_downtime() -> None:
    assert fault('kind = "restart"\nnode = "v0"\nat = "5s"') == [Window(5 * S, 5 * S + 100_000)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            (
                'kind = "crash"\nnode = "v1"\nfor = "8s"\n'
                'when = { event = "new-view-entered", node = "v1", view = 1 }'
            ),
            "when new view entered at v1 in view 1, for 8s",
        ),
        (
            'kind = "crash"\nnode = "v1"\nwhen = { event = "height", sequence = 12, count = 2 }',
            "when height 12 at any node for the 2. time",
        ),
        (
            'kind = "late-start"\nnode = "v1"\nwhen = { event = "executed", sequence = 3 }',
            "until executed at any node of slot 3",
        ),
    ],
)
def test_what_sets_a_fault_off_is_told_and_has_no_place_in_time(text: str, words: str) -> None:
    (line,) = planned(load_text(BASE + "[[faults]]\n" + text))
    assert line.trigger == words
    assert line.windows == ()


@pytest.mark.parametrize(
    ("text", "note"),
    [
        (
            ('kind = "mangle"\ntype = ["prepare", "commit"]\nto = "v2"\nview = 0\ndrop = true\n'
            'at = "1s"'),
            "others -> v2, type prepare commit, view 0, drop",
        ),
        ('kind = "link"\nfrom = "v0"\nloss = 0.2\nlatency = "50ms"\nat = "1s"',
         "v0 -> others, loss 0.2, latency 50ms"),
        (
            ('kind = "byzantine"\nnode = "v0"\nbehaviour = "equivocate"\n'
            'groups = [["v1", "v2"], ["v3"]]'),
            "v0, equivocate, groups v1+v2 v3",
        ),
        ('kind = "partition"\ngroups = [["v0", "v1"], ["v2"]]\nat = "1s"', "v2 | v0 v1"),
        (
            'kind = "partition"\ngroups = [["v0", "v1"], ["v2"]]\nasymmetric = true\nat = "1s"',
            "v0 v1 -> v2",
        ),
        ('kind = "crash"\nnode = "v0"\nmode = "amnesia"\nat = "1s"', "v0, mode amnesia"),
    ],
)  # fmt: skip
def test_a_note_says_whom_and_how_but_no_defaults(text: str, note: str) -> None:
    (line,) = planned(load_text(BASE + "[[faults]]\n" + text))
    assert line.note == note


def test_the_scale_ends_soon_after_the_last_thing_and_ticks_are_round() -> None:
    lines = tuple(planned(load_text(BASE + '[[faults]]\nkind = "crash"\nnode = "v0"\nat = "8s"')))
    assert horizon_us((), lines, 60 * S) == 9 * S
    assert horizon_us((), lines, 8 * S) == 8 * S
    assert horizon_us((), (), 60 * S) == 1
    assert [tick_us(n * S, 4) // S for n in (4, 9, 60, 140)] == [1, 2, 20, 50]
    assert tick_us(1, 4) == 1000  # a scale without any length still has a zero


def chart(text: str) -> dict[str, str]:
    """The drawn cells of each line, by label."""
    console = Console(file=io.StringIO(), width=100, color_system=None)
    with console.capture() as captured:
        console.print(ScenarioView(load_text(BASE + text)))
    drawn = captured.get().partition("Timeline")[2].partition("Expected")[0]
    return {words[0]: words[1] for line in drawn.splitlines() if len(words := line.split()) > 1}


def test_bars_stand_where_their_time_is() -> None:
    cells = chart(
        '[genesis]\ninclude = "cash"\n'
        '[[workload]]\nkind = "transfers"\nrate = "50/s"\nstart = "10s"\nstop = "20s"\n'
        '[[faults]]\nkind = "crash"\nnode = "v0"\nat = "30s"\nfor = "10s"\n'
        '[[faults]]\nkind = "rotate-key"\nnode = "v1"\nat = "20s"\n'
        '[[faults]]\nkind = "pause"\nnode = "v1"\nat = "50s"\n'
    )
    width = len(cells["crash"])
    end = 50 + 50 / 8

    def near(cells: str, glyphs: str, from_s: int, until_s: float) -> None:
        places = [place for place, cell in enumerate(cells) if cell in glyphs]
        assert places[0] == pytest.approx(from_s * width / end, abs=1)
        assert places[-1] + 1 == pytest.approx(until_s * width / end, abs=1)

    near(cells["crash"], "█", 30, 40)
    near(cells["transfers"], "▁▂▃▄▅▆▇█", 10, 20)
    near(cells["pause"], "█▶", 50, end)
    assert cells["pause"].endswith("▶")
    assert cells["rotate-key"].index("◆") == pytest.approx(20 * width / end, abs=1)
    assert cells["rotate-key"].count("◆") == 1


def test_load_is_drawn_as_dense_as_it_is() -> None:
    cells = chart(
        '[genesis]\ninclude = "cash"\n'
        '[[workload]]\nkind = "script"\n'
        + "".join(
            f'[[workload.steps]]\nat = "{at}"\nfrom = "dealer-a"\ntx = "TRANSFER"\n'
            'body = { source = "dealer-a/cash", target = "dealer-b/cash", amount = "1.00 PKR" }\n'
            for at in ("10s", *["30s"] * 8)
        )
    )["script"]
    assert [cell for cell in cells if cell != "·"] == ["▁", "█"]
