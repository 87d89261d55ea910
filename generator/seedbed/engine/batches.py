"""Makes the rows of tables in batches, on one worker or several, in order and the same either way."""

from __future__ import annotations

import functools
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import pyarrow as pa

from seedbed.engine.arrow import as_text
from seedbed.engine.frames import schema_of
from seedbed.engine.workers import Span, Workers, workers_for
from seedbed.engine.world import BATCH_ROWS, World, expected_rows, ranges
from seedbed.flow import unpacked_batch
from seedbed.plan.resolved import ResolvedTable

__all__ = ["ALONE", "Batches", "generate_batches", "schema_of", "values_at", "workers_on"]

ALONE = Workers()
"""No process but this one."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Batches:
    """Batches that are made, in order, when they are asked for; `len` says how many there are.

    Attributes:
        make: the batch of a span, in which text of few values may be dictionary-encoded. It can be pickled.
        spans: what the batches are made from.
        workers: who makes them.
    """

    make: Callable[[int, int], pa.RecordBatch]
    spans: Sequence[Span]
    workers: Workers

    def __len__(self) -> int:
        return len(self.spans)

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return map(unpacked_batch, self.workers.in_order(self.make, self.spans))

    def each(self, function: Callable[[pa.RecordBatch], Result]) -> Iterator[Result]:
        """What the function makes of each batch, in the process that makes the batch; it must be picklable.

        In the batch, text of few values may be dictionary-encoded.
        """
        return self.workers.in_order(functools.partial(_then, function, self.make), self.spans)


def generate_batches(
    world: World, table: ResolvedTable, *, workers: Workers = ALONE, batch_rows: int = BATCH_ROWS
) -> Batches:
    """The rows of one table, in order, as Arrow record batches with the schema `schema_of(table)`.

    The rows do not depend on `workers` or `batch_rows`.

    Raises:
        GenerationError: the plan cannot be carried out with these numbers of rows. So does the iteration.
    """
    return Batches(functools.partial(_rows, world, table.name), list(ranges(world, table, batch_rows)), workers)


@contextmanager
def workers_on(world: World, count: int, *, states: int = 1) -> Iterator[Workers]:
    """At most so many workers, and no more than are worth it, who tell each other of the lives that they walk.

    Args:
        world: whose written tables they are to make.
        count: of workers, this process included.
        states: how many times each table is made, at different dates.
    """
    written = (table for table in world.plan if table.written)
    values = sum(expected_rows(world, table) * len(table.written_columns) for table in written)
    with ExitStack() as stack:
        workers = stack.enter_context(workers_for(count, values * states))
        if workers:
            with suppress(OSError):  # without room for it, each makes all the walks that it needs
                folder = TemporaryDirectory(prefix="seedbed-", ignore_cleanup_errors=True)
                world.share(Path(stack.enter_context(folder)))
        yield workers


def _rows(world: World, name: str, low: int, high: int) -> pa.RecordBatch:
    _keep_freed_memory()
    return world.frames(world.plan.table(name), low, high).batch(packed=True)


def _then(
    function: Callable[[pa.RecordBatch], Result], make: Callable[[int, int], pa.RecordBatch], low: int, high: int
) -> Result:
    return function(make(low, high))


@functools.cache
def _keep_freed_memory() -> None:
    """Lets glibc hand out freed memory again instead of returning it to the kernel: half of all page faults.

    It returns what is free beyond twice the largest block that it ever gave back, of up to 32 MiB (mallopt(3),
    M_MMAP_THRESHOLD), and arrays of half a megabyte come and go all the time. This block is never touched, so it
    takes no memory. Arrow then takes its memory there too, unless its own variable says otherwise. Without glibc
    nothing is done.
    """
    if platform.libc_ver()[0] == "glibc":
        np.empty((32 << 20) - (1 << 16), np.uint8)
        if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ:
            pa.set_memory_pool(pa.system_memory_pool())


def values_at(world: World, table: ResolvedTable, paths: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Columns of all rows, and columns of rows that their foreign keys lead to, as text: one column for each path.

    Raises:
        GenerationError: the plan cannot be carried out with these numbers of rows.
    """
    for low, high in ranges(world, table):
        frame = world.frames(table, low, high)
        yield pa.record_batch([as_text(frame.value(path)) for path in paths], names=list(paths))
