"""The Schema: what a dbt project says about its tables, and where it says it.

Parsers fill it; authors, the plan and the sinks read it. It holds facts only: nothing in it is a guess.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Generic, TypeVar

from seedbed.documents import Document
from seedbed.errors import NOWHERE, Location

DATA_FOLDER = "seedbed/data"
"""Below the project's root: tables as Parquet files."""

PAGE_ENDINGS = (".md", ".txt")
"""Of files that a person reads."""

Scalar = str | int | float | bool
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """One thing that the project says, and the place where it says so."""

    value: T
    origin: Location = NOWHERE


def is_page(workflow: str) -> bool:
    """Whether what stands under `workflow:` is a page in words, not the name of a state diagram."""
    return workflow.lower().endswith(PAGE_ENDINGS)


class TypeKind(enum.StrEnum):
    """The families of SQL types that Seedbed tells apart."""

    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    TEXT = "text"
    DATE = "date"
    TIMESTAMP = "timestamp"
    TIMESTAMP_TZ = "timestamp with time zone"
    TIME = "time"
    UUID = "uuid"
    JSON = "json"
    BINARY = "binary"


_TYPE_NAMES: Mapping[TypeKind, str] = {
    TypeKind.INTEGER: (
        "int integer bigint smallint tinyint hugeint mediumint byteint long short int1 int2 int4 int8 int16 int32 "
        "int64 uint uint8 uint16 uint32 uint64 ubigint uinteger usmallint utinyint serial bigserial smallserial "
        "signed year"
    ),
    TypeKind.DECIMAL: "decimal numeric number dec bignumeric bigdecimal money smallmoney fixed currency",
    TypeKind.FLOAT: "float double real float4 float8 float16 float32 float64 double_precision",
    TypeKind.BOOLEAN: "boolean bool bit logical",
    TypeKind.TEXT: (
        "varchar char character string text nvarchar nchar varchar2 nvarchar2 bpchar clob character_varying citext "
        "longtext mediumtext tinytext str enum char_varying objectid inet cidr"
    ),
    TypeKind.DATE: "date date32 localdate",
    TypeKind.TIMESTAMP: (
        "timestamp datetime timestamp_ntz timestampntz datetime2 smalldatetime timestamp_without_time_zone timestamp_s "
        "timestamp_ms timestamp_us timestamp_ns datetime64 localdatetime"
    ),
    TypeKind.TIMESTAMP_TZ: (
        "timestamptz timestamp_tz timestamp_ltz timestampltz timestamptz_ltz timestamp_with_time_zone datetimeoffset "
        "timestamp_with_local_time_zone zoneddatetime offsetdatetime"
    ),
    TypeKind.TIME: "time timetz time_without_time_zone time_with_time_zone",
    TypeKind.UUID: "uuid guid uniqueidentifier",
    TypeKind.JSON: "json jsonb variant object super struct map array record",
    TypeKind.BINARY: "binary varbinary bytea blob bytes",
}
_KIND_BY_NAME = {name: kind for kind, names in _TYPE_NAMES.items() for name in names.split()}
_UNDERSCORED = re.compile(r"([a-z]+)_(\d+)(?:_(\d+))?_?", re.IGNORECASE)
_ENUM = re.compile(r"enum\s*\((?=.*[,'\"])(.+)\)", re.IGNORECASE | re.DOTALL)
_TYPE_PATTERN = re.compile(
    r"^\s*([A-Za-z_]\w*(?: +[A-Za-z_]\w*)*)\s*(?:\(\s*(\w+)\s*(?:[,-]\s*(\d+)\s*)?\))?\s*([A-Za-z ]*)$"
)


@dataclass(frozen=True, slots=True)
class DataType:
    """A column's SQL type: its family, its size, and the text as the project wrote it."""

    kind: TypeKind
    text: str
    length: int | None = None
    """Characters, of a text type that limits them."""
    precision: int | None = None
    """Decimal digits in all, of a decimal type."""
    scale: int | None = None
    """Decimal digits after the point, of a decimal type."""
    bits: int = 64
    """Width of an integer type."""


_BITS = {
    name: bits
    for bits, names in (
        (32, "int integer mediumint int4 int32 uint16 usmallint serial signed"),
        (16, "year smallint int2 int16 short utinyint uint8 smallserial"),
        (8, "tinyint int1 byteint"),
    )
    for name in names.split()
}


