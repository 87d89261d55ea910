"""Tables of dates: which tables are one, how far they reach, and what their columns say of a day."""

from __future__ import annotations

import datetime as dt
import re

from seedbed.authoring.baseline.names import snake
from seedbed.authoring.baseline.sketch import Sketch, Sketches
from seedbed.plan import kinds
from seedbed.plan.spec import DateRows
from seedbed.schema import TypeKind

_TABLE = re.compile(r"(?:^|_)(?:dates?|calendar|calendar_day|date_spine|days)(?:_dim|_dimension|_table|_spine)?$")
_PARTS: tuple[tuple[str, str], ...] = (
    (r"(?:date|calendar|day)_?(?:sk|key|id|pk|int|num)|dim_date_id|datekey|sk|yyyymmdd|date_yyyymmdd|dateint", "key"),
    (
        r"(?:full|calendar|actual|the)_?date|date|date_day|day_date|date_actual|date_value|ds|dt|date_iso|sql_date",
        "date",
    ),
    (r"(?:calendar_|fiscal_|iso_)?(?:year|yr)(?:_number|_num|_no|_actual)?|year_of_calendar", "year"),
    (r"(?:calendar_|fiscal_)?(?:quarter|qtr)(?:_number|_num|_no|_of_year|_actual)?", "quarter"),
    (r"(?:calendar_|fiscal_)?month(?:_number|_num|_no|_of_year|_actual)?|month_of_calendar", "month"),
    (r"(?:calendar_)?month_?(?:name|long|full)(?:_long|_full)?|name_of_month", "month_name"),
    (
        r"month_(?:short|abbr|abbreviation|abbreviated|name_short|name_abbr|short_name|name_abbreviated)|short_month",
        "month_short",
    ),
    (r"(?:iso_|calendar_)?week(?:_number|_num|_no|_of_year|_of_calendar)?", "week"),
    (r"day(?:_number|_num|_of_month|_in_month)?|dom|month_day", "day"),
    (
        r"(?:iso_)?day_of_(?:the_)?week(?:_iso|_number)?|weekday_(?:number|num|no)|dow|day_number_of_week|week_day",
        "day_of_week",
    ),
    (r"day_?(?:name|of_week_name|long|name_long)|weekday(?:_name)?|name_of_day|day_of_week_name", "day_name"),
    (r"day_(?:short|abbr|abbreviation|name_short|name_abbr|short_name)|weekday_short", "day_short"),
    (r"day_of_(?:the_)?year(?:_number)?|doy|julian_day|day_number_of_year", "day_of_year"),
    (r"(?:is_)?weekend(?:_flag|_ind|_indicator)?", "is_weekend"),
    (r"(?:is_)?(?:weekday|workday|working_day|business_day)(?:_flag|_ind|_indicator)?", "is_weekday"),
    (r"year_?month(?:_key|_name)?|month_?year|yyyymm|calendar_month_year|month_key|yearmonth", "year_month"),
    (r"year_?(?:quarter|qtr)|quarter_?(?:year|name)|yyyyq", "year_quarter"),
    (r"year_?week|week_?year|yyyyww", "year_week"),
    (
        r"(?:first_(?:day|date)_of_month|month_(?:start|begin)(?:_date|_day)?|start_of_month|first_of_month|month_date)",
        "first_of_month",
    ),
    (r"(?:last_(?:day|date)_of_month|month_end(?:_date|_day)?|end_of_month|eom|last_of_month)", "last_of_month"),
    (r"is_(?:month_end|last_day_of_month|end_of_month)|month_end_flag|last_day_in_month_indicator", "is_month_end"),
    (r"date_(?:text|name|description|long|string|full_name)|full_date_description|long_date|date_desc", "text"),
)
"""By the whole of a column's name: the part of the calendar that it holds; the first that fits."""
_KINDS = (TypeKind.INTEGER, TypeKind.TEXT, TypeKind.DATE, TypeKind.TIMESTAMP, TypeKind.BOOLEAN)
_NUMBERS = frozenset(["key", "year", "quarter", "month", "week", "day", "day_of_week", "day_of_year"])
_CHARACTERS = {"month_name": 9, "day_name": 9, "month_short": 3, "day_short": 3, "year_quarter": 7, "year_month": 7,
               "year_week": 8, "text": 17, "year": 4, "day": 2, "day_of_year": 3}  # fmt: skip
