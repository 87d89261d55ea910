"""The promises of a table that are not about histories, as probes."""

from __future__ import annotations

from collections.abc import Iterator

from seedbed.check.probes import Probe, each_row, equal, known, literal, literals, name, names
from seedbed.plan.resolved import ForeignKeyPromise, Predicate, RangePromise, ResolvedPlan, ResolvedTable


def promise_probes(table: ResolvedTable, plan: ResolvedPlan) -> Iterator[Probe]:
    """Everything in the table's `Promises` except its history and its validity at other histories."""
    promises = table.promises
    if promises.primary_key:
        yield _unique(table, promises.primary_key, "the primary key is unique")
    for columns in promises.unique:
        yield _unique(table, columns, "values are unique")
    for column in dict.fromkeys((*promises.primary_key, *promises.not_null)):
        yield each_row(table, f"{column} is never null", [column], "true", f"{name(column)} is null")
    for column, values in promises.accepted_values.items():
        shown = ", ".join(map(str, values[:5])) + (", ..." if len(values) > 5 else "")
        yield each_row(
            table,
            f"{column} is one of {shown}",
            [column],
            known([column]),
            f"{name(column)} not in ({literals(values)})",
        )
    for bounds in promises.ranges:
        yield _range(table, bounds)
    for column, pattern in promises.matches.items():
        broken = f"not regexp_matches({name(column)}::varchar, {literal(pattern)})"
        yield each_row(table, f"{column} matches {pattern}", [column], known([column]), broken)
    for key in promises.foreign_keys:
        yield from _foreign_key(table, plan.table(key.parent), key)
    for determinant, dependent in promises.functional_dependencies:
        yield _functional_dependency(table, determinant, dependent)
    for predicate in promises.predicates:
        if predicate.says is None:  # The others are rules, with a probe of their own.
            yield _predicate(table, predicate)


def _predicate(table: ResolvedTable, predicate: Predicate) -> Probe:
    """A rule over one row. One that reads a column which is not written leaves nothing to look at."""
    written = {column.name for column in table.written_columns}
    if not written.issuperset(predicate.needs):
        return Probe(predicate.text, predicate.needs, "select 0", "select 1 where false")
    return each_row(table, predicate.text, predicate.needs, "true", f"not coalesce(({predicate.text}\n), true)")


def _unique(table: ResolvedTable, columns: tuple[str, ...], promise: str) -> Probe:
    source, key = name(table.name), names(columns)
    return Probe(
        f"{promise}: {', '.join(columns)}",
        columns,
        f"select count(*) from {source} where {known(columns)}",
        f'select {key}, count(*) as "rows" from {source} where {known(columns)} group by {key} having count(*) > 1',
    )


def _range(table: ResolvedTable, bounds: RangePromise) -> Probe:
    column, inside = name(bounds.column), []
    if bounds.minimum is not None:
        inside.append((">=" if bounds.minimum_included else ">", bounds.minimum))
    if bounds.maximum is not None:
        inside.append(("<=" if bounds.maximum_included else "<", bounds.maximum))
    spoken = " and ".join(f"{sign} {value}" for sign, value in inside)
    broken = " or ".join(f"not {column} {sign} {literal(value)}" for sign, value in inside) or "false"
    return each_row(table, f"{bounds.column} {spoken}", [bounds.column], known([bounds.column]), broken)


def _foreign_key(table: ResolvedTable, parent: ResolvedTable, key: ForeignKeyPromise) -> Iterator[Probe]:
    child, other = name(table.name), name(parent.name)
    spoken = f"{', '.join(key.columns)} -> {parent.name}({', '.join(key.parent_columns)})"
    found = f"select 1 from {other} as p where {equal('c', key.columns, 'p', key.parent_columns)}"
    yield Probe(
        f"foreign key: {spoken}",
        key.columns,
        f"select count(*) from {child} where {known(key.columns)}",
        f"select rowid + 1 as row, {names(key.columns)} from {child} as c "
        f"where {known(key.columns, 'c')} and not exists ({found})",
        (parent.name,),
    )
    if not key.nullable:
        broken = f"not ({known(key.columns)})"
        yield each_row(table, f"every row has a parent: {spoken}", key.columns, "true", broken)
    minimum, maximum = key.children.minimum, key.children.maximum
    if minimum == 0 and maximum is None:
        return
    most = "" if maximum is None else f" to {maximum}" if maximum != minimum else ""
    limits = f"{minimum}{most}" if maximum is not None else f"{minimum} or more"
    parents = f"select distinct {names(key.parent_columns)} from {other} where {known(key.parent_columns)}"
    children = (
        f"select {names(key.parent_columns, 'p')}, count(c.{name(key.columns[0])}) as children "
        f"from ({parents}) as p left join {child} as c on {equal('c', key.columns, 'p', key.parent_columns)} "
        f"group by {names(key.parent_columns, 'p')}"
    )
    too_many = "" if maximum is None else f" or children > {maximum}"
    yield Probe(
        f"each row of {parent.name} has {limits} rows here: {', '.join(key.columns)}",
        key.columns,
        f"select count(*) from ({parents})",
        f"select * from ({children}) where children < {minimum}{too_many}",
        (parent.name,),
    )


def _functional_dependency(table: ResolvedTable, determinant: tuple[str, ...], dependent: tuple[str, ...]) -> Probe:
    source, by = name(table.name), names(determinant)
    combinations = f"select distinct {by}, {names(dependent)} from {source} where {known(determinant)}"
    return Probe(
        f"{', '.join(determinant)} decides {', '.join(dependent)}",
        (*determinant, *dependent),
        f"select count(*) from {source} where {known(determinant)}",
        f'select {by}, count(*) as "different values" from ({combinations}) group by {by} having count(*) > 1',
    )
