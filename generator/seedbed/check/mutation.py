"""Whether a business rule says anything: some deliberately broken copy of the rows must violate it.

A rule that no broken copy violates holds whatever the rows are, like `amount >= 0 or amount < 0`; a check of it would
pass for ever, and prove nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

from seedbed.check.probes import literal, name
from seedbed.check.rules import rule_probe
from seedbed.plan import rules
from seedbed.plan.resolved import ResolvedColumn, ResolvedPlan, ResolvedTable
from seedbed.plan.rulings import RulePromise
from seedbed.schema import TypeKind

Copy = tuple[str, str]
"""A table, and the query that makes its broken copy from its `original`."""

_NUMBERS = (TypeKind.INTEGER, TypeKind.DECIMAL, TypeKind.FLOAT)
_MOMENTS = (TypeKind.DATE, TypeKind.TIMESTAMP, TypeKind.TIMESTAMP_TZ)
_OTHER_VALUES = 12


def says_something(
    connection: duckdb.DuckDBPyConnection, plan: ResolvedPlan, table: ResolvedTable, promise: RulePromise
) -> bool:
    """Whether some broken copy of the rows violates the rule, or there are no rows to break.

    Args:
        connection: holds the rows, each table under its name; it does so again afterwards.
        plan: the plan that the rows come from.
        table: the table that the rule is about.
        promise: the rule.
    """
    probe = rule_probe(table, promise)
    guilty = f"select count(*) from ({probe.guilty})"
    if not _count(connection, f"select count(*) from {name(table.name)}") or _count(connection, guilty):
        return True
    for broken, query in _copies(connection, plan, table, promise):
        source, original = name(broken), name(_original(broken))
        connection.execute(f"alter table {source} rename to {original}")
        try:
            connection.execute(f"create table {source} as {query}")
            if _count(connection, guilty):
                return True
        except duckdb.Error:
            continue  # The copy has values that its columns, or the rule's arithmetic, cannot hold.
        finally:
            connection.execute(f"drop table if exists {source}")
            connection.execute(f"alter table {original} rename to {source}")
    return False


def _count(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    ((count,),) = connection.execute(query).fetchall()
    return int(count)


def _original(table: str) -> str:
    return f"{table} original"


def _copies(
    connection: duckdb.DuckDBPyConnection, plan: ResolvedPlan, table: ResolvedTable, promise: RulePromise
) -> Iterator[Copy]:
    """Broken copies, the likeliest to violate the rule first."""
    for broken, columns in _concerned(plan, table, promise):
        for column in columns:
            for value in _broken_values(connection, broken, column):
                for part in ("true", "rowid % 2 = 0"):
                    yield broken.name, _replacing(broken, column.name, f"case when {part} then {value} else it end")
    match promise.rule:
        case rules.Children(table=child) | rules.SumOfChildren(table=child):
            changed = [plan.table(child), table]
        case _:
            changed = [table]
    for broken in changed:
        yield broken.name, f"select * from {name(_original(broken.name))} where false"
        yield broken.name, " union all ".join([f"select * from {name(_original(broken.name))}"] * 9)


def _replacing(table: ResolvedTable, column: str, value: str) -> str:
    """The rows with another value in one column, which `value` calls `it`; `rowid` stays the row's place."""
    names = ", ".join(
        f"({value}) as {name(other.name)}" if other.name == column else name(other.name)
        for other in table.written_columns
    )
    original = name(_original(table.name))
    return f"select {names} from (select rowid, *, {name(column)} as it from {original}) order by rowid"


def _concerned(
    plan: ResolvedPlan, table: ResolvedTable, promise: RulePromise
) -> list[tuple[ResolvedTable, list[ResolvedColumn]]]:
    """The columns that the rule is about, by table."""
    found: dict[str, dict[str, None]] = {}

    def note(where: str, *columns: str) -> None:
        found.setdefault(where, {}).update(dict.fromkeys(columns))

    for condition in promise.conditions.values():
        paths = {read.path for read in condition.reads}
        note(table.name, *(need for need in condition.needs if need not in paths))
        for read in condition.reads:
            here = table.name
            for step in read.steps:
                note(here, *step.columns)
                here = step.parent
            note(here, read.column)
    match promise.rule:
        case rules.Depends(on=on, columns=columns):
            note(table.name, *columns, *on)
        case rules.Concentration(column=column):
            note(table.name, column)
        case rules.Increasing(column=column, per=per, by=by):
            note(table.name, column, by, *per)
        case rules.Unique(columns=columns):
            note(table.name, *columns)
        case rules.Children(table=child) if promise.key:
            note(child, *promise.key.columns)
        case rules.SumOfChildren(table=child, column=column) if promise.key:
            note(child, column, *promise.key.columns)
    tables = {where: plan.table(where) for where in found}
    return [(tables[where], [tables[where].column(column) for column in columns]) for where, columns in found.items()]


def _broken_values(
    connection: duckdb.DuckDBPyConnection, table: ResolvedTable, column: ResolvedColumn
) -> Iterator[str]:
    """SQL for values in the place of `it`: another row's, shifted, extreme, other accepted."""
    kind, source = column.data_type.kind, name(column.name)
    over = "over (order by rowid rows between unbounded preceding and unbounded following)"
    yield f"coalesce(lag(it) over (order by rowid), last(it) {over})"
    yield f"first(it) {over}"
    yield f"min(it) {over}"
    yield f"max(it) {over}"
    if kind in _NUMBERS:
        yield f"it - (max(it) {over} - min(it) {over}) - 1"
        yield f"it + (max(it) {over} - min(it) {over}) + 1"
        yield "-it"
        yield "0"
        yield "-1000 * abs(it) - 1"
        yield "1000 * abs(it) + 1"
        yield "rowid"
        yield "-rowid"
    elif kind in _MOMENTS:
        yield from (f"it {sign} interval '{days} days'" for days in (1, 2, 3, 4, 5, 6, 400, 40_000) for sign in "+-")
        if kind is not TypeKind.DATE:
            # Every weekday at some hours: rules about opening times speak of both.
            yield from (
                f"date_trunc('day', it) + interval '{days} days' + interval '{hours} hours'"
                for days in range(7)
                for hours in (3, 7, 12, 17, 21)
            )
        yield f"min(it) {over} + to_days(rowid::integer)"
        yield f"max(it) {over} - to_days(rowid::integer)"
    elif kind is TypeKind.BOOLEAN:
        yield from ("not it", "true", "false")
    values = table.promises.accepted_values.get(column.name)
    if values is None:
        there = f"select distinct {source} from {name(table.name)} where {source} is not null"
        found = connection.execute(f"{there} order by 1 limit {_OTHER_VALUES}").fetchall()
        values = ("?", *(str(value) for (value,) in found))
    if kind is TypeKind.TEXT:
        yield from (literal(value) for value in values[: _OTHER_VALUES + 1])
