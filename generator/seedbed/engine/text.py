"""Text made of characters in numpy, and handed to Arrow without a copy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.engine.rng import Stream

Int64s = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
Characters = npt.NDArray[np.uint8]
"""One line of ASCII characters for each value, all of the same length."""

_PAIRS = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), np.uint16)
_FOURS = np.frombuffer(b"".join(b"%04d" % number for number in range(10_000)), np.uint32)


def constant(text: str, length: int) -> Characters:
    """The same text, `length` times."""
    return np.broadcast_to(np.frombuffer(text.encode(), np.uint8), (length, len(text.encode())))


def digits(numbers: Int64s, width: int) -> Characters:
    """Numbers from 0 to 10 ** `width` - 1 in decimal, with leading zeros."""
    fours = -(-width // 4)
    buffer = np.empty((len(numbers), fours), np.uint32)
    rest = numbers
    for place in range(fours - 1, -1, -1):
        rest, low = np.divmod(rest, 10_000)
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
        number = stream.child(str(start)).below(rows, len(alphabet) ** len(places))
        for place in places:
            number, letter = np.divmod(number, len(alphabet))
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
    """The parts of each row as one text; null where a part is null."""
    return pc.binary_join_element_wise(*parts, "")
