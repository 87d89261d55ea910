"""How the rows of a table find the rows that a reference leads to: one function for each way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from seedbed.engine.arrow import conform
from seedbed.engine.cells import Int64s
from seedbed.engine.concentration import concentrated_ranks
from seedbed.engine.discrete import zipf_ranks
from seedbed.engine.rng import Stream
from seedbed.errors import GenerationError
from seedbed.plan.counts import fewest
from seedbed.plan.resolved import (
    DAY,
    Covering,
    Days,
    DistinctAmongSiblings,
    Drawn,
    Given,
    LookedUp,
    OnDay,
    OneToOne,
    PerParent,
    Reference,
    ResolvedTable,
    Tree,
)

if TYPE_CHECKING:
    from seedbed.engine.frames import Frame
    from seedbed.engine.world import World

MOST_TRIES = 64
"""How often a parent is drawn again when it has no child to refer to."""

_EPOCH = dt.date(1970, 1, 1)


def seconds_of(moments: pa.Array) -> Int64s:
    """Dates or timestamps as seconds since 1970; null as a moment that never comes."""
    if pa.types.is_date32(moments.type):
        days = moments.cast(pa.int32()).fill_null(2**30)
        return np.asarray(days.to_numpy(zero_copy_only=False)).astype(np.int64) * DAY
    seconds = moments.cast(pa.timestamp("s")).cast(pa.int64()).fill_null(2**62)
    return np.asarray(seconds.to_numpy(zero_copy_only=False))


def distinct_numbers(numbers: Int64s) -> tuple[Int64s, Int64s]:
    """The distinct numbers in order, and the place of each number among them; quick where they are in order."""
    if len(numbers) == 0 or (numbers[1:] < numbers[:-1]).any():
        distinct, places = np.unique(numbers, return_inverse=True)
        return distinct, places.astype(np.int64)
    new = np.empty(len(numbers), dtype=np.bool_)
    new[0] = True
    np.not_equal(numbers[1:], numbers[:-1], out=new[1:])
    return numbers[new], np.cumsum(new) - 1


def _draw(world: World, frame: Frame, reference: Reference, parent: ResolvedTable) -> Int64s:
    assert isinstance(reference.finding, Drawn)
    stream = frame.stream_of(reference)
    rows = frame.varied(reference.varies_by)
    if reference.finding.concentration:
        return _concentrated(world, frame, reference, parent)
    if not world.is_dense(parent):
        head = parent
        while not world.is_dense(head) and (above := world.driver(head)):
            head = above
        domain = world.domain(frame, head, reference.varies_by)
        if isinstance(domain, int):
            domain = np.full(len(rows), domain)
        return _draw_with_gaps(world, stream, rows, domain, parent)
    if reference.finding.zipf is None:
        return stream.below(rows, world.domain(frame, parent, reference.varies_by))
    domain = world.domain(frame, parent, reference.varies_by, doubling=True)
    if isinstance(domain, int):
        return zipf_ranks(reference.finding.zipf, domain, stream.bits(rows)) - 1
    drawn = np.empty(len(rows), dtype=np.int64)
    for size in np.unique(domain):
        at = np.flatnonzero(domain == size)
        drawn[at] = zipf_ranks(reference.finding.zipf, int(size), stream.bits(rows[at])) - 1
    return drawn


def _concentrated(world: World, frame: Frame, reference: Reference, parent: ResolvedTable) -> Int64s:
    """Parents drawn so that the busiest have their share; when tables grow, part by part, as in `_Parts`."""
    assert isinstance(reference.finding, Drawn)
    assert reference.finding.concentration is not None
    wanted, stream = reference.finding.concentration, frame.stream_of(reference)
    # Who is busy stays the same however often a row is drawn again.
    order = Stream(world.plan.random_seed, *reference.stream).child("rank")
    above = world.root(parent)
    asked, unit = world.asked(above), max(world.planned(above), 1)
    ends = np.minimum(np.arange(max(-(-asked // unit), 1) + 1) * unit, asked)
    bounds = world.until(parent, ends)
    sizes = np.maximum(np.diff(bounds), 1)
    part = frame.roots() // max(world.planned(world.root(frame.table)), 1) % len(sizes)
    drawn = bounds[part]
    for size in np.unique(sizes).tolist():
        here = np.flatnonzero(sizes[part] == size)
        ranks = concentrated_ranks(wanted, size, stream.uniform(frame.numbers[here]))
        drawn[here] += order.permute(ranks, size)
    return drawn


def _draw_with_gaps(world: World, stream: Stream, rows: Int64s, domain: Int64s, parent: ResolvedTable) -> Int64s:
    """A row of a table that is numbered with gaps: a driving row, then one of its children, until there is one.

    Only rows that are there at the plan's own as-of date are drawn, so that a later date moves nothing. `domain`
    says from how many rows of the nearest table above without gaps each may descend.
    """
    driver = world.driver(parent)
    drawn = np.full(len(rows), -1, dtype=np.int64)
    waiting = np.arange(len(rows) if domain.all() else 0)
    for attempt in range(MOST_TRIES):
        if not len(waiting):
            break
        trial, asking, within = stream.child("try", str(attempt)), rows[waiting], domain[waiting]
        if driver is None:
            chosen = trial.below(asking, within)
            distinct, _ = distinct_numbers(chosen)
            has = np.isin(chosen, world.there(world.pick(parent, distinct), world.planned_end).numbers)
            drawn[waiting[has]] = chosen[has]
        else:
            dense = world.is_dense(driver)
            owners = (
                trial.below(asking, within)
                if dense
                else _draw_with_gaps(world, trial.child("owner"), asking, within, driver)
            )
            distinct, inverse = distinct_numbers(owners)
            children = world.children(world.pick(driver, distinct), parent, world.planned_end)
            assert children.driver is not None
            counts = np.bincount(children.driver.positions, minlength=len(distinct))
            first = (np.cumsum(counts) - counts)[inverse]
            has = counts[inverse] > 0
            place = trial.child("place").below(asking[has], counts[inverse[has]])
            drawn[waiting[has]] = children.numbers[first[has] + place]
        waiting = waiting[~has]
    if (drawn < 0).any():
        raise GenerationError(
            f"{parent.name} has too few rows to refer to: {MOST_TRIES} tries found none; give it more, or fewer "
            f"parents without any"
        )
    return drawn


@dataclass(frozen=True, slots=True)
class _Parts:
    """How the rows of two tables are matched when the tables grow: part by part.

    A part is what descends from as many rows of each root as the plan asks for, so that a larger run has the parts
    of a smaller one; the last part may be smaller. Rows `rows[k]` to `rows[k + 1]` belong to parents `parents[k]`
    to `parents[k + 1]`. There can be rows after the last part, when they have grown more than the parents.
    """

    rows: Int64s
    parents: Int64s

    @staticmethod
    def of(world: World, table: ResolvedTable, parent: ResolvedTable) -> _Parts:
        root, above = world.root(table), world.root(parent)
        parents = world.asked(above)
        unit = world.planned(above) or parents
        if parents <= unit:
            return _Parts(np.array([0, world.rows(table)]), np.array([0, world.asked(parent)]))
        ends = np.arange(-(-parents // unit) + 1)
        rows = np.minimum(ends * max(world.planned(root), 1), world.rows(root))
        return _Parts(world.until(table, rows), world.until(parent, np.minimum(ends * unit, parents)))

    @property
    def counts(self) -> Int64s:
        return np.diff(self.rows)

    @property
    def sizes(self) -> Int64s:
        return np.diff(self.parents)

    def place(self, numbers: Int64s) -> tuple[Int64s, Int64s]:
        """The part of each row, and its place there; rows after the last part are spread over all."""
        part = np.searchsorted(self.rows[1:], numbers, side="right")
        after = part == len(self.sizes)
        more = numbers - self.rows[-1]
        part = np.where(after, more % len(self.sizes), part)
        return part, np.where(after, self.counts[part] + more // len(self.sizes), numbers - self.rows[part])

    def place_within(self, numbers: Int64s, room: Int64s) -> tuple[Int64s, Int64s]:
        """As `place`, but no part takes more rows than it has `room` for; the others go where room is left."""
        part = np.minimum(np.searchsorted(self.rows[1:], numbers, side="right"), len(room) - 1)
        index = numbers - self.rows[part]
        over = np.maximum(self.counts - room, 0)
        left = np.cumsum(np.maximum(room - self.counts, 0))
        beyond = np.flatnonzero((index >= room[part]) | (numbers >= self.rows[-1]))
        rank = np.where(
            numbers[beyond] >= self.rows[-1],
            over.sum() + numbers[beyond] - self.rows[-1],
            (np.cumsum(over) - over)[part[beyond]] + index[beyond] - room[part[beyond]],
        )
        where = np.searchsorted(left, rank, side="right")
        part[beyond] = where
        index[beyond] = self.counts[where] + rank - (left - np.maximum(room - self.counts, 0))[where]
        return part, index


def _cover(world: World, frame: Frame, reference: Reference, parent: ResolvedTable) -> Int64s:
    """Children dealt to parents in rounds: first so that each has its minimum, then up to the maximum."""
    finding = reference.finding
    assert isinstance(finding, Covering)
    if finding.minimum and world.rows(parent) > world.asked(parent):
        raise GenerationError(
            f"{parent.name} has more rows at a later as-of date, and not each of them {finding.minimum} rows of "
            f"{frame.table.name}; give {frame.table.name} rows per {parent.name}, or no minimum"
        )
    least, most = finding.minimum, finding.maximum
    parts, rows, parents = _Parts.of(world, frame.table, parent), world.rows(frame.table), world.asked(parent)
    if (parts.counts < parts.sizes * least).any() or (most is not None and rows > parents * most):
        bounds = f"{least} to {most}" if most is not None else f"at least {least}"
        raise GenerationError(
            f"each row of {parent.name} is to have {bounds} rows of {frame.table.name}, but there are {rows} for "
            f"{parents}; ask for other numbers of rows"
        )
    return _deal(world, frame, reference, parts, finding)


def _one_to_one(world: World, frame: Frame, reference: Reference, parent: ResolvedTable) -> Int64s:
    parents, rows = world.asked(parent), world.rows(frame.table)
    if rows > parents:
        raise GenerationError(
            f"each row of {frame.table.name} needs a {parent.name} of its own, but there are {rows} for {parents}; "
            f"ask for at most {parents} rows of {frame.table.name}"
        )
    return _deal(world, frame, reference, _Parts.of(world, frame.table, parent), Covering(0, 1))


def _deal(world: World, frame: Frame, reference: Reference, parts: _Parts, bounds: Covering) -> Int64s:
    least, most = bounds.minimum, bounds.maximum
    if most is None:
        part, index = parts.place(frame.numbers)
    else:
        part, index = parts.place_within(frame.numbers, parts.sizes * most)
    stream = Stream(world.plan.random_seed, *reference.stream)
    drawn, sizes = parts.parents[part], parts.sizes[part]
    for size in np.unique(sizes).tolist():
        here = sizes == size
        first = np.flatnonzero(here & (index < size * least))
        drawn[first] += stream.permute(index[first] % max(size, 1), size)
        rest = np.flatnonzero(here & (index >= size * least))
        if most is None:
            drawn[rest] += stream.child("rest").below(index[rest], size)
        else:
            spare = most - least
            drawn[rest] += stream.child("rest").permute(index[rest] - size * least, size * spare) // max(spare, 1)
    return drawn


@lru_cache(maxsize=256)
def _units(size: int) -> Int64s:
    """Some numbers without a common divisor with `size`, spread over its range."""
    spread = [int(size * share) or 1 for share in np.linspace(0.05, 0.95, 61)]
    found = {unit for start in spread for unit in (_next_unit(start, size),)}
    return np.array(sorted(found), dtype=np.int64)


def _next_unit(start: int, size: int) -> int:
    while gcd(start, size) != 1:
        start += 1
    return start


def _distinct(world: World, frame: Frame, reference: Reference, parent: ResolvedTable) -> Int64s:
    """Steps through all parents from a random start, by a random stride that meets each of them once."""
    assert isinstance(reference.finding, DistinctAmongSiblings)
    assert frame.driver is not None
    assert frame.ordinal is not None
    owners, size = frame.driver.numbers(), world.asked(parent)
    _check_siblings(frame, parent, np.full(len(frame), size))
    stream = Stream(world.plan.random_seed, *reference.stream)
    if reference.finding.covering:
        return _distinct_and_covering(world, frame, stream, parent)
    domain = np.broadcast_to(np.asarray(world.domain(frame, parent, doubling=True), np.int64), owners.shape)
    # A smaller run could not make the rows of an owner that has more of them than it may draw from.
    needed = world.count_children(frame.driver.frame, frame.table)[frame.driver.positions]
    domain = np.maximum(domain, np.minimum(needed, size))
    start = stream.child("start").below(owners, domain)
    step = np.empty(len(frame), dtype=np.int64)
    for part in np.unique(domain):
        at = np.flatnonzero(domain == part)
        units = _units(int(part))
        step[at] = units[stream.child("step").below(owners[at], len(units))]
    return (start + step * frame.ordinal) % domain


def _check_siblings(frame: Frame, parent: ResolvedTable, sizes: Int64s) -> None:
    """That there are enough parents for the siblings, which may draw from so many of them."""
    assert frame.driver is not None
    assert frame.ordinal is not None
    wrong = np.flatnonzero(frame.ordinal >= sizes)
    if len(wrong):
        raise GenerationError(
            f"a {frame.driver.frame.table.name} has {frame.ordinal.max() + 1} rows of {frame.table.name}, each to "
            f"refer to another {parent.name}, but there are only {sizes[wrong[0]]}; ask for more rows of "
            f"{parent.name}, or give the count a max"
        )


def _distinct_and_covering(world: World, frame: Frame, stream: Stream, parent: ResolvedTable) -> Int64s:
    """Deals the parents to the driving rows one after another, each of which has at least so many children."""
    assert isinstance(frame.table.rows, PerParent)
    assert frame.driver is not None
    assert frame.ordinal is not None
    driver, least = frame.driver.frame.table, fewest(frame.table.rows.counts)
    parts, parents = _Parts.of(world, driver, parent), world.asked(parent)
    # The last part, if it is small, takes in as many parents before it as an owner may need.
    low = np.minimum(parts.parents[:-1], np.maximum(parts.parents[1:] - frame.table.rows.stride, 0))
    low[:-1] = parts.parents[:-2]
    sizes = parts.parents[1:] - low
    if (parts.counts * least < sizes).any() or world.rows(parent) > parents:
        raise GenerationError(
            f"every {parent.name} is to have a {frame.table.name}, but there may be fewer of them than the "
            f"{world.rows(parent)} rows of {parent.name}; give the count a higher min, or ask for fewer rows of "
            f"{parent.name}"
        )
    part, index = parts.place(frame.driver.numbers())
    drawn = low[part]
    _check_siblings(frame, parent, sizes[part])
    index = index * least + frame.ordinal
    for size in np.unique(sizes[part]).tolist():
        here = np.flatnonzero(sizes[part] == size)
        drawn[here] += stream.permute(index[here] % size, size)
    return drawn


def _tree(world: World, frame: Frame, reference: Reference, parent: ResolvedTable) -> Int64s:
    assert isinstance(reference.finding, Tree)
    above = np.maximum(frame.numbers, 1)
    drawn = Stream(world.plan.random_seed, *reference.stream).below(frame.numbers, above)
    return np.where(frame.numbers < reference.finding.roots, np.int64(-1), drawn)


def _on_day(world: World, frame: Frame, reference: Reference, parent: ResolvedTable) -> Int64s:
    assert isinstance(reference.finding, OnDay)
    assert isinstance(parent.rows, Days)
    moments = frame.column(reference.finding.of)
    days = seconds_of(moments) // DAY
    first = (parent.rows.start - _EPOCH).days
    numbers = days - first
    outside = (numbers < 0) | (numbers >= parent.rows.count)
    for place, extra in enumerate(parent.rows.extra):
        here = days == (extra - _EPOCH).days
        numbers[here] = parent.rows.count + place
        outside &= ~here
    if moments.null_count:
        missing = ~np.asarray(moments.is_valid().to_numpy(zero_copy_only=False))
        numbers[missing] = -1
        outside &= ~missing
    if outside.any():
        day = _EPOCH + dt.timedelta(days=int(days[np.argmax(outside)]))
        last = parent.rows.start + dt.timedelta(days=parent.rows.count - 1)
        name = next(iter(reference.columns))
        raise GenerationError(
            f"{frame.table.name}.{name} falls on {day}, but {parent.name} has only the days from {parent.rows.start} "
            f"to {last}; give {parent.name} `rows: dates('...', '...')` that include it"
        )
    return numbers


def _looked_up(world: World, frame: Frame, reference: Reference, parent: ResolvedTable) -> Int64s:
    return world.looked_up(frame.table, reference, parent)[frame.numbers]


def look_up(table: ResolvedTable, reference: Reference, parents: Frame | None) -> Int64s:
    """For each row of a file, the number of the parent whose key stands there; -1 where none does.

    Raises:
        GenerationError: a key is no parent's, or there are too many parents, so that they were not kept.
    """
    given = table.rows
    assert isinstance(given, Given)
    first = next(iter(reference.columns))
    here = f"{table.name}.{first}"
    if parents is None:
        raise GenerationError(
            f"{here}: {reference.parent} has too many rows to find those that {given.name} refers to; take the column "
            "out of the file, so that it is generated"
        )
    keys, wanted = [], []
    for child, target in reference.columns.items():
        keys.append(parents.value(target).to_pylist())
        data_type = parents.table.column(target).data_type
        wanted.append(conform(given.values.column(child), data_type, f"{table.name}.{child}").to_pylist())
    numbers = dict(zip(zip(*keys, strict=True), parents.numbers.tolist(), strict=True))
    found = np.full(given.count, -1, dtype=np.int64)
    for row, key in enumerate(zip(*wanted, strict=True)):
        if None not in key:
            if key not in numbers:
                said = ", ".join(str(part) for part in key)
                raise GenerationError(
                    f"{here}: {given.name}:{given.lines[row]} refers to {reference.parent} {said!r}, which is not there"
                )
            found[row] = numbers[key]
    return found


FINDERS: Mapping[type[Any], Callable[[World, Frame, Reference, ResolvedTable], Int64s]] = {
    Drawn: _draw,
    Covering: _cover,
    OneToOne: _one_to_one,
    DistinctAmongSiblings: _distinct,
    Tree: _tree,
    OnDay: _on_day,
    LookedUp: _looked_up,
}
