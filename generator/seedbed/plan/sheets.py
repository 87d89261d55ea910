"""Rows that stand in a CSV file: read with the line of each, and held against what the project says of the table.

The same for a file beside the plan, for what an LLM answers, and for rows that are to become a seed.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import re
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from seedbed.errors import Diagnostic, Location, Severity, closest
from seedbed.plan.hygiene import find_unclean
from seedbed.plan.types import BOOLEAN, DATE, INTEGER, TEXT, decimal
from seedbed.schema import Column, DataType, Range, Table, TypeKind

_WHOLE = re.compile(r"-?\d{1,19}")
_PLAIN_WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"[+-]?(?P<before>\d{1,38})(?:\.(?P<after>\d{1,38}))?")
_FLOAT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2})?)?")
_TIME = re.compile(r"\d{2}:\d{2}:\d{2}")
_SHOWN_LINES = 4


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows of a CSV file as text, an empty field as None; `lines` are those on which the rows begin."""

    file: str
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str | None, ...], ...] = ()
    lines: tuple[int, ...] = ()

    def place(self, row: int | None = None, column: str | None = None) -> Location:
        """Where a row stands; the header's line when None."""
        return Location(self.file, 1 if row is None else self.lines[row], None, column)

    def column(self, name: str) -> list[str | None]:
        """One column's fields."""
        at = self.header.index(name)
        return [row[at] for row in self.rows]


@dataclass(frozen=True, slots=True)
class Parent:
    """The rows that a foreign key of a sheet may refer to: the child's columns, and all keys that there are."""

    columns: tuple[str, ...]
    name: str
    keys: Collection[tuple[str | None, ...]]
    """As texts."""


def read_sheet(text: str, file: str, *, strict: bool = True) -> tuple[Sheet, list[Diagnostic]]:
    """Reads a CSV file, whose first line names the columns.

    Args:
        text: the file's.
        file: its name, for messages.
        strict: report rows that are longer or shorter than the header. They are filled up or cut.
    """
    reader = csv.reader(io.StringIO(text, newline=""))
    problems: list[Diagnostic] = []
    header: tuple[str, ...] | None = None
    rows, lines = [], []
    begins = 1
    try:
        for fields in reader:
            line, begins = begins, reader.line_num + 1
            if header is None:
                header = tuple(fields)
            elif fields:
                if len(fields) != len(header) and strict:
                    message = f"the row has {len(fields)} fields, the header {len(header)}"
                    hint = 'put a value that holds a comma into quotes: "Köln, Mitte"'
                    problems.append(Diagnostic("csv-fields", message, Location(file, line), hint=hint))
                padded = [*fields, *[""] * (len(header) - len(fields))][: len(header)]
                rows.append(tuple(field or None for field in padded))
                lines.append(line)
    except csv.Error as error:
        problems.append(Diagnostic("csv-broken", f"the file cannot be read as CSV: {error}", Location(file, begins)))
    if not header and strict:
        problems.append(Diagnostic("csv-empty", "the file has no header", Location(file, 1), hint="name the columns"))
    return Sheet(file, header or (), tuple(rows), tuple(lines)), problems


