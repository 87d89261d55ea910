"""What all kinds of generator share: their types of argument and their base class."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints

from seedbed.plan.calls import Call
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


def _clock(value: Any) -> str:
    try:
        return dt.time.fromisoformat(str(value)).replace(microsecond=0, tzinfo=None).isoformat()
    except ValueError:
        raise ValueError(f"{value!r} is no time of day; write '08:00' or '23:59:59'") from None


Duration = Annotated[str, BeforeValidator(_duration_text)]
"""A length of time as text: a number and one of s, m, h, d, w."""
Temporal = Annotated[dt.date | dt.datetime, BeforeValidator(_temporal)]
Clock = Annotated[str, BeforeValidator(_clock)]
Share = Annotated[float, Field(ge=0, le=1)]
Correlation = Annotated[float, Field(ge=-0.99, le=0.99)]
Positive = Annotated[float, Field(gt=0)]
Decimals = Annotated[int, Field(ge=0, le=12)]
Predicate = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000)]
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


class Generator(Call):
    """What every kind has: a share of nulls, and a condition outside which the value is null."""

    null: Share = 0.0
    """Share of rows that are null, between 0 and 1."""
    when: Predicate | None = None
    """SQL predicate over the row; where it does not hold, the value is null."""


class Drawn(Generator):
    """A kind whose value follows from one random number: the larger the number, the later in its order the value."""

    correlated: dict[str, Correlation] = Field(default={})
    """Rank correlations (Spearman's) with columns of the row that are drawn too: `{'income': 0.6}`."""


def check_weights(weights: Mapping[Scalar, float]) -> None:
    if sum(weights.values()) <= 0:
        raise ValueError("every weight is 0; at least one must be more")


def check_order(low: Any, high: Any) -> None:
    if low > high:
        raise ValueError(f"the lower bound {low} is above the upper bound {high}")
