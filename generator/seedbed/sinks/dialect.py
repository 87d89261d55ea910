"""What differs between warehouses in the property files that Seedbed writes: type names, quotes, reserved words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from seedbed.schema import DataType, TypeKind

_ANSI: Mapping[TypeKind, str] = {
    TypeKind.INTEGER: "bigint",
    TypeKind.DECIMAL: "numeric",
    TypeKind.FLOAT: "double precision",
    TypeKind.BOOLEAN: "boolean",
    TypeKind.TEXT: "varchar",
    TypeKind.DATE: "date",
    TypeKind.TIMESTAMP: "timestamp",
    TypeKind.TIMESTAMP_TZ: "timestamptz",
    TypeKind.TIME: "time",
    TypeKind.UUID: "varchar",
    TypeKind.JSON: "varchar",
    TypeKind.BINARY: "varchar",
}
_NATIVE = {TypeKind.UUID: "uuid", TypeKind.JSON: "json"}
_TEXTUAL = dict.fromkeys((TypeKind.TEXT, TypeKind.UUID, TypeKind.JSON, TypeKind.BINARY), "string")
_SPARK = {
    **_TEXTUAL,
    TypeKind.DECIMAL: "decimal",
    TypeKind.FLOAT: "double",
    TypeKind.TIMESTAMP_TZ: "timestamp",
    TypeKind.TIME: "string",
}
_BY_ADAPTER: Mapping[str, Mapping[TypeKind, str]] = {
    "duckdb": _NATIVE | {TypeKind.FLOAT: "double"},
    "postgres": _NATIVE,
    "bigquery": {
        **_TEXTUAL,
        TypeKind.INTEGER: "int64",
        TypeKind.FLOAT: "float64",
        TypeKind.BOOLEAN: "bool",
        TypeKind.TIMESTAMP: "datetime",
        TypeKind.TIMESTAMP_TZ: "timestamp",
    },
    "spark": _SPARK,
    "databricks": _SPARK,
}
_BACKTICKED = frozenset(["bigquery", "spark", "databricks"])

# A decimal type without a size means something else in every warehouse; this one holds any sum of money.
_PRECISION, _SCALE = 38, 9

# Words that PostgreSQL, DuckDB, Snowflake or Redshift do not take as a column's name without quotes.
_RESERVED_WORDS = """
all analyse analyze and anti any array as asc asof asymmetric at authorization between binary both by case cast check
collate collation column concurrently constraint create cross current_catalog current_date current_role current_schema
current_time current_timestamp current_user default deferrable delete desc describe distinct do drop else end except
exists false fetch for foreign freeze from full glob grant group having ilike in initially inner insert intersect into
is isnull join lambda lateral leading left like limit localtime localtimestamp minus natural not notnull null of
offset on only or order outer overlaps pivot pivot_longer pivot_wider placing positional primary qualify references
regexp returning revoke right rlike row rows sample select semi session_user set show similar some summarize symmetric
system_user table tablesample then to trailing trigger true try_cast union unique unpack unpivot update user using
values variadic verbose when where window with
"""
RESERVED = frozenset(_RESERVED_WORDS.split())
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def type_name(data_type: DataType, adapter: str | None) -> str:
    """The warehouse's name of a column's type, with its size where that matters; ANSI where the adapter is unknown."""
    kind = data_type.kind
    name = _BY_ADAPTER.get(adapter or "", {}).get(kind, _ANSI[kind])
    if kind is TypeKind.DECIMAL:
        scale = data_type.scale if data_type.scale is not None else _SCALE
        precision = data_type.precision or _PRECISION
        if adapter == "bigquery" and (scale > 9 or precision - scale > 29):
            name = "bignumeric"
        return f"{name}({precision}, {scale})"
    if name == "varchar" and kind is TypeKind.TEXT and data_type.length:
        return f"varchar({data_type.length})"
    if name == "bigint" and data_type.bits <= 32:
        return "integer" if data_type.bits == 32 else "smallint"
    return name


def needs_quotes(names: Iterable[str]) -> tuple[str, ...]:
    """Those of a table's column names that SQL takes only between quotes.

    A name in mixed case is not among them: people write it without quotes in their models, which then works
    in every warehouse, however it folds names.
    """
    spellings = list(names)
    folded = [name.casefold() for name in spellings]
    return tuple(
        name
        for name in spellings
        if not _PLAIN.fullmatch(name) or name.lower() in RESERVED or folded.count(name.casefold()) > 1
    )


def quoted(name: str, adapter: str | None) -> str:
    """The name between the warehouse's quotes."""
    mark = "`" if adapter in _BACKTICKED else '"'
    return mark + name.replace(mark, mark * 2) + mark


def escaped(text: str, adapter: str | None) -> str:
    """The text as it stands between the single quotes of an SQL literal."""
    if adapter in _BACKTICKED:
        return text.replace("\\", "\\\\").replace("'", "\\'")
    return text.replace("'", "''")
