"""Tables while they are being read: facts arrive one by one, the first to speak stays, contradictions are told."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from seedbed.documents import Document
from seedbed.errors import Diagnostic, Location, Severity
from seedbed.parsers.jinja import Reference
from seedbed.schema import (
    Cardinality,
    Column,
    DataTest,
    DataType,
    Fact,
    ForeignKey,
    Join,
    Range,
    Resource,
    Scalar,
    Sentence,
    SourceTable,
    Table,
    TypeKind,
    enumerated_values,
)

T = TypeVar("T")

# Diagrams name families where property files name types: `string` for a uuid is no contradiction.
_NEAR = (
    {TypeKind.TEXT, TypeKind.UUID},
    {TypeKind.TEXT, TypeKind.JSON},
    {TypeKind.DECIMAL, TypeKind.FLOAT},
    {TypeKind.TIMESTAMP, TypeKind.TIMESTAMP_TZ},
)
_PLAIN_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


@dataclass(slots=True)
class ColumnDraft:
    """A column while it is being read."""

    name: str
    origin: Location
    data_type: Fact[DataType] | None = None
    description: Fact[str] | None = None
    not_null: Fact[bool] | None = None
    unique: Fact[bool] | None = None
    accepted_values: Fact[tuple[Scalar, ...]] | None = None
    value_range: Fact[Range] | None = None
    matches: Fact[str] | None = None
    annotation: Document | None = None
    quoted: bool = False

    @property
    def sql(self) -> str:
        """The column's name inside an SQL expression."""
        if self.quoted or not _PLAIN_NAME.match(self.name):
            return '"' + self.name.replace('"', '""') + '"'
        return self.name


@dataclass(frozen=True, slots=True)
class KeyDraft:
    """A foreign key whose parent is still a name. `parent_columns` None means the parent's primary key."""

    columns: tuple[str, ...]
    to: Reference | str
    parent_columns: tuple[str, ...] | None
    origin: Location
    children: Cardinality | None = None
    parents: Cardinality | None = None
    label: str | None = None


