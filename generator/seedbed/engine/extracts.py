"""Makes the rows of an extract: the state of a table at two as-of dates, and what differs.

A row is the same row at both dates when it has the same number, which never changes; so tables without a key can be
compared too.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.engine.batches import ALONE, Batches
from seedbed.engine.cells import Int64s
from seedbed.engine.frames import Frame, moments, schema_of
from seedbed.engine.updates import Updates
from seedbed.engine.workers import Workers
from seedbed.engine.world import BATCH_ROWS, World, ranges
from seedbed.plan.extracts import OPERATIONS, state_at
from seedbed.plan.resolved import Days, FeedPart, Form, ResolvedPlan, ResolvedTable

PLACES = 10**10
"""The changes of one day and table that `_sequence` can number: it is the day since 1970 times this, plus a place."""

_EPOCH = dt.date(1970, 1, 1)
_INSERT, _UPDATE, _DELETE = range(len(OPERATIONS))
_LAST = 2**40
"""Above the number of every day of a date table: the extra days come after all others, however many there are."""


def extract_batches(
    resolved: ResolvedPlan, table: ResolvedTable, *, workers: Workers = ALONE, batch_rows: int = BATCH_ROWS
) -> Iterable[pa.RecordBatch]:
    """What the plan's extract tells of a table, in batches with the schema `schema_of(table)`.

    A delta has the rows in the order of the whole state. A feed has the changes day by day, those of a day by the
    moment and then by the row; a row changes at most once a day. The changes of one day are held in memory.

    Raises:
        GenerationError: the plan cannot be carried out with these numbers of rows. So does the iteration.
    """
    assert resolved.extract is not None
    form, since = resolved.extract.form, resolved.extract.since
    if form is Form.DELTA:
        assert since is not None
        before, after = World(state_at(resolved, since)), World(resolved)
        return Batches(partial(_new_and_changed, before, after, table.name), _spans(after, table, batch_rows), workers)
    return _feed(resolved, table, workers, batch_rows)


def _feed(resolved: ResolvedPlan, table: ResolvedTable, workers: Workers, batch_rows: int) -> Iterator[pa.RecordBatch]:
    assert resolved.extract is not None
    since = resolved.extract.since
    if since is None:
        told = 0
        for changes in _compared(None, World(resolved), table, workers, batch_rows):
            yield _as_feed(changes, table, resolved.as_of, told)
            told += len(changes.moment)
        return
    before = World(state_at(resolved, since))
    for place in range((resolved.as_of - since).days):
        day = since + dt.timedelta(days=place + 1)
        after = World(state_at(resolved, day))
        yield _as_feed(_in_time(list(_compared(before, after, table, workers, batch_rows))), table, day, 0)
        before = after


def count_states(resolved: ResolvedPlan) -> int:
    """Of how many days the state is made."""
    extract = resolved.extract
    if extract is None or extract.since is None:
        return 1
    return 2 if extract.form is Form.DELTA else (resolved.as_of - extract.since).days + 1


def count_parts(resolved: ResolvedPlan, table: ResolvedTable) -> int:
    """How many batches `extract_batches` makes of a table."""
    assert resolved.extract is not None
    by_day = resolved.extract.form is Form.FEED and resolved.extract.since
    return (resolved.as_of - by_day).days if by_day else len(_spans(World(resolved), table, BATCH_ROWS))


@dataclass(frozen=True, slots=True)
class _Changes:
    """Rows that changed, in the columns of the state, and of each the operation and its moment."""

    rows: pa.RecordBatch
    operation: npt.NDArray[np.int8]
    moment: Int64s


def _spans(world: World, table: ResolvedTable, batch_rows: int) -> list[tuple[int, int]]:
    """Ranges of the root's rows. Days are compared all at once: their extra ones move on as the others grow."""
    if isinstance(table.rows, Days):
        return [(0, world.rows(table))]
    return list(ranges(world, table, batch_rows)) or [(0, 0)]


def _compared(
    before: World | None, after: World, table: ResolvedTable, workers: Workers, batch_rows: int
) -> Iterator[_Changes]:
    """The differences of a table between two as-of dates, or all its rows, by ranges of the root's rows."""
    return workers.in_order(partial(_compare, before, after, table.name), _spans(after, table, batch_rows))


def _compare(before: World | None, after: World, name: str, low: int, high: int) -> _Changes:
    now = _frame(after, name, low, high)
    if before is None:
        return _Changes(_state(now), np.full(len(now), _INSERT, np.int8), Updates().loaded(now))
    return _differences(_frame(before, name, low, high), now)


