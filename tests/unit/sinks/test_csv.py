"""What stands in a CSV is what was in the batch, for every reader that dbt uses."""

import csv
import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seedbed.sinks.csv import LONGEST_TEXT, UnwritableValue, encode, header


def _encoded(**columns: Any) -> bytes:
    return b"".join(encode(pa.record_batch(columns)).blocks)


def _read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


@pytest.mark.parametrize(
    ("values", "lines"),
    [
        (pa.array([1, -(2**63), None]), "1,-9223372036854775808,"),
        (pa.array([True, False, None]), "true,false,"),
        (pa.array([0.1, 1e22, -1e-300]), "0.1,1e+22,-1e-300"),
        (pa.array([Decimal("1.50"), Decimal("-99999999.99"), None], pa.decimal128(10, 2)), "1.50,-99999999.99,"),
        (pa.array([dt.date(1, 1, 1), dt.date(9999, 12, 31)]), "0001-01-01,9999-12-31"),
        (pa.array([0, -1, None], pa.timestamp("s")), "1970-01-01 00:00:00,1969-12-31 23:59:59,"),
        (pa.array([1_500_000], pa.timestamp("us")), "1970-01-01 00:00:01.500000"),
        (pa.array([0], pa.timestamp("s", "Europe/Oslo")), "1970-01-01 00:00:00Z"),
        (pa.array([3661], pa.time32("s")), "01:01:01"),
        (pa.array(["a", 'b"', None]), '"a","b""",'),
        (pa.array(["a", None, "a"]).dictionary_encode(), '"a",,"a"'),
        (pa.array([1, None, 1]).dictionary_encode(), "1,,1"),
        (pa.array(["x"], pa.large_string()), '"x"'),
        (pa.array(["=1+1", "+1", "-1", "@x"]), '"=1+1","+1","-1","@x"'),
    ],
)
def test_values_have_one_spelling(values, lines):
    data = _encoded(value=values, end=pa.array([0] * len(values)))
    assert data.decode() == "".join(f"{line},0\n" for line in lines.split(","))


@given(st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.none() | st.text()), min_size=1))
def test_texts_come_back(rows):
    texts = [text for _, text in rows]
    if any(text and ("\0" in text or text.strip(" \t\n\r\v\f").lower() == "null") for text in texts):
        with pytest.raises(UnwritableValue):
            _encoded(n=[n for n, _ in rows], text=pa.array(texts, pa.string()))
        return
    data = _encoded(n=[n for n, _ in rows], text=pa.array(texts, pa.string()))
    kept = [text if text and text.strip(" \t\n\r\v\f") else "" for text in texts]
    assert _read(data) == [[str(n), text] for (n, _), text in zip(rows, kept, strict=True)]


def test_blank_texts_become_null_and_are_counted():
    encoded = encode(
        pa.record_batch({"a": ["", "  ", "x", None], "b": pa.array(["", "y", "", ""]).dictionary_encode()})
    )
    assert b"".join(encoded.blocks) == b',\n,"y"\n"x",\n,\n'
    assert encoded.blanks == {"a": 2, "b": 3}


def test_a_text_that_dbt_cannot_read_does_no_harm_where_it_stands_in_no_row():
    unused = pa.DictionaryArray.from_arrays(pa.array([1, 1], pa.int32()), pa.array(["null", "x"]))
    assert _encoded(id=[1, 2], note=unused) == b'1,"x"\n2,"x"\n'


@pytest.mark.parametrize("dictionary", [False, True])
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("null", "'null'"),
        ("NULL", "'null'"),
        (" Null\n", "'null'"),
        ("a\0b", "zero byte"),
        ("x" * LONGEST_TEXT, "more than 131,072 bytes"),
    ],
)
def test_texts_that_dbt_cannot_read_are_refused(text, problem, dictionary):
    column = pa.array(["fine", text])
    with pytest.raises(UnwritableValue, match=problem) as caught:
        _encoded(id=[1, 2], note=column.dictionary_encode() if dictionary else column)
    assert caught.value.column == "note"


@pytest.mark.parametrize(
    "column", [pa.array([float("nan")]), pa.array([float("inf")]), pa.array([b"x"]), pa.array([[1]])], ids=str
)
def test_values_without_a_form_in_csv_are_refused(column):
    with pytest.raises(UnwritableValue):
        _encoded(value=column)


def test_bytes_and_lists_that_are_all_missing_are_empty_fields():
    columns = {"id": [1, 2], "logo": pa.nulls(2, pa.binary()), "tags": pa.nulls(2, pa.list_(pa.string()))}
    assert _encoded(**columns).splitlines() == [b"1,,", b"2,,"]


@pytest.mark.parametrize("column", [pa.array([1, None, 3]), pa.array(["a", None, "c"]), pa.array(["a", "", "c"])])
def test_null_in_the_only_column_does_not_lose_its_line(column):
    data = _encoded(value=column)
    assert len(data.splitlines()) == 3
    assert all(data.splitlines())
    assert _read(data)[1] == [""]


def test_names_are_quoted_where_they_must_be():
    assert header(["id", "order date", 'a"b', "x,y", "größe"]) == 'id,"order date","a""b","x,y",größe\n'.encode()
