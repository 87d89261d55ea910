"""Walks entities through their lifecycle: which states, when, and what of it has happened by the as-of date.

A walk is simulated without regard to the as-of date and cut there afterwards, so that a later date continues
what was open and leaves the rest as it was.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.engine.chains import Chain, compile_chain
from seedbed.engine.distributions import Quantile, exponential, lognormal, normal_quantile, uniform
from seedbed.engine.rhythms import draw_moments, draw_seconds
from seedbed.engine.rng import Stream
from seedbed.errors import GenerationError
from seedbed.plan.arrivals import count_entities, newcomers
from seedbed.plan.resolved import DAY, DwellTime, ResolvedLifecycle

Int16s = npt.NDArray[np.int16]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

OPEN = int(np.iinfo(np.int64).max)
"""Stands for a moment that never comes, or is not known at the as-of date."""
KEPT_LIVES = 1 << 21
"""Of so many entities of a lifecycle it is kept how long they live: 8 MB."""
LONGEST = 86_400 * 365_000
"""Seconds, a thousand years: no dwell is longer, so that moments cannot overflow."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What n entities went through up to the as-of date, in the order in which they were asked for.

    The versions of entity e are `first[e]` to `first[e + 1]` of the flat arrays; an entity that has not begun
    has none. Moments are seconds since 1970.
    """

    first: Int64s
    """Length n + 1: where the versions of each entity begin."""
    state: Int32s
    """Per version: index into the lifecycle's states."""
    start: Int64s
    """Per version: the moment at which it becomes valid."""
    until: Int64s
    """Per version: the start of the next one; `OPEN` while the version is current."""
    begin: Int64s
    """Per entity: the start of its first version, also where that is after the as-of date."""
    upcoming: Int64s
    """Per entity: the start of its first version after the as-of date; `OPEN` where none will come."""
    ended: Int64s
    """Per entity: when it entered a terminal state; `OPEN` while it is under way."""
    life_end: Int64s
    """Per entity: when it enters a terminal state, whether or not that has happened yet. A life without end counts
    as lasting as long as the planned time, or until it could no longer end, if that is later. It is the same
    whatever the as-of date."""

    @property
    def counts(self) -> Int64s:
        """Versions of each entity."""
        return np.diff(self.first)

    @property
    def owner(self) -> Int64s:
        """Per version: the position of its entity."""
        return np.repeat(np.arange(len(self.begin)), self.counts)

    @property
    def ordinal(self) -> Int64s:
        """Per version: its place among the versions of its entity, from 0."""
        return np.arange(len(self.state)) - np.repeat(self.first[:-1], self.counts)


class Lives:
    """How long the first entities of a lifecycle live, as far as they have been walked.

    Tables are made one after another. What only asks for the life of an entity whose history was made before need
    not walk through it again. Processes may note and ask at the same time: what they note of an entity is the same.

    Args:
        entities: how many there are.
        file: where it is kept, for other processes too, made by `make_room`; without, it is in memory.
    """

    def __init__(self, entities: int, file: Path | None = None) -> None:
        self._size = min(entities, KEPT_LIVES)
        # Seconds and one; 0 where an entity has not been walked, as in a new file, or lives longer than can be kept.
        self._lengths: npt.NDArray[np.uint32] = np.zeros(0 if file else self._size, np.uint32)
        if file:
            self._lengths = np.memmap(file, np.uint32, "r+", shape=self._size)

    @staticmethod
    def make_room(entities: int, file: Path) -> None:
        """Writes a file of which nothing is known yet, in full: no room later would end the process.

        Raises:
            OSError: there is no room now.
        """
        try:
            file.write_bytes(bytes(np.dtype(np.uint32).itemsize * min(entities, KEPT_LIVES)))
        except OSError:
            file.unlink(missing_ok=True)
            raise

    def note(self, entities: Int64s, walk: Walk) -> None:
        """Keeps what a walk has shown of the entities with these numbers."""
        lengths = walk.life_end - walk.begin + 1
        lengths[(lengths < 1) | (lengths > np.iinfo(np.uint32).max)] = 0
        if not self._holds(entities):
            kept = entities < self._size
            entities, lengths = entities[kept], lengths[kept]
        self._lengths[entities] = lengths

    def lengths(self, entities: Int64s) -> Int64s | None:
        """The seconds from the beginning of each entity to its end (`Walk.life_end`); None if one is not known."""
        if not self._holds(entities):
            return None
        lengths = self._lengths.take(entities).astype(np.int64)
        return lengths - 1 if lengths.all() else None

    def _holds(self, entities: Int64s) -> bool:
        return bool(entities.max(initial=-1) < self._size)


