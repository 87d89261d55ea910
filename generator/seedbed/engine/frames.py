"""Rows of a table whose columns are worked out when asked for, and the links that lead from them to other rows."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.engine.arrow import arrow_type, conform, truth
from seedbed.engine.cells import Cells, Int64s
from seedbed.engine.distributions import normal_probabilities, normal_quantile
from seedbed.engine.finders import seconds_of
from seedbed.engine.history import OPEN, Delays, Walk
from seedbed.engine.redraws import LEFT_OUT, Redraw, settle
from seedbed.engine.refusals import at_a_column, broken
from seedbed.engine.rng import Floats, Stream, Words, words_of
from seedbed.engine.updates import Updates
from seedbed.engine.values import make_values
from seedbed.errors import GenerationError
from seedbed.flow import unpacked
from seedbed.plan import kinds
from seedbed.plan.resolved import (
    DAY,
    Delayed,
    FromFile,
    Given,
    Part,
    Predicate,
    Reference,
    ResolvedColumn,
    ResolvedTable,
    VersionPart,
    Versions,
)
from seedbed.schema import TypeKind

if TYPE_CHECKING:
    from seedbed.engine.world import World

Mask = npt.NDArray[np.bool_]
_EPOCH = dt.datetime(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Link:
    """From each of n rows to a row of another frame: its position there, or -1 for none."""

    frame: Frame
    positions: Int64s

    def column(self, name: str) -> pa.Array:
        """A column of the rows that the link leads to; null where it leads nowhere."""
        return self.gather(self.frame.column(name))

    def gather(self, array: pa.Array) -> pa.Array:
        """Values of the other frame's rows, one for each of the n rows."""
        if len(self.positions) and self.positions.min() < 0:
            return array.take(pa.array(self.positions, mask=self.positions < 0))
        return array.take(pa.array(self.positions))

    def follow(self, path: str) -> pa.Array:
        """The value at a path from the rows that the link leads to."""
        return self.gather(self.frame.value(path))

    def then(self, reference: str) -> Link:
        """The link that leads on through a reference of the other frame's rows."""
        onward = self.frame.reference(reference)
        positions = np.full(len(self.positions), -1, dtype=np.int64)
        found = self.positions >= 0
        positions[found] = onward.positions[self.positions[found]]
        return Link(onward.frame, positions)

    def numbers(self) -> Int64s:
        """The numbers of the rows that the link leads to; -1 for none."""
        return self.gather_numbers(self.frame.numbers)

    def gather_numbers(self, numbers: Int64s) -> Int64s:
        """One of the numbers, which belong to the other frame's rows, for each of the n rows; -1 for none."""
        if len(self.frame) == 0:
            return np.full(len(self.positions), -1, dtype=np.int64)
        return np.where(self.positions >= 0, numbers[self.positions], -1)

    def take(self, positions: Int64s) -> Link:
        """The links of some of the n rows."""
        return Link(self.frame, self.positions[positions])


