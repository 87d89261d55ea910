"""The rows of a table in parts that any process can make: what Seedbed hands to engines that work on many machines."""

from __future__ import annotations

import pyarrow as pa

from seedbed.engine.frames import schema_of
from seedbed.engine.world import BATCH_ROWS, World, ranges
from seedbed.errors import Diagnostic, PlanError, closest
from seedbed.plan.resolved import ResolvedPlan


class RowRanges:
    """One table in parts that are made alone, in any order and in any process; together they are its rows in order.

    It can be pickled, and holds all that the other process needs: the plan, and the hand-written seeds that the plan
    refers to. What can be worked out once is worked out once in each process.

    Args:
        resolved: the plan.
        name: the table.
        batch_rows: about how many rows a part has.

    Raises:
        PlanError: the plan has no table of that name, or is to write only what changed.
    """

    def __init__(self, resolved: ResolvedPlan, name: str, *, batch_rows: int = BATCH_ROWS) -> None:
        if resolved.extract:
            raise PlanError("Changes since an earlier date cannot be made in parts; resolve the plan without them.")
        table = next((table for table in resolved if table.name == name), None)
        if table is None:
            hint = closest(name, [table.name for table in resolved])
            raise PlanError(diagnostics=[Diagnostic("unknown-table", f"the plan has no table {name}", hint=hint)])
        self.name = name
        self.schema: pa.Schema = schema_of(table)
        """The Arrow schema of every part."""
        self._world = World(resolved)
        self._spans = tuple(ranges(self._world, table, batch_rows))

    def __len__(self) -> int:
        """How many parts there are."""
        return len(self._spans)

    def batch(self, part: int) -> pa.RecordBatch:
        """The rows of one part, of which there may be none.

        Raises:
            GenerationError: the plan cannot be carried out with these numbers of rows.
        """
        return self._world.frames(self._world.plan.table(self.name), *self._spans[part]).batch()
