"""Text put together from parts."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest

from seedbed.engine.text import side_by_side

CELLS = (None, "", "a", "é", "漢 b")


@pytest.mark.parametrize("width", [1, 2, 5])
def test_parts_of_a_row_are_read_in_their_order(width: int) -> None:
    drawn = random.Random(width)
    rows = [drawn.choices(CELLS, (1, 3, 3, 3, 3), k=width) for _ in range(200)]
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    parts = [column.dictionary_encode() if place % 2 else column for place, column in enumerate(columns)]
    made = side_by_side(parts[0], "-é", *parts[1:])
    made.validate(full=True)
    expected = [None if None in row else "-é".join((row[0], "".join(row[1:]))) for row in rows]
    assert made.to_pylist() == expected


@pytest.mark.parametrize("part", [pa.array([], pa.string()), pa.array([], pa.string()).dictionary_encode()])
def test_no_rows_make_no_text(part: pa.Array) -> None:
    assert side_by_side("a", part, "b").to_pylist() == []


def test_a_slice_is_read_from_where_it_begins() -> None:
    letters = pa.array(["a", "b", "c", "d"])
    assert side_by_side(letters[1:3], letters.dictionary_encode()[2:]).to_pylist() == ["bc", "cd"]
