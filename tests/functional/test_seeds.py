"""What the seed sink writes, as dbt itself loads and tests it, on DuckDB."""

import datetime as dt
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pytest

from plans import arrow_schema, batches, make_plan, make_table
from seedbed.errors import Severity
from seedbed.plan.resolved import (
    ForeignKeyPromise,
    HistoryPromise,
    Promises,
    ResolvedPlan,
    ResolvedTable,
    ValidityPromise,
)
from seedbed.schema import Cardinality, Resource, SourceTable
from seedbed.sinks.base import Outcome
from seedbed.sinks.seeds import CsvSink

ROOT = Path(__file__).parents[2]
TORTURE_NAMES = (
    "O'Brien",
    '{{ env_var("HOME") }}',
    "{% raw %}{# x #}",
    "007",
    "None",
    "yes",
    "2026-01-01",
    "1_000",
    "a: b # c",
    "\\N",
    '" \\"',
)
TORTURE_NOTES = (
    "a\nb\"c'd, e\\",
    "  blanks before and after \t",
    '=cmd|x "" \\"',
    "çé😀 N/A \r\n x\ry",
    "a,b;c|d\te",
    "{{ this }}",
    "\\",
    "'",
    "+1 555 0100",
    "nullable",
    None,
)
UTC = dt.UTC
HALF = len(TORTURE_NAMES) // 2

TORTURE = make_table(
    "torture",
    {
        "id": "bigint",
        "name": "varchar",
        "note": "varchar",
        "day": "date",
        "moment": "timestamp",
        "zoned": "timestamptz",
        "large": "decimal(38,9)",
        "small": "decimal(20,7)",
        "ratio": "double",
        "flag": "boolean",
        "hour": "time",
        "uid": "uuid",
        "nothing": "varchar",
    },
    Promises(primary_key=("id",), not_null=("name",), accepted_values={"name": TORTURE_NAMES, "flag": (True, False)}),
    description="{{ doc('none') }} {% endraw %} | # x",
    descriptions={"id": "{{ env_var('HOME') }} {% raw %}", "name": "{# 'a' \"b\": - yes", "day": "NO", "flag": "0123"},
)
ORDERS = make_table(
    "raw.orders",
    {"id": "bigint", "torture_id": "bigint", "line": "int", "status": "varchar"},
    Promises(
        primary_key=("id",),
        unique=(("torture_id", "line"),),
        not_null=("line",),
        foreign_keys=(ForeignKeyPromise(("torture_id",), "torture", ("id",), Cardinality(1, 2), nullable=False),),
        functional_dependencies=((("torture_id",), ("status",)),),
    ),
    resource=Resource.SOURCE,
    source=SourceTable("raw", "orders", "raw", "orders"),
)
ITEMS = make_table(
    "erp.items",
    {"torture_id": "bigint", "line": "int", "group": "varchar"},
    Promises(
        foreign_keys=(
            ForeignKeyPromise(("torture_id", "line"), "raw.orders", ("torture_id", "line"), Cardinality(), True),
        ),
        accepted_values={"group": ("a",)},
    ),
    resource=Resource.SOURCE,
    source=SourceTable("erp", "items", "main_erp", "items"),
)
INVOICES = make_table(
    "app.invoices",
    {"id": "bigint"},
    Promises(foreign_keys=(ForeignKeyPromise(("id",), "torture", ("id",), Cardinality(0, 1), nullable=True),)),
    resource=Resource.SOURCE,
    source=SourceTable("app", "invoices", "main", "invoices"),
)
STATUSES = make_table(
    "statuses",
    {
        "case_id": "bigint",
        "state": "varchar",
        "valid_from": "date",
        "valid_to": "date",
        "is_current": "boolean",
        "version": "int",
    },
    Promises(
        primary_key=("case_id", "version"),
        history=HistoryPromise(
            entity=("case_id",),
            state="state",
            valid_from="valid_from",
            valid_to="valid_to",
            current="is_current",
            version="version",
            open_end="9999-12-31",
            allowed={"O'pen": ('Clo"sed',), 'Clo"sed': ()},
            initial=("O'pen",),
            terminal=('Clo"sed',),
            revisit=False,
            as_of="2026-06-30",
        ),
    ),
)
EVENTS = make_table(
    "events",
    {"case_id": "bigint", "happened_on": "date"},
    Promises(validity=(ValidityPromise("statuses", ("case_id",), "happened_on"),)),
)
DOCUMENTED = make_table(
    "documented",
    {"zip": "varchar", "big": "bigint", "torture_id": "bigint"},
    Promises(
        primary_key=("zip",),
        unique=(("zip", "big"),),
        not_null=("big",),
        foreign_keys=(ForeignKeyPromise(("torture_id",), "torture", ("id",), Cardinality(), nullable=True),),
    ),
    property_file="seeds/documented.yml",
    declared_tests=frozenset([("not_null", "zip")]),
)
TABLES = (TORTURE, ORDERS, ITEMS, INVOICES, STATUSES, EVENTS, DOCUMENTED)

