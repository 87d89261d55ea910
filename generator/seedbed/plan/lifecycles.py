"""Settles a process: states, first states, moves, times and bounds, until a walk has nothing left to decide."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seedbed.documents import Document, Path
from seedbed.errors import Diagnostic, Location, closest, has_errors
from seedbed.plan.dwell import resolve_dwell
from seedbed.plan.resolved import DAY, ResolvedLifecycle
from seedbed.plan.spec import PLAN_FILE, Arrivals, Process
from seedbed.plan.transitions import (
    REST,
    STAYS,
    Problems,
    Rows,
    Shares,
    States,
    collect_states,
    fold,
    read_moves,
    settle,
    share_the_rest,
)
from seedbed.schema import Scalar, Workflow, is_page

CUT_SHARE = 1e-9
"""At most this share of walks is cut off by the default number of versions ..."""
LEAST_VERSIONS, MOST_VERSIONS = 16, 1_000
"""... which lies between these."""
_BEAM = 2_000
"""Sets of seen states that are followed at each step when looking for walks that get stuck."""


def resolve_lifecycle(
    name: str,
    process: Process,
    workflows: Sequence[Workflow],
    document: Document,
    *,
    entity: str,
    accepted_values: tuple[Scalar, ...] | None,
    granularity: int,
    start: dt.date,
    as_of: dt.date | None,
    case_values: tuple[Scalar, ...] | None,
) -> tuple[ResolvedLifecycle | None, list[Diagnostic]]:
    """Settles what a process leaves open; None when it cannot be used.

    Args:
        name: of the lifecycle, for messages and streams.
        process: what was written.
        workflows: the project's state diagrams, one of which the process may name.
        document: where it was written, for places.
        entity: the table whose rows go through the process.
        accepted_values: the values of the column that shows the state, where they are known.
        granularity: seconds; 86400 when versions begin on days.
        start: first day of the simulated time.
        as_of: its last day; None when there is none, so that every walk must come to an end.
        case_values: the values of the column that the moves depend on, where they are known.
    """
    problems = Problems(document)
    workflow = _find_workflow(process, workflows, problems)
    states = collect_states(process, workflow, accepted_values, problems)
    if has_errors(problems.found):
        return None, problems.found
    moves = read_moves(process, workflow, states, problems)
    if not len(states):
        problems.error("no-states", "the process has no state", (), "name its states in transitions:")
    if has_errors(problems.found) or not moves:
        return None, problems.found
    matrices = [rows for _, rows in moves]
    cases, otherwise = _match_cases(process, [value for value, _ in moves], case_values, problems)
    initial = _initial(process, workflow, states, matrices, problems)
    shown = _as_shown(states, accepted_values, problems)
    arrivals = _arrivals(process.arrivals, granularity, start, as_of, problems)
    dwell = resolve_dwell(process, states, matrices, granularity, problems)
    if has_errors(problems.found) or initial is None or arrivals is None:
        return None, problems.found
    _check_graph(process, states, matrices, initial, as_of, problems)
    most = _max_versions(process, matrices, initial, problems)
    if has_errors(problems.found):
        return None, problems.found
    size = len(states)
    resolved = ResolvedLifecycle(
        name=name,
        entity=entity,
        states=shown,
        initial=(_dense(initial, size),) * len(matrices),
        matrices=tuple(tuple(_dense(row, size) for row in rows) for rows in matrices),
        dwell=dwell,
        revisit=process.revisit,
        granularity=granularity,
        arrivals=arrivals,
        max_versions=most,
        rhythm=process.arrivals.rhythm,
        depends_on=process.depends_on,
        cases=cases,
        otherwise=otherwise,
        because=process.because,
        origin=document.location(),
    )
    return resolved, problems.found


def _dense(shares: Shares, size: int) -> tuple[float, ...]:
    return tuple(shares.get(index, 0.0) for index in range(size))


def _find_workflow(process: Process, workflows: Sequence[Workflow], problems: Problems) -> Workflow | None:
    if process.workflow is None:
        return None
    if is_page(process.workflow):
        message = f"{process.workflow} tells of the process in words, and the plan does not hold yet what they mean"
        problems.error(
            "words-not-read", message, ("workflow",), "run `seedbed plan`, with `--author llm` to have it read"
        )
        return None
    found = [workflow for workflow in workflows if fold(workflow.name) == fold(process.workflow)]
    if len(found) == 1:
        return found[0]
    known = [workflow.name for workflow in workflows]
    if found:
        places = " and ".join(workflow.origin.short for workflow in found)
        problems.error(
            "ambiguous-workflow", f'two state diagrams are named "{process.workflow}": {places}', ("workflow",)
        )
    else:
        hint = closest(process.workflow, known) or (
            f"known are {', '.join(known)}" if known else "the project has none"
        )
        problems.error("unknown-workflow", f'there is no state diagram "{process.workflow}"', ("workflow",), hint)
    return None


def _initial(
    process: Process, workflow: Workflow | None, states: States, matrices: list[Rows], problems: Problems
) -> Shares | None:
    """The shares of the first states: as written, as drawn, or all of them in the state that nothing leads to."""
    if process.initial is not None:
        shares = {process.initial: 1.0} if isinstance(process.initial, str) else process.initial
        written: dict[int, tuple[Any, Path | Location]] = {}
        for name, share in shares.items():
            place: Path = ("initial",) if isinstance(process.initial, str) else ("initial", name)
            index = states.find(name, problems, place)
            if index in written:
                problems.error("duplicate-state", f'"{name}" stands twice, in two spellings', place)
            elif index is not None:
                written[index] = (share, place)
        if len(written) < len(shares):
            return None
        initial = settle(written, states, "first states", ("initial",), problems)
        if initial == {}:
            problems.error("probability-sum", "no first state has a share", ("initial",), "their shares must sum to 1")
        return initial
    if workflow is not None and workflow.initial:
        told = [(name, share, workflow.origin) for name, share in workflow.initial]
        return share_the_rest(told, states, "first states", workflow.origin, problems)
    entered = {after for rows in matrices for source, row in enumerate(rows) for after in row if after != source}
    first = next((index for index in range(len(states)) if index not in entered), 0)
    reason = "no move leads to it" if first not in entered else "it stands first"
    problems.note(
        "initial-assumed", f'every walk is taken to begin in "{states.names[first]}", because {reason}', (),
        "say so under initial: to be certain",
    )  # fmt: skip
    return {first: 1.0}


def _as_shown(states: States, accepted: tuple[Scalar, ...] | None, problems: Problems) -> tuple[Scalar, ...]:
    """The states as the column's accepted values spell them."""
    if accepted is None:
        return tuple(states.names)
    result: list[Scalar] = []
    for name in states.names:
        exact = [value for value in accepted if _text(value) == name]
        alike = exact or [value for value in accepted if fold(_text(value)) == fold(name)]
        if len(alike) != 1:
            known = ", ".join(_text(value) for value in accepted)
            fix = closest(name, map(_text, accepted)) or "add it there, or take it out of the process."
            if problems.document.file == PLAN_FILE:  # What an author wrote there is planned again by itself.
                fix += " Or delete the table's entry from the plan: `seedbed plan` then writes it anew."
            problems.error(
                "state-not-accepted",
                f'the state "{name}" is not among the accepted values of its column: {known}',
                (),
                fix.removesuffix("."),
            )
        elif not exact:
            problems.note(
                "state-spelling",
                f'the state "{name}" is written {_text(alike[0])!r}, as the accepted values have it',
                (),
            )
        result.extend(alike[:1])
    unused = [_text(value) for value in accepted if value not in result]
    if unused and len(result) == len(states):
        problems.note("state-never-shown", f"no state of the process is the accepted value {', '.join(unused)}", ())
    return tuple(result)


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _match_cases(
    process: Process, written: Sequence[str | None], values: tuple[Scalar, ...] | None, problems: Problems
) -> tuple[Mapping[Scalar, int], int | None]:
    """Which matrix each value of the deciding column has, and which one the values have that are not named."""
    if process.depends_on is None:
        return {}, None
    key = "transitions" if process.transitions is not None else "matrix"
    rest = written.index(REST[0]) if REST[0] in written else None
    named = {fold(value): index for index, value in enumerate(written) if value is not None and index != rest}
    if values is None:
        return {value: index for index, value in enumerate(written) if value is not None and index != rest}, rest
    known = {fold(_text(value)) for value in values}
    for value in written:
        if value is not None and value != REST[0] and fold(value) not in known:
            spoken = [_text(item) for item in values]
            hint = closest(value, spoken) or f"its values are {', '.join(spoken)}"
            problems.error("unknown-case", f'{process.depends_on} is never "{value}"', (key, value), hint)
    missing = [_text(value) for value in values if fold(_text(value)) not in named]
    if missing and rest is None:
        problems.error(
            "missing-case", f"no moves are given for {process.depends_on} {', '.join(missing)}", (key,),
            "add them, or moves for all others under otherwise:",
        )  # fmt: skip
        return {}, None
    cases = {value: named.get(fold(_text(value)), rest) for value in values}
    return {value: case for value, case in cases.items() if case is not None}, rest


