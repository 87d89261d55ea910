"""Makes a few rows of a plan that is only proposed, and says what is wrong with them: what shows only then."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

import pyarrow as pa

from seedbed.check import check_rules
from seedbed.engine.batches import generate_batches, schema_of
from seedbed.engine.world import World
from seedbed.errors import Diagnostic, GenerationError, Location
from seedbed.plan.resolved import ResolvedPlan, ResolvedTable
from seedbed.plan.rulings import RulePromise

_TRIED_ROWS = 100
_HELD_ROWS = 50_000
"""Rows of one table beyond which its rules are left to `seedbed check`."""


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
    concerned = {name for table, rules in promises.items() for rule in rules for name in (table, *_tables_of(rule))}
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


def _only(table: ResolvedTable, places: Collection[str]) -> ResolvedTable:
    rules = tuple(rule for rule in table.promises.rules if rule.origin.path in places)
    return replace(table, promises=replace(table.promises, rules=rules))


def _tables_of(promise: RulePromise) -> Iterator[str]:
    """The other tables that a rule reads."""
    child = getattr(promise.rule, "table", None)
    if child is not None:
        yield child
    if promise.key is not None:
        yield promise.key.parent
    for condition in promise.conditions.values():
        yield from (step.parent for read in condition.reads for step in read.steps)


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
    # The engine names the column first, which may be a parent's.
    name = error.message.partition(": ")[0]
    columns = {f"{other.name}.{column.name}": (other, column) for other in resolved for column in other.columns}
    guilty = columns.get(name)
    path = f"tables.{guilty[0].name}.columns.{guilty[1].name}" if guilty else f"tables.{table.name}"
    return Diagnostic("cannot-be-made", error.message, Location(path=path))
