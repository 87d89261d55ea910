"""Settles histories and lifecycles: which table walks, which columns record it, in which unit of time."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import replace

from seedbed.documents import Document
from seedbed.errors import closest, has_errors
from seedbed.plan import kinds
from seedbed.plan.draft import Draft, Drafts
from seedbed.plan.entries import ColumnSaid, TableSaid
from seedbed.plan.lifecycles import resolve_lifecycle
from seedbed.plan.resolved import DAY, Days, Driving, Fixed, Part, VersionPart, Versions
from seedbed.plan.spec import FixedRows, History, Process
from seedbed.schema import Column, Resource, Scalar, Table, TypeKind

DEFAULT_ENTITIES = 100
_KEY_ENDINGS = ("_sk", "_key", "_id")
_TEMPORAL = (kinds.Date, kinds.Timestamp, kinds.After, kinds.During)


def prepare_histories(drafts: Drafts, scale: float) -> None:
    """Gives the columns that record a process their generators, and an entity without a table a hidden one."""
    for draft in drafts:
        history = draft.said.history
        if history and _columns_exist(drafts, draft, history):
            _prepare_history(drafts, draft, history, scale)


def split_moments(drafts: Drafts) -> None:
    """Puts the moment behind each day, and each day's key, into a hidden column of its own where it is needed.

    A column that is a key of a day (a number, or a foreign key into a table of dates) is worked out from the
    moment; other columns that speak of it mean the moment.
    """
    for draft in drafts:
        for name, generator in tuple(draft.generators.items()):
            if _is_moment(generator) and name not in draft.hidden:
                _split_moment(drafts, draft, name, generator)


def resolve_processes(drafts: Drafts) -> None:
    """Resolves every lifecycle, and makes the rows of each history the versions of its entities."""
    for draft in drafts:
        history, lifecycle = draft.said.history, draft.said.lifecycle
        if history and isinstance(draft.generators.get(draft.known(history.state) or ""), VersionPart):
            entity = history.entity if isinstance(history.entity, str) else history.entity[0]
            reference = draft.lead(draft.known(entity) or entity)
            if reference is None:
                if not has_errors(drafts.diagnostics):
                    drafts.error(
                        "no-entity",
                        f"the entity of the history {draft.name}, {entity}, is no foreign key",
                        draft.place(entity),
                        "let its columns refer to the table of the entities: foreign_key('<table>', '<column>')",
                    )
                continue
            draft.references[reference.name] = replace(reference, finding=Driving(), null=0.0, when=None)
            state = draft.known(history.state) or history.state
            if _resolve(drafts, draft, history, reference.parent, state, _granularity(draft, history)):
                stride = drafts.lifecycles[draft.name].max_versions
                draft.rows = Versions(reference.name, draft.name, stride)
        elif lifecycle:
            state = next((name for name, item in draft.generators.items() if _shows_state(item, draft.name)), "")
            _resolve(drafts, draft, lifecycle, draft.name, state, _entity_granularity(draft))


def _columns_exist(drafts: Drafts, draft: Draft, history: History) -> bool:
    named: dict[str, str | None] = {
        "state": history.state,
        "valid_from": history.valid_from,
        "valid_to": history.valid_to,
        "current": history.current,
        "version": history.version,
    }
    entity = (history.entity,) if isinstance(history.entity, str) else history.entity
    missing = [(role, name) for role, name in named.items() if name and not draft.known(name)]
    missing += [("entity", name) for name in entity if not draft.known(name)]
    for role, name in missing:
        document = draft.said.history_document
        drafts.error(
            "unknown-column",
            f'the history of {draft.name} names "{name}" as its {role} column, but the table has no such column',
            document.location(role) if document else draft.place(),
            closest(name, draft.generators) or f"{draft.name} has {', '.join(draft.generators)}",
        )
    return not missing


def _prepare_history(drafts: Drafts, draft: Draft, history: History, scale: float) -> None:
    parts = {
        Part.STATE: history.state,
        Part.VALID_FROM: history.valid_from,
        Part.VALID_TO: history.valid_to,
        Part.CURRENT: history.current,
        Part.VERSION: history.version,
    }
    open_end = history.open_end
    if isinstance(open_end, dt.date) and not isinstance(open_end, dt.datetime):
        open_end = dt.datetime(open_end.year, open_end.month, open_end.day)
    for part, name in parts.items():
        column = draft.known(name) if name else None
        if column:
            end = open_end if part is Part.VALID_TO else None
            draft.generators[column] = VersionPart(part=part, open_end=end)
    if open_end is not None:
        _add_open_day(drafts, draft, history, open_end.date())
    entity = (history.entity,) if isinstance(history.entity, str) else history.entity
    if len(entity) == 1:
        column = draft.known(entity[0]) or entity[0]
        if not isinstance(draft.generators.get(column), kinds.ForeignKey):
            _add_hidden_entity(drafts, draft, history, column, scale)
            return
    if draft.said.rows is not None:
        drafts.error(
            "rows-follow",
            f"{draft.name} has `rows: {draft.said.rows}`, but the rows of a history are the versions of its entities",
            draft.place(),
            "take out `rows:`, and say how many entities there are in their own table",
        )


def _add_open_day(drafts: Drafts, draft: Draft, history: History, day: dt.date) -> None:
    """Makes the day that stands for an open end a member of the date table that `valid_to` refers to."""
    for foreign_key in draft.table.foreign_keys:
        parent = drafts.find(foreign_key.parent)
        if history.valid_to in foreign_key.columns and parent and isinstance(parent.rows, Days):
            days = parent.rows
            inside = days.start <= day < days.start + dt.timedelta(days=days.count)
            if not inside and day not in days.extra:
                parent.rows = replace(days, extra=(*days.extra, day))


def _add_hidden_entity(drafts: Drafts, draft: Draft, history: History, column: str, scale: float) -> None:
    """Entities that no table holds still have to be somewhere: a table of their keys that is not written."""
    name = f"{draft.name}:{column}"
    rows = draft.said.rows
    count = history.entities if history.entities is not None else DEFAULT_ENTITIES
    if isinstance(rows, FixedRows):
        count = rows.count
    elif rows is not None:
        drafts.error(
            "rows-follow",
            f"{draft.name} has `rows: {rows}`, but the rows of a history are the versions of its entities",
            draft.place(),
            "take it out, or give the number of entities: `rows: 100`",
        )
    declared = draft.table.column(column)
    generator = draft.generators.get(column)
    unique = generator is not None and draft.is_unique(generator)
    drafts.tables[name] = Draft(
        Table(name, Resource.ENTITY, draft.table.origin, (declared or Column(column),)),
        TableSaid(columns={column: ColumnSaid(None, None, "history", draft.place(column))}),
        Fixed(math.ceil(count * scale), count),
        {column: generator if generator is not None and unique else kinds.Sequence()},
        written=False,
    )
    draft.generators[column] = kinds.ForeignKey(parent=name, column=column)


def _is_moment(generator: kinds.Generator) -> bool:
    match generator:
        case VersionPart(part=Part.VALID_FROM | Part.VALID_TO):
            return True
        case kinds.Lifecycle(part="started" | "ended" | "entered"):
            return True
    return isinstance(generator, _TEMPORAL)


def _split_moment(drafts: Drafts, draft: Draft, name: str, generator: kinds.Generator) -> None:
    column = draft.table.column(name)
    declared = column.data_type.value.kind if column and column.data_type else None
    dates = _date_table(drafts, draft, name)
    as_key = declared is TypeKind.INTEGER or (
        declared is None and isinstance(generator, VersionPart) and name.casefold().endswith(_KEY_ENDINGS)
    )
    # A version is found by the moment, which says more than its date.
    as_date = declared is TypeKind.DATE and isinstance(generator, kinds.During)
    if dates is None and not as_key and not as_date:
        return
    hidden = f"{name}@"
    draft.generators[hidden] = generator.model_copy(update={"null": 0.0, "when": None})
    draft.hidden.append(hidden)
    draft.moments[name] = hidden
    outside = {"null": generator.null, "when": generator.when}
    draft.generators[name] = (
        kinds.DateKey(parent=dates.name, of=hidden, **outside)
        if dates
        else kinds.Calendar(part="date" if as_date else "key", of=hidden, **outside)
    )


def _date_table(drafts: Drafts, draft: Draft, name: str) -> Draft | None:
    for foreign_key in draft.table.foreign_keys:
        parent = drafts.find(foreign_key.parent)
        if foreign_key.columns == (name,) and parent and isinstance(parent.rows, Days):
            return parent
    written = draft.said.columns.get(name)
    if written and isinstance(written.generator, kinds.ForeignKey | kinds.DateKey):
        parent = drafts.find(written.generator.parent)
        return parent if parent and isinstance(parent.rows, Days) else None
    return None


def _granularity(draft: Draft, history: History) -> int:
    """A second where `valid_from` is a timestamp, else a day."""
    name = draft.known(history.valid_from) or history.valid_from
    if name in draft.moments:
        return DAY
    column = draft.table.column(name)
    if column and column.data_type:
        return 1 if column.data_type.value.kind in (TypeKind.TIMESTAMP, TypeKind.TIMESTAMP_TZ) else DAY
    return 1 if name.casefold().endswith(("_at", "_ts", "_time", "timestamp")) else DAY


def _entity_granularity(draft: Draft) -> int:
    shown = [name for name, item in draft.generators.items() if isinstance(item, kinds.Lifecycle)]
    declared = [draft.table.column(name.removesuffix("@")) for name in shown]
    types = [column.data_type.value.kind for column in declared if column and column.data_type]
    return DAY if TypeKind.DATE in types and TypeKind.TIMESTAMP not in types else 1


def _shows_state(generator: kinds.Generator, lifecycle: str) -> bool:
    return isinstance(generator, kinds.Lifecycle) and generator.part == "state" and generator.lifecycle == lifecycle


def _resolve(drafts: Drafts, draft: Draft, process: Process, entity: str, state: str, granularity: int) -> bool:
    column = draft.table.column(state)
    accepted = column.accepted_values.value if column and column.accepted_values else None
    document = draft.said.history_document or Document(None, "")
    resolved, diagnostics = resolve_lifecycle(
        draft.name,
        process,
        drafts.schema.workflows,
        document,
        entity=entity,
        accepted_values=accepted,
        granularity=granularity,
        start=drafts.plan.start,
        as_of=drafts.plan.as_of,
        case_values=_case_values(drafts, process, entity, document),
    )
    drafts.diagnostics.extend(diagnostics)
    if resolved is None:
        return False
    drafts.lifecycles[draft.name] = resolved
    return True


def _case_values(drafts: Drafts, process: Process, entity: str, document: Document) -> tuple[Scalar, ...] | None:
    """The values that the column can hold on which the moves depend."""
    if process.depends_on is None:
        return None
    holder = drafts.tables[entity]
    name = holder.known(process.depends_on)
    if name is None:
        drafts.error(
            "unknown-column",
            f'the moves depend on "{process.depends_on}", but {entity} has no such column',
            document.location("by" if document.at("by").value else "depends_on"),
            closest(process.depends_on, holder.generators),
        )
        return None
    column = holder.table.column(name)
    if column and column.accepted_values:
        return column.accepted_values.value
    generator = holder.generators[name]
    values: Mapping[Scalar, float] | tuple[Scalar, ...]
    match generator:
        case kinds.Choice(values=values) | kinds.Each(values=values):
            return tuple(values)
        case kinds.Boolean():
            return (True, False)
    return None