class Frame:
    """Rows of one table. Each column is worked out once, when it is first asked for.

    Args:
        world: where other tables' rows are found.
        table: the table.
        numbers: the rows' numbers, in any order.
        driver: the driving parent row of each, in a driven table.
        ordinal: the place of each among its siblings, in a driven table.
        attempt: how many times the columns that a predicate draws again have been drawn before; None while
            that still has to be found out.
    """

    __slots__ = (
        "_columns",
        "_links",
        "_settled",
        "_shared",
        "_versions",
        "_walks",
        "attempt",
        "driver",
        "numbers",
        "ordinal",
        "table",
        "world",
    )

    def __init__(
        self,
        world: World,
        table: ResolvedTable,
        numbers: Int64s,
        driver: Link | None = None,
        ordinal: Int64s | None = None,
        attempt: int | None = None,
    ) -> None:
        self.world, self.table, self.numbers = world, table, numbers
        self.driver, self.ordinal, self.attempt = driver, ordinal, attempt
        self._columns: dict[str, pa.Array] = {}
        self._links: dict[str, Link] = {}
        self._walks: dict[str, Walk] = {}
        self._settled: dict[Redraw, Int64s] = {}
        self._shared: dict[str | None, dict[Hashable, Any]] = {}
        self._versions: Int64s | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, positions: Int64s, attempt: int | None = None) -> Frame:
        """Some of the rows, as a frame of their own; with what is known of them, but for another attempt."""
        driver = self.driver.take(positions) if self.driver else None
        ordinal = self.ordinal[positions] if self.ordinal is not None else None
        taken = Frame(self.world, self.table, self.numbers[positions], driver, ordinal, attempt)
        if attempt is None:
            places = pa.array(positions)
            taken._columns = {name: values.take(places) for name, values in self._columns.items()}
            taken._links = {name: link.take(positions) for name, link in self._links.items()}
            taken._settled = {redraw: attempts[positions] for redraw, attempts in self._settled.items()}
        return taken

    def batch(self, *, packed: bool = False) -> pa.RecordBatch:
        """The written columns of all rows, of the schema `schema_of`; text of few values may stay `packed`.

        Raises:
            GenerationError: a rule over one row is broken, and nothing in it can be drawn again.
        """
        for predicate in self.table.promises.predicates:
            if not predicate.is_redrawn:
                self._check(predicate)
        columns = self.table.written_columns
        if packed:
            names = [column.name for column in columns]
            return pa.record_batch([self.packed(name) for name in names], names)
        return pa.record_batch([self.column(column.name) for column in columns], schema=schema_of(self.table))

    # --- values ----------------------------------------------------------------------------------------------

    def column(self, name: str) -> pa.Array:
        """One column of all rows, in its resolved type."""
        return unpacked(self.packed(name))

    def packed(self, name: str) -> pa.Array:
        """As `column`; text of few values is dictionary-encoded."""
        if name not in self._columns:
            column = self.table.column(name)
            if not len(self):
                # Nothing has to be worked out; a tree ends here, whose rows read those above them.
                self._columns[name] = pa.array([], arrow_type(column.data_type))
            elif self.attempt is None and (redraw := self.world.drawn_again(self.table).get(name)):
                self._columns[name] = self._settle(column, redraw)
            else:
                try:
                    self._columns[name] = self._fill(column)
                except GenerationError as error:
                    raise at_a_column(error, column.origin) from error
        return self._columns[name]

    def value(self, path: str) -> pa.Array:
        """A column of the rows, or of a row that a reference leads to: `status`, `order_id.status`."""
        return unpacked(self.packed_value(path))

    def packed_value(self, path: str) -> pa.Array:
        """As `value`; text of few values may be dictionary-encoded."""
        name = self.world.spelled(self.table, path)
        if name is not None:
            return self.packed(name)
        head, _, tail = path.partition(".")
        reference = self.table.lead(head)
        assert reference is not None, f"{self.table.name} has no path {path}"
        return self.reference(reference.name).follow(tail)

    def moment(self, path: str) -> pa.Array:
        """As `value`; where that is the key of a day, the moment behind it."""
        name = self.world.spelled(self.table, path)
        if name is not None:
            return self.column(self.table.column(name).moment or name)
        head, _, tail = path.partition(".")
        reference = self.table.lead(head)
        assert reference is not None, f"{self.table.name} has no path {path}"
        link = self.reference(reference.name)
        return link.gather(link.frame.moment(tail))

    def _fill(self, column: ResolvedColumn) -> pa.Array:
        if column.reference is not None:
            assert column.parent_column is not None
            values = self.reference(column.reference).column(column.parent_column)
        else:
            values = self._make(column)
            generator = column.generator
            absent = self.absent(generator.null, generator.when, self.stream(column), column.varies_by)
            values = self._mask(values, absent)
        return conform(values, column.data_type, self._spoken(column), packed=True)

    def _spoken(self, column: ResolvedColumn) -> str:
        return f"{self.table.name}.{column.name.removesuffix('@')}"

    def _make(self, column: ResolvedColumn) -> pa.Array:
        maker = _MAKERS.get(type(column.generator))
        if maker is not None:
            return maker(self, column)
        moments = isinstance(column.generator, kinds.After | kinds.Calendar | kinds.Pattern | kinds.CaseBy)
        texts = isinstance(column.generator, kinds.Pool | kinds.Template)
        value = self.moment if moments else self.packed_value if texts else self.value
        rows = self.varied(column.varies_by)
        shared = self._shared.setdefault(column.varies_by, {})
        words, stream = self._words(column), self.stream(column)
        return make_values(Cells(self.world.plan, column, stream, rows, value, words, shared))

    def _words(self, column: ResolvedColumn) -> Words | None:
        """The random words of a column that is correlated with others: None where they are its stream's."""
        if not column.mixture:
            return None
        parts = (weight * self._scores(self.table.column(name)) for name, weight in column.mixture.items())
        return words_of(normal_probabilities(functools.reduce(np.add, parts)))

    def _scores(self, column: ResolvedColumn) -> Floats:
        """The normal scores of a column's own stream, larger ones for later values."""
        if self.attempt is None and (redraw := self.world.drawn_again(self.table).get(column.name)):
            scores = np.empty(len(self))
            attempts = self._attempts(redraw)
            for attempt in np.unique(attempts):
                rows = np.flatnonzero(attempts == attempt)
                scores[rows] = self.take(rows, int(attempt))._scores(column)
            return scores
        scores = normal_quantile(self.stream(column).uniform(self.varied(column.varies_by)))
        return -scores if isinstance(column.generator, kinds.Boolean) else scores

    def stream(self, column: ResolvedColumn) -> Stream:
        """The stream that a column of these rows draws from."""
        stream = Stream(self.world.plan.random_seed, *column.stream)
        again = self.attempt and column.name in self.world.drawn_again(self.table)
        return stream.child("again", str(self.attempt)) if again else stream

    def absent(self, share: float, when: str | None, stream: Stream, varies_by: str | None) -> Mask | None:
        """Where a value is to be null, or None when it nowhere is."""
        absent: Mask | None = None
        if share:
            absent = stream.child("null").uniform(self.varied(varies_by)) < share
        if when:
            outside = ~self.holds(when)
            absent = outside if absent is None else absent | outside
        return absent

    @staticmethod
    def _mask(values: pa.Array, absent: Mask | None) -> pa.Array:
        if absent is None or not absent.any():
            return values
        if isinstance(values, pa.DictionaryArray):
            indices = pc.if_else(pa.array(absent), pa.scalar(None, values.indices.type), values.indices)
            return pa.DictionaryArray.from_arrays(indices, values.dictionary)
        return pc.if_else(pa.array(absent), pa.scalar(None, values.type), values)

    def evaluate(self, expression: str) -> pa.Array:
        """What a SQL expression over the rows gives."""
        compiled = self.world.expression(self.table, expression)
        return compiled.evaluate({path: self.value(path) for path in compiled.names}, len(self))

    def holds(self, predicate: str, *, unknown: bool = False) -> Mask:
        """Where a SQL predicate is true; `unknown` says as what a null counts."""
        return truth(self.evaluate(predicate), unknown=unknown)

    def varied(self, by: str | None) -> Int64s:
        """Which element of its stream each row takes: its own number, or that of what it varies by."""
        if by is None:
            return self.numbers
        if any(reference.name == by for reference in self.table.references):
            return self.reference(by).numbers()
        encoded = pc.dictionary_encode(self.value(by))
        digests = [_digest(value) for value in encoded.dictionary.cast(pa.string()).to_pylist()]
        codes = np.array([*digests, -1], dtype=np.int64)
        places: Int64s = pc.fill_null(encoded.indices, len(digests)).to_numpy(zero_copy_only=False)
        return codes[places]

    # --- predicates ------------------------------------------------------------------------------------------

    def _settle(self, column: ResolvedColumn, redraw: Redraw) -> pa.Array:
        """A column that a predicate draws again: each row's value from its first attempt that satisfies all."""
        attempts = self._attempts(redraw)
        parts, places = [], []
        for attempt in np.unique(attempts):
            rows = np.flatnonzero(attempts == attempt)
            parts.append(self.take(rows, int(attempt)).column(column.name))
            places.append(rows)
        if len(parts) == 1:
            return parts[0]
        order = np.empty(len(self), dtype=np.int64)
        order[np.concatenate(places)] = np.arange(len(self))
        return pa.concat_arrays(parts).take(pa.array(order))

    def _settle_link(self, reference: Reference, redraw: Redraw) -> Link:
        """As `_settle`, a reference that a predicate draws again."""
        attempts = self._attempts(redraw)
        numbers = np.empty(len(self), dtype=np.int64)
        for attempt in np.unique(attempts):
            rows = np.flatnonzero(attempts == attempt)
            numbers[rows] = self.take(rows, int(attempt)).reference(reference.name).numbers()
        return self.world.link(self.world.plan.table(reference.parent), numbers)

    def _attempts(self, redraw: Redraw) -> Int64s:
        """For each row, the number of its first attempt that satisfies the predicates, or `LEFT_OUT`."""
        if redraw not in self._settled:
            self._settled[redraw] = settle(self, redraw)
        return self._settled[redraw]

    def left_out(self, redraw: Redraw) -> Mask:
        """Which rows are left out for want of a moment that satisfies a rule."""
        left: Mask = self._attempts(redraw) == LEFT_OUT
        return left

    def _check(self, predicate: Predicate) -> None:
        rows = np.flatnonzero(~self.holds(predicate.text, unknown=True))
        if len(rows):
            raise broken(self, predicate, rows)

    # --- other rows ------------------------------------------------------------------------------------------

    def reference(self, name: str) -> Link:
        """The link to the rows that a reference leads to."""
        if name not in self._links:
            redraw = self.world.found_again(self.table).get(name) if self.attempt is None else None
            reference = self.table.reference(name)
            self._links[name] = (
                self._settle_link(reference, redraw) if redraw else self.world.find_parents(self, reference)
            )
        return self._links[name]

    def stream_of(self, reference: Reference) -> Stream:
        """The stream that a reference of these rows draws from."""
        stream = Stream(self.world.plan.random_seed, *reference.stream)
        again = self.attempt and reference.name in self.world.found_again(self.table)
        return stream.child("again", str(self.attempt)) if again else stream

    def walk(self, lifecycle: str) -> Walk:
        """What these rows, entities of the lifecycle, go through."""
        if lifecycle not in self._walks:
            walker = self.world.walker(lifecycle)
            by = walker.lifecycle.depends_on
            cases = walker.cases_of(self.value(by)) if by else None
            self._walks[lifecycle] = walker.walk(self.numbers, cases)
            if self.attempt is None:
                self.world.lives(lifecycle).note(self.numbers, self._walks[lifecycle])
        return self._walks[lifecycle]

    def life(self, lifecycle: str) -> tuple[Int64s, Int64s, Mask]:
        """First moment and end of the life of each row's entity, and which rows have none; seconds since 1970."""
        link = self.world.entity_link(self, self.world.plan.lifecycle(lifecycle).entity)
        nowhere = link.positions < 0
        if nowhere.all():
            return link.positions, link.positions, nowhere
        begin, end = link.frame.own_life(lifecycle)
        return begin.take(link.positions), end.take(link.positions), nowhere

    def own_life(self, lifecycle: str) -> tuple[Int64s, Int64s]:
        """When each of these rows, entities of the lifecycle, begins, and when it ends (`Walk.life_end`)."""
        if lifecycle not in self._walks and self.attempt is None:
            lengths = self.world.lives(lifecycle).lengths(self.numbers)
            if lengths is not None:
                begin = self.world.walker(lifecycle).arrivals(self.numbers)
                return begin, begin + lengths
        walk = self.walk(lifecycle)
        return walk.begin, walk.life_end

    def versions(self) -> tuple[Walk, Int64s]:
        """The walk of the entities whose versions these rows are, and which of its versions each row is."""
        assert isinstance(self.table.rows, Versions)
        assert self.driver is not None
        assert self.ordinal is not None
        walk = self.driver.frame.walk(self.table.rows.lifecycle)
        if self._versions is None:
            self._versions = walk.first.take(self.driver.positions) + self.ordinal
        return walk, self._versions

    def roots(self) -> Int64s:
        """The number of the row at the head of each row's chain of driving parents."""
        if self.driver is None:
            return self.numbers
        return self.driver.frame.roots()[self.driver.positions]


