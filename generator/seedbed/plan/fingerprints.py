"""Fingerprints of a plan's entries: what each was made from, and how it was written.

`<facts>.<text>`: the first half is of what the project says about the column, the second of the entry as it was
written. Where the first differs now, the project changed; where the second does, a person edited the entry. An entry
that was read from the values of other columns too, such as a condition on a status, has `<facts>+<read>.<text>`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from seedbed.documents import Document
from seedbed.plan import kinds
from seedbed.plan.needs import names_in_sql
from seedbed.plan.plan_text import plain
from seedbed.plan.spec import ColumnEntry, Process, RowsPer, RuleEntry, TableEntry
from seedbed.schema import Column, Fact, Schema, Table

_SPEAKING = 2
"""So many of a process's states tell that a column shows them."""


def facts_of(schema: Schema, table: Table, column: Column | None, entry: TableEntry | ColumnEntry) -> str:
    """Eight hexadecimal digits of what the project says about a column, or about a table as a whole.

    With a plus, eight more of what it says about the values of other columns that the entry speaks of.
    """
    said: list[Any]
    if column is None:
        names = sorted(table.column_names)
        workflows = [workflow.name for workflow in schema.workflows]
        said = [table.description, table.primary_key, table.unique_keys, _keys(table.foreign_keys), table.annotation]
        said += [names, workflows, *table.pages]
    else:
        touching = [key for key in table.foreign_keys if column.name in key.columns]
        unique = [key for key in (table.primary_key, *table.unique_keys) if key and column.name in key.value]
        checks = [check for check in table.checks if column.name.casefold() in check.value.casefold()]
        said = [
            column.data_type, column.description, column.not_null, column.unique, column.accepted_values,
            column.value_range, column.matches, column.annotation, _keys(touching), unique, checks,
        ]  # fmt: skip
    own = _digest(repr(_without_places(said)))
    read = _read_by(schema, table, entry)
    if read is None:
        return own
    values = [(item.name, item.description, item.accepted_values) for item in read]
    return f"{own}+{_digest(repr(_without_places(values)))}"


def what_changed(printed: str, facts: str) -> str | None:
    """What has changed in the project since a fingerprint was made, as the reason to plan the entry again.

    One that an earlier version made does not say what the entry read, so that nothing of that has changed.
    """
    before, now = (text.partition(".")[0].partition("+")[::2] for text in (printed, facts))
    if before[0] != now[0]:
        return "what the project says about it changed"
    return "what the project says about columns that it speaks of changed" if before[1] and before != now else None


def text_of(entry: TableEntry | ColumnEntry) -> str:
    """Eight hexadecimal digits of an entry as it is written; of a table's without its columns."""
    return _digest(written(entry))


def text_of_rule(entry: RuleEntry) -> str:
    """Eight hexadecimal digits of a rule as it is written."""
    return _digest(f"{entry.says}: {entry}")


def written(entry: TableEntry | ColumnEntry) -> str:
    """What an entry says, without its author; a table's without its columns."""
    if isinstance(entry, ColumnEntry):
        varies = f", varies by {entry.varies_by}" if entry.varies_by else ""
        return f"{entry.generator}{varies}"
    parts = {name: plain(getattr(entry, name)) for name in ("rows", "history", "lifecycle")}
    return ", ".join(f"{name}: {part}" for name, part in parts.items() if part is not None) or "no rows of its own"


def _keys(keys: Any) -> list[tuple[Any, ...]]:
    return [(key.columns, key.parent, key.parent_columns, key.children, key.parents) for key in keys]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _without_places(value: Any) -> Any:
    """Facts without where they stand, so that a moved line changes nothing."""
    match value:
        case Fact():
            return _without_places(value.value)
        case Document():
            return repr(value.value)
        case list() | tuple():
            return [_without_places(item) for item in value]
    return repr(value)


# --- what an entry was read from, beside what is said of itself ----------------------------------------------


