"""Reads the written files into DuckDB, each column as its declared type, and says where they do not fit."""

from __future__ import annotations

import csv
from pathlib import Path

import duckdb
import pyarrow as pa

from seedbed.check.findings import Finding, Status
from seedbed.check.probes import Probe, each_row, known, literal, name, names
from seedbed.plan.resolved import ResolvedColumn, ResolvedTable
from seedbed.schema import TypeKind

_TYPES = {
    TypeKind.FLOAT: "double",
    TypeKind.BOOLEAN: "boolean",
    TypeKind.TEXT: "varchar",
    TypeKind.DATE: "date",
    TypeKind.TIMESTAMP: "timestamp",
    TypeKind.TIMESTAMP_TZ: "timestamp with time zone",
    TypeKind.TIME: "time",
    TypeKind.UUID: "uuid",
    TypeKind.JSON: "json",
    TypeKind.BINARY: "varchar",
}
_INTEGERS = {8: "tinyint", 16: "smallint", 32: "integer", 64: "bigint"}


def seed_file(table: ResolvedTable, folder: Path) -> Path:
    """Where the table's rows are looked for: the seed that the project holds, or the one that is written."""
    return table.seed or folder / f"{table.file}.csv"


def load(connection: duckdb.DuckDBPyConnection, table: ResolvedTable, folder: Path) -> list[Finding]:
    """Makes the table's rows a DuckDB table of its name; its columns as text make another one.

    Returns:
        What is wrong with the file as a whole. The table is there, and empty, when anything is.
    """
    path = seed_file(table, folder)
    expected = [column.name for column in table.written_columns]
    try:
        found = _header(path)
        problem = _misfit(found, expected, in_order=table.seed is None)
        if not problem:
            _read(connection, table, path, found)
    except FileNotFoundError:
        problem = "there is no such file", "run `seedbed generate`"
    except (OSError, UnicodeDecodeError, csv.Error, duckdb.Error) as error:
        problem = str(error).splitlines()[0], "write the file again with `seedbed generate --force`"
    if not problem:
        return []
    columns = ", ".join(f"{name(column.name)} {_type(column)}" for column in table.written_columns)
    connection.execute(f"create or replace table {name(table.name)} ({columns})")
    texts = ", ".join(f"{name(column)} varchar" for column in expected)
    connection.execute(f"create or replace table {name(as_text(table))} ({texts})")
    reason, hint = problem
    promise = f"{path.name} holds the table's columns"
    return [Finding(promise, table.name, tuple(expected), 0, 0, Status.FAILED, ({"problem": reason},), hint)]


def load_rows(connection: duckdb.DuckDBPyConnection, table: ResolvedTable, rows: pa.Table) -> None:
    """Makes rows that are in memory a DuckDB table, each column as its declared type."""
    connection.register("seedbed rows", rows)
    typed = ", ".join(
        f"cast({name(column.name)} as {_type(column)}) as {name(column.name)}" for column in table.written_columns
    )
    connection.execute(f'create table {name(table.name)} as select {typed} from "seedbed rows"')
    connection.unregister("seedbed rows")


def as_text(table: ResolvedTable) -> str:
    """The name of the DuckDB table that holds the file's values as they are written."""
    return f"{table.name} as text"


def type_probes(table: ResolvedTable) -> list[Probe]:
    """That every value is one of its column's type, and no longer than the type allows."""
    return [
        each_row(
            table,
            f"{column.name} is {column.data_type.text}",
            [column.name],
            known([column.name]),
            f"not coalesce({_fits(column)}, false)",
            as_text(table),
        )
        for column in table.written_columns
    ]


def _header(path: Path) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file), [])


def _misfit(found: list[str], expected: list[str], *, in_order: bool) -> tuple[str, str] | None:
    """What is wrong with a file's columns, and what to do; None when they are as expected."""
    if found == expected:
        return None
    if not in_order and {column.casefold() for column in expected} <= {column.casefold() for column in found}:
        return None
    return f"its columns are {', '.join(found)}; expected {', '.join(expected)}", "run `seedbed generate`"


def _read(connection: duckdb.DuckDBPyConnection, table: ResolvedTable, path: Path, header: list[str]) -> None:
    written = names(column.name for column in table.written_columns)
    columns = ", ".join(f"{literal(column)}: 'varchar'" for column in header)
    # Nothing is left to guess: the guess would depend on the rows.
    form = f"auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', columns = {{{columns}}}"
    connection.execute(
        f"create table {name(as_text(table))} as select {written} from read_csv({literal(str(path))}, {form})"
    )
    typed = ", ".join(
        f"try_cast({name(column.name)} as {_type(column)}) as {name(column.name)}" for column in table.written_columns
    )
    connection.execute(f"create table {name(table.name)} as select {typed} from {name(as_text(table))} order by rowid")


def _type(column: ResolvedColumn) -> str:
    data_type = column.data_type
    if data_type.kind is TypeKind.INTEGER:
        return _INTEGERS[data_type.bits]
    if data_type.kind is TypeKind.DECIMAL:
        return (
            "decimal(38, 9)" if data_type.scale is None else f"decimal({data_type.precision or 38}, {data_type.scale})"
        )
    return _TYPES[data_type.kind]


def _fits(column: ResolvedColumn) -> str:
    """The condition that a text is a value of the column's type. A cast alone would round and cut."""
    text, data_type = name(column.name), column.data_type
    parses = f"try_cast({text} as {_type(column)}) is not null"
    if data_type.kind is TypeKind.INTEGER:
        return f"regexp_full_match({text}, '[-+]?[0-9]+') and {parses}"
    if data_type.kind is TypeKind.DECIMAL and data_type.scale is not None:
        return f"{parses} and (contains(lower({text}), 'e') or length(split_part({text}, '.', 2)) <= {data_type.scale})"
    if data_type.kind is TypeKind.TEXT and data_type.length:
        return f"length({text}) <= {data_type.length}"
    return parses
