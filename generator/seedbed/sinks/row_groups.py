"""Rows as row groups of Parquet, each a function of its rows alone, so that any process may make it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from seedbed.flow import unpacked_batch
from seedbed.plan.resolved import ResolvedTable
from seedbed.schema import DataType, TypeKind
from seedbed.sinks.base import check_batch

ROW_GROUP = 1 << 17
"""About so many rows make a row group: the engine's batch, and what DuckDB's own tables have. Readers work on row
groups in parallel, and the columns of one are held in memory by who writes it."""
SMALLEST = 1 << 15
"""Batches of fewer rows are put together."""
LARGEST = 1 << 20
"""Of the rows of a larger batch, several row groups are made."""

# Against snappy, a sixth more CPU time for two thirds of the bytes (benchmarks/sinks.py).
COMPRESSION, _LEVELS = "zstd", {"zstd": 1}
# Keys as differences would take 0.92 of the time and five sixths of the bytes, but not every reader knows them.
# Where values repeat, a dictionary makes them small and costs little. When it outgrows these bytes, Arrow gives it up:
# of 16, 32, 64 and 128 KiB, these take the least time.
_DICTIONARY = 1 << 15
_MAY_REPEAT = (pa.types.is_string, pa.types.is_integer, pa.types.is_date, pa.types.is_timestamp)


@dataclass(frozen=True, slots=True)
class Encoder:
    """Turns batches of one table into Parquet.

    Attributes:
        table: its name.
        schema: what the batches must have.
        stored: the types in which the rows are stored.
        repeating: columns whose values may repeat.
        compression: as Arrow names it.
    """

    table: str
    schema: pa.Schema
    stored: pa.Schema
    repeating: tuple[str, ...]
    compression: str

    @classmethod
    def of(cls, table: ResolvedTable, schema: pa.Schema, compression: str) -> Encoder:
        stored = parquet_schema(table, schema)
        keys = {columns[0] for columns in (table.promises.primary_key, *table.promises.unique) if len(columns) == 1}
        repeating = tuple(
            field.name
            for field in stored
            if field.name not in keys and any(is_kind(field.type) for is_kind in _MAY_REPEAT)
        )
        return cls(table.name, schema, stored, repeating, compression)

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch | pa.Buffer:
        """The rows as a Parquet file in memory; a batch that is too small for a row group as it is.

        Raises:
            SinkError: the batch is not of the announced schema.
            pyarrow.ArrowException: a value is not of the type in which it is to be stored.
        """
        check_batch(self.table, self.schema, batch)
        return unpacked_batch(batch) if batch.num_rows < SMALLEST else self.file(batch)

    def file(self, batch: pa.RecordBatch) -> pa.Buffer:
        """The rows as a Parquet file in memory, of no row group when there are none."""
        stream, schema = pa.BufferOutputStream(), self._held(batch.schema)
        with pq.ParquetWriter(
            stream,
            schema,
            compression=self.compression,
            compression_level=_LEVELS.get(self.compression),
            use_dictionary=list(self.repeating),
            dictionary_pagesize_limit=_DICTIONARY,
            store_schema=False,  # for it would say of each batch which of its texts are in a dictionary
        ) as writer:
            if batch.num_rows:
                writer.write_batch(batch.cast(schema), LARGEST)
        return stream.getvalue()

    def _held(self, schema: pa.Schema) -> pa.Schema:
        """The types in which rows of a schema are handed to Arrow: text may be in a dictionary already."""
        fields = zip(schema, self.stored, strict=True)
        return pa.schema([held if pa.types.is_dictionary(held.type) else stored for held, stored in fields])

    def files(self, made: Iterable[pa.RecordBatch | pa.Buffer]) -> Iterator[pa.Buffer]:
        """What this made of batches, in the same order: small ones put together until they fill a row group."""
        held: list[pa.RecordBatch] = []
        rows = 0
        for part in made:
            is_small = isinstance(part, pa.RecordBatch)
            if is_small:
                held.append(part)
                rows += part.num_rows
            if held and (rows >= ROW_GROUP or not is_small):
                yield self.file(_together(held))
                held, rows = [], 0
            if not is_small:
                yield part
        if held:
            yield self.file(_together(held))


def parquet_schema(table: ResolvedTable, schema: pa.Schema) -> pa.Schema:
    """The types in which the rows are stored: integers as wide as declared, moments in microseconds."""
    columns = zip(schema, table.written_columns, strict=True)
    return pa.schema([field.with_type(_stored(field.type, column.data_type)) for field, column in columns])


def _stored(held: pa.DataType, declared: DataType) -> pa.DataType:
    if pa.types.is_timestamp(held):
        return pa.timestamp("us", held.tz)
    if pa.types.is_time(held):
        return pa.time64("us")
    if pa.types.is_int64(held) and declared.kind is TypeKind.INTEGER and declared.bits < 64:
        return pa.int32() if declared.bits == 32 else pa.int16()
    return held


def _together(batches: list[pa.RecordBatch]) -> pa.RecordBatch:
    """In one piece, because Arrow may end a page where a column is cut."""
    (whole,) = pa.Table.from_batches(batches).combine_chunks().to_batches() or batches[:1]
    return whole
