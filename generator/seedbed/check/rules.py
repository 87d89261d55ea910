"""Business rules as probes: one for each kind, in SQL over the written rows and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from seedbed.check.probes import Probe, equal, known, name, names
from seedbed.plan import rules
from seedbed.plan.resolved import ResolvedTable
from seedbed.plan.rulings import Condition, RulePromise, Step

_ROW = '"row of the file"'
_DEVIATIONS = 4
"""Standard deviations by which a share may miss its bound: chance alone misses by more once in 30,000 times."""


def rule_probes(table: ResolvedTable, loaded: Collection[str]) -> Iterator[Probe]:
    """What the business rules about a table promise. One that needs a table that is not there has nothing to check."""
    for promise in table.promises.rules:
        probe = rule_probe(table, promise)
        yield probe if all(other in loaded for other in probe.reads) else _idle(probe)


def rule_probe(table: ResolvedTable, promise: RulePromise) -> Probe:
    """The probe of one rule."""
    match promise.rule:
        case rules.Row():
            columns, about, guilty = _row(table, promise.conditions["predicate"])
        case rules.Depends(on=on, columns=dependent):
            columns, about, guilty = (*on, *dependent), *_depends(table, on, dependent)
        case rules.Concentration() as rule:
            columns, about, guilty = (rule.column,), *_concentration(table, rule, promise.key)
        case rules.Children() as rule:
            columns, about, guilty = _children(table, rule, promise)
        case rules.SumOfChildren() as rule:
            columns, about, guilty = _sum(table, rule, promise)
        case rules.Increasing() as rule:
            columns, about, guilty = (*rule.per, rule.by, rule.column), *_increasing(table, rule)
        case rules.Proportion() as rule:
            columns, about, guilty = _proportion(table, rule, promise.conditions["predicate"])
        case rules.Unique(columns=columns):
            about, guilty = _unique(table, columns)
        case other:
            raise AssertionError(f"{other} promises nothing")
    return Probe(promise.spoken, tuple(columns), about, guilty, promise.tables)


def _idle(probe: Probe) -> Probe:
    return Probe(probe.promise, probe.columns, "select 0", "select 1 where false", probe.reads)


# --- rows with what they read of their parents ---------------------------------------------------------------


def _source(table: ResolvedTable, conditions: Iterable[Condition]) -> str:
    """The table's rows, numbered, with each path that the conditions read as a column of that name."""
    reads = {read.path: read for condition in conditions for read in condition.reads}
    aliases: dict[tuple[Step, ...], str] = {}
    joins = []
    for read in reads.values():
        for end in range(1, len(read.steps) + 1):
            way = read.steps[:end]
            if way not in aliases:
                aliases[way] = f"p{len(aliases)}"
                step, below = way[-1], aliases.get(way[:-1], "c")
                on = equal(below, step.columns, aliases[way], step.parent_columns)
                joins.append(f"left join {name(step.parent)} as {aliases[way]} on {on}")
    shown = ["c.*", *(f"{aliases[read.steps]}.{name(read.column)} as {name(read.path)}" for read in reads.values())]
    return f"(select c.rowid + 1 as {_ROW}, {', '.join(shown)} from {name(table.name)} as c {' '.join(joins)})"


def _key_of(table: ResolvedTable, columns: Iterable[str]) -> str:
    return names(dict.fromkeys((*table.promises.primary_key, *columns)))


def _row(table: ResolvedTable, condition: Condition) -> tuple[tuple[str, ...], str, str]:
    source = _source(table, [condition])
    shown = _key_of(table, condition.needs)
    return (
        condition.needs,
        f"select count(*) from {name(table.name)}",
        f"select {_ROW} as row{', ' if shown else ''}{shown} from {source} where not coalesce({condition.sql}, true)",
    )


def _proportion(table: ResolvedTable, rule: rules.Proportion, condition: Condition) -> tuple[tuple[str, ...], str, str]:
    told = f"(select {condition.sql} as holds from {_source(table, [condition])})"
    seen = f"(select count(*) as rows, avg(holds::integer) as share from {told} where holds is not null)"
    low = f"share < {rule.min!r} - {_DEVIATIONS} * sqrt({rule.min * (1 - rule.min)!r} / rows) - 1e-12"
    high = f"share > {rule.max!r} + {_DEVIATIONS} * sqrt({rule.max * (1 - rule.max)!r} / rows) + 1e-12"
    return (
        condition.needs,
        f"select count(*) from {told} where holds is not null",
        f"select rows, share from {seen} where rows > 0 and ({low} or {high})",
    )


# --- rows of one table together ------------------------------------------------------------------------------


def _depends(table: ResolvedTable, on: tuple[str, ...], columns: tuple[str, ...]) -> tuple[str, str]:
    source, by = name(table.name), names(on)
    combinations = f"select distinct {by}, {names(columns)} from {source} where {known(on)}"
    return (
        f"select count(*) from {source} where {known(on)}",
        f'select {by}, count(*) as "different values" from ({combinations}) group by {by} having count(*) > 1',
    )


def _unique(table: ResolvedTable, columns: tuple[str, ...]) -> tuple[str, str]:
    source, key = name(table.name), names(columns)
    return (
        f"select count(*) from {source} where {known(columns)}",
        f'select {key}, count(*) as "rows" from {source} where {known(columns)} group by {key} having count(*) > 1',
    )


