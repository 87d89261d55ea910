"""The generators of ordinary columns: what is declared first, then what prose says, then what the name suggests."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable
from typing import Literal

from seedbed.authoring.baseline.formats import code_template, drawn, fits, template_of_regex, whole_digits
from seedbed.authoring.baseline.names import FITS, read_name, snake
from seedbed.authoring.baseline.prose import NOTHING, Prose
from seedbed.authoring.baseline.sketch import TEMPORAL, Sketch, Sketches
from seedbed.authoring.baseline.stages import likely_moves, names_a_status, stage_of
from seedbed.authoring.baseline.titles import name_things
from seedbed.authoring.baseline.weights import weigh
from seedbed.errors import Severity
from seedbed.plan import kinds
from seedbed.plan.transitions import END
from seedbed.schema import Column, Range, Scalar, TypeKind

_NUMERIC = (TypeKind.INTEGER, TypeKind.DECIMAL, TypeKind.FLOAT)
_WHOLE = kinds.Integer(min=0, max=1)
_UNLISTED = (*TEMPORAL, TypeKind.TIME, TypeKind.UUID, TypeKind.JSON, TypeKind.BINARY)
_BY_FAMILY = {
    "boolean": "boolean(0.3)",
    "integer": "poisson(3)",
    "moment": "timestamp('<start>', '<as_of>')",
    "date": "date('<start>', '<as_of>')",
}
"""What a description alone tells of values by saying of which family they are."""
_MOMENT_NAMES = ("date", "moment")
_NULLS = (
    (r"(?:^|_)(?:middle_name|nickname|maiden_name|fax|fax_number|second\w*_phone|alternat\w+)$", 0.6),
    (r"(?:^|_)(?:comments?|notes?|remarks?|feedback|memo|internal_note|review_text)$", 0.4),
)
"""Columns that are naturally empty in part, by name."""
_ABOUT_A_STEP = re.compile(
    r"_(?:reason|by|note|notes|comment|comments|remark|remarks)$|^(?:failure|error|decline|cancel\w*)_(?:code|message)$"
)
"""Names of what is said about a step, which is empty until the step is taken: why it was cancelled, by whom."""
_PLACE = re.compile(
    r"(?:\w+_)?(?:line|row|item|seq|sequence|step|leg|stop|position)_(?:no|nr|num|number|idx|index|seq|sequence)"
    r"|seq|sequence|ordinal|(?:attempt|retry|revision|instal+ment|round|iteration)_(?:no|nr|num|number)"
    r"|(?:sort|display|step|item|line|stop)_order|(?:line|sequence|position|place|index|number)_(?:in|within)_\w+"
)
"""Names of a row's place among its siblings."""
_MOVED = re.compile(r"(?:(?:from|old|previous|prior)|(?P<to>to|new|next))_(?:status|state|stage)")
_LENGTHS = {
    "first_name": 12, "last_name": 14, "full_name": 28, "email": 45, "username": 24, "phone": 24, "company": 40,
    "job": 60, "street": 40, "city": 26, "region": 26, "postal_code": 10, "country": 52, "country_code": 2,
    "address": 90, "url": 60, "domain": 40, "ipv4": 15, "user_agent": 160, "iban": 34, "currency_code": 3, "color": 12,
    "word": 14, "sentence": 110, "paragraph": 330, "product": 42, "department": 24,
}  # fmt: skip
"""Characters that the longest texts of each kind need."""
_RESERVED = frozenset(
    ["all", "and", "any", "as", "asc", "case", "cast", "check", "column", "default", "desc", "distinct", "else", "end",
     "for", "from", "group", "having", "in", "into", "limit", "not", "null", "offset", "on", "or", "order", "primary",
     "references", "select", "some", "table", "then", "to", "union", "unique", "user", "using", "when", "where", "with"]
)  # fmt: skip
_FAR = 7
"""Standard deviations beyond which there is nothing."""
_BOUND = re.compile(r"\s*\"?(\w+)\"?\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)\s*")
_BETWEEN = re.compile(r"\s*\"?(\w+)\"?\s+between\s+(-?\d+(?:\.\d+)?)\s+and\s+(-?\d+(?:\.\d+)?)\s*", re.I)