def _arrivals(
    arrivals: Arrivals, granularity: int, start: dt.date, as_of: dt.date | None, problems: Problems
) -> tuple[int, int] | None:
    last_day = as_of or arrivals.end
    if last_day is None:
        problems.error("no-end", "it is not said until when entities begin", ("arrivals",), "give arrivals an end:")
        return None
    first, end = arrivals.start or start, arrivals.end or last_day
    for key, moment in (("start", first), ("end", end)):
        if isinstance(moment, dt.datetime) and moment.tzinfo:
            problems.error("time-zone", f"{moment} has a time zone; moments here have none", ("arrivals", key))
            return None
    begin, finish = _seconds(first, last=False), _seconds(end, last=True)
    if finish > _seconds(last_day, last=True):
        message = f"entities begin until {end}, after the as-of date {as_of}"
        problems.error("arrivals-too-late", message, ("arrivals", "end"), "nothing is later than the as-of date")
    elif begin > finish:
        problems.error("arrivals-backwards", f"entities begin from {first} to {end}", ("arrivals",))
    begin, finish = begin // granularity * granularity, finish // granularity * granularity
    if granularity >= DAY and isinstance(arrivals.hours, dict):
        problems.note(
            "no-hours", "versions begin on days, so that the hours of arrivals play no part", ("arrivals", "hours")
        )
    if arrivals.rhythm and begin <= finish:
        try:
            arrivals.rhythm.masses(begin, finish + granularity - 1)
        except ValueError as error:
            problems.error("no-arrivals", f"nobody can arrive: {error}", ("arrivals",))
    return begin, finish


