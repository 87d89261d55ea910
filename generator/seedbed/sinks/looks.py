"""What the columns of a seed look like to a reader that infers types, worked out batch by batch in any process."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from seedbed.flow import unpacked

# What agate takes for a number, a date, a time or a boolean.
_TYPED = r"^\s*(?:[-+]?[$€£¥]?[-+]?[\d,]*\.?\d+%?|\d{4}-\d\d-\d\d(?:[T ].*)?|(?i:true|false))\s*$"
_INT32 = 2**31


@dataclass(frozen=True, slots=True)
class Looks:
    """What is known of some columns after some of their rows.

    Attributes:
        empty: those without any value so far.
        typed: those whose values all look like numbers, dates or booleans so far.
        too_wide: those with an integer that needs more than 32 bits.
    """

    empty: frozenset[str]
    typed: frozenset[str]
    too_wide: frozenset[str] = frozenset()

    @classmethod
    def of(cls, columns: Iterable[str]) -> Looks:
        """Of columns of which no row was seen."""
        return cls(frozenset(columns), frozenset(columns))

    def __or__(self, other: Looks) -> Looks:
        """After the rows of both."""
        return Looks(self.empty & other.empty, self.typed & other.typed, self.too_wide | other.too_wide)

    def after(self, batch: pa.RecordBatch, columns: Iterable[str]) -> Looks:
        """With the rows of a batch taken into account. What was found before is not looked for again."""
        filled, untyped, wide = set(), set(), set()
        for name in columns:
            column = batch.column(batch.schema.get_field_index(name))
            if column.null_count == len(column):
                continue
            filled.add(name)
            if pa.types.is_integer(column.type):
                low, high = pc.min_max(column).as_py().values()
                if low < -_INT32 or high >= _INT32:
                    wide.add(name)
            elif name in self.typed and not _all_typed(column):
                untyped.add(name)
        return Looks(self.empty - filled, self.typed - untyped, self.too_wide | wide)


def _all_typed(column: pa.Array) -> bool:
    """Whether all are texts that look like numbers, dates or booleans. Mostly the first few show that they do not."""
    for part in (column.slice(0, 16), column):
        texts = unpacked(part)
        if not (
            pa.types.is_string(texts.type) and pc.all(pc.match_substring_regex(texts, _TYPED), min_count=0).as_py()
        ):
            return False
    return True
