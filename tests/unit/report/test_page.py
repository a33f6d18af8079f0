"""The HTML report: its numbers are the summary's, and it needs nothing from anywhere."""

from __future__ import annotations

import base64
import gzip
import json
import re
from hashlib import sha256
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chainsim.report.messages import BUDGET, MessageLog
from chainsim.report.observed import Observed
from chainsim.trace import MessageMoved
from consensus.messages import Commit
from scenarios.loader import load_text, resolved_toml


class Reader(HTMLParser):
    """What a person (or a tool) can read in the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.numbers: dict[str, list[tuple[str, str]]] = {}
        """Place in the summary -> (value, text shown)."""
        self.rows: dict[tuple[str, str], bool] = {}
        """(check or expectation, name) -> whether it is said to hold."""
        self.links: list[str] = []
        self.ids: dict[str, str] = {}
        """Id -> text inside."""
        self.unlabelled: list[str] = []
        self._open: list[tuple[str, str]] = []
        self._number: tuple[str, str] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.links += [named[name] for name in ("src", "href") if name in named]
        if "data-path" in named:
            self._number = named["data-path"], named["value"]
        for kind in ("check", "expectation"):
            if f"data-{kind}" in named:
                self.rows[kind, named[f"data-{kind}"]] = named["data-ok"] == "true"
        if "id" in named:
            self.ids.setdefault(named["id"], "")
        if tag not in ("meta", "link", "input", "br"):
            self._open.append((tag, named.get("id", "")))
        if named.get("role") == "img" and not named.get("aria-label"):
            self.unlabelled.append(named.get("id", tag))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Closes itself: ``<line/>``."""

    def handle_endtag(self, tag: str) -> None:
        opened = self._open.pop()
        assert opened[0] == tag, f"{opened} is closed by {tag} at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if self._number is not None:
            path, value = self._number
            self.numbers.setdefault(path, []).append((value, data))
            self._number = None
        for _, id_ in self._open:
            if id_:
                self.ids[id_] += data


@pytest.fixture(scope="module")
def reader(html: str) -> Reader:
    return Reader(html)


def at(summary: Any, path: str) -> Any:
    """What stands at ``finality_us.p50`` or ``nodes.0.height``; codes may contain no dot."""
    for name in path.split("."):
        summary = summary[int(name)] if isinstance(summary, list) else summary[name]
    return summary


def test_every_number_is_the_summarys(reader: Reader, summary: Any) -> None:
    for path, found in reader.numbers.items():
        for value, _ in found:
            assert value == str(at(summary, path)), path
    for path in ("height", "finality_us.p99", "messages.dropped", "view_changes", "digest"):
        assert path in reader.numbers
    for name in ("throughput_per_hour", "finality_us.p99", "final", "view_changes"):
        for run in ("disturbed", "undisturbed"):
            assert f"beside.{run}.{name}" in reader.numbers
    by_type = {f"messages.by_type.{kind}" for kind in summary["messages"]["by_type"]}
    assert by_type <= reader.numbers.keys()


def test_counts_are_shown_in_full(reader: Reader, summary: Any) -> None:
    ((_, text),) = reader.numbers["messages.sent"]
    assert text.replace(",", "") == str(summary["messages"]["sent"])


def test_the_verdict_and_each_line_of_it(reader: Reader, summary: Any) -> None:
    for line in summary["checks"]:
        assert reader.rows.pop(("check", line["name"])) is line["ok"]
    for line in summary["expectations"]:
        assert reader.rows.pop(("expectation", line["name"])) is line["ok"]
    assert not reader.rows
    assert "✗ an expectation fails: " in reader.ids["verdict"]
    assert reader.ids["verdict"].index("✗") < reader.ids["verdict"].index("height")


def test_the_scenario_runs_again_as_it_stands_there(reader: Reader, observed: Observed) -> None:
    shown = reader.ids["scenario-text"]
    assert resolved_toml(load_text(shown)) == resolved_toml(observed.scenario)
    assert reader.ids["command"] == "chainsim run ./small.toml"


def test_evidence_is_shown_with_its_proof(html: str, folder: Path, summary: Any) -> None:
    assert summary["misbehaviour"]
    for line in summary["misbehaviour"]:
        assert f'data-culprit="{line["node"]}" data-kind="{line["kind"]}"' in html
        signature = re.search(
            r'"signature": "([^"]{20,})"', (folder / line["evidence"]).read_text()
        )
        assert signature is not None
        assert signature[1] in html


def test_nothing_is_loaded_from_anywhere(reader: Reader, html: str) -> None:
    assert "default-src 'none'" in html
    assert [link for link in reader.links if not link.startswith(("#", "data:"))] == []
    assert not re.search(r"@import|url\((?!\s*[\"']?data:)", html.split("<script", 1)[0])


def test_a_scenarios_words_are_text_and_nothing_else(html: str) -> None:
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_figures_say_what_they_are(reader: Reader) -> None:
    assert reader.unlabelled == []
    for name in ("diagram", "heights", "finality", "throughput", "traffic", "cpu"):
        assert f"figure-{name}" in reader.ids


def test_it_stays_small(html: str) -> None:
    assert len(html.encode()) < 2_500_000


def test_the_largest_page_stays_below_its_limit(observed: Observed) -> None:
    """As many messages as are ever drawn, all different, with much to tell and hard to pack."""
    from chainsim.report.page import page

    log = MessageLog(BUDGET, [])
    for number in range(BUDGET):
        noise = sha256(b"%d" % number).digest()
        vote = Commit(b"chain", 0, "v1", number, number, noise, noise * 2)
        log.on_message(
            MessageMoved(number, "v1", "sent", "commit", "v2", 0, 1, 300, "", number + 1, vote)
        )
    html = page(msgspec.structs.replace(observed, messages=log))
    assert len(html.encode()) < 5_000_000
    assert f"All {BUDGET:,} messages are drawn." in html


def test_what_cannot_be_held_is_left_out_and_said(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chainsim.report import page as pages

    monkeypatch.setattr(pages, "CONTENTS_BYTES", 20_000)
    html = pages.page(observed)
    found = re.search(r"The fields of the first ([\d,]+) of ([\d,]+) are there to read", html)
    assert found is not None
    packed = Reader(html).ids["message-contents"]
    assert len(packed) <= 20_000
    contents = json.loads(gzip.decompress(base64.b64decode(packed)))
    told = [one for one in contents if one["content"] != "left out"]
    assert f"{len(told):,}" == found[1]
    assert f"{len(contents):,}" == found[2]
    assert all(one["bytes"] for one in contents)
