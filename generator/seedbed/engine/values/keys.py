"""Makes keys."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from seedbed.engine.calendars import days_of
from seedbed.engine.cells import Cells, Maker
from seedbed.engine.rng import Stream
from seedbed.engine.text import Characters, constant, digits, drawn, hexadecimal, joined, plain_numbers, side_by_side
from seedbed.plan import kinds

Int64s = npt.NDArray[np.int64]

SHUFFLED_DIGITS = 9
"""Digits of a `{shuffled}` number whose pattern gives no width: room for a thousand million rows."""
_ALPHABETS = {
    "digits": "0123456789",
    "letters": "abcdefghijklmnopqrstuvwxyz",
    "LETTERS": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "hex": "0123456789abcdef",
    "alnum": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
}


def _sequence(cells: Cells, generator: kinds.Sequence) -> pa.Array:
    if len(cells):
        ends = (generator.start + int(row) * generator.step for row in (cells.rows.min(), cells.rows.max()))
        if any(not -(2**63) <= end < 2**63 for end in ends):
            raise ValueError("the numbers become too large for 64 bits")
    return pa.array(generator.start + cells.rows * generator.step)


def _uuid(cells: Cells, generator: kinds.Uuid) -> pa.Array:
    high = cells.stream.bits(cells.rows)
    low = cells.stream.child("low").bits(cells.rows)
    high &= np.uint64(0xFFFFFFFF_FFFF_0FFF)
    high |= np.uint64(0x4000)  # version 4
    low &= np.uint64((1 << 62) - 1)
    low |= np.uint64(1 << 63)  # the variant of RFC 9562
    first, second = hexadecimal(high), hexadecimal(low)
    hyphen = constant("-", len(cells))
    return joined(
        [first[:, :8], hyphen, first[:, 8:12], hyphen, first[:, 12:], hyphen, second[:, :4], hyphen, second[:, 4:]]
    )


def _hash_key(cells: Cells, generator: kinds.HashKey) -> pa.Array:
    # The words of one stream are a bijection of the rows, so the first half alone is unique.
    low = cells.stream.child("low").bits(cells.rows)
    return joined([hexadecimal(cells.stream.bits(cells.rows)), hexadecimal(low)])


def _pattern(cells: Cells, generator: kinds.Pattern) -> pa.Array:
    parts: list[Characters | pa.Array] = []
    end = 0
    for ordinal, token in enumerate(kinds.Pattern.TOKENS.finditer(generator.template)):
        if token.start() > end:
            parts.append(constant(generator.template[end : token.start()], len(cells)))
        parts.append(
            _token(cells, token[1], int(token[2] or 0), cells.stream.child("token", str(ordinal)), generator.of)
        )
        end = token.end()
    if end < len(generator.template):
        parts.append(constant(generator.template[end:], len(cells)))
    if all(isinstance(part, np.ndarray) for part in parts):
        return joined(parts)
    return side_by_side(*(joined([part]) if isinstance(part, np.ndarray) else part for part in parts))


def _token(cells: Cells, kind: str, width: int, stream: Stream, of: str | None) -> Characters | pa.Array:
    if kind == "n":
        return plain_numbers(cells.rows + 1, width)
    if kind == "shuffled":
        size = 10 ** min(width or SHUFFLED_DIGITS, 18)
        if len(cells) and int(cells.rows.max()) >= size:
            raise ValueError(
                f"row {int(cells.rows.max())} is beyond the {size} numbers of {{shuffled:{width or SHUFFLED_DIGITS}}}; "
                f"give it more digits"
            )
        numbers = stream.permute(cells.rows, size)
        return digits(numbers, width) if width else plain_numbers(numbers)
    if kind == "yyyy":
        return digits(_years(cells, of), 4)
    return drawn(stream, cells.rows, _ALPHABETS[kind], width or 1)


def _years(cells: Cells, of: str | None) -> Int64s:
    """The year of another column; without one, of the plan's own as-of date, which stays."""
    fixed = np.int64(cells.plan.planned_as_of.year)
    if of is None:
        return np.full(len(cells), fixed)
    days, missing = days_of(cells.value(of))
    years = days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return np.where(missing, fixed, years)


MAKERS: Mapping[type[kinds.Generator], Maker] = {
    kinds.Sequence: _sequence,
    kinds.Uuid: _uuid,
    kinds.HashKey: _hash_key,
    kinds.Pattern: _pattern,
}
