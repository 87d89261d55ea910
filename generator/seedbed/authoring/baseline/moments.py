"""Days and moments of a row in the order in which things happen: ordered, paid, shipped, delivered, returned."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace

from seedbed.authoring.baseline.derived import DEATH, plan_derived
from seedbed.authoring.baseline.names import LASTING, snake
from seedbed.authoring.baseline.prose import NOTHING
from seedbed.authoring.baseline.rows import driving_link
from seedbed.authoring.baseline.sketch import TEMPORAL, Link, Sketch, Sketches, quoted, tokens
from seedbed.authoring.baseline.stages import (
    PLANNED,
    Stage,
    named_stage,
    stage_of,
)
from seedbed.authoring.baseline.steps import (
    BRIEF,
    CANCELLED,
    DONE,
    FUTURE,
    MOST_DELAY,
    PAID,
    UPDATED,
    Step,
    days_of,
    family_of,
    has_time,
    in_order_of_states,
    rank_of,
    step_of,
)
from seedbed.authoring.baseline.values import is_moment
from seedbed.plan import kinds
from seedbed.schema import Column, Scalar, TypeKind

_CHANGED = frozenset(["updated", "modified", "changed", "touched"])
"""Words for when a row last changed, which a row with a lifecycle does as that goes on."""
_OWN_TIME = ("timestamp('<start>', '<as_of>')", "date('<start>', '<as_of>')")
_BY_DAY = re.compile(r"(?:^|_)(?:appointment|class|consultation|exam|interview|lesson|meeting|visit)$")
_FOLLOWS = re.compile(
    r"(?:line|item|detail|position|entry|payment|invoice|shipment|delivery|refund|return|review|comment|note|message|"
    r"attachment|receipt|adjustment|response|answer|step|stop|leg|fulfillment)$"
)
"""What tables are about whose rows follow soon after the row that they belong to."""
_TIME_ENDING = re.compile(r"_?(?:date|datetime|at|on|ts|timestamp|time|dttm|tstamp|dt)(?:_?(?:id|key|sk))?$")
_EPISODE = re.compile(
    r"(?:^|_)(?:order|purchase|sale|booking|reservation|shipment|delivery|consignment|admission|encounter|stay|ticket|"
    r"case|incident|alert|claim|request|application|journey|invoice|payment|transaction|transfer|repair|inspection|"
    r"appointment|call|interview|ride|run|session|trip|visit)$"
)
"""What tables are about that is over within days, with all that happens in it."""
_HIRED = frozenset(["hire", "hired", "joining", "employed"])
"""Words for a beginning after which years go by."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A step of the rows that have come as far as `stage` (all when None); `optional` when some of them skip it."""

    column: str
    stage: Stage | None = None
    optional: bool = False


def plan_moments(sketches: Sketches) -> None:
    """Decides every column that holds a day or a moment, parents before their children."""
    done: set[str] = set()
    waiting = list(sketches)
    while waiting:
        ready = [sketch for sketch in waiting if sketches.find(sketch.per) is None or sketch.per in done] or waiting[:1]
        for sketch in ready:
            _plan_table(sketches, sketch)
            done.add(sketch.name)
            waiting.remove(sketch)


def first_moment(sketch: Sketch) -> str | None:
    """The column that says when a row came to be."""
    for kind in (kinds.During, kinds.Lifecycle, kinds.Timestamp, kinds.Date, kinds.After):
        for column in sketch.table.columns:
            generator = sketch.generator(column.name)
            if isinstance(generator, kinds.Lifecycle) and generator.part != "started":
                continue
            if sketch.kind(column.name) is TypeKind.TEXT:
                continue
            if isinstance(generator, kind) and not generator.null and not generator.when and rank_of(column)[0] <= 20:
                return column.name
    return None