def schema_of(table: ResolvedTable) -> pa.Schema:
    """The Arrow schema of a table's written columns."""
    return pa.schema([pa.field(column.name, arrow_type(column.data_type)) for column in table.written_columns])


def _digest(value: str | None) -> int:
    told = hashlib.blake2b(("" if value is None else value).encode(), digest_size=8).digest()
    return int.from_bytes(told, "little") >> 2


# --- makers of values that other rows decide -----------------------------------------------------------------

Maker = Callable[[Frame, ResolvedColumn], pa.Array]


def _copy(frame: Frame, column: ResolvedColumn) -> pa.Array:
    assert isinstance(column.generator, kinds.Copy)
    moment = column.data_type.kind in (TypeKind.DATE, TypeKind.TIMESTAMP, TypeKind.TIMESTAMP_TZ)
    return frame.moment(column.generator.path) if moment else frame.value(column.generator.path)


def _sql(frame: Frame, column: ResolvedColumn) -> pa.Array:
    assert isinstance(column.generator, kinds.Sql)
    try:
        return frame.evaluate(column.generator.expression)
    except GenerationError as error:
        raise GenerationError(f"{frame.table.name}.{column.name}: {error}") from error


def _ordinal(frame: Frame, column: ResolvedColumn) -> pa.Array:
    assert isinstance(column.generator, kinds.Ordinal)
    assert frame.ordinal is not None
    return pa.array(frame.ordinal + column.generator.start)


