"""Parquet files put one behind the other are the file that pyarrow writes of the same row groups, byte for byte."""

import datetime as dt
import itertools
import struct
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.sinks.parquet_footer import MAGIC, JoinedFile

KINDS = [
    (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    (pa.int16(), st.integers(-(2**15), 2**15 - 1)),
    (pa.bool_(), st.booleans()),
    (pa.float64(), st.floats(allow_nan=False)),
    (pa.string(), st.text("ab0é😀", max_size=200)),
    (pa.binary(), st.binary(max_size=9)),
    (pa.date32(), st.dates()),
    (pa.timestamp("us", "UTC"), st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2200, 1, 1))),
    (pa.decimal128(12, 2), st.integers(-(10**12) + 1, 10**12 - 1).map(lambda cents: Decimal(cents).scaleb(-2))),
    (pa.list_(pa.int32()), st.lists(st.integers(0, 9), max_size=3)),
    (pa.struct({"a": pa.int8(), "b": pa.string()}), st.fixed_dictionaries({"a": st.none(), "b": st.text(max_size=3)})),
]
OPTIONS = {
    "compression": st.sampled_from(["none", "snappy", "zstd"]),
    "use_dictionary": st.booleans(),
    "write_statistics": st.booleans(),
    "data_page_version": st.sampled_from(["1.0", "2.0"]),
    "store_schema": st.booleans(),
    "data_page_size": st.sampled_from([1, 1 << 20]),
}


def _joined(empty: pa.Buffer, parts: list[pa.Buffer]) -> tuple[bytes, int]:
    written: list[bytes] = []
    whole = JoinedFile(lambda data: written.append(bytes(data)), empty)
    for part in parts:
        whole.append(part)
    whole.close()
    return b"".join(written), whole.rows


def _by_pyarrow(schema: pa.Schema, groups: list[pa.Table], **options: Any) -> pa.Buffer:
    stream = pa.BufferOutputStream()
    with pq.ParquetWriter(stream, schema, **options) as writer:
        for group in groups:
            writer.write_table(group)
    return stream.getvalue()


@st.composite
def _tables(draw: st.DrawFn) -> pa.Table:
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=17))
    rows = draw(st.integers(1, 40))
    columns = []
    for data_type, values in kinds:
        few = draw(st.lists(st.none() | values, min_size=1, max_size=4))
        columns.append(pa.array((few * rows)[:rows], data_type))
    return pa.table(columns, [f"column {place}" for place in range(len(columns))])


@settings(max_examples=100, deadline=None)
@given(_tables(), st.data(), st.fixed_dictionaries(OPTIONS))
def test_the_bytes_are_pyarrows_own(table, data, options):
    places = st.integers(0, table.num_rows)
    cuts = sorted({0, table.num_rows, *data.draw(st.lists(places, max_size=20))})
    groups = [table.slice(low, high - low) for low, high in itertools.pairwise(cuts)]
    # A part may have several row groups.
    ends = sorted({0, len(groups), *data.draw(st.lists(st.integers(0, len(groups)), max_size=20))})
    parts = [groups[low:high] for low, high in itertools.pairwise(ends)]
    schema = table.schema
    found, rows = _joined(_by_pyarrow(schema, [], **options), [_by_pyarrow(schema, part, **options) for part in parts])
    assert found == _by_pyarrow(schema, groups, **options)
    assert rows == table.num_rows


def test_a_part_without_rows_adds_nothing():
    rows = pa.table({"id": [1, 2]})
    empty, part = _by_pyarrow(rows.schema, []), _by_pyarrow(rows.schema, [rows])
    assert _joined(empty, [empty, part, empty]) == (part.to_pybytes(), 2)
    assert _joined(empty, [empty]) == (empty.to_pybytes(), 0)


@pytest.mark.parametrize("other", [{"id": ["x"]}, {"no": [1]}, {"id": [1], "no": [1]}])
def test_another_schema_is_refused(other):
    rows = pa.table({"id": [1]})
    table = pa.table(other)
    with pytest.raises(ValueError, match="differ in more than their row groups"):
        _joined(_by_pyarrow(rows.schema, []), [_by_pyarrow(table.schema, [table])])


def test_a_page_index_is_refused():
    rows = pa.table({"id": [1]})
    with pytest.raises(ValueError, match="page index"):
        _joined(_by_pyarrow(rows.schema, []), [_by_pyarrow(rows.schema, [rows], write_page_index=True)])


# --- what pyarrow does not write -----------------------------------------------------------------------------------

I16, I32, I64, DOUBLE, BINARY, LIST, STRUCT = 4, 5, 6, 7, 8, 9, 12


def _varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value % 128 + 128]) + _varint(value // 128)


def _struct(*fields: tuple[int, int, Any]) -> bytes:
    """A struct of (number, type, value), in the compact protocol, with every field's number in the long form."""
    return b"".join(bytes([kind]) + _varint(number * 2) + _value(kind, value) for number, kind, value in fields) + b"\0"


def _value(kind: int, value: Any) -> bytes:
    if kind in (I16, I32, I64):
        return _varint(value * 2 if value >= 0 else -value * 2 - 1)
    if kind == DOUBLE:
        return struct.pack("<d", value)
    if kind == BINARY:
        return _varint(len(value)) + value
    if kind == LIST:
        element, values = value
        return bytes([240 + element]) + _varint(len(values)) + b"".join(_value(element, part) for part in values)
    return bytes([value]) if isinstance(value, bool) else value


def _file(pages: bytes, groups: list[bytes]) -> bytes:
    footer = _struct((1, I32, 1), (3, I64, 7 * len(groups)), (4, LIST, (STRUCT, groups)), (900, BINARY, b"by hand"))
    return MAGIC + pages + footer + len(footer).to_bytes(4, "little") + MAGIC


def _row_group(by: int, ordinal: int) -> bytes:
    column = _struct(
        (7, I64, 50),
        (9, I64, 30 + by),
        (10, I64, 20 + by),
        (11, I64, 4 + by),
        (12, STRUCT, _struct((1, BINARY, b"\x09\x0c"), (7, 1, b""), (8, 2, b""))),
        (14, I64, 60 + by),
        (17, STRUCT, _struct((1, STRUCT, _struct((1, DOUBLE, -1.5))), (2, LIST, (1, [True, False])))),
    )
    chunks = [_struct((1, BINARY, b"x"), (2, I64, place), (3, STRUCT, column), (500, I64, 9)) for place in (0, 70 + by)]
    return _struct(
        (1, LIST, (STRUCT, chunks)),
        (2, I64, -80),
        (3, I64, 7),
        (5, I64, 4 + by),
        (6, I64, 80),
        (7, I16, ordinal),
        (501, 3, b"\x0c"),
    )


def test_only_places_and_ordinals_change_and_what_is_not_known_is_kept():
    part = pa.py_buffer(_file(b"pages", [_row_group(0, 0), _row_group(2, 1)]))
    found, rows = _joined(pa.py_buffer(_file(b"", [])), [part] * 150)
    moved = [_row_group(5 * place + by, 2 * place + by // 2) for place in range(150) for by in (0, 2)]
    assert found == _file(b"pages" * 150, moved)
    assert rows == 7 * 300