def _plan_table(sketches: Sketches, sketch: Sketch) -> None:
    steps = []
    linked = _date_links(sketches, sketch)
    for index, column in enumerate(sketch.table.columns):
        if column.name in sketch.generators or column.name in sketch.annotated or column.name in sketch.recorded:
            continue
        link = linked.get(column.name)
        if link is not None and sketch.is_unique(column.name):
            sketch.decide(column.name, kinds.ForeignKey(parent=link.parent, unique=True))
        elif link is not None and not _can_carry(sketch, link):
            _plan_untyped_key(sketches, sketch, column, link)
        elif is_moment(sketch, column) or link is not None:
            special = _special(sketches, sketch, column)
            if special is None and sketch.kind(column.name) is TypeKind.TEXT:
                # A text can hold a moment, but nothing can be worked out from it.
                special = kinds.Date(start=sketches.window.start, end=sketches.window.as_of)
            if special:
                sketch.decide(column.name, _with_nulls(sketch, column, special))
            else:
                steps.append(step_of(sketch, index, column))
    steps = _plan_twins(sketches, sketch, steps)
    steps.sort(key=lambda step: (step.rank, step.index))
    if steps:
        _plan_steps(sketches, sketch, in_order_of_states(sketch, steps))
    plan_derived(sketches, sketch)
    for name, link in linked.items():
        if sketch.generator(name) is None and name not in sketch.recorded:
            sketch.decide(name, kinds.ForeignKey(parent=link.parent))


def _plan_twins(sketches: Sketches, sketch: Sketch, steps: list[Step]) -> list[Step]:
    """One moment in two columns, `visit_date` and `visit_datetime`: the day follows; returns the other steps."""
    linked = _date_links(sketches, sketch)
    kept: dict[str, Step] = {}
    for step in sorted(steps, key=lambda step: (step.column.name in linked, not has_time(sketch, step.column))):
        stem = _TIME_ENDING.sub("", snake(step.column.name))
        first = kept.setdefault(stem or step.column.name, step)
        if first is step:
            continue
        name, of = step.column.name, first.column.name
        if name in linked:
            sketch.decide(name, kinds.DateKey(parent=linked[name].parent, of=of))
        elif sketch.kind(of) is TypeKind.INTEGER or sketch.kind(name) is TypeKind.INTEGER:
            kept[name] = step
            continue
        else:
            target = "timestamp" if has_time(sketch, step.column) else "date"
            sketch.decide(name, kinds.Sql(expression=f"cast({quoted(of)} as {target})"))
        kept[stem or of] = replace(first, filled=first.filled or step.filled)
    return list(kept.values())


# --- one row's order of events -------------------------------------------------------------------------------


