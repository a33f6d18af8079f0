"""Whatever stands in a file: a scenario, or ScenarioErrors. Never anything else."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from scenarios.faults import FAULTS
from scenarios.loader import ScenarioErrors, load_text, resolved_toml, shipped, shipped_text
from scenarios.schema import Scenario
from scenarios.workload import WORKLOADS
from scenarios.write import to_toml


@cache
def known_words() -> tuple[str, ...]:
    """Every field name that the schema has, and every kind."""
    words: dict[str, None] = dict.fromkeys([*FAULTS, *WORKLOADS, "kind", "constant", "normal"])

    def walk(type_: Any) -> None:
        if isinstance(type_, inspect.StructType):
            for field in type_.fields:
                words[field.encode_name] = None
                walk(field.type)
        for name in ("type", "item_type"):
            if hasattr(type_, name):
                walk(getattr(type_, name))
        for member in getattr(type_, "types", ()):
            walk(member)

    for root in (Scenario, *FAULTS.values(), *WORKLOADS.values()):
        walk(inspect.type_info(root))
    return tuple(words)


SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        ["2s", "100ms", "1h", "50/s", "100Mbit", "1.00 PKR", "v0", "v9", "primary", "random:f",
         "role:other", "city:karachi", "dealer-a", "dealer-a/cash", "sbp", "sovereign", "none",
         "TRANSFER", "OK", "E_FUNDS", "view-change", "pakistan-gulf", "", "é\n"]
    ),
    st.text(max_size=8),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.integers(min_value=-2, max_value=12),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.sampled_from([Decimal("0.1"), Decimal(1)]),
)  # fmt: skip


def keys() -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(known_words()), st.text(max_size=4))


def values() -> st.SearchStrategy[Any]:
    return st.recursive(
        SCALARS,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(keys(), inner, max_size=4)
        ),
        max_leaves=12,
    )


def tables(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={name: values() for name in names})


def documents() -> st.SearchStrategy[dict[str, Any]]:
    """Documents near enough to scenarios to get past the first checks."""
    kinds = st.sampled_from([*FAULTS, *WORKLOADS, "odd"])
    kinded = st.builds(
        lambda kind, rest: {"kind": kind, **rest},
        kinds,
        st.dictionaries(keys(), values(), max_size=6),
    )
    return st.builds(
        lambda base, odd: {**base, **odd},
        st.fixed_dictionaries(
            {
                "name": st.just("fuzz"),
                "duration": st.sampled_from(["20s", "0s", "x"]),
                "validators": st.one_of(
                    st.integers(min_value=-1, max_value=8),
                    st.lists(tables("id", "role", "city", "name"), max_size=3),
                ),
            },
            optional={
                "faults": st.lists(kinded, max_size=3),
                "workload": st.lists(kinded, max_size=3),
                "genesis": tables("include", "parties", "accounts", "series", "fx", "policies"),
                "expect": tables("receipts", "balance", "metric", "sometimes", "culprits"),
                "consensus": tables("window", "checkpoint_interval", "status_interval"),
                "network": tables("latency", "loss", "jitter"),
                "calendar": tables("start", "day"),
            },
        ),
        st.dictionaries(keys(), values(), max_size=2),
    )


def check(text: str, overrides: tuple[str, ...] = ()) -> None:
    try:
        scenario = load_text(text, overrides=overrides)
    except ScenarioErrors as wrong:
        errors = wrong.errors
    else:
        assert load_text(resolved_toml(scenario)) == scenario
        return
    assert errors
    assert all(error.message and str(error).isprintable() for error in errors)


@settings(max_examples=300)
@given(documents())
def test_any_document(document: dict[str, Any]) -> None:
    check(to_toml(document))


@settings(max_examples=150)
@given(st.sampled_from(shipped()), st.data())
def test_a_shipped_file_with_a_slip_of_the_keyboard(name: str, data: st.DataObject) -> None:
    lines = shipped_text(name).splitlines()
    row = data.draw(st.integers(min_value=0, max_value=len(lines) - 1))
    change = data.draw(st.sampled_from(["drop", "double", "swap", "cut", "insert"]))
    column = data.draw(st.integers(min_value=0, max_value=max(0, len(lines[row]) - 1)))
    if change == "drop":
        del lines[row]
    elif change == "double":
        lines.insert(row, lines[row])
    elif change == "swap":
        lines[row], lines[-1] = lines[-1], lines[row]
    elif change == "cut":
        lines[row] = lines[row][:column] + lines[row][column + 1 :]
    else:
        lines[row] = lines[row][:column] + data.draw(st.text(max_size=3)) + lines[row][column:]
    check("\n".join(lines))


@settings(max_examples=200)
@given(
    st.one_of(
        st.text(max_size=30),
        st.builds(
            lambda steps, value: "".join(steps).lstrip(".") + "=" + value,
            st.lists(
                st.one_of(
                    st.sampled_from(known_words()).map(lambda word: f".{word}"),
                    st.integers(min_value=0, max_value=5).map(lambda index: f"[{index}]"),
                ),
                min_size=1,
                max_size=4,
            ),
            st.one_of(SCALARS.map(str), st.sampled_from(["[]", "{}", "[[1]]", "{a=1}", "'"])),
        ),
    )
)
def test_any_override(override: str) -> None:
    check(shipped_text("quick"), (override,))
