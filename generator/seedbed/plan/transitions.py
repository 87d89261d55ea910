"""Reads a process's moves, however they are written, into one matrix of probabilities for each case.

A row that cannot be used is reported with its numbers, their sum and the likely cause, never put right in
silence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from seedbed.documents import Document, Path
from seedbed.errors import Diagnostic, Location, Severity, closest
from seedbed.plan.spec import Process
from seedbed.schema import Scalar, Workflow

TOLERANCE = 1e-6
"""How far a row's sum may be from 1; a row of percentages, a hundred times as far from 100."""
REST = ("otherwise", "default")
"""What the moves of all other cases stand under."""

END = "[*]"
"""What a walk moves to that stays in its state for good, in a row of moves as in a state diagram."""
STAYS = -1
"""The index of `END` among the shares of a row."""

Shares = dict[int, float]
"""State index to probability, `STAYS` among them; empty where the process always ends."""
Rows = list[Shares]


@dataclass(slots=True)
class Problems:
    """What was found wrong with one process, each at its place in the document that states it."""

    document: Document
    found: list[Diagnostic] = field(default_factory=list)

    def error(self, code: str, message: str, place: Path | Location, hint: str | None = None) -> None:
        self._add(code, message, place, Severity.ERROR, hint)

    def warn(self, code: str, message: str, place: Path | Location, hint: str | None = None) -> None:
        self._add(code, message, place, Severity.WARNING, hint)

    def note(self, code: str, message: str, place: Path | Location, hint: str | None = None) -> None:
        self._add(code, message, place, Severity.NOTE, hint)

    def _add(self, code: str, message: str, place: Path | Location, severity: Severity, hint: str | None) -> None:
        location = place if isinstance(place, Location) else self.document.location(*place)
        self.found.append(Diagnostic(code, message, location, severity, hint))


# --- states --------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class States:
    """The states of a process, each under every spelling that differs only in case, spaces, `_` and `-`."""

    names: list[str] = field(default_factory=list)
    _by_folded: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.names)

    def add(self, name: str) -> bool:
        """Adds a state; False if it is there already."""
        if fold(name) in self._by_folded:
            return False
        self._by_folded[fold(name)] = len(self.names)
        self.names.append(name)
        return True

    def index(self, name: str) -> int | None:
        return self._by_folded.get(fold(name))

    def name(self, index: int) -> str:
        """The state of an index, or `END`."""
        return END if index == STAYS else self.names[index]

    def find(self, name: str, problems: Problems, place: Path | Location) -> int | None:
        """The index of a state that must exist; None after having said that it does not."""
        index = self.index(name)
        if index is None:
            hint = closest(name, self.names) or f"the states are {', '.join(self.names)}"
            problems.error("unknown-state", f'there is no state "{name}"', place, hint)
        return index


def fold(name: str) -> str:
    """A state's name without what people write differently."""
    return re.sub(r"[\s_-]+", "", name).casefold() or name


def collect_states(
    process: Process, workflow: Workflow | None, accepted_values: Sequence[Scalar] | None, problems: Problems
) -> States:
    """The states in the order of `states`, of the diagram, or in which the moves name them."""
    states = States()
    if process.states is not None:
        for position, name in enumerate(process.states):
            if not states.add(name):
                problems.error("duplicate-state", f'the state "{name}" stands twice', ("states", position))
    elif workflow is not None:
        for name in workflow.states:
            states.add(name)
    else:
        moves = [data for _, data, _ in _cases(process)]
        if any(isinstance(data, list) for data in moves):
            _name_matrix_states(states, moves, accepted_values, problems)
        mappings = [data for data in moves if isinstance(data, dict)]
        for name in (str(source) for mapping in mappings for source in mapping):
            states.add(name)
        for targets in (row for mapping in mappings for row in mapping.values()):
            for name in [targets] if isinstance(targets, str) else targets if isinstance(targets, dict) else ():
                if name != END:
                    states.add(str(name))
        for name in [process.initial] if isinstance(process.initial, str) else process.initial or ():
            if name != END:
                states.add(name)
    return states


