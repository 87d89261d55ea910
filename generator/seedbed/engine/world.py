"""All tables of a resolved plan, as the engine sees them: how many rows, and how one row finds another.

Nothing here holds rows, except tables small enough to be worked out once and kept.
"""

from __future__ import annotations

import datetime as dt
import functools
import pickle
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seedbed.engine.cells import Int64s
from seedbed.engine.concentration import concentrated_counts
from seedbed.engine.discrete import draw_counts
from seedbed.engine.finders import FINDERS, distinct_numbers, look_up, seconds_of
from seedbed.engine.frames import Frame, Link, Mask
from seedbed.engine.history import Lives, Walker, version_at
from seedbed.engine.redraws import Redraw, redraws_of
from seedbed.engine.rng import LARGEST, Stream
from seedbed.errors import GenerationError
from seedbed.plan.counts import fewest, mean
from seedbed.plan.needs import names_in_sql
from seedbed.plan.resolved import (
    DAY,
    Days,
    Driving,
    Fixed,
    Given,
    PerParent,
    Reference,
    ResolvedPlan,
    ResolvedTable,
    Tree,
    ValidAt,
    Versions,
    Via,
)
from seedbed.schema import DataType

if TYPE_CHECKING:
    from seedbed.engine.expressions import Evaluator

BATCH_ROWS = 131_072
"""About how many rows are made at a time. All calls of a walk cost the same however few entities are left, so that
half as many rows take longer; with twice as many, arrays outgrow the cache."""
USUAL_VERSIONS = 4.0
"""About how many versions an entity has. A walk costs by its steps, so that few, large batches are cheaper."""
KEPT_ROWS = 65_536
"""A table with no more rows than this is worked out once and kept."""
STRIDE = 64
"""How many parents lie between two noted offsets of their children."""
MOST_ATTEMPTS = 4_000
"""How often a row is drawn again before a predicate is given up."""

_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Offsets:
    """How many children the parents before each `STRIDE`-th have, and how many there are in all."""

    before: Int64s
    total: int


