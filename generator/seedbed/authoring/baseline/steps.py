"""The steps that a row's moments tell of: their order, and how long after the one before each of them is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from seedbed.authoring.baseline.names import LASTING
from seedbed.authoring.baseline.prose import NOTHING
from seedbed.authoring.baseline.sketch import Sketch, tokens
from seedbed.authoring.baseline.stages import PLANNED, is_an_end, is_over, named_stage, place_of_state
from seedbed.authoring.baseline.values import read_column
from seedbed.schema import Column, TypeKind

_STEPS: tuple[tuple[int, str, str], ...] = (
    (
        10,
        "1d",
        "created ordered order placed opened submitted received registered signup signed requested booked joined "
        "issued enrolled applied reported occurred purchased purchase subscribed sent incurred loss accident "
        "raised incident sale measured recorded posted invoice transaction event invoiced application filed hired "
        "hire open",
    ),
    (
        15,
        "2d",
        "start started begin began effective from checkin checked admitted admission pickup inception scheduled",
    ),
    (
        20,
        "1d",
        "approved confirmed accepted authorized assigned response acknowledged triaged reviewed verified validated",
    ),
    (
        30,
        "2d",
        "departed departure paid payment captured processed packed picked shipped ship shipping dispatched dispatch "
        "charged",
    ),
    (
        40,
        "4d",
        "delivered delivery arrived arrival fulfilled decided settled graded discharged decision settlement",
    ),
    (
        50,
        "8d",
        "closed close ended end cancelled canceled cancellation "
        "stop stopped finish cancel returned return refunded termination terminated churned withdrawn rejected until "
        "to checkout dropoff ends cleared graduated graduation retired decommissioned left exit",
    ),
    (
        48,
        "8d",
        "resolved solved completed completion finished",
    ),
    (
        45,
        "10d",
        "dropped",
    ),
    (
        60,
        "10d",
        "updated modified changed login seen activity last touched",
    ),
    (
        70,
        "30d",
        "due expires expired expiry expiration renewal estimated promised maturity next target required expected",
    ),
)
"""Place in the order of events, usual delay after the step before, and the words of a name that tell it."""
_BY_WORD = {word: (rank, delay) for rank, delay, words in _STEPS for word in words.split()}
_UNKNOWN, _LAST, UPDATED, FUTURE = 12, 55, 60, 70
_AGREEMENT, PAID, _DEPARTED, DONE = 14, 30, 42, (40, 48, 50)
MOST_DELAY = {"1d": "4d", "2d": "6d", "4d": "10d", "8d": "20d", "10d": "20d", "30d": "60d", "90d": "150d",
               "30s": "5m", "10m": "40m", "900d": "3000d", "300d": "900d", "40m": "4h"}  # fmt: skip
BRIEF = re.compile(
    r"(?:^|_)(?:appointment|call|class|conversation|consultation|exam|execution|flight|interview|job_run|lesson|login|"
    r"meeting|ride|run|session|shift|stop|stream|trip|visit)$"
)
"""What tables are about whose rows begin and end on the same day."""
_HALT = re.compile(r"(?:^|_)(?:stop|stopover|port_call|layover)$")
"""What tables are about where one arrives before one departs."""
CANCELLED = frozenset(["cancelled", "canceled", "cancellation"])
_AGREED = frozenset(["approved", "confirmed", "decided", "decision"])
"""Words for what comes before an absence or a stay begins."""
_INSTANT = re.compile(r"(?:^|_)(?:reading|measurement|ping|telemetry|observation|sample|click|pageview|log)$")
"""What tables are about whose rows are over in a moment."""
_ABSENT = re.compile(r"(?:^|_)(?:absence|leave|leave_request|vacation|holiday|stay|trip|booking|reservation|rental)$")
_SEASON = re.compile(r"(?:^|_)(?:term|semester|trimester|season|campaign|project|programme?|sprint|cohort)$")


@dataclass(frozen=True, slots=True)
class Step:
    """A column that holds a moment, and its place in the order of events."""

    rank: int
    index: int
    column: Column
    delay: str
    filled: bool
    """Whether the project says that it is never null."""


def _pace(sketch: Sketch, column: Column, rank: int, delay: str) -> str:
    """How long it takes to the end of a thing like this: a call minutes, a contract a year."""
    if _INSTANT.search(sketch.about) and rank < UPDATED and has_time(sketch, column):
        return "30s"
    named = named_stage(sketch, column.name) if rank == _UNKNOWN and LASTING.search(sketch.about) else None
    if named and is_an_end(named):
        return "300d"
    if rank not in (*DONE, _DEPARTED):
        return delay
    if BRIEF.search(sketch.about) and has_time(sketch, column):
        return "40m"
    if _ABSENT.search(sketch.about):
        return "4d"
    if rank in DONE[1:] and ("period" in tokens(column.name) or _SEASON.search(sketch.about)):
        return "30d" if "period" in tokens(column.name) else "90d"
    valid = {"valid", "effective", "validity"} & set(tokens(column.name))
    return "300d" if rank in DONE[1:] and (valid or LASTING.search(sketch.about)) else delay


def in_order_of_states(sketch: Sketch, steps: list[Step]) -> list[Step]:
    """The steps, of which those that are named after states stand in the order in which these are listed."""
    places = {
        step.index: place
        for step in steps
        if step.rank < UPDATED and tokens(step.column.name)[0] not in PLANNED
        if (place := place_of_state(sketch, step.column.name)) is not None
    }
    named = iter(sorted((step for step in steps if step.index in places), key=lambda step: places[step.index]))
    return [next(named) if step.index in places else step for step in steps]


def has_time(sketch: Sketch, column: Column) -> bool:
    """Whether a column holds a moment of a day, rather than a day."""
    kind = sketch.kind(column.name)
    return kind in (TypeKind.TIMESTAMP, TypeKind.TIMESTAMP_TZ) or (
        kind is None and family_of(sketch, column) == "moment"
    )


def step_of(sketch: Sketch, index: int, column: Column) -> Step:
    """The step that a column tells of, by its name, else by its description."""
    words, (rank, delay) = set(tokens(column.name)), rank_of(column)
    if rank < _LAST and is_over(sketch.prose.get(column.name, NOTHING)) and not words & _BY_WORD.keys():
        rank, delay = _LAST, "8d"
    if _ABSENT.search(sketch.about) and _AGREED & words:
        rank, delay = _AGREEMENT, "1d"
    if _HALT.search(sketch.about) and {"departed", "departure"} & words:
        rank = _DEPARTED
    return Step(rank, index, column, _pace(sketch, column, rank, delay), sketch.must_be_filled(column.name))


def rank_of(column: Column) -> tuple[int, str]:
    """The place of a column's moment in the order of events, and the usual delay after the step before."""
    found = [_BY_WORD[word] for word in tokens(column.name) if word in _BY_WORD]
    return max(found, key=lambda item: item[0], default=(_UNKNOWN, "1d"))


def days_of(text: str) -> int:
    """A delay in whole days; 1 if it is shorter."""
    return int(text.removesuffix("d")) if text.endswith("d") else 1


def family_of(sketch: Sketch, column: Column) -> str:
    """The family of values that a column's name suggests; a day where it says nothing."""
    found = read_column(sketch, column)
    return found[0] if found else "date"