def version_at(walk: Walk, positions: Int64s, moments: Int64s) -> Int64s:
    """Which version, from 0, of the entity at each of `positions` in the walk is valid at each of `moments`.

    -1 where the entity had not begun. A version is valid from its start on, and no longer at its end.
    """
    if len(walk.start) == 0:
        return np.full(len(positions), -1, dtype=np.int64)
    # One search for all entities: moments become offsets in a stretch of `width` that each entity has to itself.
    base = walk.start.min() - 1
    width = int(walk.start.max() - base) + 1
    if width > OPEN // (len(walk.begin) + 1):
        raise GenerationError(f"{len(walk.begin):,} entities are too many to be searched at once")
    keys = walk.owner * width + (walk.start - base)
    wanted = positions * width + np.clip(moments, base, base + width - 1) - base
    found: Int64s = np.searchsorted(keys, wanted, side="right") - 1 - walk.first[positions]
    return found


class Walker:
    """Makes the walks of one lifecycle.

    Everything about an entity depends only on the lifecycle, the stream and the entity's number: its k-th step
    is the same whichever entities are asked for together and wherever the walk is cut.

    Args:
        lifecycle: the process.
        stream: where its random numbers come from.
        end: the last moment that has happened, the last second of the as-of date.
        planned_end: the same of the as-of date that the plan states.
        planned_entities: how many entities there are by then; those with higher numbers begin afterwards.
    """

    def __init__(
        self, lifecycle: ResolvedLifecycle, stream: Stream, end: int, planned_end: int, planned_entities: int
    ) -> None:
        self.lifecycle = lifecycle
        self.end = end
        self.planned_end = planned_end
        self.planned_entities = planned_entities
        self._stream = stream
        self._chain = compile_chain(lifecycle)
        self._of_step: dict[int, tuple[Stream, Stream]] = {}
        self._dwell = Delays([time for row in lifecycle.dwell for time in row], lifecycle.granularity)

    def count_entities(self) -> int:
        """How many entities have begun by the end, or are planned to: those with the numbers below this one."""
        return count_entities(self.lifecycle, self.planned_entities, self.planned_end, self.end)

    def arrivals(self, entities: Int64s) -> Int64s:
        """The moment at which each entity begins.

        Planned entities begin over the lifecycle's arrivals, evenly or in its rhythm. The others follow one another
        at the same rate: `planned_entities + k` begins on the first day by whose end k + 1 entities are due.
        """
        first, last = self.lifecycle.arrivals
        grain, rhythm = self.lifecycle.granularity, self.lifecycle.rhythm
        begin, newcomer = self._stream.child("begin"), self._stream.child("newcomer")
        if rhythm:
            moments = draw_moments(rhythm, first, last + grain - 1, begin.bits(entities)) // grain * grain
        else:
            moments = first + grain * begin.below(entities, (last - first) // grain + 1).astype(np.int64)
        late = np.flatnonzero(entities >= self.planned_entities)
        if not len(late):
            return moments
        numbers = entities[late] - self.planned_entities
        if rhythm:
            due = newcomers(self.lifecycle, self.planned_entities, max(self.end - self.planned_end, 0) // DAY)
            day = np.searchsorted(np.array(due, np.int64), numbers, side="right") + 1
            within = draw_seconds(rhythm.hours, newcomer.uniform(entities[late])) // grain * grain
        else:
            days = last // DAY - first // DAY + 1
            day = -(-(numbers + 1) * days // max(self.planned_entities, 1))
            within = grain * newcomer.below(entities[late], DAY // grain).astype(np.int64)
        moments[late] = self.planned_end + 1 + (day - 1) * DAY + within
        return moments

    def cases_of(self, values: pa.Array) -> Int64s:
        """The case of each value of the column that the moves depend on.

        Raises:
            GenerationError: a value has no case, and the lifecycle has none for the rest.
        """
        names = [_spoken(value) for value in self.lifecycle.cases]
        codes = np.array([*self.lifecycle.cases.values(), -1], dtype=np.int64)
        if self.lifecycle.otherwise is not None:
            codes[-1] = self.lifecycle.otherwise
        found = pc.index_in(pc.cast(values, pa.string()), value_set=pa.array(names, pa.string()))
        cases: Int64s = codes[pc.fill_null(found, len(names)).to_numpy(zero_copy_only=False)]
        if (cases < 0).any():
            value = values[int(np.argmin(cases))].as_py()
            raise GenerationError(
                f"{self.lifecycle.name}: {self.lifecycle.depends_on} is {value!r}, for which no moves are given"
            )
        return cases

    def _streams(self, ordinal: int) -> tuple[Stream, Stream]:
        """From what the moves of so many-th steps are drawn, and the stays before them."""
        if ordinal not in self._of_step:
            self._of_step[ordinal] = (
                self._stream.child("move", str(ordinal)),
                self._stream.child("dwell", str(ordinal)),
            )
        return self._of_step[ordinal]

    def walk(self, entities: Int64s, cases: Int64s | None = None) -> Walk:
        """The walks of the entities with these numbers; memory grows with their versions.

        `cases` says which of the lifecycle's matrices each entity follows, where it has several.
        """
        chain, n = self._chain, len(entities)
        if cases is None and len(chain.roots) > 1:
            raise GenerationError(f"{self.lifecycle.name}: the moves depend on {self.lifecycle.depends_on}, not given")
        begin = self.arrivals(entities)
        long_life = begin + (self.planned_end + 1 - self.lifecycle.arrivals[0])
        counts = np.zeros(n, dtype=np.int64)
        upcoming, ended, life_end = (np.full(n, OPEN) for _ in range(3))
        steps: list[tuple[Int64s, Int64s, Int64s]] = []

        # What follows is of the entities still walking: position, number, node, moment, states seen.
        who, number, moment = np.arange(n), entities, begin
        node = np.full(n, chain.roots[0]) if cases is None else chain.roots[cases]
        seen = None if chain.carried is None else np.zeros((n, len(self.lifecycle.states)), dtype=np.bool_)
        for ordinal in range(self.lifecycle.max_versions):
            move, dwell = self._streams(ordinal)
            edge = chain.choose(node, move.bits(number), seen)
            node = chain.target.take(edge)
            if ordinal:
                delay = self._dwell.seconds(chain.move.take(edge), dwell.uniform(number))
                moment = np.add(moment, delay, out=delay)
            if seen is not None:
                seen[np.arange(len(who)), chain.state.take(node)] = True

            later = np.flatnonzero(moment > self.end)
            if len(later):
                upcoming[who[later]] = np.minimum(upcoming[who[later]], moment[later])
                shown = np.flatnonzero(moment <= self.end)
                steps.append((who.take(shown), node.take(shown), moment.take(shown)))
            else:
                steps.append((who, node, moment))
            counts[steps[-1][0]] += 1

            over = chain.over(node, seen)
            settled = np.flatnonzero(over | chain.endless.take(node) if chain.endless.any() else over)
            if len(settled):
                at, now, ends = who[settled], moment[settled], chain.ends[node[settled]]
                lasts = np.where(ends, now, np.maximum(long_life[at], now))
                life_end[at] = np.minimum(life_end[at], lasts)
                ended[at[ends]] = now[ends]
                # Nothing more is to be learnt of an endless life once it is past the as-of date.
                walking = np.flatnonzero(~over & ~(chain.endless.take(node) & (moment > self.end)))
                who, number, node, moment = (part.take(walking) for part in (who, number, node, moment))
                seen = None if seen is None else seen[walking]
            if not len(who):
                break
        # Those who have come to the most versions that there may be stay where they are.
        life_end[who] = np.minimum(life_end[who], np.maximum(long_life[who], moment))
        ended[ended > self.end] = OPEN
        return _gather(chain, counts, steps, begin=begin, upcoming=upcoming, ended=ended, life_end=life_end)


def _gather(chain: Chain, counts: Int64s, steps: list[tuple[Int64s, Int64s, Int64s]], **per_entity: Int64s) -> Walk:
    """The steps, each of some entities (position, node, moment), as one flat list of versions, entity by entity."""
    first = np.concatenate(([0], np.cumsum(counts)))
    state = np.empty(first[-1], dtype=np.int32)
    start = np.empty(first[-1], dtype=np.int64)
    for ordinal, (who, node, moments) in enumerate(steps):
        at = first.take(who)
        at += ordinal
        state[at], start[at] = chain.state.take(node), moments
    until = np.empty_like(start)
    until[:-1] = start[1:]
    until[first[1:][counts > 0] - 1] = OPEN
    return Walk(first=first, state=state, start=start, until=until, **per_entity)


def _spoken(value: object) -> str:
    """A value as Arrow casts it to text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class Delays:
    """Times between versions, drawn for many moves at once; `times[m]` is that of move m."""

    def __init__(self, times: Sequence[DwellTime], granularity: int) -> None:
        distinct = list(dict.fromkeys(times))
        # Lognormal times without bounds, which most are, differ only by two factors: one pass makes them all.
        scaled = [time for time in distinct if _is_scaled(time)]
        others = [time for time in distinct if not _is_scaled(time)]
        self._median = np.array([time.location for time in scaled], np.float64)
        self._sigma = np.array([time.spread for time in scaled], np.float64)
        self._quantiles = [(_quantile(time), time.minimum, time.maximum) for time in others]
        place = {time: position for position, time in enumerate([*scaled, *others])}
        self._which = np.array([place[time] for time in times], dtype=np.int16)
        self._granularity = granularity

    def seconds(self, move: Int64s, share: Floats) -> Int64s:
        """Whole seconds, rounded up to the granularity, for shares drawn evenly between 0 and 1.

        Nothing but the rounding depends on a logarithm or an exponential, whose last bit differs between machines.
        """
        which = self._which.take(move)
        if not self._quantiles:
            drawn = self._scaled(which, share)
        else:
            drawn = np.empty(len(move))
            order = np.argsort(which, kind="stable")
            kinds = len(self._median) + np.arange(len(self._quantiles) + 1)
            bounds = np.searchsorted(which[order], kinds)
            first = order[: bounds[0]]
            drawn[first] = self._scaled(which[first], share[first])
            for (quantile, low, high), start, stop in zip(self._quantiles, bounds, bounds[1:], strict=False):
                if start < stop:
                    at = order[start:stop]
                    drawn[at] = quantile(share[at], low, high)
        np.minimum(drawn, LONGEST, out=drawn)
        whole = np.rint(drawn, out=drawn).astype(np.int64)
        if self._granularity > 1:
            whole += self._granularity - 1
            whole //= self._granularity
            whole *= self._granularity
        return np.maximum(whole, self._granularity, out=whole)

    def _scaled(self, which: Int16s, share: Floats) -> Floats:
        z = normal_quantile(share)
        z *= self._sigma.take(which)
        with np.errstate(over="ignore"):
            np.exp(z, out=z)
            z *= self._median.take(which)
        return z


def _is_scaled(time: DwellTime) -> bool:
    return time.distribution == "lognormal" and time.minimum <= 0 and time.maximum == math.inf


def _quantile(time: DwellTime) -> Quantile:
    match time.distribution:
        case "lognormal":
            return lognormal(time.location, time.spread)
        case "exponential":
            return exponential(time.location)
        case "uniform":
            return uniform(time.location, time.spread)
        case "fixed":
            return uniform(time.location, time.location)
