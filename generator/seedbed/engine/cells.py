"""What a maker of values is given: one column of some rows, about to be filled."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seedbed.engine.rng import Stream, Words, fractions, scaled_down
from seedbed.plan.kinds import Generator
from seedbed.plan.resolved import ResolvedColumn, ResolvedPlan

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cells:
    """One column of n rows, about to be filled.

    `rows` (int64, length n) says which element of the stream each row takes: its own number, or that of the
    entity which the column varies by; equal numbers must give equal values. `value(name)` is another column of
    the same rows, already made (length n); for a text that is made of others, it may be dictionary-encoded.
    """

    plan: ResolvedPlan
    column: ResolvedColumn
    stream: Stream
    rows: Int64s
    value: Callable[[str], pa.Array]
    words: Words | None = None
    """The random word of each row where it is not the stream's own."""
    shared: dict[Hashable, Any] = field(default_factory=dict)
    """What several columns that take the same elements of their streams are made of, and one of them has drawn."""

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, at: Int64s, generator: Generator) -> Cells:
        """Some of the rows, to be filled by a generator that is a case of the column's own."""
        column = replace(self.column, generator=generator, needs=())
        words = None if self.words is None else self.words[at]
        return Cells(
            self.plan, column, self.stream, self.rows[at], lambda name: self.value(name).take(pa.array(at)), words
        )

    def bits(self) -> Words:
        """64 random bits for each row, from which its value follows."""
        return self.stream.bits(self.rows) if self.words is None else self.words

    def uniform(self) -> npt.NDArray[np.float64]:
        """A number between 0 and 1 for each row, neither of them included."""
        return self.stream.uniform(self.rows) if self.words is None else fractions(self.words)

    def below(self, n: int) -> Int64s:
        """A whole number from 0 to `n - 1` for each row."""
        return self.stream.below(self.rows, n) if self.words is None else scaled_down(self.words, n)


Maker = Callable[[Cells, Any], pa.Array]
"""Makes the values of one column, by a generator of one kind (the second argument)."""
