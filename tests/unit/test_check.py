"""The check finds exactly what is wrong with written seeds, and never calls nothing a pass."""

import csv
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml

from plans import make_plan, make_table
from seedbed.check import Finding, Status, check, render_findings
from seedbed.check.probes import literals
from seedbed.plan.resolved import (
    Fixed,
    ForeignKeyPromise,
    Given,
    HistoryPromise,
    Predicate,
    Promises,
    RangePromise,
    ResolvedPlan,
    ValidityPromise,
)
from seedbed.schema import Cardinality

CASES = Path(__file__).parents[1] / "cases" / "check"
CORRUPTIONS = yaml.safe_load((CASES / "corruptions.yml").read_text(encoding="utf-8"))

CUSTOMERS = make_table(
    "customers",
    {
        "id": "bigint",
        "email": "varchar",
        "country": "varchar",
        "region": "varchar(2)",
        "score": "decimal(5,2)",
        "joined": "date",
        "active": "boolean",
    },
    Promises(
        primary_key=("id",),
        unique=(("email",),),
        not_null=("email",),
        accepted_values={"country": ("NO", "US")},
        ranges=(RangePromise("score", 0, 100, maximum_included=False),),
        matches={"email": "@"},
        functional_dependencies=((("country",), ("region",)),),
        predicates=(Predicate("score >= 0 or joined is null", ("score", "joined")),),
    ),
)
ORDERS = make_table(
    "raw.orders",
    {"id": "bigint", "customer_id": "bigint", "line": "int", "placed_at": "timestamp"},
    Promises(
        primary_key=("id",),
        unique=(("customer_id", "line"),),
        foreign_keys=(ForeignKeyPromise(("customer_id",), "customers", ("id",), Cardinality(1, 2), nullable=False),),
    ),
)
SHIPMENTS = make_table(
    "shipments",
    {"id": "bigint", "customer_id": "bigint", "line": "int"},
    Promises(
        primary_key=("id",),
        foreign_keys=(
            ForeignKeyPromise(
                ("customer_id", "line"), "raw.orders", ("customer_id", "line"), Cardinality(0, 1), nullable=True
            ),
        ),
    ),
)
STATUSES = make_table(
    "statuses",
    {
        "id": "bigint",
        "case_id": "bigint",
        "state": "varchar",
        "valid_from": "date",
        "valid_to": "date",
        "is_current": "boolean",
        "version": "int",
    },
    Promises(
        primary_key=("id",),
        history=HistoryPromise(
            entity=("case_id",),
            state="state",
            valid_from="valid_from",
            valid_to="valid_to",
            current="is_current",
            version="version",
            open_end="9999-12-31",
            allowed={"open": ("review", "closed"), "review": ("closed",), "closed": ()},
            initial=("open",),
            terminal=("closed",),
            revisit=False,
            as_of="2026-06-30",
        ),
    ),
)
EVENTS = make_table(
    "events",
    {"id": "bigint", "case_id": "bigint", "at": "date", "status_id": "bigint"},
    Promises(primary_key=("id",), validity=(ValidityPromise("statuses", ("case_id",), "at", ("status_id", "id")),)),
)
TABLES = (CUSTOMERS, ORDERS, SHIPMENTS, STATUSES, EVENTS)


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CASES / "seeds", tmp_path / "seeds"))


@pytest.fixture
def plan(tmp_path: Path) -> ResolvedPlan:
    return make_plan(tmp_path, TABLES)


def _corrupt(seeds: Path, case: dict[str, Any]) -> None:
    for table in {*case.get("set", ()), *case.get("add", ())}:
        path = seeds / f"{table}.csv"
        with path.open(newline="") as file:
            header, *rows = csv.reader(file)
        for number, column, text in case.get("set", {}).get(table, ()):
            rows[number - 1][header.index(column)] = text
        rows += [line.split(",") for line in case.get("add", {}).get(table, ())]
        with path.open("w", newline="") as file:
            csv.writer(file).writerows([header, *rows])