@dataclass(slots=True)
class TableDraft:
    """A table while it is being read."""

    name: str
    resource: Resource
    origin: Location
    relation: str = ""
    """The name of the table in the warehouse: an alias, an identifier, or the dbt name."""
    database_schema: str | None = None
    columns: dict[str, ColumnDraft] = field(default_factory=dict)
    description: Fact[str] | None = None
    primary_key: Fact[tuple[str, ...]] | None = None
    unique_keys: list[Fact[tuple[str, ...]]] = field(default_factory=list)
    never_null: list[Fact[tuple[str, ...]]] = field(default_factory=list)
    keys: list[KeyDraft] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    joins: list[Join] = field(default_factory=list)
    checks: list[Fact[str]] = field(default_factory=list)
    rules: list[Sentence] = field(default_factory=list)
    """Business rules of its annotation."""
    annotation: Document | None = None
    source: SourceTable | None = None
    tags: list[str] = field(default_factory=list)
    data_file: Path | None = None
    built: bool = False
    declared_tests: set[tuple[str, str | None]] = field(default_factory=set)
    data_tests: list[DataTest] = field(default_factory=list)

    def column(self, name: str) -> ColumnDraft | None:
        """The column of that name, compared without case."""
        return self.columns.get(name.casefold())

    def declare(self, name: str, origin: Location) -> ColumnDraft:
        """The column of that name, made when it is new."""
        return self.columns.setdefault(name.casefold(), ColumnDraft(name, origin))

    def add_unique_key(self, columns: tuple[str, ...], origin: Location) -> None:
        """A unique key, unless the same is known."""
        if not any(same_names(key.value, columns) for key in self.unique_keys):
            self.unique_keys.append(Fact(columns, origin))

    def spread_keys(self) -> None:
        """Once all columns are declared: keys of one column, and columns that are never null, become their facts."""
        for key in [key for key in self.unique_keys if len(key.value) == 1]:
            column = self.declare(key.value[0], key.origin)
            column.unique = column.unique or Fact(True, key.origin)
            self.unique_keys.remove(key)
        for names in self.never_null:
            for name in names.value:
                column = self.declare(name, names.origin)
                column.not_null = column.not_null or Fact(True, names.origin)

    def set_primary_key(self, columns: tuple[str, ...], origin: Location, diagnostics: list[Diagnostic]) -> None:
        """The primary key; one that differs from an earlier one is reported and does not count."""
        before = self.primary_key
        if before is None:
            self.primary_key = Fact(columns, origin)
        elif not same_names(before.value, columns):
            diagnostics.append(
                contradiction(
                    f"the primary key of {self.name} is ({', '.join(columns)}) here",
                    f"({', '.join(before.value)})",
                    origin,
                    before.origin,
                )
            )

    def absorb(self, other: TableDraft, diagnostics: list[Diagnostic]) -> None:
        """Takes over what another entry says of the same table; what is known already stays."""
        for theirs in other.columns.values():
            ours = self.declare(theirs.name, theirs.origin)
            if theirs.data_type is not None:
                set_data_type(self, ours, theirs.data_type.value, theirs.data_type.origin, diagnostics)
            for name in (
                "description",
                "not_null",
                "unique",
                "accepted_values",
                "value_range",
                "matches",
                "annotation",
            ):
                if getattr(ours, name) is None:
                    setattr(ours, name, getattr(theirs, name))
        if other.primary_key is not None:
            self.set_primary_key(other.primary_key.value, other.primary_key.origin, diagnostics)
        for key in other.unique_keys:
            self.add_unique_key(key.value, key.origin)
        self.description = self.description or other.description
        self.annotation = self.annotation or other.annotation
        self.source = self.source or other.source
        self.data_file = self.data_file or other.data_file
        self.never_null += other.never_null
        self.keys += other.keys
        self.checks += other.checks
        self.rules += other.rules
        self.tags += other.tags
        self.declared_tests |= other.declared_tests
        self.data_tests += other.data_tests

    @property
    def history_entity(self) -> str | None:
        """The entity column of a `history:` annotation: such a table has several rows for one entity."""
        history = self.annotation.value.get("history") if self.annotation is not None else None
        entity = history.get("entity") if isinstance(history, dict) else None
        return entity if isinstance(entity, str) else None

    def joins_history(self, columns: Iterable[str]) -> bool:
        """Whether these columns name the entity of a history, so that many versions fit and none is the parent."""
        entity, wanted = self.history_entity, tuple(columns)
        return entity is not None and same_names([entity], wanted) and self.is_key(wanted) is not True

    def is_key(self, columns: Iterable[str]) -> bool | None:
        """Whether these columns identify a row; None when the project does not say what does."""
        wanted = tuple(columns)
        known = [key.value for key in (self.primary_key, *self.unique_keys) if key is not None]
        known += [(column.name,) for column in self.columns.values() if column.unique is not None]
        if any(same_names(key, wanted) for key in known):
            return True
        return None if self.primary_key is None else False

    def freeze(self, diagnostics: list[Diagnostic]) -> Table:
        """The finished table."""
        key = tuple(self._spelled(name) for name in self.primary_key.value) if self.primary_key else None
        unique = [
            Fact(tuple(self._spelled(name) for name in fact.value), fact.origin)
            for fact in self.unique_keys
            if key is None or not same_names(fact.value, key)
        ]
        for column in self.columns.values():
            if column.unique is not None and (key is None or not same_names((column.name,), key)):
                unique.append(Fact((column.name,), column.unique.origin))
        return Table(
            name=self.name,
            resource=self.resource,
            origin=self.origin,
            columns=tuple(_freeze_column(column, diagnostics) for column in self.columns.values()),
            description=self.description,
            primary_key=Fact(key, self.primary_key.origin) if key and self.primary_key else None,
            unique_keys=tuple(unique),
            foreign_keys=tuple(self.foreign_keys),
            joins=tuple(self.joins),
            checks=tuple(self.checks),
            annotation=self.annotation,
            source=self.source,
            tags=tuple(dict.fromkeys(self.tags)),
            data_file=self.data_file,
            built=self.built,
            declared_tests=frozenset(self.declared_tests),
            data_tests=tuple(self.data_tests),
        )

    def _spelled(self, name: str) -> str:
        column = self.column(name)
        return column.name if column else name


