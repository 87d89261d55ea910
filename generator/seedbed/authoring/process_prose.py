"""Finds what a project says in words about the process that a table's rows go through."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from seedbed.plan.spec import Process
from seedbed.plan.transitions import fold
from seedbed.schema import Column, Fact, Scalar, Schema, Table

_PARTS = "thirds?|quarters?|fifths?|sixths?|sevenths?|eighths?|ninths?|tenths?|twentieths?|hundredths?"
_NUMBER = r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twenty|a hundred)"
_SHARE = re.compile(
    rf"\d\s*%|\bper ?cent\b|\bhalf\b|\bhalves\b|\b(?:an?|one|two|three|four|every|each) (?:{_PARTS})\b"
    rf"|\b{_NUMBER} (?:in|of|out of) (?:every )?{_NUMBER}\b|\bshare of\b|\bmajority\b",
    re.I,
)
"""How people write what part of a whole goes somewhere."""


def process_prose(schema: Schema, table: Table, state: str | None, process: Process) -> tuple[Fact[str], ...]:
    """The texts about a process: pages, notes in its diagram, descriptions that tell of its states and shares."""
    column = table.column(state) if state else None
    found = list(table.pages)
    for workflow in schema.workflows:
        if process.workflow is not None and fold(workflow.name) == fold(process.workflow):
            found += workflow.notes if _SHARE.search(" ".join(note.value for note in workflow.notes)) else ()
    states = column.accepted_values.value if column and column.accepted_values else process.states or ()
    return (*found, *_descriptions(table, column, states))


def tells_of_process(table: Table, column: Column, states: Iterable[Scalar]) -> bool:
    """Whether descriptions say which share of the rows goes from one of the states to another."""
    return any(_descriptions(table, column, states))


def _descriptions(table: Table, column: Column | None, states: Iterable[Scalar]) -> Iterator[Fact[str]]:
    """The descriptions that name a share, and two of the states."""
    known = [re.compile(rf"\b{_spelled(str(state))}", re.I) for state in states if fold(str(state))]
    for said in (table.description, column.description if column else None):
        if said and _SHARE.search(said.value) and sum(bool(state.search(said.value)) for state in known) >= 2:
            yield said


def _spelled(state: str) -> str:
    """An expression for a state's name, its words apart in any way."""
    return r"[\s_-]*".join(re.escape(word) for word in re.split(r"[\s_-]+", state.strip()) if word)
