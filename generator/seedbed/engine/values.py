"""Makes the values of one column, for the kinds of generator that need no other table's rows.

`make_values` finds the maker of a kind in one dictionary. Shares of nulls and conditions are the caller's, as is
the conversion to the column's declared type (`arrow.conform`).
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.engine.arrow import as_text, dates, decimals, dictionary, timestamps, whole_numbers
from seedbed.engine.calendars import calendar_part, days_of, open_moments, open_seconds
from seedbed.engine.cells import Cells
from seedbed.engine.discrete import happens, poisson, weighted, zipf_ranks
from seedbed.engine.distributions import Quantile, draw_numbers, draw_on_grid, exponential, lognormal, uniform
from seedbed.engine.people import fake
from seedbed.engine.rng import Stream
from seedbed.engine.text import Characters, constant, digits, drawn, hexadecimal, joined, plain_numbers, side_by_side
from seedbed.errors import GenerationError
from seedbed.plan import kinds
from seedbed.plan.resolved import DAY, Days
from seedbed.schema import Scalar

Int64s = npt.NDArray[np.int64]
Maker = Callable[[Cells, Any], pa.Array]

LONGEST_DELAY = 365_000 * DAY
"""Seconds, a thousand years: no delay is longer, so that moments stay within the calendar."""
SHUFFLED_DIGITS = 9
"""Digits of a `{shuffled}` number whose pattern gives no width: room for a thousand million rows."""

_EPOCH = dt.date(1970, 1, 1)
_ALPHABETS = {
    "digits": "0123456789",
    "letters": "abcdefghijklmnopqrstuvwxyz",
    "LETTERS": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "hex": "0123456789abcdef",
    "alnum": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
}


def make_values(cells: Cells) -> pa.Array:
    """The values of a column, of the type that its generator makes by itself; choices as a dictionary.

    Raises:
        GenerationError: the generator cannot make values for these rows.
    """
    generator = cells.column.generator
    maker = _MAKERS.get(type(generator))
    if maker is None:
        raise GenerationError(f"{cells.column.name}: {generator.kind} needs more than its own row")
    try:
        return maker(cells, generator)
    except ValueError as error:
        raise GenerationError(f"{cells.column.name}: {generator.kind}: {error}") from error


# --- keys ----------------------------------------------------------------------------------------------------


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
        parts.append(_token(cells, token[1], int(token[2] or 0), cells.stream.child("token", str(ordinal))))
        end = token.end()
    if end < len(generator.template):
        parts.append(constant(generator.template[end:], len(cells)))
    if all(isinstance(part, np.ndarray) for part in parts):
        return joined(parts)
    return side_by_side(*(joined([part]) if isinstance(part, np.ndarray) else part for part in parts))


def _token(cells: Cells, kind: str, width: int, stream: Stream) -> Characters | pa.Array:
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
        return digits(_years(cells), 4)
    return drawn(stream, cells.rows, _ALPHABETS[kind], width or 1)


def _years(cells: Cells) -> Int64s:
    """The year of the column that the pattern needs; without one, of the plan's own as-of date, which stays."""
    fixed = np.int64(cells.plan.planned_as_of.year)
    if not cells.column.needs:
        return np.full(len(cells), fixed)
    days, missing = days_of(cells.value(cells.column.needs[0]))
    years = days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return np.where(missing, fixed, years)


# --- choices and numbers -------------------------------------------------------------------------------------


def _constant(cells: Cells, generator: kinds.Constant) -> pa.Array:
    if generator.value is None:
        return pa.nulls(len(cells))
    return dictionary(np.zeros(len(cells), np.int64), _scalars([generator.value]))


def _each(cells: Cells, generator: kinds.Each) -> pa.Array:
    return dictionary(cells.rows % len(generator.values), _scalars(generator.values))