def plan_values(sketches: Sketches) -> None:
    """Decides every column that is no key, no moment and no part of a process."""
    for sketch in sketches:
        # What is listed first: conditions of others may speak of it.
        for column in sorted(sketch.free(), key=lambda column: not _is_listed(sketch, column)):
            if _is_place(sketches, sketch, column):
                sketch.decide(column.name, kinds.Ordinal())
            elif not is_moment(sketch, column) and not _leads_to_dates(sketches, sketch, column):
                sketch.decide(column.name, decide_value(sketches, sketch, column))


def _is_place(sketches: Sketches, sketch: Sketch, column: Column) -> bool:
    """Whether a column is a row's place among the rows of its parent: `line_no`, `position`, `sequence_in_order`."""
    name, kind, parent = snake(column.name), sketch.kind(column.name), sketches.find(sketch.per)
    said = column.accepted_values or column.value_range or sketch.prose.get(column.name, NOTHING).template
    if parent is None or sketch.history or said or kind not in (None, TypeKind.INTEGER):
        return False
    is_part = kind is TypeKind.INTEGER or sketch.about.startswith(f"{parent.about}_")
    own = re.escape(sketch.about.rpartition("_")[2])
    return bool(
        _PLACE.fullmatch(name)
        or (is_part and re.fullmatch(rf"position|index|idx|step|{own}_(?:no|nr|num|number|seq|index|order)", name))
    )


def _is_listed(sketch: Sketch, column: Column) -> bool:
    return bool(column.accepted_values or sketch.prose.get(column.name, NOTHING).values)


def _leads_to_dates(sketches: Sketches, sketch: Sketch, column: Column) -> bool:
    link = sketch.link(column.name)
    parent = sketches.find(link.parent) if link else None
    return parent is not None and parent.is_dates and parent is not sketch


def is_moment(sketch: Sketch, column: Column) -> bool:
    """Whether a column holds a day or a moment: by its type, a link to a table of dates, its prose or its name."""
    kind = sketch.kind(column.name)
    if kind in TEMPORAL:
        return True
    if kind not in (None, TypeKind.INTEGER, TypeKind.TEXT) or column.accepted_values:
        return False
    if kind is TypeKind.TEXT and _room(column) < 19:
        return False
    if sketch.prose.get(column.name, NOTHING).date_key:
        return True
    found = read_column(sketch, column)
    return found is not None and found[0] in _MOMENT_NAMES


def read_column(sketch: Sketch, column: Column) -> tuple[str, str] | None:
    """The family and the generator that a column's name suggests, or its description where the name is unsure."""
    kind, family = sketch.kind(column.name), sketch.prose.get(column.name, NOTHING).family
    found = sketch.read(column.name, kind)
    unsure = not _is_sure(found) or (family == "boolean" and kind is None and found is not None and found[0] != family)
    if family and unsure and (kind is None or kind in FITS[family]):
        return family, _BY_FAMILY[family]
    return found


def _room(column: Column) -> int:
    """How many characters a text column holds."""
    length = column.data_type.value.length if column.data_type else None
    return sys.maxsize if length is None else length


