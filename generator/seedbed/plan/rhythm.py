"""How busy one day is next to another: weekdays, months, growth from year to year, and the hours of the day."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
YEAR = 365.2425
"""Days of the average year of the Gregorian calendar."""
MOST_DAYS = 36_600
"""Days, a hundred years, over which a rhythm is worked out day by day."""

DAY = 86_400
_EPOCH = dt.date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Weights of days and of hours. Only their proportions matter."""

    weekdays: tuple[float, ...] = (1.0,) * 7
    """Of each day of the week, Monday first."""
    months: tuple[float, ...] = (1.0,) * 12
    """Of each day of a month, January first."""
    growth: float = 0.0
    """What a day is busier than the day a year before, as a share: 0.2 is a fifth. It compounds."""
    hours: tuple[float, ...] = (1.0,) * 24
    """Of each hour of a day."""

    def days(self, first: int) -> Iterator[float]:
        """The weight of each day from `first` (days since 1970) on, without end; growth counts from there.

        Growth is multiplied up day by day: unlike a power, a product has the same last bit on every machine.
        """
        daily = (1.0 + self.growth) ** (1 / YEAR)
        grown = 1.0
        for ordinal in itertools.count(_EPOCH + first):
            day = dt.date.fromordinal(ordinal)
            yield self.weekdays[day.weekday()] * self.months[day.month - 1] * grown
            grown *= daily

    def masses(self, first: int, last: int) -> list[float]:
        """The weight of each day between two moments (seconds since 1970, both included), as far as it lies between.

        Raises:
            ValueError: there are too many days, or each of them weighs nothing.
        """
        first_day, last_day = first // DAY, last // DAY
        if last_day - first_day >= MOST_DAYS:
            count = last_day - first_day + 1
            raise ValueError(f"{count:,} days are too many for a rhythm of days; at most {MOST_DAYS:,} are worked out")
        masses = list(itertools.islice(self.days(first_day), last_day - first_day + 1))
        before, until = self.passed(first % DAY), self.passed(last % DAY + 1)
        if len(masses) == 1:
            masses[0] *= until - before
        else:
            masses[0] *= 1 - before
            masses[-1] *= until
        if not any(mass > 0 for mass in masses):
            raise ValueError("no day or hour between start and end has a weight above 0")
        return masses

    def passed(self, second: int) -> float:
        """Which share of a day's weight lies before a second of it, from 0 to 86400."""
        hour, rest = divmod(second, 3600)
        if not any(self.hours):
            raise ValueError("every hour has the weight 0; at least one must have more")
        before = math.fsum(self.hours[:hour]) + (self.hours[hour] * rest / 3600 if rest else 0.0)
        return before / math.fsum(self.hours)
