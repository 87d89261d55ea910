"""Lines of CSV made from tables of ready text, byte for byte as pyarrow's writer makes them, for less.

Each column becomes parts, elements of one width for all rows, with NUL where there is nothing to
write. Side by side they are an array of bytes with one line to a row; without its NULs it is the text. pyarrow
makes a text of its own for each column first, and then copies value by value.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Part = npt.NDArray[Any] | bytes
"""An element for each row, of any width; or the same bytes in all of them."""
Int64s = npt.NDArray[np.int64]
Octets = npt.NDArray[np.uint8]

WIDEST_TEXT = 128
"""Bytes. Rows with longer texts outgrow the cache, and pyarrow is good at copying them."""
MOST_TEXTS = 1_024
"""In a dictionary, for its text to be made ready for each block."""
MOST_PLACES = 6
"""Of a decimal. With more of them, a small number can be written as 1E-7."""
_DAY = 86_400
_FIRST_DAY, _LAST_DAY = (int(np.datetime64(day).astype(np.int64)) for day in ("1900-01-01", "2100-12-31"))


class _NotHere(Exception):
    """A column has a type or a value that is not written this way."""


def lines(columns: Sequence[pa.Array]) -> pa.Buffer | None:
    """The rows as lines of CSV: text in quotes, null as nothing.

    None where pyarrow is to write them: where more than a third of the columns are text, which it only copies, or
    there is anything but integers, decimals of up to 6 places, booleans, dates and whole seconds from 1900 to 2100,
    and text; where a number has more than 64 bits, or a text is long or holds a NUL.

    Args:
        columns: at least one, all of one length, which is not 0; some thousand rows, to stay in the cache.
    """
    if 3 * sum(map(_is_text, columns)) > len(columns):
        return None
    try:
        return _joined([_plain(column) for column in columns])
    except _NotHere:
        return None


def contents(column: pa.Array) -> tuple[npt.NDArray[Any], Octets]:
    """Where each text begins and ends among the characters (n + 1 places), and the characters."""
    _, offsets, characters = column.buffers()
    if not offsets or not offsets.size:
        return np.zeros(1, np.int32), np.empty(0, np.uint8)
    count = column.offset + len(column) + 1
    places = np.frombuffer(offsets, np.int64 if pa.types.is_large_string(column.type) else np.int32, count)
    places = places[column.offset :]
    held = np.frombuffer(characters, np.uint8) if characters else np.empty(0, np.uint8)
    return places - places[0], held[places[0] : places[-1]]


def _is_text(column: pa.Array) -> bool:
    held = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return bool(pa.types.is_string(held))


def _plain(column: pa.Array) -> pa.Array:
    """The column as one of the types that `_parts` knows, with the quotes in a text doubled."""
    if pa.types.is_dictionary(column.type):
        if not _is_text(column) or not 0 < len(column.dictionary) <= MOST_TEXTS:
            return _plain(column.dictionary_decode())
        return pa.DictionaryArray.from_arrays(column.indices, _padded_texts(_plain(column.dictionary)), safe=False)
    held = column.type
    if pa.types.is_string(held):
        offsets, characters = contents(column)
        if np.diff(offsets).max() > WIDEST_TEXT or (len(characters) and not characters.min()):
            raise _NotHere
        return pc.replace_substring(column, '"', '""') if (characters == ord('"')).any() else column
    if pa.types.is_integer(held) and held != pa.uint64():
        return column if held == pa.int64() else column.cast(pa.int64())
    if pa.types.is_boolean(held):
        return column.cast(pa.uint8())
    if pa.types.is_date32(held) or held in (pa.timestamp("s"), pa.timestamp("s", "UTC")):
        return column
    if pa.types.is_decimal128(held) and 0 <= held.scale <= MOST_PLACES:
        return column
    raise _NotHere


def _joined(columns: Sequence[pa.Array]) -> pa.Buffer:
    parts: list[Part] = []
    blanks, start = [], 0
    for column in columns:
        cell = _parts(column)
        end = start + sum(map(_width, cell))
        if column.null_count:
            blanks.append((_nulls(column), start, end))
        parts += [*cell, b","]
        start = end + 1
    parts[-1] = b"\n"
    block = _side_by_side(parts, len(columns[0]))
    for null, start, end in blanks:
        block[null, start:end] = 0
    return _without_nul(block)


def _width(part: Part) -> int:
    return len(part) if isinstance(part, bytes) else part.itemsize


def _side_by_side(parts: Sequence[Part], rows: int) -> Octets:
    """One line of bytes for each row."""
    template = b"".join(part if isinstance(part, bytes) else bytes(part.itemsize) for part in parts)
    block = np.full(rows, np.void(template)).view(np.uint8).reshape(rows, len(template))
    start = 0
    for part in parts:
        if not isinstance(part, bytes):
            np.ndarray(rows, part.dtype, block, start, (len(template),))[:] = part
        start += _width(part)
    return block


def _without_nul(block: Octets) -> pa.Buffer:
    """The bytes in a row that are not NUL. Arrow's filter takes half as long as numpy's index."""
    octets = pa.Array.from_buffers(pa.uint8(), block.size, [None, pa.py_buffer(block)])
    bits = pa.py_buffer(np.packbits(block.ravel() != 0, bitorder="little"))
    kept = octets.filter(pa.Array.from_buffers(pa.bool_(), block.size, [None, bits]))
    return kept.buffers()[1].slice(0, len(kept))


# --- columns -------------------------------------------------------------------------------------------------------


def _parts(column: pa.Array) -> list[Part]:
    """The text of a column; anything where it is null."""
    held = column.type
    if pa.types.is_dictionary(held):
        texts = np.frombuffer(column.dictionary.buffers()[1], f"V{column.dictionary.type.byte_width}")
        return [texts.take(_values(column.indices.cast(pa.int32()), np.int32))]
    if pa.types.is_string(held):
        return _quoted(column)
    if pa.types.is_int64(held):
        return _number(_values(column, np.int64))
    if pa.types.is_uint8(held):
        return [_booleans().take(_values(column, np.uint8))]
    if pa.types.is_date32(held):
        return _day(_values(column, np.int32))
    if pa.types.is_timestamp(held):
        moments = _values(column, np.int64)
        days = moments // _DAY
        return [*_day(days), b" ", _times().take(moments - days * _DAY), *([b"Z"] if held.tz else [])]
    halves = _values(column, np.dtype((np.int64, 2)))
    scaled = halves[:, 0]
    if (halves[:, 1] != scaled >> 63).any():
        raise _NotHere
    return _number(scaled, held.scale)


def _values(column: pa.Array, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """What stands in the column's memory, 0 where it is null."""
    held = np.frombuffer(column.buffers()[1], dtype, column.offset + len(column))[column.offset :]
    if column.null_count:
        held = held.copy()
        held[_nulls(column)] = 0
    return held


