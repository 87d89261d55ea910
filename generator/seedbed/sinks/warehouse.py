"""The database behind a dbt profile's target: tables go into it by Arrow bulk ingestion, all of them or none."""

from __future__ import annotations

import contextlib
import importlib
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from seedbed.errors import Diagnostic, SinkError
from seedbed.plan.resolved import ResolvedColumn, ResolvedPlan, ResolvedTable
from seedbed.schema import TypeKind
from seedbed.sinks.base import Outcome, Sink, Written, check_batch
from seedbed.sinks.dialect import escaped, quoted
from seedbed.sinks.duckdb import DuckDBFileSink
from seedbed.sinks.relations import (
    Existing,
    Relation,
    check_load,
    check_ownership,
    comment,
    declared,
    relations,
    streamed,
)

Settings = Mapping[str, Any]
"""What a target of `profiles.yml` says, rendered."""

# The SQL standard's code for "dependent objects still exist".
_DEPENDENT_OBJECTS = "2BP01"


@dataclass(frozen=True, slots=True)
class Driver:
    """All that sets one kind of database apart from another that is reached through ADBC.

    It must make, rename and drop tables inside transactions. Its ADBC driver may want rows in the very types of the
    columns: integers come in their declared width, and a uuid comes as text.
    """

    module: str
    """The Python package of the ADBC driver."""
    extra: str
    """The extra of dbt-seedbed that installs it."""
    uri: Callable[[Settings], str]
    schema_exists: str
    """SQL: a row if there is a schema $1."""
    existing: str
    """SQL: kind and comment of what stands in schema $1 under the name $2."""
    columns: str
    """SQL: names and types of the columns of the relation that $1 is the SQL name of."""


# What dbt-postgres calls them, and what libpq does.
_POSTGRES_SETTINGS = {
    "host": "host",
    "port": "port",
    "user": "user",
    "pass": "password",
    "password": "password",
    "database": "dbname",
    "dbname": "dbname",
    "sslmode": "sslmode",
    "sslcert": "sslcert",
    "sslkey": "sslkey",
    "sslrootcert": "sslrootcert",
    "connect_timeout": "connect_timeout",
}


def _postgres_uri(settings: Settings) -> str:
    """libpq's connection string."""
    escapes = {ord("\\"): "\\\\", ord("'"): "\\'"}
    return " ".join(
        f"{name}='{str(settings[key]).translate(escapes)}'"
        for key, name in _POSTGRES_SETTINGS.items()
        if settings.get(key) is not None
    )


DRIVERS: Mapping[str, Driver] = {
    "postgres": Driver(
        "adbc_driver_postgresql",
        "postgres",
        _postgres_uri,
        "select 1 from pg_catalog.pg_namespace where nspname = $1",
        """
        select case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'f' then 'foreign table'
            else 'table' end, obj_description(c.oid, 'pg_class')
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'v', 'm', 'f')
        """,
        """
        select attname::text, format_type(atttypid, atttypmod) from pg_catalog.pg_attribute
        where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum
        """,
    )
}
"""By dbt's adapter type."""


def warehouse_sink(plan: ResolvedPlan, settings: Settings, *, force: bool = False) -> Sink:
    """The sink for a target of `profiles.yml`.

    Args:
        plan: the resolved plan.
        settings: the target's.
        force: also replace sources that Seedbed did not write.

    Raises:
        SinkError: there is no way into a target of that type, the database cannot be reached, or it holds sources
            that are not Seedbed's.
    """
    adapter = settings.get("type")
    if adapter == "duckdb":
        return DuckDBFileSink(plan, _duckdb_file(settings), force=force)
    if adapter in DRIVERS:
        return AdbcSink(plan, str(adapter), settings, force=force)
    raise SinkError(
        diagnostics=[
            Diagnostic(
                "unknown-warehouse",
                f"Seedbed cannot load into a target of the type {adapter}; it can load into "
                f"{', '.join(sorted(('duckdb', *DRIVERS)))}",
                hint="write Parquet files (--format parquet) and load them with the warehouse's own command",
            )
        ]
    )


