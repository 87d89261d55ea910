"""Makes a few rows of a plan that is only proposed, and says what is wrong with them: what shows only then."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace

import pyarrow as pa

from seedbed.check import Finding, Status, check_rules
from seedbed.engine.batches import generate_batches, schema_of
from seedbed.engine.redraws import Redraw
from seedbed.engine.world import World, ranges
from seedbed.errors import Diagnostic, GenerationError, Location, Severity
from seedbed.plan.resolved import Fixed, ResolvedPlan, ResolvedTable
from seedbed.plan.rulings import RulePromise

_TRIED_ROWS = 100
_PROVED_ROWS = 400
"""Rows of the largest table that has a number of rows; the others have as many fewer."""
_FEWEST_ROWS = 40
_HELD_ROWS = 50_000
"""Rows of one table beyond which its rules are left to `seedbed check`."""
_LOOKED_AT, _AT_ONCE = 2_000, 250
"""Rows of a table that are looked at before it is said how many are left out; from all over the table, part by part."""
_MANY = 0.05
"""A larger share of rows that are left out is worth saying."""


def try_out(resolved: ResolvedPlan, tables: Collection[str]) -> list[Diagnostic]:
    """What goes wrong when the first rows of the tables are made."""
    world = World(resolved)
    found = []
    for table in resolved:
        if table.written and table.name in tables:
            try:
                next(iter(generate_batches(world, table, batch_rows=_TRIED_ROWS)), None)
            except GenerationError as error:
                found.append(_unmade(resolved, table, error))
    return found


def hold_to_rules(resolved: ResolvedPlan, places: Collection[str]) -> list[Diagnostic]:
    """What is wrong with business rules once rows are made: the rows break them, or no rows could.

    Args:
        resolved: the plan.
        places: the paths of the rules in the plan, such as `rules.3`.
    """
    plan = replace(resolved, tables=tuple(_only(table, places) for table in resolved))
    promises = {table.name: table.promises.rules for table in plan if table.promises.rules}
    concerned = {name for table, rules in promises.items() for rule in rules for name in (table, *rule.tables)}
    world = World(plan)
    rows: dict[str, pa.Table] = {}
    for table in plan:
        if table.written and table.name in concerned:
            try:
                made = _make(world, table)
            except GenerationError as error:
                return [_unmade(plan, table, error)]
            if made is not None:
                rows[table.name] = made
    findings, empty = check_rules(plan, rows)
    by_words = {(table, rule.spoken): rule for table, rules in promises.items() for rule in rules}
    found = []
    for finding in findings:
        if finding.status == "failed":
            rule = by_words[finding.table, finding.promise]
            told = f"{finding.violations:,} of {finding.rows_checked:,} rows that the plan makes break it: {rule.rule}"
            hint = (
                f"it is not built in ({rule.how}): say one that these rows meet, or cannot('what keeps them from it')"
            )
            found.append(Diagnostic("rule-broken", told, rule.origin, hint=finding.hint or hint))
    found += [
        Diagnostic(
            "rule-says-nothing", f"no row could ever break it: {rule.rule}", rule.origin, hint="say what may fail"
        )
        for rule in empty
    ]
    return found


def prove_rules(plan: ResolvedPlan, *, meaning: bool = True) -> list[Diagnostic]:
    """What is wrong with the plan's business rules, tried on generated rows; each named by its sentence.

    A rule that is broken could neither be built in nor holds. With `meaning`, also rules that say nothing: that no
    deliberately broken copy of the rows violates.
    """
    if not any(table.promises.rules for table in plan):
        return []
    try:
        sample = _sample(plan)
        world = World(sample)
        made = {table.name: _make(world, table) for table in sample if table.written}
    except GenerationError as error:
        return list(error.diagnostics) or [Diagnostic("cannot-be-made", error.message)]
    rows = {name: table for name, table in made.items() if table is not None}
    findings, empty = check_rules(plan, rows, meaning=meaning)
    promises = [promise for table in plan for promise in table.promises.rules if table.name in rows or table.seed]
    found = [
        _broken(promise, finding)
        for promise, finding in zip(promises, findings, strict=True)
        if finding.status is Status.FAILED
    ]
    return found + [_empty(promise) for promise in empty]


def missing_rows(plan: ResolvedPlan) -> list[Diagnostic]:
    """For which rules rows are left out that no moment of a short life lets be there: warnings, or errors if all are.

    Looks at some rows of each table that has such a rule, and makes none of them.
    """
    whole = replace(plan, extract=None)
    world = World(whole)
    found: list[Diagnostic] = []
    for table in whole:
        if table.written and any(redraw.leaves_out for redraw in world.redraws(table)):
            found += _missing(world, table)
    return found


def _missing(world: World, table: ResolvedTable) -> Iterator[Diagnostic]:
    spans = list(ranges(world, table, _AT_ONCE))
    apart = max(1, len(spans) * _AT_ONCE // _LOOKED_AT)
    lost: Counter[Redraw] = Counter()
    seen = 0
    for span in (span for first in range(apart) for span in spans[first::apart]):
        some, count = world.lost(table, *span)
        lost.update(some)
        seen += count
        if seen >= _LOOKED_AT:
            break
    for redraw, rows in lost.items():
        if rows <= _MANY * seen:
            continue
        rules = [predicate for predicate in redraw.predicates if predicate.moment]
        told = f"{table.name}: no moment of their short lives was found for {rows:,} of {seen:,} rows that satisfies "
        told += f"the rule {' and '.join(rule.spoken for rule in rules)}"
        ends, severity = "they are left out", Severity.WARNING
        if rows == seen:
            ends, severity = "the table would be empty", Severity.ERROR
        hint = "let the states last longer (dwell), or the rule allow more moments"
        yield Diagnostic("rows-left-out", f"{told}; {ends}", rules[0].origin, severity, hint)


def _sample(plan: ResolvedPlan) -> ResolvedPlan:
    """The plan with fewer rows: of those tables only that rules are about, and of the whole state."""
    largest = max((table.rows.count for table in plan if isinstance(table.rows, Fixed)), default=1)
    factor = min(1.0, _PROVED_ROWS / max(largest, 1))
    wanted = set(_concerned(plan))

    def smaller(table: ResolvedTable) -> ResolvedTable:
        rows = table.rows
        if isinstance(rows, Fixed):
            count = min(rows.count, max(_FEWEST_ROWS, math.ceil(rows.count * factor)))
            rows = Fixed(count, min(rows.planned, count))
        return replace(table, rows=rows, written=table.name in wanted and table.seed is None)

    return replace(plan, tables=tuple(map(smaller, plan)), extract=None)


def _concerned(plan: ResolvedPlan) -> Iterator[str]:
    for table in plan:
        for promise in table.promises.rules:
            yield table.name
            yield from promise.tables


def _broken(promise: RulePromise, finding: Finding) -> Diagnostic:
    example = ", ".join(f"{name} = {value}" for name, value in (finding.examples or ({},))[0].items())
    counts = f"{finding.violations:,} of {finding.rows_checked:,} break it, for example {example}"
    said = counts if finding.violations else finding.hint or ""
    return Diagnostic(
        "rule-not-met",
        f"{promise.named} does not hold in the rows that the plan makes: {said}",
        promise.origin,
        hint=f"change the generators so that it holds; it is not built in: {promise.how}",
    )


def _empty(promise: RulePromise) -> Diagnostic:
    return Diagnostic(
        "rule-says-nothing",
        f"{promise.named} says nothing: no deliberately broken copy of the rows violates it",
        promise.origin,
        hint="write a rule that wrong rows would break, or cannot('why') if there is none",
    )


def _only(table: ResolvedTable, places: Collection[str]) -> ResolvedTable:
    rules = tuple(rule for rule in table.promises.rules if rule.origin.path in places)
    return replace(table, promises=replace(table.promises, rules=rules))


def _make(world: World, table: ResolvedTable) -> pa.Table | None:
    """All rows of a table, or None where there are too many to make them only for this."""
    batches, count = [], 0
    for batch in generate_batches(world, table):
        batches.append(batch)
        count += batch.num_rows
        if count > _HELD_ROWS:
            return None
    return pa.Table.from_batches(batches, schema=schema_of(table))


def _unmade(resolved: ResolvedPlan, table: ResolvedTable, error: GenerationError) -> Diagnostic:
    message = error.diagnostics[0].message if error.diagnostics else error.message
    # The engine names the column first, which may be a parent's.
    name = message.partition(": ")[0]
    columns = {f"{other.name}.{column.name}": (other, column) for other in resolved for column in other.columns}
    guilty = columns.get(name)
    path = f"tables.{guilty[0].name}.columns.{guilty[1].name}" if guilty else f"tables.{table.name}"
    return Diagnostic("cannot-be-made", message, Location(path=path))
