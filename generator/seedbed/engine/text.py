"""Text made of characters in numpy, and handed to Arrow without a copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.engine.rng import Stream

Int64s = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Whole = npt.NDArray[np.int64] | npt.NDArray[np.uint32]
Characters = npt.NDArray[np.uint8]
"""One line of ASCII characters for each value, all of the same length."""

_PAIRS = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), np.uint16)
_FOURS = np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), np.uint32)


def narrow(numbers: Int64s) -> Whole:
    """Numbers that are not negative, in 32 bits where they fit: four times as many are divided in the same time."""
    return numbers.astype(np.uint32) if numbers.max(initial=0) < 1 << 32 else numbers


def parted(numbers: Whole, radix: int) -> tuple[Whole, Whole]:
    """Quotient and remainder, as of `np.divmod`, which takes up to five times as long for one divisor."""
    above = numbers // radix
    return above, numbers - above * radix


def constant(text: str, length: int) -> Characters:
    """The same text, `length` times."""
    return np.broadcast_to(np.frombuffer(text.encode(), np.uint8), (length, len(text.encode())))


def digits(numbers: Int64s, width: int) -> Characters:
    """Numbers from 0 to 10 ** `width` - 1 in decimal, with leading zeros."""
    fours = -(-width // 4)
    buffer = np.empty((len(numbers), fours), np.uint32)
    rest = narrow(numbers)
    for place in range(fours - 1, -1, -1):
        rest, low = parted(rest, 10_000)
        buffer[:, place] = _FOURS.take(low)
    return buffer.view(np.uint8)[:, fours * 4 - width :]


def hexadecimal(words: Words) -> Characters:
    """The 16 hexadecimal digits of each word, lower case."""
    octets = words.astype(">u8").view(np.uint8)
    return _PAIRS.take(octets).view(np.uint8).reshape(len(words), 16)


def drawn(stream: Stream, rows: Int64s, alphabet: str, count: int) -> Characters:
    """`count` characters of the alphabet for each row, all as likely."""
    letters = np.frombuffer(alphabet.encode(), np.uint8)
    characters = np.empty((len(rows), count), np.uint8)
    per_word = 1
    while len(alphabet) ** (per_word + 1) < 1 << 48:
        per_word += 1
    for start in range(0, count, per_word):
        places = range(start, min(start + per_word, count))
        number = narrow(stream.child(str(start)).below(rows, len(alphabet) ** len(places)))
        for place in places:
            number, letter = parted(number, len(alphabet))
            characters[:, place] = letters.take(letter)
    return characters


def joined(parts: Sequence[Characters]) -> pa.StringArray:
    """The parts of each line side by side, as Arrow text."""
    # One part alone keeps its own layout, which for a constant is not row by row.
    lines = np.ascontiguousarray(np.concatenate(parts, axis=1))
    length, width = lines.shape
    offsets = np.arange(0, (length + 1) * width, width, dtype=np.int32) if width else np.zeros(length + 1, np.int32)
    return pa.StringArray.from_buffers(length, pa.py_buffer(offsets), pa.py_buffer(lines))


def plain_numbers(numbers: Int64s, width: int = 0) -> pa.StringArray:
    """Numbers in decimal, at least `width` digits long; a longer one is written in full."""
    if not len(numbers):
        return pa.array([], pa.string())
    longest = len(str(int(numbers.max())))
    if longest <= width or len(str(int(numbers.min()))) == longest:
        return joined([digits(numbers, max(longest, width))])
    text = pc.cast(pa.array(numbers), pa.string())
    return pc.ascii_lpad(text, width, "0") if width else text


def side_by_side(*parts: pa.Array | str) -> pa.StringArray:
    """The parts of each row as one text; null where a part is null.

    At least one part is an array: of text, or of text that is dictionary-encoded, which is quicker than decoded.
    """
    rows = next(len(part) for part in parts if not isinstance(part, str))
    places = np.empty((rows, len(parts)), np.int32)
    texts: list[pa.Array] = []
    first = 0
    for column, part in enumerate(parts):
        held, chosen = choice(part, rows)
        np.add(chosen, first, out=places[:, column], casting="same_kind")
        texts.append(held)
        first += len(held)
    return woven(pa.concat_arrays(texts), places)


def choice(part: pa.Array | str, rows: int) -> tuple[pa.StringArray, npt.NDArray[Any]]:
    """A part as texts, and the place of each row's text among them."""
    if isinstance(part, str):
        return pa.array([part], pa.string()), np.zeros(1, np.int32)
    if not isinstance(part, pa.DictionaryArray):
        return part, np.arange(rows, dtype=np.int32)
    texts, chosen = part.dictionary, part.indices
    if chosen.null_count:
        texts = pa.concat_arrays([texts, pa.nulls(1, texts.type)])
        chosen = chosen.fill_null(len(texts) - 1)
    return texts, chosen.to_numpy(zero_copy_only=False)


def woven(texts: pa.StringArray, places: npt.NDArray[np.int32]) -> pa.StringArray:
    """One text for each row of `places`: the texts at these places, side by side; null where one of them is.

    Arrow takes them all in one go, row by row, so that they already lie as they are to be read. That is a third of
    what it costs to take them column by column and join them.
    """
    rows, width = places.shape
    taken = texts.take(pa.array(places.ravel()))
    _, offsets, characters = taken.buffers()
    ends = np.ascontiguousarray(np.frombuffer(offsets, np.int32)[: rows * width + 1 : width])
    there = None
    if taken.null_count:
        whole = np.asarray(taken.is_valid()).reshape(rows, width).all(axis=1)
        there = pa.py_buffer(np.packbits(whole, bitorder="little"))
    return pa.StringArray.from_buffers(rows, pa.py_buffer(ends), characters, there)