class AdbcSink(Sink):
    """Writes tables to where dbt's `source()` and `ref()` look for them, in a database with an ADBC driver.

    Rows go into new tables of the declared types beside the old ones. The commit, which ends the one transaction
    of a run, gives them their names; a table that has the same columns already keeps its place and takes the rows
    over, so that views on it and grants stay.

    Args:
        plan: the resolved plan.
        adapter: dbt's name of the database's type, one of `DRIVERS`.
        settings: the target's.
        force: also replace sources that Seedbed did not write.

    Raises:
        SinkError: the database cannot be reached, or it holds sources that are not Seedbed's.
    """

    def __init__(self, plan: ResolvedPlan, adapter: str, settings: Settings, *, force: bool = False) -> None:
        super().__init__()
        self._plan, self._adapter, self._force = plan, adapter, force
        self._driver = DRIVERS[adapter]
        self._relations = relations(plan)
        self._staged: dict[str, Relation] = {}
        # No other run in this database may choose the same names.
        self._run_name = f"seedbed_{secrets.token_hex(4)}"
        dbapi, self._connection = _connect(adapter, settings)
        self._error: type[Exception] = dbapi.Error
        self._cursor = self._connection.cursor()
        try:
            if settings.get("role"):
                self._cursor.execute(f"set role {quoted(str(settings['role']), adapter)}")
            self._check_ownership()
            self._notes = check_load(map(self._existing, self._relations.values()), plan)
        except BaseException:
            self.rollback()
            raise

    def _write(self, table: ResolvedTable, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Written:
        relation = self._relations[table.name]
        new = Relation(relation.database_schema, f"{self._run_name}_{len(self._staged)}")
        run, name, columns = self._cursor.execute, new.sql(self._adapter), list(declared(table, self._adapter))
        texts = [(spelled, to) for column, spelled, to in columns if column.data_type.kind is TypeKind.UUID]
        try:
            self._make_schema(new.database_schema)
            made = ", ".join(f"{spelled} {'text' if (spelled, to) in texts else to}" for _, spelled, to in columns)
            run(f"create table {name} ({made})")
            carried = _carried(table, schema, [column for column, _ in self._columns(name)])
            with streamed(table, carried, _fitted(table, schema, carried, batches)) as rows:
                self._cursor.adbc_ingest(new.name, rows.reader, mode="append", db_schema_name=new.database_schema)
            if texts:
                changes = ", ".join(f"alter {spelled} type {to} using {spelled}::{to}" for spelled, to in texts)
                run(f"alter table {name} {changes}")
        except self._error as error:
            raise self._refused(f"{table.name} cannot be loaded", error) from error
        self._staged[table.name] = new
        return Written(table.name, rows.count, str(relation))

    def _commit(self, written: tuple[Written, ...]) -> Outcome:
        try:
            # What was free when the run began may have been taken since.
            self._check_ownership()
            for table in written:
                self._move(self._staged[table.table], self._relations[table.table])
            self._connection.commit()
        except self._error as error:
            raise self._refused("The database did not take the tables", error) from error
        self._close()
        return Outcome(written, changed=tuple(table.place for table in written), notes=tuple(self._notes))

    def _move(self, new: Relation, relation: Relation) -> None:
        run, rows, name = self._cursor.execute, new.sql(self._adapter), relation.sql(self._adapter)
        existing = self._existing(relation)
        if existing and existing.kind == "table" and self._columns(name) == self._columns(rows):
            run(f"truncate table {name}")
            run(f"insert into {name} select * from {rows}")
            run(f"drop table {rows}")
        else:
            if existing:
                run(f"drop {existing.kind} {name}")
            run(f"alter table {rows} rename to {quoted(relation.name, self._adapter)}")
        run(f"comment on table {name} is '{escaped(comment(self._plan), self._adapter)}'")

    def _make_schema(self, name: str) -> None:
        # `if not exists` alone asks for a right that a person who may write into the schema need not have.
        if not self._rows(self._driver.schema_exists, name):
            self._cursor.execute(f"create schema if not exists {quoted(name, self._adapter)}")

    def _check_ownership(self) -> None:
        if not self._force:
            check_ownership(
                (self._plan.table(name), relation, self._existing(relation))
                for name, relation in self._relations.items()
            )

    def _existing(self, relation: Relation) -> Existing | None:
        found = self._rows(self._driver.existing, relation.database_schema, relation.name)
        return Existing(*found[0]) if found else None

    def _columns(self, name: str) -> list[tuple[Any, ...]]:
        return self._rows(self._driver.columns, name)

    def _rows(self, query: str, *parameters: str) -> list[tuple[Any, ...]]:
        self._cursor.execute(query, parameters)
        return list(self._cursor.fetchall())

    def _refused(self, what: str, error: Exception) -> SinkError:
        hint = None
        if getattr(error, "sqlstate", None) == _DEPENDENT_OBJECTS:
            hint = (
                "the columns changed, so the table must be made anew: drop what depends on it (dbt builds its models "
                "again)"
            )
        return SinkError(
            "Nothing was loaded.", [Diagnostic("load-refused", f"{what}: {str(error).strip()}", hint=hint)]
        )

    def _rollback(self) -> None:
        with contextlib.suppress(self._error):
            self._connection.rollback()
        self._close()

    def _close(self) -> None:
        with contextlib.suppress(self._error):
            self._cursor.close()
            self._connection.close()


def _carried(table: ResolvedTable, schema: pa.Schema, names: Iterable[str]) -> pa.Schema:
    """The schema in which rows travel: columns as the database calls them, integers in their declared width."""
    types = [
        (pa.int32() if column.data_type.bits == 32 else pa.int16())
        if column.data_type.kind is TypeKind.INTEGER and column.data_type.bits <= 32
        else field.type
        for column, field in zip(table.written_columns, schema, strict=True)
    ]
    return pa.schema(zip(names, types, strict=True))


def _fitted(
    table: ResolvedTable, schema: pa.Schema, carried: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        check_batch(table.name, schema, batch)
        columns = [
            _cast(table, *given) for given in zip(table.written_columns, batch.columns, carried.types, strict=True)
        ]
        yield pa.record_batch(columns, schema=carried)


def _cast(table: ResolvedTable, column: ResolvedColumn, values: pa.Array, to: pa.DataType) -> pa.Array:
    try:
        return pc.cast(values, to)
    except pa.ArrowInvalid as error:
        what = f"{table.name} cannot be loaded: {column.name} does not fit into {column.data_type.text}: {error}"
        raise SinkError("Nothing was loaded.", [Diagnostic("load-refused", what)]) from error


def _connect(adapter: str, settings: Settings) -> tuple[Any, Any]:
    """The DB-API of ADBC, and a connection whose transactions end only by a commit."""
    driver = DRIVERS[adapter]
    try:
        dbapi = importlib.import_module("adbc_driver_manager.dbapi")
        module = importlib.import_module(driver.module)
    except ImportError as error:
        missing = Diagnostic(
            "driver-missing",
            f"loading into {adapter} needs the Python package {error.name}",
            hint=f"pip install 'dbt-seedbed[{driver.extra}]'",
        )
        raise SinkError("Nothing was loaded.", [missing]) from error
    try:
        return dbapi, dbapi.connect(driver=module._driver_path(), db_kwargs={"uri": driver.uri(settings)})
    except dbapi.Error as error:
        unreachable = Diagnostic(
            "cannot-connect",
            f"the database of the target cannot be reached: {str(error).strip()}",
            hint="`dbt debug` tests the same settings",
        )
        raise SinkError("Nothing was loaded.", [unreachable]) from error


def _duckdb_file(settings: Settings) -> Path:
    """The target's database file; as for dbt, a relative path begins at the current folder."""
    path = str(settings.get("path") or ":memory:")
    if path.startswith((":memory:", "md:", "motherduck:")) or "://" in path:
        raise SinkError(
            diagnostics=[
                Diagnostic(
                    "no-database-file",
                    f'the target\'s path is "{path}", and Seedbed loads into database files only',
                    hint="the dbt-duckdb plugin seedbed.duckdb_plugin fills any DuckDB database that dbt itself opens",
                )
            ]
        )
    return Path(path)
