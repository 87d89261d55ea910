"""Turns a resolved plan into one of which only the changes since an earlier as-of date are written."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from seedbed.errors import Diagnostic, PlanError
from seedbed.plan.resolved import Days, Extract, FeedPart, Form, Promises, ResolvedColumn, ResolvedPlan, ResolvedTable
from seedbed.plan.types import INTEGER, TEXT, TIMESTAMP

OPERATIONS = ("insert", "update", "delete")
OP, SEQUENCE, CHANGED_AT = "_op", "_sequence", "_changed_at"
"""The columns that a change feed adds to those of its table."""

_FEED_COLUMNS = (
    ResolvedColumn(
        OP, TEXT, FeedPart(part="op"), (), description="What happened to the row: insert, update or delete."
    ),
    ResolvedColumn(
        SEQUENCE,
        INTEGER,
        FeedPart(part="sequence"),
        (),
        description="Orders the changes of the table: a later change has a higher number.",
    ),
    ResolvedColumn(
        CHANGED_AT,
        TIMESTAMP,
        FeedPart(part="changed_at"),
        (),
        description="When the change could be seen in the source.",
    ),
)


def take_extract(plan: ResolvedPlan, form: Form, since: dt.date | None) -> ResolvedPlan:
    """The plan, to write what changed after the day `since`; None for a feed that begins with every row.

    Its tables promise only what a part of their rows keeps: no key to a parent, which may not have changed, no
    number of children, no whole history.

    Raises:
        PlanError: `since` is not between the plan's as-of date and the run's, or a table has a feed's column already.
    """
    found = []
    if since is None and form is Form.DELTA:
        found.append(Diagnostic("no-since", "a delta is wanted, but not since when", hint="give --since DATE"))
    if since is not None and not plan.planned_as_of <= since < plan.as_of:
        found.append(
            Diagnostic(
                "wrong-since",
                f"changes since {since} are asked for, which is not from the plan's as-of date {plan.planned_as_of} on "
                f"and before the run's, {plan.as_of}",
                hint="give a later --as-of, or an earlier --since",
            )
        )
    names = {column.name for column in _FEED_COLUMNS}
    for table in plan:
        taken = [column for column in table.written_columns if column.name.casefold() in names]
        if form is Form.FEED and table.written and taken:
            message = f"{table.name} has a column {taken[0].name}, which is one of a change feed's own"
            found.append(Diagnostic("feed-column", message, taken[0].origin, hint="rename it, or leave the table out"))
    if found:
        raise PlanError("The changes cannot be extracted.", found)
    tables = tuple(_delta_table(table) if form is Form.DELTA else _feed_table(table) for table in plan)
    return replace(plan, tables=tables, extract=Extract(form, since))


def state_at(plan: ResolvedPlan, day: dt.date) -> ResolvedPlan:
    """The plan as it is resolved for another as-of date; what it promises of the last day is not brought up to date."""
    tables = tuple(replace(table, rows=table.rows.at(day)) if isinstance(table.rows, Days) else table for table in plan)
    return replace(plan, as_of=day, tables=tables)


def _delta_table(table: ResolvedTable) -> ResolvedTable:
    rules = tuple(promise for promise in table.promises.rules if promise.rule.of_any_rows)
    kept = replace(table.promises, foreign_keys=(), history=None, validity=(), rules=rules)
    return replace(table, promises=kept)


def _feed_table(table: ResolvedTable) -> ResolvedTable:
    """A row stands in a feed as often as it changes, so that nothing is unique but the change."""
    row = table.promises
    promises = Promises(
        primary_key=(SEQUENCE,),
        not_null=tuple(dict.fromkeys((*row.primary_key, *row.not_null, OP, CHANGED_AT))),
        accepted_values={**row.accepted_values, OP: OPERATIONS},
        ranges=row.ranges,
        matches=row.matches,
        predicates=row.predicates,
    )
    shown, hidden = table.written_columns, table.columns[len(table.written_columns) :]
    return replace(table, columns=(*shown, *_FEED_COLUMNS, *hidden), promises=promises)