class World:
    """The tables of a resolved plan, ready to be generated.

    Safe to share between threads: what is kept is a pure function of the plan, so that two threads that work out
    the same thing at once put equal values in its place. A lock is there only where that would cost much.
    It is pickled as its plan.

    Args:
        plan: the resolved plan.
        shared: the folder of what processes have in common (`share`).
    """

    def __init__(self, plan: ResolvedPlan, shared: Path | None = None) -> None:
        self.plan = plan
        self._shared = shared
        self.most_attempts = MOST_ATTEMPTS
        self._lock = threading.RLock()
        self._walkers: dict[str, Walker] = {}
        self._lives: dict[str, Lives] = {}
        self._offsets: dict[str, Offsets] = {}
        self._kept: dict[str, Frame] = {}
        self._looked_up: dict[tuple[str, str], Int64s] = {}
        self._compiled: dict[tuple[str, str], Evaluator] = {}
        self._redraws = {table.name: redraws_of(table) for table in plan}
        self._drawn_again = {
            name: {column: redraw for redraw in redraws for column in redraw.columns}
            for name, redraws in self._redraws.items()
        }
        self._found_again = {
            name: {reference: redraw for redraw in redraws for reference in redraw.references}
            for name, redraws in self._redraws.items()
        }
        self._spelled = {
            table.name: {column.name.casefold(): column.name for column in table.columns} for table in plan
        }

    def __reduce__(self) -> tuple[Callable[[bytes, Path | None], World], tuple[bytes, Path | None]]:
        return world_of, (self._packed, self._shared)

    @functools.cached_property
    def _packed(self) -> bytes:
        return pickle.dumps(self.plan)

    # --- tables ----------------------------------------------------------------------------------------------

    def spelled(self, table: ResolvedTable, name: str) -> str | None:
        """The column of that name, compared without case, as it is spelled; None for a path."""
        return self._spelled[table.name].get(name.casefold())

    def driver(self, table: ResolvedTable) -> ResolvedTable | None:
        """The driving parent of a table."""
        if isinstance(table.rows, PerParent | Versions):
            return self.plan.table(table.reference(table.rows.reference).parent)
        return None

    def root(self, table: ResolvedTable) -> ResolvedTable:
        """The table at the head of a table's chain of driving parents."""
        parent = self.driver(table)
        return table if parent is None else self.root(parent)

    def rows(self, table: ResolvedTable) -> int:
        """How many rows a table has, which are numbered without gaps."""
        match table.rows:
            case Fixed(count=count):
                # An entity is there once it has begun in every process that it goes through.
                begun = [self.walker(item.name).count_entities() for item in self.plan.lifecycles_of(table.name)]
                return min(begun, default=count)
            case Days(count=count, extra=extra):
                return count + len(extra)
            case Given(count=count):
                return count
        return self.offsets(table).total

    def planned(self, table: ResolvedTable) -> int:
        """How many of a table's rows the plan itself asks for, before any growth."""
        return self._descending(table, lambda rows: min(rows.count, rows.planned))

    def asked(self, table: ResolvedTable) -> int:
        """How many rows a table has before time adds to them."""
        return self._descending(table, lambda rows: rows.count)

    def _descending(self, table: ResolvedTable, of_root: Callable[[Fixed], int]) -> int:
        """How many rows descend from some of the root's rows, the first ones."""
        root = self.root(table)
        if not isinstance(root.rows, Fixed) or of_root(root.rows) >= self.rows(root):
            return self.rows(table)
        return int(self.until(table, np.array([of_root(root.rows)]))[0])

    def until(self, table: ResolvedTable, roots: Int64s) -> Int64s:
        """How many rows descend from each of so many first rows of the root."""
        parent = self.driver(table)
        return roots if parent is None else self._first_child(table, self.until(parent, roots))

    def is_dense(self, table: ResolvedTable) -> bool:
        """Whether the table's rows are numbered without gaps."""
        return table.rows.dense if isinstance(table.rows, PerParent | Versions) else table.appears_at is None

    def must_have_child(self, table: ResolvedTable) -> bool:
        """Whether every driving row has at least one row in this table."""
        return isinstance(table.rows, PerParent) and table.rows.where is None and fewest(table.rows.counts) > 0

    def walker(self, lifecycle: str) -> Walker:
        """What makes the walks of a lifecycle."""
        with self._lock:
            if lifecycle not in self._walkers:
                process = self.plan.lifecycle(lifecycle)
                entity = self.plan.table(process.entity).rows
                # Time adds no entities to a table whose rows follow from others: all of them are planned.
                count = entity.count if isinstance(entity, Fixed) else LARGEST
                stream = Stream(self.plan.random_seed, process.entity, "lifecycle", lifecycle)
                self._walkers[lifecycle] = Walker(process, stream, self.plan.end, self.planned_end, count)
        return self._walkers[lifecycle]

    def lives(self, lifecycle: str) -> Lives:
        """What is known of the lives of a lifecycle's entities from walks that were made."""
        with self._lock:
            if lifecycle not in self._lives:
                file = self._lives_file(lifecycle)
                self._lives[lifecycle] = Lives(self._living(lifecycle), file if file and file.exists() else None)
        return self._lives[lifecycle]

    def share(self, folder: Path) -> None:
        """Keeps what is known of lives in files there, so that no process makes a walk that another has made.

        The folder must stay as long as the world, and those that are made from its pickles.

        Raises:
            OSError: there is no room for some of them; the others are shared.
        """
        self._shared = folder
        for lifecycle in self.plan.lifecycles:
            file, entities = self._lives_file(lifecycle.name), self._living(lifecycle.name)
            if file and entities:
                Lives.make_room(entities, file)

    def _lives_file(self, lifecycle: str) -> Path | None:
        places = {item.name: str(place) for place, item in enumerate(self.plan.lifecycles)}
        return self._shared / places[lifecycle] if self._shared else None

    def _living(self, lifecycle: str) -> int:
        """How many entities a lifecycle has, if they are numbered without gaps; else 0."""
        entity = self.plan.table(self.plan.lifecycle(lifecycle).entity)
        return self.rows(entity) if self.is_dense(entity) else 0

    @property
    def planned_end(self) -> int:
        """The last second of the as-of date that the plan states."""
        return (self.plan.planned_as_of - _EPOCH).days * DAY + DAY - 1

    # --- expressions -----------------------------------------------------------------------------------------

    def expression(self, table: ResolvedTable, text: str) -> Evaluator:
        """A SQL expression over the columns of a table, compiled once."""
        # DuckDB takes a sixth of the time that a worker process needs to start, and most plans hold no SQL.
        from seedbed.engine.expressions import Evaluator  # noqa: PLC0415
        from seedbed.plan.expressions import compile_expression  # noqa: PLC0415

        place = (table.name, text)
        if place not in self._compiled:
            names = names_in_sql(text, self._names(table))
            types = {name: self.type_of(table, name) for name in names}
            self._compiled[place] = Evaluator(compile_expression(text, types, tried=True))
        return self._compiled[place]

    def _names(self, table: ResolvedTable) -> tuple[str, ...]:
        leads = [name for reference in table.references for name in (reference.name, reference.parent)]
        return (*(column.name for column in table.columns), *leads)

    def type_of(self, table: ResolvedTable, path: str) -> DataType:
        """The type of a column, or of a parent's by its path."""
        name = self.spelled(table, path)
        if name is not None:
            return table.column(name).data_type
        head, _, tail = path.partition(".")
        reference = table.lead(head)
        assert reference is not None, f"{table.name} has no path {path}"
        return self.type_of(self.plan.table(reference.parent), tail)

    def redraws(self, table: ResolvedTable) -> tuple[Redraw, ...]:
        """What is drawn again in rows that break predicates."""
        return self._redraws[table.name]

    def drawn_again(self, table: ResolvedTable) -> Mapping[str, Redraw]:
        """The columns that are drawn again in a row that breaks a predicate, each with the predicates concerned."""
        return self._drawn_again[table.name]

    def found_again(self, table: ResolvedTable) -> Mapping[str, Redraw]:
        """The references that are drawn again in a row that breaks a predicate, as `drawn_again`."""
        return self._found_again[table.name]

    # --- frames ----------------------------------------------------------------------------------------------

    def frames(self, table: ResolvedTable, low: int, high: int) -> Frame:
        """The rows of a table that descend from the rows `low` to `high` of its root, in order."""
        return self.there(self._born(table, low, high), self.plan.end)

    def lost(self, table: ResolvedTable, low: int, high: int) -> tuple[dict[Redraw, int], int]:
        """How many of the rows that descend from those of the root are left out for each rule, and of how many."""
        frame = self._born(table, low, high)
        frame = frame.take(np.flatnonzero(self._has_appeared(frame, self.plan.end)))
        wanting = (redraw for redraw in self.redraws(table) if redraw.leaves_out)
        return {redraw: int(frame.left_out(redraw).sum()) for redraw in wanting}, len(frame)

    def _born(self, table: ResolvedTable, low: int, high: int) -> Frame:
        """The same rows as `frames`, with those that have not appeared yet, are gone, or are left out."""
        parent = self.driver(table)
        if parent is None:
            return self._new(table, np.arange(low, high))
        return self._all_children(self.frames(parent, low, high), table, self.plan.end)

    def pick(self, table: ResolvedTable, numbers: Int64s) -> Frame:
        """The rows of a table with these numbers, in any order; they must be there."""
        if not isinstance(table.rows, PerParent | Versions):
            return self._new(table, numbers)
        parent = self.driver(table)
        assert parent is not None
        if table.rows.dense:
            owners, ordinal = self._locate(table, numbers)
        else:
            owners, ordinal = numbers // table.rows.stride, numbers % table.rows.stride
        distinct, positions = distinct_numbers(owners)
        driver = Link(self.pick(parent, distinct), positions)
        return self._new(table, numbers, driver, ordinal)

    def children(self, frame: Frame, table: ResolvedTable, end: int | None = None) -> Frame:
        """The rows of a table whose driving parents are the frame's rows, parent by parent.

        Those that are there by the moment `end`, or by the as-of date.
        """
        end = self.plan.end if end is None else end
        return self.there(self._all_children(frame, table, end), end)

    def _all_children(self, frame: Frame, table: ResolvedTable, end: int) -> Frame:
        assert isinstance(table.rows, PerParent | Versions)
        counts = self.count_children(frame, table)
        if isinstance(table.rows, Versions) and end < self.plan.end:
            walk = frame.walk(table.rows.lifecycle)
            counts = np.bincount(walk.owner[walk.start <= end], minlength=len(frame))
        positions = np.repeat(np.arange(len(frame)), counts)
        starts = np.cumsum(counts) - counts
        ordinal = np.arange(len(positions)) - starts[positions]
        if table.rows.dense:
            numbers = self._first_child(table, frame.numbers, counts)[positions] + ordinal
        else:
            numbers = frame.numbers[positions] * table.rows.stride + ordinal
        return self._new(table, numbers, Link(frame, positions), ordinal)

    def there(self, frame: Frame, end: int) -> Frame:
        """The frame's rows that have appeared by the moment `end`, and are not gone or left out.

        A row without a moment is there from the start, or never gone.
        """
        there = self._has_appeared(frame, end)
        for redraw in self.redraws(frame.table):
            if redraw.leaves_out:
                there &= ~frame.left_out(redraw)
        return frame if there.all() else frame.take(np.flatnonzero(there))

    def _has_appeared(self, frame: Frame, end: int) -> Mask:
        there = np.ones(len(frame), dtype=np.bool_)
        if frame.table.appears_at:
            moments = frame.column(frame.table.appears_at)
            there = seconds_of(moments) <= end
            if moments.null_count:
                there |= np.asarray(moments.is_null().to_numpy(zero_copy_only=False))
        if frame.table.gone_at:
            there &= seconds_of(frame.column(frame.table.gone_at)) > end
        return there

    def count_children(self, frame: Frame, table: ResolvedTable) -> Int64s:
        """How many rows each of the frame's rows drives, also those that appear only later."""
        rows = table.rows
        if isinstance(rows, Versions):
            return frame.walk(rows.lifecycle).counts
        assert isinstance(rows, PerParent)
        stream = Stream(self.plan.random_seed, table.name, "rows")
        if rows.concentration:
            unit = max(self.planned(frame.table), 1)
            counts = concentrated_counts(rows.concentration, rows.counts, stream, frame.numbers, unit)
        else:
            counts = draw_counts(rows.counts, stream, frame.numbers)
        if rows.where:
            counts = np.where(frame.holds(rows.where), counts, 0)
        for limit in rows.limits:
            limited = np.clip(counts, limit.minimum, limit.maximum)
            counts = np.where(frame.holds(limit.when), limited, counts) if limit.when else limited
        return counts

    def whole(self, table: ResolvedTable) -> Frame | None:
        """All rows of a table that is small and numbered without gaps, kept; None of any other."""
        if table.name not in self._kept:
            if not self.is_dense(table) or self.rows(table) > KEPT_ROWS:
                return None
            self._kept[table.name] = self.pick(table, np.arange(self.rows(table)))
        return self._kept[table.name]

    def _new(
        self, table: ResolvedTable, numbers: Int64s, driver: Link | None = None, ordinal: Int64s | None = None
    ) -> Frame:
        return Frame(self, table, numbers, driver, ordinal)

    # --- numbering of driven tables ----------------------------------------------------------------------------

    def offsets(self, table: ResolvedTable) -> Offsets:
        """Where the children of each parent begin, in a table that is numbered without gaps."""
        if table.name in self._offsets:
            return self._offsets[table.name]
        with self._lock:
            if table.name not in self._offsets:
                self._offsets[table.name] = self._count_through(table)
        return self._offsets[table.name]

    def _count_through(self, table: ResolvedTable) -> Offsets:
        parent = self.driver(table)
        assert parent is not None
        if not self.is_dense(table):
            raise GenerationError(f"{table.name} is numbered with gaps and cannot be counted through")
        total, before = 0, [np.zeros(1, np.int64)]
        count = self.rows(parent)
        for low in range(0, count, BATCH_ROWS):
            numbers = np.arange(low, min(low + BATCH_ROWS, count))
            running = np.cumsum(self.count_children(self.pick(parent, numbers), table)) + total
            before.append(running[STRIDE - 1 :: STRIDE].copy())
            total = int(running[-1])
        return Offsets(np.concatenate(before), total)

    def _first_child(self, table: ResolvedTable, parents: Int64s, counts: Int64s | None = None) -> Int64s:
        """The number of the first child of each parent; `counts`, if known, are theirs."""
        offsets = self.offsets(table)
        if counts is not None and len(parents) and parents[0] % STRIDE == 0 and (np.diff(parents) == 1).all():
            begins: Int64s = offsets.before[parents[0] // STRIDE] + np.cumsum(counts) - counts
            return begins
        blocks, inverse = distinct_numbers(parents // STRIDE)
        running = self._running(table, blocks)
        first: Int64s = running[inverse, parents % STRIDE]
        return first

    def _running(self, table: ResolvedTable, blocks: Int64s) -> Int64s:
        """For each block of `STRIDE` parents, the offsets of their children: shape (blocks, STRIDE + 1)."""
        parent = self.driver(table)
        assert parent is not None
        offsets, last = self.offsets(table), self.rows(parent)
        numbers = (blocks[:, None] * STRIDE + np.arange(STRIDE)[None, :]).ravel()
        inside = numbers < last
        counts = np.zeros(len(numbers), dtype=np.int64)
        counts[inside] = self.count_children(self.pick(parent, numbers[inside]), table)
        running = np.zeros((len(blocks), STRIDE + 1), dtype=np.int64)
        running[:, 1:] = np.cumsum(counts.reshape(-1, STRIDE), axis=1)
        return running + offsets.before[np.minimum(blocks, len(offsets.before) - 1)][:, None]

    def _locate(self, table: ResolvedTable, numbers: Int64s) -> tuple[Int64s, Int64s]:
        """The parent's number, and the place among its children, of each row of a table without gaps."""
        offsets = self.offsets(table)
        block = np.searchsorted(offsets.before, numbers, side="right") - 1
        # Blocks without a child share an offset; the last of them is the one that has the row.
        blocks, _ = distinct_numbers(block)
        running = self._running(table, blocks)
        # From parent to parent, and so from block to block, the offsets never fall.
        at: Int64s = np.searchsorted(running[:, 1:].ravel(), numbers, side="right")
        which, place = np.divmod(at, STRIDE)
        return blocks[which] * STRIDE + place, numbers - running[which, place]

    # --- references --------------------------------------------------------------------------------------------

    def find_parents(self, frame: Frame, reference: Reference) -> Link:
        """The link from the frame's rows to the rows that a reference leads to."""
        finding = reference.finding
        if isinstance(finding, Driving):
            assert frame.driver is not None
            return self._without(frame, reference, frame.driver)
        if isinstance(finding, Via):
            link = frame.reference(finding.path[0])
            for name in finding.path[1:]:
                link = link.then(name)
            return self._without(frame, reference, link)
        if isinstance(finding, ValidAt):
            return self._without(frame, reference, self._version(frame, reference, finding))
        parent = self.plan.table(reference.parent)
        if len(frame) and self.is_dense(parent) and self.rows(parent) == 0 and not isinstance(finding, Tree):
            raise GenerationError(
                f"{frame.table.name} refers to {parent.name}, which has no rows; ask for at least one row of it"
            )
        numbers = FINDERS[type(finding)](self, frame, reference, parent)
        # The rows of a tree may read those above them, and a frame no column of its own that is not made yet.
        kept = not isinstance(finding, Tree)
        return self._without(frame, reference, self.link(parent, numbers, kept=kept))

    def looked_up(self, table: ResolvedTable, reference: Reference, parent: ResolvedTable) -> Int64s:
        """For each row of a table that stands in a file, the number of the parent whose key stands there; -1 for none.

        Raises:
            GenerationError: the file holds a key that no parent has, or the parent has too many rows to look in.
        """
        place = (table.name, reference.name)
        with self._lock:
            if place not in self._looked_up:
                self._looked_up[place] = look_up(table, reference, self.whole(parent))
        return self._looked_up[place]

    def entity_link(self, frame: Frame, entity: str) -> Link:
        """The link from the frame's rows to those of a lifecycle's entity, over driving parents if need be."""
        if frame.table.name == entity:
            return Link(frame, np.arange(len(frame)))
        for reference in sorted(frame.table.references, key=lambda item: not isinstance(item.finding, Driving)):
            if reference.parent == entity and isinstance(reference.finding, Driving) and frame.driver:
                return frame.driver  # Even where the row does not say so: its key may be null.
            if reference.parent == entity:
                return frame.reference(reference.name)
        assert frame.driver is not None, f"{frame.table.name} has no way to {entity}"
        onward = self.entity_link(frame.driver.frame, entity)
        return Link(onward.frame, onward.positions[frame.driver.positions])

    def _without(self, frame: Frame, reference: Reference, link: Link) -> Link:
        """The link without the rows that are to have no parent."""
        stream = Stream(self.plan.random_seed, *reference.stream)
        absent = frame.absent(reference.null, reference.when, stream, reference.varies_by)
        if absent is None:
            return link
        return Link(link.frame, np.where(absent, -1, link.positions))

    def link(self, parent: ResolvedTable, numbers: Int64s, *, kept: bool = True) -> Link:
        """The link to the rows of `parent` with these numbers, -1 for none; to the `kept` rows of a small one."""
        whole = self.whole(parent) if kept else None
        if whole is not None:
            return Link(whole, numbers)
        there = numbers >= 0
        positions = np.where(there, np.cumsum(there) - 1, -1)
        return Link(self.pick(parent, numbers[there]), positions)

    def _version(self, frame: Frame, reference: Reference, finding: ValidAt) -> Link:
        history = self.plan.table(reference.parent)
        assert isinstance(history.rows, Versions)
        entity = frame.reference(finding.entity)
        at = frame.column(finding.at)
        ordinal = version_at(entity.frame.walk(history.rows.lifecycle), entity.positions, seconds_of(at))
        driver = Link(entity.frame, entity.positions)
        numbers = driver.numbers() * history.rows.stride + ordinal
        there = ordinal >= 0
        if at.null_count:
            there &= np.asarray(at.is_valid().to_numpy(zero_copy_only=False))
        found = Frame(self, history, numbers[there], driver.take(np.flatnonzero(there)), ordinal[there])
        return Link(found, np.where(there, np.cumsum(there) - 1, -1))

    def domain(
        self, frame: Frame, parent: ResolvedTable, varies_by: str | None = None, *, doubling: bool = False
    ) -> int | Int64s:
        """From how many rows of `parent`, the first ones, each row may draw; few different numbers if `doubling`.

        The planned rows draw from the planned parents, whatever was added to either; rows beyond them from
        as large a part of those that are asked for, so that a larger run leaves the rows of a smaller one as they
        were. Parents that time adds are not among them: they would move rows that were there before. What varies by
        another row draws as that row would.
        """
        parents, planned = self.asked(parent), self.planned(parent)
        if parents <= planned:
            return parents
        if varies_by is None:
            head, roots = frame.table, frame.roots()
        elif any(reference.name == varies_by for reference in frame.table.references):
            link = frame.reference(varies_by)
            head, roots = link.frame.table, link.gather_numbers(link.frame.roots())
        else:
            return max(planned, 1)
        above, first = self.root(parent), max(self.planned(self.root(head)), 1)
        most, unit = self.asked(above), max(self.planned(above), 1)
        grown = np.clip(unit * roots // first, unit, most)
        if doubling:
            grown = unit << (np.frexp(grown // unit)[1].astype(np.int64) - 1)
        sizes, places = distinct_numbers(grown)
        return np.maximum(np.where(roots < first, planned, self.until(parent, sizes)[places]), 1)


def ranges(world: World, table: ResolvedTable, batch_rows: int = BATCH_ROWS) -> Iterator[tuple[int, int]]:
    """Ranges of the root's rows from which about `batch_rows` rows of the table descend."""
    step = max(1, int(batch_rows / _fan_out(world, table)))
    step -= step % STRIDE if step > STRIDE else 0
    count = world.rows(world.root(table))
    for low in range(0, count, step):
        yield low, min(low + step, count)


def expected_rows(world: World, table: ResolvedTable) -> float:
    """About how many rows a table has, without making any."""
    return world.rows(world.root(table)) * _fan_out(world, table)


def _fan_out(world: World, table: ResolvedTable) -> float:
    """About how many rows descend from a row of the root, at least 1."""
    parent = world.driver(table)
    if parent is None:
        return 1.0
    usual = mean(table.rows.counts) if isinstance(table.rows, PerParent) else USUAL_VERSIONS
    return max(1.0, usual) * _fan_out(world, parent)


@functools.lru_cache(maxsize=2)
def world_of(packed: bytes, shared: Path | None) -> World:
    """The world of a pickled plan, in a process that is asked for its rows again and again."""
    return World(pickle.loads(packed), shared)