def _name_matrix_states(
    states: States, moves: list[Any], accepted_values: Sequence[Scalar] | None, problems: Problems
) -> None:
    size = max(len(data) for data in moves if isinstance(data, list))
    if accepted_values is not None and len(accepted_values) == size:
        for value in accepted_values:
            states.add(str(value))
        spoken = ", ".join(states.names)
        problems.note(
            "states-from-accepted-values", f"rows and columns of the matrix are taken to be, in this order: {spoken}",
            (_moves_key(problems),), "list them under states: to be certain",
        )  # fmt: skip
    else:
        problems.error(
            "states-missing", f"a matrix of {size} rows does not say which states its rows and columns are",
            (_moves_key(problems),), "list them in the same order under states:",
        )  # fmt: skip


def _moves_key(problems: Problems) -> str:
    return "matrix" if problems.document.at("matrix").value is not None else "transitions"


# --- rows of probabilities -----------------------------------------------------------------------------------

_Numbers = list[tuple[int, float, Path | Location]]
"""State index, share as written, place."""


def read_share(value: Any) -> float | None:
    """The number that a share is written as: 0.4, '0.4' or '40%'; None where it is no number."""
    if isinstance(value, str):
        text = value.strip()
        try:
            return float(text[:-1]) / 100 if text.endswith("%") else float(text)
        except ValueError:
            return None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def settle(
    written: Mapping[int, tuple[Any, Path | Location]],
    states: States,
    subject: str,
    place: Path | Location,
    problems: Problems,
) -> Shares | None:
    """A row of shares that sums to 1 exactly, or is empty; None after having said what is wrong with it."""
    numbers: dict[int, float] = {}
    for index, (value, where) in written.items():
        number = read_share(value)
        fault = (
            "is not a number" if number is None or math.isnan(number)
            else "is negative" if number < 0
            else "is not finite" if math.isinf(number)
            else None
        )  # fmt: skip
        if number is None or fault:
            message = f"{subject}: the share of {states.name(index)}, {value!r}, {fault}"
            problems.error("bad-probability", message, where, "write a number from 0 to 1")
            continue
        numbers[index] = number
    if len(numbers) < len(written):
        return None
    total = math.fsum(numbers.values())
    if total == 0:
        return {}
    if abs(total - 100) <= 100 * TOLERANCE and abs(total - 1) > TOLERANCE:
        problems.note("percent", f"{subject}: the shares sum to 100 and are read as percentages", place)
    elif abs(total - 1) > TOLERANCE:
        _report_sum(numbers, total, states, subject, place, problems)
        return None
    return {index: number / total for index, number in numbers.items() if number > 0}


def _report_sum(
    numbers: Shares, total: float, states: States, subject: str, place: Path | Location, problems: Problems
) -> None:
    """Says by how much a row is off and what is most likely meant."""
    terms = " + ".join(f"{states.name(index)} {number:.9g}" for index, number in numbers.items() if number)
    target = 100 if total > 50 and max(numbers.values()) > 1 else 1
    off = total - target
    gap = f"{abs(off):.6g} {'too much' if off > 0 else 'is missing'}"
    above = [states.name(index) for index, number in numbers.items() if number > target]
    if abs(off) <= 0.02 * target:
        hint = "it looks rounded: write more digits, or give one share what is left of it"
    elif above:
        hint = f"the share of {above[0]} alone is above {target}"
    elif off > 0 and len(numbers) > 1:
        hint = f"take {abs(off):.6g} from one of them, or write each as a share of {total:.6g}"
    elif len(states) > len(numbers):
        missing = [name for index, name in enumerate(states.names) if index not in numbers]
        hint = f"say where the rest goes, for example {missing[0]}: {abs(off):.6g}; '{END}' stands for those that stay"
    else:
        hint = f"add {abs(off):.6g} to one of them"
    message = f"{subject}: {terms} = {total:.9g}, {gap}; the shares must sum to {target}"
    problems.error("probability-sum", message, place, hint)