def _increasing(table: ResolvedTable, rule: rules.Increasing) -> tuple[str, str]:
    """Rows at the same place in the order stand together: each group against all before it."""
    source, per, by, value = name(table.name), names(rule.per), name(rule.by), name(rule.column)
    there = known((*rule.per, rule.by, rule.column))
    grouped = (
        f"select {per}, {by}, min({value}) as least, max({value}) as most from {source} where {there} group by all"
    )
    before = f"max(most) over (partition by {per} order by {by} rows between unbounded preceding and 1 preceding)"
    return (
        f"select count(*) from {source} where {there}",
        f"select {per}, {by}, least as {value}, before from (select *, {before} as before from ({grouped})) "
        "where least < before",
    )


# --- parents and children ------------------------------------------------------------------------------------


def _concentration(table: ResolvedTable, rule: rules.Concentration, key: Step | None) -> tuple[str, str]:
    """The busiest seem busier than they are, because chance made some of them so.

    So their share lies between what parents chosen by every other row have of the rows in between, and what those
    chosen by all rows have of all rows; both miss it by chance only.
    """
    assert key is not None
    source, there = name(table.name), known(key.columns)
    parents = f"select distinct {names(key.parent_columns)} from {name(key.parent)} where {known(key.parent_columns)}"
    child = f"count(c.{name(key.columns[0])})"
    counted = (
        f"select {child} as n, {child} filter (c.rowid % 2 = 0) as one, {child} filter (c.rowid % 2 = 1) as other "
        f"from ({parents}) as p left join {source} as c on {equal('c', key.columns, 'p', key.parent_columns)} "
        f"group by {names(key.parent_columns, 'p')}"
    )
    ranked = (
        "select n, one, other, count(*) over () as parents, "
        "row_number() over (order by n desc) as by_all, row_number() over (order by one desc, hash(other)) as by_half "
        f"from ({counted})"
    )
    busy = f"greatest(1, least(parents - 1, round({rule.of!r} * parents)))"
    shares = (
        f"select sum(n) as rows, any_value({busy}) as busy, "
        f"sum(n) filter (by_all <= {busy}) / nullif(sum(n), 0) as seeming, "
        f"sum(other) filter (by_half <= {busy}) / nullif(sum(other), 0) as lasting from ({ranked})"
    )
    share = rule.share
    slack = f"({_DEVIATIONS} * sqrt({share * (1 - share)!r} / greatest(rows, 1)) + {share / 4!r} / busy)"
    half = f"({_DEVIATIONS} * sqrt({2 * share * (1 - share)!r} / greatest(rows, 1)) + {share / 4!r} / busy)"
    return (
        f"select count(*) from {source} where {there}",
        f'select rows, busy as "busiest parents", round(seeming, 4) as "their share" from ({shares}) '
        f"where rows > 0 and (seeming < {share!r} - {slack} or lasting > {share!r} + {half})",
    )


def _of_children(
    table: ResolvedTable, child: str, key: Step | None, conditions: Mapping[str, Condition], value: str
) -> str:
    """The table's rows, with a value for the children of each."""
    assert key is not None
    told = ", ".join(f'{condition.sql} as "{argument} of it"' for argument, condition in conditions.items())
    source = f"(select *{', ' + told if told else ''} from {_source(table, conditions.values())})"
    children = f"(select {names(key.columns)}, {value} as value from {name(child)} group by {names(key.columns)})"
    return (
        f"(select p.*, coalesce(k.value, 0) as children from {source} as p left join {children} as k "
        f"on {equal('k', key.columns, 'p', key.parent_columns)})"
    )


def _children(table: ResolvedTable, rule: rules.Children, promise: RulePromise) -> tuple[tuple[str, ...], str, str]:
    assert promise.key is not None
    counted = _of_children(table, rule.table, promise.key, promise.conditions, "count(*)")
    applies = 'coalesce("when of it", false)' if rule.when else "true"
    too_many = "" if rule.max is None else f" or children > {rule.max}"
    shown = _key_of(table, promise.key.parent_columns)
    return (
        promise.key.parent_columns,
        f"select count(*) from {counted} where {applies}",
        f'select {_ROW} as row, {shown}, children as "rows of {rule.table}" from {counted} '
        f"where {applies} and (children < {rule.min}{too_many})",
    )


def _sum(table: ResolvedTable, rule: rules.SumOfChildren, promise: RulePromise) -> tuple[tuple[str, ...], str, str]:
    assert promise.key is not None
    summed = _of_children(table, rule.table, promise.key, promise.conditions, f"sum({name(rule.column)})")
    signs = {"at_most": ">", "at_least": "<", "equals": "<>"}
    broken = []
    for argument in promise.conditions:
        bound = f'("{argument} of it")::double'
        # Sums of binary fractions differ in their last digits by the order in which they are made.
        away = f"abs(children::double - {bound}) > 1e-9 * greatest(1, abs({bound}))"
        broken.append(f"(children::double {signs[argument]} {bound} and {away})")
    needs = dict.fromkeys(need for condition in promise.conditions.values() for need in condition.needs)
    shown = _key_of(table, (*promise.key.parent_columns, *needs))
    return (
        (*promise.key.parent_columns, *needs),
        f"select count(*) from {name(table.name)}",
        f'select {_ROW} as row, {shown}, children as "sum of {rule.column}" from {summed} where {" or ".join(broken)}',
    )
