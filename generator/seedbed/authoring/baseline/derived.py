"""What follows from the moments of a row: ages, how long something took, whether it happened, and who did it."""

from __future__ import annotations

import re

from seedbed.authoring.baseline.names import snake
from seedbed.authoring.baseline.sketch import TEMPORAL, Sketch, Sketches, quoted, tokens
from seedbed.authoring.baseline.stages import alike, named_stage
from seedbed.plan import kinds
from seedbed.schema import TypeKind

DEATH = frozenset(["dead", "death", "deathdate", "deceased", "died"])
_BIRTH_PART = re.compile(r"(?:birth_?)(year|month|day)|(year|month|day)_of_birth")
_FLAG = re.compile(r"(?:is|has|was|has_been|been)_(.+)|(.+)_(?:flag|ind|indicator)")
_BY = re.compile(r"(.+?)_(?:by|reason)(?:_name|_code)?$")
_STEM = re.compile(r"(.+?)_(?:at|on|date|datetime|timestamp|ts|time)$")
_UNITS = {"second": r"(?:seconds?|secs?)", "minute": r"(?:minutes?|mins?)", "hour": r"(?:hours?|hrs?)", "day": r"days?"}
_LASTS = re.compile(r"(?:duration|length_of_stay|los|elapsed|time_taken|turnaround|\w+_duration)")
_BEGINS = frozenset(
    ["started", "start", "begin", "began", "opened", "created", "admitted", "raised", "departed", "placed", "requested",
     "submitted", "ordered", "booked", "reported", "occurred", "issued", "filed"]
)  # fmt: skip
_ENDS = frozenset(
    ["ended", "end", "ends", "finished", "completed", "closed", "resolved", "discharged", "cleared", "arrived",
     "delivered", "stopped", "stop", "finish"]
)  # fmt: skip


def plan_derived(sketches: Sketches, sketch: Sketch) -> None:
    """Settles what only a name had guessed and the row's moments or its status say better."""
    _plan_ages(sketches, sketch)
    _plan_flags(sketch)
    _plan_durations(sketch)
    _plan_doers(sketch)


def _plan_ages(sketches: Sketches, sketch: Sketch) -> None:
    """The age, and the year of birth, of somebody whose day of birth is known."""
    births = [
        name for name, item in sketch.known() if isinstance(item, kinds.Date | kinds.Timestamp) and _is_birth(name)
    ]
    deaths = [name for name, item in sketch.known() if isinstance(item, kinds.Date) and DEATH & set(tokens(name))]
    if not births:
        return
    birth, last = quoted(births[0]), f"date '{sketches.window.as_of}'"
    until = f"coalesce({quoted(deaths[0])}, {last})" if deaths else last
    for column in sketch.table.columns:
        name, kind = snake(column.name), sketch.kind(column.name)
        numeric = kind in (None, TypeKind.INTEGER, TypeKind.DECIMAL)
        if not numeric or not isinstance(sketch.generators.get(column.name), kinds.Normal | kinds.Integer):
            continue
        part = next((match[1] or match[2] for match in [_BIRTH_PART.fullmatch(name)] if match), None)
        if name in ("age", "age_years", "age_in_years", f"{sketch.about}_age"):
            sketch.decide(column.name, kinds.Sql(expression=f"date_sub('year', cast({birth} as date), {until})"))
        elif part:
            sketch.decide(column.name, kinds.Sql(expression=f"{part}({birth})"))


def _is_birth(name: str) -> bool:
    return bool({"dob", "birth", "birthdate", "birthday", "born"} & set(tokens(name)))


# --- whether, how long, by whom ------------------------------------------------------------------------------


def _plan_flags(sketch: Sketch) -> None:
    """`is_closed` of what is closed, by its status or by a moment that only such rows have."""
    asked = {word for _, item in sketch.known() for word in re.findall(r"\w+", item.when or "")}
    for column in sketch.table.columns:
        flag, name = sketch.generators.get(column.name), column.name
        yes_no = _yes_no(flag)
        match = _FLAG.fullmatch(snake(name))
        if yes_no is None or name in asked or flag is None or flag.null or flag.when or not (match or name.isalpha()):
            continue
        stem = (match[1] or match[2]) if match else snake(name)
        stage = named_stage(sketch, stem, exactly=not re.search(r"(?:ed|paid|sent|won|lost)$", stem))
        moment = _moment_of(sketch, stem)
        condition = stage.sql if stage else f"{quoted(moment)} is not null" if moment else None
        if condition is None:
            continue
        yes, no = yes_no
        expression = condition if yes == "true" else f"case when {condition} then {yes} else {no} end"
        sketch.decide(name, kinds.Sql(expression=expression))


