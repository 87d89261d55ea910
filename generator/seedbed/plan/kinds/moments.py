"""Kinds that make days and moments."""

from __future__ import annotations

import calendar
import datetime as dt
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from seedbed.plan.kinds.base import Clock, Drawn, Duration, Generator, Temporal, check_order, parse_duration
from seedbed.plan.kinds.rhythmic import BUSINESS, DayRhythm, HourWeights, MomentRhythm, hours_of, read_hours
from seedbed.plan.rhythm import DAY, Rhythm


class Date(DayRhythm, Drawn):
    """A date from `start` to `end`, both included; busier days as in `weekdays={'sat': 0.3}, months={'dec': 1.8}`."""

    kind = "date"
    positional = ("start", "end")
    start: Temporal
    end: Temporal

    @property
    def ends(self) -> tuple[int, int]:
        """The first and the last second of the days, since 1970."""
        first, last = (_seconds(end) // DAY for end in (self.start, self.end))
        return first * DAY, last * DAY + DAY - 1

    def check(self) -> None:
        _check_ends(self.start, self.end, self.ends, self.rhythm)


class Timestamp(MomentRhythm, Drawn):
    """A moment from `start` to `end`, to the second; as `date`, and with `hours='business'` or `{9: 1, 20: 3}`."""

    kind = "timestamp"
    positional = ("start", "end")
    start: Temporal
    end: Temporal

    @property
    def ends(self) -> tuple[int, int]:
        """The first and the last second, since 1970."""
        return _seconds(self.start), _seconds(self.end) + (0 if isinstance(self.end, dt.datetime) else DAY - 1)

    @property
    def any_business_hour(self) -> bool:
        """Whether the days are alike but for business hours, which needs no table of days."""
        return self.rhythm == BUSINESS

    def check(self) -> None:
        _check_ends(self.start, self.end, self.ends, None if self.any_business_hour else self.rhythm)


class Time(Drawn):
    """A time of day from `start` to `end`, to the second: `time('08:00', '17:59:59')`, or by `hours={9: 2, 10: 1}`."""

    kind = "time"
    positional = ("start", "end")
    start: Clock = "00:00:00"
    end: Clock = "23:59:59"
    hours: Annotated[HourWeights | None, BeforeValidator(read_hours)] = None
    """Weights of hours, 0 to 23; those not named have none. Without any, all are as likely."""

    @property
    def ends(self) -> tuple[int, int]:
        """The first and the last second of a day."""
        first, last = map(dt.time.fromisoformat, (self.start, self.end))
        return _second(first), _second(last)

    @property
    def rhythm(self) -> Rhythm:
        return Rhythm(hours=hours_of(self.hours)) if self.hours else Rhythm()

    def check(self) -> None:
        check_order(self.start, self.end)
        self.rhythm.masses(*self.ends)


def _check_ends(start: dt.date, end: dt.date, seconds: tuple[int, int], rhythm: Rhythm | None) -> None:
    if seconds[0] > seconds[1]:
        raise ValueError(f"the start {start} is after the end {end}")
    if rhythm:
        rhythm.masses(*seconds)


def _second(clock: dt.time) -> int:
    return clock.hour * 3600 + clock.minute * 60 + clock.second


def _seconds(moment: dt.date) -> int:
    """Seconds since 1970 of a moment, which is one in UTC where it has a time zone, or of the start of a day."""
    if isinstance(moment, dt.datetime) and moment.tzinfo is not None:
        moment = moment.astimezone(dt.UTC)
    return calendar.timegm(moment.timetuple())


class After(Drawn):
    """Later than `column` (of this row, or `key.column` of a parent) by a random delay: `median='2d'`, `mean='9h'` or
    `min='1h', max='3d'`; with `known=true`, null when it would lie past the as-of date.

    Give `median` and `sigma` for a lognormal delay, `mean` for an exponential one, or `min` and `max` for an
    even one; `min` and `max` otherwise cut it. Null where `column` is null.
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
