"""The tables while they are being resolved: what is settled so far, and the problems found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from seedbed.documents import Document
from seedbed.errors import Diagnostic, Location, Severity
from seedbed.plan import kinds
from seedbed.plan.entries import TableSaid
from seedbed.plan.resolved import Days, Fixed, FromFile, Given, PerParent, Reference, ResolvedLifecycle, Rows, Versions
from seedbed.plan.spec import Plan
from seedbed.plan.text_pools import TextPool
from seedbed.schema import Schema, Table

UNIQUE_KINDS = (kinds.Sequence, kinds.Uuid, kinds.HashKey)


@dataclass(slots=True)
class Draft:
    """One table, partly resolved.

    `generators` holds every column's, hidden ones too; `carried` maps a foreign-key column to its reference
    and the parent's column; `moments` maps a column that holds a day's key to the hidden one with the moment.
    """

    table: Table
    said: TableSaid
    rows: Rows | None = None
    generators: dict[str, kinds.Generator] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)
    references: dict[str, Reference] = field(default_factory=dict)
    carried: dict[str, tuple[str, str]] = field(default_factory=dict)
    moments: dict[str, str] = field(default_factory=dict)
    written: bool = True

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell rows apart: as declared, else those whose generator makes each value once."""
        if self.table.primary_key:
            return self.table.primary_key.value
        if self.table.unique_keys:
            return self.table.unique_keys[0].value
        declared = [column.name for column in self.table.columns if column.unique]
        made = [name for name, generator in self.generators.items() if self.is_unique(generator)]
        return tuple((declared or made)[:1])

    def is_unique(self, generator: kinds.Generator) -> bool:
        """Whether the generator gives every row of this table another value."""
        match generator:
            case kinds.Sequence() | kinds.Uuid() | kinds.HashKey():
                return True
            case kinds.Pattern() | kinds.Fake():
                return generator.unique
            case FromFile(distinct=distinct, gaps=gaps):
                return distinct and not gaps
            case kinds.Each(values=values):
                return isinstance(self.rows, Fixed) and self.rows.count <= len(values)
            case kinds.Calendar(part="key" | "date", of=None):
                return isinstance(self.rows, Days)
        return False

    @property
    def from_file(self) -> tuple[str, ...]:
        """The columns whose values stand in a file."""
        return self.rows.columns if isinstance(self.rows, Given) else ()

    @property
    def driving(self) -> str | None:
        """The name of the reference to the parent that drives this table's rows."""
        return self.rows.reference if isinstance(self.rows, PerParent | Versions) else None

    @property
    def during(self) -> str | None:
        """The column with the moment at which a row appears."""
        return next((name for name, item in self.generators.items() if isinstance(item, kinds.During)), None)

    @property
    def appears(self) -> str | None:
        """The column with the moment from which a row can be read."""
        return kinds.ARRIVED if kinds.ARRIVED in self.generators else self.during

    @property
    def gone(self) -> str | None:
        """The column with the moment from which a row is no longer there: nothing else shows that it is deleted."""
        shown = any(isinstance(item, kinds.DeletedAt | kinds.IsDeleted) for item in self.generators.values())
        return kinds.DELETED if kinds.DELETED in self.generators and not shown else None

    @property
    def dense(self) -> bool:
        """Whether the table's rows are numbered without gaps: none appears between others as time goes on."""
        return self.rows.dense if isinstance(self.rows, PerParent | Versions) else self.appears is None

    def known(self, name: str) -> str | None:
        """The column of that name, compared without case, as it is spelled here."""
        folded = name.casefold()
        return next((column for column in self.generators if column.casefold() == folded), None)

    def place(self, column: str | None = None) -> Location:
        """Where the plan or the project speaks of this table or of one of its columns."""
        said = self.said.columns.get(column) if column else None
        return said.origin if said else self.said.origin

    def lead(self, head: str) -> Reference | None:
        """The reference that the first part of a path means (as `ResolvedTable.lead`)."""
        for reference in self.references.values():
            if head == reference.name or head in reference.columns:
                return reference
        to_parent = [reference for reference in self.references.values() if reference.parent == head]
        return to_parent[0] if len(to_parent) == 1 else None


@dataclass(slots=True)
class Drafts:
    """All tables, partly resolved, with what applies to them all."""

    schema: Schema
    plan: Plan
    document: Document
    tables: dict[str, Draft] = field(default_factory=dict)
    lifecycles: dict[str, ResolvedLifecycle] = field(default_factory=dict)
    pools: dict[str, TextPool] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    files: Mapping[str, str] = field(default_factory=dict)
    """Texts of files beside the plan that are not written yet, by path."""

    def __iter__(self) -> Iterator[Draft]:
        return iter(tuple(self.tables.values()))

    def find(self, name: str) -> Draft | None:
        """The table of that name, compared without case; a source table also by its name alone if that is clear."""
        folded = name.casefold()
        for key, draft in self.tables.items():
            if key.casefold() == folded:
                return draft
        short = [draft for key, draft in self.tables.items() if key.casefold().rpartition(".")[2] == folded]
        return short[0] if len(short) == 1 else None

    def error(self, code: str, message: str, place: Location, hint: str | None = None) -> None:
        self.diagnostics.append(Diagnostic(code, message, place, Severity.ERROR, hint))

    def warn(self, code: str, message: str, place: Location, hint: str | None = None) -> None:
        self.diagnostics.append(Diagnostic(code, message, place, Severity.WARNING, hint))
