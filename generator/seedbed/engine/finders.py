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

from seedbed.engine.cells import Int64s
from seedbed.engine.discrete import zipf_ranks
from seedbed.engine.rng import Stream
from seedbed.errors import GenerationError
from seedbed.plan.resolved import (
    DAY,
    Covering,
    Days,
    DistinctAmongSiblings,
    Drawn,
    OnDay,
    OneToOne,
    PerParent,
    Reference,
    ResolvedTable,
    Tree,
)
from seedbed.plan.rows import fewest

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
    stream = Stream(world.plan.random_seed, *reference.stream)
    rows = frame.varied(reference.varies_by)
    if not world.is_dense(parent):
        head = parent
        while not world.is_dense(head) and (above := world.driver(head)):
            head = above
        domain = world.domain(frame, head)
        if isinstance(domain, int):
            domain = np.full(len(rows), domain)
        return _draw_with_gaps(world, stream, rows, domain, parent)
    if reference.finding.zipf is None:
        return stream.below(rows, world.domain(frame, parent))
    domain = world.domain(frame, parent, doubling=True)
    if isinstance(domain, int):
        return zipf_ranks(reference.finding.zipf, domain, stream.bits(rows)) - 1
    drawn = np.empty(len(rows), dtype=np.int64)
    for size in np.unique(domain):
        at = np.flatnonzero(domain == size)
        drawn[at] = zipf_ranks(reference.finding.zipf, int(size), stream.bits(rows[at])) - 1
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
    """How children and parents are matched when their tables grow: part by part.

    Each of the `whole` parts has `rows` of the children and `size` of the parents, as many as the plan asks for;
    then come `last` parents, fewer than a part. So a larger run has the parts of a smaller one.
    """

    rows: int
    size: int
    whole: int
    last: int

    @staticmethod
    def of(world: World, rows: ResolvedTable, parent: ResolvedTable) -> _Parts:
        parents = world.asked(parent)
        size = min(world.planned(parent), parents) or parents
        return _Parts(max(world.planned(rows), 1), size, *divmod(parents, size))

    def bounds(self, rows: int) -> tuple[int, int]:
        """The fewest and the most of so many rows that a whole part has."""
        if rows < self.rows * self.whole:
            return max(rows - self.rows * (self.whole - 1), 0), min(rows, self.rows)
        return rows // self.whole, -(-rows // self.whole)


