"""Tables as Spark DataFrames: each task makes its own ranges of rows, with the functions that run on one machine.

    >>> frames = seedbed.spark.tables(spark, resolved)
    >>> frames["orders"].write.parquet("s3://bucket/orders")

The workers need the package `dbt-seedbed` in the version of the driver; they read no file of the project.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from seedbed.engine.ranges import RowRanges
from seedbed.plan.resolved import ResolvedPlan, ResolvedTable
from seedbed.sinks.dialect import quoted, type_name

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_SPARK_TYPES = {
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.bool_(): "boolean",
    pa.string(): "string",
    pa.binary(): "binary",
    pa.date32(): "date",
    pa.timestamp("us"): "timestamp_ntz",
    pa.timestamp("us", "UTC"): "timestamp",
}


def tables(
    spark: SparkSession, resolved: ResolvedPlan, names: Collection[str] | None = None, partitions: int | None = None
) -> dict[str, DataFrame]:
    """The plan's tables as DataFrames, with the rows that they have on one machine.

    Nothing is made before a DataFrame is used, and every use makes its rows again. Columns have the types that seeds
    have on Spark; a timestamp without time zone is a `timestamp` that shows its value in the session's time zone.

    Args:
        spark: a session of Spark 3.4 or later.
        resolved: the plan.
        names: which tables; all that the plan writes by default.
        partitions: into how many tasks each table is divided; Spark's default parallelism by default.

    Raises:
        PlanError: the plan has no table of a name.
        GenerationError: the plan cannot be carried out with these numbers of rows.
    """
    chosen = [table.name for table in resolved if table.written] if names is None else names
    ranges = [RowRanges(resolved, name) for name in chosen]
    return {rows.name: table_frame(spark, resolved.table(rows.name), rows, partitions) for rows in ranges}


def table_frame(spark: SparkSession, table: ResolvedTable, rows: RowRanges, partitions: int | None) -> DataFrame:
    """One table as a DataFrame, of rows that come in parts."""
    columns = table.written_columns
    parts = spark.range(0, len(rows), 1, partitions)
    names = [quoted(column.name, "spark") for column in columns]
    carried = ", ".join(f"{name} {_spark_type(field.type)}" for name, field in zip(names, rows.schema, strict=True))
    made = parts.mapInArrow(functools.partial(_make, rows), carried)
    declared = [type_name(column.data_type, "spark") for column in columns]
    casts = [f"cast({name} as {kind}) as {name}" for name, kind in zip(names, declared, strict=True)]
    return made.selectExpr(*casts)


def _make(rows: RowRanges, parts: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in parts:
        for part in batch.column(0).to_pylist():
            made = rows.batch(part)
            yield pa.record_batch([_carried(column) for column in made.columns], names=made.schema.names)


def _carried(column: pa.Array) -> pa.Array:
    """The values in a type that Spark reads from Arrow."""
    return pc.cast(column, _carried_type(column.type))


def _carried_type(of: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(of):
        return pa.timestamp("us", of.tz)
    return pa.string() if pa.types.is_time(of) else of


def _spark_type(of: pa.DataType) -> str:
    if pa.types.is_decimal(of):
        return f"decimal({of.precision}, {of.scale})"
    return _SPARK_TYPES[_carried_type(of)]
