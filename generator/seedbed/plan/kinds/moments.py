"""Kinds that make days and moments."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from seedbed.plan.kinds.base import Duration, Generator, Temporal, check_order, parse_duration


class Date(Generator):
    """A date from `start` to `end`, both included."""

    kind = "date"
    positional = ("start", "end")
    start: Temporal
    end: Temporal

    def check(self) -> None:
        check_order(self.start, self.end)


class Timestamp(Generator):
    """A moment from `start` to `end`, to the second; `hours='business'` keeps to weekdays, 8 to 18 o'clock."""

    kind = "timestamp"
    positional = ("start", "end")
    start: Temporal
    end: Temporal
    hours: Literal["any", "business"] = "any"

    def check(self) -> None:
        check_order(_as_datetime(self.start), _as_datetime(self.end))


class After(Generator):
    """Later than `column` (of this row, or `key.column` of a parent) by a random delay.

    Give `median` and `sigma` for a lognormal delay, `mean` for an exponential one, or `min` and `max` for an
    even one; `min` and `max` otherwise cut it. Null where `column` is null. With `known=true` a moment past
    the as-of date has not happened yet, and is null.
    """

    kind = "after"
    positional = ("column",)
    column: str
    median: Duration | None = None
    sigma: Annotated[float, Field(gt=0, le=5)] = 0.8
    mean: Duration | None = None
    min: Duration | None = None
    max: Duration | None = None
    known: bool = False

    def check(self) -> None:
        if self.median and self.mean:
            raise ValueError("give median or mean, not both")
        if not (self.median or self.mean or self.max):
            raise ValueError("give the delay: median='2d', mean='2d', or min='1h', max='3d'")
        if self.min and self.max:
            check_order(parse_duration(self.min), parse_duration(self.max))


class Calendar(Generator):
    """An attribute of a date: of `of`, or of the row's own day in a table whose rows are `dates(...)`.

    `key` is the date as the number yyyymmdd.
    """

    kind = "calendar"
    positional = ("part", "of")
    part: Literal[
        "key", "date", "year", "quarter", "month", "month_name", "month_short", "week", "day", "day_of_week",
        "day_name", "day_short", "day_of_year", "is_weekend", "is_weekday", "year_month", "year_quarter", "year_week",
        "first_of_month", "last_of_month", "is_month_end", "text",
    ]  # fmt: skip
    of: str | None = None


def _as_datetime(value: dt.date | dt.datetime) -> dt.datetime:
    return value if isinstance(value, dt.datetime) else dt.datetime(value.year, value.month, value.day)
