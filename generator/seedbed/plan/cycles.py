"""Finds values that wait for each other in a circle, and keys that do."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from seedbed.plan import kinds
from seedbed.plan.draft import Drafts
from seedbed.plan.needs import names_in_sql
from seedbed.plan.resolved import (
    Driving,
    LookedUp,
    OnDay,
    PerParent,
    Predicate,
    Reference,
    ResolvedColumn,
    ResolvedLifecycle,
    ResolvedTable,
    Tree,
    ValidAt,
    VersionPart,
    Versions,
    Via,
)

Node = tuple[str, str]
"""A table, and one of its columns, one of its references (`-> name`), or `its rows`."""
_ROWS = "its rows"

N = TypeVar("N", bound=Hashable)


def check_cycles(
    drafts: Drafts, tables: Mapping[str, ResolvedTable], lifecycles: Sequence[ResolvedLifecycle], *, keys: bool = True
) -> bool:
    """Whether no values wait for each other in a circle, which is reported; `keys` may, and are only warned about."""
    wiring = _Wiring(tables, lifecycles)
    for table in tables.values():
        wiring.add(table)
    nodes = _find_circle(wiring.waits)
    if not nodes:
        if keys:
            _warn_of_key_cycles(drafts, tables.values())
        return True
    steps = [f"{table}.{column}".replace("@", "").replace(".->", " ->") for table, column in nodes]
    first = drafts.tables[nodes[0][0]]
    drafts.error(
        "circle",
        f"values wait for each other: {' needs '.join([*steps, steps[0]])}",
        first.place(nodes[0][1].removesuffix("@").removeprefix("-> ")),
        "let one of them not depend on the others",
    )
    return False


@dataclass(frozen=True, slots=True)
class _Wiring:
    """Collects what each value, reference and row of a table waits for."""

    tables: Mapping[str, ResolvedTable]
    lifecycles: Sequence[ResolvedLifecycle]
    waits: dict[Node, dict[Node, None]] = field(default_factory=dict)
    """For each node those that it waits for, in the order in which they were found."""

    def add(self, table: ResolvedTable) -> None:
        self._add_rows(table)
        for reference in table.references:
            self._add_reference(table, reference)
        for column in table.columns:
            self._add_column(table, column)
        for predicate in table.promises.predicates:
            self._add_predicate(table, predicate)

    def _wait(self, here: Node, needed: Node) -> None:
        self.waits.setdefault(here, {})[needed] = None

    def _add_predicate(self, table: ResolvedTable, predicate: Predicate) -> None:
        """What is drawn again waits for the parents' values that decide whether it has to be."""
        names = {column.name.casefold() for column in table.columns}
        for path in predicate.needs:
            lead = table.lead(path.partition(".")[0]) if path.casefold() not in names else None
            if lead is None or isinstance(lead.finding, Tree):
                continue
            for name in (*predicate.redrawn, *(f"-> {reference}" for reference in predicate.references)):
                self._add_path(self.tables[lead.parent], path.partition(".")[2], (table.name, name))

    def _add_rows(self, table: ResolvedTable) -> None:
        rows = (table.name, _ROWS)
        if isinstance(table.rows, PerParent | Versions):
            parent = self.tables[table.reference(table.rows.reference).parent]
            self._wait(rows, (parent.name, _ROWS))
            if isinstance(table.rows, Versions):
                self._add_walk(rows, table.rows.lifecycle)
            else:
                for text in filter(None, (table.rows.where, *(limit.when for limit in table.rows.limits))):
                    for path in names_in_sql(text, _names(parent)):
                        self._add_path(parent, path, rows)
        for moment in (table.appears_at, table.gone_at):
            if moment:
                self._wait(rows, (table.name, moment))

    def _add_reference(self, table: ResolvedTable, reference: Reference) -> None:
        here = (table.name, f"-> {reference.name}")
        match reference.finding:
            case OnDay(of=of):
                self._wait(here, (table.name, of))
            case ValidAt(entity=entity, at=at):
                self._wait(here, (table.name, at))
                self._wait(here, (table.name, f"-> {entity}"))
                rows = self.tables[reference.parent].rows
                if isinstance(rows, Versions):
                    self._add_walk(here, rows.lifecycle)
            case Via(path=steps):
                through = table
                for name in steps:
                    self._wait(here, (through.name, f"-> {name}"))
                    through = self.tables[through.reference(name).parent]
            case LookedUp():
                for target in reference.columns.values():
                    self._wait(here, (reference.parent, target))
            case Driving() | Tree():
                pass
            case _:
                self._wait(here, (reference.parent, _ROWS))
        if reference.varies_by:
            self._add_path(table, reference.varies_by, here)
        if reference.when:
            for path in names_in_sql(reference.when, _names(table)):
                self._add_path(table, path, here)

    def _add_column(self, table: ResolvedTable, column: ResolvedColumn) -> None:
        here = (table.name, column.name)
        if column.reference:
            self._wait(here, (table.name, f"-> {column.reference}"))
            reference = table.reference(column.reference)
            if not isinstance(reference.finding, Tree):
                self._wait(here, (reference.parent, column.parent_column or ""))
        for path in (*column.needs, *([column.varies_by] if column.varies_by else [])):
            self._add_path(table, path, here)
        match column.generator:
            case kinds.Rollup(table=child, column=name):
                self._wait(here, (child, _ROWS))
                if name:
                    self._wait(here, (child, name))
            case kinds.Lifecycle(lifecycle=lifecycle):
                self._add_walk(here, lifecycle)
            case kinds.During(lifecycle=lifecycle):
                self._add_walk(here, lifecycle)
                entity = next(item.entity for item in self.lifecycles if item.name == lifecycle)
                for reference in table.references:
                    if reference.parent == entity:
                        self._wait(here, (table.name, f"-> {reference.name}"))
                        break
            case VersionPart() if isinstance(table.rows, Versions):
                self._add_walk(here, table.rows.lifecycle)
            case kinds.ChangedAt() | kinds.LoadedAt():
                # When a value changed can follow from the value itself.
                for other in table.written_columns:
                    reads = {name.casefold() for name in other.needs}
                    follows = column.name.casefold() in reads and not getattr(other.generator, "known", False)
                    if not isinstance(other.generator, kinds.ChangedAt | kinds.LoadedAt) and not follows:
                        self._wait(here, (table.name, other.name))

    def _add_walk(self, here: Node, lifecycle: str) -> None:
        process = next(item for item in self.lifecycles if item.name == lifecycle)
        if process.depends_on:
            self._add_path(self.tables[process.entity], process.depends_on, here)

    def _add_path(self, table: ResolvedTable, path: str, here: Node) -> None:
        """`path` is a column, a reference, or a parent's path."""
        names = {column.name.casefold(): column.name for column in table.columns}
        if path.casefold() in names:
            self._wait(here, (table.name, names[path.casefold()]))
            return
        head, _, tail = path.partition(".")
        lead = table.lead(head)
        if lead is None or lead.parent not in self.tables:
            return
        self._wait(here, (table.name, f"-> {lead.name}"))
        if tail and not isinstance(lead.finding, Tree):
            # A tree leads to rows of the same table with lower numbers: that circle ends at the roots.
            self._add_path(self.tables[lead.parent], tail, here)


