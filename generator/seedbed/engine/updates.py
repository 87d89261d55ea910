"""When rows last changed: of each row of a frame, the latest moment at which something in it became what it is.

The moments follow from what the row is made of: the walk of an entity, the moment at which a fact happened, the
parent that a value was copied from, the children that were summed up. So they agree with the values whatever the
as-of date: a row that differs between two as-of dates has changed after the earlier one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from seedbed.engine.cells import Int64s
from seedbed.engine.finders import seconds_of
from seedbed.engine.history import OPEN
from seedbed.plan import kinds
from seedbed.plan.needs import names_in_sql
from seedbed.plan.resolved import (
    DAY,
    Delayed,
    FromFile,
    OnDay,
    Part,
    PerParent,
    Reference,
    ResolvedColumn,
    ResolvedTable,
    ValidAt,
    VersionPart,
    Versions,
    Via,
)

if TYPE_CHECKING:
    from seedbed.engine.frames import Frame, Link

NEVER = int(np.iinfo(np.int64).min)
"""Stands for a moment before everything: something has always been as it is."""
_EPOCH = dt.date(1970, 1, 1)


class Updates:
    """Works out moments of change for frames of one world, each column of a frame once."""

    def __init__(self) -> None:
        # The frames are kept with their moments, so that no other frame takes the identity of one.
        self._known: dict[tuple[int, str], tuple[Frame, Int64s]] = {}

    def changed(self, frame: Frame) -> Int64s:
        """Seconds since 1970, per row: when a written value last became what it is, or the row came to be.

        The first day of the plan where nothing in the row ever changes and nothing says since when it is there.
        """
        first = (frame.world.plan.start - _EPOCH).days * DAY
        # When a row was read is no news of the row.
        columns = [item for item in frame.table.written_columns if not isinstance(item.generator, kinds.LoadedAt)]
        parts = (self.column(frame, column) for column in columns)
        return np.maximum(_latest(len(frame), (self.born(frame), *parts)), first)

    def loaded(self, frame: Frame) -> Int64s:
        """Per row: when it could first be read as it now is, which for a late row is not before it arrived."""
        return np.maximum(self.changed(frame), self.born(frame, arrived=True))

    def gone(self, frame: Frame) -> Int64s:
        """Per row: when it, or a row above it, is removed; `OPEN` where that never happens."""
        moments = np.full(len(frame), OPEN)
        if frame.table.gone_at:
            moments = np.minimum(moments, seconds_of(frame.column(frame.table.gone_at)))
        if frame.driver is not None:
            moments = np.minimum(moments, self.gone(frame.driver.frame)[frame.driver.positions])
        return moments

    def born(self, frame: Frame, *, arrived: bool = False) -> Int64s:
        """Per row: when it came to be, or arrived; `NEVER` where it was there from the beginning."""
        table, found = frame.table, []
        if table.appears_at:
            generator = table.column(table.appears_at).generator
            name = generator.of if isinstance(generator, Delayed) and not arrived else table.appears_at
            at = seconds_of(frame.column(name))
            found.append(np.where(at > frame.world.plan.end, NEVER, at))
        for lifecycle in frame.world.plan.lifecycles_of(table.name):
            found.append(frame.walk(lifecycle.name).begin)
        if frame.driver is not None:
            found.append(_gathered(frame.driver, self.born(frame.driver.frame, arrived=arrived)))
            if isinstance(table.rows, Versions):
                found.append(self._version(frame, Part.STATE))
            else:
                found.append(_gathered(frame.driver, self._counts(frame.driver.frame, table)))
        return _latest(len(frame), found)

    def column(self, frame: Frame, column: ResolvedColumn) -> Int64s:
        """Per row: when the value of a column became what it is."""
        place = (id(frame), column.name)
        if place not in self._known:
            # Columns that are drawn again read each other; the circle ends here.
            self._known[place] = (frame, np.full(len(frame), NEVER))
            if len(frame) and not isinstance(column.generator, FromFile):
                self._known[place] = (frame, _latest(len(frame), self._of_column(frame, column)))
        return self._known[place][1]

    def _of_column(self, frame: Frame, column: ResolvedColumn) -> Iterable[Int64s]:
        if column.reference:
            reference = frame.table.reference(column.reference)
            yield self._reference(frame, reference)
            link = frame.reference(reference.name)
            if column.parent_column:
                yield _gathered(link, self._path(link.frame, column.parent_column))
            return
        match column.generator:
            case VersionPart(part=part):
                yield self._version(frame, part)
            case kinds.Lifecycle(lifecycle=lifecycle, part=part):
                walk = frame.walk(lifecycle)
                if part == "ended":
                    yield np.where(walk.ended == OPEN, NEVER, walk.ended)
                elif part != "started":
                    yield walk.start[walk.first[1:] - 1]
            case kinds.After() | kinds.CaseBy() if _is_known_later(column.generator):
                at = frame.column(column.name)
                yield np.where(np.asarray(at.is_null()), NEVER, seconds_of(at))
            case kinds.Rollup():
                yield self._rollup(frame, column.generator)
            case kinds.ChangedAt():
                yield self.changed(frame)
            case kinds.LoadedAt():
                yield self.loaded(frame)
            case kinds.DeletedAt() | kinds.IsDeleted():
                at = seconds_of(frame.column(kinds.DELETED))
                yield np.where(at > frame.world.plan.end, NEVER, at)
        for path in (*column.needs, *((column.varies_by,) if column.varies_by else ())):
            yield self._path(frame, path)
        if redraw := frame.world.drawn_again(frame.table).get(column.name):
            # How often it was drawn hangs on all that its predicates read, and on what that is drawn from.
            drawn = (need for name in redraw.columns for need in frame.table.column(name).needs)
            read = (need for predicate in redraw.predicates for need in predicate.needs)
            yield from (self._path(frame, path) for path in dict.fromkeys((*drawn, *read)))

    def _version(self, frame: Frame, part: Part) -> Int64s:
        walk, place = frame.versions()
        start, until = walk.start.take(place), walk.until.take(place)
        closes = part in (Part.VALID_TO, Part.CURRENT)
        return np.asarray(np.where((until == OPEN) | (not closes), start, until))

    def _rollup(self, frame: Frame, generator: kinds.Rollup) -> Int64s:
        table = frame.world.plan.table(generator.table)
        children = frame.world.children(frame, table)
        assert children.driver is not None
        moments = self.born(children, arrived=True)
        if generator.column:
            moments = np.maximum(moments, self.column(children, table.column(generator.column)))
        latest = np.full(len(frame), NEVER)
        np.maximum.at(latest, children.driver.positions, moments)
        return _latest(len(frame), (latest, self._counts(frame, table)))

    # --- what is read -----------------------------------------------------------------------------------------

    def _path(self, frame: Frame, path: str) -> Int64s:
        """Per row: when the value at a path, or the row that a reference leads to, became what it is."""
        name = frame.world.spelled(frame.table, path)
        if name is not None:
            return self.column(frame, frame.table.column(name))
        head, _, tail = path.partition(".")
        reference = frame.table.lead(head)
        if reference is None or not len(frame):
            return np.full(len(frame), NEVER)
        moments = self._reference(frame, reference)
        if tail:
            link = frame.reference(reference.name)
            moments = np.maximum(moments, _gathered(link, self._path(link.frame, tail)))
        return moments

    def _reference(self, frame: Frame, reference: Reference) -> Int64s:
        """Per row: when the reference came to lead where it leads."""
        found = [self._condition(frame, reference.when)] if reference.when else []
        match reference.finding:
            case OnDay(of=of):
                found.append(self._path(frame, of))
            case ValidAt(entity=entity, at=at):
                found += [self._path(frame, at), self._reference(frame, frame.table.reference(entity))]
            case Via(path=steps):
                found.append(self._reference(frame, frame.table.reference(steps[0])))
                here = frame.reference(steps[0])
                for step in steps[1:]:
                    found.append(_gathered(here, self._reference(here.frame, here.frame.table.reference(step))))
                    here = here.then(step)
        if reference.varies_by:
            found.append(self._path(frame, reference.varies_by))
        return _latest(len(frame), found)

    def _counts(self, frame: Frame, table: ResolvedTable) -> Int64s:
        """Per driving row: when the conditions on which its number of children hangs became what they are."""
        assert isinstance(table.rows, PerParent)
        conditions = filter(None, (table.rows.where, *(limit.when for limit in table.rows.limits)))
        return _latest(len(frame), (self._condition(frame, condition) for condition in conditions))

    def _condition(self, frame: Frame, predicate: str) -> Int64s:
        """Per row: when the values that a SQL predicate reads became what they are."""
        paths = names_in_sql(predicate, _names(frame.table))
        return _latest(len(frame), (self._path(frame, path) for path in paths))


def _names(table: ResolvedTable) -> tuple[str, ...]:
    leads = [name for reference in table.references for name in (reference.name, reference.parent)]
    return (*(column.name for column in table.columns), *leads)


def _is_known_later(generator: kinds.Generator) -> bool:
    """Whether a value is null until the moment that it holds."""
    if isinstance(generator, kinds.CaseBy):
        return any(_is_known_later(case) for case in generator.all_cases)
    return isinstance(generator, kinds.After) and generator.known


def _latest(rows: int, parts: Iterable[Int64s]) -> Int64s:
    latest = np.full(rows, NEVER)
    for part in parts:
        np.maximum(latest, part, out=latest)
    return latest


def _gathered(link: Link, moments: Int64s) -> Int64s:
    """Moments of the rows that a link leads to; `NEVER` where it leads nowhere."""
    if not len(link.frame):
        return np.full(len(link.positions), NEVER)
    return np.where(link.positions >= 0, moments[link.positions], NEVER)
