"""Makes the rows of tables in batches, on one worker or several, in order and the same either way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import pyarrow as pa

from seedbed.engine.arrow import as_text
from seedbed.engine.frames import schema_of
from seedbed.engine.world import BATCH_ROWS, World, ranges
from seedbed.plan.resolved import ResolvedTable

__all__ = ["count_batches", "generate_batches", "in_order", "schema_of", "values_at"]


Made = TypeVar("Made")


def generate_batches(
    world: World, table: ResolvedTable, *, workers: int = 1, batch_rows: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """The rows of one table, in order, as Arrow record batches with the schema `schema_of(table)`.

    The rows do not depend on `workers` or `batch_rows`. Each worker is a thread: what takes long gives up the
    interpreter. At most `2 * workers` batches are held at a time.

    Raises:
        GenerationError: the plan cannot be carried out with these numbers of rows.
    """
    _keep_freed_memory()
    spans = ranges(world, table, batch_rows)
    return in_order(lambda low, high: world.frames(table, low, high).batch(), spans, workers)


def in_order(make: Callable[[int, int], Made], spans: Iterable[tuple[int, int]], workers: int) -> Iterator[Made]:
    """What `make` makes of each span, in order, on so many threads; at most `2 * workers` results are held."""
    if workers <= 1:
        for low, high in spans:
            yield make(low, high)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="seedbed") as pool:
        waiting: deque[Future[Made]] = deque()
        try:
            for low, high in spans:
                waiting.append(pool.submit(make, low, high))
                if len(waiting) >= 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _keep_freed_memory() -> None:
    """Lets glibc hand out freed memory again instead of returning it to the kernel: half of all page faults.

    It returns what is free beyond twice the largest block that it ever gave back, of up to 32 MiB (mallopt(3),
    M_MMAP_THRESHOLD), and arrays of half a megabyte come and go all the time. This block is never touched, so it
    takes no memory. Elsewhere it does nothing.
    """
    np.empty((32 << 20) - (1 << 16), np.uint8)


def values_at(world: World, table: ResolvedTable, paths: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Columns of all rows, and columns of rows that their foreign keys lead to, as text: one column for each path.

    Raises:
        GenerationError: the plan cannot be carried out with these numbers of rows.
    """
    for low, high in ranges(world, table):
        frame = world.frames(table, low, high)
        yield pa.record_batch([as_text(frame.plain(path)) for path in paths], names=list(paths))


def count_batches(world: World, table: ResolvedTable, batch_rows: int = BATCH_ROWS) -> int:
    """How many batches `generate_batches` makes of a table."""
    return sum(1 for _ in ranges(world, table, batch_rows))
