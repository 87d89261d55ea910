"""The lines that are written from tables are those that pyarrow writes, byte for byte."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.sinks.csv import BLOCK_ROWS, encode
from seedbed.sinks.csv_text import WIDEST_TEXT, lines

INT64 = st.integers(-(2**63), 2**63 - 1)
SMALL = st.sampled_from([0, 9, 10, 999, 1000, 9999, 10_000, 10_001, 99_999_999, 100_000_000, 2**32 - 1, 2**32])
DAYS = st.dates(dt.date(1900, 1, 1), dt.date(2100, 12, 31))
MOMENTS = st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 12, 31, 23, 59, 59)).map(
    lambda moment: moment.replace(microsecond=0)
)
TEXTS = st.text('ab0 ",\r\n\\é€😀', max_size=20)
KINDS = [
    (pa.int64(), INT64 | SMALL | SMALL.map(lambda number: -number)),
    (pa.int16(), st.integers(-(2**15), 2**15 - 1)),
    (pa.bool_(), st.booleans()),
    (pa.date32(), DAYS),
    (pa.timestamp("s"), MOMENTS),
    (pa.timestamp("s", "UTC"), MOMENTS),
    *(
        (
            pa.decimal128(18, places),
            st.integers(-(10**18) + 1, 10**18 - 1).map(lambda n, p=places: Decimal(n).scaleb(-p)),
        )
        for places in range(7)
    ),
]


def _by_pyarrow(columns: list[pa.Array]) -> bytes:
    stream = pa.BufferOutputStream()
    names = [str(place) for place in range(len(columns))]
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    pyarrow.csv.write_csv(pa.record_batch(columns, names=names), stream, options)
    return stream.getvalue().to_pybytes()


@st.composite
def tables(draw: st.DrawFn) -> list[pa.Array]:
    """Columns of every type that has a way here, in any order and cut out of longer ones, two for each text."""
    rows, skipped = draw(st.integers(1, 12)), draw(st.integers(0, 3))
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=6))
    kinds += [(pa.string(), TEXTS)] * draw(st.integers(0, len(kinds) // 2))
    size, made = rows + skipped, []
    for data_type, values in draw(st.permutations(kinds)):
        cells = draw(st.lists(st.none() | values, min_size=size, max_size=size))
        column = pa.array(cells, data_type)
        if pa.types.is_string(data_type) and draw(st.booleans()):
            column = column.dictionary_encode()
        made.append(column.slice(skipped))
    return made


@given(tables())
def test_lines_are_those_of_pyarrow(columns):
    written = lines(columns)
    assert written is not None
    assert written.to_pybytes() == _by_pyarrow(columns)


def test_blocks_follow_one_another():
    random, rows = np.random.default_rng(1), 2 * BLOCK_ROWS + 1
    number = pa.array(random.integers(-(10**6), 10**6, rows), mask=random.random(rows) < 0.1)
    columns = [pa.array(np.arange(rows)), number, number.cast(pa.string())]
    encoded = encode(pa.record_batch(columns, names=["id", "number", "text"]))
    assert b"".join(encoded.blocks) == lines(columns).to_pybytes() == _by_pyarrow(columns)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([0.5]),
        pa.array([2**64 - 1], pa.uint64()),
        pa.array([Decimal("0.0000001")]),
        pa.array([Decimal(2**63)]),
        pa.array([dt.date(1899, 12, 31)]),
        pa.array([dt.date(2101, 1, 1)]),
        pa.array([-(2**62)], pa.timestamp("s")),
        pa.array([1], pa.timestamp("us")),
        pa.array([1], pa.time32("s")),
        pa.array(["x" * (WIDEST_TEXT + 1)]),
        pa.array(["a\0b"]),
    ],
    ids=lambda column: str(column.type),
)
def test_what_has_no_way_here_is_left_to_pyarrow(column):
    other = pa.array([1])
    assert lines([other, other, other]) is not None
    assert lines([other, column, other]) is None


def test_rows_of_much_text_are_left_to_pyarrow():
    text, number = pa.array(["x"]), pa.array([1])
    assert lines([text, number, number]) is not None
    assert lines([text, number]) is None
    assert lines([text.dictionary_encode(), number]) is None
