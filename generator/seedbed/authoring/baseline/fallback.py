"""Puts a simpler entry in the place of each that cannot be carried out, so that a baseline plan always can be."""

from __future__ import annotations

from seedbed.authoring.baseline.keys import unique_generator
from seedbed.authoring.baseline.sketch import TEMPORAL, Sketch, Sketches
from seedbed.authoring.baseline.values import decide_value
from seedbed.documents import Document
from seedbed.errors import Diagnostic, Severity
from seedbed.plan import kinds
from seedbed.plan.resolve import resolve
from seedbed.plan.spec import PLAN_FILE, ColumnEntry, FixedRows, Plan, TableEntry
from seedbed.schema import Column, TypeKind

MOST_ROUNDS = 8
"""How often a plan is tried: an entry that gives way may show what is wrong with another."""


def replace_what_fails(sketches: Sketches, plan: Plan) -> Plan:
    """The plan with simpler entries wherever `resolve` refuses those of the baseline; each is a warning.

    What an annotation says wrongly stays: `resolve` reports it to whoever wrote it.
    """
    for _ in range(MOST_ROUNDS):
        _, found = resolve(sketches.schema, plan, Document({}, PLAN_FILE))
        faults = {fault.location.path: fault for fault in found if fault.severity is Severity.ERROR}
        tables = {
            sketch.name: _simpler_table(sketches, sketch, plan.tables[sketch.name], faults) for sketch in sketches
        }
        if tables == plan.tables:
            break
        plan = plan.model_copy(update={"tables": tables})
    return plan


def _simpler_table(
    sketches: Sketches, sketch: Sketch, entry: TableEntry, faults: dict[str | None, Diagnostic]
) -> TableEntry:
    columns = dict(entry.columns)
    update: dict[str, object] = {"columns": columns}
    fault = faults.get(f"tables.{sketch.name}")
    if fault and (entry.history or entry.lifecycle or not isinstance(entry.rows, FixedRows | None)):
        update |= {"rows": FixedRows(count=sketches.default_rows), "history": None, "lifecycle": None}
        sketch.recorded = set()
        _say(sketches, sketch, sketch.name, fault, f"{sketches.default_rows} rows of their own stand in their place")
    for column in sketch.table.columns:
        fault = faults.get(f"tables.{sketch.name}.columns.{column.name}")
        before = columns.get(column.name)
        left_over = before is None and "history" in update and column.name not in sketch.annotated
        if left_over or (fault and before):
            generator = _simpler(sketches, sketch, column)
            if before and generator == before.generator:
                continue
            columns[column.name] = ColumnEntry(generator=generator)
            if fault:
                _say(sketches, sketch, f"{sketch.name}.{column.name}", fault, f"{generator} stands in its place")
    return entry.model_copy(update=update)


def _simpler(sketches: Sketches, sketch: Sketch, column: Column) -> kinds.Generator:
    """A generator that needs nothing but its column."""
    kind, window = sketch.kind(column.name), sketches.window
    found = unique_generator(sketch, column) if sketch.is_unique(column.name) else None
    if found is not None:
        return found
    if kind in TEMPORAL:
        of = kinds.Date if kind is TypeKind.DATE else kinds.Timestamp
        return of(start=window.start, end=window.as_of)
    generator = decide_value(sketches, sketch, column)
    return generator.model_copy(update={"when": None})


def _say(sketches: Sketches, sketch: Sketch, what: str, fault: Diagnostic, instead: str) -> None:
    sketches.note(
        "simpler-entry",
        f"{what}: what the baseline author wanted cannot be carried out ({fault.message}); {instead}",
        sketch.table.origin,
        "write an entry into the plan, or an annotation",
        Severity.WARNING,
    )
