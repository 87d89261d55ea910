"""What a column's values look like: how many, how different, how spread."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_BARS = 24
_TOP = 6
_FEW = 12
_OFTEN = 0.03
_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a chart: what it stands for, how many values, and its height as a share of the highest; 0 for a rest."""

    label: str
    count: int
    height: float


@dataclass(frozen=True, slots=True)
class Profile:
    """A column's values in numbers. `bars` count values, in order if `ordered`, else the most frequent ones."""

    rows: int
    nulls: int
    distinct: int
    top_share: float
    """The share of the most frequent value among those that are not null."""
    ordered: bool
    bars: tuple[Bar, ...]
    low: str = ""
    middle: str = ""
    """The median, of numbers and moments."""
    high: str = ""
    examples: tuple[str, ...] = ()

    @property
    def unique(self) -> bool:
        """Whether no value occurs twice, of two or more."""
        return self.rows - self.nulls == self.distinct > 1


def profile(column: pa.ChunkedArray, *, key: bool = False) -> Profile:
    """The profile of a column; of a `key` whose values all differ, some are shown instead of a chart."""
    values = column.drop_null()
    counts = sorted(pc.value_counts(values).to_pylist(), key=lambda item: -item["counts"]) if len(values) else []
    distinct = len(counts)
    top_share = counts[0]["counts"] / len(values) if counts else 0.0
    examples = tuple(spoken(value) for value in dict.fromkeys(values.slice(0, 50).to_pylist()))[:3]
    numbers = _numbers(values)
    if key and distinct == len(values):
        return Profile(len(column), column.null_count, distinct, top_share, False, (), examples=examples)
    if numbers is None or distinct <= _FEW:
        return Profile(
            len(column), column.null_count, distinct, top_share, False, tuple(_top(counts, len(values))),
            examples=examples,
        )  # fmt: skip
    low, middle, high = (_as_value(float(edge), values.type) for edge in np.quantile(numbers, [0, 0.5, 1]))
    bars = tuple(_histogram(numbers, values.type))
    return Profile(
        len(column), column.null_count, distinct, top_share, True, bars, low, middle, high, examples=examples
    )


def spoken(value: Any) -> str:
    """A value as a person reads it."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case dt.datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S")
        case float():
            return f"{value:.10g}"
    return str(value)


def _top(counts: list[dict[str, Any]], total: int) -> Iterator[Bar]:
    """The most frequent values; nothing where none of many is frequent."""
    if len(counts) > _FEW and counts[0]["counts"] < _OFTEN * total:
        return
    for item in counts[:_TOP]:
        yield Bar(spoken(item["values"]), item["counts"], item["counts"] / counts[0]["counts"])
    rest = sum(item["counts"] for item in counts[_TOP:])
    if rest:
        yield Bar(f"{len(counts) - _TOP:,} others", rest, 0.0)


def _histogram(numbers: np.ndarray[Any, Any], kind: pa.DataType) -> Iterator[Bar]:
    counts, edges = np.histogram(numbers, bins=_BARS)
    highest = int(counts.max())
    for count, low, high in zip(counts, edges, edges[1:], strict=False):
        label = f"{_as_value(float(low), kind)} to {_as_value(float(high), kind)}"
        yield Bar(label, int(count), int(count) / highest)


def _numbers(values: pa.ChunkedArray) -> np.ndarray[Any, Any] | None:
    """Numbers and moments as floats; None of what has no order that a histogram would show."""
    kind = values.type
    if pa.types.is_decimal(kind):
        values = pc.cast(values, pa.float64())
    elif pa.types.is_date(kind):
        values = pc.cast(pc.cast(values, pa.date32()), pa.int32())
    elif pa.types.is_timestamp(kind):
        values = pc.cast(pc.cast(values, pa.timestamp("s", kind.tz)), pa.int64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return None
    return np.asarray(values.to_numpy(), np.float64)


def _as_value(number: float, kind: pa.DataType) -> str:
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        days = number if pa.types.is_date(kind) else number / 86_400
        return str(_EPOCH + dt.timedelta(days=int(days)))
    return f"{number:,.0f}" if abs(number) >= 1000 or float(number).is_integer() else f"{number:.4g}"
