"""Recognises histories (Type-2 tables) and entities with a status, and which state diagram each goes by."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from seedbed.authoring.baseline.names import LASTING, snake
from seedbed.authoring.baseline.prose import NOTHING
from seedbed.authoring.baseline.sketch import TEMPORAL, Link, Sketch, Sketches, quoted, recorded_columns
from seedbed.authoring.baseline.stages import is_over, likely_moves, names_a_state
from seedbed.authoring.baseline.values import is_moment
from seedbed.authoring.process_prose import tells_of_process
from seedbed.plan import kinds
from seedbed.plan.calls import parse_call
from seedbed.plan.spec import Dwell, History, Lifecycle, Process
from seedbed.plan.transitions import END, fold
from seedbed.schema import Column, Scalar, TypeKind, Workflow

_FROM = (
    "valid_from", "dbt_valid_from", "effective_from", "effective_start", "row_effective_from", "effective_date",
    "effective_start_date", "valid_from_date", "begin_effective", "start_effective", "record_start",
    "valid_start", "validity_start", "active_from", "row_start", "scd_start", "scd_valid_from",
)  # fmt: skip
_TO = (
    "valid_to", "dbt_valid_to", "effective_to", "effective_end", "row_effective_to", "expiry_date", "expiration_date",
    "effective_end_date", "valid_to_date", "end_effective", "record_end", "record_end_date", "valid_until", "valid_end",
    "validity_end", "active_to", "row_end", "scd_end", "scd_valid_to", "expiry",
)  # fmt: skip
_WEAK_FROM = ("start_date", "started_at", "start", "from_date", "begin_date", "start_at", "start_ts", "date_from")
_WEAK_TO = ("end_date", "ended_at", "end", "to_date", "finish_date", "end_at", "end_ts", "date_to")
_CURRENT = (
    "is_current", "current_flag", "is_current_version", "is_current_record", "is_latest", "current_record",
    "current_indicator", "is_active_record", "current_ind", "current_row", "dbt_is_current", "row_is_current",
)  # fmt: skip
_VERSION = ("version", "version_number", "version_no", "row_version", "version_num", "scd_version", "sequence_number")
_STATES = ("status", "state", "stage", "phase", "status_name", "status_code", "state_name")
_RECORDS = ("history", "hist", "scd", "scd2", "status", "snapshot", "version", "versions", "log", "period", "periods")
_STARTED = (
    "opened", "created", "started", "start", "submitted", "received", "registered", "reported", "ordered", "placed",
    "requested", "begun", "filed", "applied", "begin", "open", "order", "signup", "subscribed", "raised", "logged",
    "booked", "joined", "enrolled",
)  # fmt: skip
_ENDED = (
    "closed", "ended", "end", "completed", "resolved", "finished", "settled", "terminated", "solved", "close",
    "completion", "fulfilled", "concluded", "closing",
)  # fmt: skip
_STARTED_LONG, _ENDED_LONG = ("hire", "hired", "employed"), ("termination", "left")
"""Of a whole employment, which is one process only where its status is what moves."""
_ENTERED = ("status_changed", "status_since", "state_changed", "status_updated", "last_status_change", "status_date")
_TIME_ENDINGS = ("_at", "_on", "_date", "_ts", "_timestamp", "_datetime", "_time", "_sk", "_key", "_id", "_dt")
_FLAGS = (TypeKind.BOOLEAN, TypeKind.INTEGER, TypeKind.TEXT)
_NEVER = dt.date(9999, 12, 31)
"""What stands for "still valid" where that must not be null."""
_DWELL = Dwell.model_validate("exponential(mean='180d')")
_LASTING_DWELL = Dwell.model_validate("lognormal(median='90d', sigma=0.8)")


def find_processes(sketches: Sketches) -> None:
    """Gives tables their history or lifecycle, where annotations give none, and entities their columns of it."""
    for sketch in sketches:
        if sketch.process_annotated or sketch.is_dates:
            continue
        if sketch.history or sketch.lifecycle:
            _fill_in_moves(sketches, sketch)
        else:
            _find_history(sketches, sketch)
    for sketch in sketches:
        if sketch.history:
            _redirect_links(sketches, sketch)
    for sketch in sketches:
        if sketch.history is None and sketch.lifecycle is None and not sketch.is_dates:
            _find_lifecycle(sketches, sketch)
    for sketch in sketches:
        if sketch.history:
            _show_in_entity(sketches, sketch)
        elif sketch.lifecycle:
            state = _state_column(sketches, sketch)
            _show(sketch, sketch.name, state)
            if state is not None:
                _show_ends(sketch, state, _last_states(sketches, sketch.lifecycle))
            _show_said_ends(sketches, sketch, sketch.name, sketch.lifecycle)


# --- histories -----------------------------------------------------------------------------------------------


def _find_history(sketches: Sketches, sketch: Sketch) -> None:
    valid_from, valid_to, strong = _interval(sketch)
    current, version = _named(sketch, _CURRENT, _FLAGS), _named(sketch, _VERSION, (TypeKind.INTEGER,))
    recording = bool(set(sketch.name.lower().replace(".", "_").split("_")) & set(_RECORDS))
    if valid_from is None or not (valid_to or current) or not (strong or current or recording):
        return
    entity = _entity(sketches, sketch)
    if entity is None:
        return
    state = _state_column(sketches, sketch)
    process = (
        _process(sketches, sketch, state) if state else _by_attribute(sketch, {valid_from, valid_to or "", entity})
    )
    if process is None:
        sketches.note(
            "history-without-state",
            f"{sketch.name} looks like a history of {entity}, but no column shows what changes from one version to the "
            "next; its dates are made without regard to each other",
            sketch.table.origin,
            "annotate it with config.meta.seedbed.history",
        )
        return
    state_name, settings = process
    sketch.history = History(
        entity=entity,
        state=state_name,
        valid_from=valid_from,
        valid_to=valid_to,
        current=current,
        version=version,
        open_end=_NEVER if valid_to and sketch.must_be_filled(valid_to) else None,
        revisit=not _once_each(sketch, entity, state_name),
        **settings,
    )
    sketch.recorded = set(recorded_columns(sketch.history, sketch.table))


def _interval(sketch: Sketch) -> tuple[str | None, str | None, bool]:
    times = (*TEMPORAL, TypeKind.INTEGER)
    strong = _named(sketch, _FROM, times), _named(sketch, _TO, times)
    if strong[0]:
        return (*strong, True)
    return _named(sketch, _WEAK_FROM, times), _named(sketch, _WEAK_TO, times) or strong[1], False


def _named(sketch: Sketch, names: Sequence[str], kinds_allowed: Sequence[TypeKind]) -> str | None:
    """The column of one of these names, with or without the ending of a key or a time; the first name first."""
    by_name: dict[str, str] = {}
    for column in sketch.table.columns:
        if sketch.kind(column.name) not in (None, *kinds_allowed) or column.name in sketch.key:
            continue
        name = snake(column.name)
        by_name.setdefault(name, column.name)
        for ending in _TIME_ENDINGS:
            by_name.setdefault(name.removesuffix(ending), column.name)
    return next((by_name[name] for name in names if name in by_name), None)


def _entity(sketches: Sketches, sketch: Sketch) -> str | None:
    """The column that says whose version a row is: a link to the thing that the table is about, or its natural key."""
    links = [
        link
        for link in sketch.links
        if len(link.columns) == 1
        and not sketch.is_unique(link.columns[0])
        and not ((parent := sketches.find(link.parent)) and (parent.is_dates or parent is sketch))
    ]
    about = [link for link in links if sketch.about.startswith(snake(link.columns[0]).rpartition("_")[0])]
    if about:
        return about[0].columns[0]
    words = sketch.about.split("_")
    stems = {"_".join(words[:length]) for length in range(1, len(words) + 1)}
    for column in sketch.table.columns:
        stem, _, ending = snake(column.name).rpartition("_")
        natural = stem in stems and ending in ("id", "nk", "code", "number", "no", "key", "natural", "sk", "bk")
        if natural and not sketch.is_unique(column.name):
            return column.name
    # A guessed key that repeats is no key: `customer_id` of a history of customers without a surrogate key.
    declared = sketch.table.primary_key or sketch.table.unique_keys or any(c.unique for c in sketch.table.columns)
    if not declared and sketch.key:
        entity, sketch.key = sketch.key[0], ()
        return entity
    plain = [link for link in links if link.columns[0] not in sketch.key]
    return plain[0].columns[0] if plain else None


def _once_each(sketch: Sketch, entity: str, state: str) -> bool:
    keys = [key.value for key in sketch.table.unique_keys]
    if sketch.table.primary_key:
        keys.append(sketch.table.primary_key.value)
    named = snake(state).split("_")[-1]
    for key in keys:
        others = [name for name in key if name.casefold() != entity.casefold()]
        if len(others) == len(key) - 1 == 1 and (others[0].casefold() == state.casefold() or named in snake(others[0])):
            return True
    return False


def _redirect_links(sketches: Sketches, history: Sketch) -> None:
    """Foreign keys that name a history by its entity's column refer to the entity's own table."""
    assert history.history is not None
    entity = history.history.entity
    if not isinstance(entity, str):
        return
    holder = sketches.entity_of(history) or ""
    target = history.link(entity)
    for sketch in sketches:
        for index, link in enumerate(sketch.links):
            if link.parent == history.name and tuple(name.casefold() for name in link.targets) == (entity.casefold(),):
                sketch.links[index] = Link(link.columns, holder, target.targets if target else (entity,))
        sketch.links = list({(link.columns, link.parent): link for link in sketch.links}.values())


# --- states --------------------------------------------------------------------------------------------------


def _state_column(sketches: Sketches, sketch: Sketch) -> Column | None:
    """The column that shows the state: one whose values a diagram knows, else one that is named so."""
    workable = [column for column in sketch.table.columns if _can_show(sketch, column)]
    for column in workable:
        if _workflow(sketches, sketch, column) is not None:
            return column
    last = [(snake(column.name), column) for column in workable if not _is_place(sketch, column)]
    named = [column for name, column in last if name in _STATES or name.endswith(tuple(f"_{word}" for word in _STATES))]
    return named[0] if named else None


def _is_place(sketch: Sketch, column: Column) -> bool:
    """Whether a state is one of a country."""
    found = sketch.read(column.name, TypeKind.TEXT)
    return found is not None and found[1] == "fake('region')"


def _can_show(sketch: Sketch, column: Column) -> bool:
    decided = column.name in sketch.annotated and not isinstance(sketch.annotated[column.name], kinds.Lifecycle)
    return (
        not decided
        and sketch.link(column.name) is None
        and column.name not in sketch.key
        and sketch.kind(column.name) in (None, TypeKind.TEXT, TypeKind.INTEGER)
    )


def _values(sketch: Sketch, column: Column) -> tuple[Scalar, ...]:
    return sketch.listed(column.name)


def _workflow(sketches: Sketches, sketch: Sketch, column: Column) -> Workflow | None:
    """The state diagram of a column: its states are the column's values, or its name is the column's or the table's."""
    values = {fold(str(value)) for value in _values(sketch, column)}
    name = snake(column.name)
    for workflow in sketches.schema.workflows:
        states = {fold(state) for state in workflow.states}
        if len(states) > 1 and states <= values:
            return workflow
        called = fold(workflow.name)
        own = (name, f"{sketch.about}_{name}", *([sketch.about] if name in _STATES or name.endswith("_status") else []))
        if not values and called and any(called in (fold(item), fold(f"{item}_status")) for item in own):
            return workflow
    if len(sketches.schema.workflows) == 1 and not values and name.endswith(_STATES):
        only = sketches.schema.workflows[0]
        if only.name.casefold() in sketch.name.casefold() or _is_only_state(sketches, sketch, column):
            return only
    return None