def _plan_steps(sketches: Sketches, sketch: Sketch, steps: list[Step]) -> None:
    started = next(
        (name for name, item in sketch.known() if isinstance(item, kinds.Lifecycle) and item.part == "started"), None
    )
    hired = next(
        (name for name, item in sketch.known() if isinstance(item, kinds.Date) and _HIRED & set(tokens(name))), None
    )
    base = started or hired
    if base is None:
        first = _first(sketch, steps)
        steps.remove(first)
        base = first.column.name
        beginning = _base(sketches, sketch, first, steps)
        if first.rank == FUTURE and not steps and isinstance(beginning, kinds.Date):
            last = sketches.window.as_of
            beginning = kinds.Date(start=last - dt.timedelta(days=60), end=last + dt.timedelta(days=1095))
        stage = None if first.filled else _stage(sketch, first.column)
        if stage and not steps and not any(other.per == sketch.name for other in sketches):
            beginning = beginning.model_copy(update={"when": stage.sql})
        sketch.decide(base, beginning)
    filled = base
    meant = {tokens(base)[0]: base} if tokens(base)[0] in PLANNED else {}
    at_once = set(meant.values())
    shown = [base]
    reached = [Reached(base)]
    period: str | None = None
    begun = sketch.generators.get(base)
    older = isinstance(begun, kinds.Date | kinds.Timestamp) and str(begun.end)[:10] <= str(sketches.window.start)
    for step in steps:
        name = step.column.name
        if started and _CHANGED & set(tokens(name)) and _is_plain(sketches, sketch, [name]):
            sketch.decide(name, kinds.ChangedAt())
            continue
        if step.rank == UPDATED and len(shown) > 1 and _is_plain(sketches, sketch, [*shown, name]):
            latest = f"greatest({', '.join(quoted(item) for item in shown)})"
            sketch.decide(name, kinds.Sql(expression=latest))
            continue
        said = _named_in_prose(sketch, step.column)
        if hired and step.rank < UPDATED:
            step = replace(step, delay="900d")
        stage = None if step.filled or step.rank == FUTURE else _stage(sketch, step.column)
        prefix = tokens(name)[0]
        if step.filled:
            origin = said if said and sketch.must_be_filled(said) else filled
        else:
            origin = said or (base if step.rank in (UPDATED, FUTURE) else _latest(reached, stage))
            if "period" in tokens(name):  # What is paid for has its own time.
                origin = said or period or base
                period = name
            origin, step = _on_the_day(sketch, step, said or origin, base, meant.get(prefix), at_once)
            if days_of(step.delay) > 100 and any(stage and other.stage == stage for other in reached):
                step = replace(step, delay="8d")  # Of years, both ends come at nearly the same time.
        if hired and stage and not said and name not in sketch.annotated:
            step = _part_in_time(sketches, sketch, step, hired, stage)
        generator = _later(sketch, step, origin, stage)
        if isinstance(begun, kinds.Date | kinds.Timestamp) and (stage or step.filled):
            generator = _by_the_end(sketches, generator, begun)
        if step.rank == UPDATED and older:
            # Of things that were there before the simulated time, at any time within it.
            generator = kinds.After(column=base, median="300d", max=f"{sketches.window.days}d")
        sketch.decide(name, generator)
        if prefix in PLANNED or step.delay == "10m":
            at_once.add(name)
        if step.rank < UPDATED and name != period:
            shown.append(name)
        is_later = prefix in PLANNED and meant.setdefault(prefix, name) != name
        if step.rank < UPDATED and name != period and not is_later:
            reached.append(Reached(name, stage, optional=bool(generator.null)))
            filled = name if step.filled else filled


def _first(sketch: Sketch, steps: list[Step]) -> Step:
    """What every row has that has any of the steps; when something is due comes before it was paid."""
    if steps[0].rank >= PAID:
        due = next((step for step in steps if "due" in tokens(step.column.name)), None)
        if due:
            return due
    early = [step for step in steps if step.rank < UPDATED]
    return next((step for step in early if step.filled or _stage(sketch, step.column) is None), steps[0])


def _on_the_day(
    sketch: Sketch, step: Step, origin: str, base: str, meant: str | None, at_once: set[str]
) -> tuple[str, Step]:
    """What a step follows, and how soon, where the row says when it was meant to happen.

    What is meant follows what was meant before it, and what happened comes within minutes of what was meant. What was
    cancelled was so before.
    """
    words = set(tokens(step.column.name))
    if meant is not None:
        return meant, step
    if origin in at_once and CANCELLED & words:
        return base, step
    if origin in at_once and step.rank not in (*DONE, UPDATED, FUTURE) and has_time(sketch, step.column):
        return origin, replace(step, delay="10m")
    return origin, step


def _part_in_time(sketches: Sketches, sketch: Sketch, step: Step, hired: str, stage: Stage) -> Step:
    """Those who have left were hired long enough before the end of the time to have left by then."""
    begun, window = sketch.generators.get(hired), sketches.window
    if not isinstance(begun, kinds.Date) or begun.null or begun.when:
        return step
    early = window.as_of - dt.timedelta(days=days_of(MOST_DELAY["300d"]))
    if str(begun.start) < str(early) < str(begun.end):
        left: dict[Scalar, kinds.Generator] = dict.fromkeys(stage.values, begun.model_copy(update={"end": early}))
        sketch.decide(hired, kinds.CaseBy(column=stage.status, cases=left, otherwise=begun))
    return replace(step, delay="300d")


