"""Makes days and moments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seedbed.engine.arrow import dates, timestamps, whole_numbers
from seedbed.engine.calendars import calendar_part, days_of, open_moments, open_seconds
from seedbed.engine.cells import Cells, Maker
from seedbed.engine.distributions import Quantile, draw_on_grid, exponential, lognormal, uniform
from seedbed.engine.rhythms import draw_days, draw_moments
from seedbed.plan import kinds
from seedbed.plan.resolved import DAY, Days

Int64s = npt.NDArray[np.int64]

LONGEST_DELAY = 365_000 * DAY
"""Seconds, a thousand years: no delay is longer, so that moments stay within the calendar."""
_EPOCH = dt.date(1970, 1, 1)


def _date(cells: Cells, generator: kinds.Date) -> pa.Array:
    first, last = generator.ends
    if generator.rhythm:
        return dates(draw_days(generator.rhythm, first, last, cells.bits()))
    return dates(first // DAY + cells.below(last // DAY - first // DAY + 1))


def _timestamp(cells: Cells, generator: kinds.Timestamp) -> pa.Array:
    first, last = generator.ends
    if generator.rhythm is None:
        return timestamps(first + cells.below(last - first + 1))
    if not generator.any_business_hour:
        return timestamps(draw_moments(generator.rhythm, first, last, cells.bits()))
    opened = open_seconds(first)
    count = open_seconds(last + 1) - opened
    if count <= 0:
        raise ValueError("no business hour lies between start and end")
    return timestamps(open_moments(opened + cells.below(count)))


def _time(cells: Cells, generator: kinds.Time) -> pa.Array:
    first, last = generator.ends
    if generator.hours is None:
        seconds = first + cells.below(last - first + 1)
    else:
        seconds = draw_moments(generator.rhythm, first, last, cells.bits())
    return pa.array(seconds.astype(np.int32)).view(pa.time32("s"))


def _after(cells: Cells, generator: kinds.After) -> pa.Array:
    """In whole days after a date, in whole seconds after a moment, and at least one of them: later is later."""
    start = cells.value(generator.column)
    on_days = not pa.types.is_timestamp(start.type)
    moments, missing = days_of(start) if on_days else whole_numbers(start)
    unit = DAY if on_days else 1
    least, most = (kinds.parse_duration(end) / unit if end else None for end in (generator.min, generator.max))
    low = max(1, -int(-(least or 0) // 1))
    high = max(low, int(most)) if most is not None else LONGEST_DELAY // unit
    delay = draw_on_grid(_delay(generator), cells.uniform(), float(unit), low, high)
    ends = np.where(missing, 0, moments + delay)
    if generator.known:
        missing = missing | (ends > (cells.plan.end // unit))
    return dates(ends, missing) if on_days else timestamps(ends, missing)


def _delay(generator: kinds.After) -> Quantile:
    if generator.median:
        return lognormal(kinds.parse_duration(generator.median), generator.sigma)
    if generator.mean:
        return exponential(kinds.parse_duration(generator.mean))
    return uniform(0.0, float(LONGEST_DELAY + DAY))


def _calendar(cells: Cells, generator: kinds.Calendar) -> pa.Array:
    if generator.of is None:
        return calendar_part(generator.part, _own_days(cells))
    days, missing = days_of(cells.value(generator.of))
    values = calendar_part(generator.part, days)
    if not missing.any():
        return values
    positions = pa.array(np.arange(len(cells)), mask=missing)
    return values.take(positions)


def _own_days(cells: Cells) -> Int64s:
    """The days of the rows of a table whose rows are days."""
    for table in cells.plan:
        if isinstance(table.rows, Days) and any(column is cells.column for column in table.columns):
            extra = [(day - _EPOCH).days for day in table.rows.extra]
            days = cells.rows + (table.rows.start - _EPOCH).days
            beyond = cells.rows >= table.rows.count
            if beyond.any():
                days[beyond] = np.array(extra, np.int64)[cells.rows[beyond] - table.rows.count]
            return days
    raise ValueError("the table's rows are no days; give the column that holds the date: of='...'")


MAKERS: Mapping[type[kinds.Generator], Maker] = {
    kinds.Date: _date,
    kinds.Timestamp: _timestamp,
    kinds.Time: _time,
    kinds.After: _after,
    kinds.Calendar: _calendar,
}
