"""Which values a column can have, as far as that is known before rows are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from seedbed.plan import kinds
from seedbed.plan.resolved import (
    FromFile,
    Given,
    Part,
    ResolvedColumn,
    ResolvedLifecycle,
    ResolvedTable,
    VersionPart,
    Versions,
)
from seedbed.schema import Scalar

MAX_VALUES = 200
"""Values of one column that are listed."""
_MAX_STEPS = 12


def find_column(tables: Mapping[str, ResolvedTable], table: ResolvedTable, path: str) -> ResolvedColumn | None:
    """The column of a table, or of a row that its foreign keys lead to by a path; compared without case."""
    found = _find(tables, table, path)
    return found[1] if found else None


def known_values(
    tables: Mapping[str, ResolvedTable],
    lifecycles: Iterable[ResolvedLifecycle],
    table: ResolvedTable,
    path: str,
) -> tuple[Scalar, ...] | None:
    """Every value that the column at a path can have, null aside; None where they are not known, or many.

    Args:
        tables: all tables, by name.
        lifecycles: the processes that rows go through.
        table: where the path begins.
        path: a column, or a path to a parent's, such as `product_id.category`.
    """
    for _ in range(_MAX_STEPS):  # from copies and keys to what they are copies of
        found = _find(tables, table, path)
        if found is None:
            return None
        table, column = found
        if isinstance(column.generator, FromFile) and isinstance(table.rows, Given):
            return _few(text for text in table.rows.values.column(column.name).to_pylist() if text is not None)
        if column.reference and column.parent_column:
            table, path = tables[table.reference(column.reference).parent], column.parent_column
        elif isinstance(column.generator, kinds.Copy):
            path = column.generator.path
        else:
            return _made(lifecycles, table, column.generator)
    return None


def _made(
    lifecycles: Iterable[ResolvedLifecycle], table: ResolvedTable, generator: kinds.Generator
) -> tuple[Scalar, ...] | None:
    process = None
    match generator:
        case kinds.Constant(value=value):
            return () if value is None else (value,)
        case kinds.Boolean(p=p):
            return (*((True,) if p else ()), *((False,) if p < 1 else ()))
        case kinds.Choice(values=weights):
            return _few(value for value, weight in weights.items() if weight)
        case kinds.Each(values=values):
            return _few(values)
        case kinds.ChoiceBy(cases=cases, otherwise=otherwise):
            weighted = [*cases.values(), otherwise or {}]
            return _few(value for weights in weighted for value, weight in weights.items() if weight)
        case kinds.CaseBy(all_cases=made):
            known = [_made(lifecycles, table, case) for case in made]
            return None if None in known else _few(value for values in known for value in values or ())
        case kinds.Integer(min=least, max=most) if most - least < MAX_VALUES:
            return tuple(range(least, most + 1))
        case kinds.Lifecycle(lifecycle=name, part="state"):
            process = name
        case VersionPart(part=Part.STATE) if isinstance(table.rows, Versions):
            process = table.rows.lifecycle
    return next((_few(item.states) for item in lifecycles if item.name == process), None)


def _few(values: Iterable[Scalar]) -> tuple[Scalar, ...] | None:
    found = tuple(dict.fromkeys(values))
    return found if len(found) <= MAX_VALUES else None


def _find(
    tables: Mapping[str, ResolvedTable], table: ResolvedTable, path: str
) -> tuple[ResolvedTable, ResolvedColumn] | None:
    while True:
        folded = path.casefold()
        column = next((column for column in table.columns if column.name.casefold() == folded), None)
        if column is not None:
            return table, column
        head, _, path = path.partition(".")
        lead = table.lead(head)
        if lead is None or not path or lead.parent not in tables:
            return None
        table = tables[lead.parent]