def share_the_rest(
    edges: Iterable[tuple[str, float | None, Location]], states: States, subject: str, place: Location,
    problems: Problems,
) -> Shares | None:  # fmt: skip
    """A row of a diagram: edges without a number share evenly what the others leave."""
    known: dict[int, float] = {}
    unlabelled: list[tuple[int, Location]] = []
    for target, share, where in edges:
        index = STAYS if target == END else states.find(target, problems, where)
        if index is None:
            return None
        if share is None:
            unlabelled.append((index, where))
        else:
            known[index] = known.get(index, 0.0) + share
    left = 1 - math.fsum(known.values())
    if unlabelled and left < -TOLERANCE:
        _report_sum(known, 1 - left, states, subject, place, problems)
        return None
    if unlabelled and left <= TOLERANCE:
        names = ", ".join(states.name(index) for index, _ in unlabelled)
        problems.warn(
            "nothing-left", f"{subject}: the other shares already sum to 1, so that {names} never follows",
            unlabelled[0][1],
        )  # fmt: skip
        left = 0.0
    for index, _ in unlabelled:
        known[index] = known.get(index, 0.0) + left / len(unlabelled)
    return settle({index: (share, place) for index, share in known.items()}, states, subject, place, problems)


# --- the moves -----------------------------------------------------------------------------------------------


def _cases(process: Process) -> list[tuple[str | None, Any, Path]]:
    """What is written for each case: its value (None for the only one), the moves, the path to them."""
    key, data = ("transitions", process.transitions) if process.transitions is not None else ("matrix", process.matrix)
    if data is None:
        return []
    if process.depends_on is None or not isinstance(data, dict):
        return [(None, data, (key,))]
    return [(str(value), moves, (key, str(value))) for value, moves in data.items()]


def read_moves(
    process: Process, workflow: Workflow | None, states: States, problems: Problems
) -> list[tuple[str | None, Rows]]:
    """The rows of each case, with the value it is for: None for the only case, `otherwise` for the rest.

    What a case does not say of a state is taken from the workflow.
    """
    if process.transitions is not None and process.matrix is not None:
        problems.error("two-matrices", "both transitions and matrix are given; only one of them can count", ("matrix",))
    cases = _cases(process)
    if not cases and workflow is None:
        problems.error(
            "no-transitions", "nothing says which state may follow which", (),
            "write transitions: {<state>: {<next state>: <share>}}, or name a state diagram under workflow:",
        )  # fmt: skip
        return []
    if process.depends_on is not None and (not cases or not _has_cases(cases)):
        problems.error(
            "no-cases", f"the moves depend on {process.depends_on}, but are given only once",
            cases[0][2] if cases else (),
            f"write one mapping for each value of {process.depends_on}, and one under otherwise: for the rest",
        )  # fmt: skip
        return []
    if process.depends_on is None and any(_is_deeper(data) for _, data, _ in cases):
        problems.error(
            "no-depends-on", "the moves are given for several cases, but not what decides between them", cases[0][2],
            "name the entity's column under depends_on:",
        )  # fmt: skip
        return []
    diagram: Rows = [{} for _ in states.names]
    if workflow is not None:
        said = [{fold(str(name)) for name in data} if isinstance(data, dict) else set(map(fold, states.names))
                for _, data, _ in cases]  # fmt: skip
        diagram = _diagram_rows(workflow, states, set.intersection(*said) if said else set(), problems)
    if not cases:
        return [(None, diagram)]
    result: list[tuple[str | None, Rows]] = []
    for value, data, path in cases:
        label = "" if value is None else f"{process.depends_on} {value}, "
        if isinstance(data, list):
            rows = _matrix_rows(data, states, label, path, problems)
        elif isinstance(data, dict):
            rows = [dict(row) for row in diagram]
            _override(rows, data, states, label, path, problems)
        else:
            message = f"{label}the moves are {data!r}, not a mapping or a matrix"
            problems.error("not-transitions", message, path, "write {<state>: {<next state>: <share>}}")
            continue
        result.append(("otherwise" if value in REST else value, rows))
    return result