def _is_only_state(sketches: Sketches, sketch: Sketch, column: Column) -> bool:
    """Whether the project's one diagram can be about no other column: only one history has a state without values."""
    open_states = [
        (other.name, item.name)
        for other in sketches
        if _interval(other)[0] and (_interval(other)[1] or _named(other, _CURRENT, _FLAGS))
        for item in other.table.columns
        if snake(item.name).endswith(_STATES) and _can_show(other, item) and not _values(other, item)
    ]
    return open_states == [(sketch.name, column.name)]


def _process(sketches: Sketches, sketch: Sketch, column: Column) -> tuple[str, dict[str, object]] | None:
    workflow = _workflow(sketches, sketch, column)
    if workflow is not None:
        return column.name, {"workflow": workflow.name, **_pace(sketch)}
    values = [str(value) for value in _values(sketch, column) or _values_of_entity(sketches, sketch)]
    values = values or _likely_values(sketch, column)
    if len(values) < 2 and sketch.table.pages:
        values = ["open", "closed"]
    if len(values) < 2:
        return None
    steps = likely_moves(values)
    ends = [value for value in values if value not in steps or END in steps[value]]
    sketches.note(
        "order-assumed",
        f"no state diagram says how {sketch.name}.{column.name} moves; it is taken to go from {values[0]} to "
        f"{' or '.join(ends)} in the order in which its values are listed",
        column.origin,
        "draw a stateDiagram-v2, or edit `transitions` in the plan",
    )
    return column.name, {"states": tuple(values), "initial": values[0], "transitions": steps, **_pace(sketch)}