def parse_data_type(text: str) -> DataType | None:
    """The type that `text` names in any common SQL dialect, or None when the name is not known.

    `int8` is read as PostgreSQL and DuckDB read it: eight bytes. `varchar_20_` is `varchar(20)`, as diagrams write
    it that are made for a Mermaid that knew no parentheses.
    """
    if _ENUM.fullmatch(text.strip()):
        return DataType(TypeKind.TEXT, text.strip())
    match = _TYPE_PATTERN.match(text)
    if not match:
        return None
    words = " ".join(part for part in (match[1], match[4]) if part).lower().split()
    kind = _KIND_BY_NAME.get("_".join(words)) or _KIND_BY_NAME.get(words[0])
    if kind is None:
        sized = _UNDERSCORED.fullmatch(text.strip())
        found = parse_data_type(f"{sized[1]}({', '.join(filter(None, sized.groups()[1:]))})") if sized else None
        return replace(found, text=text.strip()) if found else None
    first = int(match[2]) if match[2] and match[2].isdigit() else None
    second = int(match[3]) if match[3] else None
    if kind is TypeKind.DECIMAL:
        scale = second if second is not None else (0 if first is not None else None)
        return DataType(kind, text.strip(), precision=first, scale=scale)
    return DataType(
        kind,
        text.strip(),
        length=first if kind is TypeKind.TEXT else None,
        bits=_BITS.get(words[0], 64) if kind is TypeKind.INTEGER else 64,
    )


def enumerated_values(text: str) -> tuple[str, ...]:
    """The values of a type such as `enum('a', 'b')`; empty for other types."""
    match = _ENUM.fullmatch(text.strip())
    if match is None:
        return ()
    return tuple(value for part in match[1].split(",") if (value := part.strip().strip("'\"").strip()))


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a column's values; a bound that is None is open."""

    minimum: Scalar | None = None
    maximum: Scalar | None = None
    minimum_included: bool = True
    maximum_included: bool = True


@dataclass(frozen=True, slots=True)
class Column:
    """A column and what the project says about it. A fact that is None was not said."""

    name: str
    origin: Location = NOWHERE
    data_type: Fact[DataType] | None = None
    description: Fact[str] | None = None
    not_null: Fact[bool] | None = None
    unique: Fact[bool] | None = None
    accepted_values: Fact[tuple[Scalar, ...]] | None = None
    value_range: Fact[Range] | None = None
    matches: Fact[str] | None = None
    """A regular expression that every value matches."""
    annotation: Document | None = None
    """What stands under the column's `config.meta.seedbed`."""


@dataclass(frozen=True, slots=True)
class Cardinality:
    """How many rows may take part on one end of a relationship; `maximum` None means many."""

    minimum: int = 0
    maximum: int | None = None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """The child's `columns` refer to the parent's `parent_columns`, pairwise.

    `parent` is a table's `name` in the Schema. `children` is how many child rows one parent row has;
    `parents` how many parent rows one child row has (0..1 for a nullable key).
    """

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    origin: Location = NOWHERE
    children: Cardinality = Cardinality()
    parents: Cardinality = Cardinality(1, 1)
    label: str | None = None


class Resource(enum.StrEnum):
    """Where a table is documented; a table of an ERD that no property file names is an `ENTITY`."""

    MODEL = "model"
    SEED = "seed"
    SOURCE = "source"
    ENTITY = "entity"


@dataclass(frozen=True, slots=True)
class SourceTable:
    """How dbt finds a source table: the names that `source()` takes and what they resolve to."""

    source_name: str
    table_name: str
    database_schema: str
    identifier: str
    external: str | None = None
    """The local file that dbt-duckdb reads in the table's place, relative to the project's root."""