def _version_part(frame: Frame, column: ResolvedColumn) -> pa.Array:
    generator = column.generator
    assert isinstance(generator, VersionPart)
    assert isinstance(frame.table.rows, Versions)
    if generator.part is Part.VERSION:
        assert frame.ordinal is not None
        return pa.array(frame.ordinal + 1)
    walk, place = frame.versions()
    lifecycle = frame.world.plan.lifecycle(frame.table.rows.lifecycle)
    match generator.part:
        case Part.STATE:
            return pa.DictionaryArray.from_arrays(walk.state.take(place), pa.array(lifecycle.states, pa.string()))
        case Part.VALID_FROM:
            return moments(walk.start.take(place), lifecycle.granularity)
        case Part.CURRENT:
            return pa.array(walk.until.take(place) == OPEN)
    until = walk.until.take(place)
    still = until == OPEN
    if generator.open_end is None:
        return moments(until, lifecycle.granularity, still)
    end = int((generator.open_end - _EPOCH).total_seconds())
    return moments(np.where(still, end, until), lifecycle.granularity)


def _lifecycle(frame: Frame, column: ResolvedColumn) -> pa.Array:
    generator = column.generator
    assert isinstance(generator, kinds.Lifecycle)
    lifecycle = frame.world.plan.lifecycle(generator.lifecycle)
    if generator.part == "started":
        return moments(frame.world.walker(lifecycle.name).arrivals(frame.numbers), lifecycle.granularity)
    walk = frame.walk(generator.lifecycle)
    last = walk.first[1:] - 1
    match generator.part:
        case "state":
            return pa.DictionaryArray.from_arrays(walk.state[last], pa.array(lifecycle.states, pa.string()))
        case "ended":
            return moments(walk.ended, lifecycle.granularity, walk.ended == OPEN)
        case "entered":
            return moments(walk.start[last], lifecycle.granularity)
    return pa.array(walk.counts)


