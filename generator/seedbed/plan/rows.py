"""Settles how many rows each table has, and which rows drive them."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import replace

from seedbed.errors import Location, closest
from seedbed.plan import kinds
from seedbed.plan.draft import Draft, Drafts
from seedbed.plan.entries import ColumnSaid, TableSaid
from seedbed.plan.resolved import Days, Driving, Fixed, Given, PerParent, Versions
from seedbed.plan.spec import DateRows, FixedRows, RowsPer

MAX_GIVEN_BYTES = 200_000_000


def start_tables(drafts: Drafts, said: Mapping[str, TableSaid], rows: Mapping[str, int], scale: float) -> None:
    """Makes a draft of every table that is generated or given, with its rows where they stand alone."""
    asked = {name.casefold(): count for name, count in rows.items()}
    for table in drafts.schema:
        if table.generated and table.name in said:
            draft = Draft(table, said[table.name])
            drafts.tables[table.name] = draft
            _collect_generators(drafts, draft)
            _start_rows(drafts, draft, asked.pop(table.name.casefold(), None), scale)
        elif table.data_file is not None:
            _start_given(drafts, Draft(table, TableSaid(origin=table.origin)))
    for name in asked:
        drafts.error(
            "unknown-table",
            f'rows are asked for "{name}", but there is no such table',
            Location(path="--rows"),
            closest(name, drafts.tables),
        )


def _collect_generators(drafts: Drafts, draft: Draft) -> None:
    history = draft.said.history
    recorded = set()
    if history:
        entity = (history.entity,) if isinstance(history.entity, str) else history.entity
        roles = (history.state, history.valid_from, history.valid_to, history.current, history.version, *entity)
        recorded = {name.casefold() for name in roles if name}
    for column in draft.table.columns:
        said = draft.said.columns.get(column.name, ColumnSaid())
        if said.generator is not None:
            draft.generators[column.name] = said.generator
        elif column.name.casefold() in recorded:
            draft.generators[column.name] = kinds.Constant(value=None)
        else:
            drafts.error(
                "not-planned",
                f"the plan does not say how {draft.name}.{column.name} arises",
                column.origin,
                "run `seedbed plan` to add it, or give it a generator in the plan",
            )


def _start_rows(drafts: Drafts, draft: Draft, asked: int | None, scale: float) -> None:
    said = draft.said.rows
    lists = [len(item.values) for item in draft.generators.values() if isinstance(item, kinds.Each)]
    follows = draft.said.history is not None or isinstance(said, RowsPer | DateRows)
    if follows and asked is not None:
        drafts.error(
            "rows-follow",
            f"the rows of {draft.name} follow from {_follow(draft)}, so that {asked} cannot be asked for",
            draft.place(),
            f"ask for rows of {_follow(draft)} instead",
        )
    if isinstance(said, DateRows):
        draft.rows = Days(said.start, (said.end - said.start).days + 1)
    elif follows:
        return
    elif isinstance(said, FixedRows):
        count = asked if asked is not None else math.ceil(said.count * (1 if lists else scale))
        draft.rows = Fixed(count, said.count)
    elif lists:
        draft.rows = Fixed(lists[0] if asked is None else asked, lists[0])
    elif asked is not None:
        draft.rows = Fixed(asked, asked)
    else:
        drafts.error(
            "no-rows",
            f"the plan does not say how many rows {draft.name} has",
            draft.place(),
            'add `rows: 100`, or `rows: "per <table>, poisson(mean=2)"`',
        )
    _check_each(drafts, draft)


def _check_each(drafts: Drafts, draft: Draft) -> None:
    """A key whose values are listed has no more rows than values."""
    key = draft.key
    generator = draft.generators.get(key[0]) if len(key) == 1 else None
    if isinstance(generator, kinds.Each) and isinstance(draft.rows, Fixed) and draft.rows.count > len(generator.values):
        drafts.error(
            "not-unique",
            f"{draft.name} has {draft.rows.count} rows, but its key {key[0]} only {len(generator.values)} values",
            draft.place(key[0]),
            f"ask for at most {len(generator.values)} rows, or add values",
        )


def _follow(draft: Draft) -> str:
    said = draft.said.rows
    if isinstance(said, RowsPer):
        return said.parent
    if draft.said.history:
        return "the entities of its history"
    return "its dates"


def _start_given(drafts: Drafts, draft: Draft) -> None:
    """A hand-written seed: its rows are read as they stand, so that foreign keys can refer to them."""
    file = draft.table.data_file
    assert file is not None
    if file.stat().st_size > MAX_GIVEN_BYTES:
        drafts.warn(
            "seed-too-large", f"{file.name} is not read: it has more than {MAX_GIVEN_BYTES:,} bytes", draft.place()
        )
        return
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines)
        header = next(reader, [])
        count = sum(1 for row in reader if row)
    draft.rows = Given(file, count)
    draft.written = False
    draft.generators = {name: kinds.Constant(value=None) for name in header}
    drafts.tables[draft.name] = draft


def drive_rows(drafts: Drafts) -> None:
    """Settles the rows that follow from a driving parent."""
    for draft in drafts:
        said = draft.said.rows
        if not isinstance(said, RowsPer):
            continue
        driving = next((item for item in draft.references.values() if isinstance(item.finding, Driving)), None)
        if driving is None:
            continue
        counts, stride = _bounded(said.counts)
        draft.rows = PerParent(driving.name, counts, stride, said.where)
        _check_fan_out(drafts, draft, driving.name, counts)
    changed = True
    while changed:
        changed = False
        for draft in drafts:
            if isinstance(draft.rows, PerParent) and draft.rows.dense and _grows(drafts, draft):
                draft.rows = replace(draft.rows, dense=False)
                changed = True


def _grows(drafts: Drafts, draft: Draft) -> bool:
    """Whether rows can appear between those of an earlier as-of date."""
    if any(isinstance(generator, kinds.During) for generator in draft.generators.values()):
        return True
    assert isinstance(draft.rows, PerParent)
    parent = drafts.tables[draft.references[draft.rows.reference].parent]
    return isinstance(parent.rows, PerParent | Versions) and not parent.rows.dense


def _bounded(counts: kinds.Generator) -> tuple[kinds.Generator, int]:
    """The counts with an upper bound, and a number above every count.

    A Poisson count without a maximum is cut 12 standard deviations above its mean, which is less likely than
    one in 10**12 for every mean (Chernoff bound).
    """
    match counts:
        case kinds.Poisson(max=None):
            most = math.ceil(counts.mean + 12 * math.sqrt(counts.mean) + 24)
            return counts.model_copy(update={"max": max(most, counts.min)}), max(most, counts.min) + 1
        case kinds.Poisson():
            return counts, (counts.max or 0) + 1
        case kinds.Integer() | kinds.Zipf():
            return counts, counts.max + 1
        case kinds.Choice():
            return counts, max((int(value) for value, weight in counts.values.items() if weight), default=0) + 1
        case kinds.Constant():
            return counts, max(int(counts.value or 0), 0) + (0 if counts.value == 1 else 1)
    return counts, 1


def fewest(counts: kinds.Generator) -> int:
    """The smallest number of children that these counts can give."""
    match counts:
        case kinds.Poisson() | kinds.Integer():
            return counts.min
        case kinds.Zipf():
            return 1
        case kinds.Choice():
            return min((int(value) for value, weight in counts.values.items() if weight), default=0)
        case kinds.Constant():
            return int(counts.value or 0)
        case kinds.Boolean():
            return 1 if counts.p == 1 else 0
    return 0


def _check_fan_out(drafts: Drafts, draft: Draft, name: str, counts: kinds.Generator) -> None:
    reference = draft.references[name]
    for declared in draft.table.foreign_keys:
        if declared.parent != reference.parent or set(declared.columns) != set(reference.columns):
            continue
        said = draft.said.rows
        where = isinstance(said, RowsPer) and said.where
        if fewest(counts) < declared.children.minimum or (where and declared.children.minimum):
            drafts.error(
                "too-few-children",
                f"every {reference.parent} has at least {declared.children.minimum} {draft.name} "
                f"({declared.origin.short}), but `{said}` can give none",
                draft.place(),
                f"give the count min={declared.children.minimum}",
            )
        most = _bounded(counts)[1] - 1 if not isinstance(counts, kinds.Boolean) else 1
        if counts == kinds.Constant(value=1):
            most = 1
        if declared.children.maximum is not None and most > declared.children.maximum:
            drafts.error(
                "too-many-children",
                f"a {reference.parent} has at most {declared.children.maximum} {draft.name} "
                f"({declared.origin.short}), but `{said}` can give {most}",
                draft.place(),
                f"give the count max={declared.children.maximum}, or use boolean(0.5)",
            )
