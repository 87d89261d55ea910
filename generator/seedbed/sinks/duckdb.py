"""Tables of a DuckDB database, replaced together in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa

from seedbed.errors import Diagnostic, Location, SinkError
from seedbed.plan.resolved import ResolvedPlan, ResolvedTable
from seedbed.sinks.base import Outcome, Sink, Written
from seedbed.sinks.dialect import escaped, quoted
from seedbed.sinks.relations import Existing, Relation, casts, check_load, check_ownership, comment, relations, streamed

ADAPTER = "duckdb"
# What DuckDB 2.0 makes by itself is closed to 1.x. Older formats than this one cost a quarter more time to write.
STORAGE_VERSION = "v1.4.0"
_STREAM = "seedbed_batches"
_EXISTING = """
select 'table', comment from duckdb_tables() where database_name = current_database()
    and lower(schema_name) = lower($1) and lower(table_name) = lower($2)
union all
select 'view', comment from duckdb_views() where database_name = current_database()
    and lower(schema_name) = lower($1) and lower(view_name) = lower($2)
"""


class DuckDBSink(Sink):
    """Writes tables to where dbt's `source()` and `ref()` look for them.

    Args:
        plan: the resolved plan.
        connection: to the database that takes the tables. The work is done in a transaction of its own.
        force: also replace sources that Seedbed did not write.

    Raises:
        SinkError: a source holds rows that are not Seedbed's, or a table's place is not known.
    """

    def __init__(self, plan: ResolvedPlan, connection: duckdb.DuckDBPyConnection, *, force: bool = False) -> None:
        super().__init__()
        self._plan = plan
        self._relations = relations(plan)
        self._cursor = connection.cursor()
        try:
            self._cursor.execute("begin transaction")
            existing = {name: self._existing(relation) for name, relation in self._relations.items()}
            self._notes = check_load(existing.values(), plan)
            if not force:
                check_ownership(
                    (plan.table(name), relation, existing[name]) for name, relation in self._relations.items()
                )
        except BaseException:
            self._cursor.close()
            raise

    def _write(self, table: ResolvedTable, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Written:
        relation = self._relations[table.name]
        try:
            self._make_room(relation)
            with streamed(table, schema, batches) as rows:
                self._cursor.register(_STREAM, rows.reader)
                columns = ", ".join(casts(table, ADAPTER))
                self._cursor.execute(f"create table {relation.sql(ADAPTER)} as select {columns} from {_STREAM}")
            self._cursor.unregister(_STREAM)
            note = escaped(comment(self._plan), ADAPTER)
            self._cursor.execute(f"comment on table {relation.sql(ADAPTER)} is '{note}'")
        except duckdb.Error as error:
            raise SinkError(f"{table.name} cannot be loaded into {relation}: {error}") from error
        return Written(table.name, rows.count, str(relation))

    def _make_room(self, relation: Relation) -> None:
        self._cursor.execute(f"create schema if not exists {quoted(relation.database_schema, ADAPTER)}")
        existing = self._existing(relation)
        if existing:
            self._cursor.execute(f"drop {existing.kind} {relation.sql(ADAPTER)}")

    def _existing(self, relation: Relation) -> Existing | None:
        found = self._cursor.execute(_EXISTING, [relation.database_schema, relation.name]).fetchall()
        return Existing(*found[0]) if found else None

    def _commit(self, written: tuple[Written, ...]) -> Outcome:
        try:
            self._cursor.execute("commit")
        except duckdb.Error as error:
            raise SinkError(f"The database did not take the tables: {error}") from error
        self._cursor.close()
        return Outcome(written, changed=tuple(table.place for table in written), notes=tuple(self._notes))

    def _rollback(self) -> None:
        # A transaction that is open ends with its cursor, and nothing of it stays.
        self._cursor.close()


class DuckDBFileSink(DuckDBSink):
    """Writes tables into a database file, which is made if it is not there.

    Args:
        plan: the resolved plan.
        path: the file.
        force: also replace sources that Seedbed did not write.
        storage_version: the format of a file that is made, as in DuckDB's `ATTACH`.

    Raises:
        SinkError: as for `DuckDBSink`; or the file cannot be opened, such as when another process has it open.
    """

    def __init__(
        self, plan: ResolvedPlan, path: Path, *, force: bool = False, storage_version: str = STORAGE_VERSION
    ) -> None:
        self._made = None if path.exists() else path
        try:
            if self._made:
                _make_file(path, storage_version)
            self._connection = duckdb.connect(str(path))
        except (duckdb.Error, OSError) as error:
            self._remove_made()
            raise _cannot_open(path, error) from error
        try:
            super().__init__(plan, self._connection, force=force)
        except BaseException:
            self._close_undone()
            raise

    def _commit(self, written: tuple[Written, ...]) -> Outcome:
        outcome = super()._commit(written)
        self._connection.close()
        return outcome

    def _rollback(self) -> None:
        super()._rollback()
        self._close_undone()

    def _close_undone(self) -> None:
        self._connection.close()
        self._remove_made()

    def _remove_made(self) -> None:
        if self._made:
            self._made.unlink(missing_ok=True)
            self._made.with_name(f"{self._made.name}.wal").unlink(missing_ok=True)


def _make_file(path: Path, storage_version: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        file, version = escaped(str(path), ADAPTER), escaped(storage_version, ADAPTER)
        connection.execute(f"attach '{file}' as made (storage_version '{version}')")
        connection.execute("detach made")


def _cannot_open(path: Path, error: Exception) -> SinkError:
    found = Diagnostic(
        "cannot-open",
        f"the database {path} cannot be opened: {str(error).splitlines()[0]}",
        Location(str(path)),
        hint="close other programs that have it open, dbt among them, and run again",
    )
    return SinkError("Nothing was loaded.", [found])