D = dt.date
OPEN_END = D(9999, 12, 31)
IDS = [2**63 - 1, -(2**63), *range(len(TORTURE_NAMES) - 2)]
FULL = (
    D(2020, 2, 29),
    dt.datetime(1969, 12, 31, 23, 59, 59),
    dt.datetime(2020, 1, 1, 2, 3, 4, tzinfo=UTC),
    Decimal("12345678901234567890123456789.123456789"),
    Decimal("0.0000001"),
    1e22,
    True,
    dt.time(23, 59, 58),
    "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    None,
)
EMPTY: tuple[None, ...] = (None,) * len(FULL)
CLEAN: dict[str, list[tuple[Any, ...]]] = {
    "torture": [
        (IDS[index], name, note, *(FULL if index < HALF else EMPTY))
        for index, (name, note) in enumerate(zip(TORTURE_NAMES, TORTURE_NOTES, strict=True))
    ],
    "raw.orders": [(number, parent, 1, "open") for number, parent in enumerate(IDS)],
    "erp.items": [(IDS[0], 1, "a"), (IDS[1], 1, None), (None, None, "a")],
    "app.invoices": [(IDS[0],), (None,), (IDS[1],), (None,)],
    "statuses": [
        (1, "O'pen", D(2025, 1, 1), D(2025, 2, 1), False, 1),
        (1, 'Clo"sed', D(2025, 2, 1), OPEN_END, True, 2),
        (2, "O'pen", D(2026, 6, 30), OPEN_END, True, 1),
    ],
    "events": [(1, D(2025, 1, 31)), (1, D(2025, 2, 1)), (2, D(2026, 6, 30)), (None, None)],
    "documented": [("00501", 2**40, None), ("00502", 1, IDS[0])],
}
CORRUPT: dict[str, list[tuple[Any, ...]]] = {
    "torture": [(1, "unheard of", None, *EMPTY), (1, None, None, *EMPTY), (2, "007", None, *EMPTY)],
    "raw.orders": [(1, 1, 1, "a"), (1, 1, 1, "b"), (3, 1, None, "b"), (None, None, 1, "b"), (5, 77, 1, "b")],
    "erp.items": [(1, 9, "b")],
    "app.invoices": [(1,), (1,)],
    "statuses": [
        (1, 'Clo"sed', D(2025, 1, 1), D(2025, 2, 1), True, 1),
        (1, "O'pen", D(2025, 2, 2), OPEN_END, True, 1),
        (1, "O'pen", D(2025, 2, 2), D(2027, 1, 1), True, 3),
        (2, "O'pen", D(2026, 7, 1), OPEN_END, True, 1),
    ],
    "events": [(1, D(2024, 12, 31))],
    "documented": [("1", None, 99), ("1", None, None)],
}

PROJECT = {
    "dbt_project.yml": 'name: shop\nversion: "1.0"\nconfig-version: 2\nprofile: shop\n',
    "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 4}}}\n",
    "packages.yml": "packages:\n  - local: package\n",
    "models/sources.yml": """\
sources:
  - name: raw
    tables: [{name: orders}]
  - name: erp
    schema: main_erp
    tables: [{name: items}]
  - name: app
    schema: main
    tables: [{name: invoices}]
""",
    "models/joined.sql": """\
select count(*) as n
from {{ source('raw', 'orders') }}, {{ source('erp', 'items') }}, {{ source('app', 'invoices') }}
""",
    "seeds/documented.yml": """\
seeds:
  - name: documented
    config:
      full_refresh: true
      column_types: {zip: varchar, big: bigint, torture_id: bigint}
    columns:
      - name: zip
        data_tests: [not_null]
""",
}


def _project(root: Path, files: Mapping[str, str] = PROJECT) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def _write(plan: ResolvedPlan, rows: Mapping[str, list[tuple[Any, ...]]]) -> Outcome:
    with CsvSink(plan) as sink:
        for table in plan:
            sink.write(table, arrow_schema(table), batches(table, rows[table.name]))
        return sink.commit()