def _during(frame: Frame, column: ResolvedColumn) -> pa.Array:
    """A moment between the start and the end of the entity's life, whether or not it has come to its end.

    Drawn without regard to the as-of date, so that a later date changes no moment; the first of the rows of a
    driving entity lies at its start, so that an entity that must have a row has it from the beginning. Null where
    the row has no entity.
    """
    assert isinstance(column.generator, kinds.During)
    begin, end, nowhere = frame.life(column.generator.lifecycle)
    if nowhere.all():
        return pa.nulls(len(frame), pa.timestamp("s"))
    share = frame.stream(column).uniform(frame.numbers)
    moment = begin + (share * np.maximum(end - begin, 1)).astype(np.int64)
    if frame.ordinal is not None and frame.world.must_have_child(frame.table):
        moment = np.where(frame.ordinal == 0, begin, moment)
    return moments(moment, 1, nowhere)


def _rollup(frame: Frame, column: ResolvedColumn) -> pa.Array:
    generator = column.generator
    assert isinstance(generator, kinds.Rollup)
    children = frame.world.children(frame, frame.world.plan.table(generator.table))
    assert children.driver is not None
    owner = children.driver.positions
    counts = np.bincount(owner, minlength=len(frame))
    if generator.column is None:
        return pa.array(counts)
    values = children.column(generator.column)
    how = {"sum": "sum", "min": "min", "max": "max", "mean": "mean"}[generator.aggregate]
    grouped = pa.table({"owner": owner, "value": values}).group_by("owner").aggregate([("value", how)])
    place = np.full(len(frame), -1, dtype=np.int64)
    place[grouped.column("owner").to_numpy()] = np.arange(len(grouped))
    totals = grouped.column(f"value_{how}").combine_chunks()
    gathered = totals.take(pa.array(place, mask=place < 0))
    if generator.aggregate == "sum":
        gathered = pc.fill_null(gathered, pa.scalar(0).cast(gathered.type))
    return gathered


