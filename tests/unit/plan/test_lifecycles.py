from __future__ import annotations

import datetime as dt
import math
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.documents import Document
from seedbed.errors import Diagnostic, Location, has_errors
from seedbed.plan.arrivals import count_entities
from seedbed.plan.lifecycles import resolve_lifecycle
from seedbed.plan.plan_text import render_plan
from seedbed.plan.resolved import DAY, ResolvedLifecycle
from seedbed.plan.rhythm import Rhythm
from seedbed.plan.spec import Lifecycle, Plan, Process, TableEntry
from seedbed.schema import Transition, Workflow
from seedbed.yaml_text import read_yaml

FILE = Path(__file__).parents[2] / "cases" / "lifecycles" / "problems.yml"
CASES = list(read_yaml(FILE.read_text(), FILE.name).elements())


def workflow_of(case: Document) -> list[Workflow]:
    told = case.at("workflow").value
    if told is None:
        return []
    origin = Location("ticket.mmd", 3)
    edges = tuple(Transition(source, target, share, origin=origin) for source, target, share in told["edges"])
    initial = tuple(told["initial"].items())
    return [Workflow("ticket", tuple(told["states"]), initial, edges, tuple(told.get("terminal", ())), origin)]


def resolve(case: Document) -> tuple[ResolvedLifecycle | None, list[Diagnostic]]:
    def values(key: str) -> tuple[Any, ...] | None:
        return tuple(case.at(key).value) if key in case.value else None

    return resolve_lifecycle(
        "ticket",
        Process.model_validate(case.at("process").value),
        workflow_of(case),
        case.at("process"),
        entity="ticket",
        accepted_values=values("accepted"),
        granularity=DAY,
        start=dt.date(2026, 1, 1),
        as_of=case.value.get("as_of", dt.date(2026, 6, 30)),
        case_values=values("values"),
    )


@pytest.mark.parametrize("case", CASES, ids=[case.value["name"] for case in CASES])
def test_what_is_said(case: Document) -> None:
    resolved, found = resolve(case)
    said = [(diagnostic.code, str(diagnostic.severity)) for diagnostic in found]
    assert said == [(expected["code"], expected.get("severity", "error")) for expected in case.value["says"]]
    for expected, diagnostic in zip(case.value["says"], found, strict=True):
        assert expected["message"] in diagnostic.message
        assert expected.get("hint", "") in (diagnostic.hint or "")
        assert diagnostic.location.file == expected.get("file", FILE.name)
        assert (diagnostic.location.path or "").endswith(expected.get("path", ""))
        assert diagnostic.location.line is not None
    assert (resolved is None) == any(severity == "error" for _, severity in said)


@pytest.mark.parametrize("case", CASES, ids=[case.value["name"] for case in CASES])
def test_what_is_resolved(case: Document) -> None:
    resolved, _ = resolve(case)
    if resolved is None:
        return
    size = len(resolved.states)
    for row in (*(row for rows in resolved.matrices for row in rows), *resolved.initial):
        assert len(row) == size
    assert math.isclose(sum(resolved.initial[0]), 1, abs_tol=1e-15)
    if "matrix" not in case.value:
        # Whoever has a share of those that stay says so.
        sums = [sum(row) for rows in resolved.matrices for row in rows]
        assert all(total == 0 or math.isclose(total, 1, abs_tol=1e-15) for total in sums)
    assert all(len(row) == size for row in resolved.dwell)
    expected = case.value
    if "matrix" in expected:
        assert [[round(share, 12) for share in row] for row in resolved.matrices[0]] == expected["matrix"]
    if "states" in expected:
        assert list(resolved.states) == expected["states"]
        assert [type(state) for state in resolved.states] == [type(state) for state in expected["states"]]
    if "initial" in expected:
        shares = dict(zip(resolved.states, resolved.initial[0], strict=True))
        assert {state: share for state, share in shares.items() if share} == expected["initial"]
    if "cases" in expected:
        assert resolved.cases == expected["cases"]
        assert resolved.otherwise == (1 if "medium" in expected["cases"] else None)
    if "most" in expected:
        assert resolved.max_versions == expected["most"]
    if "dwell" in expected:
        for edge, days in expected["dwell"].items():
            before, after = (resolved.states.index(name) for name in edge.split(" -> "))
            assert resolved.dwell[before][after].location == days * DAY


def test_arrivals_are_the_planned_time_when_nothing_is_said() -> None:
    text = "process: {initial: A, transitions: {A: {B: 1}}, dwell: 3d}"
    resolved, _ = resolve(read_yaml(text, "plan.yml"))
    assert resolved is not None
    first, last = (dt.datetime.fromtimestamp(moment, dt.UTC) for moment in resolved.arrivals)
    assert (first.isoformat(), last.isoformat()) == ("2026-01-01T00:00:00+00:00", "2026-06-30T00:00:00+00:00")
    assert resolved.origin.line == 1
    assert resolved.terminal == (1,)


def test_arrivals_at_a_second() -> None:
    process = {"initial": "A", "transitions": {"A": {"B": 1}}, "dwell": "3d"}
    process["arrivals"] = {"start": "2026-01-02 08:00:00", "end": "2026-01-03"}
    resolved, _ = resolve_lifecycle(
        "ticket", Process.model_validate(process), [], Document(None, ""), entity="ticket", accepted_values=None,
        granularity=1, start=dt.date(2026, 1, 1), as_of=dt.date(2026, 6, 30), case_values=None,
    )  # fmt: skip
    assert resolved is not None
    begin = int(dt.datetime(2026, 1, 2, 8, tzinfo=dt.UTC).timestamp())
    assert resolved.arrivals == (begin, begin + 40 * 3600 - 1)