def _by_status(findings: list[Finding], status: Status) -> dict[str, int]:
    return {f"{found.table}: {found.promise}": found.violations for found in findings if found.status is status}


def test_clean_seeds_keep_every_promise(seeds, plan):
    findings = check(plan, seeds)
    assert {str(found.status) for found in findings} == {"passed"}, render_findings(findings, failed_only=True)
    assert len(findings) == 63


@pytest.mark.parametrize("case", CORRUPTIONS, ids=lambda case: case["name"])
def test_each_corruption_is_found_and_counted(seeds, plan, case):
    _corrupt(seeds, case)
    assert _by_status(check(plan, seeds), Status.FAILED) == case["failed"]


def test_the_corruptions_break_every_promise_at_least_once(seeds, plan):
    broken = {promise for case in CORRUPTIONS for promise in case["failed"]}
    types = {f"{table.name}: {column.name} is {column.data_type.text}" for table in TABLES for column in table.columns}
    # Keys of three tables are of the kinds that others break.
    repeated = {f"{table}: the primary key is unique: id" for table in ("raw.orders", "statuses", "events")}
    repeated |= {f"{table}: id is never null" for table in ("raw.orders", "statuses", "events", "customers")}
    kept = {f"{found.table}: {found.promise}" for found in check(plan, seeds)} - broken - types
    assert kept == repeated


def test_rows_are_counted_where_the_promise_applies(seeds, plan):
    counted = {f"{found.table}: {found.promise}": found.rows_checked for found in check(plan, seeds)}
    assert counted["customers: score >= 0 and < 100"] == 3
    assert counted["customers: joined is date"] == 2
    assert counted["raw.orders: each row of customers has 1 to 2 rows here: customer_id"] == 3
    assert counted["shipments: foreign key: customer_id, line -> raw.orders(customer_id, line)"] == 2
    assert counted["statuses: the first state is allowed"] == 3
    assert counted["statuses: every move is allowed"] == 3
    assert counted["statuses: nothing follows a terminal state"] == 2
    assert counted["statuses: what is still under way has an open version"] == 1
    assert counted["statuses: each version ends after it begins"] == 3
    assert counted["statuses: exactly one version is current"] == 3
    assert counted["events: each row falls into one version of statuses at at"] == 4


def test_guilty_rows_are_shown_with_their_place(seeds, plan):
    _corrupt(seeds, {"set": {"customers": [[2, "score", "-5.00"]]}})
    (found,) = (found for found in check(plan, seeds) if found.promise == "score >= 0 and < 100")
    (example,) = found.examples
    assert (example["row"], example["id"], str(example["score"])) == (2, 2, "-5.00")


def test_few_examples_are_enough(seeds, plan):
    _corrupt(seeds, {"add": {"shipments": [f"{number},9,9" for number in range(10, 200)]}})
    (found,) = (found for found in check(plan, seeds) if found.status is Status.FAILED)
    assert (found.violations, len(found.examples)) == (190, 3)


def test_a_table_without_rows_has_nothing_to_check(seeds, plan):
    for name in ("shipments", "events"):
        path = seeds / f"{name}.csv"
        path.write_text(path.read_text().splitlines()[0] + "\n")
    findings = [found for found in check(plan, seeds) if found.table in ("shipments", "events")]
    per_parent = "each row of raw.orders has 0 to 1 rows here: customer_id, line"
    assert {found.promise for found in findings if found.status is not Status.NOTHING} == {per_parent}


