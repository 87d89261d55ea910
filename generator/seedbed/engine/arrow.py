"""From what a generator makes to the declared type of its column, in Arrow."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.errors import GenerationError
from seedbed.flow import unpacked
from seedbed.plan.types import DEFAULT_DECIMAL
from seedbed.schema import DataType, TypeKind

Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MAX_DIGITS = 38
REPEATED = 8
"""A dictionary is worth keeping where each of its values stands in so many rows on average."""

_TYPES = {
    TypeKind.INTEGER: pa.int64(),
    TypeKind.FLOAT: pa.float64(),
    TypeKind.BOOLEAN: pa.bool_(),
    TypeKind.TEXT: pa.string(),
    TypeKind.UUID: pa.string(),
    TypeKind.JSON: pa.string(),
    TypeKind.BINARY: pa.binary(),
    TypeKind.DATE: pa.date32(),
    TypeKind.TIMESTAMP: pa.timestamp("s"),
    TypeKind.TIMESTAMP_TZ: pa.timestamp("s", "UTC"),
    TypeKind.TIME: pa.time32("s"),
}


def arrow_type(data_type: DataType) -> pa.DataType:
    """The Arrow type in which values of a declared type are held: integers of any width as int64."""
    if data_type.kind is not TypeKind.DECIMAL:
        return _TYPES[data_type.kind]
    precision, scale = DEFAULT_DECIMAL
    if data_type.precision is not None:
        precision, scale = data_type.precision, data_type.scale or 0
    elif data_type.scale is not None:
        precision, scale = MAX_DIGITS, data_type.scale
    return pa.decimal128(min(precision, MAX_DIGITS), min(scale, MAX_DIGITS))


def conform(array: pa.Array, data_type: DataType, column: str = "", *, packed: bool = False) -> pa.Array:
    """The values as the declared type, exactly `arrow_type(data_type)`.

    A date becomes a number as yyyymmdd, a moment as seconds since 1970; true becomes 1 or 'true'. Numbers are
    rounded half to even. Dictionaries are unpacked, but for text of few values where it may stay `packed`.

    Args:
        array: the values.
        data_type: what the column declares.
        column: the column's name, for messages.
        packed: whether the result may be dictionary-encoded.

    Raises:
        GenerationError: a value cannot become one of that type, or is too large or too long for it.
    """
    target = arrow_type(data_type)
    try:
        if pa.types.is_dictionary(array.type):
            values = conform(array.dictionary, data_type, column)
            if packed and pa.types.is_string(values.type) and len(values) * REPEATED <= len(array):
                return pa.DictionaryArray.from_arrays(array.indices, values)
            return values.take(array.indices)
        converted = array if array.type == target else _convert(array, target)
    except (ValueError, pa.ArrowNotImplementedError) as error:  # ArrowInvalid is a ValueError
        _check_digits(array, target, data_type, column)
        said = str(error).splitlines()[0]
        raise GenerationError(f"{column}: {array.type} values cannot become {data_type.text}: {said}") from error
    _check_size(converted, data_type, column)
    return converted


def as_text(array: pa.Array, *, packed: bool = False) -> pa.Array:
    """The values as text, as they are written to a file; of few values, it may stay `packed`."""
    return array if array.type == pa.string() else conform(array, DataType(TypeKind.TEXT, "varchar"), packed=packed)


def decimals(scaled: Int64s, scale: int) -> pa.Array:
    """Numbers given as whole multiples of 10 ** -`scale`; without digits after the point, as int64."""
    if scale == 0:
        return pa.array(scaled)
    halves = np.empty((len(scaled), 2), np.int64)  # little-endian: the low half first
    halves[:, 0] = scaled
    np.right_shift(scaled, 63, out=halves[:, 1])
    return pa.Array.from_buffers(pa.decimal128(19, scale), len(scaled), [None, pa.py_buffer(halves)])


def dates(days: Int64s, null: Bools | None = None) -> pa.Array:
    """Dates from days since 1970."""
    return pa.array(days.astype(np.int32), mask=null).view(pa.date32())


def timestamps(seconds: Int64s, null: Bools | None = None) -> pa.Array:
    """Moments from seconds since 1970."""
    return pa.array(seconds, mask=null).view(pa.timestamp("s"))


def dictionary(codes: npt.NDArray[np.int32] | Int64s, values: pa.Array) -> pa.DictionaryArray:
    """`values[code]` for each code."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32, copy=False)), values, safe=False)


def whole_numbers(array: pa.Array) -> tuple[Int64s, Bools]:
    """The integers behind an integer, date or timestamp array (days or seconds), and which of them are null."""
    array = unpacked(array)
    if pa.types.is_timestamp(array.type):
        array = pc.cast(array, pa.timestamp("s", array.type.tz), safe=False).view(pa.int64())
    elif pa.types.is_date(array.type):
        array = pc.cast(pc.cast(array, pa.date32()).view(pa.int32()), pa.int64())
    else:
        array = pc.cast(array, pa.int64())
    missing = np.zeros(len(array), np.bool_)
    if array.null_count:
        missing = pc.is_null(array).to_numpy(zero_copy_only=False)
        array = pc.fill_null(array, 0)
    return array.to_numpy(zero_copy_only=False), missing


def truth(values: pa.Array, *, unknown: bool) -> Bools:
    """What a predicate gave as a mask; `unknown` says as what a null counts."""
    return np.asarray(pc.fill_null(values.cast(pa.bool_()), unknown).to_numpy(zero_copy_only=False))