def decide_value(sketches: Sketches, sketch: Sketch, column: Column) -> kinds.Generator:
    """A valid generator for one column, and a note where nothing told what it holds."""
    if _is_to_be_null(sketch, column):
        return kinds.Constant(value=None)
    prose, kind = sketch.prose.get(column.name, NOTHING), sketch.kind(column.name)
    listed = _fitting(sketch.listed(column.name), kind)
    found = read_column(sketch, column)
    if found and kind is TypeKind.TEXT and _room(column) < {"date": 10, "moment": 19}.get(found[0], 0):
        found = None
    found = found or _name_in_prose(sketch, column)
    generator = _moved(sketches, sketch, column)
    if listed or column.accepted_values:
        generator = _choice(sketch, column, _held(listed or column.accepted_values.value), found)  # type: ignore[union-attr]
    if generator is None and column.matches:
        generator = _matching(sketches, sketch, column)
    if generator is None and prose.template and kind in (None, TypeKind.TEXT):
        generator = kinds.Pattern(template=drawn(prose.template))
    if generator is None and kind is TypeKind.INTEGER and (digits := whole_digits(prose.template)):
        generator = kinds.Integer(min=10 ** (digits - 1), max=10**digits - 1)
    if (
        generator is None
        and prose.meaning
        and kind in (None, TypeKind.TEXT, TypeKind.UUID)
        and not _is_surer(found, prose)
    ):
        generator = sketches.window.fill(prose.meaning)
    generator = generator or name_things(sketch, column, found)
    if generator is None and found is not None:
        generator = _as_type(_as_often(sketches.window.fill(found[1]), prose), kind)
    if isinstance(generator, kinds.Uniform) and generator.max > 1 and (prose.minimum, prose.maximum) == (0, 1):
        # As a fraction, what the name knows in percent.
        generator = kinds.Uniform(min=generator.min / 100, max=generator.max / 100, decimals=4)
    if generator is None and kind is None and (prose.minimum is not None or prose.maximum is not None):
        generator = kinds.Uniform(min=prose.minimum or 0, max=prose.maximum or 1000)
    if generator is None:
        generator = _by_type(sketches, sketch, column)
    if not column.accepted_values:
        generator = _within(sketch, column, generator)
    generator = _fit_text(sketch, column, generator)
    return _with_nulls(sketch, column, generator)


def _moved(sketches: Sketches, sketch: Sketch, column: Column) -> kinds.Generator | None:
    """Moves of the thing that a row is about, from one of its states to a next one: `old_status`, `new_status`."""
    match, parent = _MOVED.fullmatch(snake(column.name)), sketches.find(sketch.per)
    if match is None or parent is None or sketch.listed(column.name) or sketch.kind(column.name) in _UNLISTED:
        return None
    listed = (parent.listed(other.name) for other in parent.table.columns if names_a_status(other.name))
    states = next((states for states in listed if len(states) > 2), ())
    if not all(isinstance(state, str) for state in states):
        return None
    moves = {before: {after: p for after, p in to.items() if after != END} for before, to in _moves(states)}
    before = [
        other.name
        for other in sketch.table.columns
        if (same := _MOVED.fullmatch(snake(other.name))) and not same["to"] and not sketch.listed(other.name)
    ]
    if match["to"] and before and moves:
        return kinds.ChoiceBy(column=before[0], cases=moves)
    shown = list(states[1:] if match["to"] else moves)
    if len(shown) == 1:
        return kinds.Constant(value=shown[0])
    return kinds.Choice(values=dict.fromkeys(shown, 1.0)) if shown else None


def _moves(states: tuple[Scalar, ...]) -> Iterable[tuple[Scalar, dict[str, float]]]:
    return likely_moves([str(state) for state in states]).items() if states else ()


def _is_to_be_null(sketch: Sketch, column: Column) -> bool:
    tests = (test for test in sketch.table.data_tests if test.column == column.name and not test.conditional)
    return any(test.name.endswith("expect_column_values_to_be_null") for test in tests)