def _read_by(schema: Schema, table: Table, entry: TableEntry | ColumnEntry) -> list[Column] | None:
    """The columns whose values the entry speaks of; None for one that speaks of no values."""
    if isinstance(entry, ColumnEntry):
        paths = _paths(entry.generator, schema, table)
        return None if paths is None else [column for path in paths for column in _at(schema, table, path)]
    columns: list[Column] = []
    process, rows = entry.process, entry.rows
    condition = rows.where if isinstance(rows, RowsPer) else None
    if process is None and condition is None:
        return None
    if process is not None:
        columns += _showing(schema, table, process)
    if condition is not None and isinstance(rows, RowsPer):
        parent = _find(schema, rows.parent)
        paths = names_in_sql(condition, _leads(parent)) if parent else ()
        columns += [column for path in paths if parent for column in _at(schema, parent, path)]
    return columns


def _paths(generator: kinds.Generator, schema: Schema, table: Table) -> tuple[str, ...] | None:
    """The columns, or paths to parents' columns, with whose values a generator compares or by which it chooses."""
    paths: list[str] = []
    match generator:
        case kinds.ChoiceBy() | kinds.CaseBy():
            paths.append(generator.column)
        case kinds.Sql():
            paths.extend(names_in_sql(generator.expression, _leads(table)))
        case _ if generator.when is None:
            return None
    paths.extend(names_in_sql(generator.when, _leads(table)) if generator.when else ())
    return tuple(dict.fromkeys(paths))


def _leads(table: Table) -> tuple[str, ...]:
    """The names with which a path in SQL can begin."""
    parents = [key.parent for key in table.foreign_keys]
    return (*table.column_names, *parents, *(name.rpartition(".")[2] for name in parents))


def _at(schema: Schema, table: Table, path: str) -> Iterator[Column]:
    """The column at a path, as far as the project's own foreign keys tell where it leads."""
    column = table.column(path)
    if column is not None:
        yield column
        return
    head, _, rest = path.partition(".")
    for key in table.foreign_keys:
        if rest and head in (*key.columns, key.parent, key.parent.rpartition(".")[2]):
            parent = _find(schema, key.parent)
            yield from _at(schema, parent, rest) if parent else ()
            return


def _find(schema: Schema, name: str) -> Table | None:
    """The table of that name; a source table also by its name alone."""
    folded = name.casefold()
    short = [table for table in schema if table.name.casefold().rpartition(".")[2] == folded]
    return schema.table(name) or (short[0] if len(short) == 1 else None)


def _showing(schema: Schema, table: Table, process: Process) -> list[Column]:
    """The columns that show the states of a process: in its own table, and in those with a history's entity.

    Where none speaks of the states, all with accepted values: one of them may be what it is to agree with.
    """
    states = _states(schema, process)
    entity, own = getattr(process, "entity", ()), getattr(process, "state", "").casefold()
    entities = [entity] if isinstance(entity, str) else list(entity)
    tables = [item for item in schema if item is not table and any(map(item.column, entities))]
    tables += [
        parent
        for key in table.foreign_keys
        if set(key.columns) & set(entities) and (parent := _find(schema, key.parent)) and parent not in tables
    ]
    columns = [column for item in (table, *tables) for column in item.columns]
    shown = [column for column in columns if _speaks_of(column, states)]
    shown = shown or [column for column in columns if column.accepted_values]
    return shown + [column for column in table.columns if column.name.casefold() == own and column not in shown]


def _states(schema: Schema, process: Process) -> frozenset[str]:
    moves = process.transitions if isinstance(process.transitions, dict) else {}
    drawn = [state for workflow in schema.workflows if workflow.name == process.workflow for state in workflow.states]
    return frozenset(state.casefold() for state in (*(process.states or ()), *moves, *drawn))


def _speaks_of(column: Column, states: frozenset[str]) -> bool:
    listed = {str(value).casefold() for value in (column.accepted_values.value if column.accepted_values else ())}
    words = column.description.value.casefold() if column.description else ""
    return len(states & listed) >= _SPEAKING or sum(state in words for state in states) >= _SPEAKING