def _choice(cells: Cells, generator: kinds.Choice) -> pa.Array:
    codes = weighted(tuple(generator.values.values())).choose(cells.stream.bits(cells.rows))
    return dictionary(codes, _scalars(generator.values))


def _choice_by(cells: Cells, generator: kinds.ChoiceBy) -> pa.Array:
    """One word chooses in every case, so that a row whose case alone changes keeps its place in the order."""
    deciding = pc.dictionary_encode(as_text(cells.value(generator.column)))
    cases = {_spoken(value): weights for value, weights in generator.cases.items()}
    weights_of = [cases.get(value, generator.otherwise) for value in deciding.dictionary.to_pylist()]
    for value, weights in zip(deciding.dictionary.to_pylist(), weights_of, strict=True):
        if weights is None:
            raise ValueError(f"{generator.column} is {value!r}, which has no case; add it, or `otherwise`")
    place: dict[Scalar, int] = {}
    for weights in (*generator.cases.values(), generator.otherwise or {}):
        for value in weights:
            place.setdefault(value, len(place))
    words = cells.stream.bits(cells.rows)
    case_of = pc.fill_null(deciding.indices, len(weights_of)).to_numpy(zero_copy_only=False)
    codes = np.full(len(cells), -1, np.int64)
    for case, weights in enumerate([*weights_of, generator.otherwise]):  # the last one is for null
        at = np.flatnonzero(case_of == case)
        if len(at) and weights is not None:
            places = np.array([place[value] for value in weights], np.int64)
            codes[at] = places[weighted(tuple(weights.values())).choose(words[at])]
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, _scalars(place))


def _integer(cells: Cells, generator: kinds.Integer) -> pa.Array:
    return pa.array(generator.min + cells.stream.below(cells.rows, generator.max - generator.min + 1))


def _number(cells: Cells, generator: kinds.Uniform | kinds.Normal | kinds.Lognormal | kinds.Exponential) -> pa.Array:
    return decimals(draw_numbers(generator, cells.stream, cells.rows), generator.decimals)


def _poisson(cells: Cells, generator: kinds.Poisson) -> pa.Array:
    return pa.array(poisson(generator, cells.stream.bits(cells.rows)))


def _zipf(cells: Cells, generator: kinds.Zipf) -> pa.Array:
    return pa.array(zipf_ranks(generator.exponent, generator.max, cells.stream.bits(cells.rows)))


def _boolean(cells: Cells, generator: kinds.Boolean) -> pa.Array:
    return pa.array(happens(cells.stream.bits(cells.rows), generator.p))


def _scalars(values: Iterable[Scalar]) -> pa.Array:
    """Values of one type as they are, of several as text."""
    listed = list(values)
    types = {type(value) for value in listed}
    if len(types) == 1 or types == {int, float}:
        return pa.array([float(value) for value in listed] if float in types else listed)
    return pa.array([_spoken(value) for value in listed])