def _nulls(column: pa.Array) -> Int64s:
    return np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))


def _padded_texts(texts: pa.StringArray) -> pa.FixedSizeBinaryArray:
    """Texts in quotes, all of one width by NUL before the second quote."""
    block = _side_by_side(_quoted(texts), len(texts))
    return pa.Array.from_buffers(pa.binary(block.shape[1]), len(texts), [None, pa.py_buffer(block)])


def _quoted(column: pa.Array) -> list[Part]:
    offsets, characters = contents(column)
    lengths = np.diff(offsets)
    width = int(lengths.max(initial=0))
    if not width:
        return [b'""']
    if lengths.min() == width:
        return [b'"', characters.view(f"V{width}"), b'"']
    width += -width % 8
    held = np.zeros(len(characters) + width, np.uint8)
    held[: len(characters)] = characters
    # At each character begins an element that reaches beyond the end of its text; what lies there is masked.
    text = np.ndarray(len(characters) + 1, f"V{width}", held, strides=(1,))[offsets[:-1]].view(np.uint64)
    text &= _within(width).take(lengths).view(np.uint64)
    return [b'"', text.view(f"V{width}"), b'"']


def _number(numbers: Int64s, places: int = 0) -> list[Part]:
    """A number, the last `places` digits behind a point."""
    sign: list[Part] = []
    if numbers.min(initial=0) < 0:
        sign = [np.where(numbers < 0, np.uint8(ord("-")), np.uint8(0))]
        numbers = np.abs(numbers)
    size = numbers.view(np.uint64)  # so that the least number, which is its own absolute value, is right too
    size = size.astype(np.uint32) if size.max(initial=0) < 1 << 32 else size
    if not places:
        return [*sign, *_digits(size)]
    whole = size // 10**places
    behind = size - whole * 10**places
    if places <= 4:
        return [*sign, *_digits(whole), b".", _padded(places).take(behind.astype(np.intp))]
    first = behind // 10_000
    last = behind - first * 10_000
    fraction = [_padded(places - 4).take(first.astype(np.intp)), _padded(4).take(last.astype(np.intp))]
    return [*sign, *_digits(whole), b".", *fraction]