def _cover(world: World, frame: Frame, reference: Reference, parent: ResolvedTable) -> Int64s:
    """Children dealt to parents in rounds: first so that each has its minimum, then up to the maximum."""
    finding = reference.finding
    assert isinstance(finding, Covering)
    parts, rows = _Parts.of(world, frame.table, parent), world.rows(frame.table)
    if finding.minimum and world.rows(parent) > world.asked(parent):
        raise GenerationError(
            f"{parent.name} has more rows at a later as-of date, and not each of them {finding.minimum} rows of "
            f"{frame.table.name}; give {frame.table.name} rows per {parent.name}, or no minimum"
        )
    # The parents after the whole parts get their share of the rows after them, the whole parts the rest.
    beyond = max(rows - parts.rows * parts.whole, 0)
    for_last = min(beyond, max(-(-parts.rows * parts.last // parts.size), parts.last * finding.minimum))
    for_whole = rows - for_last
    fewest_rows, most_rows = parts.bounds(for_whole)
    for few, many, size in ((fewest_rows, most_rows, parts.size), (for_last, for_last, parts.last)):
        most = finding.maximum
        if few < size * finding.minimum or (most is not None and many > size * most):
            bounds = f"{finding.minimum} to {most}" if most is not None else f"at least {finding.minimum}"
            raise GenerationError(
                f"each row of {parent.name} is to have {bounds} rows of {frame.table.name}, but there are {rows} for "
                f"{world.rows(parent)}; ask for other numbers of rows"
            )
    stream = Stream(world.plan.random_seed, *reference.stream)
    rest = frame.numbers - parts.rows * parts.whole
    more = np.maximum(rest - for_last, 0)
    inside = rest < 0
    part = np.where(inside, frame.numbers // parts.rows, more % parts.whole)
    index = np.where(inside, frame.numbers % parts.rows, parts.rows + more // parts.whole)
    at = np.flatnonzero(~inside & (rest < for_last))
    index[at] = 0
    drawn = parts.size * part + _deal(stream, index, parts.size, finding)
    drawn[at] = parts.size * parts.whole + _deal(stream.child("last"), rest[at], parts.last, finding)
    return drawn


def _deal(stream: Stream, index: Int64s, size: int, finding: Covering) -> Int64s:
    needed = size * finding.minimum
    dealt = stream.permute(index % max(size, 1), size)
    rest = np.flatnonzero(index >= needed)
    if len(rest):
        if finding.maximum is None:
            dealt[rest] = stream.child("rest").below(index[rest], size)
        else:
            spare = finding.maximum - finding.minimum
            dealt[rest] = stream.child("rest").permute(index[rest] - needed, size * spare) // spare
    return dealt


def _one_to_one(world: World, frame: Frame, reference: Reference, parent: ResolvedTable) -> Int64s:
    parents, rows = world.asked(parent), world.rows(frame.table)
    if rows > parents:
        raise GenerationError(
            f"each row of {frame.table.name} needs a {parent.name} of its own, but there are {rows} for {parents}; "
            f"ask for at most {parents} rows of {frame.table.name}"
        )
    parts = _Parts.of(world, frame.table, parent)
    own = min(parts.rows, parts.size)
    stream = Stream(world.plan.random_seed, *reference.stream)
    rest = frame.numbers - own * parts.whole
    # Beyond the whole parts: first the parents after them, then those that the whole parts have left.
    left = np.maximum(rest - parts.last, 0)
    part = np.where(rest < 0, frame.numbers // own, left // max(parts.size - own, 1))
    index = np.where(rest < 0, frame.numbers % own, own + left % max(parts.size - own, 1))
    at = np.flatnonzero((rest >= 0) & (rest < parts.last))
    index[at] = 0
    drawn = parts.size * part + stream.permute(index, parts.size)
    drawn[at] = parts.size * parts.whole + stream.child("last").permute(rest[at], parts.last)
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
    most = int(frame.ordinal.max(initial=-1)) + 1
    if reference.finding.covering:
        size = min(size, world.planned(parent) or size)
    if most > size:
        raise GenerationError(
            f"a {frame.driver.frame.table.name} has {most} rows of {frame.table.name}, each to refer to another "
            f"{parent.name}, but there are only {size}; ask for more rows of {parent.name}, or give the count a max"
        )
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


def _distinct_and_covering(world: World, frame: Frame, stream: Stream, parent: ResolvedTable) -> Int64s:
    """Deals the parents to the driving rows one after another, each of which has at least so many children."""
    assert isinstance(frame.table.rows, PerParent)
    assert frame.driver is not None
    assert frame.ordinal is not None
    driver, least = frame.driver.frame.table, fewest(frame.table.rows.counts)
    parts, drivers = _Parts.of(world, driver, parent), world.rows(driver)
    beyond = max(drivers - parts.rows * parts.whole, 0)
    # As many of the last parents as an owner may need.
    last = min(max(parts.last, frame.table.rows.stride), world.asked(parent)) if parts.last else 0
    in_whole, _ = parts.bounds(drivers - (beyond if last else 0))
    if in_whole * least < parts.size or beyond * least < last or world.rows(parent) > world.asked(parent):
        raise GenerationError(
            f"every {parent.name} is to have a {frame.table.name}, but there may be fewer of them than the "
            f"{world.rows(parent)} rows of {parent.name}; give the count a higher min, or ask for fewer rows of "
            f"{parent.name}"
        )
    owners = frame.driver.numbers()
    rest = owners - parts.rows * parts.whole
    part = np.where(rest < 0, owners // parts.rows, rest % parts.whole)
    index = np.where(rest < 0, owners % parts.rows, parts.rows + rest // parts.whole) * least + frame.ordinal
    drawn = parts.size * part + stream.permute(index % parts.size, parts.size)
    at = np.flatnonzero((rest >= 0) & (last > 0))
    dealt = stream.child("last").permute((rest[at] * least + frame.ordinal[at]) % max(last, 1), last)
    drawn[at] = world.asked(parent) - last + dealt
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


FINDERS: Mapping[type[Any], Callable[[World, Frame, Reference, ResolvedTable], Int64s]] = {
    Drawn: _draw,
    Covering: _cover,
    OneToOne: _one_to_one,
    DistinctAmongSiblings: _distinct,
    Tree: _tree,
    OnDay: _on_day,
}
