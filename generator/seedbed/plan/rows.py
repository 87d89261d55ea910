"""Settles how many rows each table has, and which rows drive them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import replace

from seedbed.errors import Location, closest
from seedbed.plan import kinds
from seedbed.plan.arrivals import count_entities
from seedbed.plan.changing import condition_changes
from seedbed.plan.counts import bounded, fewest, most
from seedbed.plan.draft import Draft, Drafts
from seedbed.plan.entries import ColumnSaid, TableSaid
from seedbed.plan.given import generator_from_file, start_by_hand, start_from_file
from seedbed.plan.resolved import (
    DAY,
    Covering,
    Days,
    DistinctAmongSiblings,
    Drawn,
    Driving,
    Fixed,
    Given,
    OneToOne,
    PerParent,
    Reference,
    ResolvedLifecycle,
    Tree,
    Versions,
)
from seedbed.plan.spec import DateRows, FileRows, FixedRows, RowsPer

LARGEST_NUMBER = 2**62
"""No row of any table has a number above this, so that arithmetic with numbers cannot overflow."""

_EPOCH = dt.date(1970, 1, 1)


def start_tables(
    drafts: Drafts, said: Mapping[str, TableSaid], rows: Mapping[str, int], scale: float, as_of: dt.date
) -> None:
    """Makes a draft of every table that is generated or given, with its rows where they stand alone.

    A date table that covers the plan's as-of date goes on to the end of the year of a later one.
    """
    asked = {name.casefold(): count for name, count in rows.items()}
    for table in drafts.schema:
        if table.generated and table.name in said:
            draft = Draft(table, said[table.name])
            drafts.tables[table.name] = draft
            count = asked.pop(table.name.casefold(), None)
            if isinstance(draft.said.rows, FileRows):
                start_from_file(drafts, draft, draft.said.rows)
                if draft.rows is None:
                    continue  # What the file does not give cannot be told.
            _collect_generators(drafts, draft)
            _start_rows(drafts, draft, count, scale)
            if isinstance(draft.rows, Days) and as_of > drafts.plan.as_of:
                draft.rows = _extended(draft.rows, drafts.plan.as_of, as_of)
        elif table.data_file is not None:
            start_by_hand(drafts, Draft(table, TableSaid(origin=table.origin)))
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
        if column.name in draft.from_file:
            draft.generators[column.name] = generator_from_file(drafts, draft, column)
        elif said.generator is not None:
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
    follows = draft.said.history is not None or isinstance(said, RowsPer | DateRows | FileRows)
    if follows and asked is not None:
        drafts.error(
            "rows-follow",
            f"the rows of {draft.name} follow from {_follow(draft)}, so that {asked} cannot be asked for",
            draft.place(),
            f"edit {_follow(draft)}" if isinstance(said, FileRows) else f"ask for rows of {_follow(draft)} instead",
        )
    if isinstance(said, FileRows) and draft.said.history is not None:
        drafts.error(
            "rows-follow",
            f"{draft.name} has `rows: {said}`, but the rows of a history are the versions of its entities",
            draft.place(),
            "take out `rows:`, or the history",
        )
    elif isinstance(said, DateRows):
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


def _extended(days: Days, planned: dt.date, as_of: dt.date) -> Days:
    covered = days.start + dt.timedelta(days=days.count - 1) >= planned
    return replace(days, planned=days.count).at(as_of) if covered else days


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
    return str(said.file) if isinstance(said, FileRows) else "its dates"


def drive_rows(drafts: Drafts) -> None:
    """Settles the rows that follow from a driving parent."""
    for draft in drafts:
        said = draft.said.rows
        if not isinstance(said, RowsPer):
            continue
        driving = next((item for item in draft.references.values() if isinstance(item.finding, Driving)), None)
        if driving is None or not _can_count(drafts, draft, said.counts):
            continue
        counts = bounded(said.counts)
        draft.rows = PerParent(driving.name, counts, max(most(counts), 1), said.where)
        _check_fan_out(drafts, draft, driving.name, counts)
    for draft in drafts:
        _check_circle(drafts, draft)
    number_rows(drafts)


def number_rows(drafts: Drafts) -> None:
    """Numbers rows with gaps where some can appear between those of an earlier as-of date."""
    changed = True
    while changed:
        changed = False
        for draft in drafts:
            if isinstance(draft.rows, PerParent) and draft.rows.dense and _grows(drafts, draft):
                draft.rows = replace(draft.rows, dense=False)
                changed = True


def _check_circle(drafts: Drafts, draft: Draft) -> None:
    """Reports a table whose rows are driven by itself, perhaps through others: nobody could count them."""
    above = [draft.name]
    while (driving := drafts.tables[above[-1]].driving) is not None:
        parent = drafts.tables[above[-1]].references[driving].parent
        if parent == draft.name:
            drafts.error(
                "rows-circle",
                f"the rows of {draft.name} are driven by themselves: {' per '.join([*above, parent])}",
                draft.place(),
                "give one of these tables a number of rows",
            )
        if parent in above:
            return
        above.append(parent)


def _grows(drafts: Drafts, draft: Draft) -> bool:
    """Whether rows can appear between those of an earlier as-of date."""
    assert isinstance(draft.rows, PerParent)
    parent = drafts.tables[draft.references[draft.rows.reference].parent]
    conditions = (draft.rows.where, *(limit.when for limit in draft.rows.limits))
    changes = any(condition_changes(drafts, parent, text) for text in conditions if text)
    return draft.appears is not None or not parent.dense or changes


def check_numbering(drafts: Drafts, as_of: dt.date) -> None:
    """Reports numbers of rows that 64 bits cannot hold, and what needs tables that are numbered without gaps."""
    for draft in drafts:
        if _largest_number(drafts, draft, as_of) > LARGEST_NUMBER:
            drafts.error(
                "too-many-rows",
                f"the rows of {draft.name} cannot be numbered: every row above it may have up to "
                f"{draft.rows.stride if isinstance(draft.rows, PerParent | Versions) else 1:,} of them, which is "
                "more than 64 bits hold",
                draft.place(),
                "give the counts a max=, the histories a max_versions:, or ask for fewer rows",
            )
        for reference in draft.references.values():
            _check_finding(drafts, draft, reference)


def _check_finding(drafts: Drafts, draft: Draft, reference: Reference) -> None:
    """That a way to find parents which counts rows through has tables whose rows are numbered without gaps."""
    parent = drafts.tables[reference.parent]
    gaps: Draft | None = None
    wanted = ""
    match reference.finding:
        case Covering():
            wanted = "a minimum or maximum number of children"
        case OneToOne():
            wanted = "a parent for each row alone"
        case Tree():
            wanted = "a tree"
        case DistinctAmongSiblings():
            if not isinstance(draft.rows, PerParent | Versions):
                drafts.error(
                    "no-siblings",
                    f"{draft.name}.{reference.name} is to be distinct among siblings, but the rows of {draft.name} are "
                    "not driven by a parent",
                    draft.place(reference.name),
                    f"give {draft.name} `rows: per <table>`, or take out distinct=true",
                )
                return
            wanted = "distinct parents"
        case Drawn(zipf=zipf) if zipf is not None:
            wanted = "zipf"
        case _:
            return
    if not parent.dense:
        gaps = parent
    elif not draft.dense and isinstance(reference.finding, Covering | OneToOne):
        gaps = draft
    elif isinstance(reference.finding, DistinctAmongSiblings) and reference.finding.covering and draft.driving:
        driver = drafts.tables[draft.references[draft.driving].parent]
        gaps = None if driver.dense else driver
    if gaps:
        drafts.error(
            "numbered-with-gaps",
            f"{draft.name}.{reference.name} wants {wanted}, but rows of {gaps.name} appear as time goes on, so that "
            "nobody can count them beforehand",
            draft.place(next(iter(reference.columns), None)),
            "leave it out of the generator, and out of the diagram: `}o` instead of `}|` or `||` at the child's end",
        )


def _largest_number(drafts: Drafts, draft: Draft, as_of: dt.date) -> int:
    match draft.rows:
        case PerParent(reference=name, stride=stride) | Versions(reference=name, stride=stride):
            return _largest_number(drafts, drafts.tables[draft.references[name].parent], as_of) * stride
        case Fixed(count=count):
            return max([count, *(_begun(drafts, item, count, as_of) for item in _lifecycles(drafts, draft))])
        case Days(count=count) | Given(count=count):
            return count
    return 0


def _lifecycles(drafts: Drafts, draft: Draft) -> list[ResolvedLifecycle]:
    return [lifecycle for lifecycle in drafts.lifecycles.values() if lifecycle.entity == draft.name]


def _begun(drafts: Drafts, lifecycle: ResolvedLifecycle, planned: int, as_of: dt.date) -> int:
    planned_end, end = ((day - _EPOCH).days * DAY + DAY - 1 for day in (drafts.plan.as_of, as_of))
    return count_entities(lifecycle, planned, planned_end, end)


def _can_count(drafts: Drafts, draft: Draft, counts: kinds.Generator) -> bool:
    """Reports counts that are no numbers of rows."""
    values: list[object] = []
    match counts:
        case kinds.Constant(value=value):
            values = [value]
        case kinds.Choice(values=weights):
            values = list(weights)
        case kinds.Integer(min=low):
            values = [low]
    wrong = [value for value in values if not (isinstance(value, int | float) and value >= 0 and value == int(value))]
    if wrong:
        said = f"{wrong[0]!r} is not a number of rows"
        hint = "use whole numbers from 0 on, for example poisson(3) or choice({0: 1, 1: 2})"
    elif counts.null or counts.when:
        said = "null= and when= mean nothing for a number of rows"
        hint = "use `per <table> where <condition>`, or boolean(0.5)"
    else:
        return True
    drafts.error("invalid-counts", f"{draft.name} has rows {draft.said.rows}: {said}", draft.place(), hint)
    return False


def _check_fan_out(drafts: Drafts, draft: Draft, name: str, counts: kinds.Generator) -> None:
    reference, said = draft.references[name], draft.said.rows
    for declared in draft.table.foreign_keys:
        if declared.parent != reference.parent or set(declared.columns) != set(reference.columns):
            continue
        # Rows that do not name their parent, or are not there yet, do not count.
        where = isinstance(said, RowsPer) and said.where
        some = where or reference.null or reference.when or (draft.during and declared.children.minimum > 1)
        some = some or draft.appears == kinds.ARRIVED or draft.gone
        if declared.children.minimum and (fewest(counts) < declared.children.minimum or some):
            drafts.error(
                "too-few-children",
                f"every {reference.parent} has at least {declared.children.minimum} {draft.name} "
                f"({declared.origin.short}), but `{said}` can give fewer",
                draft.place(),
                f"give the count min={declared.children.minimum}, without `where`, null=, when= and `arrives:`",
            )
        if declared.children.maximum is not None and most(counts) > declared.children.maximum:
            drafts.error(
                "too-many-children",
                f"a {reference.parent} has at most {declared.children.maximum} {draft.name} "
                f"({declared.origin.short}), but `{said}` can give {most(counts)}",
                draft.place(),
                f"give the count max={declared.children.maximum}, or use boolean(0.5)",
            )