def _held(values: tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    """The values without blank ones, which dbt reads from a seed as null, where there are others."""
    return tuple(value for value in values if not isinstance(value, str) or value.strip()) or values


def _name_in_prose(sketch: Sketch, column: Column) -> tuple[str, str] | None:
    """What a description of a few words says, read as a name: "Remarks", "German postal code"."""
    said = column.description.value if column.description else ""
    words = re.split(r"[.,;:(]", said)[0].split()
    if not 0 < len(words) <= 4 or {word.lower() for word in words} & {
        "of",
        "and",
        "or",
        "in",
        "for",
        "per",
        "not",
        "number",
    }:
        return None
    found = read_name("_".join(words), "", sketch.kind(column.name))
    return found if _is_sure(found) or (found and found[1] == "fake('sentence')") else None


def _as_often(generator: kinds.Generator, prose: Prose) -> kinds.Generator:
    """True as often as the description says: "flagged by fraud detection (about 1%)"."""
    is_boolean = isinstance(generator, kinds.Boolean) and prose.share is not None
    return generator.model_copy(update={"p": prose.share}) if is_boolean else generator


# --- lists ---------------------------------------------------------------------------------------------------


def _fitting(values: Iterable[Scalar], kind: TypeKind | None) -> tuple[Scalar, ...]:
    """Values that prose or a test lists, in the column's type; none where they cannot be."""
    listed = tuple(values)
    if kind is TypeKind.TEXT:
        listed = tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in listed)
    words = any(isinstance(value, str) for value in listed)
    misfit = kind in _UNLISTED or (kind in _NUMERIC and words)
    if misfit or (kind is TypeKind.BOOLEAN and not all(isinstance(value, bool) for value in listed)):
        return ()
    return tuple(dict.fromkeys(listed))


def _choice(
    sketch: Sketch, column: Column, values: tuple[Scalar, ...], found: tuple[str, str] | None
) -> kinds.Generator:
    """One of the listed values, each as often as is usual."""
    if len(values) == 1:
        return kinds.Constant(value=values[0])
    weights = weigh(column.name, sketch.about, values[: kinds.MAX_VALUES], found)
    if all(isinstance(value, bool) for value in values):
        return kinds.Boolean(p=weights[True] / sum(weights.values()))
    return kinds.Choice(values=weights)


def _matching(sketches: Sketches, sketch: Sketch, column: Column) -> kinds.Generator | None:
    assert column.matches is not None
    template = template_of_regex(column.matches.value)
    if isinstance(template, tuple):
        return kinds.Choice(values=dict.fromkeys(template, 1.0))
    if template is not None and sketch.kind(column.name) in (None, TypeKind.TEXT):
        return kinds.Pattern(template=template)
    sketches.note(
        "pattern-not-understood",
        f"{sketch.name}.{column.name} must match {column.matches.value!r}, which is too involved to make texts from",
        column.matches.origin,
        "give the column an annotation config.meta.seedbed.generator such as pattern('AB-{digits:4}')",
        Severity.WARNING,
    )
    return None


def _is_sure(found: tuple[str, str] | None) -> bool:
    """Whether the name alone says enough; `fake('product')` is only what any name could be."""
    return found is not None and found[1] not in ("fake('product')", "fake('sentence')") and "pattern" not in found[1]


def _is_surer(found: tuple[str, str] | None, prose: Prose) -> bool:
    """Whether the name says more than the description: of a recipient, "the e-mail address" says more."""
    contact = prose.meaning in ("fake('email')", "fake('phone')") and found is not None
    return _is_sure(found) and not (contact and found[1] in ("fake('full_name')", "fake('company')"))  # type: ignore[index]


# --- types ---------------------------------------------------------------------------------------------------


def _as_type(generator: kinds.Generator, kind: TypeKind | None) -> kinds.Generator:
    """The generator in the column's type: true and false as 1 and 0 or Y and N, numbers without decimals."""
    match generator:
        case kinds.Boolean(p=p) if kind is TypeKind.INTEGER:
            return kinds.Choice(values={1: round(p * 100), 0: round(100 - p * 100)})
        case kinds.Boolean(p=p) if kind is TypeKind.TEXT:
            return kinds.Choice(values={"Y": round(p * 100), "N": round(100 - p * 100)})
        case kinds.Uniform(min=low, max=high) if kind is TypeKind.INTEGER:
            if high <= 1:
                return kinds.Integer(min=0, max=100)
            return kinds.Integer(min=round(low), max=round(high))
        case kinds.Normal() | kinds.Lognormal() | kinds.Exponential() if kind is TypeKind.INTEGER:
            return generator.model_copy(update={"decimals": 0})
        case kinds.Choice(values=values) if kind is TypeKind.INTEGER and any(isinstance(v, float) for v in values):
            return kinds.Integer(min=0, max=25)
    return generator


