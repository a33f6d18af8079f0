"""The structs of faults: what they refuse, and the primitives that they ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from scenarios.faults import FAULTS, Fault
from scenarios.faults.base import When
from scenarios.faults.byzantine import ByzantineFault as Liar
from scenarios.faults.clock import Drift, Jump, Skew
from scenarios.faults.crash import Crash
from scenarios.faults.isolate import Isolate
from scenarios.faults.link import Link
from scenarios.faults.partition import Partition
from scenarios.faults.primitives import Cut, Down, Primitive, Slow
from scenarios.faults.priorities import Priorities
from scenarios.faults.restart import Restart
from scenarios.faults.slow import SlowCpu


def test_the_table_names_each_by_its_kind() -> None:
    for kind, struct in FAULTS.items():
        assert struct.__struct_config__.tag_field == "kind"
        assert struct.__struct_config__.tag == kind


def test_field_names_in_files_are_words_that_python_reserves() -> None:
    names = {field.encode_name for field in msgspec.structs.fields(Link)}
    assert {"from", "to", "for", "at", "until", "every", "when"} <= names


def test_types_can_be_inspected_for_the_schema() -> None:
    for struct in FAULTS.values():
        assert msgspec.json.schema(struct)["$defs"]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Crash(node="a"), "either at or when"),
        (lambda: Crash(at=1, when=When(event="prepared"), node="a"), "either at or when"),
        (lambda: Crash(at=1), "either node or nodes"),
        (lambda: Crash(at=1, node="a", nodes=("b",)), "either node or nodes"),
        (lambda: Crash(at=1, for_=1, until=5, node="a"), "not both"),
        (lambda: Crash(at=5, until=5, node="a"), "later than at"),
        (lambda: Crash(at=5, for_=0, node="a"), "for must be above zero"),
        (lambda: Crash(at=5, every=10, node="a"), "every needs for"),
        (lambda: Crash(at=5, every=10, for_=10, node="a"), "shorter than every"),
        (lambda: Crash(at=5, every=0, for_=1, node="a"), "every must be above zero"),
        (lambda: Crash(when=When(event="height"), every=5, for_=1, node="a"), "goes with at"),
        (lambda: Restart(at=5, for_=5, node="a"), "downtime, not for"),
        (lambda: Restart(at=5, until=9, node="a"), "downtime, not until"),
        (lambda: Restart(at=5, downtime=0, node="a"), "downtime must be above zero"),
        (lambda: Restart(at=5, downtime=9, every=9, node="a"), "shorter than every"),
        (lambda: SlowCpu(at=5, node="a", factor=0), "factor must be above zero"),
        (lambda: Skew(node="a", by=0), "by must not be zero"),
        (lambda: Jump(node="a", by=0, at=1), "by must not be zero"),
        (lambda: Drift(node="a", rate=1_000_000), "and not 1"),
        (lambda: Drift(node="a", rate=9_999), "between 0.01 and 100"),
        (lambda: Partition(at=5, groups=()), "at least one group"),
        (lambda: Priorities(at=5, order=("a",), step=1), "at least two nodes"),
        (lambda: Priorities(at=5, order=("a", "b", "a"), step=1), "names a node twice"),
        (lambda: Priorities(at=5, order=("a", "b"), step=0), "step must be above zero"),
        (lambda: Priorities(at=5, order=("a", "b"), step=1, changes=(0,)), "count from 1"),
        (lambda: Liar(node="a", behaviour="mutate-round", field="colour"), "field is one of"),
        (lambda: Liar(node="a", behaviour="twins", groups=(("b",),) * 3), "two for each view"),
        (lambda: Partition(at=5, groups=(("a",), ())), "none may be empty"),
        (lambda: Partition(at=5, groups=(("a",), ("b", "a"))), "named twice: a"),
        (lambda: Partition(at=5, groups=(("a",),), bridge=("a",)), "named twice: a"),
        (lambda: Link(at=5, loss=1), "from, to or both"),
        (lambda: Link(at=5, to="a"), "at least one of loss"),
    ],
)
def test_fields_that_do_not_fit_together_are_refused(make: Callable[[], Fault], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.parametrize(
    ("fault", "primitives"),
    [
        (Crash(at=1, node="a"), [Down(nodes=("a",))]),
        (Crash(at=1, nodes=("a", "b"), mode="amnesia"), [Down(nodes=("a", "b"), mode="amnesia")]),
        (Restart(at=1, node="a"), [Down(nodes=("a",), mode="restart")]),
        (SlowCpu(at=1, node="primary", factor=5), [Slow(nodes=("primary",), factor_ppm=5)]),
        (
            Isolate(at=1, node="a"),
            [Cut(sources=("a",), targets=("*",)), Cut(sources=("*",), targets=("a",))],
        ),
    ],
)
def test_primitives(fault: Fault, primitives: list[Primitive]) -> None:
    assert list(fault.primitives()) == primitives


def test_selectors_are_what_the_loader_may_check() -> None:
    wanted: list[tuple[Any, tuple[str, ...]]] = [
        (Partition(at=1, groups=(("a",), ("b", "c")), bridge=("d",)), ("a", "b", "c", "d")),
        (Link(at=1, from_="a", to=("b", "role:bank"), loss=1), ("a", "b", "role:bank")),
        (Isolate(at=1, nodes=("random:f", "x.desk")), ("random:f", "x.desk")),
    ]
    for fault, selectors in wanted:
        assert fault.selectors() == selectors