def _dbt(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DBT_PROFILES_DIR": str(project), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    command = [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "--warn-error", *arguments]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


def _statuses(project: Path) -> dict[str, str]:
    """Status by node of dbt's last run; a test is named `seed: test`, or by its file."""
    target = project / "target"
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    nodes = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    named = {}
    for result in results:
        node = nodes[result["unique_id"]]
        name = node["name"]
        if "test_metadata" in node:
            column = f" {node['column_name']}" if node["column_name"] else ""
            name = f"{node['attached_node'].rpartition('.')[2]}: {node['test_metadata']['name']}{column}"
            # Several composite keys may stand on one seed.
            while name in named:
                name += "+"
        named[name] = result["status"]
    return named


def _rows(project: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        return connection.execute(query).fetchall()


TESTS = {
    "torture: unique id",
    "torture: not_null id",
    "torture: not_null name",
    "torture: accepted_values name",
    "torture: accepted_values flag",
    "raw__orders: unique id",
    "raw__orders: not_null id",
    "raw__orders: not_null line",
    "raw__orders: not_null torture_id",
    "raw__orders: composite_key",
    "raw__orders: relationships torture_id",
    "raw__orders: fan_out",
    "raw__orders: functional_dependency",
    "erp__items: composite_foreign_key",
    'erp__items: accepted_values "group"',
    "app__invoices: relationships id",
    "app__invoices: unique id",
    "statuses: composite_key",
    "statuses: composite_key+",
    "statuses: composite_key++",
    "statuses: not_null case_id",
    "statuses: not_null version",
    "statuses: accepted_transitions",
    "statuses: initial_states",
    "statuses: terminal_states",
    "statuses: contiguous_validity",
    "statuses: single_current_version",
    "statuses: not_after valid_from",
    "events: within_validity",
    "documented__unique__zip",
    "documented__composite_key",
    "documented__not_null__big",
    "documented__relationships__torture_id",
}
DECLARED = {"documented: not_null zip"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with sources, a documented seed and a model, whose seeds Seedbed wrote; its packages installed."""
    root = _project(tmp_path_factory.mktemp("shop"))
    # The package as it is shipped, without the demonstration.
    shutil.copytree(ROOT / "macros", root / "package" / "macros")
    shutil.copy(ROOT / "dbt_project.yml", root / "package")
    outcome = _write(make_plan(root, TABLES, has_dbt_package=True), CLEAN)
    assert [note.code for note in outcome.notes if note.severity is not Severity.NOTE] == []
    installed = _dbt(root, "deps")
    assert installed.returncode == 0, installed.stdout
    return root


@pytest.fixture(scope="module")
def built(shop: Path) -> Path:
    """The same after `dbt seed` and `dbt build`, with every warning an error."""
    for command in ("seed", "build"):
        done = _dbt(shop, command)
        assert done.returncode == 0, done.stdout
    return shop


def test_every_promise_is_tested_and_holds(built):
    statuses = _statuses(built)
    tests = {name: status for name, status in statuses.items() if status == "pass"}
    assert tests.keys() == TESTS | DECLARED
    assert {status for name, status in statuses.items() if name not in tests} == {"success"}


def test_values_arrive_as_they_were_written(built):
    def written(row: tuple[Any, ...]) -> tuple[Any, ...]:
        *most, uid, nothing = row
        return (*most, UUID(uid) if uid else None, nothing)

    found = _rows(built, "select * replace (zoned at time zone 'UTC' as zoned) from torture")
    expected = [
        tuple(value.replace(tzinfo=None) if isinstance(value, dt.datetime) else value for value in written(row))
        for row in CLEAN["torture"]
    ]
    assert found == expected


def test_types_are_the_declared_ones(built):
    types = dict(
        _rows(built, "select column_name, data_type from information_schema.columns where table_name = 'torture'")
    )
    assert types == {
        "id": "BIGINT",
        "name": "VARCHAR",
        "note": "VARCHAR",
        "day": "DATE",
        "moment": "TIMESTAMP",
        "zoned": "TIMESTAMP WITH TIME ZONE",
        "large": "DECIMAL(38,9)",
        "small": "DECIMAL(20,7)",
        "ratio": "DOUBLE",
        "flag": "BOOLEAN",
        "hour": "TIME",
        "uid": "UUID",
        "nothing": "VARCHAR",
    }


def test_descriptions_are_text_and_never_jinja(built):
    manifest = json.loads((built / "target" / "manifest.json").read_text(encoding="utf-8"))
    node = manifest["nodes"]["seed.shop.torture"]
    assert node["description"] == TORTURE.description
    assert {name: column["description"] for name, column in node["columns"].items()} == {
        column.name: column.description for column in TORTURE.columns
    }


def test_sources_resolve_to_their_seeds(built):
    assert _rows(built, "select * from raw.orders") == CLEAN["raw.orders"]
    assert _rows(built, "select * from main_erp.items") == CLEAN["erp.items"]
    assert _rows(built, "select * from main.invoices") == CLEAN["app.invoices"]
    kinds = _rows(built, "select table_schema, table_name, table_type from information_schema.tables")
    assert {("raw", "orders", "VIEW"), ("main_erp", "items", "BASE TABLE"), ("main", "invoices", "BASE TABLE")} <= set(
        kinds
    )


def test_a_single_column_keeps_its_empty_rows(built):
    assert _rows(built, "select count(*), count(id) from main.invoices") == [(4, 2)]


def test_moved_and_added_columns_land_in_their_places(built, tmp_path):
    project = Path(shutil.copytree(built, tmp_path / "moved", symlinks=True))
    moved = make_table("proto", {"b": "varchar", "a": "varchar", "c": "int"})
    before = make_table("proto", {"a": "varchar", "b": "varchar"})
    tables = [table for table in TABLES if table is not EVENTS]
    for table, row in ((before, ("A", "B")), (moved, ("B", "A", 1))):
        plan = make_plan(project, [*tables, table], has_dbt_package=True)
        outcome = _write(plan, {**CLEAN, "proto": [row]})
        done = _dbt(project, "seed", "--select", "proto", "raw__orders")
        assert done.returncode == 0, done.stdout
    assert "seeds/events.csv" not in outcome.unchanged
    assert not (project / "seeds" / "events.csv").exists()
    assert _rows(project, "select a, b, c from proto") == [("A", "B", 1)]
    assert _rows(project, "select count(*) from raw.orders") == [(len(IDS),)]


def test_broken_promises_fail_their_tests(built, tmp_path):
    project = Path(shutil.copytree(built, tmp_path / "corrupt", symlinks=True))
    _write(make_plan(project, TABLES, has_dbt_package=True), CORRUPT)
    done = _dbt(project, "seed")
    assert done.returncode == 0, done.stdout
    done = _dbt(project, "test")
    assert done.returncode == 1, done.stdout
    passed = {name for name, status in _statuses(project).items() if status == "pass"}
    # No row of these was broken, and a flag cannot be anything else than true, false or null.
    assert passed == {
        "torture: not_null id",
        "torture: accepted_values flag",
        "app__invoices: relationships id",
        "statuses: not_null case_id",
        "statuses: not_null version",
        *DECLARED,
    }


def test_models_on_sources_need_the_seeds_first(tmp_path):
    # dbt knows of no edge from a seed to a source, and begins with either.
    project = _project(tmp_path, {name: text for name, text in PROJECT.items() if name != "packages.yml"})
    outcome = _write(make_plan(project, TABLES), CLEAN)
    (note,) = (note for note in outcome.notes if note.code == "sources-as-seeds")
    commands = re.findall("`dbt (.+?)`", str(note))
    assert len(commands) == 2
    (note,) = (note for note in outcome.notes if note.code == "dbt-package-missing")
    assert "15 promises" in note.message
    done = _dbt(project, "build", "--select", "joined")
    assert (done.returncode, "does not exist" in done.stdout) == (1, True)
    statuses: dict[str, str] = {}
    for command in commands:
        done = _dbt(project, *command.split())
        assert done.returncode == 0, done.stdout
        statuses |= _statuses(project)
    assert statuses["joined"] == "success"
    tests = {name for name, status in statuses.items() if status == "pass"}
    packaged = ("composite", "fan_out", "functional", "accepted_transitions", "_states", "_version", "not_after")
    packaged += ("contiguous_validity", "within_validity")
    assert tests == {name for name in TESTS if not any(part in name for part in packaged)} | DECLARED


PROTOTYPE = make_table(
    "prototype",
    {"id": "bigint", "kind": "varchar"},
    Promises(primary_key=("id",), accepted_values={"kind": ("a",)}),
    resource=Resource.MODEL,
    declared_tests=frozenset([("unique", "id")]),
)


def test_a_documented_model_without_sql_can_be_a_seed(tmp_path):
    properties = "models:\n  - name: prototype\n    columns:\n      - name: id\n        data_tests: [unique]\n"
    files = {name: PROJECT[name] for name in ("dbt_project.yml", "profiles.yml")}
    project = _project(tmp_path, {**files, "models/prototype.yml": properties})
    (project / "seeds").mkdir()
    plan = make_plan(project, [PROTOTYPE])
    outcome = _write(plan, {"prototype": [(1, "a"), (2, None)]})
    environment = {**os.environ, "DBT_PROFILES_DIR": str(project), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    command = [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "build"]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert _statuses(project) == {
        "prototype": "success",
        "prototype: unique id": "pass",
        "prototype: not_null id": "pass",
        "prototype: accepted_values kind": "pass",
    }
    assert "documented-as-model" in [note.code for note in outcome.notes]


def test_declared_types_spare_the_note_about_inference(shop):
    typed: ResolvedTable = DOCUMENTED
    outcome = _write(make_plan(shop, TABLES, has_dbt_package=True), CLEAN)
    assert not [note for note in outcome.notes if note.code == "column-types" and typed.file in note.message]
    assert outcome.changed == ()
