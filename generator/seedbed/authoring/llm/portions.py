"""The open entries in portions of one call each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seedbed.authoring.llm.prompts import references
from seedbed.authoring.llm.undecided import Undecided
from seedbed.plan.spec import Plan
from seedbed.schema import Schema

TABLES_AT_ONCE, COLUMNS_AT_ONCE = 10, 60
"""The most of one `columns` call: more columns in one answer get less thought each."""


def group(schema: Schema, plan: Plan, asked: Sequence[Undecided]) -> list[list[Undecided]]:
    """The open entries in portions of one call each: tables that refer to each other stand together."""
    waiting = {item.table: item for item in asked}
    near: dict[str, list[str]] = {name: [] for name in waiting}
    for table in schema:
        for _, parent in references(table, plan):
            if table.name in near and parent in near and parent != table.name:
                near[table.name].append(parent)
                near[parent].append(table.name)
    portions: list[list[Undecided]] = []
    while waiting:
        portion: list[Undecided] = []
        room = COLUMNS_AT_ONCE
        reachable = [next(iter(waiting))]
        while reachable and len(portion) < TABLES_AT_ONCE:
            name = reachable.pop(0)
            if name in waiting and (len(waiting[name].columns) <= room or not portion):
                portion.append(waiting.pop(name))
                room -= len(portion[-1].columns)
                reachable += near[name]
            if not reachable:  # tables that nothing leads to share a call: each costs the same preamble
                reachable = [name for name in waiting if len(waiting[name].columns) <= room][:1]
        portions += _narrow(portion)
    return portions


def _narrow(portion: list[Undecided]) -> Iterator[list[Undecided]]:
    """The portion, or parts of its only table where that alone has too many columns."""
    if len(portion) > 1 or len(portion[0].columns) <= COLUMNS_AT_ONCE:
        yield portion
        return
    wide = portion[0]
    for begin in range(0, len(wide.columns), COLUMNS_AT_ONCE):
        columns = wide.columns[begin : begin + COLUMNS_AT_ONCE]
        yield [Undecided(wide.table, columns, wide.rows and not begin)]


def halves(portion: list[Undecided]) -> tuple[list[Undecided], list[Undecided]] | None:
    """The portion in two, for an answer that was too long; None when it is a single column or number of rows."""
    if len(portion) > 1:
        return portion[: len(portion) // 2], portion[len(portion) // 2 :]
    table = portion[0]
    if len(table.columns) < 2:
        return None
    middle = len(table.columns) // 2
    first = Undecided(table.table, table.columns[:middle], table.rows)
    return [first], [Undecided(table.table, table.columns[middle:], False)]