def _freeze_column(column: ColumnDraft, diagnostics: list[Diagnostic]) -> Column:
    values = column.accepted_values
    if values is not None and column.data_type is not None:
        values = Fact(_fit_values(values, column.data_type.value, diagnostics), values.origin)
    return Column(
        name=column.name,
        origin=column.origin,
        data_type=column.data_type,
        description=column.description,
        not_null=column.not_null,
        unique=column.unique,
        accepted_values=values,
        value_range=column.value_range,
        matches=column.matches,
        annotation=column.annotation,
    )


def _fit_values(
    values: Fact[tuple[Scalar, ...]], data_type: DataType, diagnostics: list[Diagnostic]
) -> tuple[Scalar, ...]:
    """YAML's values in the column's type: dbt compares their texts, so `1` and `'1'` are one value to it."""
    fitted: list[Scalar] = []
    for value in values.value:
        if data_type.kind is TypeKind.TEXT and isinstance(value, bool):
            diagnostics.append(
                Diagnostic(
                    "yaml-boolean",
                    f"an accepted value of a text column was read as {value}: YAML takes bare yes, no, on, off so",
                    values.origin,
                    Severity.WARNING,
                    "put the value in quotes",
                )
            )
            fitted.append(str(value))
        elif data_type.kind is TypeKind.TEXT:
            fitted.append(str(value))
        elif data_type.kind is TypeKind.INTEGER and isinstance(value, str) and re.fullmatch(r"[-+]?\d{1,18}", value):
            fitted.append(int(value))
        elif data_type.kind is TypeKind.BOOLEAN and isinstance(value, str) and value.lower() in ("true", "false"):
            fitted.append(value.lower() == "true")
        else:
            fitted.append(value)
    return tuple(dict.fromkeys(fitted))


def same_names(left: Iterable[str], right: Iterable[str]) -> bool:
    """Whether two lists hold the same columns, in any order and any case."""
    return sorted(name.casefold() for name in left) == sorted(name.casefold() for name in right)


def contradiction(said: str, before: str, origin: Location, other: Location) -> Diagnostic:
    """Two places that say different things; the one that was read first counts."""
    place = f" in {other.short}" if other.short else ""
    return Diagnostic(
        "contradiction",
        f"{said}, but {before}{place}; the latter counts",
        origin,
        Severity.WARNING,
        "make both places say the same",
    )


def settle(
    before: Fact[T] | None, now: Fact[T], subject: str, spoken: tuple[str, str], same: bool, found: list[Diagnostic]
) -> Fact[T]:
    """The fact that counts of two: the earlier, with a diagnostic when the later one differs.

    Args:
        before: what was said earlier, if anything.
        now: what is said here.
        subject: what both speak of.
        spoken: how to name the earlier and the present value.
        same: whether the two agree.
        found: where a contradiction goes.
    """
    if before is None:
        return now
    if not same:
        found.append(contradiction(f"{subject} is {spoken[1]} here", spoken[0], now.origin, before.origin))
    return before


def set_data_type(
    table: TableDraft, column: ColumnDraft, data_type: DataType, origin: Location, found: list[Diagnostic]
) -> None:
    """Notes a column's type; families that differ are a contradiction, sizes that differ are not."""
    before = column.data_type
    spoken = (before.value.text if before else "", data_type.text)
    same = before is None or before.value.kind is data_type.kind or {before.value.kind, data_type.kind} in _NEAR
    column.data_type = settle(
        before, Fact(data_type, origin), f"the type of {table.name}.{column.name}", spoken, same, found
    )
    values = enumerated_values(data_type.text)
    if values and column.accepted_values is None:
        column.accepted_values = Fact(values, origin)