def _has_cases(cases: list[tuple[str | None, Any, Path]]) -> bool:
    """Whether what is written is one level deeper than the moves of a process that depends on nothing."""
    return all(
        isinstance(data, list) or (isinstance(data, dict) and all(read_share(row) is None for row in data.values()))
        for value, data, _ in cases
        if value is not None
    ) and all(value is not None for value, _, _ in cases)


def _is_deeper(data: Any) -> bool:
    rows = data.values() if isinstance(data, dict) else ()
    return any(isinstance(row, list) and row for row in rows) or any(
        isinstance(share, dict | list) for row in rows if isinstance(row, dict) for share in row.values()
    )


def _override(rows: Rows, data: dict[Any, Any], states: States, label: str, path: Path, problems: Problems) -> None:
    """Puts the rows of a mapping {from: {to: share}} in the place of those that were there."""
    said: dict[int, str] = {}
    for source, targets in data.items():
        place = (*path, str(source))
        index = states.find(str(source), problems, place)
        if index is None:
            continue
        if index in said:
            problems.error("duplicate-state", f'"{said[index]}" and "{source}" are the same state', place)
            continue
        said[index] = str(source)
        if isinstance(targets, str):
            targets = {targets: 1.0}
        if targets is not None and targets != [] and not isinstance(targets, dict):
            message = f"{label}from {source}: {targets!r} does not say which states follow"
            problems.error("not-transitions", message, place, "write {<next state>: <share>}")
            continue
        written: dict[int, tuple[Any, Path | Location]] = {}
        for target, share in (targets or {}).items():
            where = (*place, str(target))
            after = STAYS if target == END else states.find(str(target), problems, where)
            if after is not None and after in written:
                message = f'{label}from {source}: "{target}" stands twice, in two spellings'
                problems.error("duplicate-state", message, where)
            elif after is not None:
                written[after] = (share, where)
        if len(written) == len(targets or {}):
            row = settle(written, states, f"{label}from {states.names[index]}", place, problems)
            rows[index] = _without_lone_end(row or {})


def _matrix_rows(data: list[Any], states: States, label: str, path: Path, problems: Problems) -> Rows:
    size = len(states)
    rows: Rows = [{} for _ in states.names]
    if len(data) != size:
        message = f"{label}the matrix has {len(data)} rows, but there are {size} states ({', '.join(states.names)})"
        problems.error("matrix-size", message, path, "write one row for each state, of zeros where the process ends")
        return rows
    for index, shares in enumerate(data):
        name = states.names[index]
        if not isinstance(shares, list) or len(shares) != size:
            told = f"{len(shares)} numbers" if isinstance(shares, list) else repr(shares)
            message = f"{label}the row of {name} has {told}, but there are {size} states ({', '.join(states.names)})"
            problems.error(
                "matrix-size", message, (*path, index), "write one number for each state, 0 where it cannot follow"
            )
            continue
        written: dict[int, tuple[Any, Path | Location]] = {
            after: (share, (*path, index, after)) for after, share in enumerate(shares)
        }
        rows[index] = settle(written, states, f"{label}from {name}", (*path, index), problems) or {}
    return rows


def _diagram_rows(workflow: Workflow, states: States, replaced: set[str], problems: Problems) -> Rows:
    """The rows of a diagram, empty for the states of which every case says more: their folded names are `replaced`."""
    for edge in workflow.transitions:
        states.find(edge.source, problems, edge.origin)
    rows: Rows = []
    for name in states.names:
        edges = [edge for edge in workflow.transitions if fold(edge.source) == fold(name)]
        if fold(name) in replaced:
            edges = []
        place = edges[0].origin if edges else workflow.origin
        told = [(edge.target, edge.probability, edge.origin) for edge in edges]
        if edges and any(fold(state) == fold(name) for state in workflow.terminal):
            told.append((END, None, place))
        rows.append(_without_lone_end(share_the_rest(told, states, f"from {name}", place, problems) or {}))
    return rows


def _without_lone_end(row: Shares) -> Shares:
    """A state from which nothing but the end follows is one that is never left."""
    return {} if set(row) == {STAYS} else row
