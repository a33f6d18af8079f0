"""Puts the figures and tables of a run into one HTML file that needs nothing but a browser.

No line of it asks for anything over a network: Bokeh's script is inside, and a content security
policy forbids the rest.
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterable
from importlib.resources import files
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

import msgspec
from bokeh.document import Document
from bokeh.resources import Resources
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from chainsim.quantities import seconds
from chainsim.report import charts, differences, ledger, load_charts, spacetime, tables
from chainsim.report.backdrop import lanes_of
from chainsim.report.differences import Comparison
from chainsim.report.observed import Observed
from chainsim.summary import STEP, judged, verdict
from scenarios import loader

COMPONENTS: Final = ("bokeh", "bokeh-gl")
"""Of BokehJS: tables, widgets and mathematics are three quarters of its size, and not used."""

EVIDENCE_BYTES: Final = 20_000
"""Shown of one proof at most; the file in the run's folder is whole."""

PROOFS: Final = 15
"""Proofs shown with their content at most."""

CONTENTS_BYTES: Final = 1_200_000
"""What the contents of messages may take, packed."""

SCENARIO_BYTES: Final = 300_000
"""A longer scenario is cut."""


def page(observed: Observed) -> str:
    """The whole file."""
    summary = observed.summary
    scenario = loader.resolved_toml(observed.scenario)
    diagram = spacetime.diagram(observed)
    figures = {
        "diagram": diagram.model,
        "heights": charts.heights(observed),
        "finality": charts.finality(observed),
        "throughput": charts.throughput(observed),
        "traffic": load_charts.traffic(observed),
        "cpu": load_charts.cpu(observed),
    }
    drawn = {name: figure for name, figure in figures.items() if figure is not None}
    document, places = _document(drawn)
    contents, notes = _contents(observed)
    moments, left_out = tables.moments(observed)
    return render(
        "page.html",
        summary=summary,
        good=summary.exit_code == 0,
        verdict=verdict(summary),
        headline=tables.headline(summary),
        beside=tables.beside(summary.beside),
        stages={name: seconds(us) for name, us in summary.finality_stages_us.items()},
        checks=judged(summary),
        expectations=_expectations(observed),
        faults=tables.faults(summary),
        moments=moments,
        moments_left_out=left_out,
        types=tables.types(diagram.types),
        nodes=observed.nodes,
        validators=observed.validators,
        thinning=" ".join((str(observed.messages.thinning), *notes)),
        traffic=tables.traffic(observed),
        settlement=tables.settlement(summary.settlement),
        auctions=[tables.auction(found) for found in summary.settlement.auctions],
        ledger=ledger.measures(observed.folder) or ledger.EMPTY,
        evidence=_evidence(observed),
        scenario=scenario[:SCENARIO_BYTES],
        scenario_cut=len(scenario) > SCENARIO_BYTES,
        command=reproduce(observed),
        figures=drawn.keys(),
        seconds=seconds,
        bokeh=Markup("\n").join(Markup(code) for code in _bokeh()),
        document=embedded(document),
        data=embedded(_data(observed, places, diagram.window)),
        contents=contents,
        style=Markup(asset("page.css")),
        script=Markup(asset("page.js")),
    )


def comparison(compared: Comparison) -> str:
    """The page of ``chainsim compare``."""
    return render(
        "comparison.html",
        compared=compared,
        verdict=differences.verdict(compared),
        style=Markup(asset("page.css")),
    )


def render(template: str, **values: Any) -> str:
    """A template of ours, filled in; what isn't marked as safe is escaped."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["groupby_in_order"] = _grouped
    return environment.from_string(asset(template)).render(values)


def _grouped(items: Iterable[Any], attribute: str) -> list[tuple[Any, list[Any]]]:
    """Like Jinja's ``groupby``, which would sort the groups."""
    return [(key, list(group)) for key, group in groupby(items, attrgetter(attribute))]


def asset(name: str) -> str:
    """A file of ``chainsim/report/assets``."""
    return (files("chainsim.report") / "assets" / name).read_text(encoding="utf-8")