def _seconds(moment: dt.date, *, last: bool) -> int:
    """Seconds since 1970 of a moment; of a day its first or last second."""
    if isinstance(moment, dt.datetime):
        return int((moment - dt.datetime(1970, 1, 1)).total_seconds())
    return (moment - dt.date(1970, 1, 1)).days * DAY + (DAY - 1 if last else 0)


# --- what the moves lead to ----------------------------------------------------------------------------------


def _reached(start: Iterable[int], edges: Mapping[int, Iterable[int]]) -> set[int]:
    """The nodes that can be reached, those at the start included."""
    reached = set(start)
    waiting = list(reached)
    while waiting:
        new = set(edges.get(waiting.pop(), ())) - reached
        reached |= new
        waiting.extend(new)
    return reached


def _check_graph(
    process: Process, states: States, matrices: list[Rows], initial: Shares, as_of: dt.date | None, problems: Problems
) -> None:
    """Says which states no walk comes to, which walks never end, and which stop where they should not."""

    def spoken(indices: Iterable[int]) -> str:
        return ", ".join(states.names[index] for index in sorted(indices))

    reached: set[int] = set()
    endless: set[int] = set()
    for rows in matrices:
        here = _reached(initial, dict(enumerate(rows))) - {STAYS}
        backwards: dict[int, list[int]] = {}
        for source, row in enumerate(rows):
            for after in row:
                backwards.setdefault(after, []).append(source)
        ends = _reached((index for index, row in enumerate(rows) if not row or STAYS in row), backwards)
        reached |= here
        endless |= here - ends
    unreached = set(range(len(states))) - reached
    if unreached:
        problems.warn(
            "unreachable-state", f"no walk ever comes to {spoken(unreached)}", (),
            "add a move that leads there, or take it out",
        )  # fmt: skip
    loops = {index for rows in matrices for index, row in enumerate(rows) if index in row}
    if loops and process.revisit:
        problems.note("self-transition", f"a move from {spoken(loops)} to itself begins a new version", ())
    elif loops:
        problems.note(
            "self-transition", f"a move from {spoken(loops)} to itself never happens, as revisit is false", ()
        )
    if process.revisit and endless:
        message = f"a walk that has come to {spoken(endless)} never ends"
        if as_of is None:
            problems.error("never-ends", message, (), "add a state that is not left, or an as-of date")
        else:
            hint = f"a walk has at most {MOST_VERSIONS:,} versions, unless max_versions says otherwise"
            problems.note("never-ends", f"{message}; its last version stays open", (), hint)
    if not process.revisit:
        stuck = max((_stuck_share(rows, initial) for rows in matrices), default=0.0)
        if stuck > CUT_SHARE:
            problems.warn(
                "walk-gets-stuck",
                f"{stuck:.2%} of walks stop before the end: every state that may follow was seen, and revisit is false",
                (), "allow a move to a state further on, or set revisit: true",
            )  # fmt: skip


