"""Takes the pictures of the report that the pages show, from a real run.

    python -m tests.browser.pictures

Each is a window's size and what somebody does in it. Few colours keep the files small.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Final, NamedTuple

from PIL import Image

from chainsim.recorded_run import run_recorded
from chainsim.report.observed import observe
from chainsim.report.page import page
from scenarios.loader import load
from tests.browser.visit import INSIDE, Visit, chromium

FOLDER: Final = Path(__file__).parents[2] / "docs" / "pictures"
COLOURS: Final = 200


def top(visit: Visit) -> None:
    """What is seen first."""


def messages(visit: Visit) -> None:
    """A view change, and what its new primary proposed."""
    visit.page.evaluate("document.getElementById('space-time').scrollIntoView()")
    visit.page.click("#filters summary")
    visit.page.click("button[data-only=validators]")
    visit.page.click("#filters summary")
    found = visit.page.evaluate(INSIDE, "messages/pre-prepare")
    visit.page.mouse.click(*visit.place("messages/pre-prepare", found[0]))
    visit.page.wait_for_selector("#message-text[data-type=pre-prepare]")
    visit.page.mouse.move(0, 0)


class Shot(NamedTuple):
    """One picture."""

    size: tuple[int, int]
    acts: Callable[[Visit], None]
    part: str = ""
    """CSS selector of what is shown; else the window."""


SHOTS: Final = {
    "report": Shot((1280, 800), top),
    "report-messages": Shot((1540, 900), messages, ".beside"),
}
"""File name -> how it is taken."""


def main() -> None:
    """Writes them all."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as place, chromium() as browser:
        summary = run_recorded(load("sovereign-day"), Path(place), "milestones")
        folder = Path(summary.run_dir)
        html = page(observe(load(str(folder / "scenario.toml")), folder))
        (folder / "report.html").write_text(html, encoding="utf-8")
        for name, shot in SHOTS.items():
            width, height = shot.size
            context = browser.new_context(viewport={"width": width, "height": height}, offline=True)
            visit = Visit(context.new_page(), f"file://{folder}/report.html")
            shot.acts(visit)
            visit.page.wait_for_timeout(1000)  # figures are drawn in frames
            shown = visit.page.locator(shot.part) if shot.part else visit.page
            image = Image.open(BytesIO(shown.screenshot())).convert("RGB")
            context.close()
            small = image.quantize(
                COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
            )
            small.save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