_AS_TEXT = {
    "month": "month_name",
    "day_of_week": "day_name",
    "quarter": "year_quarter",
    "week": "year_week",
    "key": "date",
}


def find_date_tables(sketches: Sketches) -> None:
    """Marks the tables of dates, gives them their days, and their columns what these say of a day."""
    for sketch in sketches:
        if _is_date_table(sketch):
            sketch.is_dates = True
            sketch.rows = _days(sketches)
            for column in sketch.table.columns:
                part = _part(sketch, column.name)
                if part:
                    sketch.decide(column.name, kinds.Calendar(part=part))
        elif day := _day_column(sketch):
            sketch.is_dates = True
            sketch.rows = DateRows(start=sketches.window.start, end=sketches.window.as_of)
            sketch.decide(day, kinds.Calendar(part="date"))


def _is_date_table(sketch: Sketch) -> bool:
    if isinstance(sketch.annotation.rows, DateRows):
        return True
    named = bool(_TABLE.search(snake(sketch.name.rpartition(".")[2]))) or sketch.about in ("date", "calendar", "day")
    parts = {part for column in sketch.table.columns if (part := _part(sketch, column.name))}
    keyed = len(sketch.key) == 1 and _part(sketch, sketch.key[0]) in ("key", "date")
    if sketch.annotation.rows is not None or (sketch.key and not keyed):
        return False
    return (named and bool(parts)) or (keyed and len(parts) >= 4)


def _day_column(sketch: Sketch) -> str | None:
    """The day, by which a table that depends on no other tells its rows apart, if by one."""
    if sketch.annotation.rows is not None or sketch.table.foreign_keys:
        return None
    for name in (*sketch.key, *sketch.table.column_names) if len(sketch.key) == 1 else ():
        kind = sketch.kind(name)
        is_day = kind is TypeKind.DATE or (kind is None and (sketch.read(name, None) or ("",))[0] == "date")
        if is_day and sketch.is_unique(name):
            return name
    return None


def _days(sketches: Sketches) -> DateRows:
    """Whole years that hold the simulated time, and what lies a little beyond its end, such as days of delivery."""
    window = sketches.window
    last = (window.as_of + dt.timedelta(days=31)).year
    return DateRows(start=dt.date(window.start.year, 1, 1), end=dt.date(last, 12, 31))


def _part(sketch: Sketch, column: str) -> str | None:
    name, kind = snake(column), sketch.kind(column)
    part = next((part for pattern, part in _PARTS if re.fullmatch(pattern, name)), None)
    if part is None and sketch.key == (column,):
        part = "date" if kind is TypeKind.DATE or (kind is None and name in ("date", "day")) else "key"
    if part is None or kind not in (None, *_KINDS):
        return None
    if kind is TypeKind.TEXT:
        written = _AS_TEXT.get(part, part)
        declared = sketch.table.column(column)
        length = declared.data_type.value.length if declared and declared.data_type else None
        return written if length is None or length >= _CHARACTERS.get(written, 10) else None
    if kind is TypeKind.INTEGER:
        return part if part in _NUMBERS or part.startswith("is_") else ("key" if part == "date" else None)
    if kind is TypeKind.BOOLEAN:
        return part if part.startswith("is_") else None
    if kind in (TypeKind.DATE, TypeKind.TIMESTAMP):
        return {"key": "date"}.get(part, part) if part in ("key", "date", "first_of_month", "last_of_month") else "date"
    return part
