"""Parquet files, for sources and tables that are too large for CSV: written fast, and read by DuckDB in place."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa

from seedbed.errors import Diagnostic, Location, Severity, SinkError, has_errors
from seedbed.flow import each
from seedbed.plan.resolved import ResolvedPlan, ResolvedTable
from seedbed.schema import DATA_FOLDER
from seedbed.sinks.base import Outcome, Sink, Written
from seedbed.sinks.files import FileTransaction, check_file_names
from seedbed.sinks.manifest import check_dates, read_manifest
from seedbed.sinks.parquet_footer import JoinedFile
from seedbed.sinks.row_groups import COMPRESSION, Encoder


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
        path, encoder = self._path(table), Encoder.of(table, schema, self._compression)
        try:
            with self._files.stage(path, table.name) as file:
                whole = JoinedFile(file.write, encoder.file(pa.RecordBatch.from_pylist([], schema)))
                for part in encoder.files(each(encoder, batches)):
                    whole.append(part)
                whole.close()
        except pa.ArrowException as error:
            raise SinkError(f"{table.name} cannot be written as Parquet: {error}") from error
        return Written(table.name, whole.rows, self._shown(path))

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