def test_a_missing_file_is_a_failure_and_its_promises_are_open(seeds, plan):
    (seeds / "customers.csv").unlink()
    findings = check(plan, seeds)
    (failed,) = (found for found in findings if found.status is Status.FAILED)
    assert (failed.table, failed.hint) == ("customers", "run `seedbed generate`")
    open_promises = _by_status(findings, Status.NOTHING)
    assert "customers: the primary key is unique: id" in open_promises
    assert "raw.orders: foreign key: customer_id -> customers(id)" in open_promises
    assert "raw.orders: the primary key is unique: id" not in open_promises


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("id,customer_id\n1,1\n", "its columns are id, customer_id; expected id, customer_id, line"),
        ("id,line,customer_id\n1,1,1\n", "its columns are id, line, customer_id"),
        ("", "its columns are ; expected"),
        ("id,customer_id,line\n1,1,1,1\n", "CSV Error"),
        ('id,customer_id,line\n1,1,"1\n', "CSV Error"),
    ],
)
def test_a_file_of_another_shape_is_a_failure(seeds, plan, text, reason):
    (seeds / "shipments.csv").write_text(text)
    (failed,) = (found for found in check(plan, seeds) if found.status is Status.FAILED)
    assert failed.table == "shipments"
    assert reason in failed.examples[0]["problem"]
    assert failed.hint is not None


@pytest.mark.parametrize(
    "predicate",
    [
        "no_such_function(score) > 1",
        "(select count(*) from read_csv('/etc/passwd')) = 0",
        "score >",
    ],
)
def test_a_predicate_that_cannot_be_run_is_a_failure(seeds, tmp_path, predicate):
    table = make_table("customers", {column.name: column.data_type.text for column in CUSTOMERS.columns})
    promises = Promises(predicates=(Predicate(predicate, ("score",)),))
    plan = make_plan(tmp_path, [make_table("customers", {c.name: c.data_type.text for c in table.columns}, promises)])
    (failed,) = (found for found in check(plan, seeds) if found.status is Status.FAILED)
    assert failed.promise == predicate
    assert failed.hint.startswith("it could not be checked:")


def test_a_predicate_is_broken_by_false_and_not_by_null(seeds, tmp_path):
    columns = {column.name: column.data_type.text for column in CUSTOMERS.columns}
    promises = Promises(predicates=(Predicate("joined > date '2025-01-15' -- late", ("joined",)),))
    findings = check(make_plan(tmp_path, [make_table("customers", columns, promises)]), seeds)
    assert _by_status(findings, Status.FAILED) == {"customers: joined > date '2025-01-15' -- late": 1}


def test_a_history_without_an_end_column_ends_where_the_next_version_begins(seeds, tmp_path):
    (seeds / "statuses.csv").write_text("case_id,state,since\n1,open,20250101\n1,closed,20250105\n2,open,20250301\n")
    (seeds / "events.csv").write_text("case_id,at\n1,20250104\n1,20250105\n1,20241231\n2,20260101\n")
    history = HistoryPromise(
        ("case_id",), "state", "since", None, None, None, None, {"open": ("closed",)}, ("open",), (), True, 20260630
    )
    statuses = make_table("statuses", {"case_id": "int", "state": "varchar", "since": "int"}, Promises(history=history))
    events = make_table(
        "events", {"case_id": "int", "at": "int"}, Promises(validity=(ValidityPromise("statuses", ("case_id",), "at"),))
    )
    findings = check(make_plan(tmp_path, [statuses, events]), seeds)
    assert _by_status(findings, Status.FAILED) == {"events: each row falls into one version of statuses at at": 1}


