"""The kinds of generator: how one column's values can arise, with the parameters of each and their units.

A closed set: the classes of this module, in `KINDS`. Each validates its arguments and writes itself as the
short string that stands in a plan; `generators.py` reads such a string.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from seedbed.schema import Scalar

MAX_VALUES = 1_000


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(s|m|h|d|w)\s*$")


def parse_duration(value: Any) -> float:
    """Seconds of a duration such as `'36h'` or `'3d'`; units are s, m, h, d, w. A bare number counts days.

    Raises:
        ValueError: the text is no duration, or is not positive.
    """
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not a duration; write for example '3d' or '36h'")
    if isinstance(value, int | float):
        seconds = float(value) * 86400
    else:
        match = _DURATION.match(str(value))
        if not match:
            raise ValueError(f"{value!r} is not a duration; write for example '3d', '36h', '90m', '45s' or '2w'")
        seconds = float(match[1]) * _UNITS[match[2]]
    if not 0 < seconds < 86400 * 365_000:
        raise ValueError(f"a duration must be more than nothing and less than a thousand years, not {value!r}")
    return seconds


def _duration_text(value: Any) -> str:
    parse_duration(value)
    return str(value) if isinstance(value, str) else f"{value:g}d"


def _temporal(value: Any) -> dt.date | dt.datetime:
    if isinstance(value, dt.date):
        return value
    text = str(value)
    try:
        return dt.date.fromisoformat(text) if len(text) <= 10 else dt.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{value!r} is not a date; write '2026-01-31' or '2026-01-31 08:00:00'") from None


def _identifier_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Duration = Annotated[str, BeforeValidator(_duration_text)]
"""A length of time as text: a number and one of s, m, h, d, w."""
Temporal = Annotated[dt.date | dt.datetime, BeforeValidator(_temporal)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Decimals = Annotated[int, Field(ge=0, le=12)]
Predicate = Annotated[str, AfterValidator(str.strip), Field(min_length=1, max_length=2_000)]
"""A row-local SQL predicate over the row's own columns."""


def _weights(value: Any) -> Any:
    if isinstance(value, list | tuple):
        duplicates = {item for item in value if list(value).count(item) > 1} if len(value) <= MAX_VALUES else ()
        if duplicates:
            raise ValueError(f"{sorted(map(repr, duplicates))[0]} stands twice among the values")
        return dict.fromkeys(value, 1.0)
    return value


Weights = Annotated[
    dict[Scalar, Annotated[float, Field(ge=0, lt=1e15)]],
    BeforeValidator(_weights),
    Field(min_length=1, max_length=MAX_VALUES),
]
"""Values with weights; a list gives every value the same weight."""


