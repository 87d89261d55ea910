"""Parquet files, for sources and tables that are too large for CSV: written fast, and read by DuckDB in place."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from seedbed.errors import Diagnostic, Location, Severity, SinkError, has_errors
from seedbed.plan.resolved import ResolvedPlan, ResolvedTable
from seedbed.schema import DATA_FOLDER, DataType, TypeKind
from seedbed.sinks.base import Outcome, Sink, Written, check_batch
from seedbed.sinks.files import FileTransaction, StagedFile, check_file_names
from seedbed.sinks.manifest import check_dates, read_manifest

# Readers work on row groups in parallel, and small ones cost space. Exactly so many, whatever the batches are,
# because the file's bytes depend on where its row groups end.
ROW_GROUP = 1 << 19
# A dictionary is worth its cost where each value stands in 16 rows on average, judged by the first rows.
_SAMPLE, _REPEATED = 1 << 16, 16
_COUNTED = (pa.types.is_string, pa.types.is_integer, pa.types.is_date)

# Against snappy, a sixth more CPU time for two thirds of the bytes (benchmarks/sinks.py).
COMPRESSION, _LEVELS = "zstd", {"zstd": 1}


class ParquetSink(Sink):
    """Writes each table to one Parquet file, in a folder of the project.

    Args:
        plan: the resolved plan. Tables of it that are not written keep the file that they have; files of tables
            that it no longer has are removed.
        folder: where the files go, below the project's root; `seedbed/data` by default.
        force: also replace files that Seedbed did not write.
        compression: `zstd`, `snappy`, or another that Arrow knows.

    Raises:
        SinkError: a file is not Seedbed's to write, a table's name cannot be a file's, or another run is writing.
    """

    def __init__(
        self,
        plan: ResolvedPlan,
        folder: Path | None = None,
        *,
        force: bool = False,
        compression: str = COMPRESSION,
    ) -> None:
        super().__init__()
        self._plan, self._compression = plan, compression
        root = plan.project.root
        self.folder = root / (folder or DATA_FOLDER)
        self._tables = [table for table in plan if table.written]
        problems = check_file_names(((table.file, table.name) for table in self._tables), ".parquet")
        if has_errors(problems):
            raise SinkError("Nothing was written.", problems)
        self._files = FileTransaction(root, force=force)
        try:
            self._files.claim(map(self._path, self._tables))
        except BaseException:
            self._files.rollback()
            raise

    def _path(self, table: ResolvedTable) -> Path:
        external = table.source.external if table.source else None
        if external and external.endswith(".parquet"):
            return self._plan.project.root / external
        return self.folder / f"{table.file}.parquet"

    def _write(self, table: ResolvedTable, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Written:
        path, rows = self._path(table), 0
        target = parquet_schema(table, schema)
        writer: pq.ParquetWriter | None = None
        try:
            with self._files.stage(path, table.name) as file, contextlib.ExitStack() as opened:
                for group in _row_groups(table, schema, batches):
                    writer = writer or opened.enter_context(self._writer(file, target, group))
                    writer.write_table(group.cast(target), row_group_size=ROW_GROUP)
                    rows += group.num_rows
                if writer is None:
                    opened.enter_context(self._writer(file, target, schema.empty_table()))
        except pa.ArrowException as error:
            raise SinkError(f"{table.name} cannot be written as Parquet: {error}") from error
        return Written(table.name, rows, self._shown(path))

    def _writer(self, file: StagedFile, schema: pa.Schema, first: pa.Table) -> pq.ParquetWriter:
        return pq.ParquetWriter(
            _Stream(file),
            schema,
            compression=self._compression,
            compression_level=_LEVELS.get(self._compression),
            use_dictionary=_repetitive(first),
        )

    def _commit(self, written: tuple[Written, ...]) -> Outcome:
        wanted = {path.name for path in map(self._path, self._plan) if path.parent == self.folder}
        for name in sorted(self._files.owned(self.folder) - wanted):
            self._files.remove(self.folder / name)
        before = read_manifest(self.folder)
        dates = check_dates(before.as_of if before else None, self._plan, self._shown(self.folder))
        changes = self._files.commit(self._plan.random_seed, self._plan.as_of, self._plan.extract)
        return Outcome(
            written,
            changed=tuple(map(self._shown, changes.changed)),
            unchanged=tuple(map(self._shown, changes.unchanged)),
            removed=tuple(map(self._shown, changes.removed)),
            notes=(*self._notes(changes.left), *dates),
        )

    def _notes(self, left: Iterable[Path]) -> Iterator[Diagnostic]:
        for path in left:
            shown = self._shown(path)
            message = f"{shown} is no longer generated, but is not as Seedbed wrote it, so it is kept"
            yield Diagnostic("edited-file", message, Location(shown), Severity.WARNING, "delete it if it is not wanted")
        lines = external_locations(self._plan, self.folder)
        if lines:
            yield Diagnostic(
                "external-location",
                f"dbt-duckdb finds the files when the sources say where they are:\n{lines}",
                severity=Severity.NOTE,
                hint="add the `config:` lines to the tables where they are documented; dbt takes no second entry",
            )
        unread = [table.name for table in self._tables if table.source is None]
        if unread:
            yield Diagnostic(
                "no-ref-to-parquet",
                f"no ref() reads {', '.join(unread)} from Parquet: dbt knows external files for sources only",
                severity=Severity.WARNING,
                hint="write seeds as CSV, or load them with `seedbed load`; --select 'source:*' leaves them out here",
            )

    def _rollback(self) -> None:
        self._files.rollback()

    def _shown(self, path: Path) -> str:
        root = self._plan.project.root
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def external_locations(plan: ResolvedPlan, folder: Path) -> str:
    """The lines, as YAML, that the property file of the sources lacks; empty when it lacks none or cannot use them."""
    if plan.project.adapter not in (None, "duckdb"):
        return ""
    root = plan.project.root
    place = (folder.relative_to(root) if folder.is_relative_to(root) else folder).as_posix()
    # dbt-duckdb takes braces for placeholders.
    place = place.replace("{", "{{").replace("}", "}}")
    lines: list[str] = []
    of = None
    for table in sorted((table for table in plan if table.written), key=lambda table: table.name):
        if table.source is None or table.source.external:
            continue
        if table.source.source_name != of:
            of = table.source.source_name
            lines += [f"  - name: {of}", "    tables:"]
        location = f"{place}/{table.file}.parquet"
        lines += [
            f"      - name: {table.source.table_name}",
            f"        config: {{meta: {{external_location: {json.dumps(location)}}}}}",
        ]
    return "\n".join(["sources:", *lines]) if lines else ""


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


def _row_groups(table: ResolvedTable, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        check_batch(table.name, schema, batch)
        held.append(batch)
        rows += batch.num_rows
        while rows >= ROW_GROUP:
            merged = pa.Table.from_batches(held, schema)
            yield merged.slice(0, ROW_GROUP)
            held = merged.slice(ROW_GROUP).to_batches()
            rows -= ROW_GROUP
    if rows:
        yield pa.Table.from_batches(held, schema)


def _repetitive(rows: pa.Table) -> list[str]:
    """The columns whose values repeat, so that a dictionary makes them small and costs little."""
    sample = rows.slice(0, _SAMPLE)
    return [
        field.name
        for field, column in zip(sample.schema, sample.columns, strict=True)
        if any(is_kind(field.type) for is_kind in _COUNTED)
        and pc.count_distinct(column).as_py() * _REPEATED <= sample.num_rows
    ]


class _Stream(io.RawIOBase):
    """A staged file as Arrow's writers want one."""

    def __init__(self, file: StagedFile) -> None:
        self._file, self._position = file, 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: bytes) -> int:  # type: ignore[override]
        view = memoryview(data)
        self._file.write(view)
        self._position += view.nbytes
        return view.nbytes
