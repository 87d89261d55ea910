"""Two companies whose every trait is drawn: one through which time flows, and one that deals in ordinary tables.

Between them they have everything that a plan can say about rows and references.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from seedbed.schema import Cardinality, Column, Fact, ForeignKey, Project, Resource, Schema, Table, parse_data_type

KEYS = {"sequence()": "bigint", "sequence(1000, 7)": "bigint", "uuid()": "varchar", "pattern('K{n:06}')": "varchar"}


@dataclass(repr=False)
class Company:
    """Tables, as the project documents them and as the plan fills them."""

    tables: list[Table] = field(default_factory=list)
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    changing: dict[str, set[str]] = field(default_factory=dict)
    """Columns of a row that may change as time goes on."""

    def __repr__(self) -> str:
        return self.plan

    def add(self, name: str, rows: str | int | None, columns: dict[str, tuple[str, str]], **more: Any) -> None:
        """`columns` gives type and generator of each; `more` are parts of the Table, and `plan` of the entry."""
        entry: dict[str, Any] = {"columns": {}, **more.pop("plan", {})}
        if rows is not None:
            entry["rows"] = rows
        made = []
        for column, (kind, generator) in columns.items():
            generator, _, by = generator.partition(" by ")
            if generator:
                entry["columns"][column] = {"generator": generator, **({"varies_by": by} if by else {})}
            made.append(Column(column, data_type=Fact(parse_data_type(kind)) if kind else None))
        self.changing[name] = more.pop("changing", set())
        keys = more.pop("key", None)
        self.tables.append(
            Table(name, Resource.SEED, columns=tuple(made), primary_key=Fact(tuple(keys)) if keys else None, **more)
        )
        self.entries[name] = entry

    @property
    def schema(self) -> Schema:
        return Schema(Project(Path("/nowhere"), "drawn", (Path("/nowhere/seeds"),)), tuple(self.tables))

    @property
    def plan(self) -> str:
        return f"tables: {json.dumps(self.entries)}"


def to(parent: str, column: str, target: str = "id", least: int = 0, most: int | None = None) -> ForeignKey:
    """A declared foreign key."""
    return ForeignKey((column,), parent, (target,), children=Cardinality(least, most))


def counted(draw: st.DrawFn) -> tuple[str, int]:
    """Counts of children, and the fewest of them."""
    low = draw(st.integers(0, 2))
    high = low + draw(st.integers(0, 3))
    return draw(
        st.sampled_from(
            [
                (f"integer({low}, {high})", low),
                (f"poisson(1.5, min={low}, max={high + 1})", low),
                ("boolean(0.4)", 0),
                ("choice({0: 3, 1: 1, 4: 1})", 0),
                ("zipf(1.5, 4)", 1),
                (f"constant({low + 1})", low + 1),
            ]
        )
    )


def process(draw: st.DrawFn, by: str | None) -> dict[str, Any]:
    """Moves, times and arrivals."""
    moves: dict[str, Any] = draw(
        st.sampled_from(
            [
                {"new": {"open": 0.9, "shut": 0.1}, "open": {"held": 0.5, "shut": 0.5}, "held": {"open": 1}},
                {"new": {"open": 1}, "open": {"held": 1}, "held": {"open": 1}},
                {"new": {"open": 0.5, "held": 0.5}},
                {"new": {"open": 0.7, "new": 0.3}, "open": {"new": 0.4, "shut": 0.6}},
            ]
        )
    )
    said: dict[str, Any] = {
        "states": ["new", "open", "held", "shut"],
        "initial": draw(st.sampled_from(["new", {"new": 0.6, "open": 0.4}])),
        "transitions": {"low": moves, "otherwise": {"new": {"shut": 1}}} if by else moves,
        "dwell": draw(st.sampled_from(["20d", {"new": "5d", "default": {"lognormal": {"median": "60d"}}}, "300d"])),
        "revisit": draw(st.booleans()),
        "max_versions": 12,
    }
    if by:
        said["depends_on"] = by
    if draw(st.booleans()):
        said["arrivals"] = {"start": "2024-03-01", "end": draw(st.sampled_from(["2024-09-30", "2025-12-31"]))}
    if draw(st.booleans()):
        rhythm = {"weekdays": {"sat": 0.3}, "months": {"dec": 3}, "growth": draw(st.sampled_from([0.8, -0.5]))}
        said["arrivals"] = {**said.get("arrivals", {}), **rhythm, "hours": draw(st.sampled_from(["any", "business"]))}
    return said


@st.composite
def companies_in_time(draw: st.DrawFn) -> Company:
    """Cases with a history or a lifecycle, facts in their lives, facts of facts, and references onto all of them."""
    company = Company()
    key = draw(st.sampled_from(sorted(KEYS)))
    kind = KEYS[key]
    written = draw(st.sampled_from(["date", "timestamp", "integer", "day"]))
    recorded = draw(st.booleans())
    process_name = "statuses" if recorded else "cases"
    moment = "timestamp" if written == "timestamp" else "date" if written == "date" else "integer"
    company.add("days", "dates('2023-12-01', '2027-01-31')", {"day": ("integer", "calendar('key')")}, key=["day"])
    company.add("people", draw(st.integers(1, 90)), {"id": (kind, key), "name": ("varchar", "fake('full_name')")})
    by = draw(st.sampled_from([None, "priority"]))
    said = process(draw, by)
    lifecycle = f"lifecycle('{process_name}', "
    company.add(
        "cases",
        draw(st.integers(1, 90)),
        {
            "id": (kind, key),
            "priority": ("varchar", "choice(['low', 'high'])"),
            "person_id": ("", "foreign_key('people', null=0.2)"),
            "status": ("varchar", f"{lifecycle}'state')"),
            "opened": (moment, f"{lifecycle}'started')"),
            "closed": (moment, f"{lifecycle}'ended')"),
            "entered": ("timestamp", f"{lifecycle}'entered')")
            if moment == "timestamp"
            else ("date", f"{lifecycle}'entered')"),
            "versions": ("integer", f"{lifecycle}'versions')"),
        },
        key=["id"],
        changing={"status", "closed", "entered", "versions"},
        **({} if recorded else {"plan": {"lifecycle": said}}),
    )
    if recorded:
        open_end = draw(st.sampled_from([None, "2026-12-31" if written == "day" else "9999-12-31"]))
        history = {**said, "entity": "case_id", "state": "status", "valid_from": "valid_from"}
        columns = {
            "id": (kind, key),
            "case_id": ("", "foreign_key('cases')"),
            "status": ("varchar", ""),
            "valid_from": (moment, ""),
            "grade": ("integer", "integer(1, 9)"),
        }
        for part in ("valid_to", "current", "version"):
            if draw(st.booleans()):
                history[part] = part
                columns[part] = ({"valid_to": moment, "current": "boolean", "version": "integer"}[part], "")
        if open_end and "valid_to" in history:
            history["open_end"] = open_end
        days = tuple(to("days", part, "day") for part in ("valid_from", "valid_to") if part in columns)
        company.add(
            "statuses",
            None,
            columns,
            key=["id"],
            plan={"history": history},
            foreign_keys=days if written == "day" else (),
            changing={"valid_to", "current"},
        )
    counts, least = counted(draw)
    where = " where priority = 'low'" if draw(st.booleans()) else ""
    certain = least > 0 and not where
    facts = {
        "id": (kind, key),
        "case_id": ("", draw(st.sampled_from(["foreign_key('cases')", "foreign_key('cases', null=0.2)"]))),
        "person_id": ("", draw(st.sampled_from(["foreign_key('people')", "foreign_key('people', zipf=1.2)"]))),
        "advocate_id": ("", "foreign_key('people') by case_id"),
        "channel": ("varchar", "choice(['web', 'phone'], null=0.3) by case_id"),
        "tone": ("varchar", "choice(['kind', 'curt']) by channel"),
        "happened": draw(
            st.sampled_from([("timestamp", f"during('{process_name}')"), ("", f"during('{process_name}')")])
        ),
        "amount": ("decimal(10,2)", "uniform(1, 100)"),
        "paid": ("decimal(10,2)", "uniform(0, 100, null=0.2)"),
        "answers": ("integer", "rollup('replies', 'count')"),
        "priority": ("", "copy('case_id.priority')"),
    }
    if recorded:
        facts["status_id"] = ("", "version('statuses', 'happened')")
        facts["status"] = ("", "copy('status_id.status')")
    on_days = draw(st.booleans())
    if on_days:
        facts["happened"] = ("integer", f"during('{process_name}')")
    company.add(
        "facts",
        f"per cases{where}, {counts}",
        facts,
        key=["id"],
        foreign_keys=(to("days", "happened", "day"),) if on_days else (),
        checks=(Fact("paid <= amount"),),
        changing={"answers"},
    )
    company.add(
        "replies",
        f"per facts where amount > 20, {counted(draw)[0]}",
        {
            "id": (kind, key),
            "fact_id": ("", "foreign_key('facts')"),
            "place": ("integer", "ordinal()"),
            "sent": ("timestamp", "after('fact_id.happened', median='2d')"),
            "priority": ("", "copy('fact_id.case_id.priority')"),
            "person_id": ("", "foreign_key('people', via='fact_id')"),
            "case_id": ("", "foreign_key('cases', via='fact_id')"),
        },
        key=["id"],
        unique_keys=(Fact(("fact_id", "place")),),
    )
    calls = {
        "id": (kind, key),
        "case_id": ("", draw(st.sampled_from(["foreign_key('cases')", "foreign_key('cases', null=0.3)"]))),
        "at": ("timestamp", f"during('{process_name}')"),
    }
    if recorded:
        calls["status_id"] = ("", "version('statuses', 'at')")
    company.add("calls", draw(st.integers(0, 70)), calls, key=["id"])
    company.add(
        "call_notes",
        "per calls, integer(0, 2)",
        {"id": (kind, key), "call_id": ("", "foreign_key('calls')")},
        key=["id"],
    )
    marks = {"id": (kind, key)}
    if recorded:
        marks["status_id"] = ("", "foreign_key('statuses', 'id')")
        marks["priority"] = ("", "copy('status_id.case_id.priority')")
    if certain:
        marks["fact_id"] = ("", "foreign_key('facts')")
        marks["happened"] = ("timestamp", "copy('fact_id.happened')")
    company.add("marks", draw(st.integers(1, 70)), marks, key=["id"])
    device = {
        **process(draw, None),
        "entity": "device",
        "state": "state",
        "valid_from": "since",
        "entities": draw(st.integers(0, 40)),
    }
    company.add(
        "devices",
        None,
        {
            "device": ("integer", ""),
            "state": ("varchar", ""),
            "since": ("timestamp", ""),
            "load": ("integer", "integer(1, 9)"),
        },
        key=["device", "since"],
        plan={"history": device},
    )
    return company


@st.composite
def ordinary_companies(draw: st.DrawFn, folder: Path) -> Company:
    """Driven tables three deep, references onto them, trees, pairs, composite keys, hand-written rows."""
    company = Company()
    key = draw(st.sampled_from([*sorted(KEYS), "pattern('K{shuffled:07}')"]))
    kind = KEYS.get(key, "varchar")
    company.tables.append(
        Table(
            "currencies",
            Resource.SEED,
            columns=(Column("code"), Column("name")),
            primary_key=Fact(("code",)),
            data_file=folder / "currencies.csv",
        )
    )
    regions, shops = draw(st.integers(1, 90)), counted(draw)
    company.add("regions", regions, {"id": (kind, key), "name": ("varchar", "fake('city')")}, key=["id"])
    company.add(
        "shops",
        f"per regions, {shops[0]}",
        {
            "id": (kind, key),
            "region_id": ("", "foreign_key('regions')"),
            "place": ("integer", "ordinal()"),
            "size": ("integer", "integer(1, 100)"),
            "rent": ("integer", "integer(1, 100)"),
            "mood": ("decimal(5,2)", "uniform(0, 1, correlated={'rent': 0.7, 'size': -0.2})"),
            "sold": ("integer", "rollup('sales', 'count')"),
            "takings": ("decimal(12,2)", "rollup('sales', 'sum', 'price')"),
            "last": ("date", "rollup('sales', 'max', 'day')"),
        },
        key=["id"],
        unique_keys=(Fact(("region_id", "place")),),
        checks=(Fact("rent <= size"),),
    )
    sales = counted(draw)
    company.add(
        "sales",
        f"per shops where size > 30, {sales[0]}" if draw(st.booleans()) else f"per shops, {sales[0]}",
        {
            "id": (kind, key),
            "shop_id": ("", "foreign_key('shops')"),
            "price": ("decimal(10,2)", "lognormal(100, 0.5)"),
            "day": ("date", "date('2024-01-01', '2025-12-31', growth=0.3, correlated={'price': -0.5})"),
            "paid": ("date", "after('day', median='3d', when='price > 90')"),
            "region_id": ("", "foreign_key('regions', via='shop_id')"),
            "region": ("", "copy('shop_id.region_id.name')"),
            "currency": ("", "foreign_key('currencies', null=0.1)"),
            "seller_id": ("", "foreign_key('staff') by shop_id"),
        },
        key=["id"],
    )
    company.add(
        "items",
        "per sales, integer(0, 2)",
        {"id": (kind, key), "sale_id": ("", "foreign_key('sales')"), "region": ("", "copy('sale_id.region')")},
        key=["id"],
    )
    staff = draw(st.integers(5, 90))
    company.add(
        "staff",
        staff,
        {
            "id": (kind, key),
            "boss_id": ("", "foreign_key('staff', roots=2)"),
            "boss": ("", "copy('boss_id.name')"),
            "name": ("varchar", "fake('full_name')"),
            "level": ("integer", "sql('coalesce(boss_id.level, 0) + 1')"),
        },
        key=["id"],
    )
    company.add(
        "badges",
        draw(st.integers(0, staff)),
        {"id": (kind, key), "staff_id": ("", "foreign_key('staff', unique=true)")},
        key=["staff_id"],
        foreign_keys=(to("staff", "staff_id", most=1),),
    )
    least = draw(st.integers(0, 2))
    most = draw(st.sampled_from([None, least + 3]))
    company.add(
        "desks",
        staff * (least + 1) + draw(st.integers(0, staff)),
        {"id": (kind, key), "staff_id": ("", "foreign_key('staff')"), "floor": ("integer", "integer(1, 9)")},
        key=["id"],
        foreign_keys=(to("staff", "staff_id", least=least, most=most),),
    )
    company.add(
        "tasks",
        f"per staff, integer({least}, {least + 1})",
        {
            "id": (kind, key),
            "staff_id": ("", "foreign_key('staff')"),
            "region_id": ("", f"foreign_key('regions', max={max(staff * 3 // regions + 1, 1) * 2})"),
        },
        key=["id"],
    )
    courses = draw(st.integers(4, 9))
    company.add("courses", courses, {"id": (kind, key)}, key=["id"])
    covering = draw(st.booleans()) and staff * 2 >= courses
    company.add(
        "enrolments",
        f"per staff, integer(2, {min(4, courses)})",
        {"staff_id": ("", "foreign_key('staff')"), "course_id": ("", "foreign_key('courses', distinct=true)")},
        key=["staff_id", "course_id"],
        foreign_keys=(to("courses", "course_id", least=int(covering)),),
    )
    company.add(
        "sites",
        "per regions, integer(1, 3)",
        {"region_id": ("", "foreign_key('regions')"), "site": ("integer", "ordinal(5)")},
        key=["region_id", "site"],
    )
    both = ForeignKey(("region_id", "site"), "sites", ("region_id", "site"))
    company.add(
        "visits",
        draw(st.integers(0, 120)),
        {
            "id": (kind, key),
            "region_id": ("", "foreign_key('sites', 'region_id', null=0.2)"),
            "site": ("", "foreign_key('sites', 'site', null=0.2)"),
            "shade": ("varchar", "choice(['dark', 'light']) by region_id"),
            "mood": ("varchar", "choice(['good', 'bad'], when=\"site > 5\")"),
            "rank": ("integer", "integer(1, 1000000) by id"),
        },
        key=["id"],
        foreign_keys=(both,),
    )
    return company
