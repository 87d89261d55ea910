"""Makes the rows of tables in batches, on one worker or several, in order and the same either way."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa

from seedbed.engine.frames import schema_of
from seedbed.engine.world import BATCH_ROWS, World, ranges
from seedbed.plan.resolved import ResolvedTable

__all__ = ["count_batches", "generate_batches", "schema_of"]


def generate_batches(
    world: World, table: ResolvedTable, *, workers: int = 1, batch_rows: int = BATCH_ROWS
) -> Iterator[pa.RecordBatch]:
    """The rows of one table, in order, as Arrow record batches with the schema `schema_of(table)`.

    The rows do not depend on `workers` or `batch_rows`. Each worker is a thread: what takes long gives up the
    interpreter. At most `2 * workers` batches are held at a time.

    Raises:
        GenerationError: the plan cannot be carried out with these numbers of rows.
    """
    spans = ranges(world, table, batch_rows)
    if workers <= 1:
        for low, high in spans:
            yield world.frames(table, low, high).batch()
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="seedbed") as pool:
        waiting: deque[Future[pa.RecordBatch]] = deque()
        try:
            for low, high in spans:
                waiting.append(pool.submit(lambda a, b: world.frames(table, a, b).batch(), low, high))
                if len(waiting) >= 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def count_batches(world: World, table: ResolvedTable, batch_rows: int = BATCH_ROWS) -> int:
    """How many batches `generate_batches` makes of a table."""
    return sum(1 for _ in ranges(world, table, batch_rows))
