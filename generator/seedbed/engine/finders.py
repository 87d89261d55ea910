"""How the rows of a table find the rows that a reference leads to: one function for each way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
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
    Versions,
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


def _draw(world: World, frame: Frame, reference: Reference, parent: ResolvedTable) -> Int64s:
    assert isinstance(reference.finding, Drawn)
    stream = Stream(world.plan.random_seed, *reference.stream)
    rows = frame.varied(reference.varies_by)
    if not world.is_dense(parent):
        return _draw_with_gaps(world, stream, rows, parent)
    domain = world.domain(frame, parent)
    if reference.finding.zipf is None:
        return stream.below(rows, domain)
    if isinstance(domain, int):
        return zipf_ranks(reference.finding.zipf, domain, stream.bits(rows)) - 1
    drawn = np.empty(len(rows), dtype=np.int64)
    for size in np.unique(domain):
        at = np.flatnonzero(domain == size)
        drawn[at] = zipf_ranks(reference.finding.zipf, int(size), stream.bits(rows[at])) - 1
    return drawn


def _draw_with_gaps(world: World, stream: Stream, rows: Int64s, parent: ResolvedTable) -> Int64s:
    """A row of a table that is numbered with gaps: a driving row, then one of its children, until there is one."""
    assert isinstance(parent.rows, PerParent | Versions)
    driver = world.driver(parent)
    assert driver is not None
    drawn = np.full(len(rows), -1, dtype=np.int64)
    waiting = np.arange(len(rows))
    for attempt in range(MOST_TRIES):
        trial = stream.child("try", str(attempt))
        if world.is_dense(driver):
            owners = trial.below(rows[waiting], world.rows(driver))
        else:
            owners = _draw_with_gaps(world, trial.child("owner"), rows[waiting], driver)
        distinct, inverse = np.unique(owners, return_inverse=True)
        children = world.children(world.pick(driver, distinct), parent)
        assert children.driver is not None
        counts = np.bincount(children.driver.positions, minlength=len(distinct))
        first = np.cumsum(counts) - counts
        has = counts[inverse] > 0
        chosen = waiting[has]
        place = trial.child("place").below(rows[chosen], counts[inverse[has]])
        drawn[chosen] = children.numbers[first[inverse[has]] + place]
        waiting = waiting[~has]
        if not len(waiting):
            return drawn
    raise GenerationError(f"too few rows of {driver.name} have any {parent.name} to refer to")


def _cover(world: World, frame: Frame, reference: Reference, parent: ResolvedTable) -> Int64s:
    """Children dealt to parents in rounds: first so that each has its minimum, then up to the maximum."""
    finding = reference.finding
    assert isinstance(finding, Covering)
    stream = Stream(world.plan.random_seed, *reference.stream)
    planned, parents = min(world.planned(parent), world.rows(parent)), world.rows(parent)
    rows, first = world.rows(frame.table), world.planned(frame.table)
    drawn = np.empty(len(frame), dtype=np.int64)
    beyond = frame.numbers >= first
    for part, start, count, low, size in (
        (~beyond, 0, first, 0, planned),
        (beyond, first, rows - first, planned if parents > planned else 0, parents - planned or planned),
    ):
        at = np.flatnonzero(part)
        if not count or (low and not len(at) and not finding.minimum):
            continue
        most = finding.maximum
        if count < size * finding.minimum or (most is not None and count > size * most):
            bounds = f"{finding.minimum} to {most}" if most is not None else f"at least {finding.minimum}"
            raise GenerationError(
                f"each row of {parent.name} is to have {bounds} rows of {frame.table.name}, but there are {count} for "
                f"{size}; ask for other numbers of rows"
            )
        index = frame.numbers[at] - start
        layer = stream.child("beyond") if low or start else stream
        drawn[at] = low + _deal(layer, index, size, finding)
    return drawn


def _deal(stream: Stream, index: Int64s, size: int, finding: Covering) -> Int64s:
    needed = size * finding.minimum
    dealt = stream.permute(index % size, size)
    rest = np.flatnonzero(index >= needed)
    if len(rest):
        if finding.maximum is None:
            dealt[rest] = stream.child("rest").below(index[rest], size)
        else:
            spare = finding.maximum - finding.minimum
            dealt[rest] = stream.child("rest").permute(index[rest] - needed, size * spare) // spare
    return dealt


def _one_to_one(world: World, frame: Frame, reference: Reference, parent: ResolvedTable) -> Int64s:
    planned, parents = min(world.planned(parent), world.rows(parent)), world.rows(parent)
    rows, first = world.rows(frame.table), min(world.planned(frame.table), planned)
    if rows > parents:
        raise GenerationError(
            f"each row of {frame.table.name} needs a {parent.name} of its own, but there are {rows} for {parents}; "
            f"ask for at most {parents} rows of {frame.table.name}"
        )
    stream = Stream(world.plan.random_seed, *reference.stream)
    inside = frame.numbers < first
    drawn = np.empty(len(frame), dtype=np.int64)
    drawn[inside] = stream.permute(frame.numbers[inside], planned)
    if not inside.all():
        # Beyond the planned rows: first the parents that were added, then those of the planned that are left.
        rest = frame.numbers[~inside] - first
        added = parents - planned
        left = stream.permute(np.clip(first + rest - added, 0, max(planned - 1, 0)), max(planned, 1))
        new = planned + stream.child("beyond").permute(np.clip(rest, 0, max(added - 1, 0)), max(added, 1))
        drawn[~inside] = np.where(rest < added, new, left)
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
    owners, size = frame.driver.numbers(), world.rows(parent)
    most = int(frame.ordinal.max(initial=-1)) + 1
    if most > size:
        raise GenerationError(
            f"a {frame.driver.frame.table.name} has {most} rows of {frame.table.name}, each to refer to another "
            f"{parent.name}, but there are only {size}; ask for more rows of {parent.name}, or give the count a max"
        )
    stream = Stream(world.plan.random_seed, *reference.stream)
    domain = world.domain(frame, parent)
    if reference.finding.covering:
        least = fewest(frame.table.rows.counts) if isinstance(frame.table.rows, PerParent) else 0
        driver = world.driver(frame.table)
        if driver is None or not world.is_dense(driver) or world.rows(driver) * least < size:
            raise GenerationError(
                f"every {parent.name} is to have a {frame.table.name}, but there may be fewer of them than the {size} "
                f"rows of {parent.name}; give the count a higher min, or ask for fewer rows of {parent.name}"
            )
        return stream.permute((owners * least + frame.ordinal) % size, size)
    if isinstance(domain, int) or (frame.ordinal >= domain).any():
        domain = size
    start = stream.child("start").below(owners, domain)
    if isinstance(domain, int):
        units = _units(domain)
        step = units[stream.child("step").below(owners, len(units))]
    else:
        step = np.empty(len(frame), dtype=np.int64)
        for part in np.unique(domain):
            at = np.flatnonzero(domain == part)
            units = _units(int(part))
            step[at] = units[stream.child("step").below(owners[at], len(units))]
    return (start + step * frame.ordinal) % domain


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
