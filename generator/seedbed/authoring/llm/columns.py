"""The calls that decide columns and numbers of rows, some tables at a time.

A generator is the same short string as in the plan, and its own class validates it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from seedbed.authoring.client.calls import Message, Request
from seedbed.authoring.llm.answer import NOT_ANSWERED, TEXT, at_most, find_name, listed, misshapen, wire_object, wrong
from seedbed.authoring.llm.prompts import (
    OFFERED,
    Templates,
    references,
    render_generators,
    render_model,
    render_processes,
    render_rules,
)
from seedbed.authoring.llm.survey import Survey
from seedbed.authoring.llm.trial import MOST_ROWS, path_of
from seedbed.authoring.llm.undecided import Place, Undecided
from seedbed.authoring.llm.untrusted import clean, data_block
from seedbed.errors import Diagnostic, Location
from seedbed.plan import kinds
from seedbed.plan.calls import CallError, spoken_errors
from seedbed.plan.generators import parse_generator
from seedbed.plan.hygiene import find_unclean
from seedbed.plan.spec import Author, ColumnEntry, FixedRows, Plan, Rows, RowsPer
from seedbed.schema import Column, Schema

_TOKENS_PER_COLUMN, _TOKENS_PER_TABLE = 32, 24

Entries = Mapping[Place, ColumnEntry | Rows]
"""What an answer puts into the plan."""

COLUMNS_FORMAT = wire_object(
    tables={
        "type": "array",
        "items": wire_object(
            table=TEXT, rows=TEXT, columns={"type": "array", "items": wire_object(column=TEXT, generator=TEXT)}
        ),
    }
)


class _DecidedColumn(BaseModel):
    column: str
    generator: str


class _DecidedTable(BaseModel):
    table: str
    rows: str | int = ""
    columns: list[_DecidedColumn] = []


class _ColumnsAnswer(BaseModel):
    tables: list[_DecidedTable]


def columns_request(
    schema: Schema, plan: Plan, templates: Templates, survey: Survey, portion: Sequence[Undecided], batch: int
) -> Request:
    """The question about the open entries of some tables."""
    names = [item.table for item in portion]
    parents = {
        parent
        for table in schema
        if table.name in names
        for _, parent in references(table, plan)
        if parent not in names and parent in plan.tables
    }
    asked = {item.table: item.columns for item in portion}
    columns = {clean(item.table): [clean(name) for name in item.columns] for item in portion if item.columns}
    rows = {clean(item.table): clean(str(plan.tables[item.table].rows)) for item in portion if item.rows}
    said = templates.fill(
        "columns",
        domain=f"{data_block(survey.domain)}\n" if survey.domain else "",
        model=render_model(schema, plan, names, asked, parents, survey.tables),
        rules=render_rules(schema),
        processes=render_processes(schema, plan, [*names, *parents]),
        start=str(plan.start),
        as_of=str(plan.as_of),
        columns=data_block(listed(columns)),
        rows=data_block(listed(rows)) if rows else "(none)",
        most_rows=f"{MOST_ROWS:,}",
    )
    system = f"{templates.fill('role')}\n\n{templates.fill('generators', generators=render_generators())}"
    expected = 20 + sum(_TOKENS_PER_TABLE + _TOKENS_PER_COLUMN * len(item.columns) for item in portion)
    return Request(
        "columns",
        (Message("system", system), Message("user", said)),
        COLUMNS_FORMAT,
        batch=batch,
        answer_tokens=expected,
        max_tokens=at_most(expected),
    )


def read_columns(
    value: object, schema: Schema, plan: Plan, portion: Sequence[Undecided]
) -> tuple[Entries, list[Diagnostic]]:
    """The entries that an answer holds, as far as they can be read, and what is wrong with the rest of it."""
    try:
        answer = _ColumnsAnswer.model_validate(value)
    except ValidationError as error:
        return {}, [misshapen(error)]
    problems: list[Diagnostic] = []
    entries: dict[Place, ColumnEntry | Rows] = {}
    seen: set[Place] = set()
    tables = {clean(item.table): item.table for item in portion}
    asked = {item.table: item for item in portion}
    for decided in answer.tables:
        name = find_name(decided.table, tables, "table", problems)
        table = schema.table(name) if name else None
        if name is None or table is None:
            continue
        if str(decided.rows).strip() and asked[name].rows:
            seen.add((name, None))
            parents = {parent for _, parent in references(table, plan)}
            rows = _read_rows(decided.rows, name, parents, problems)
            if rows is not None:
                entries[name, None] = rows
        known = {clean(column): column for column in asked[name].columns}
        for item in decided.columns:
            column = table.column(find_name(item.column, known, "column", problems, name) or "")
            if column is None:
                continue
            if (name, column.name) in seen:
                problems.append(wrong("answered-twice", f"{name}.{column.name} is answered twice", name, column.name))
            seen.add((name, column.name))
            generator = _read_generator(item.generator, name, column, problems)
            if generator is not None:
                entries[name, column.name] = ColumnEntry(generator=generator, by=Author.LLM)
    for open_table in portion:
        for place in open_table.places():
            if place not in seen:
                what = f"the rows of {place[0]}" if place[1] is None else f"{place[0]}.{place[1]}"
                problems.append(wrong(NOT_ANSWERED, f"{what} is missing", *place))
    return entries, problems


def part_of(answer: object, portion: Sequence[Undecided]) -> object | None:
    """What an answer says to some of its open entries, in the same form; None if it has another form."""
    try:
        return _selected([_ColumnsAnswer.model_validate(answer)], portion)
    except ValidationError:
        return None


def merge_answers(answer: object, mended: object, portion: Sequence[Undecided]) -> object:
    """The answer to a portion with the entries of another one in the place of its own.

    What was not asked for, or was answered twice, is left out. Where the other has another form, it is the result.
    """
    try:
        return _selected([_ColumnsAnswer.model_validate(value) for value in (answer, mended)], portion)
    except ValidationError:
        return mended


def _selected(answers: Sequence[_ColumnsAnswer], portion: Sequence[Undecided]) -> object:
    """The last that the answers say to each open entry."""
    rows: dict[str, str | int] = {}
    columns: dict[tuple[str, str], str] = {}
    for decided in (table for answer in answers for table in answer.tables):
        name = clean(decided.table).casefold()
        if str(decided.rows).strip():
            rows[name] = decided.rows
        columns |= {(name, clean(item.column).casefold()): item.generator for item in decided.columns}
    tables = []
    for item in portion:
        table = clean(item.table)
        spelled = [(clean(column), (table.casefold(), clean(column).casefold())) for column in item.columns]
        tables.append(
            {
                "table": table,
                "rows": str(rows.get(table.casefold(), "")) if item.rows else "",
                "columns": [{"column": name, "generator": columns[key]} for name, key in spelled if key in columns],
            }
        )
    return {"tables": tables}


def _read_rows(said: str | int, table: str, parents: Collection[str], problems: list[Diagnostic]) -> Rows | None:
    try:
        rows: Rows = _ROWS.validate_python(said)
    except ValidationError as error:
        problems.append(wrong("invalid-rows", spoken_errors(error), table))
        return None
    if not isinstance(rows, FixedRows | RowsPer):
        problems.append(wrong("invalid-rows", f"{table} is no table of days", table, None, "write a number or per ..."))
        return None
    short = {name.casefold() for parent in parents for name in (parent, parent.rpartition(".")[2])}
    if isinstance(rows, RowsPer) and rows.parent.casefold() not in short:
        hint = f"it refers to {', '.join(sorted(parents))}" if parents else "it refers to no table: write a number"
        message = f"{table} has no foreign key to {clean(rows.parent)}, and cannot have rows per {clean(rows.parent)}"
        problems.append(wrong("not-a-parent", message, table, None, hint))
        return None
    return rows


_ROWS: TypeAdapter[Any] = TypeAdapter(Rows)


def _read_generator(text: str, table: str, column: Column, problems: list[Diagnostic]) -> kinds.Generator | None:
    try:
        generator = parse_generator(text)
    except CallError as error:
        problems.append(wrong("invalid-generator", str(error), table, column.name, error.hint))
        return None
    if not isinstance(generator, OFFERED):
        message = f"{generator.kind} is for keys and processes, which are decided already"
        hint = f"use one of {', '.join(cls.kind for cls in OFFERED)}"
        problems.append(wrong("not-offered", message, table, column.name, hint))
        return None
    if isinstance(generator, kinds.Choice) and len(generator.values) > 2 and len(set(generator.values.values())) == 1:
        message = f"{table}.{column.name} has {len(generator.values)} values that are all as likely, as hardly ever"
        hint = "give weights: choice({'a': 70, 'b': 25, 'c': 5}); each([...]) is for values that really are even"
        problems.append(wrong("flat-weights", message, table, column.name, hint))
        return None
    length = column.data_type.value.length if column.data_type else None
    place = Location(path=path_of((table, column.name)))
    unclean = [
        found
        for whole, written in _texts(generator)
        for found in find_unclean(written, max_length=length if whole else None, location=place)
        if whole or found.code != "text-formula"
    ]
    problems += unclean
    return None if unclean else generator


def _texts(generator: kinds.Generator) -> Iterator[tuple[bool, str]]:
    """The texts that a generator puts into cells, and whether each is the whole cell."""
    match generator:
        case kinds.Constant(value=str() as value):
            yield True, value
        case kinds.Choice(values=values) | kinds.Each(values=values):
            yield from ((True, value) for value in values if isinstance(value, str))
        case kinds.ChoiceBy(cases=cases, otherwise=otherwise):
            for weights in (*cases.values(), otherwise or {}):
                yield from ((True, value) for value in weights if isinstance(value, str))
        case kinds.Pattern(template=template):
            yield False, kinds.Pattern.TOKENS.sub("0", template)
        case kinds.Template(template=template):
            yield False, template
        case kinds.Sql(expression=expression):
            yield from ((False, written.replace("''", "'")) for written in _SQL_TEXT.findall(expression))


_SQL_TEXT = re.compile(r"'((?:[^']|'')*)'")