def _fill_in_moves(sketches: Sketches, sketch: Sketch) -> None:
    """Gives a process of which an annotation says all but its moves the ones that its states suggest."""
    said = sketch.history or sketch.lifecycle
    assert said is not None
    column = sketch.table.column(sketch.history.state) if sketch.history else _state_column(sketches, sketch)
    process = _process(sketches, sketch, column) if column else None
    if process is None:
        return
    given = {name: getattr(said, name) for name in said.model_fields_set if name != "workflow"}
    filled = said.model_copy(update={"workflow": None, **process[1], **given})
    if isinstance(filled, History):
        sketch.history = filled
    else:
        sketch.lifecycle = filled


def _values_of_entity(sketches: Sketches, history: Sketch) -> tuple[Scalar, ...]:
    """The states that the project lists where a history's entity shows its latest one."""
    for link in history.links:
        parent = sketches.find(link.parent)
        for column in parent.table.columns if parent and parent is not history else ():
            name = snake(column.name)
            if name in _STATES or name.endswith(tuple(f"_{word}" for word in _STATES)):
                values = _values(parent, column) if parent else ()
                if len(values) > 1:
                    return values
    return ()


def _pace(sketch: Sketch) -> dict[str, object]:
    """How long the states of slow things last; of others, `resolve` knows."""
    return {"dwell": _LASTING_DWELL} if LASTING.search(sketch.about) else {}


