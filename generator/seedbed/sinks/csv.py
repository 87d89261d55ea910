"""Rows as CSV, written so that dbt reads back exactly what was generated.

Text is always quoted, so that no reader has to guess; nothing else needs quotes. A date is `YYYY-MM-DD`, a
timestamp `YYYY-MM-DD HH:MM:SS` in its column's resolution, a zoned one is in UTC and ends in `Z`, a boolean is
`true` or `false`, null is an empty field. Cells are data: what looks like a formula stays as it is.

A carriage return inside a text is written as it is; except on DuckDB, dbt reads it as a line feed.

Two texts cannot be held. dbt reads an empty or blank field as null, quoted or not, so such a text is written
as null and counted. It reads the word `null` as null too, on most warehouses: that text is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from seedbed.flow import unpacked_batch
from seedbed.sinks.base import check_batch
from seedbed.sinks.csv_text import contents, lines
from seedbed.sinks.looks import Looks

BLOCK_ROWS = 16_384
"""So many lines are made at a time: they are filled column by column, and should not outgrow the cache."""
_OPTIONS = pyarrow.csv.WriteOptions(include_header=False, batch_size=8_192, quoting_style="needed")
# Python's csv module, with which dbt reads seeds, takes no longer field.
LONGEST_TEXT = 131_072
_BLANK = ord(" ")
FEWEST_ROWS = 2_048
"""Of fewer rows, pyarrow has made the text before the tables for it are there."""


@dataclass(eq=False)
class UnwritableValue(ValueError):
    """A value that a CSV cannot hold so that dbt reads it back: in which column, what is wrong, what to do."""

    column: str
    problem: str
    hint: str

    def __str__(self) -> str:
        return f"{self.column} {self.problem}"


@dataclass(frozen=True, slots=True)
class Encoded:
    """Some rows as CSV, in blocks of whole lines. `blanks` counts, by column, the texts that became null."""

    blocks: list[pa.Buffer]
    rows: int
    blanks: dict[str, int]


def header(names: Sequence[str]) -> bytes:
    """The first line; a name is quoted only where it must be."""
    plain = (name if name.replace("_", "").isalnum() else '"' + name.replace('"', '""') + '"' for name in names)
    return (",".join(plain) + "\n").encode()


def encode(batch: pa.RecordBatch) -> Encoded:
    """The rows as CSV, without a header. A function of the batch alone, so that any process may call it.

    Raises:
        UnwritableValue: a value cannot be held by a CSV that dbt reads.
    """
    columns, blanks = [], {}
    for field, column in zip(batch.schema, batch.columns, strict=True):
        if pa.types.is_dictionary(field.type) and _needs_decoding(field.name, column):
            column = column.cast(field.type.value_type)
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column, count = _text(field.name, column)
            if count:
                blanks[field.name] = count
        elif pa.types.is_timestamp(column.type) and column.type.tz:
            column = column.cast(pa.timestamp(column.type.unit, "UTC"))
        elif pa.types.is_floating(column.type) and not pc.all(pc.is_finite(column), min_count=0).as_py():
            raise UnwritableValue(field.name, "holds a number that is infinite or not a number", "bound the generator")
        elif (pa.types.is_binary(column.type) or pa.types.is_nested(column.type)) and column.null_count == len(column):
            column = pa.nulls(len(column), pa.string())
        elif pa.types.is_binary(column.type) or pa.types.is_nested(column.type):
            raise UnwritableValue(
                field.name, f"is of type {field.type}, for which CSV has no form", "write Parquet instead"
            )
        columns.append(column)
    if len(columns) == 1 and columns[0].null_count:
        # A line with nothing on it is skipped by readers; an empty text in quotes is not.
        columns = [pc.fill_null(columns[0].cast(pa.string()), "")]
    whole = pa.record_batch(columns, names=batch.schema.names)
    blocks = [_block(whole.slice(start, BLOCK_ROWS)) for start in range(0, len(whole), BLOCK_ROWS)]
    return Encoded(blocks, len(whole), blanks)


def _block(rows: pa.RecordBatch) -> pa.Buffer:
    """Some rows as lines."""
    ready = lines(rows.columns) if len(rows) >= FEWEST_ROWS else None
    if ready is not None:
        return ready
    stream = pa.BufferOutputStream()
    pyarrow.csv.write_csv(unpacked_batch(rows), stream, _OPTIONS)  # the writer itself takes longer to unpack them
    written = stream.getvalue()
    if not np.frombuffer(written, np.uint8).min():  # a third of the time of all()
        guilty = next(name for name, column in zip(rows.schema.names, rows.columns, strict=True) if _has_nul(column))
        raise UnwritableValue(guilty, "holds a text with a zero byte in it", "remove it from the plan's values")
    return written


class Encoder:
    """Turns batches of one table into CSV, and looks at columns on the way. Each process has one of its own.

    Args:
        table: its name.
        schema: what the batches must have.
        looks: the columns to look at, before any row.
    """

    def __init__(self, table: str, schema: pa.Schema, looks: Looks) -> None:
        self._table, self._schema, self._looks = table, schema, looks
        self._watched = sorted(looks.empty)

    def __call__(self, batch: pa.RecordBatch) -> tuple[Encoded, Looks]:
        """The rows as CSV, and what is known after all batches that this process has turned.

        Raises:
            UnwritableValue: as `encode`.
            SinkError: the batch is not of the announced schema.
        """
        check_batch(self._table, self._schema, batch)
        self._looks = self._looks.after(batch, self._watched)
        return encode(batch), self._looks


def _needs_decoding(name: str, column: pa.DictionaryArray) -> bool:
    """Whether the writer cannot take the dictionary as it is: one look at its few values spares one at each row."""
    values = column.dictionary
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return True
    try:
        return _text(name, values)[1] > 0
    except UnwritableValue:  # but it may stand in no row
        return True


def _has_nul(column: pa.Array) -> bool:
    return bool(pc.any(pc.match_substring(column.cast(pa.string()), "\0")).as_py())


def _text(name: str, column: pa.Array) -> tuple[pa.Array, int]:
    """The column with blank texts as null, and how many there were."""
    offsets, characters = contents(column)
    lengths = np.diff(offsets)
    if lengths.max(initial=0) >= LONGEST_TEXT:
        raise UnwritableValue(
            name, f"holds a text of more than {LONGEST_TEXT:,} bytes", "shorten it, or write Parquet instead"
        )
    # Only a text that is short, or begins or ends with a blank, can be one that dbt reads as null.
    suspect = (lengths == 0) | (lengths == len("null"))
    if characters.min(initial=_BLANK + 1) <= _BLANK:  # in most columns there is none anywhere
        # Of an empty text it is another's character, or the first or last of all, which does no harm.
        suspect |= characters.take(offsets[:-1], mode="clip") <= _BLANK
        suspect |= characters.take(offsets[1:] - 1, mode="clip") <= _BLANK
    places = np.flatnonzero(suspect)
    if not len(places):
        return column, 0
    trimmed = pc.ascii_trim_whitespace(column.take(pa.array(places)))
    if pc.any(pc.equal(pc.ascii_lower(trimmed), "null")).as_py():
        raise UnwritableValue(name, "holds the text 'null', which dbt reads as a missing value", "use another word")
    empty = pc.fill_null(pc.equal(trimmed, ""), False).to_numpy(zero_copy_only=False)
    if not empty.any():
        return column, 0
    blank = np.zeros(len(column), dtype=np.bool_)
    blank[places[empty]] = True
    return pc.if_else(pa.array(blank), pa.scalar(None, column.type), column), int(empty.sum())
