"""The sink for dbt seeds: CSV files in the project's seed folder, and what dbt must know to load them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from seedbed.errors import Diagnostic, Location, Severity, SinkError, has_errors
from seedbed.flow import each
from seedbed.plan.resolved import ResolvedPlan, ResolvedTable
from seedbed.sinks.base import Outcome, Sink, Written
from seedbed.sinks.csv import Encoder, UnwritableValue, header
from seedbed.sinks.files import FileTransaction, check_file_names
from seedbed.sinks.inference import DeclaredTypes, InferenceWatch
from seedbed.sinks.manifest import check_dates, read_manifest
from seedbed.sinks.properties import PROPERTY_FILE, render_properties

TEST_FOLDER = "seedbed"


class CsvSink(Sink):
    """Writes seeds as CSV, `_seedbed.yml` beside them, and singular tests for seeds that the project documents.

    Args:
        plan: the resolved plan. Tables of it that are not written keep the seed that they have; seeds of tables
            that it no longer has are removed.
        force: also replace files that a person wrote or edited.

    Raises:
        SinkError: a file is not Seedbed's to write, a table's name cannot be a file's, or another run is writing.
    """

    def __init__(self, plan: ResolvedPlan, *, force: bool = False) -> None:
        super().__init__()
        self._plan = plan
        project = plan.project
        self.folder = project.seed_paths[0] if project.seed_paths else project.root / "seeds"
        self._tests = (project.test_paths[0] if project.test_paths else project.root / "tests") / TEST_FOLDER
        self._tables = [table for table in plan if table.written]
        problems = check_file_names((table.file, table.name) for table in self._tables)
        if has_errors(problems):
            raise SinkError("Nothing was written.", problems)
        self._declared = DeclaredTypes(project)
        self._notes: list[Diagnostic] = []
        self._files = FileTransaction(project.root, force=force)
        try:
            self._files.claim([*map(self._path, self._tables), self.folder / PROPERTY_FILE])
        except BaseException:
            self._files.rollback()
            raise

    def _path(self, table: ResolvedTable) -> Path:
        return self.folder / f"{table.file}.csv"

    def _write(self, table: ResolvedTable, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Written:
        path, rows, blanks = self._path(table), 0, Counter[str]()
        watch = InferenceWatch(table, self._plan.project, self._declared)

        encoder = Encoder(table.name, schema, watch.looks)
        with self._files.stage(path, table.name) as file:
            file.write(header(schema.names))
            try:
                for encoded, looks in each(encoder, batches):
                    for block in encoded.blocks:
                        file.write(memoryview(block))
                    rows += encoded.rows
                    blanks.update(encoded.blanks)
                    watch.looks |= looks
            except UnwritableValue as error:
                raise _unwritable(table, error) from error
        self._report_blanks(table, blanks)
        self._notes += watch.notes()
        return Written(table.name, rows, self._shown(path))

    def _report_blanks(self, table: ResolvedTable, blanks: Counter[str]) -> None:
        never_null = {*table.promises.primary_key, *table.promises.not_null}
        found = [
            Diagnostic(
                "blank-text",
                f"{table.name}.{name}: {count:,} empty or blank texts, which dbt reads from a seed as null"
                + (", and the column must not be null" if name in never_null else ""),
                table.column(name).origin,
                Severity.ERROR if name in never_null else Severity.WARNING,
                "let its generator give a text that is not blank, or null",
            )
            for name, count in blanks.items()
        ]
        if has_errors(found):
            raise SinkError("Nothing was written.", found)
        self._notes += found

    def _commit(self, written: tuple[Written, ...]) -> Outcome:
        names = {table.table for table in written}
        listed = self._files.owned(self.folder)

        def available(name: str) -> bool:
            table = self._plan.table(name)
            kept = f"{table.file}.csv" in listed and self._path(table).exists()
            return name in names or kept or table.seed is not None

        properties = render_properties(self._plan, available)
        wanted = {self._path(table).name for table in self._plan if table.written or table.kept}
        if properties.yaml is not None:
            wanted.add(PROPERTY_FILE)
            self._stage_text(self.folder / PROPERTY_FILE, None, properties.yaml)
        tests = {self._tests / f"{name}.sql": (table, text) for name, table, text in properties.tests}
        self._files.claim(tests)
        for path, (table, text) in tests.items():
            self._stage_text(path, table, text)
        stale = [self.folder / name for name in listed - wanted]
        stale += [self._tests / name for name in self._files.owned(self._tests) - {path.name for path in tests}]
        for path in sorted(stale):
            self._files.remove(path)
        before = read_manifest(self.folder)
        dates = check_dates(before.as_of if before else None, self._plan, self._shown(self.folder))
        changes = self._files.commit(self._plan.random_seed, self._plan.as_of, self._plan.extract)
        left = [
            Diagnostic(
                "edited-file",
                f"{self._shown(path)} is no longer generated, but was edited, so it is kept",
                Location(self._shown(path)),
                Severity.WARNING,
                "delete it if it is not wanted",
            )
            for path in changes.left
        ]
        return Outcome(
            written,
            changed=tuple(map(self._shown, changes.changed)),
            unchanged=tuple(map(self._shown, changes.unchanged)),
            removed=tuple(map(self._shown, changes.removed)),
            notes=(*self._notes, *properties.notes, *left, *dates),
        )

    def _stage_text(self, path: Path, table: str | None, text: str) -> None:
        with self._files.stage(path, table) as file:
            file.write(text.encode())

    def _rollback(self) -> None:
        self._files.rollback()

    def _shown(self, path: Path) -> str:
        root = self._plan.project.root
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _unwritable(table: ResolvedTable, error: UnwritableValue) -> SinkError:
    found = Diagnostic(
        "unwritable-value",
        f"{table.name}.{error.column} {error.problem}",
        table.column(error.column).origin,
        hint=error.hint,
    )
    return SinkError("Nothing was written.", [found])