def _digits(size: npt.NDArray[Any]) -> list[Part]:
    """Numbers without a sign, four digits at a time from the last."""
    parts: list[Part] = []
    table = _fours(b"0")
    while size.max(initial=0) >= 10_000:
        above = size // 10_000
        four = (size - above * 10_000).astype(np.intp)
        if not above.min():
            four[above == 0] += 10_000
        parts.append(table.take(four))
        size, table = above, _fours(b"")
    parts.append(table[10_000:].take(size.astype(np.intp)))
    return parts[::-1]


def _day(days: npt.NDArray[Any]) -> list[Part]:
    if days.min(initial=_FIRST_DAY) < _FIRST_DAY or days.max(initial=_FIRST_DAY) > _LAST_DAY:
        raise _NotHere
    place = days.astype(np.intp) - _FIRST_DAY
    return [table.take(place) for table in _days()]


# --- tables --------------------------------------------------------------------------------------------------------


@functools.cache
def _padded(places: int) -> npt.NDArray[Any]:
    """The numbers of up to so many digits, with leading zeros."""
    text = b"".join(b"%0*d" % (places, number) for number in range(10**places))
    return np.frombuffer(text, {1: np.uint8, 2: np.uint16, 4: np.uint32}.get(places, f"V{places}"))


@functools.cache
def _fours(zero: bytes) -> npt.NDArray[np.uint32]:
    """The numbers below 10,000 in four characters: with leading zeros, then without, where 0 is `zero`."""
    full, numbers = _padded(4), np.arange(10_000)
    bare = full.copy()
    for place, least in enumerate((1000, 100, 10)):
        bare.view(np.uint8).reshape(-1, 4)[numbers < least, place] = 0
    bare[:1] = np.frombuffer(zero.rjust(4, b"\0"), np.uint32)
    return np.concatenate([full, bare])


@functools.cache
def _booleans() -> npt.NDArray[np.uint64]:
    return np.array([b"false", b"true"], "S8").view(np.uint64)


@functools.cache
def _times() -> npt.NDArray[np.uint64]:
    """The seconds of a day."""
    seconds = np.arange(_DAY)
    text = np.zeros(_DAY, "u2, u1, u2, u1, u2")
    text["f0"], text["f2"] = _padded(2).take(seconds // 3600), _padded(2).take(seconds // 60 % 60)
    text["f4"], text["f1"], text["f3"] = _padded(2).take(seconds % 60), ord(":"), ord(":")
    return text.view(np.uint64)


@functools.cache
def _days() -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint16]]:
    """The days that have a place here: year and month, each with its dash, and day of the month."""
    days = np.arange(_FIRST_DAY, _LAST_DAY + 1).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    number = months.astype(np.int64)
    text = np.zeros(len(days), "u4, u1, u2, u1")
    text["f0"], text["f2"] = _padded(4).take(1970 + number // 12), _padded(2).take(number % 12 + 1)
    text["f1"], text["f3"] = ord("-"), ord("-")
    return text.view(np.uint64), _padded(2).take((days - months.astype(days.dtype)).astype(np.int64) + 1)


@functools.cache
def _within(width: int) -> npt.NDArray[Any]:
    """All bits of the characters that a text of each length up to `width` has."""
    inside = np.arange(width) < np.arange(width + 1)[:, None]
    return (inside * np.uint8(255)).view(f"V{width}").ravel()