def days_of_keys(keys: Int64s, missing: Bools) -> Int64s:
    """Days since 1970 of numbers such as 20260131; 0 where one is missing.

    Raises:
        ValueError: a number is no date.
    """
    months = (keys // 10_000 - 1970) * 12 + keys // 100 % 100 - 1
    days = np.where(missing, 0, _first_days(months) + keys % 100 - 1)
    wrong = np.flatnonzero((keys_of_days(days) != keys) & ~missing)
    if len(wrong):
        raise ValueError(f"{keys[wrong[0]]} is no date as yyyymmdd")
    return days


def keys_of_days(days: Int64s) -> Int64s:
    """Numbers such as 20260131 for days since 1970."""
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return (months // 12 + 1970) * 10_000 + (months % 12 + 1) * 100 + days - _first_days(months) + 1


def _first_days(months: Int64s) -> Int64s:
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _convert(array: pa.Array, target: pa.DataType) -> pa.Array:
    """Conversions that mean something else than Arrow's cast come first."""
    source = array.type
    number = pa.types.is_integer(source) or pa.types.is_decimal(source) or pa.types.is_floating(source)
    temporal = pa.types.is_date(target) or pa.types.is_timestamp(target)
    if pa.types.is_string(source) and pa.types.is_timestamp(target) and target.tz:
        return pc.assume_timezone(pc.cast(array, pa.timestamp("s")), target.tz)
    if pa.types.is_string(source) and pa.types.is_time(target):
        moments = pc.binary_join_element_wise("1970-01-01", array, " ")
        return pc.cast(pc.cast(moments, pa.timestamp("s")), target)
    if pa.types.is_null(source):
        return pa.nulls(len(array), target)
    if number and temporal:
        keys, missing = whole_numbers(_convert(array, pa.int64()))
        return pc.cast(dates(days_of_keys(keys, missing), missing), target)
    if pa.types.is_date(source) and target == pa.int64():
        days, missing = whole_numbers(array)
        return pa.array(keys_of_days(days), mask=missing)
    if pa.types.is_timestamp(source) and target == pa.int64():
        return pc.cast(array, pa.timestamp("s", source.tz), safe=False).view(pa.int64())
    if pa.types.is_timestamp(source) and (pa.types.is_date(target) or pa.types.is_time(target)):
        return pc.cast(array, target, safe=False)
    if pa.types.is_timestamp(source) and pa.types.is_string(target):
        return pc.strftime(array, "%Y-%m-%d %H:%M:%S")
    if pa.types.is_string(source) and pa.types.is_time(target):
        # Arrow reads moments, but no times of day.
        moments = pc.binary_join_element_wise(pa.scalar("1970-01-01"), array, " ")
        return pc.cast(pc.cast(moments, pa.timestamp("s")), target)
    if pa.types.is_boolean(source) and pa.types.is_decimal(target):
        return _convert(pc.cast(array, pa.int64()), target)
    if number and pa.types.is_boolean(target):
        return pc.not_equal(array, pa.scalar(0, pa.int64()))
    if (pa.types.is_decimal(source) or pa.types.is_floating(source)) and target == pa.int64():
        return pc.cast(pc.round(array, 0, round_mode="half_to_even"), target)
    if pa.types.is_decimal(source) and pa.types.is_decimal(target) and target.scale < source.scale:
        return pc.cast(pc.round(array, target.scale, round_mode="half_to_even"), target)
    if pa.types.is_decimal(source) and pa.types.is_floating(target):
        # Arrow's own cast multiplies by a power of ten, so that 2.204146 becomes 2.2041459999999997.
        return pc.cast(pc.cast(array, pa.string()), target)
    if pa.types.is_integer(source) and pa.types.is_decimal(target):
        return pc.cast(pc.cast(array, pa.decimal128(MAX_DIGITS, target.scale)), target)
    return pc.cast(array, target)


def _check_digits(array: pa.Array, target: pa.DataType, data_type: DataType, column: str) -> None:
    """Names the number that has too many digits for a decimal, if that is why it could not become one."""
    number = pa.types.is_integer(array.type) or pa.types.is_decimal(array.type) or pa.types.is_floating(array.type)
    if not (number and pa.types.is_decimal(target)):
        return
    largest = max((end for end in pc.min_max(array).as_py().values() if end is not None), key=abs, default=0)
    if abs(largest) >= 10 ** (target.precision - target.scale):
        limit = Decimal(10**target.precision - 1).scaleb(-target.scale)
        raise GenerationError(
            f"{column}: {largest} does not fit {data_type.text}, which ends at {limit}; "
            "let the generator end there, as with max=..., or declare a wider type"
        )


def _check_size(array: pa.Array, data_type: DataType, column: str) -> None:
    if data_type.kind is TypeKind.INTEGER and data_type.bits < 64 and len(array):
        limit = 1 << (data_type.bits - 1)
        ends = pc.min_max(array)
        for end in (ends["min"].as_py(), ends["max"].as_py()):
            if end is not None and not -limit <= end < limit:
                raise GenerationError(f"{column}: {end} does not fit {data_type.text}, which ends at {limit - 1}")
    if data_type.length is not None and pa.types.is_string(array.type) and len(array):
        lengths = pc.utf8_length(array)
        longest = pc.max(lengths).as_py()
        if longest is not None and longest > data_type.length:
            value = array[pc.index(lengths, longest).as_py()].as_py()
            raise GenerationError(
                f"{column}: {value!r} has {longest} characters; {data_type.text} holds at most {data_type.length}"
            )