class Generator(BaseModel):
    """What every kind has: a share of nulls, and a condition outside which the value is null."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)
    kind: ClassVar[str]
    positional: ClassVar[tuple[str, ...]] = ()

    null: Share = 0.0
    """Share of rows that are null, between 0 and 1."""
    when: Predicate | None = None
    """SQL predicate over the row; where it does not hold, the value is null."""

    def __str__(self) -> str:
        return format_generator(self)

    @model_validator(mode="after")
    def _consistent(self) -> Generator:
        self.check()
        return self

    def check(self) -> None:
        """Raises ValueError when arguments that are each valid do not fit together."""


# --- values that need no other row ---------------------------------------------------------------------------


class Constant(Generator):
    """The same value in every row; `constant(null)` leaves the column empty."""

    kind = "constant"
    positional = ("value",)
    value: Scalar | None


class Sequence(Generator):
    """Whole numbers `start, start + step, ...` in row order: unique."""

    kind = "sequence"
    positional = ("start", "step")
    start: Annotated[int, Field(ge=-(2**62), le=2**62)] = 1
    step: Annotated[int, Field(ge=1, le=10**9)] = 1


class Uuid(Generator):
    """A version-4 UUID as text, lower case with hyphens (RFC 9562): unique."""

    kind = "uuid"


class HashKey(Generator):
    """32 hexadecimal digits, as `dbt_utils.generate_surrogate_key` makes them: unique."""

    kind = "hash_key"


class Pattern(Generator):
    """Text made from a template, for example `CASE-{yyyy}-{n:06}` or `{letters:2}{digits:6}`.

    `{n}` is the row's number, `{n:06}` padded with zeros; `{shuffled:06}` is that number in a scattered
    order without repeats; `{yyyy}` the year of the table's first date, else of the as-of date;
    `{digits:k}`, `{letters:k}`, `{LETTERS:k}`, `{hex:k}`, `{alnum:k}` are k random characters.
    Unique when it holds `{n}` or `{shuffled}`.
    """

    kind = "pattern"
    positional = ("template",)
    template: Annotated[str, Field(min_length=1, max_length=200)]

    TOKENS: ClassVar[re.Pattern[str]] = re.compile(
        r"\{(n|shuffled|yyyy|digits|letters|LETTERS|hex|alnum)(?::(0?\d{1,2}))?\}"
    )

    @property
    def unique(self) -> bool:
        return any(token[0] in ("n", "shuffled") for token in self.TOKENS.findall(self.template))

    def check(self) -> None:
        rest = self.TOKENS.sub("", self.template)
        if "{" in rest or "}" in rest:
            raise ValueError(
                f"{self.template!r} has a brace that starts no known token; known are "
                "{n}, {n:06}, {shuffled:06}, {yyyy}, {digits:k}, {letters:k}, {LETTERS:k}, {hex:k}, {alnum:k}"
            )


class Each(Generator):
    """The values in turn, one a row, starting over when they run out; unique while rows are no more than values."""

    kind = "each"
    positional = ("values",)
    values: Annotated[tuple[Scalar, ...], Field(min_length=1, max_length=MAX_VALUES)]


class Choice(Generator):
    """One of some values: `choice(['a', 'b'])`, or with weights `choice({'a': 70, 'b': 30})`."""

    kind = "choice"
    positional = ("values",)
    values: Weights

    def check(self) -> None:
        _check_weights(self.values)


class ChoiceBy(Generator):
    """One of some values, with weights that depend on another column: `choice_by('country', {'DE': {...}})`.

    A value of that column without a case of its own takes the case `otherwise`; without one it is an error.
    """

    kind = "choice_by"
    positional = ("column", "cases")
    column: str
    cases: Annotated[dict[Scalar, Weights], Field(min_length=1, max_length=200)]
    otherwise: Weights | None = None

    def check(self) -> None:
        for weights in (*self.cases.values(), *((self.otherwise,) if self.otherwise else ())):
            _check_weights(weights)


def _check_weights(weights: Mapping[Scalar, float]) -> None:
    if sum(weights.values()) <= 0:
        raise ValueError("every weight is 0; at least one must be more")


class Integer(Generator):
    """Whole numbers from `min` to `max`, both included, all as likely."""

    kind = "integer"
    positional = ("min", "max")
    min: Annotated[int, Field(ge=-(2**62), le=2**62)]
    max: Annotated[int, Field(ge=-(2**62), le=2**62)]

    def check(self) -> None:
        _check_order(self.min, self.max)


class _Number(Generator):
    decimals: Decimals = 2
    """Digits after the point; the value is rounded to them."""
    min: float | None = None
    """Lower bound; the distribution is cut there, not heaped up."""
    max: float | None = None
    """Upper bound; the distribution is cut there, not heaped up."""

    def check(self) -> None:
        if self.min is not None and self.max is not None:
            _check_order(self.min, self.max)


class Uniform(_Number):
    """Numbers between `min` and `max`, all as likely."""

    kind = "uniform"
    positional = ("min", "max")
    min: float
    max: float


class Normal(_Number):
    """Normally distributed numbers with mean `mean` and standard deviation `sd`."""

    kind = "normal"
    positional = ("mean", "sd")
    mean: float
    sd: Positive


class Lognormal(_Number):
    """Numbers whose logarithm is normal: `median` in the column's unit, `sigma` of the logarithm."""

    kind = "lognormal"
    positional = ("median", "sigma")
    median: Positive
    sigma: Annotated[float, Field(gt=0, le=5)]


class Exponential(_Number):
    """Exponentially distributed numbers with mean `mean`."""

    kind = "exponential"
    positional = ("mean",)
    mean: Positive


class Poisson(Generator):
    """Counts with mean `mean` (Poisson); `min` and `max` cut the distribution."""

    kind = "poisson"
    positional = ("mean",)
    mean: Annotated[float, Field(gt=0, le=1_000_000)]
    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int, Field(ge=0)] | None = None

    def check(self) -> None:
        if self.max is not None:
            _check_order(self.min, self.max)


class Zipf(Generator):
    """Ranks 1..`max`, rank k with weight k ** -`exponent`."""

    kind = "zipf"
    positional = ("exponent", "max")
    exponent: Annotated[float, Field(gt=0, le=10)]
    max: Annotated[int, Field(ge=1, le=10_000_000)]


class Boolean(Generator):
    """True in a share `p` of the rows."""

    kind = "boolean"
    positional = ("p",)
    p: Share = 0.5