@dataclass(frozen=True, slots=True)
class DataTest:
    """A data test of the project whose meaning no typed fact holds in full: a hint to authors.

    It holds one fact less than it seems to when `conditional`: the test looks at some rows only (`where`), or
    lets violations pass (`severity: warn`, `error_if`), so that it must not be made a law for every row.
    """

    name: str
    """As the project writes it, with its package: `dbt_utils.sequential_values`."""
    column: str | None
    arguments: Document
    """The rendered arguments: a mapping; a table is written `ref('x')` or `source('a', 'b')`."""
    conditional: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """The project's SQL takes equal values of this table's `column` and of `table.other` to belong together.

    `table` is a table's `name` in the Schema, and may be this one. That the one refers to the other is for an author
    to conclude.
    """

    column: str
    table: str
    other: str
    origin: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Table:
    """A table and what the project says about it.

    `name` is unique in the Schema: the dbt name of a seed or model, `source.table` of a source, the
    entity's name otherwise. `columns` keep the order of the property file, then of the ERD.
    """

    name: str
    resource: Resource
    origin: Location = NOWHERE
    columns: tuple[Column, ...] = ()
    description: Fact[str] | None = None
    primary_key: Fact[tuple[str, ...]] | None = None
    unique_keys: tuple[Fact[tuple[str, ...]], ...] = ()
    """Composite unique keys, and those of one column that the primary key does not already cover."""
    foreign_keys: tuple[ForeignKey, ...] = ()
    joins: tuple[Join, ...] = ()
    """How models join this table's columns, where no foreign key says which table they refer to."""
    checks: tuple[Fact[str], ...] = ()
    """SQL predicates over one row, from check constraints and `expression_is_true` tests."""
    annotation: Document | None = None
    """What stands under the table's `config.meta.seedbed`."""
    source: SourceTable | None = None
    tags: tuple[str, ...] = ()
    data_file: Path | None = None
    """The CSV that holds this table's rows already: a hand-written seed. Such a table is never generated."""
    built: bool = False
    """The project builds this table itself (SQL, Python), so that it is never generated."""
    declared_tests: frozenset[tuple[str, str | None]] = frozenset()
    """(test, column or None) that the project's own property file already runs on this table."""
    data_tests: tuple[DataTest, ...] = ()
    """The tests of `declared_tests` that say more than the typed facts above."""
    pages: tuple[Fact[str], ...] = ()
    """What whole pages of the project say in words about the process that the rows go through."""

    @property
    def generated(self) -> bool:
        """Whether Seedbed is to make this table's rows; one whose columns nothing documents cannot have any."""
        return bool(self.columns) and not self.built and self.data_file is None

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column | None:
        """The column of that name, compared without case as warehouses do."""
        folded = name.casefold()
        return next((column for column in self.columns if column.name.casefold() == folded), None)

    def nullable(self, name: str) -> bool:
        """Whether nothing forbids null in that column."""
        column = self.column(name)
        in_key = self.primary_key is not None and name in self.primary_key.value
        return not in_key and (column is None or column.not_null is None)


@dataclass(frozen=True, slots=True)
class Transition:
    """A move of a workflow; `probability` None means that the diagram does not say."""

    source: str
    target: str
    probability: float | None = None
    label: str | None = None
    origin: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Workflow:
    """A state diagram, flattened: states by their display names, in order of appearance.

    `initial` pairs a state with its share (None: an equal part of what is left); `terminal` are the
    states from which the diagram goes to its end. `notes` are the texts beside the states.
    """

    name: str
    states: tuple[str, ...]
    initial: tuple[tuple[str, float | None], ...]
    transitions: tuple[Transition, ...]
    terminal: tuple[str, ...] = ()
    origin: Location = NOWHERE
    notes: tuple[Fact[str], ...] = ()


@dataclass(frozen=True, slots=True)
class Project:
    """The dbt project that the Schema was read from; paths are absolute, `root` their common folder."""

    root: Path
    name: str
    seed_paths: tuple[Path, ...] = ()
    test_paths: tuple[Path, ...] = ()
    adapter: str | None = None
    """The adapter type of the profile's target, when the profile could be read."""
    target_schema: str | None = None
    """The schema of the profile's target, when the profile could be read."""
    custom_schema_names: bool = False
    """The project overrides `generate_schema_name`, so that a seed's `schema` is taken as it stands."""
    has_dbt_package: bool = False
    """The project lists the seedbed dbt package, so that its generic tests can be used."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A business rule as the project states it, in words."""

    text: str
    origin: Location = NOWHERE
    table: str | None = None
    """The name of the table at which it stands; None where it stands by itself."""
    rule: str | None = None
    """The typed rule, such as `row('amount > 0')`, where the project itself gives one."""

    @property
    def key(self) -> str:
        """What tells it from other sentences."""
        return sentence_key(self.text)


def sentence_key(text: str) -> str:
    """A sentence without what does not change its meaning: spaces, case, the full stop."""
    return " ".join(text.split()).rstrip(".").casefold()


@dataclass(frozen=True, slots=True)
class Schema:
    """All tables of a project, with its workflows and the rules that it states in words."""

    project: Project
    tables: tuple[Table, ...] = ()
    workflows: tuple[Workflow, ...] = ()
    rules: tuple[Sentence, ...] = ()
    _by_name: Mapping[str, Table] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {table.name.casefold(): table for table in self.tables})

    def table(self, name: str) -> Table | None:
        """The table of that name, compared without case."""
        return self._by_name.get(name.casefold())

    def __iter__(self) -> Iterator[Table]:
        return iter(self.tables)