def _spoken(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# --- dates and moments ---------------------------------------------------------------------------------------


def _date(cells: Cells, generator: kinds.Date) -> pa.Array:
    first, last = (_seconds(end) // DAY for end in (generator.start, generator.end))
    return dates(first + cells.stream.below(cells.rows, last - first + 1))


def _timestamp(cells: Cells, generator: kinds.Timestamp) -> pa.Array:
    first, last = _seconds(generator.start), _seconds(generator.end)
    if not isinstance(generator.end, dt.datetime):
        last += DAY - 1
    if generator.hours == "any":
        return timestamps(first + cells.stream.below(cells.rows, last - first + 1))
    opened = open_seconds(first)
    count = open_seconds(last + 1) - opened
    if count <= 0:
        raise ValueError("no business hour lies between start and end")
    return timestamps(open_moments(opened + cells.stream.below(cells.rows, count)))


def _seconds(moment: dt.date | dt.datetime) -> int:
    if isinstance(moment, dt.datetime) and moment.tzinfo is not None:
        moment = moment.astimezone(dt.UTC)
    return calendar.timegm(moment.timetuple())


def _after(cells: Cells, generator: kinds.After) -> pa.Array:
    """In whole days after a date, in whole seconds after a moment, and at least one of them: later is later."""
    start = cells.value(generator.column)
    on_days = not pa.types.is_timestamp(start.type)
    moments, missing = days_of(start) if on_days else whole_numbers(start)
    unit = DAY if on_days else 1
    least, most = (kinds.parse_duration(end) / unit if end else None for end in (generator.min, generator.max))
    low = max(1, -int(-(least or 0) // 1))
    high = max(low, int(most)) if most is not None else LONGEST_DELAY // unit
    delay = draw_on_grid(_delay(generator), cells.stream.uniform(cells.rows), float(unit), low, high)
    ends = np.where(missing, 0, moments + delay)
    if generator.known:
        missing = missing | (ends > (cells.plan.end // unit))
    return dates(ends, missing) if on_days else timestamps(ends, missing)


def _delay(generator: kinds.After) -> Quantile:
    if generator.median:
        return lognormal(kinds.parse_duration(generator.median), generator.sigma)
    if generator.mean:
        return exponential(kinds.parse_duration(generator.mean))
    return uniform(0.0, float(LONGEST_DELAY + DAY))


def _calendar(cells: Cells, generator: kinds.Calendar) -> pa.Array:
    if generator.of is None:
        return calendar_part(generator.part, _own_days(cells))
    days, missing = days_of(cells.value(generator.of))
    values = calendar_part(generator.part, days)
    if not missing.any():
        return values
    positions = pa.array(np.arange(len(cells)), mask=missing)
    return values.take(positions)


def _own_days(cells: Cells) -> Int64s:
    """The days of the rows of a table whose rows are days."""
    for table in cells.plan:
        if isinstance(table.rows, Days) and any(column is cells.column for column in table.columns):
            extra = [(day - _EPOCH).days for day in table.rows.extra]
            days = cells.rows + (table.rows.start - _EPOCH).days
            beyond = cells.rows >= table.rows.count
            if beyond.any():
                days[beyond] = np.array(extra, np.int64)[cells.rows[beyond] - table.rows.count]
            return days
    raise ValueError("the table's rows are no days; give the column that holds the date: of='...'")


# --- text ----------------------------------------------------------------------------------------------------


def _fake(cells: Cells, generator: kinds.Fake) -> pa.Array:
    return fake(generator, cells.stream, cells.rows, cells.plan.locale)


def _template(cells: Cells, generator: kinds.Template) -> pa.Array:
    parts: list[pa.Array | str] = []
    for ordinal, piece in enumerate(re.split(kinds.Template.FIELDS, generator.template)):
        if ordinal % 2:
            parts.append(as_text(cells.value(piece)))
        elif piece:
            parts.append(piece)
    if all(isinstance(part, str) for part in parts):
        return dictionary(np.zeros(len(cells), np.int64), pa.array(["".join(parts)]))
    return side_by_side(*parts)


_MAKERS: Mapping[type[kinds.Generator], Maker] = {
    kinds.Constant: _constant,
    kinds.Sequence: _sequence,
    kinds.Uuid: _uuid,
    kinds.HashKey: _hash_key,
    kinds.Pattern: _pattern,
    kinds.Each: _each,
    kinds.Choice: _choice,
    kinds.ChoiceBy: _choice_by,
    kinds.Integer: _integer,
    kinds.Uniform: _number,
    kinds.Normal: _number,
    kinds.Lognormal: _number,
    kinds.Exponential: _number,
    kinds.Poisson: _poisson,
    kinds.Zipf: _zipf,
    kinds.Boolean: _boolean,
    kinds.Date: _date,
    kinds.Timestamp: _timestamp,
    kinds.After: _after,
    kinds.Calendar: _calendar,
    kinds.Fake: _fake,
    kinds.Template: _template,
}