class Date(Generator):
    """A date from `start` to `end`, both included."""

    kind = "date"
    positional = ("start", "end")
    start: Temporal
    end: Temporal

    def check(self) -> None:
        _check_order(self.start, self.end)


class Timestamp(Generator):
    """A moment from `start` to `end`, to the second; `hours='business'` keeps to weekdays, 8 to 18 o'clock."""

    kind = "timestamp"
    positional = ("start", "end")
    start: Temporal
    end: Temporal
    hours: Literal["any", "business"] = "any"

    def check(self) -> None:
        _check_order(_as_datetime(self.start), _as_datetime(self.end))


class Fake(Generator):
    """A person, company, address or internet value of the plan's locale, from the library Faker.

    Columns of one row that are drawn from the same person agree: the e-mail address is made of the name.
    `unique` adds what is needed to tell rows apart.
    """

    kind = "fake"
    positional = ("what",)
    what: Literal[
        "first_name", "last_name", "full_name", "email", "username", "phone", "company", "job", "street", "city",
        "region", "postal_code", "country", "country_code", "address", "latitude", "longitude", "url", "domain",
        "ipv4", "user_agent", "iban", "currency_code", "color", "word", "sentence", "paragraph", "product",
        "department",
    ]  # fmt: skip
    unique: bool = False
    locale: str | None = None
    """A locale such as `de_DE`, when it is not the plan's."""


# --- values that follow from the row, its parents or its children --------------------------------------------


class Template(Generator):
    """Text with the row's other columns in braces: `'{first_name} {last_name}'`; null when one of them is null."""

    kind = "template"
    positional = ("template",)
    template: Annotated[str, Field(min_length=1, max_length=500)]

    FIELDS: ClassVar[re.Pattern[str]] = re.compile(r"\{([^{}]+)\}")

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.FIELDS.findall(self.template)))


class Sql(Generator):
    """A row-local DuckDB expression over the row's columns: `sql('quantity * unit_price')`."""

    kind = "sql"
    positional = ("expression",)
    expression: Annotated[str, Field(min_length=1, max_length=2_000)]


class Copy(Generator):
    """A value of the row that a foreign key refers to: `copy('customer_id.country')`.

    The part before the dot is the foreign key's column, or the parent table where only one key leads there.
    """

    kind = "copy"
    positional = ("path",)
    path: Annotated[str, Field(pattern=r"^[^.]+(\.[^.]+)+$")]


class After(Generator):
    """Later than `column` (of this row, or `key.column` of a parent) by a random delay.

    Give `median` and `sigma` for a lognormal delay, `mean` for an exponential one, or `min` and `max` for an
    even one; `min` and `max` otherwise cut it. Null where `column` is null. With `known=true` a moment past
    the as-of date has not happened yet, and is null.
    """

    kind = "after"
    positional = ("column",)
    column: str
    median: Duration | None = None
    sigma: Annotated[float, Field(gt=0, le=5)] = 0.8
    mean: Duration | None = None
    min: Duration | None = None
    max: Duration | None = None
    known: bool = False

    def check(self) -> None:
        if self.median and self.mean:
            raise ValueError("give median or mean, not both")
        if not (self.median or self.mean or self.max):
            raise ValueError("give the delay: median='2d', mean='2d', or min='1h', max='3d'")
        if self.min and self.max:
            _check_order(parse_duration(self.min), parse_duration(self.max))


class Calendar(Generator):
    """An attribute of a date: of `of`, or of the row's own day in a table whose rows are `dates(...)`.

    `key` is the date as the number yyyymmdd.
    """

    kind = "calendar"
    positional = ("part", "of")
    part: Literal[
        "key", "date", "year", "quarter", "month", "month_name", "month_short", "week", "day", "day_of_week",
        "day_name", "day_short", "day_of_year", "is_weekend", "is_weekday", "year_month", "year_quarter", "year_week",
        "first_of_month", "last_of_month", "is_month_end", "text",
    ]  # fmt: skip
    of: str | None = None


class Ordinal(Generator):
    """The row's place among its siblings, the rows of one driving parent row: `start`, `start + 1`, ..."""

    kind = "ordinal"
    positional = ("start",)
    start: int = 1


class Rollup(Generator):
    """An aggregate over the children of the row: `rollup('order_line', 'sum', 'line_total')`; 0 where there are none.

    With `count`, no column is given; `min`, `max` and `mean` are null where there are no children.
    """

    kind = "rollup"
    positional = ("table", "aggregate", "column")
    table: str
    aggregate: Literal["sum", "count", "min", "max", "mean"]
    column: str | None = None

    def check(self) -> None:
        if (self.column is None) != (self.aggregate == "count"):
            raise ValueError("count takes no column; sum, min, max and mean take one")


