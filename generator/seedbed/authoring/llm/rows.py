"""The calls in which an LLM writes rows outright: of short tables, where every value counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel, ValidationError

from seedbed.authoring.client.calls import Message, Request
from seedbed.authoring.llm.answer import TEXT, at_most, find_name, listed, misshapen, wire_object, wrong
from seedbed.authoring.llm.prompts import Templates, render_model, render_rules
from seedbed.authoring.llm.survey import Survey
from seedbed.authoring.llm.untrusted import clean, data_block
from seedbed.errors import Diagnostic
from seedbed.plan.sheets import write_sheet
from seedbed.plan.spec import Plan
from seedbed.schema import Schema

MOST_WRITTEN = 200
"""Rows of a table that an LLM writes at most."""
MOST_KEYS = 200
"""Keys of a parent that are told to an LLM at most."""
_TOKENS_PER_CELL, _TOKENS_PER_ROW, _TOKENS_PER_TABLE = 6, 4, 30

ROWS_FORMAT = wire_object(
    tables={
        "type": "array",
        "items": wire_object(
            table=TEXT,
            columns={"type": "array", "items": TEXT},
            rows={"type": "array", "items": {"type": "array", "items": {"type": ["string", "null"]}}},
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Listing:
    """A table whose rows are to be written: which columns, and about how many rows."""

    table: str
    columns: tuple[str, ...]
    rows: int
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By foreign-key column: keys that are there."""
    there: Sequence[Sequence[str | None]] = ()
    """Rows that are there already."""
    exact: bool = False
    """Whether `rows` is how many are wanted, not a guess."""


Written = Mapping[str, str]
"""By table: its rows as the text of a CSV file."""


class _WrittenTable(BaseModel):
    table: str
    columns: list[str]
    rows: list[list[str | bool | int | float | None]]


class _RowsAnswer(BaseModel):
    tables: list[_WrittenTable]


def rows_request(
    schema: Schema, plan: Plan, templates: Templates, survey: Survey, listings: Sequence[Listing], batch: int = 0
) -> Request:
    """The question for the rows of some tables."""
    asked = {listing.table: listing.columns for listing in listings}
    columns = {clean(listing.table): [clean(name) for name in listing.columns] for listing in listings}
    said = templates.fill(
        "rows",
        domain=f"{data_block(survey.domain)}\n" if survey.domain else "",
        model=render_model(schema, plan, asked, asked, (), survey.tables),
        rules=render_rules(schema),
        columns=data_block(listed(columns)),
        amount=_amount(listings),
        keys=_keys(listings),
        there=_there(listings),
    )
    expected = 20 + sum(
        _TOKENS_PER_TABLE + listing.rows * (_TOKENS_PER_ROW + _TOKENS_PER_CELL * len(listing.columns))
        for listing in listings
    )
    return Request(
        "rows",
        (Message("system", templates.fill("rows_role")), Message("user", said)),
        ROWS_FORMAT,
        batch=batch,
        answer_tokens=expected,
        max_tokens=at_most(expected),
    )


def _amount(listings: Sequence[Listing]) -> str:
    exact = [listing.rows for listing in listings if listing.exact]
    if exact:
        return f"Write {exact[0]} rows."
    return f"Write as many as there are in such an organisation, usually 3 to 30, and never more than {MOST_WRITTEN}."


def _keys(listings: Sequence[Listing]) -> str:
    keys = {clean(name): list(found) for listing in listings for name, found in listing.keys.items()}
    return f"\nForeign keys hold one of these values:\n{data_block(listed(keys))}" if keys else ""


def _there(listings: Sequence[Listing]) -> str:
    lines = [json.dumps(row, ensure_ascii=False) for listing in listings for row in listing.there]
    return f"\nThese rows are there already; write others:\n{data_block(chr(10).join(lines))}" if lines else ""


def read_rows(value: object, listings: Iterable[Listing]) -> tuple[Written, list[Diagnostic]]:
    """The rows that an answer holds, of the tables that can be read, and what is wrong with the rest.

    Whether the values fit is not looked at: that is for whoever knows the plan or the files that are there.
    """
    try:
        answer = _RowsAnswer.model_validate(value)
    except ValidationError as error:
        return {}, [misshapen(error)]
    asked = {listing.table: listing for listing in listings}
    tables = {clean(name): name for name in asked}
    written: dict[str, str] = {}
    answered: set[str] = set()
    problems: list[Diagnostic] = []
    for said in answer.tables:
        name = find_name(said.table, tables, "table", problems)
        if name is None:
            continue
        if name in answered:
            problems.append(wrong("answered-twice", f"{name} is answered twice", name))
        answered.add(name)
        found = _read_table(said, asked[name], problems)
        if found is not None:
            written[name] = found
    for name in asked:
        if name not in answered:
            problems.append(wrong("not-answered", f"the rows of {name} are missing", name))
    return written, problems


def _read_table(said: _WrittenTable, listing: Listing, problems: list[Diagnostic]) -> str | None:
    """The table's rows with the asked columns in their order, as the text of a CSV file."""
    before = len(problems)
    known = {clean(name): name for name in listing.columns}
    header = [find_name(name, known, "column", problems, listing.table) for name in said.columns]
    twice = {name for name in header if name and header.count(name) > 1}
    problems += [wrong("answered-twice", f"{listing.table}.{name} stands twice", listing.table, name) for name in twice]
    for name in listing.columns:
        if name not in header:
            problems.append(wrong("not-answered", f"{listing.table}.{name} is missing", listing.table, name))
    for number, row in enumerate(said.rows, 1):
        if len(row) != len(header):
            message = f"row {number} of {listing.table} has {len(row)} values for {len(header)} columns"
            problems.append(wrong("row-length", message, listing.table))
    if not 0 < len(said.rows) <= MOST_WRITTEN:
        message = f"{listing.table} has {len(said.rows)} rows; 1 to {MOST_WRITTEN} were expected"
        problems.append(wrong("row-count", message, listing.table))
    if len(problems) > before:
        return None
    places = [header.index(name) for name in listing.columns]
    return write_sheet(listing.columns, [[_cell(row[place]) for place in places] for row in said.rows])


def _cell(value: str | bool | int | float | None) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None or value == "" else str(value)
