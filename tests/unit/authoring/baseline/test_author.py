"""Whole projects planned without a key: what is decided, and that it can be carried out."""

import datetime as dt
import shutil
from pathlib import Path

import pytest

from seedbed.authoring.baseline.author import author_plan
from seedbed.authoring.baseline.fallback import replace_what_fails
from seedbed.authoring.baseline.sketch import Window, start_sketches
from seedbed.documents import Document
from seedbed.errors import Severity, has_errors
from seedbed.parsers import read_schema
from seedbed.plan import kinds
from seedbed.plan.generators import parse_generator
from seedbed.plan.resolve import resolve
from seedbed.plan.spec import ColumnEntry, Plan

CASES = Path(__file__).parents[3] / "cases" / "plans"
NAMES = sorted(path.stem for path in CASES.glob("*.yml"))
TODAY = dt.date(2026, 7, 14)


@pytest.fixture
def plan_of(tmp_path):
    def plan(name):
        (tmp_path / "models").mkdir()
        (tmp_path / "dbt_project.yml").write_text("name: demo\nversion: '1.0'\nprofile: demo\n")
        shutil.copy(CASES / f"{name}.yml", tmp_path / "models" / "schema.yml")
        if (CASES / f"{name}.mmd").exists():
            shutil.copy(CASES / f"{name}.mmd", tmp_path / "models" / f"{name}.mmd")
        schema, diagnostics = read_schema(tmp_path)
        assert not has_errors(diagnostics), diagnostics
        authored, notes = author_plan(schema, today=TODAY)
        return schema, authored, notes

    return plan


def spoken(plan: Plan, path: str) -> str:
    """The entry of a table or column in one line."""
    table = next(
        name for name in sorted(plan.tables, key=len, reverse=True) if path == name or path.startswith(f"{name}.")
    )
    entry = plan.tables[table]
    if path == table:
        if entry.history:
            once = "" if entry.history.revisit else f" once, {entry.history.workflow}"
            return f"history of {entry.history.entity} by {entry.history.state}{once}"
        return str(entry.rows)
    column = entry.columns[path[len(table) + 1 :]]
    return str(column.generator) + (f" varies by {column.varies_by}" if column.varies_by else "")


@pytest.mark.parametrize("name", NAMES)
def test_entries_are_as_expected(plan_of, name):
    _, plan, _ = plan_of(name)
    wrong = []
    for line in (CASES / f"{name}.expected").read_text().splitlines():
        path, _, expected = line.partition(" ")
        found = spoken(plan, path)
        if not found.startswith(expected.strip()):
            wrong.append(f"{path}: {found}, not {expected.strip()}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", NAMES)
def test_every_column_is_decided_and_reads_back(plan_of, name):
    schema, plan, _ = plan_of(name)
    for table in schema:
        entry = plan.tables[table.name]
        history = entry.history
        recorded = {history.state, history.valid_from, history.valid_to, history.current} if history else set()
        assert set(entry.columns) | recorded >= set(table.column_names)
        for column in entry.columns.values():
            assert parse_generator(str(column.generator)) == column.generator


@pytest.mark.parametrize("name", NAMES)
def test_the_plan_can_be_carried_out(plan_of, name):
    schema, plan, notes = plan_of(name)
    resolved, diagnostics = resolve(schema, plan, Document({}, "seedbed.yml"))
    assert resolved is not None, "\n".join(map(str, diagnostics))
    assert not [note for note in notes if note.severity is not Severity.NOTE]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_project_gives_the_same_plan(plan_of, name):
    schema, plan, notes = plan_of(name)
    assert author_plan(schema, today=TODAY) == (plan, notes)


def test_the_window_follows_from_today(plan_of):
    _, plan, _ = plan_of("shop")
    assert (plan.start, plan.as_of) == (dt.date(2024, 7, 1), dt.date(2026, 6, 30))


PROJECTS = Path(__file__).parents[3] / "cases" / "projects"


@pytest.mark.parametrize("name", sorted(path.name for path in PROJECTS.iterdir()))
def test_projects_that_can_be_read_can_be_carried_out(name):
    schema, diagnostics = read_schema(PROJECTS / name)
    plan, _ = author_plan(schema, today=TODAY)
    resolved, found = resolve(schema, plan, Document({}, "seedbed.yml"))
    faults = [fault for fault in found if fault.severity is Severity.ERROR]
    # What an annotation says wrongly is the project's fault; it lies in the project's own files.
    assert resolved or has_errors(diagnostics) or all(fault.location.file != "seedbed.yml" for fault in faults), faults


def test_an_entry_that_cannot_be_carried_out_gives_way(plan_of):
    schema, plan, _ = plan_of("shop")
    table = plan.tables["shop.orders"]
    wrong = {
        "customer_id": ColumnEntry(generator=kinds.Copy(path="nothing.name")),
        "ordered_at": ColumnEntry(generator=kinds.During(lifecycle="nothing")),
    }
    tables = {**plan.tables, "shop.orders": table.model_copy(update={"columns": {**table.columns, **wrong}})}
    broken = plan.model_copy(update={"tables": tables})
    sketches = start_sketches(schema, Window(plan.start, plan.as_of), 100, None)
    assert resolve(schema, broken, Document({}, "seedbed.yml"))[0] is None
    mended = replace_what_fails(sketches, broken)
    assert resolve(schema, mended, Document({}, "seedbed.yml"))[0] is not None
    assert {found.code for found in sketches.diagnostics} >= {"simpler-entry"}
    assert mended.tables["shop.products"] == plan.tables["shop.products"]
