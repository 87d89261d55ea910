"""A Schema as compact text, for snapshots that a person can review."""

from __future__ import annotations

from collections.abc import Iterable

from seedbed.errors import Diagnostic, Location
from seedbed.schema import Cardinality, Column, ForeignKey, Range, Schema, Table


def render_schema(schema: Schema, diagnostics: Iterable[Diagnostic]) -> str:
    """Every fact of the Schema with its place, then every diagnostic."""
    project = schema.project
    lines = [
        f"project {project.name}: adapter={project.adapter} target_schema={project.target_schema} "
        f"custom_schema_names={project.custom_schema_names} has_dbt_package={project.has_dbt_package}"
    ]
    for table in schema:
        lines += ["", *_table(table, schema)]
    for workflow in schema.workflows:
        lines += ["", f"workflow {workflow.name}: {', '.join(workflow.states)}"]
        lines.append(f"  starts {dict(workflow.initial)} ends {list(workflow.terminal)}")
        lines += [f"  {move.source} -> {move.target}: {move.probability}" for move in workflow.transitions]
    lines += ["", *(f"rule {rule.text!r} @{_at(rule.origin)}" for rule in schema.rules)] if schema.rules else []
    lines += ["", "diagnostics"]
    lines += [
        f"  {found.severity} [{found.code}] {_at(found.location)} {found.message}"
        + (f"\n    hint: {found.hint}" if found.hint else "")
        for found in sorted(diagnostics, key=lambda d: (d.location.file or "", d.location.line or 0, d.code))
    ]
    return "\n".join(lines).replace(str(project.root), "ROOT") + "\n"


def _at(origin: Location) -> str:
    return origin.short or str(origin.path)


def _table(table: Table, schema: Schema) -> Iterable[str]:
    state = "built" if table.built else f"rows in {table.data_file}" if table.data_file else "generated"
    yield f"{table.resource} {table.name} ({state}) @{_at(table.origin)}" + (
        f" tags={table.tags}" if table.tags else ""
    )
    if table.source is not None:
        yield f"  source {table.source.database_schema}.{table.source.identifier}"
    if table.description is not None:
        yield f"  {table.description.value!r}"
    for column in table.columns:
        yield f"  {_column(column)}"
    if table.primary_key is not None:
        yield f"  primary key ({', '.join(table.primary_key.value)}) @{_at(table.primary_key.origin)}"
    for key in table.unique_keys:
        yield f"  unique ({', '.join(key.value)}) @{_at(key.origin)}"
    for foreign in table.foreign_keys:
        yield f"  {_foreign_key(foreign)}"
    for join in table.joins:
        yield f"  joined {join.column} = {join.table}.{join.other} @{_at(join.origin)}"
    for check in table.checks:
        yield f"  check {check.value} @{_at(check.origin)}"
    for test in table.data_tests:
        when = " (conditional)" if test.conditional else ""
        yield f"  hint {test.name} on {test.column}: {test.arguments.value}{when}"
    if table.annotation is not None:
        yield f"  seedbed {table.annotation.value} @{_at(table.annotation.location())}"


def _column(column: Column) -> str:
    parts = [column.name, column.data_type.value.text if column.data_type else "?"]
    parts += ["not null"] if column.not_null else []
    parts += ["unique"] if column.unique else []
    parts += [f"in {list(column.accepted_values.value)}"] if column.accepted_values else []
    parts += [_range(column.value_range.value)] if column.value_range else []
    parts += [f"matches {column.matches.value}"] if column.matches else []
    parts += [repr(column.description.value)] if column.description else []
    parts += [f"seedbed {column.annotation.value}"] if column.annotation else []
    return f"{' '.join(parts)} @{_at(column.origin)}"


def _range(values: Range) -> str:
    left = "[" if values.minimum_included else "("
    right = "]" if values.maximum_included else ")"
    return f"{left}{values.minimum}, {values.maximum}{right}"


def _foreign_key(key: ForeignKey) -> str:
    ends = f"{_cardinality(key.children)} to {_cardinality(key.parents)}"
    return (
        f"foreign key ({', '.join(key.columns)}) -> {key.parent} ({', '.join(key.parent_columns)}), "
        f"{ends}{f' {key.label!r}' if key.label else ''} @{_at(key.origin)}"
    )


def _cardinality(ends: Cardinality) -> str:
    return f"{ends.minimum}..{'n' if ends.maximum is None else ends.maximum}"