@pytest.mark.parametrize(
    ("since", "days", "at", "inside", "outside"),
    [
        ("int", ("20250101", "20250105"), "timestamp", "2025-01-04 23:00:00", "2024-12-31 23:00:00"),
        ("int", ("20250101", "20250105"), "timestamp with time zone", "2025-01-05 00:00:00Z", "2024-12-31 00:00:00Z"),
        ("int", ("20250101", "20250105"), "date", "2025-01-05", "2024-12-31"),
        ("date", ("2025-01-01", "2025-01-05"), "int", "20250104", "20241231"),
        ("date", ("2025-01-01", "2025-01-05"), "timestamp", "2025-01-05 08:00:00", "2024-12-31 23:59:59"),
    ],
)
def test_a_moment_is_compared_as_the_history_tells_time(seeds, tmp_path, since, days, at, inside, outside):
    (seeds / "statuses.csv").write_text(f"case_id,state,since\n1,open,{days[0]}\n1,closed,{days[1]}\n")
    (seeds / "events.csv").write_text(f"case_id,at\n1,{inside}\n1,{outside}\n")
    history = HistoryPromise(
        ("case_id",), "state", "since", None, None, None, None, {"open": ("closed",)}, ("open",), (), True, 20260630
    )
    statuses = make_table("statuses", {"case_id": "int", "state": "varchar", "since": since}, Promises(history=history))
    events = make_table(
        "events", {"case_id": "int", "at": at}, Promises(validity=(ValidityPromise("statuses", ("case_id",), "at"),))
    )
    findings = check(make_plan(tmp_path, [statuses, events]), seeds)
    failed = _by_status(findings, Status.FAILED)
    assert failed["events: each row falls into one version of statuses at at"] == 1


@pytest.mark.parametrize(
    ("kind", "yes", "no"), [("int", "1", "0"), ("varchar", "Y", "N"), ("varchar", "true", "false")]
)
def test_a_current_flag_may_be_of_any_type(seeds, tmp_path, kind, yes, no):
    (seeds / "h.csv").write_text(f"e,s,f,c\n1,a,1,{no}\n1,b,2,{yes}\n2,a,1,{no}\n3,a,1,\n")
    history = HistoryPromise(("e",), "s", "f", None, "c", None, None, {"a": ("b",)}, ("a",), ("b",), True, 9)
    table = make_table("h", {"e": "int", "s": "varchar", "f": "int", "c": kind}, Promises(history=history))
    failed = _by_status(check(make_plan(tmp_path, [table]), seeds), Status.FAILED)
    assert failed == {"h: exactly one version is current": 2, "h: the current version is the last": 2}


NOTHING = pa.record_batch([], names=[])


def test_hand_written_parents_are_read_as_they_are(seeds, tmp_path):
    written_by_hand = tmp_path / "elsewhere.csv"
    written_by_hand.write_text("Email,ID\nx,9\n")
    parent = make_table("people", {"id": "int"}, rows=Given("elsewhere.csv", written_by_hand, NOTHING), written=False)
    key = ForeignKeyPromise(("person_id",), "people", ("id",), Cardinality(), nullable=False)
    child = make_table("pets", {"person_id": "int"}, Promises(foreign_keys=(key,)), rows=Fixed(2, 2))
    (seeds / "pets.csv").write_text("person_id\n9\n8\n")
    findings = check(make_plan(tmp_path, [parent, child]), seeds)
    assert _by_status(findings, Status.FAILED) == {"pets: foreign key: person_id -> people(id)": 1}


def test_the_text_names_what_failed_with_examples_and_counts():
    findings = [
        Finding("id is never null", "a", ("id",), 1200, 0, Status.PASSED),
        Finding("x > 0", "a", ("x",), 3, 1, Status.FAILED, ({"row": 2, "x": -1},), "look at it"),
        Finding("y > 0", "a", ("y",), 0, 0, Status.NOTHING),
    ]
    assert render_findings(findings).splitlines() == [
        "status            table  promise           checked  violations",
        "passed            a      id is never null    1,200           0",
        "failed            a      x > 0                   3           1",
        "    row = 2, x = -1",
        "    hint: look at it",
        "nothing to check  a      y > 0                   0           0",
        "1 passed, 1 failed, 1 nothing to check",
    ]
    assert "id is never null" not in render_findings(findings, failed_only=True)


def test_numbers_among_texts_are_compared_as_texts():
    assert literals([1, "n/a", 2]) == "'1', 'n/a', '2'"
    assert literals([1, 2]) == "1, 2"
