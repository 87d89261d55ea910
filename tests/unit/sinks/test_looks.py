"""What a reader that infers types would make of a column."""

import pyarrow as pa
import pytest

from seedbed.sinks.looks import Looks


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("texts", "typed"),
    [
        (["1", None, "-2.50", "2026-01-01", "TRUE", "$3", "7%"] * 9, True),
        (["x"] * 40, False),
        (["1"] * 40 + ["x"], False),
        ([None] * 40 + ["x"], False),
        ([None] * 40 + ["1"], True),
    ],
)
def test_texts_that_look_like_values_of_another_type(texts, typed, packed):
    column = pa.array(texts, pa.string())
    batch = pa.record_batch({"a": column.dictionary_encode() if packed else column, "b": pa.nulls(len(texts))})
    looks = Looks.of(["a", "b"]).after(batch, ["a", "b"])
    assert looks.empty == {"b"}
    assert looks.typed == ({"a", "b"} if typed else {"b"})
