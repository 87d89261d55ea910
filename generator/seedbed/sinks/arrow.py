"""Tables in memory, as Arrow: what the Python API hands out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa

from seedbed.errors import SinkError
from seedbed.plan.resolved import ResolvedTable
from seedbed.sinks.base import Outcome, Sink, Written


class ArrowSink(Sink):
    """Keeps the tables in memory; `tables` maps their names to them once they are committed."""

    def __init__(self) -> None:
        super().__init__()
        self._staged: dict[str, pa.Table] = {}
        self.tables: Mapping[str, pa.Table] = {}

    def _write(self, table: ResolvedTable, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Written:
        try:
            rows = pa.Table.from_batches(batches, schema)
        except pa.ArrowException as error:
            raise SinkError(f"{table.name}: a batch does not have the table's schema: {error}") from error
        self._staged[table.name] = rows
        return Written(table.name, rows.num_rows, table.name)

    def _commit(self, written: tuple[Written, ...]) -> Outcome:
        self.tables, self._staged = self._staged, {}
        return Outcome(written, changed=tuple(table.place for table in written))

    def _rollback(self) -> None:
        self._staged = {}