def _names(table: ResolvedTable) -> tuple[str, ...]:
    leads = [name for reference in table.references for name in (reference.name, reference.parent)]
    return (*(column.name for column in table.columns), *leads)


def _warn_of_key_cycles(drafts: Drafts, tables: Iterable[ResolvedTable]) -> None:
    """Tables that must refer to each other are made all the same, but no warehouse can load them key by key."""
    graph: dict[str, list[str]] = {}
    for table in tables:
        for reference in table.references:
            optional = reference.null or reference.when or isinstance(reference.finding, Tree | Via)
            if reference.columns and not optional and reference.parent != table.name:
                graph.setdefault(table.name, []).append(reference.parent)
    cycle = _find_circle(graph)
    if cycle:
        drafts.warn(
            "key-circle",
            f"foreign keys that must not be null run in a circle: {' -> '.join([*cycle, cycle[0]])}; the rows are "
            "made, but a database that enforces keys cannot load one table before the other",
            drafts.tables[cycle[0]].place(),
            "let one of the keys be null in some rows: foreign_key(..., null=0.1)",
        )


def _find_circle(graph: Mapping[N, Collection[N]]) -> list[N]:
    """The first circle of a depth-first search, each node followed by one that it leads to; empty if there is none."""
    done: set[N] = set()
    for start in graph:
        # The way to where the search is, with what each node on it has yet to try.
        way: dict[N, Iterator[N]] = {start: iter(graph[start])} if start not in done else {}
        while way:
            here = next(reversed(way))
            for there in way[here]:
                if there in way:
                    nodes = list(way)
                    return nodes[nodes.index(there) :]
                if there not in done:
                    way[there] = iter(graph.get(there, ()))
                    break
            else:
                done.add(here)
                del way[here]
    return []