def _stuck_share(rows: Rows, initial: Shares) -> float:
    """The share of walks that may not go on although their state is no last one; the likeliest are followed."""
    stuck = 0.0
    level = {(1 << state, state): share for state, share in initial.items()}
    while level:
        following: dict[tuple[int, int], float] = {}
        for (seen, state), mass in level.items():
            going = {after: share for after, share in rows[state].items() if after != STAYS}
            left = {after: share for after, share in going.items() if not seen >> after & 1}
            mass *= 1 - rows[state].get(STAYS, 0.0)
            if going and not left:
                stuck += mass
            total = math.fsum(left.values())
            for after, share in left.items():
                place = (seen | 1 << after, after)
                following[place] = following.get(place, 0.0) + mass * share / total
        level = dict(sorted(following.items(), key=lambda item: -item[1])[:_BEAM])
    return stuck


def _max_versions(process: Process, matrices: list[Rows], initial: Shares, problems: Problems) -> int:
    """The declared bound; else one that next to no walk comes to."""
    if not process.revisit:
        states = len(matrices[0])
        if process.max_versions is not None and process.max_versions < states:
            message = f"walks that would have more than {process.max_versions} versions stop where they are"
            problems.note("walks-cut", message, ("max_versions",))
        return min(process.max_versions or states, states)
    bound = process.max_versions or MOST_VERSIONS
    needed, cut = 0, 0.0
    for rows in matrices:
        alive, count = dict(initial), 0
        while count < bound and math.fsum(alive.values()) >= CUT_SHARE:
            following: Shares = {}
            for state, mass in alive.items():
                for after, share in rows[state].items():
                    if after != STAYS:
                        following[after] = following.get(after, 0.0) + mass * share
            alive, count = following, count + 1
        needed, cut = max(needed, count), max(cut, math.fsum(alive.values()))
    if process.max_versions is not None:
        if cut >= CUT_SHARE:
            problems.warn(
                "walks-cut", f"up to {cut:.2%} of walks have more than {bound} versions and stop where they are",
                ("max_versions",),
            )  # fmt: skip
        return bound
    return max(LEAST_VERSIONS, needed)