def _by_type(sketches: Sketches, sketch: Sketch, column: Column) -> kinds.Generator:
    """A valid generator from nothing but the type."""
    prose, kind = sketch.prose.get(column.name, NOTHING), sketch.kind(column.name)
    bounded = prose.minimum is not None or prose.maximum is not None or column.value_range is not None
    if not bounded and kind not in (TypeKind.BOOLEAN, TypeKind.UUID):
        sketches.note(
            "made-up-values",
            f"nothing tells what {sketch.name}.{column.name} holds; its values are made up",
            column.origin,
            "describe it, declare its type or accepted_values, or write a generator into the plan",
        )
    match kind:
        case TypeKind.INTEGER:
            return kinds.Integer(min=1, max=100 if column.data_type and column.data_type.value.bits < 16 else 1000)
        case TypeKind.DECIMAL | TypeKind.FLOAT:
            return kinds.Lognormal(median=50, sigma=0.8, decimals=2)
        case TypeKind.BOOLEAN:
            return kinds.Boolean(p=0.5)
        case TypeKind.UUID:
            return kinds.Uuid()
        case TypeKind.JSON:
            return kinds.Constant(value="{}")
        case TypeKind.BINARY:
            return kinds.Constant(value=None if not sketch.must_be_filled(column.name) else "")
        case TypeKind.TIME:
            return kinds.Time(start="08:00:00", end="17:59:59")
    if bounded:
        return kinds.Integer(min=1, max=1000)
    name = snake(column.name)
    if name.endswith(("_id", "_sk", "_key", "_fk", "_ref")) and kind is None:
        return kinds.Integer(min=1, max=max(sketches.default_rows, 2))
    if name.endswith(("_id", "_key", "_ref")):
        return kinds.Pattern(template=drawn(code_template(name.rpartition("_")[0], None)))
    return kinds.Fake(what=_wordiness(column, name))


def _wordiness(column: Column, name: str) -> Literal["word", "sentence", "paragraph"]:
    """How long texts are of which nothing tells what they hold."""
    said = column.description.value.lower() if column.description else ""
    if re.search(r"\b(?:sentences|paragraphs?|essay|narrative)\b", said):
        return "paragraph"
    room = column.data_type.value.length if column.data_type else None
    wordy = re.search(r"\b(?:sentence|free text|own words|(?:writes|wrote|says|said|tells|told)\b)", said)
    # Past the usual default of 255 somebody had long texts in mind.
    if wordy or (room is not None and room > 255) or (column.data_type is None and len(name) > 24):
        return "sentence"
    return "word"


# --- bounds --------------------------------------------------------------------------------------------------


def _within(sketch: Sketch, column: Column, generator: kinds.Generator) -> kinds.Generator:
    """The generator within what tests, checks, prose and the type allow."""
    low, high = _bounds(sketch, column)
    room = _room_of_type(column)
    if room is not None and _reaches(generator, room):
        high = room if high is None else min(high, room)
    match generator:
        case kinds.Integer(min=first, max=last) | kinds.Uniform(min=first, max=last):
            least, most = _intersect(first, last, low, high)
            return _evenly(generator, least, most)
        case kinds.Normal() | kinds.Lognormal() | kinds.Exponential() as numbers:
            return _cut(numbers, _decimals(sketch, column, numbers.decimals), low, high)
        case kinds.Choice(values=values) if all(isinstance(v, int | float) for v in values):
            kept = {v: w for v, w in values.items() if (low is None or v >= low) and (high is None or v <= high)}  # type: ignore[operator]
            return kinds.Choice(values=kept) if kept else _evenly(_WHOLE, *_intersect(1, 100, low, high))
        case kinds.Poisson(mean=mean) if low is not None or high is not None:
            least, most = _intersect(0, max(mean * 5, 5), low, high)
            return kinds.Integer(min=int(least), max=int(most))
        case kinds.Constant(value=int() | float()) if low is not None or high is not None:
            return _evenly(_WHOLE, *_intersect(1, 100, low, high))
    return generator