def write_sheet(header: Sequence[str], rows: Sequence[Sequence[str | None]]) -> str:
    """The text of a CSV file that reads back as these rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([["" if field is None else field for field in row] for row in rows])
    return text.getvalue()


def fit_header(sheet: Sheet, table: Table) -> tuple[Sheet, list[Diagnostic]]:
    """The sheet with its columns spelled as the project spells them, and what is wrong with their names."""
    problems, names = [], list[str]()
    for said in sheet.header:
        column = table.column(said.strip())
        name = column.name if column else said
        if column is None:
            hint = closest(said, table.column_names) or f"columns are {', '.join(table.column_names)}"
            message = f'{table.name} has no column "{said}"'
            problems.append(Diagnostic("unknown-column", message, sheet.place(), hint=hint))
        elif name in names:
            problems.append(Diagnostic("duplicate-column", f'"{name}" stands twice in the header', sheet.place()))
        names.append(name)
    return Sheet(sheet.file, tuple(names), sheet.rows, sheet.lines), problems


# --- values --------------------------------------------------------------------------------------------------


def type_of_texts(texts: Sequence[str | None]) -> DataType:
    """The type of a column that declares none: whole numbers, decimals, dates, true and false, or text."""
    present = [text for text in texts if text is not None]
    if not present:
        return TEXT
    if all(_PLAIN_WHOLE.fullmatch(text) for text in present):
        return INTEGER
    numbers = [re.fullmatch(r"-?(?:0|[1-9]\d{0,13})(?:\.(\d{1,12}))?", text) for text in present]
    if all(numbers):
        return decimal(max(len(match[1] or "") for match in numbers if match))
    if all(text in ("true", "false") for text in present):
        return BOOLEAN
    return DATE if all(_is_read(text, DATE) for text in present) else TEXT


def _is_read(text: str, data_type: DataType) -> bool:
    try:
        read_cell(text, data_type)
    except ValueError:
        return False
    return True


def read_cell(text: str, data_type: DataType) -> object:
    """The value that a field holds.

    Raises:
        ValueError: it holds none of that type; the message says how one is written.
    """
    match data_type.kind:
        case TypeKind.INTEGER:
            return _whole(text, data_type)
        case TypeKind.DECIMAL:
            return _decimal(text, data_type)
        case TypeKind.FLOAT:
            if not _FLOAT.fullmatch(text) or not math.isfinite(float(text)):
                raise ValueError("a number was expected, such as 12.5")
            return float(text)
        case TypeKind.BOOLEAN:
            if text.lower() not in ("true", "false"):
                raise ValueError("true or false was expected")
            return text.lower() == "true"
        case TypeKind.DATE if _DAY.fullmatch(text):
            return _spoken(dt.date.fromisoformat, text, "a date")
        case TypeKind.DATE:
            raise ValueError("a date was expected, such as 2026-01-31")
        case TypeKind.TIMESTAMP | TypeKind.TIMESTAMP_TZ if _MOMENT.fullmatch(text):
            return _spoken(dt.datetime.fromisoformat, text, "a moment")
        case TypeKind.TIMESTAMP | TypeKind.TIMESTAMP_TZ:
            raise ValueError("a moment was expected, such as 2026-01-31 08:00:00")
        case TypeKind.TIME if _TIME.fullmatch(text):
            return _spoken(dt.time.fromisoformat, text, "a time")
        case TypeKind.TIME:
            raise ValueError("a time was expected, such as 08:00:00")
        case TypeKind.UUID:
            if str(_spoken(uuid.UUID, text, "a UUID")) != text.lower():
                raise ValueError("a UUID with hyphens was expected")
        case TypeKind.JSON:
            _spoken(json.loads, text, "JSON")
        case TypeKind.BINARY:
            raise ValueError("bytes cannot stand in a CSV file")
        case TypeKind.TEXT if data_type.length is not None and len(text) > data_type.length:
            raise ValueError(f"it has {len(text)} characters; at most {data_type.length} fit")
    return text


def _spoken(read: object, text: str, what: str) -> object:
    assert callable(read)
    try:
        value: object = read(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{what} was expected, and there is no such one") from None
    return value


def _whole(text: str, data_type: DataType) -> int:
    if not _WHOLE.fullmatch(text):
        raise ValueError("a whole number was expected, such as 12")
    limit = 1 << (data_type.bits - 1)
    if not -limit <= int(text) < limit:
        raise ValueError(f"{data_type.text} ends at {limit - 1}")
    return int(text)


def _decimal(text: str, data_type: DataType) -> Decimal:
    match = _DECIMAL.fullmatch(text)
    if not match:
        raise ValueError("a number was expected, such as 12.50")
    precision, scale = data_type.precision, data_type.scale
    if precision is None:
        precision, scale = (18, 2) if scale is None else (38, scale)
    scale = scale or 0
    if len((match["after"] or "").rstrip("0")) > scale:
        raise ValueError(f"only {scale} digits after the point fit")
    if len(match["before"].lstrip("0")) > precision - scale:
        raise ValueError(f"only {precision - scale} digits before the point fit")
    # Arrow takes no more digits after the point than the type has, not even zeros.
    if len(match["after"] or "") > scale:
        raise ValueError(f"write it with {scale} digits after the point")
    return Decimal(text)


# --- rows ----------------------------------------------------------------------------------------------------


def check_sheet(
    sheet: Sheet,
    table: Table,
    types: Mapping[str, DataType],
    parents: Sequence[Parent] = (),
    *,
    unclean: Severity = Severity.ERROR,
) -> list[Diagnostic]:
    """What is wrong with the rows of a sheet, as far as it shows in them.

    Types, nulls, accepted values, ranges, patterns, keys, foreign keys, and texts that do not belong into a cell.

    Args:
        sheet: whose header fits the table.
        table: what the project says.
        types: of each column of the sheet.
        parents: the rows that foreign keys may refer to, as far as they are known.
        unclean: how severe a text is that hygiene objects to.
    """
    problems: list[Diagnostic] = []
    key = table.primary_key.value if table.primary_key else ()
    for name in sheet.header:
        column = table.column(name)
        if column is not None:
            needed = column.not_null is not None or name in key
            problems += _check_column(sheet, table, column, types[name], needed, unclean)
    keys = [key, *((column.name,) for column in table.columns if column.unique), *(k.value for k in table.unique_keys)]
    for columns in dict.fromkeys(keys):
        if columns and set(columns) <= set(sheet.header):
            problems += _check_unique(sheet, table, columns)
    for parent in parents:
        problems += _check_parent(sheet, table, parent)
    return problems


def _check_column(
    sheet: Sheet, table: Table, column: Column, data_type: DataType, needed: bool, unclean: Severity
) -> Iterator[Diagnostic]:
    accepted = [_written(value) for value in column.accepted_values.value] if column.accepted_values else None
    here = f"{table.name}.{column.name}"
    for row, text in enumerate(sheet.column(column.name)):
        place = sheet.place(row, column.name)
        if text is None:
            if needed:
                yield Diagnostic("nulls-forbidden", f"{here} must not be null, but is empty here", place)
            continue
        try:
            value = read_cell(text, data_type)
        except ValueError as error:
            yield Diagnostic("wrong-type", f"{here} is of type {data_type.text}, but holds {text!r}: {error}", place)
            continue
        if accepted is not None and text not in accepted:
            hint = closest(text, accepted)
            listed = ", ".join(accepted[:8]) + (", ..." if len(accepted) > 8 else "")
            message = f"{here} accepts only {listed}, but holds {text!r}"
            yield Diagnostic("not-accepted", message, place, hint=hint)
        if column.value_range and not _inside(value, column.value_range.value, data_type):
            bounds = column.value_range.value
            message = f"{here} is to lie from {_bound(bounds.minimum)} to {_bound(bounds.maximum)}, but is {text}"
            yield Diagnostic("out-of-range", message, place)
        if column.matches and not _matches(column.matches.value, text):
            yield Diagnostic("no-match", f"{here} is to match {column.matches.value}, but holds {text!r}", place)
        if data_type.kind is TypeKind.TEXT:
            long = data_type.length is None or data_type.length > 255
            for found in find_unclean(text, lines=long, location=place):
                yield Diagnostic(found.code, f"{here}: {found.message}", place, unclean, found.hint)


def _check_unique(sheet: Sheet, table: Table, columns: tuple[str, ...]) -> Iterator[Diagnostic]:
    lines: dict[tuple[str | None, ...], list[int]] = {}
    fields = [sheet.column(name) for name in columns]
    for row, key in enumerate(zip(*fields, strict=True)):
        if None not in key:
            lines.setdefault(key, []).append(row)
    name = f"{table.name}.{columns[0]}" if len(columns) == 1 else f"({', '.join(columns)}) of {table.name}"
    for key, rows in lines.items():
        if len(rows) > 1:
            shown = ", ".join(repr(part) for part in key)
            others = ", ".join(str(sheet.lines[row]) for row in rows[:_SHOWN_LINES])
            more = ", ..." if len(rows) > _SHOWN_LINES else ""
            message = f"{name} is to be unique, but {shown} stands in lines {others}{more}"
            yield Diagnostic("not-unique", message, sheet.place(rows[1], columns[0]))


def _check_parent(sheet: Sheet, table: Table, parent: Parent) -> Iterator[Diagnostic]:
    fields = [sheet.column(name) for name in parent.columns]
    for row, key in enumerate(zip(*fields, strict=True)):
        if None not in key and key not in parent.keys:
            known = sorted(", ".join(str(part) for part in known) for known in parent.keys)
            said = ", ".join(str(part) for part in key)
            hint = closest(said, known) or (f"there are {', '.join(known[:8])}" if known else "it has no rows")
            message = f"{table.name}.{'+'.join(parent.columns)} refers to {parent.name}, which has no {said!r}"
            yield Diagnostic("no-parent", message, sheet.place(row, parent.columns[0]), hint=hint)


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bound(value: object) -> str:
    return "anything" if value is None else str(value)


def _inside(value: object, bounds: Range, data_type: DataType) -> bool:
    for bound, sign, included in (
        (bounds.minimum, 1, bounds.minimum_included),
        (bounds.maximum, -1, bounds.maximum_included),
    ):
        if bound is None:
            continue
        try:
            limit = read_cell(str(bound), data_type) if isinstance(bound, str) else bound
            difference = (value > limit) - (value < limit)  # type: ignore[operator]
        except (ValueError, TypeError):
            continue  # A bound of another type says nothing about this value.
        if difference * sign < 0 or (difference == 0 and not included):
            return False
    return True


def _matches(pattern: str, text: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return True  # Another dialect of regular expressions: the dbt test will tell.
