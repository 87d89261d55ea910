"""Conversion of values to the declared type of their column."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.engine.arrow import arrow_type, conform, dates, decimals, dictionary, timestamps, whole_numbers
from seedbed.errors import GenerationError
from seedbed.schema import DataType, parse_data_type

DAY = dt.date(2026, 1, 31)
MOMENT = dt.datetime(2026, 1, 31, 23, 59, 58)


def declared(text: str) -> DataType:
    found = parse_data_type(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bigint", pa.int64()),
        ("smallint", pa.int64()),
        ("numeric", pa.decimal128(18, 2)),
        ("numeric(10)", pa.decimal128(10, 0)),
        ("decimal(12,4)", pa.decimal128(12, 4)),
        ("bignumeric(76,10)", pa.decimal128(38, 10)),
        ("double", pa.float64()),
        ("boolean", pa.bool_()),
        ("varchar(3)", pa.string()),
        ("uuid", pa.string()),
        ("date", pa.date32()),
        ("timestamp", pa.timestamp("s")),
        ("timestamptz", pa.timestamp("s", "UTC")),
        ("time", pa.time32("s")),
    ],
)
def test_types(text: str, expected: pa.DataType) -> None:
    assert arrow_type(declared(text)) == expected


INTEGERS, MONEY = pa.array([0, 7]), pa.array([Decimal("0.00"), Decimal("12.50")])


@pytest.mark.parametrize(
    ("values", "text", "expected"),
    [
        (INTEGERS, "varchar", ["0", "7"]),
        (INTEGERS, "numeric(10,2)", [Decimal("0.00"), Decimal("7.00")]),
        (INTEGERS, "double", [0.0, 7.0]),
        (INTEGERS, "boolean", [False, True]),
        (pa.array([20260131]), "date", [DAY]),
        (pa.array([20260131]), "timestamp", [dt.datetime(2026, 1, 31)]),
        (pa.array(["08:30:00", None]), "time", [dt.time(8, 30), None]),
        (pa.array(["20260131"]), "bigint", [20260131]),
        (MONEY, "varchar", ["0.00", "12.50"]),
        (MONEY, "bigint", [0, 12]),
        (MONEY, "double", [0.0, 12.5]),
        (MONEY, "numeric(10,4)", [Decimal("0.0000"), Decimal("12.5000")]),
        (MONEY, "numeric(10,1)", [Decimal("0.0"), Decimal("12.5")]),
        (pa.array([Decimal("0.125"), Decimal("0.135")]), "numeric(10,2)", [Decimal("0.12"), Decimal("0.14")]),
        (pa.array([0.5, 1.5, 2.5]), "integer", [0, 2, 2]),
        (pa.array([0.1, 0.285]), "numeric(10,2)", [Decimal("0.10"), Decimal("0.28")]),
        (pa.array([True, False]), "integer", [1, 0]),
        (pa.array([True, False]), "varchar", ["true", "false"]),
        (pa.array([True]), "numeric(3,1)", [Decimal("1.0")]),
        (pa.array(["true", "0"]), "boolean", [True, False]),
        (pa.array([DAY]), "varchar(10)", ["2026-01-31"]),
        (pa.array([DAY]), "integer", [20260131]),
        (pa.array([DAY]), "timestamp", [dt.datetime(2026, 1, 31)]),
        (pa.array([MOMENT], pa.timestamp("s")), "date", [DAY]),
        (pa.array([MOMENT], pa.timestamp("us")), "timestamp", [MOMENT]),
        (pa.array([MOMENT], pa.timestamp("s")), "varchar", ["2026-01-31 23:59:58"]),
        (pa.array([MOMENT], pa.timestamp("s")), "time", [dt.time(23, 59, 58)]),
        (pa.array([dt.datetime(1970, 1, 2)], pa.timestamp("s")), "bigint", [86400]),
        (pa.array([MOMENT], pa.timestamp("s")), "timestamptz", [MOMENT.replace(tzinfo=dt.UTC)]),
        (pa.array(["2026-01-31"]), "date", [DAY]),
        (pa.array(["2026-01-31 23:59:58"]), "timestamp", [MOMENT]),
        (pa.array(["12.5"]), "numeric(5,2)", [Decimal("12.50")]),
        (pa.array(["1.5"]), "double", [1.5]),
        (pa.nulls(2), "date", [None, None]),
        (pa.array([None, 1]), "varchar", [None, "1"]),
    ],
)
def test_conversions(values: pa.Array, text: str, expected: list[Any]) -> None:
    found = conform(values, declared(text), "c")
    assert found.type == arrow_type(declared(text))
    assert found.to_pylist() == expected


def test_dictionaries_are_unpacked_after_their_values_are_converted() -> None:
    values = pa.DictionaryArray.from_arrays(pa.array([1, None, 0, 1]), pa.array(["10", "20"]))
    assert conform(values, declared("bigint")).to_pylist() == [20, None, 10, 20]


@pytest.mark.parametrize(
    ("values", "text", "told"),
    [
        (pa.array(["x"]), "bigint", "'x'"),
        (pa.array(["2026-02-30"]), "date", "2026-02-30"),
        (pa.array([20260230]), "date", "yyyymmdd"),
        (pa.array([DAY]), "boolean", "boolean"),
        (pa.array([DAY]), "numeric(10,2)", "numeric(10,2)"),
        (pa.array([40_000]), "smallint", "40000 does not fit smallint"),
        (pa.array([-200]), "tinyint", "-200"),
        (pa.array([2**31]), "integer", str(2**31)),
        (pa.array([123456]), "numeric(5,2)", "numeric(5,2)"),
        (pa.array([1e300]), "numeric(18,2)", "1e+300 does not fit numeric(18,2)"),
        (
            pa.array([1, -99999999999999, None]).cast(pa.decimal128(21, 2)),
            "decimal(12,2)",
            "-99999999999999.00 does not fit decimal(12,2), which ends at 9999999999.99; let the generator",
        ),
        (pa.array([float("nan")]), "bigint", "bigint"),
        (pa.array(["ab", "abcd", "ä" * 5]), "varchar(4)", "'äääää' has 5 characters; varchar(4) holds at most 4"),
    ],
)
def test_what_does_not_fit_is_told_with_column_and_value(values: pa.Array, text: str, told: str) -> None:
    with pytest.raises(GenerationError) as raised:
        conform(values, declared(text), "orders.code")
    assert "orders.code" in str(raised.value)
    assert told in str(raised.value)


def test_length_is_counted_in_characters() -> None:
    assert conform(pa.array(["ääää"]), declared("varchar(4)")).to_pylist() == ["ääää"]


@given(st.lists(st.integers(-(10**18), 10**18), max_size=20), st.integers(1, 12))
def test_decimals_are_exact(scaled: list[int], scale: int) -> None:
    found = decimals(np.array(scaled, np.int64), scale)
    found.validate(full=True)
    assert found.to_pylist() == [Decimal(number).scaleb(-scale) for number in scaled]


def test_dates_and_timestamps() -> None:
    null = np.array([False, True])
    assert dates(np.array([0, 5]), null).to_pylist() == [dt.date(1970, 1, 1), None]
    assert timestamps(np.array([-1, 5]), null).to_pylist() == [dt.datetime(1969, 12, 31, 23, 59, 59), None]


def test_dictionary() -> None:
    assert dictionary(np.array([1, 0]), pa.array(["a", "b"])).to_pylist() == ["b", "a"]


@pytest.mark.parametrize(
    "values",
    [pa.array([None, 7]), pa.array([None, 7], pa.int16()), pa.array([None, 7], pa.int32()).view(pa.date32())],
)
def test_whole_numbers(values: pa.Array) -> None:
    numbers, missing = whole_numbers(values)
    assert numbers[1] == 7
    assert missing.tolist() == [True, False]
    assert numbers.dtype == np.int64


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=50), st.integers(1, 9))
def test_a_decimal_number_becomes_the_nearest_float(scaled: list[int], scale: int) -> None:
    made = conform(decimals(np.array(scaled, np.int64), scale), declared("double"))
    assert made.to_pylist() == [float(Decimal(number).scaleb(-scale)) for number in scaled]