def _bounds(sketch: Sketch, column: Column) -> tuple[float | None, float | None]:
    """The bounds that the project declares, else those of its prose."""
    prose = sketch.prose.get(column.name, NOTHING)
    whole = sketch.kind(column.name) is TypeKind.INTEGER
    step = 1 if whole else 0.01
    lows: list[float] = []
    highs: list[float] = []
    ranges = [column.value_range.value] if column.value_range else []
    ranges += [found for check in sketch.table.checks if (found := _range_of_check(check.value, column.name))]
    for given in ranges:
        if isinstance(given.minimum, int | float):
            lows.append(given.minimum if given.minimum_included else given.minimum + step)
        if isinstance(given.maximum, int | float):
            highs.append(given.maximum if given.maximum_included else given.maximum - step)
    if not ranges:
        lows += [prose.minimum] if prose.minimum is not None else []
        highs += [prose.maximum] if prose.maximum is not None else []
        if prose.positive:
            lows.append(step)
    return max(lows, default=None), min(highs, default=None)


def _room_of_type(column: Column) -> float | None:
    """The largest number that the column's type holds, where it has a bound to speak of."""
    declared = column.data_type.value if column.data_type else None
    if declared and declared.kind is TypeKind.INTEGER and declared.bits < 64:
        return float(2 ** (declared.bits - 1) - 1)
    if declared and declared.kind is TypeKind.DECIMAL and declared.precision is not None and declared.precision < 18:
        room = declared.precision - (declared.scale or 0)
        return float(10**room - 1) if room else 0.99
    return None


def _reaches(numbers: kinds.Generator, bound: float) -> bool:
    """Whether any of a few thousand million numbers is past a bound."""
    match numbers:
        case kinds.Lognormal(median=median, sigma=sigma):
            return bound < median * math.exp(_FAR * sigma)
        case kinds.Normal(mean=mean, sd=sd):
            return bound < mean + _FAR * sd
        case kinds.Exponential(mean=mean):
            return bound < mean * _FAR**2
    return True


def _range_of_check(text: str, column: str) -> Range | None:
    between = _BETWEEN.fullmatch(text)
    if between and between[1].casefold() == column.casefold():
        return Range(float(between[2]), float(between[3]))
    bound = _BOUND.fullmatch(text)
    if bound is None or bound[1].casefold() != column.casefold():
        return None
    number = float(bound[3])
    if bound[2].startswith(">"):
        return Range(minimum=number, minimum_included=bound[2] == ">=")
    return Range(maximum=number, maximum_included=bound[2] == "<=")


def _intersect(first: float, last: float, low: float | None, high: float | None) -> tuple[float, float]:
    """[first, last] within [low, high]; of the latter as much as is sensible where they do not meet."""
    least = first if low is None else max(first, low)
    most = last if high is None else min(last, high)
    if least <= most:
        return least, most
    if low is not None and high is not None:
        return low, max(low, high)
    return (low, low + 100) if low is not None else (min(0.0, high or 0), high or 0)