def _new_and_changed(before: World, after: World, name: str, low: int, high: int) -> pa.RecordBatch:
    changes = _compare(before, after, name, low, high)
    there = changes.operation != _DELETE
    return pa.record_batch(changes.rows.filter(pa.array(there)).columns, schema=schema_of(after.plan.table(name)))


def _frame(world: World, name: str, low: int, high: int) -> Frame:
    """The rows that descend from these rows of the root, as far as they are there."""
    table = world.plan.table(name)
    last = world.rows(world.root(table))
    return world.frames(table, min(low, last), min(high, last))


def _differences(then: Frame, now: Frame) -> _Changes:
    """What became of the rows of one frame in the other, in the order of their numbers."""
    numbers, earlier = _identities(now), _identities(then)
    place = np.searchsorted(earlier, numbers)
    there = np.flatnonzero(place < len(earlier))
    there = there[earlier[place[there]] == numbers[there]]
    gone = np.setdiff1d(np.arange(len(earlier)), place[there], assume_unique=True)
    old, new = _state(then), _state(now)
    differs = _differing(old.take(pa.array(place[there])), new.take(pa.array(there)))
    changed = np.setdiff1d(np.arange(len(numbers)), there[~differs], assume_unique=True)
    operation = np.full(len(numbers), _INSERT, np.int8)
    operation[there] = _UPDATE
    moment = Updates().loaded(now)[changed]
    # What no moment of its own removes is gone by the end of the day: its parent no longer meets a condition.
    last = np.minimum(Updates().gone(then)[gone], now.world.plan.end)
    rows = pa.Table.from_batches([new.take(pa.array(changed)), old.take(pa.array(gone))]).combine_chunks()
    order = np.argsort(np.concatenate([numbers[changed], earlier[gone]]), kind="stable")
    return _Changes(
        _as_batch(rows.take(pa.array(order))),
        np.concatenate([operation[changed], np.full(len(gone), _DELETE, np.int8)])[order],
        np.concatenate([moment, last])[order],
    )


def _identities(frame: Frame) -> Int64s:
    """Numbers, in ascending order, that are the same for the same row whatever the as-of date."""
    rows = frame.table.rows
    if not isinstance(rows, Days):
        return frame.numbers
    return np.where(frame.numbers < rows.count, frame.numbers, frame.numbers - rows.count + _LAST)


def _state(frame: Frame) -> pa.RecordBatch:
    """The written columns but for those of a feed."""
    columns = [column for column in frame.table.written_columns if not isinstance(column.generator, FeedPart)]
    return pa.record_batch([frame.column(column.name) for column in columns], [column.name for column in columns])


def _differing(old: pa.RecordBatch, new: pa.RecordBatch) -> npt.NDArray[np.bool_]:
    """Per row: whether a value is not the same in both."""
    differs = np.zeros(old.num_rows, dtype=np.bool_)
    for one, other in zip(old.columns, new.columns, strict=True):
        unequal = pc.fill_null(pc.not_equal(one, other), pc.xor(one.is_null(), other.is_null()))
        differs |= np.asarray(unequal)
    return differs


def _in_time(changes: list[_Changes]) -> _Changes:
    """The changes of one day in the order of their moments."""
    moment = np.concatenate([part.moment for part in changes])
    operation = np.concatenate([part.operation for part in changes])
    order = np.argsort(moment, kind="stable")
    rows = pa.Table.from_batches([part.rows for part in changes]).take(pa.array(order))
    return _Changes(_as_batch(rows), operation[order], moment[order])


def _as_feed(changes: _Changes, table: ResolvedTable, day: dt.date, first: int) -> pa.RecordBatch:
    """The changes with the columns of a feed. `first` changes of the day lie before them."""
    told = {
        "op": pa.array(OPERATIONS).take(pa.array(changes.operation)),
        "sequence": pa.array((day - _EPOCH).days * PLACES + first + np.arange(len(changes.moment))),
        "changed_at": moments(changes.moment, 1),
    }
    columns = [
        told[column.generator.part] if isinstance(column.generator, FeedPart) else changes.rows.column(column.name)
        for column in table.written_columns
    ]
    return pa.record_batch(columns, schema=schema_of(table))


def _as_batch(rows: pa.Table) -> pa.RecordBatch:
    whole = rows.combine_chunks().to_batches()
    return whole[0] if whole else pa.RecordBatch.from_pylist([], rows.schema)