def _by_the_end(sketches: Sketches, generator: kinds.Generator, begun: kinds.Date | kinds.Timestamp) -> kinds.Generator:
    """A delay of months, cut so that what has happened has happened by the end of the time."""
    last = dt.date.fromisoformat(str(begun.end)[:10])
    room = (sketches.window.as_of - last).days - 1
    if not isinstance(generator, kinds.After) or not generator.max or not room > 20 or days_of(generator.max) <= room:
        return generator
    return generator.model_copy(update={"median": f"{room // 3}d", "max": f"{room}d"})


def _stage(sketch: Sketch, column: Column) -> Stage | None:
    return stage_of(sketch, column, sketch.prose.get(column.name, NOTHING))


def _latest(reached: list[Reached], stage: Stage | None) -> str:
    """The last step that a row which has come as far as `stage` surely has behind it."""
    for step in reversed(reached):
        if stage is None and step.stage is None:
            return step.column
        if stage is not None and (stage.implies(step.stage) if step.stage else not step.optional):
            return step.column
    return reached[0].column


def _base(sketches: Sketches, sketch: Sketch, first: Step, later: list[Step]) -> kinds.Generator:
    """When the row came to be: in the life of its entity, soon after its parent's row, or at any time."""
    window = sketches.window
    link = driving_link(sketch)
    lifecycle = _lifecycle_of(sketches, sketch)
    if lifecycle and sketch.lifecycle is None and not _is_dealt_out(sketches, sketch):
        return kinds.During(lifecycle=lifecycle)
    parent = sketches.find(link.parent) if link else None
    above = first_moment(parent) if parent else None
    if link and parent and above and _follows(sketch, parent) and len(link.columns) == 1 and parent.table.generated:
        known = not sketch.must_be_filled(first.column.name)
        median, most = ("10m", "40m") if BRIEF.search(parent.about) else ("1d", "6d")
        return kinds.After(column=f"{link.columns[0]}.{above}", median=median, max=most, known=known)
    is_key = first.column.name in _date_links(sketches, sketch)
    is_key = is_key or any(
        isinstance(item, kinds.DateKey) and item.of == first.column.name for _, item in sketch.known()
    )
    years = 0 if is_key else _generations_below(sketches, sketch, ())
    begin, end = _years_before(window.start, years), window.as_of
    if years:
        end = _years_before(window.start, years - 1)
    room = sum(days_of(MOST_DELAY[step.delay]) for step in later if _is_bounded(sketch, step) and step.rank < FUTURE)
    end -= dt.timedelta(days=min(room, (end - begin).days // 2))
    if sketch.kind(first.column.name) in (TypeKind.TIMESTAMP, TypeKind.TIMESTAMP_TZ) or (
        sketch.kind(first.column.name) is None and family_of(sketch, first.column) == "moment"
    ):
        return kinds.Timestamp(start=begin, end=end, hours="business" if _BY_DAY.search(sketch.about) else "any")
    return kinds.Date(start=begin, end=end)


def _generations_below(sketches: Sketches, sketch: Sketch, seen: tuple[str, ...]) -> int:
    """How many generations of rows, each with a moment of its own, belong to a row of this table.

    Nothing says when in the life of such a thing they happen, so that it has to be there before all of them.
    """
    below = 0
    for child in sketches:
        mine = child is not sketch and any(sketches.find(link.parent) is sketch for link in child.links)
        if mine and child.name not in seen and not _follows(child, sketch) and len(seen) < 4:
            own = any(is_moment(child, column) and rank_of(column)[0] < UPDATED for column in child.table.columns)
            below = max(below, int(own) + _generations_below(sketches, child, (*seen, sketch.name)))
    return below


def _follows(child: Sketch, parent: Sketch) -> bool:
    """Whether rows come soon after the row that they belong to, rather than at any time after."""
    within = child.per == parent.name and _EPISODE.search(parent.about)
    return bool(within or (_FOLLOWS.search(child.about) and not LASTING.search(parent.about)))


def _years_before(day: dt.date, years: int) -> dt.date:
    return day.replace(year=day.year - years, day=min(day.day, 28)) if years else day


def _later(sketch: Sketch, step: Step, before: str, stage: Stage | None) -> kinds.Generator:
    prose = sketch.prose.get(step.column.name, NOTHING)
    filled = step.filled
    if "trial" in tokens(step.column.name):
        return kinds.After(column=before, min="14d", max="14d")
    if step.rank == FUTURE:
        year = {"expiry", "expiration", "expires", "expired", "renewal", "maturity"} & set(tokens(step.column.name))
        least, most = ("180d", "365d") if year else ("14d", "30d")
        return kinds.After(column=before, min=least, max=most)
    if stage or filled:
        return kinds.After(
            column=before, median=step.delay, max=MOST_DELAY[step.delay], when=stage.sql if stage else None
        )
    left = 0.6 if step.delay == "300d" else 0.3
    empty = left if prose.optional or prose.empty_when or prose.empty_until or prose.filled_when else 0.0
    return kinds.After(column=before, median=step.delay, known=True, null=empty)


def _is_bounded(sketch: Sketch, step: Step) -> bool:
    return step.filled or named_stage(sketch, step.column.name) is not None


def _is_dealt_out(sketches: Sketches, sketch: Sketch) -> bool:
    """Whether other tables share out this one's rows among theirs, for which their number must not grow with time."""
    for other in sketches:
        for link in other.links_to(sketch.name):
            generator = other.generator(link.columns[0])
            shared = isinstance(generator, kinds.ForeignKey) and (generator.unique or generator.distinct)
            if link is not driving_link(other) and (link.least or link.most or shared):
                return True
    return False


def _named_in_prose(sketch: Sketch, column: Column) -> str | None:
    """The moment of this row that a description says comes before."""
    said = sketch.prose.get(column.name, NOTHING).after
    if not said:
        return None
    wanted = {_root(word) for word in said.lower().split()} - {"date", "time", "the", "day"}
    for other in sketch.table.columns:
        if other.name == column.name or sketch.kind(other.name) is TypeKind.TEXT:
            continue
        if not isinstance(sketch.generator(other.name), kinds.Date | kinds.Timestamp | kinds.After | kinds.During):
            continue
        if wanted & {_root(word) for word in tokens(other.name)}:
            return other.name
    return None


def _root(word: str) -> str:
    return re.sub(r"(?:ing|ed|e|s|d)$", "", word) if len(word) > 4 else word


# --- single columns ------------------------------------------------------------------------------------------


def _special(sketches: Sketches, sketch: Sketch, column: Column) -> kinds.Generator | None:
    """Moments with a time of their own: births, deaths, loads, deletions."""
    if DEATH & set(tokens(column.name)) and sketch.kind(column.name) in (None, TypeKind.DATE):
        return _death(sketches, sketch, column)
    found = sketch.read(column.name, sketch.kind(column.name) if sketch.kind(column.name) in TEMPORAL else None)
    if found is None or found[0] not in ("date", "moment") or found[1] in _OWN_TIME:
        return None
    return sketches.window.fill(found[1])


def _death(sketches: Sketches, sketch: Sketch, column: Column) -> kinds.Generator:
    """The day of a death: where a flag says so if there is one, else of few."""
    generator = kinds.Date(start=sketches.window.start, end=sketches.window.as_of)
    for name, flag in sketch.known():
        if DEATH & set(tokens(name)) and not sketch.must_be_filled(column.name):
            if isinstance(flag, kinds.Boolean):
                return generator.model_copy(update={"when": quoted(name)})
            if isinstance(flag, kinds.Choice) and set(flag.values) in ({0, 1}, {"Y", "N"}):
                yes = "1" if 1 in flag.values else "'Y'"
                return generator.model_copy(update={"when": f"{quoted(name)} = {yes}"})
    return generator.model_copy(update={"null": 0.92})


def _with_nulls(sketch: Sketch, column: Column, generator: kinds.Generator) -> kinds.Generator:
    if generator.null and sketch.must_be_filled(column.name):
        return generator.model_copy(update={"null": 0.0})
    return generator


def _is_plain(sketches: Sketches, sketch: Sketch, names: list[str]) -> bool:
    """Whether the columns hold moments themselves, not keys of days."""
    linked = _date_links(sketches, sketch)
    return all(name not in linked and sketch.kind(name) in (None, *TEMPORAL) for name in names) and (
        len({sketch.kind(name) for name in names}) == 1
    )


# --- keys of days --------------------------------------------------------------------------------------------


def _date_links(sketches: Sketches, sketch: Sketch) -> dict[str, Link]:
    """The single columns that refer to a table of dates."""
    found = {}
    for link in sketch.links:
        parent = sketches.find(link.parent)
        if parent is not None and parent.is_dates and parent is not sketch and len(link.columns) == 1:
            found[link.columns[0]] = link
    return found


def _can_carry(sketch: Sketch, link: Link) -> bool:
    """Whether a moment can be written into the column as the day's key: by its type, or as a declared foreign key."""
    kind = sketch.kind(link.columns[0])
    return kind is TypeKind.INTEGER or kind in TEMPORAL or (kind is None and link.declared is not None)


def _plan_untyped_key(sketches: Sketches, sketch: Sketch, column: Column, link: Link) -> None:
    """A key of a day without a type: of the moment beside it if there is one, else any day."""
    stem = re.sub(r"_?(?:sk|key|id|fk)$", "", snake(column.name))
    beside = next((other.name for other in sketch.table.columns if snake(other.name) in (stem, f"{stem}_at")), None)
    beside = beside if beside != column.name else None
    if beside and (is_moment(sketch, sketch.table.column(beside) or column)):
        sketch.decide(column.name, kinds.DateKey(parent=link.parent, of=beside))
    else:
        sketch.decide(column.name, kinds.ForeignKey(parent=link.parent))


# --- facts of entities with a history ------------------------------------------------------------------------


def _lifecycle_of(sketches: Sketches, sketch: Sketch) -> str | None:
    """The lifecycle of the entity that a row belongs to, so that nothing happens before or after its life."""
    parents = [link.parent for link in sketch.links]
    driving = driving_link(sketch)
    if driving:
        parents.insert(0, driving.parent)
    elif sketch.per:
        parents.insert(0, sketch.per)
    for parent in dict.fromkeys(parents):
        holder = sketches.find(parent)
        if holder is sketch:
            continue
        for history in sketches:
            if history.history and sketches.entity_of(history) == parent and history is not sketch:
                return history.name
        if holder is not None and holder.lifecycle is not None and parent == parents[0]:
            return holder.name
    return None


def plan_versions(sketches: Sketches) -> None:
    """Facts that carry the key of a version take the one that is valid at their own moment."""
    for sketch in sketches:
        for link in sketch.links:
            history = sketches.find(link.parent)
            name = link.columns[0]
            if history is None or history.history is None or len(link.columns) > 1 or name in sketch.annotated:
                continue
            entity = sketches.entity_of(history)
            leads = sketch.per == entity or any(other.parent == entity for other in sketch.links)
            at = next((column for column, item in sketch.known() if isinstance(item, kinds.During)), None)
            if leads and at and history is not sketch:
                explicit = link.targets[0] if history.key != link.targets else None
                sketch.decide(name, kinds.Version(table=history.name, at=at, column=explicit))
