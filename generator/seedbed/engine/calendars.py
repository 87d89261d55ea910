"""What a calendar says of a day, and the hours at which a business is open. Weeks are those of ISO 8601."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seedbed.engine.arrow import dates, days_of_keys, dictionary, keys_of_days, whole_numbers
from seedbed.plan.resolved import DAY

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

_MONDAY = 4
"""The first Monday, in days since 1970: the 5th of January."""
_OPENS, _CLOSES = 8 * 3600, 18 * 3600
_OPEN_DAY = _CLOSES - _OPENS
_OPEN_WEEK = 5 * _OPEN_DAY


def calendar_part(part: str, days: Int64s) -> pa.Array:
    """One of the parts that the generator `calendar` knows, for days since 1970; texts as a dictionary."""
    # Many rows share few days: each day is looked up once, whether or not it occurs, unless they lie far apart.
    if not len(days):
        return _part(part, days)
    first, last = int(days.min()), int(days.max())
    if last - first < max(4_000, len(days) // 4):
        return _take(_part(part, np.arange(first, last + 1)), days - first)
    distinct, codes = np.unique(days, return_inverse=True)
    return _take(_part(part, distinct), codes)


def days_of(array: pa.Array) -> tuple[Int64s, Bools]:
    """Days since 1970 of dates, of moments or of numbers such as 20260131, and which of them are null.

    Raises:
        ValueError: a number is no date.
    """
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    numbers, missing = whole_numbers(array)
    if pa.types.is_date(kind):
        return numbers, missing
    if pa.types.is_timestamp(kind):
        return numbers // DAY, missing
    return days_of_keys(numbers, missing), missing


def open_seconds(moment: int) -> int:
    """How many business seconds (Monday to Friday, 8 to 18 o'clock) lie before a moment, from a fixed Monday on."""
    week, rest = divmod(moment - _MONDAY * DAY, 7 * DAY)
    day, second = divmod(rest, DAY)
    today = min(max(second - _OPENS, 0), _OPEN_DAY) if day < 5 else 0
    return week * _OPEN_WEEK + min(day, 5) * _OPEN_DAY + today


def open_moments(seconds: Int64s) -> Int64s:
    """The moment of each business second, counted as `open_seconds` does."""
    weeks, rest = np.divmod(seconds, _OPEN_WEEK)
    days, second = np.divmod(rest, _OPEN_DAY)
    return (_MONDAY + weeks * 7 + days) * DAY + _OPENS + second


def _take(array: pa.Array, codes: Int64s) -> pa.Array:
    return dictionary(codes, array) if pa.types.is_string(array.type) else array.take(pa.array(codes))


def _civil(days: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """Year, month and day of the month."""
    date = days.astype("datetime64[D]")
    months = date.astype("datetime64[M]")
    day = (date - months.astype("datetime64[D]")).astype(np.int64) + 1
    count = months.astype(np.int64)
    return count // 12 + 1970, count % 12 + 1, day


def _first_of_month(days: Int64s, months_later: int = 0) -> Int64s:
    months = days.astype("datetime64[D]").astype("datetime64[M]") + months_later
    return months.astype("datetime64[D]").astype(np.int64)


def _first_of_year(days: Int64s) -> Int64s:
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64)


def _part(part: str, days: Int64s) -> pa.Array:
    year, month, day = _civil(days)
    weekday = (days - _MONDAY) % 7  # 0 is Monday
    thursday = days - weekday + 3  # its year is the ISO year of the week
    week = (thursday - _first_of_year(thursday)) // 7 + 1
    match part:
        case "key":
            return pa.array(keys_of_days(days))
        case "date":
            return dates(days)
        case "year":
            return pa.array(year)
        case "quarter":
            return pa.array((month + 2) // 3)
        case "month":
            return pa.array(month)
        case "month_name":
            return _named(MONTHS, month - 1)
        case "month_short":
            return _named([name[:3] for name in MONTHS], month - 1)
        case "week":
            return pa.array(week)
        case "day":
            return pa.array(day)
        case "day_of_week":
            return pa.array(weekday + 1)
        case "day_name":
            return _named(DAYS, weekday)
        case "day_short":
            return _named([name[:3] for name in DAYS], weekday)
        case "day_of_year":
            return pa.array(days - _first_of_year(days) + 1)
        case "is_weekend":
            return pa.array(weekday >= 5)
        case "is_weekday":
            return pa.array(weekday < 5)
        case "year_month":
            return _texts("{:04d}-{:02d}", year, month)
        case "year_quarter":
            return _texts("{:04d}-Q{}", year, (month + 2) // 3)
        case "year_week":
            return _texts("{:04d}-W{:02d}", _civil(thursday)[0], week)
        case "first_of_month":
            return dates(_first_of_month(days))
        case "last_of_month":
            return dates(_first_of_month(days, 1) - 1)
        case "is_month_end":
            return pa.array(days == _first_of_month(days, 1) - 1)
        case "text":
            return _texts("{} {} {}", day, [MONTHS[index - 1] for index in month.tolist()], year)
    raise ValueError(f"a calendar has no {part}")


def _named(names: Any, codes: Int64s) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(codes))


def _texts(template: str, *parts: Any) -> pa.Array:
    columns = [part.tolist() if isinstance(part, np.ndarray) else part for part in parts]
    return pa.array([template.format(*line) for line in zip(*columns, strict=True)], pa.string())