def lasting(arrivals: tuple[int, int], rhythm: Rhythm | None = None) -> ResolvedLifecycle:
    text = "process: {initial: A, transitions: {A: {B: 1}}, dwell: 3d}"
    resolved, _ = resolve(read_yaml(text, "plan.yml"))
    assert resolved is not None
    return replace(resolved, arrivals=arrivals, rhythm=rhythm)


def test_entities_grow_at_the_planned_rate() -> None:
    planned_end = 7 * DAY - 1
    week = lasting((0, 6 * DAY))
    counts = [count_entities(week, 10, planned_end, planned_end + days * DAY) for days in (-3, 0, 1, 2, 7, 70)]
    assert counts == [10, 10, 11, 12, 20, 110]
    assert count_entities(lasting((0, 5 * DAY)), 10, planned_end, planned_end + 7 * DAY) == 10


def test_entities_grow_in_the_planned_rhythm() -> None:
    # The first of January 1970 was a Thursday: two working days, a weekend, three working days.
    week = lasting((0, 6 * DAY), Rhythm((1.0,) * 5 + (0.0,) * 2))
    counts = [count_entities(week, 10, 7 * DAY - 1, (7 + days) * DAY - 1) for days in range(9)]
    assert counts == [10, 12, 14, 14, 14, 16, 18, 20, 22]
    doubling = lasting((0, 365 * DAY), Rhythm(growth=1.0))
    planned, after = (count_entities(doubling, 1_000, 366 * DAY - 1, (366 + days) * DAY - 1) for days in (0, 366))
    assert planned == 1_000
    assert after == pytest.approx(3_000, rel=0.01)


def test_a_rhythm_of_arrivals_is_read() -> None:
    arrivals = {"weekdays": {"Saturday": 0.5}, "months": {"dec": 2}, "growth": 0.1, "hours": "business"}
    said = {"initial": "A", "transitions": {"A": {"B": 1}}, "dwell": "3d", "arrivals": arrivals}
    rhythm = Process.model_validate(said).arrivals.rhythm
    assert rhythm is not None
    assert rhythm.weekdays == (1, 1, 1, 1, 1, 0.5, 0)
    assert rhythm.months == (1,) * 11 + (2,)
    assert rhythm.growth == 0.1
    assert rhythm.hours == (0,) * 8 + (1,) * 10 + (0,) * 6


def test_a_rhythm_of_arrivals_comes_back_from_a_plan() -> None:
    said = {"initial": "A", "transitions": {"A": {"B": 1}}, "dwell": {"A": {"fixed": "3d"}}}
    arrivals = {"weekdays": {"sat": 0.5}, "growth": -0.1, "hours": {9: 2, 10: 1, 23: 0.5}}
    lifecycle = Lifecycle.model_validate({**said, "arrivals": arrivals})
    plan = Plan(start=dt.date(2026, 1, 1), as_of=dt.date(2026, 6, 30), tables={"t": TableEntry(lifecycle=lifecycle)})
    document = read_yaml(render_plan(plan), "seedbed.yml", strict=True)
    assert Plan.model_validate(document.value).tables["t"].lifecycle == lifecycle


def test_nobody_can_arrive_on_no_day() -> None:
    text = """
        process:
          initial: A
          transitions: {A: {B: 1}}
          dwell: 3d
          arrivals: {start: 2026-01-03, end: 2026-01-04, hours: business}
    """
    resolved, diagnostics = resolve(read_yaml(textwrap.dedent(text), "plan.yml"))
    assert resolved is None
    assert [(found.code, found.location.line) for found in diagnostics] == [("no-arrivals", 6)]


names = st.sampled_from(["A", "B", "a", "otherwise", "high", "-", "_", "", "default", "A -> B"])
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(-2, 200), names, st.just("40%")),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=12,
)
numbers = st.lists(st.lists(st.sampled_from([0.0, 0.5, 1.0, 100.0]), max_size=3), max_size=3)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "states": st.lists(names, max_size=3),
            "transitions": st.dictionaries(names, anything, max_size=3) | numbers,
            "matrix": numbers | st.dictionaries(names, numbers, max_size=3),
            "initial": names | st.dictionaries(names, st.floats(0, 100), max_size=3),
            "dwell": st.dictionaries(names, st.just("3d"), max_size=2),
            "depends_on": st.just("priority"),
            "revisit": st.booleans(),
            "workflow": st.just("ticket"),
        },
    ),
    st.none() | st.lists(names, unique=True, max_size=3),
    st.none() | st.lists(names | st.booleans() | st.integers(1, 2), unique=True, max_size=3),
    st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_whatever_is_written_is_used_or_reported(
    written: dict[str, Any], accepted: list[str] | None, values: list[Any] | None, dated: bool
) -> None:
    here = Location("ticket.mmd", 1)
    workflow = Workflow("ticket", ("A", "B"), (("A", None),), (Transition("A", "B", None, None, here),), ("B",), here)
    resolved, found = resolve_lifecycle(
        "ticket", Process.model_validate(written), [workflow], Document(written, "plan.yml"), entity="ticket",
        accepted_values=None if accepted is None else tuple(accepted), granularity=DAY, start=dt.date(2026, 1, 1),
        as_of=dt.date(2026, 6, 30) if dated else None, case_values=None if values is None else tuple(values),
    )  # fmt: skip
    assert (resolved is None) == has_errors(found)
