"""Finds values that wait for each other in a circle, and keys that do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import networkx as nx

from seedbed.plan import kinds
from seedbed.plan.draft import Drafts
from seedbed.plan.resolved import OnDay, PerParent, ResolvedTable, Tree, ValidAt, Versions, Via


def check_cycles(drafts: Drafts, tables: Sequence[ResolvedTable]) -> None:
    """Values may not wait for each other in a circle; keys may, and are only warned about."""
    graph: nx.DiGraph[tuple[str, str]] = nx.DiGraph()
    by_name = {table.name: table for table in tables}
    for table in tables:
        _add_edges(graph, table, by_name)
    try:
        cycle = nx.find_cycle(graph)
    except nx.NetworkXNoCycle:
        _warn_of_key_cycles(drafts, tables)
        return
    steps = [f"{table}.{column}".replace("@", "") for (table, column), *_ in cycle]
    first = drafts.tables[cycle[0][0][0]]
    drafts.error(
        "circle",
        f"values wait for each other: {' needs '.join([*steps, steps[0]])}",
        first.place(cycle[0][0][1].removesuffix("@")),
        "let one of them not depend on the others",
    )


def _add_edges(graph: nx.DiGraph[tuple[str, str]], table: ResolvedTable, tables: Mapping[str, ResolvedTable]) -> None:
    rows = (table.name, "its rows")
    if isinstance(table.rows, PerParent | Versions):
        parent = table.reference(table.rows.reference).parent
        graph.add_edge(rows, (parent, "its rows"))
    if table.appears_at:
        graph.add_edge(rows, (table.name, table.appears_at))
    for column in table.columns:
        here = (table.name, column.name)
        if column.reference:
            _add_reference_edges(graph, table, column.reference, here)
            parent = table.reference(column.reference).parent
            graph.add_edge(here, (parent, column.parent_column or ""))
        for path in column.needs:
            _add_path_edges(graph, table, path, here, tables)
        if isinstance(column.generator, kinds.Rollup) and column.generator.table in tables:
            child = tables[column.generator.table]
            graph.add_edge(here, (child.name, column.generator.column or "its rows"))


def _add_reference_edges(
    graph: nx.DiGraph[tuple[str, str]], table: ResolvedTable, name: str, here: tuple[str, str]
) -> None:
    reference = table.reference(name)
    if isinstance(reference.finding, OnDay):
        graph.add_edge(here, (table.name, reference.finding.of))
    elif isinstance(reference.finding, ValidAt):
        graph.add_edge(here, (table.name, reference.finding.at))


def _add_path_edges(
    graph: nx.DiGraph[tuple[str, str]],
    table: ResolvedTable,
    path: str,
    here: tuple[str, str],
    tables: Mapping[str, ResolvedTable],
) -> None:
    names = {column.name.casefold(): column.name for column in table.columns}
    if path.casefold() in names:
        graph.add_edge(here, (table.name, names[path.casefold()]))
        return
    head, _, tail = path.partition(".")
    lead = table.lead(head)
    if lead is None or lead.parent not in tables:
        return
    _add_reference_edges(graph, table, lead.name, here)
    if isinstance(lead.finding, Tree):
        return  # A row of the same table with a lower number: the circle ends at the roots.
    _add_path_edges(graph, tables[lead.parent], tail, here, tables)


def _warn_of_key_cycles(drafts: Drafts, tables: Sequence[ResolvedTable]) -> None:
    """Tables that must refer to each other are made all the same, but no warehouse can load them key by key."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for table in tables:
        for reference in table.references:
            optional = reference.null or reference.when or isinstance(reference.finding, Tree | Via)
            if reference.columns and not optional and reference.parent != table.name:
                graph.add_edge(table.name, reference.parent)
    for cycle in nx.simple_cycles(graph, length_bound=8):
        drafts.warn(
            "key-circle",
            f"foreign keys that must not be null run in a circle: {' -> '.join([*cycle, cycle[0]])}; the rows are "
            "made, but a database that enforces keys cannot load one table before the other",
            drafts.tables[cycle[0]].place(),
            "let one of the keys be null in some rows: foreign_key(..., null=0.1)",
        )
        break