def _yes_no(generator: kinds.Generator | None) -> tuple[str, str] | None:
    """How a flag is written, in SQL."""
    match generator:
        case kinds.Boolean():
            return "true", "false"
        case kinds.Choice(values=values) if set(values) == {0, 1}:
            return "1", "0"
        case kinds.Choice(values=values) if set(values) == {"Y", "N"}:
            return "'Y'", "'N'"
    return None


def _moment_of(sketch: Sketch, stem: str) -> str | None:
    """The moment of a step, which rows have that took it."""
    for name, item in sketch.known():
        match = _STEM.fullmatch(snake(name))
        optional = item.when or item.null or (isinstance(item, kinds.Lifecycle) and item.part == "ended")
        plain = sketch.kind(name) in (None, *TEMPORAL) and not DEATH & set(tokens(name))
        words = match[1].split("_") if match and optional and plain else []
        if words and all(any(alike(word, other) for other in words) for word in stem.split("_")):
            return name
    return None


def _plan_durations(sketch: Sketch) -> None:
    """`duration_minutes` from the beginning to the end, `first_response_minutes` to the first response."""
    begin = next((name for name, words in _moments(sketch) if _BEGINS & words), None)
    ends = [name for name, words in _moments(sketch) if _ENDS & words]
    for column in sketch.table.columns:
        guess = sketch.generators.get(column.name)
        numeric = sketch.kind(column.name) in (None, TypeKind.INTEGER)
        if begin is None or not numeric or not isinstance(guess, kinds.Integer | kinds.Lognormal | kinds.Poisson):
            continue
        name = re.sub(r"^time_to_", "", snake(column.name))
        for unit, words in _UNITS.items():
            match = re.fullmatch(rf"(?:(.+)_(?:in_)?{words}|{words}_to_(.+))", name)
            stem = match and (match[1] or match[2])
            if not stem or column.value_range:
                continue
            if _LASTS.fullmatch(stem):
                end = ends[0] if len(ends) == 1 else None
            else:
                end = next((other for other, words_of in _moments(sketch) if set(stem.split("_")) <= words_of), None)
            if end and end != begin and not (sketch.must_be_filled(column.name) and not sketch.must_be_filled(end)):
                kind = TypeKind.DATE if unit == "day" else TypeKind.TIMESTAMP
                span = ", ".join(
                    quoted(moment) if sketch.kind(moment) is kind else f"cast({quoted(moment)} as {kind})"
                    for moment in (begin, end)
                )
                sketch.decide(column.name, kinds.Sql(expression=f"date_diff('{unit}', {span})"))


def _moments(sketch: Sketch) -> list[tuple[str, set[str]]]:
    """The plain moments of the row, and the words of their names."""
    plain = kinds.Timestamp | kinds.Date | kinds.After | kinds.During | kinds.Lifecycle
    return [
        (name, set(tokens(name)))
        for name, item in sketch.known()
        if isinstance(item, plain) and sketch.kind(name) in (None, TypeKind.DATE, TypeKind.TIMESTAMP)
        if "period" not in tokens(name)
    ]


def _plan_doers(sketch: Sketch) -> None:
    """`acknowledged_by` is empty in rows that nobody has acknowledged."""
    for column in sketch.table.columns:
        match, guess = _BY.fullmatch(snake(column.name)), sketch.generators.get(column.name)
        moment = _moment_of(sketch, match[1]) if match else None
        text = isinstance(guess, kinds.Fake | kinds.Choice | kinds.Pattern)
        if moment and guess and text and not guess.when and not sketch.must_be_filled(column.name):
            update = {"when": f"{quoted(moment)} is not null", "null": 0.0}
            sketch.decide(column.name, guess.model_copy(update=update))
