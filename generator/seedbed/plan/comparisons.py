"""Finds conditions that ask for a value which a column never has: `status = 'sent'` where nothing is ever sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from seedbed.errors import Diagnostic, Location, Severity, closest
from seedbed.plan import kinds
from seedbed.plan.expressions import ExpressionError, compared_texts
from seedbed.plan.known_values import known_values
from seedbed.plan.resolved import PerParent, ResolvedLifecycle, ResolvedTable

_SHOWN = 10


def find_unknown_values(
    tables: Mapping[str, ResolvedTable], lifecycles: Iterable[ResolvedLifecycle], places: Mapping[str, Location]
) -> Iterator[Diagnostic]:
    """A warning for each text that a condition compares a column with, and that is none of the column's values.

    Args:
        tables: all tables, by name.
        lifecycles: the processes that rows go through.
        places: where each table's entry stands in the plan.
    """
    processes = tuple(lifecycles)
    for table in tables.values():
        for spoken, home, text, place in _conditions(tables, table, places[table.name]):
            for path, literal in _compared(text):
                values = known_values(tables, processes, home, path)
                if not values or not all(isinstance(value, str) for value in values) or literal in values:
                    continue
                listed = [str(value) for value in values]
                more = len(listed) - _SHOWN
                shown = ", ".join(listed[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
                yield Diagnostic(
                    "unknown-value",
                    f'{spoken} asks whether {path} is "{literal}", which it never is',
                    place,
                    Severity.WARNING,
                    closest(literal, listed) or f"its values are {shown}",
                )


def _conditions(
    tables: Mapping[str, ResolvedTable], table: ResolvedTable, place: Location
) -> Iterator[tuple[str, ResolvedTable, str, Location]]:
    """What the condition is of, the table whose row it is about, its SQL, and where it stands."""
    for column in table.columns:
        name = f"{table.name}.{column.name}"
        if column.generator.when:
            yield name, table, column.generator.when, column.origin
        if isinstance(column.generator, kinds.Sql):
            yield name, table, column.generator.expression, column.origin
    if isinstance(table.rows, PerParent) and table.rows.where:
        parent = tables[table.reference(table.rows.reference).parent]
        yield f"the rows of {table.name}", parent, table.rows.where, place
    for rule in table.promises.rules:
        for condition in rule.conditions.values():
            yield f'the rule "{rule.says}"', table, condition.sql, rule.origin


def _compared(text: str) -> tuple[tuple[str, str], ...]:
    try:
        return compared_texts(text)
    except ExpressionError:
        return ()  # It was compiled before; what is wrong with it is said there.