def _by_attribute(sketch: Sketch, taken: set[str]) -> tuple[str, dict[str, object]] | None:
    """A history of attributes: the first one with few values moves between them."""
    for column in sketch.table.columns:
        if column.name in taken or column.name in sketch.key or not _can_show(sketch, column):
            continue
        values = [str(value) for value in _values(sketch, column)] or _likely_values(sketch, column)
        if 2 <= len(values) <= 20:
            share = round(1 / (len(values) - 1), 6)
            moves = {before: {after: share for after in values if after != before} for before in values}
            for before, row in moves.items():
                last = values[-1] if before != values[-1] else values[-2]
                row[last] = round(1 - share * (len(row) - 1), 6)
            settings: dict[str, object] = {
                "states": tuple(values),
                "initial": {value: round(1 / len(values), 6) for value in values[1:]},
                "transitions": moves,
                "dwell": _DWELL,
                "max_versions": 20,
            }
            initial = settings["initial"]
            assert isinstance(initial, dict)
            initial[values[0]] = round(1 - sum(initial.values()), 6)
            return column.name, settings
    return None


def _likely_values(sketch: Sketch, column: Column) -> list[str]:
    """The values that a column's name suggests."""
    found = sketch.read(column.name, TypeKind.TEXT)
    if found is None or not found[1].startswith("choice({"):
        return []
    generator = kinds.Choice(values=_weights(found[1]))
    return [str(value) for value in generator.values]


def _weights(text: str) -> dict[Scalar, float]:
    return dict(parse_call(text)[1][0])


# --- the entity's own columns --------------------------------------------------------------------------------


def _find_lifecycle(sketches: Sketches, sketch: Sketch) -> None:
    """An entity with a status that a state diagram describes, or words do; without these a status is just a value."""
    if any(other.history and sketches.entity_of(other) == sketch.name for other in sketches):
        return
    column = _state_column(sketches, sketch)
    if column is None:
        return
    workflow = _workflow(sketches, sketch, column)
    if workflow is not None:
        sketch.lifecycle = Lifecycle.model_validate({"workflow": workflow.name, **_pace(sketch)})
    elif sketch.table.pages or tells_of_process(sketch.table, column, _values(sketch, column)):
        process = _process(sketches, sketch, column)
        if process is not None:
            sketch.lifecycle = Lifecycle.model_validate(process[1])


