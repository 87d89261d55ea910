"""Batches of rows on their way from where they are made to where they end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar, runtime_checkable

import pyarrow as pa

Result = TypeVar("Result")


@runtime_checkable
class MadeElsewhere(Protocol):
    """Batches that other processes may make, where more can be made of them."""

    def each(self, function: Callable[[pa.RecordBatch], Result]) -> Iterator[Result]:
        """What the function makes of each batch, in order. Function and results must be picklable.

        In the batch, text of few values may be dictionary-encoded.
        """


def each(function: Callable[[pa.RecordBatch], Result], batches: Iterable[pa.RecordBatch]) -> Iterator[Result]:
    """What a function makes of each batch, in order, worked out in the process that makes the batch."""
    return batches.each(function) if isinstance(batches, MadeElsewhere) else map(function, batches)


def unpacked(array: pa.Array) -> pa.Array:
    """The same values, not dictionary-encoded."""
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def unpacked_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The same rows without dictionary-encoded columns."""
    if not any(map(pa.types.is_dictionary, batch.schema.types)):
        return batch
    return pa.record_batch(list(map(unpacked, batch.columns)), batch.schema.names)


@dataclass(frozen=True, slots=True)
class Watched:
    """Batches, the numbers of whose rows are told, each when the next batch is asked for."""

    batches: Iterable[pa.RecordBatch]
    told: Callable[[int], None]

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self.batches:
            yield batch
            self.told(batch.num_rows)

    def each(self, function: Callable[[pa.RecordBatch], Result]) -> Iterator[Result]:
        """As of `MadeElsewhere`."""
        for rows, result in each(partial(_counted, function), self.batches):
            yield result
            self.told(rows)


def _counted(function: Callable[[pa.RecordBatch], Result], batch: pa.RecordBatch) -> tuple[int, Result]:
    return batch.num_rows, function(batch)