def _evenly(like: kinds.Generator, least: float, most: float) -> kinds.Generator:
    if isinstance(like, kinds.Integer):
        first, last = int(-(-least // 1)), int(most // 1)
        return kinds.Integer(min=first, max=last) if first <= last else kinds.Uniform(min=least, max=most, decimals=4)
    return like.model_copy(update={"min": float(least), "max": float(most)})


def _cut(numbers: kinds.Generator, decimals: int, low: float | None, high: float | None) -> kinds.Generator:
    middle: float = getattr(numbers, "median", None) or getattr(numbers, "mean", None) or 0.0
    minimum, maximum = getattr(numbers, "min", None), getattr(numbers, "max", None)
    most = _smallest(maximum, high)
    if (low is not None and middle < low) or (most is not None and middle > most):
        least, most = _intersect(0.0, middle * 3, low, high)
        if decimals == 0:
            return _evenly(_WHOLE, least, most)
        return kinds.Uniform(min=least, max=most, decimals=decimals)
    largest = high if high is not None and high < 1e9 else None
    lowest = low if minimum is None or (low is not None and low > minimum) else minimum
    update = {"decimals": decimals, "min": lowest, "max": _smallest(maximum, largest)}
    if isinstance(numbers, kinds.Lognormal | kinds.Exponential) and update["min"] == 0:
        update["min"] = None
    return type(numbers).model_validate({**numbers.model_dump(exclude={"min", "max", "decimals"}), **update})


def _smallest(*bounds: float | None) -> float | None:
    return min((bound for bound in bounds if bound is not None), default=None)


def _decimals(sketch: Sketch, column: Column, usual: int) -> int:
    declared = column.data_type.value if column.data_type else None
    if declared and declared.kind is TypeKind.INTEGER:
        return 0
    if declared and declared.kind is TypeKind.DECIMAL and declared.scale is not None:
        return min(usual, declared.scale)
    said = sketch.prose.get(column.name, NOTHING)
    return 0 if said.cents else said.decimals if said.decimals is not None else usual


# --- texts and nulls -----------------------------------------------------------------------------------------


def _fit_text(sketch: Sketch, column: Column, generator: kinds.Generator) -> kinds.Generator:
    """The generator with texts no longer than the column holds."""
    length = column.data_type.value.length if column.data_type else sketch.prose.get(column.name, NOTHING).length
    if length is None:
        return generator
    match generator:
        case kinds.Fake(what="country") if length in (2, 3):
            return kinds.Fake(what="country_code", null=generator.null)
        case kinds.Fake(what="postal_code" | "phone", null=null) if _LENGTHS[generator.what] > length:
            return kinds.Pattern(template=f"{{digits:{length}}}", null=null)
        case kinds.Fake(what=what) if _LENGTHS.get(what, 20) > length:
            shorter = next(
                (name for name in ("product", "city", "last_name", "color") if _LENGTHS[name] <= length), None
            )
            if what in ("sentence", "paragraph", "address", "job", "user_agent", "company", "street") and shorter:
                return kinds.Fake(what=shorter, null=generator.null)
            case = "LETTERS" if length <= 6 else "letters"  # What is so short is a code.
            return kinds.Pattern(template=f"{{{case}:{min(length, 12)}}}", null=generator.null)
        case kinds.Pattern(template=template) if not fits(template, length):
            return kinds.Pattern(template=f"{{LETTERS:{min(length, 12)}}}", null=generator.null)
        case kinds.Uuid() | kinds.HashKey() if length < 36:
            return kinds.Pattern(template=f"{{hex:{min(length, 32)}}}")
        case kinds.Choice(values=values) if not column.accepted_values:
            short = {value: weight for value, weight in values.items() if len(str(value)) <= length}
            if len(short) < len(values):
                initials: dict[Scalar, float] = {str(value)[:1]: weight for value, weight in values.items()}
                if len(short) < 2 and (length > 1 or len(initials) < len(values)):
                    return kinds.Pattern(template=f"{{LETTERS:{length}}}", null=generator.null)
                return generator.model_copy(update={"values": short if len(short) > 1 else initials})
    return generator


def _with_nulls(sketch: Sketch, column: Column, generator: kinds.Generator) -> kinds.Generator:
    prose = sketch.prose.get(column.name, NOTHING)
    unique = isinstance(generator, kinds.Uuid | kinds.HashKey | kinds.Sequence)
    if unique or sketch.must_be_filled(column.name):
        return generator.model_copy(update={"null": 0.0, "when": None})
    stage = stage_of(sketch, column, prose, by_name=bool(_ABOUT_A_STEP.search(snake(column.name))))
    if stage:
        return generator.model_copy(update={"when": stage.sql, "null": 0.0})
    if generator.null:
        return generator
    share = next((share for pattern, share in _NULLS if re.search(pattern, snake(column.name))), 0.0)
    if not share and (prose.optional or prose.filled_when or prose.empty_when or prose.empty_until):
        share = 0.2
    return generator.model_copy(update={"null": share}) if share else generator