def _show_in_entity(sketches: Sketches, history: Sketch) -> None:
    """The entity's table shows the latest state of its history."""
    entity = sketches.find(sketches.entity_of(history))
    if entity is None or not entity.table.generated or history.history is None or entity is history:
        return
    state = history.table.column(history.history.state)
    known = {fold(str(value)) for value in _values(history, state)} if state else set()
    shown = None
    for column in entity.table.columns:
        name = snake(column.name)
        same = bool(known) and {fold(str(value)) for value in _values(entity, column)} == known
        if (same or name.endswith(_STATES)) and _can_show(entity, column):
            values = {fold(str(value)) for value in _values(entity, column)}
            if same or not values or not known or known <= values:
                shown = column
                break
    initial = history.history.initial
    first = initial if isinstance(initial, str) else next(iter(initial), None) if initial else None
    whole = snake(history.history.state).endswith(_STATES)
    started = (*([snake(str(first))] if first else []), *_STARTED, *(_STARTED_LONG if whole else ()))
    _show(entity, history.name, shown, started, (*_ENDED, *(_ENDED_LONG if whole else ())))
    _show_said_ends(sketches, entity, history.name, history.history)


def _show(
    sketch: Sketch,
    lifecycle: str,
    state: Column | None,
    begins: Sequence[str] = _STARTED,
    ends: Sequence[str] = _ENDED,
) -> None:
    if state is not None:
        sketch.decide(state.name, kinds.Lifecycle(lifecycle=lifecycle, part="state"))
    for part, names in (("started", begins), ("ended", ends), ("entered", _ENTERED)):
        for column in _moments(sketch, names):
            taken = any(isinstance(item, kinds.Lifecycle) and item.part == part for item in sketch.generators.values())
            if taken or (part == "ended" and sketch.must_be_filled(column.name)):
                continue
            sketch.decide(column.name, kinds.Lifecycle(lifecycle=lifecycle, part=part))


def _all_states(sketches: Sketches, process: Process) -> tuple[str, ...]:
    drawn = next((workflow for workflow in sketches.schema.workflows if workflow.name == process.workflow), None)
    return drawn.states if drawn else tuple(process.states or ())


def _last_states(sketches: Sketches, process: Process) -> tuple[str, ...]:
    """The states that are never left, of a state diagram or a plain list of moves."""
    for workflow in sketches.schema.workflows:
        if workflow.name == process.workflow:
            left = {move.source for move in workflow.transitions}
            return tuple(state for state in workflow.states if state not in left)
    moves = process.transitions if isinstance(process.transitions, dict) else {}
    return tuple(state for state in process.states or () if state not in moves)


def _show_ends(sketch: Sketch, state: Column, last: Sequence[str]) -> None:
    """`cancelled_at` is when the entity came to its end, if that was in the state `cancelled`."""
    for end in last:
        for column in _moments(sketch, (snake(end),)):
            if column.name not in sketch.generators and not sketch.must_be_filled(column.name):
                when = None if len(last) == 1 else f"{quoted(state.name)} = '{end}'"
                if when is None or "'" not in end:
                    sketch.decide(column.name, kinds.Lifecycle(lifecycle=sketch.name, part="ended", when=when))


def _show_said_ends(sketches: Sketches, sketch: Sketch, lifecycle: str, process: Process) -> None:
    """A moment "when it was done or rejected; empty while under way", however its column is called."""
    passing = set(_all_states(sketches, process)) - set(_last_states(sketches, process))
    for column in sketch.table.columns:
        name, prose = column.name, sketch.prose.get(column.name, NOTHING)
        free = name not in sketch.generators and name not in sketch.annotated and not sketch.must_be_filled(name)
        if free and is_over(prose) and is_moment(sketch, column) and not names_a_state(name, passing):
            sketch.decide(name, kinds.Lifecycle(lifecycle=lifecycle, part="ended"))


def _moments(sketch: Sketch, names: Sequence[str]) -> Iterator[Column]:
    """Columns that hold a moment and are named by one of these words, in the order of the words."""
    for name in names:
        for column in sketch.table.columns:
            own = snake(column.name)
            stem = next((own.removesuffix(ending) for ending in _TIME_ENDINGS if own.endswith(ending)), own)
            stem = stem.removesuffix("_date").removeprefix(f"{sketch.about}_")
            temporal = sketch.kind(column.name) not in (TypeKind.BOOLEAN, TypeKind.TEXT, TypeKind.DECIMAL)
            if stem == name and stem != own and temporal:
                yield column
