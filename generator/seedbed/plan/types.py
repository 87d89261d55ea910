"""The type of a column that declares none: what its generator makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from seedbed.plan import kinds
from seedbed.plan.resolved import Delayed, FromFile, Part, VersionPart
from seedbed.schema import DataType, Scalar, TypeKind

INTEGER = DataType(TypeKind.INTEGER, "bigint")
TEXT = DataType(TypeKind.TEXT, "varchar")
BOOLEAN = DataType(TypeKind.BOOLEAN, "boolean")
DATE = DataType(TypeKind.DATE, "date")
TIMESTAMP = DataType(TypeKind.TIMESTAMP, "timestamp")
TIME = DataType(TypeKind.TIME, "time")
FLOAT = DataType(TypeKind.FLOAT, "double")
DEFAULT_DECIMAL = (18, 2)
"""Precision and scale of a decimal type that gives neither."""
NUMERIC = (TypeKind.INTEGER, TypeKind.DECIMAL, TypeKind.FLOAT)
TEMPORAL = (TypeKind.DATE, TypeKind.TIMESTAMP, TypeKind.TIMESTAMP_TZ)

_CALENDAR = {
    **dict.fromkeys(("date", "first_of_month", "last_of_month"), DATE),
    **dict.fromkeys(("is_weekend", "is_weekday", "is_month_end"), BOOLEAN),
    **dict.fromkeys(
        ("month_name", "month_short", "day_name", "day_short", "year_month", "year_quarter", "year_week", "text"), TEXT
    ),
}


def decimal(scale: int) -> DataType:
    """A decimal type with `scale` digits after the point and room for any amount before it."""
    return DataType(TypeKind.DECIMAL, f"numeric({18 + max(0, scale - 4)},{scale})", None, 18 + max(0, scale - 4), scale)


def type_of_values(values: Iterable[Scalar | None]) -> DataType:
    """The narrowest type that holds all the values."""
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, bool) for value in present):
        return BOOLEAN
    if present and all(isinstance(value, int) and not isinstance(value, bool) for value in present):
        return INTEGER
    if present and all(isinstance(value, int | float) and not isinstance(value, bool) for value in present):
        digits = max(len(repr(float(value)).partition(".")[2]) for value in present)
        return decimal(digits) if digits <= 12 else FLOAT
    return TEXT


def common_type(types: Iterable[DataType | None]) -> DataType | None:
    """The narrowest type that holds values of all the types; None when one of them is not known."""
    found = list(types)
    known = [item for item in found if item is not None]
    if len(known) < len(found) or not known:
        return None
    kinds_found = {item.kind for item in known}
    if len(kinds_found) == 1 and TypeKind.DECIMAL not in kinds_found:
        return known[0]
    if kinds_found <= {TypeKind.INTEGER, TypeKind.DECIMAL}:
        return decimal(max(item.scale or 0 for item in known))
    if kinds_found <= set(NUMERIC):
        return FLOAT
    return TIMESTAMP if kinds_found == {TypeKind.DATE, TypeKind.TIMESTAMP} else TEXT


def _is_null(generator: kinds.Generator) -> bool:
    return isinstance(generator, kinds.Constant) and generator.value is None


def natural_type(
    generator: kinds.Generator,
    of_path: Callable[[str], DataType | None],
    of_column: Callable[[str, str], DataType | None],
) -> DataType | None:
    """The type that a generator makes by itself.

    Args:
        generator: any kind except the keys to other tables and `sql`, whose type is their target's.
        of_path: the type of another column of the row, or of a parent's by its path.
        of_column: the type of a column of another table.

    Returns:
        The type, or None when it follows from something that has no type (yet).
    """
    match generator:
        case kinds.Constant():
            return type_of_values([generator.value])
        case kinds.Each():
            return type_of_values(generator.values)
        case kinds.Choice():
            return type_of_values(generator.values)
        case kinds.ChoiceBy():
            cases = [*generator.cases.values(), generator.otherwise or {}]
            return type_of_values(value for case in cases for value in case)
        case kinds.Sequence() | kinds.Integer() | kinds.Poisson() | kinds.Zipf() | kinds.Ordinal():
            return INTEGER
        case kinds.CaseBy():
            filled = [case for case in generator.all_cases if not _is_null(case)]
            return common_type(natural_type(case, of_path, of_column) for case in filled)
        case kinds.Uniform() | kinds.Normal() | kinds.Lognormal() | kinds.Exponential() | kinds.Empirical():
            return decimal(generator.decimals) if generator.decimals else INTEGER
        case kinds.Boolean() | kinds.IsDeleted():
            return BOOLEAN
        case kinds.Date():
            return DATE
        case kinds.Time():
            return TIME
        case kinds.Timestamp() | kinds.During():
            return TIMESTAMP
        case kinds.ChangedAt() | kinds.LoadedAt() | kinds.DeletedAt() | Delayed():
            return TIMESTAMP
        case kinds.Fake(what="latitude" | "longitude"):
            return decimal(6)
        case kinds.Uuid() | kinds.HashKey() | kinds.Pattern() | kinds.Fake() | kinds.Template() | kinds.Pool():
            return TEXT
        case kinds.Calendar():
            return _CALENDAR.get(generator.part, INTEGER)
        case kinds.After():
            found = of_path(generator.column)
            return DATE if found and found.kind not in TEMPORAL else found  # After the key of a day.
        case kinds.Copy():
            return of_path(generator.path)
        case kinds.Rollup(aggregate="count"):
            return INTEGER
        case kinds.Rollup(aggregate="mean"):
            return decimal(2)
        case kinds.Rollup():
            return of_column(generator.table, generator.column or "")
        case FromFile(data_type=data_type):
            return data_type
        case VersionPart(part=Part.CURRENT):
            return BOOLEAN
        case VersionPart(part=Part.VERSION) | kinds.Lifecycle(part="versions"):
            return INTEGER
    return None