# --- keys to other tables ------------------------------------------------------------------------------------


class ForeignKey(Generator):
    """The key of a row of `parent`.

    All columns of a composite foreign key name the same `parent` and `role`. `column` is the parent's column,
    when it is not the key's only one. How the parent is found: as the driving row, when the table's rows are
    `per` that parent; else drawn, evenly or by `zipf`; with `min`/`max` children for every parent row;
    `distinct` among the siblings of one driving row, so that pairs are unique; `unique` over the table;
    `roots` top rows of a tree (a table that refers to itself); `via` a foreign key of this row that leads to
    a row which has the wanted parent.
    """

    kind = "foreign_key"
    positional = ("parent", "column")
    parent: str
    column: str | None = None
    role: str | None = None
    """Names the reference, when two of them lead to the same parent."""
    zipf: Annotated[float, Field(gt=0, le=5)] | None = None
    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int, Field(ge=1)] | None = None
    distinct: bool = False
    unique: bool = False
    roots: Annotated[int, Field(ge=1)] | None = None
    via: str | None = None

    def check(self) -> None:
        if self.max is not None:
            _check_order(self.min, self.max)
        chosen = [self.zipf, self.distinct, self.unique, self.roots, self.via, self.min or self.max]
        if sum(map(bool, chosen)) > 1:
            raise ValueError("zipf, distinct, unique, roots, via and min/max exclude each other")


class DateKey(Generator):
    """The key of the day that `of` falls on, in the date table `parent`; null where `of` is null.

    `of` is another column of the row: a date, a timestamp or, in a history, one of its ends.
    """

    kind = "date_key"
    positional = ("parent", "of")
    parent: str
    of: str


class Version(Generator):
    """The version of history `table` that is valid at the row's moment `at`, by its key `column`.

    The entity is the row that the table's own foreign key to the history's entity refers to.
    """

    kind = "version"
    positional = ("table", "at", "column")
    table: str
    at: str
    column: str | None = None


class During(Generator):
    """A moment in the life of the entity of a lifecycle: after its start, not after its end or the as-of date.

    A row whose moment lies past the as-of date does not exist yet; it appears in a later run.
    """

    kind = "during"
    positional = ("lifecycle",)
    lifecycle: str


class Lifecycle(Generator):
    """What a lifecycle says of the entity in this row: its current `state`, when it `started`, when it `ended`
    (null while under way), since when it `entered` the current state, or how many `versions` it has.
    """

    kind = "lifecycle"
    positional = ("lifecycle", "part")
    lifecycle: str
    part: Literal["state", "started", "ended", "entered", "versions"]


KINDS: Mapping[str, type[Generator]] = {
    cls.kind: cls
    for cls in (
        Constant, Sequence, Uuid, HashKey, Pattern, Each, Choice, ChoiceBy, Integer, Uniform, Normal, Lognormal,
        Exponential, Poisson, Zipf, Boolean, Date, Timestamp, Fake, Template, Sql, Copy, After, Calendar, Ordinal,
        Rollup, ForeignKey, DateKey, Version, During, Lifecycle,
    )
}  # fmt: skip
"""Every kind of generator by the name that it has in a plan."""

COUNT_KINDS = ("constant", "poisson", "choice", "integer", "boolean", "zipf")
"""The kinds that can say how many children a row has."""


def format_generator(generator: Generator) -> str:
    """The string of a generator, which `parse_generator` reads back to an equal one."""
    parts = []
    fields = type(generator).model_fields
    values = {
        name: getattr(generator, name)
        for name, info in fields.items()
        if info.is_required() or getattr(generator, name) != info.default
    }
    for name in generator.positional:
        if name not in values:
            break
        parts.append(_format_literal(values.pop(name)))
    parts.extend(f"{name}={_format_literal(value)}" for name, value in values.items())
    return f"{generator.kind}({', '.join(parts)})"


def _format_literal(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, dt.date):
        return repr(value.isoformat(" ") if isinstance(value, dt.datetime) else value.isoformat())
    if isinstance(value, dict):
        if value and all(item == 1 for item in value.values()):
            return "[" + ", ".join(_format_literal(key) for key in value) + "]"
        return "{" + ", ".join(f"{_format_literal(key)}: {_format_literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_format_literal(item) for item in value) + "]"
    return repr(value)


def _check_order(low: Any, high: Any) -> None:
    if low > high:
        raise ValueError(f"the lower bound {low} is above the upper bound {high}")


def _as_datetime(value: dt.date | dt.datetime) -> dt.datetime:
    return value if isinstance(value, dt.datetime) else dt.datetime(value.year, value.month, value.day)
