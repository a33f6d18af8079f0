"""A report's page in Chromium without a network, and where on the screen its messages are."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)

NAMED = "Bokeh.documents[0].get_model_by_name"

PLACE = """([name, index]) => {
    const named = (name) => Bokeh.documents[0].get_model_by_name(name);
    const view = Bokeh.index.find_one(named("messages"));
    const at = named(name).data_source.data;
    const box = view.canvas_view.el.getBoundingClientRect();
    const x = view.frame.x_scale.compute((at.t0[index] + at.t1[index]) / 2);
    const y = view.frame.y_scale.compute((at.y0[index] + at.y1[index]) / 2);
    return [box.x + x, box.y + y];
}"""
"""Where on the screen the middle of a message is."""

INSIDE = """(name) => {
    const named = (name) => Bokeh.documents[0].get_model_by_name(name);
    const {t0, t1} = named(name).data_source.data, {start, end} = named("messages").x_range;
    return [...t0.keys()].filter((i) => t0[i] > start && t1[i] < end);
}"""
"""The messages of a type that are wholly in the window."""


class Visit:
    """The page in a browser, and what was heard of it."""

    def __init__(self, page: Any, url: str) -> None:
        self.page = page
        self.troubles: list[str] = []
        self.requests: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(url)
        page.wait_for_selector("body[data-ready=true]")
        page.add_style_tag(content="html { scroll-behavior: auto !important }")

    def _console(self, message: Any) -> None:
        driver = "GL Driver Message" in message.text  # a slow machine's, drawing without a GPU
        if message.type in ("error", "warning") and not driver:
            self.troubles.append(message.text)

    def window(self) -> tuple[float, float]:
        start, end = self.page.evaluate(
            f"(() => {{ const r = {NAMED}('messages').x_range; return [r.start, r.end] }})()"
        )
        return start, end

    def place(self, name: str, index: int) -> tuple[float, float]:
        self.page.locator("#figure-diagram").scroll_into_view_if_needed()
        self.page.evaluate("document.getElementById('figure-diagram').scrollIntoView()")
        x, y = self.page.evaluate(PLACE, [name, index])
        return x, y


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser, for as long as it is needed."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        flags = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()
