"""The report as a person meets it: in a real browser, without a network.

Needs Chromium (Debian's package ``chromium``) and Playwright (the extra ``browser-test``).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chainsim.report.observed import observe
from scenarios.loader import load
from tests.browser.visit import CHROMIUM, INSIDE, NAMED, Visit, chromium
from tests.unit.report.conftest import recorded

pytest.importorskip("bokeh", reason="Bokeh draws the report: the extra `report`")
pytest.importorskip(
    "playwright.sync_api", reason="Playwright drives the browser: the extra `browser-test`"
)

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: on Debian, apt-get install chromium"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from chainsim.report.page import page

    folder = recorded(tmp_path_factory.mktemp("runs"))
    html = page(observe(load(str(folder / "scenario.toml")), folder))
    (folder / "report.html").write_text(html, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


both_sizes = pytest.mark.parametrize(
    "visit", [(1280, 800), (1920, 1080)], ids=["1280x800", "1920x1080"], indirect=True
)


@pytest.fixture
def visit(browser: Any, folder: Path, request: pytest.FixtureRequest) -> Iterator[Visit]:
    """At the end, nothing went wrong, and nothing was asked of any network."""
    width, height = getattr(request, "param", (1280, 800))
    context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
    url = f"file://{folder}/report.html"
    found = Visit(context.new_page(), url)
    yield found
    context.close()
    assert found.troubles == []
    assert {address for address in found.requests if not address.startswith("blob:")} == {url}


@both_sizes
def test_it_is_laid_out_for_the_screen(visit: Visit) -> None:
    shown = visit.page.locator("#verdict .verdict")
    assert shown.inner_text().startswith("✗ an expectation fails")
    assert shown.bounding_box()["y"] < 200
    wide = visit.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, "nothing sticks out to the right"
    for name in ("diagram", "heights", "finality", "throughput", "traffic", "cpu"):
        box = visit.page.locator(f"#figure-{name}").bounding_box()
        assert box["height"] > 150, name
        assert box["width"] > 700, name


def test_a_click_on_a_message_tells_it(visit: Visit) -> None:
    visit.page.click("button[data-none=type]")
    visit.page.check("input[value=pre-prepare]")
    index = visit.page.evaluate(INSIDE, "messages/pre-prepare")[0]
    visit.page.mouse.click(*visit.place("messages/pre-prepare", index))
    visit.page.wait_for_selector("#message-text[data-type=pre-prepare]")
    told = visit.page.locator("#message-text pre").inner_text()
    content = json.loads(told)
    text = visit.page.locator("#message-text").inner_text()
    assert content["sender"] in text
    assert content["batch"]["requests"][0]["operation"]["body"]["type"] == "TRANSFER"
    before = text
    visit.page.click("button[data-step='1']")
    visit.page.wait_for_function(
        "before => document.querySelector('#message-text').innerText !== before", arg=before
    )


def test_the_wheel_zooms_around_the_pointer(visit: Visit) -> None:
    start, end = visit.window()
    index = visit.page.evaluate(INSIDE, "messages/prepare")[0]
    visit.page.mouse.move(*visit.place("messages/prepare", index))
    visit.page.mouse.wheel(0, -400)
    visit.page.wait_for_function(
        f"width => {NAMED}('messages').x_range.end - {NAMED}('messages').x_range.start < width",
        arg=(end - start) * 0.95,
    )
    nearer = visit.window()
    assert start < nearer[0] < nearer[1] < end
    visit.page.click("button[data-move=first]")
    assert visit.window() == pytest.approx((start, end))


def test_filters_leave_what_was_asked_for(visit: Visit, folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    shown = visit.page.locator("#shown")
    assert shown.inner_text() == f"{summary['messages']['sent']:,} messages pass the filter"
    visit.page.click("button[data-none=type]")
    visit.page.check("input[value=commit]")
    commits = summary["messages"]["by_type"]["commit"]
    assert shown.inner_text() == f"{commits:,} messages pass the filter"
    visit.page.click("#filters summary")
    visit.page.click("button[data-none=node]")
    assert shown.inner_text() == "0 messages pass the filter"
    visit.page.check("#filters input[name=node] >> nth=2")
    visit.page.select_option("#filters select[name=end]", "from")
    some = int(shown.inner_text().split()[0].replace(",", ""))
    assert 0 < some < commits
    visit.page.check("input[name=lost]")
    lost = int(shown.inner_text().split()[0].replace(",", ""))
    assert 0 < lost < some, "the line from v2 to v3 loses some"


def test_a_moment_leads_to_its_place_in_the_diagram(visit: Visit) -> None:
    row = visit.page.locator("#events tr", has_text="crash begins (v0)")
    row.locator("button").click()
    start, end = visit.window()
    assert start < 1.0 < end
    assert visit.page.locator("#space-time").bounding_box()["y"] < 100


def test_a_picture_of_the_diagram_shows_lines_of_many_colours(visit: Visit, tmp_path: Path) -> None:
    picture = tmp_path / "diagram.png"
    visit.page.evaluate("document.getElementById('figure-diagram').scrollIntoView()")
    visit.page.locator("#figure-diagram").screenshot(path=str(picture))
    image = pytest.importorskip("PIL.Image").open(picture).convert("RGB")
    width, height = struct.unpack(">II", picture.read_bytes()[16:24])
    counts = {colour: count for count, colour in image.getcolors(width * height)}
    white = counts.pop((255, 255, 255))
    assert white < width * height * 0.97
    for colour in ((0, 114, 178), (0, 120, 90), (213, 94, 0)):  # prepare, commit, pre-prepare
        near = sum(
            count
            for other, count in counts.items()
            if max(abs(a - b) for a, b in zip(colour, other, strict=True)) < 70
        )
        assert near > 100, colour


def test_the_scenario_can_be_saved(visit: Visit, folder: Path, tmp_path: Path) -> None:
    with visit.page.expect_download() as download:
        visit.page.click("#save")
    download.value.save_as(tmp_path / "saved.toml")
    saved = (tmp_path / "saved.toml").read_text("utf-8")
    assert saved == (folder / "scenario.toml").read_text("utf-8")
    assert download.value.suggested_filename == "small.toml"