def _from_file(frame: Frame, column: ResolvedColumn) -> pa.Array:
    assert isinstance(frame.table.rows, Given)
    return frame.table.rows.values.column(column.name).take(pa.array(frame.numbers))


def _record(frame: Frame, column: ResolvedColumn) -> pa.Array:
    """When the row changed or could be read, or that it is deleted."""
    generator, updates = column.generator, Updates()
    if isinstance(generator, kinds.ChangedAt | kinds.LoadedAt):
        at = updates.loaded(frame) if isinstance(generator, kinds.LoadedAt) else updates.changed(frame)
        if generator.of:
            since = frame.moment(generator.of)
            at = np.where(np.asarray(since.is_null()), at, np.maximum(at, seconds_of(since)))
        return moments(at, 1)
    at = seconds_of(frame.column(kinds.DELETED))
    still = at > frame.world.plan.end
    return pa.array(~still) if isinstance(generator, kinds.IsDeleted) else moments(at, 1, still)


def _delayed(frame: Frame, column: ResolvedColumn) -> pa.Array:
    generator = column.generator
    assert isinstance(generator, Delayed)
    values, stream = frame.moment(generator.of), frame.stream(column)
    start, missing = seconds_of(values), np.asarray(values.is_null())
    late = stream.uniform(frame.numbers) < generator.share
    shares = stream.child("by").uniform(frame.numbers)
    delay = Delays([generator.delay], 1).seconds(np.zeros(len(frame), np.int64), shares)
    moment = np.where(missing, 0, start) + np.where(late, delay, 0)
    return moments(moment, 1, missing if generator.otherwise == "at once" else missing | ~late)


_MAKERS: dict[type[kinds.Generator], Maker] = {
    kinds.Copy: _copy,
    kinds.Sql: _sql,
    kinds.Ordinal: _ordinal,
    VersionPart: _version_part,
    FromFile: _from_file,
    kinds.Lifecycle: _lifecycle,
    kinds.During: _during,
    kinds.Rollup: _rollup,
    kinds.ChangedAt: _record,
    kinds.LoadedAt: _record,
    kinds.DeletedAt: _record,
    kinds.IsDeleted: _record,
    Delayed: _delayed,
}


def moments(seconds: Int64s, granularity: int, null: Mask | None = None) -> pa.Array:
    """Seconds since 1970 as dates (granularity of a day) or timestamps, null where `null` is true."""
    seconds = np.where(null, 0, seconds) if null is not None else seconds
    if granularity >= DAY:
        days = np.ascontiguousarray(seconds // DAY, dtype=np.int32)
        return pa.array(days, mask=null).cast(pa.date32())
    return pa.array(seconds, mask=null).cast(pa.timestamp("s"))