def embedded(value: Any) -> Markup:
    """JSON for a script element: no "<" in it can end that element."""
    text = msgspec.json.encode(value).decode()
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028"))


def _document(figures: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    """BokehJS's form of the figures, and the element id for each of its roots."""
    document = Document()
    for figure in figures.values():
        document.add_root(figure)
    places = {figure.id: f"figure-{name}" for name, figure in figures.items()}
    return document.to_json(deferred=False), places


def _bokeh() -> list[str]:
    resources = Resources(mode="inline", components=list(COMPONENTS), log_level="warn")
    return [script.replace("</script", "<\\/script") for script in resources.js_raw]


def _data(observed: Observed, places: dict[str, str], window: tuple[float, float]) -> Any:
    """What the page's own script needs beside the figures."""
    nodes = {node: number for number, node in enumerate(observed.nodes)}
    flights: dict[str, list[Any]] = {}
    for flight in observed.messages.flights.values():
        name = f"{'lost' if flight.lost else 'messages'}/{flight.type}"
        flights.setdefault(name, []).append(flight)
    causes = sorted({flight.lost for flight in observed.messages.flights.values() if flight.lost})
    return {
        "places": places,
        "window": window,
        "span": observed.summary.virtual_time_us / 1e6,
        "nodes": list(nodes),
        "lanes": list(lanes_of(observed).values()),
        "causes": causes,
        "lost": {
            name: [causes.index(flight.lost) for flight in row]
            for name, row in flights.items()
            if name.startswith("lost/")
        },
        "receivers": {
            name: [nodes[flight.receiver] for flight in row]
            for name, row in flights.items()
            if name.startswith("lost/")
        },
        "underway": {
            name: [number for number, flight in enumerate(row) if flight.ended_us < 0]
            for name, row in flights.items()
        },
        "copies": {
            name: {
                str(number): [at_us / 1e6 for at_us in flight.copies]
                for number, flight in enumerate(row)
                if flight.copies
            }
            for name, row in flights.items()
        },
    }


def _contents(observed: Observed) -> tuple[str, list[str]]:
    """What was said, packed; and a note if it had to be left out of some messages."""
    contents = observed.messages.contents
    told = len(contents)
    packed = _packed(contents)
    while len(packed) > CONTENTS_BYTES:
        told = told * CONTENTS_BYTES // len(packed) * 9 // 10
        bare = [{**one, "content": "left out"} for one in contents[told:]]
        packed = _packed([*contents[:told], *bare])
    if told == len(contents):
        return packed, []
    return packed, [f"The fields of the first {told:,} of {len(contents):,} are there to read."]


def _packed(value: Any) -> str:
    """Compressed, for the browser to unpack when a message is clicked for the first time."""
    return base64.b64encode(gzip.compress(msgspec.json.encode(value), 9, mtime=0)).decode()


def _expectations(observed: Observed) -> dict[str, Any]:
    """Script steps that went as they should are counted, not listed."""
    if observed.summary.ended == "interrupted":
        return {"rows": [], "smooth": 0}
    rows = [
        line for line in observed.summary.expectations if not (line.ok and STEP.match(line.name))
    ]
    return {"rows": rows, "smooth": len(observed.summary.expectations) - len(rows)}


def _evidence(observed: Observed) -> list[dict[str, str]]:
    """Each proof with its file's content."""
    found = []
    for number, line in enumerate(observed.summary.misbehaviour):
        text = ""
        if line.evidence and number < PROOFS:
            try:
                text = (observed.folder / line.evidence).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                text = ""
        if len(text) > EVIDENCE_BYTES:
            text = f"{text[:EVIDENCE_BYTES]}\n… (the file {line.evidence} is whole)"
        found.append({"node": line.node, "kind": line.kind, "file": line.evidence, "text": text})
    return found


def reproduce(observed: Observed) -> str:
    """The command line that runs this very run again."""
    scenario = observed.scenario
    if scenario.name in loader.shipped():
        same = loader.load(scenario.name, seed=scenario.seed)
        if loader.resolved_toml(same) == loader.resolved_toml(scenario):
            return f"chainsim run {scenario.name} --seed {scenario.seed}"
    return f"chainsim run ./{scenario.name}.toml"
