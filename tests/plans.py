"""Resolved plans made by hand, for tests of what comes after the engine: sinks and checks."""

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from seedbed.plan.kinds import Constant
from seedbed.plan.resolved import Fixed, Promises, ResolvedColumn, ResolvedPlan, ResolvedTable
from seedbed.schema import Project, Resource, TypeKind, parse_data_type

AS_OF = dt.date(2026, 6, 30)

_ARROW = {
    TypeKind.INTEGER: pa.int64(),
    TypeKind.FLOAT: pa.float64(),
    TypeKind.BOOLEAN: pa.bool_(),
    TypeKind.DATE: pa.date32(),
    TypeKind.TIMESTAMP: pa.timestamp("s"),
    TypeKind.TIMESTAMP_TZ: pa.timestamp("s", "UTC"),
    TypeKind.TIME: pa.time32("s"),
}


def make_table(
    name: str,
    columns: Mapping[str, str],
    promises: Promises | None = None,
    *,
    descriptions: Mapping[str, str] | None = None,
    **more: Any,
) -> ResolvedTable:
    """A table whose columns are given as name to SQL type; its values are of no interest."""
    described = descriptions or {}
    resolved = []
    for column, text in columns.items():
        data_type = parse_data_type(text)
        assert data_type is not None, text
        resolved.append(
            ResolvedColumn(column, data_type, Constant(value=1), (name, column), description=described.get(column, ""))
        )
    return ResolvedTable(
        **{
            "name": name,
            "file": name.replace(".", "__"),
            "resource": Resource.SEED,
            "rows": Fixed(0, 0),
            "columns": tuple(resolved),
            "promises": promises or Promises(),
            **more,
        }
    )


def make_plan(root: Path, tables: Iterable[ResolvedTable], **project: Any) -> ResolvedPlan:
    settings = {
        "root": root,
        "name": "shop",
        "seed_paths": (root / "seeds",),
        "test_paths": (root / "tests",),
        "adapter": "duckdb",
        "target_schema": "main",
        **project,
    }
    return ResolvedPlan(Project(**settings), 7, dt.date(2024, 1, 1), AS_OF, AS_OF, "en_US", tuple(tables))


def arrow_schema(table: ResolvedTable) -> pa.Schema:
    def arrow_type(column: ResolvedColumn) -> pa.DataType:
        if column.data_type.kind is TypeKind.DECIMAL:
            return pa.decimal128(column.data_type.precision or 38, column.data_type.scale or 0)
        return _ARROW.get(column.data_type.kind, pa.string())

    return pa.schema([(column.name, arrow_type(column)) for column in table.written_columns])


def batches(table: ResolvedTable, rows: Iterable[tuple[Any, ...]], size: int = 2) -> list[pa.RecordBatch]:
    """The rows as batches of at most `size` rows."""
    schema = arrow_schema(table)
    rows = list(rows)
    return [
        pa.record_batch(
            [pa.array(values, field.type) for values, field in zip(zip(*part, strict=True), schema, strict=True)],
            schema=schema,
        )
        for part in (rows[start : start + size] for start in range(0, len(rows), size))
    ]
