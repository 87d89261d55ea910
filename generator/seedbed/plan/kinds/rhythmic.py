"""What every kind of day or moment can say of its rhythm."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from seedbed.errors import closest
from seedbed.plan.rhythm import MONTHS, WEEKDAYS, Rhythm

BUSINESS = Rhythm((1.0,) * 5 + (0.0,) * 2, hours=tuple(float(8 <= hour < 18) for hour in range(24)))
"""Monday to Friday, 8 to 18 o'clock."""
_BUSINESS_DAYS = {"sat": 0.0, "sun": 0.0}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip


def _named(names: Sequence[str], written_out: Sequence[str], spoken: str) -> Callable[[Any], Any]:
    known = {**dict(zip(names, names, strict=True)), **dict(zip(written_out, names, strict=True))}

    def read(value: Any) -> Any:
        """Weights by the short form of a name, which may be written out; a weight of 1 says nothing."""
        if not isinstance(value, dict):
            return value
        read: dict[str, Any] = {}
        for key, weight in value.items():
            name = known.get(str(key).casefold())
            if name is None:
                meant = closest(str(key), known, "; did you mean {}?") or ";"
                raise ValueError(f"{key!r} is no {spoken}{meant} they are {', '.join(names)}, or written out")
            if name in read:
                raise ValueError(f"{key!r} stands twice; they are {', '.join(names)}, or written out")
            read[name] = weight
        return {name: weight for name, weight in read.items() if weight != 1}

    return read


def read_hours(value: Any) -> Any:
    """Weights by hour, which is a number or, as YAML's keys are, its text; a list gives each hour the same."""
    if isinstance(value, str):
        if value not in ("any", "business"):
            raise ValueError(f"{value!r} are no hours; write 'any', 'business' or weights: {{9: 2, 10: 1}}")
        return value
    weights = dict.fromkeys(value, 1.0) if isinstance(value, list | tuple) else value
    if not isinstance(weights, dict):
        return weights
    read: dict[int, Any] = {}
    for hour, weight in weights.items():
        number = str(hour) if not isinstance(hour, bool) else ""
        if not number.isdecimal() or int(number) > 23 or int(number) in read:
            told = "stands twice" if number.isdecimal() and int(number) in read else "is no hour"
            raise ValueError(f"{hour!r} {told}; they are the numbers from 0 to 23")
        read[int(number)] = weight
    return read


Weight = Annotated[float, Field(ge=0, lt=1e9)]
HourWeights = dict[int, Weight]


class DayRhythm(BaseModel):
    """How the days between two ends differ."""

    model_config = ConfigDict(defer_build=True)  # as every `Call`

    weekdays: Annotated[dict[str, Weight], BeforeValidator(_named(WEEKDAYS, _WEEKDAYS, "day of the week"))] = {}
    """Weights of weekdays against the others' 1: `{'sat': 0.3, 'sun': 0}`."""
    months: Annotated[dict[str, Weight], BeforeValidator(_named(MONTHS, _MONTHS, "month"))] = {}
    """Weights of a day in these months against the others' 1: `{'nov': 1.3, 'dec': 1.8}`."""
    growth: Annotated[float, Field(gt=-1, le=10)] = 0.0
    """How much busier a day is than the day a year before: 0.2 is 20% a year, compounded."""

    @property
    def rhythm(self) -> Rhythm | None:
        """What was said, or None when all days are alike."""
        if not (self.weekdays or self.months or self.growth):
            return None
        return _rhythm(self, {}, Rhythm().hours)


class MomentRhythm(DayRhythm):
    """How the days between two ends differ, and the hours of a day."""

    hours: Annotated[Literal["any", "business"] | HourWeights, BeforeValidator(read_hours)] = "any"
    """`'business'` (Monday to Friday, 8 to 18 o'clock), or weights, hours not named having none: `{9: 2, 10: 1}`."""

    @property
    def rhythm(self) -> Rhythm | None:
        """What was said, or None when all days and hours are alike."""
        if self.hours == "any":
            return super().rhythm
        if self.hours == "business":
            return _rhythm(self, _BUSINESS_DAYS, BUSINESS.hours)
        return _rhythm(self, {}, hours_of(self.hours))


def hours_of(weights: Mapping[int, float]) -> tuple[float, ...]:
    """The weight of each of the 24 hours."""
    return tuple(weights.get(hour, 0.0) for hour in range(24))


def _rhythm(said: DayRhythm, unsaid: dict[str, float], hours: tuple[float, ...]) -> Rhythm:
    weekdays = {**unsaid, **said.weekdays}
    return Rhythm(
        tuple(weekdays.get(name, 1.0) for name in WEEKDAYS),
        tuple(said.months.get(name, 1.0) for name in MONTHS),
        said.growth,
        hours,
    )
