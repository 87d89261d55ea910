"""What every sink obeys: tables go in, and nothing of a run is visible until it is committed."""

from __future__ import annotations

import abc
from collections.abc import Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import pyarrow as pa

from seedbed.errors import Diagnostic, SinkError
from seedbed.plan.resolved import ResolvedTable


@dataclass(frozen=True, slots=True)
class Written:
    """One table that a sink took in. `place` says where its rows end: a file, a relation."""

    table: str
    rows: int
    place: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a commit did. Places are named relative to the project, in the order in which they were given."""

    written: tuple[Written, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    notes: tuple[Diagnostic, ...] = ()


class Sink(abc.ABC):
    """Where batches end. Use it in a `with` block: what is not committed when the block ends is undone.

    A subclass fills in `_write`, `_commit` and `_rollback`; the order of calls is kept here.
    """

    def __init__(self) -> None:
        self._written: dict[str, Written] = {}
        self._open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.rollback()

    def write(self, table: ResolvedTable, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Written:
        """Takes in all rows of one table.

        Args:
            table: the table; its written columns are the schema's fields, in the same order.
            schema: the type of every batch.
            batches: the rows in their order. An error that they raise leaves the sink to be rolled back.

        Raises:
            SinkError: the rows could not be taken in.
        """
        expected = [column.name for column in table.written_columns]
        if not self._open:
            raise SinkError(f"{table.name} was given to a sink that is already committed or rolled back")
        if table.name in self._written:
            raise SinkError(f"{table.name} was given to the sink twice")
        if schema.names != expected:
            raise SinkError(f"{table.name} has the columns {expected}, but the batches have {schema.names}")
        written = self._write(table, schema, batches)
        self._written[table.name] = written
        return written

    def commit(self) -> Outcome:
        """Makes everything visible at once.

        Raises:
            SinkError: it could not be done; what was there before is untouched.
        """
        if not self._open:
            raise SinkError("the sink is already committed or rolled back")
        outcome = self._commit(tuple(self._written.values()))
        self._open = False
        return outcome

    def rollback(self) -> None:
        """Drops everything that was written and not committed; does nothing after a commit."""
        if self._open:
            self._open = False
            self._rollback()

    @abc.abstractmethod
    def _write(self, table: ResolvedTable, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Written: ...

    @abc.abstractmethod
    def _commit(self, written: tuple[Written, ...]) -> Outcome: ...

    @abc.abstractmethod
    def _rollback(self) -> None: ...


def check_batch(table: str, schema: pa.Schema, batch: pa.RecordBatch) -> None:
    """
    Raises:
        SinkError: the batch is not of the schema that was announced for the table, dictionaries unpacked.
    """
    if not pa.schema([field.with_type(_unpacked(field.type)) for field in batch.schema]).equals(schema):
        raise SinkError(f"{table}: a batch has the schema {batch.schema}, expected {schema}")


def _unpacked(held: pa.DataType) -> pa.DataType:
    return held.value_type if pa.types.is_dictionary(held) else held
