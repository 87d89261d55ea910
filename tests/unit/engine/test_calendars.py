"""What a calendar says of a day, held against Python's own."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.engine.calendars import calendar_part, days_of, open_moments, open_seconds
from seedbed.plan.kinds import Calendar

EPOCH = dt.date(1970, 1, 1)
PARTS = Calendar.model_fields["part"].annotation.__args__
REFERENCE = {
    "key": lambda day: int(day.strftime("%Y%m%d")) if day.year > 999 else day.year * 10_000 + day.month * 100 + day.day,
    "date": lambda day: day,
    "year": lambda day: day.year,
    "quarter": lambda day: (day.month - 1) // 3 + 1,
    "month": lambda day: day.month,
    "month_name": lambda day: day.strftime("%B"),
    "month_short": lambda day: day.strftime("%b"),
    "week": lambda day: day.isocalendar().week,
    "day": lambda day: day.day,
    "day_of_week": lambda day: day.isoweekday(),
    "day_name": lambda day: day.strftime("%A"),
    "day_short": lambda day: day.strftime("%a"),
    "day_of_year": lambda day: day.timetuple().tm_yday,
    "is_weekend": lambda day: day.isoweekday() > 5,
    "is_weekday": lambda day: day.isoweekday() < 6,
    "year_month": lambda day: f"{day.year:04d}-{day.month:02d}",
    "year_quarter": lambda day: f"{day.year:04d}-Q{(day.month - 1) // 3 + 1}",
    "year_week": lambda day: f"{day.isocalendar().year:04d}-W{day.isocalendar().week:02d}",
    "first_of_month": lambda day: day.replace(day=1),
    "last_of_month": lambda day: (day.replace(day=28) + dt.timedelta(4)).replace(day=1) - dt.timedelta(1),
    "is_month_end": lambda day: (day + dt.timedelta(1)).day == 1,
    "text": lambda day: f"{day.day} {day.strftime('%B')} {day.year}",
}


def days(*dates: dt.date) -> np.ndarray:
    return np.array([(date - EPOCH).days for date in dates], np.int64)


def test_every_part_is_held_against_the_reference() -> None:
    assert set(PARTS) == set(REFERENCE)


@given(st.lists(st.dates(dt.date(2, 1, 1), dt.date(9998, 12, 31)), max_size=8))
def test_parts_of_any_days(dates: list[dt.date]) -> None:
    for part, reference in REFERENCE.items():
        assert calendar_part(part, days(*dates)).to_pylist() == [reference(date) for date in dates]


def test_parts_of_many_days_close_together() -> None:
    dates = [EPOCH + dt.timedelta(int(offset)) for offset in np.arange(20_000) * 7919 % 3_000]
    for part, reference in REFERENCE.items():
        assert calendar_part(part, days(*dates)).to_pylist() == [reference(date) for date in dates]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([dt.date(2024, 2, 29), None]),
        pa.array([dt.datetime(2024, 2, 29, 23, 59, 59), None], pa.timestamp("s")),
        pa.array([dt.datetime(2024, 2, 29, 23, 59, 59), None], pa.timestamp("us", "UTC")),
        pa.array([20240229, None]),
        pa.array([20240229, None], pa.int32()),
        pa.array([dt.date(2024, 2, 29), None]).dictionary_encode(),
    ],
)
def test_days_of_everything_that_holds_a_day(values: pa.Array) -> None:
    found, missing = days_of(values)
    assert found[0] == days(dt.date(2024, 2, 29))[0]
    assert missing.tolist() == [False, True]


def test_moments_before_1970_fall_on_their_day() -> None:
    found, _ = days_of(pa.array([dt.datetime(1969, 12, 31, 23, 0)], pa.timestamp("s")))
    assert found.tolist() == [-1]


@pytest.mark.parametrize("number", [20230229, 20261301, 0, -5, 99999999, 20260100])
def test_numbers_that_are_no_date(number: int) -> None:
    with pytest.raises(ValueError, match=str(number)):
        days_of(pa.array([20260101, number]))


@given(st.integers(-10_000_000, 10_000_000))
def test_business_seconds_count_up_one_by_one(second: int) -> None:
    (moment,) = open_moments(np.array([second])).tolist()
    assert open_seconds(moment) == second
    assert open_seconds(moment + 1) == second + 1
    when = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=moment)
    assert when.isoweekday() <= 5
    assert 8 <= when.hour < 18


def test_no_business_second_passes_while_it_is_closed() -> None:
    opening, closing = dt.datetime(2024, 3, 4, 8), dt.datetime(2024, 3, 1, 18)  # a Monday after a Friday
    counted = {
        open_seconds(int((when - dt.datetime(1970, 1, 1)).total_seconds()))
        for when in (closing, *(closing + dt.timedelta(hours=hour) for hour in range(62)), opening)
    }
    assert len(counted) == 1
