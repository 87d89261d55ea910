"""Finds tables by the many names that a project has for them, and holds their foreign keys consistent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from seedbed.errors import Diagnostic, Location, Severity, closest
from seedbed.parsers.drafts import KeyDraft, TableDraft, contradiction, same_names
from seedbed.parsers.jinja import Reference
from seedbed.schema import Cardinality, ForeignKey, Resource

_ANY = Cardinality()
_ONE = Cardinality(1, 1)


@dataclass(slots=True)
class Lookup:
    """All tables read so far. Names are compared without case."""

    tables: list[TableDraft]
    model_files: Mapping[str, str]
    """Models with code, documented or not: folded name to file."""
    diagnostics: list[Diagnostic]
    _entities: dict[str, TableDraft] = field(default_factory=dict)

    def add(self, table: TableDraft) -> None:
        """Adds a table that is in no property file."""
        self.tables.append(table)

    def name_entity(self, name: str, table: TableDraft) -> None:
        """Notes which table an entity is."""
        self._entities[name.casefold()] = table

    def by_name(self, name: str) -> TableDraft | None:
        """The table of that dbt name (`source.table` for a source), or a stub of a model that has only code."""
        folded = name.casefold()
        found = next((table for table in self.tables if table.name.casefold() == folded), None)
        if found is None and folded in self.model_files:
            file = self.model_files[folded]
            found = TableDraft(name, Resource.MODEL, Location(file), name, built=True)
            self.tables.append(found)
        return found

    def by_source(self, name: str) -> list[TableDraft]:
        """The source tables that are called so, by their own name or their identifier."""
        folded = name.casefold()
        return [
            table
            for table in self.tables
            if table.source is not None
            and folded in (table.source.table_name.casefold(), table.source.identifier.casefold())
        ]

    def find(self, to: Reference | str) -> TableDraft | None:
        """The table that `ref()`, `source()` or a bare name speaks of."""
        if isinstance(to, Reference) and to.source is not None:
            wanted = (to.source.casefold(), to.name.casefold())
            return next(
                (
                    table
                    for table in self.tables
                    if table.source is not None
                    and (table.source.source_name.casefold(), table.source.table_name.casefold()) == wanted
                ),
                None,
            )
        if isinstance(to, Reference):
            return self.by_name(to.name)
        entity = self._entities.get(to.casefold())
        if entity is not None or self.by_name(to) is not None:
            return entity or self.by_name(to)
        sources = self.by_source(to.split(".")[-1])
        return sources[0] if len(sources) == 1 else None

    def entity(self, name: str, alias: str | None = None, origin: Location | None = None) -> TableDraft | None:
        """The table that an entity of a diagram is, or None when it is in no property file and no model builds it.

        A seed or model of that name comes before a source; of several sources none is chosen.
        """
        known = self._entities.get(name.casefold())
        if known is not None:
            return known
        for candidate in (name, alias):
            if candidate is None:
                continue
            found, sources = self.by_name(candidate), self.by_source(candidate)
            others = [table for table in sources if table is not found]
            if found is not None:
                if others and origin is not None and found.built:
                    self._note_choice(name, found, others, origin)
                return found
            if len(sources) == 1:
                return sources[0]
            if sources and origin is not None:
                names = ", ".join(table.name for table in sources)
                self.diagnostics.append(
                    Diagnostic(
                        "ambiguous-entity",
                        f"the entity {name} may be any of {names}; it is taken as a table of its own",
                        origin,
                        Severity.WARNING,
                        f'name the entity "{sources[0].name}"',
                    )
                )
        return None

    def _note_choice(self, name: str, chosen: TableDraft, others: list[TableDraft], origin: Location) -> None:
        self.diagnostics.append(
            Diagnostic(
                "entity-choice",
                f"the entity {name} is taken as the model {chosen.name}, not as {', '.join(o.name for o in others)}",
                origin,
                Severity.NOTE,
                f'name the entity "{others[0].name}" if the source is meant',
            )
        )

    @property
    def entities(self) -> list[TableDraft]:
        """The tables that diagrams show."""
        return list(self._entities.values())

    def resolve_keys(self) -> None:
        """Turns the foreign keys that name their parent into foreign keys to tables."""
        for table in list(self.tables):
            for key in table.keys:
                self._resolve_key(table, key)

    def _resolve_key(self, child: TableDraft, key: KeyDraft) -> None:
        parent = self.find(key.to)
        if parent is None:
            names = [table.name for table in self.tables]
            wanted = key.to if isinstance(key.to, str) else key.to.name
            self._warn(
                "unknown-table",
                f"{_spoken_columns(child.name, key.columns)} refers to {key.to}, "
                "which this project neither documents nor builds",
                key.origin,
                closest(wanted, names) or "document the table, or correct its name",
            )
            return
        parent_columns = key.parent_columns or self._implied_columns(parent, key)
        if parent_columns is None or len(parent_columns) != len(key.columns):
            self._warn(
                "unknown-join",
                f"{child.name} ({', '.join(key.columns)}) refers to {parent.name}, but not by which columns",
                key.origin,
                "add to_columns: [...], as many as columns",
            )
            return
        if parent.joins_history(parent_columns):
            self.diagnostics.append(
                Diagnostic(
                    "point-in-time-join",
                    f"{child.name} joins the history {parent.name} by its entity {parent.history_entity}: "
                    "a join at a point in time, not a foreign key",
                    key.origin,
                    Severity.NOTE,
                )
            )
            return
        self.require(child, key.columns, key.origin)
        self.require(parent, parent_columns, key.origin)
        columns = tuple(self._spelled(child, name) for name in key.columns)
        theirs = tuple(self._spelled(parent, name) for name in parent_columns)
        self.add_foreign_key(
            child,
            ForeignKey(columns, parent.name, theirs, key.origin, key.children or _ANY, key.parents or _ONE, key.label),
        )

    def _implied_columns(self, parent: TableDraft, key: KeyDraft) -> tuple[str, ...] | None:
        if parent.primary_key is not None:
            return parent.primary_key.value
        return key.columns if all(parent.column(name) is not None for name in key.columns) else None

    def _spelled(self, table: TableDraft, name: str) -> str:
        column = table.column(name)
        return column.name if column else name

    def require(self, table: TableDraft, names: Iterable[str], origin: Location) -> None:
        """Declares columns that only a key or a test names; in a table that lists its columns that is reported."""
        for name in names:
            if table.column(name) is not None:
                continue
            if table.columns and not table.built:
                self._warn(
                    "undocumented-column",
                    f"{table.name} has no column {name} in its documentation; it is added",
                    origin,
                    closest(name, [column.name for column in table.columns.values()])
                    or f"document {name} under {table.name}",
                )
            table.declare(name, origin)

    def add_foreign_key(self, child: TableDraft, key: ForeignKey) -> None:
        """Adds a foreign key; one on the same columns adds what it knows, or contradicts."""
        forced = next((c for n in key.columns if (c := child.column(n)) is not None and c.not_null is not None), None)
        if key.parents.minimum == 0 and forced is not None and forced.not_null is not None:
            self.diagnostics.append(
                contradiction(
                    f"{child.name}.{forced.name} may be null here, a row without {key.parent}",
                    "it is not null",
                    key.origin,
                    forced.not_null.origin,
                )
            )
            key = replace(key, parents=Cardinality(1, key.parents.maximum))
        before = next((known for known in child.foreign_keys if same_names(known.columns, key.columns)), None)
        if before is None:
            child.foreign_keys.append(key)
            return
        if before.parent.casefold() != key.parent.casefold() or not _same_pairs(before, key):
            self.diagnostics.append(
                contradiction(
                    f"{_spoken_columns(child.name, key.columns)} refers to "
                    f"{_spoken_columns(key.parent, key.parent_columns)} here",
                    f"to {_spoken_columns(before.parent, before.parent_columns)}",
                    key.origin,
                    before.origin,
                )
            )
            return
        if key.children != _ANY and before.children not in (_ANY, key.children):
            self.diagnostics.append(
                contradiction(
                    f"a {key.parent} has {spoken(key.children)} rows of {child.name} here",
                    spoken(before.children),
                    key.origin,
                    before.origin,
                )
            )
        merged = replace(
            before,
            children=key.children if before.children == _ANY else before.children,
            parents=key.parents if before.parents == _ONE else before.parents,
            label=before.label or key.label,
        )
        child.foreign_keys[child.foreign_keys.index(before)] = merged

    def _warn(self, code: str, message: str, place: Location, hint: str | None = None) -> None:
        self.diagnostics.append(Diagnostic(code, message, place, Severity.WARNING, hint))


def _same_pairs(one: ForeignKey, other: ForeignKey) -> bool:
    def pairs(key: ForeignKey) -> set[tuple[str, str]]:
        return {(a.casefold(), b.casefold()) for a, b in zip(key.columns, key.parent_columns, strict=True)}

    return pairs(one) == pairs(other)


def _spoken_columns(table: str, columns: Iterable[str]) -> str:
    return f"{table} ({', '.join(columns)})"


def spoken(cardinality: Cardinality) -> str:
    """A cardinality as people write it: `1`, `0..1`, `0..n`."""
    if cardinality.minimum == cardinality.maximum:
        return str(cardinality.minimum)
    return f"{cardinality.minimum}..{'n' if cardinality.maximum is None else cardinality.maximum}"
