"""The calls of the LLM author, and what their answers mean: a survey of all tables, then columns group by group.

The wire formats are flat objects of strings, which every provider's schema limits allow; a generator is the same
short string as in the plan, and its own class validates it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from seedbed.authoring.calls import Message, Request
from seedbed.authoring.prompts import (
    OFFERED,
    Templates,
    references,
    render_generators,
    render_model,
    render_processes,
    render_rules,
)
from seedbed.authoring.trial import MOST_ROWS, path_of
from seedbed.authoring.undecided import Place, Undecided
from seedbed.authoring.untrusted import clean, data_block
from seedbed.errors import Diagnostic, Location, closest
from seedbed.plan import kinds
from seedbed.plan.generators import GeneratorError, parse_generator, spoken_errors
from seedbed.plan.hygiene import find_unclean
from seedbed.plan.spec import Author, ColumnEntry, FixedRows, Plan, Rows, RowsPer
from seedbed.schema import Column, Schema

TABLES_AT_ONCE, COLUMNS_AT_ONCE = 10, 60
"""The most of one `columns` call: more columns in one answer get less thought each."""
ROLES = ("entity", "event", "reference", "bridge", "dimension", "history", "log")
_TOKENS_PER_COLUMN, _TOKENS_PER_TABLE, _TOKENS_PER_SURVEYED = 32, 24, 40

Entries = Mapping[Place, ColumnEntry | Rows]
"""What an answer puts into the plan."""


# --- wire formats --------------------------------------------------------------------------------------------


def _object(**properties: object) -> dict[str, object]:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(properties),
        "properties": properties,
    }


_TEXT: dict[str, object] = {"type": "string"}
SURVEY_FORMAT = _object(
    domain=_TEXT,
    tables={
        "type": "array",
        "items": _object(
            table=_TEXT, role={"type": "string", "enum": list(ROLES)}, rows={"type": "integer"}, about=_TEXT
        ),
    },
)
COLUMNS_FORMAT = _object(
    tables={
        "type": "array",
        "items": _object(
            table=_TEXT, rows=_TEXT, columns={"type": "array", "items": _object(column=_TEXT, generator=_TEXT)}
        ),
    }
)


class _SurveyedTable(BaseModel):
    table: str
    role: str
    rows: Annotated[int, Field(ge=0, le=MOST_ROWS)]
    about: str


class _SurveyAnswer(BaseModel):
    domain: str
    tables: list[_SurveyedTable]


class _DecidedColumn(BaseModel):
    column: str
    generator: str


class _DecidedTable(BaseModel):
    table: str
    rows: str | int = ""
    columns: list[_DecidedColumn] = []


class _ColumnsAnswer(BaseModel):
    tables: list[_DecidedTable]


# --- the survey ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Survey:
    """What the LLM made of the whole project: the domain in a few sentences, and a line on each table."""

    domain: str = ""
    tables: Mapping[str, str] = field(default_factory=dict)


def survey_request(schema: Schema, plan: Plan, templates: Templates) -> Request:
    """The question about the whole project."""
    names = [table.name for table in schema if table.name in plan.tables]
    said = templates.fill(
        "survey",
        model=render_model(schema, plan, names),
        rules=render_rules(schema),
        processes=render_processes(schema, plan, names),
        most_rows=f"{MOST_ROWS:,}",
    )
    expected = 120 + _TOKENS_PER_SURVEYED * len(names)
    return Request(
        "survey",
        (Message("system", templates.fill("role")), Message("user", said)),
        SURVEY_FORMAT,
        answer_tokens=expected,
        max_tokens=_at_most(expected),
    )


def read_survey(value: object, schema: Schema, plan: Plan) -> Survey | list[Diagnostic]:
    """The survey that an answer holds, or what is wrong with it."""
    try:
        answer = _SurveyAnswer.model_validate(value)
    except ValidationError as error:
        return [_misshapen(error)]
    problems: list[Diagnostic] = []
    names = {clean(table.name): table.name for table in schema if table.name in plan.tables}
    lines: dict[str, str] = {}
    for found in answer.tables:
        name = _find(found.table, names, "table", problems)
        if name is None:
            continue
        if found.role not in ROLES:
            hint = closest(found.role, ROLES) or f"roles are {', '.join(ROLES)}"
            problems.append(_wrong("unknown-role", f'there is no role "{found.role}"', found.table, hint))
        if name in lines:
            problems.append(_wrong("answered-twice", f"{name} is answered twice", found.table))
        lines[name] = f"{found.role}, about {found.rows} rows: {clean(found.about, 120)}"
    problems += [_wrong("not-answered", f"{name} is missing", name) for name in names.values() if name not in lines]
    return problems or Survey(clean(answer.domain, 600), lines)


# --- columns -------------------------------------------------------------------------------------------------


def group(schema: Schema, plan: Plan, asked: Sequence[Undecided]) -> list[list[Undecided]]:
    """The open entries in portions of one call each: tables that refer to each other stand together."""
    waiting = {item.table: item for item in asked}
    near: dict[str, list[str]] = {name: [] for name in waiting}
    for table in schema:
        for _, parent in references(table, plan):
            if table.name in near and parent in near and parent != table.name:
                near[table.name].append(parent)
                near[parent].append(table.name)
    portions: list[list[Undecided]] = []
    while waiting:
        portion: list[Undecided] = []
        room = COLUMNS_AT_ONCE
        reachable = [next(iter(waiting))]
        while reachable and len(portion) < TABLES_AT_ONCE:
            name = reachable.pop(0)
            if name in waiting and (len(waiting[name].columns) <= room or not portion):
                portion.append(waiting.pop(name))
                room -= len(portion[-1].columns)
                reachable += near[name]
            if not reachable:  # tables that nothing leads to share a call: each costs the same preamble
                reachable = [name for name in waiting if len(waiting[name].columns) <= room][:1]
        portions += _narrow(portion)
    return portions


def _narrow(portion: list[Undecided]) -> Iterator[list[Undecided]]:
    """The portion, or parts of its only table where that alone has too many columns."""
    if len(portion) > 1 or len(portion[0].columns) <= COLUMNS_AT_ONCE:
        yield portion
        return
    wide = portion[0]
    for begin in range(0, len(wide.columns), COLUMNS_AT_ONCE):
        columns = wide.columns[begin : begin + COLUMNS_AT_ONCE]
        yield [Undecided(wide.table, columns, wide.rows and not begin)]


def halves(portion: list[Undecided]) -> tuple[list[Undecided], list[Undecided]] | None:
    """The portion in two, for an answer that was too long; None when it is a single column or number of rows."""
    if len(portion) > 1:
        return portion[: len(portion) // 2], portion[len(portion) // 2 :]
    table = portion[0]
    if len(table.columns) < 2:
        return None
    middle = len(table.columns) // 2
    first = Undecided(table.table, table.columns[:middle], table.rows)
    return [first], [Undecided(table.table, table.columns[middle:], False)]


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
        columns=data_block(_listed(columns)),
        rows=data_block(_listed(rows)) if rows else "(none)",
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
        max_tokens=_at_most(expected),
    )


def read_columns(value: object, schema: Schema, portion: Sequence[Undecided]) -> tuple[Entries, list[Diagnostic]]:
    """The entries that an answer holds, as far as they can be read, and what is wrong with the rest of it."""
    try:
        answer = _ColumnsAnswer.model_validate(value)
    except ValidationError as error:
        return {}, [_misshapen(error)]
    problems: list[Diagnostic] = []
    entries: dict[Place, ColumnEntry | Rows] = {}
    seen: set[Place] = set()
    tables = {clean(item.table): item.table for item in portion}
    asked = {item.table: item for item in portion}
    for decided in answer.tables:
        name = _find(decided.table, tables, "table", problems)
        table = schema.table(name) if name else None
        if name is None or table is None:
            continue
        if str(decided.rows).strip() and asked[name].rows:
            seen.add((name, None))
            rows = _read_rows(decided.rows, name, problems)
            if rows is not None:
                entries[name, None] = rows
        known = {clean(column): column for column in asked[name].columns}
        for item in decided.columns:
            column = table.column(_find(item.column, known, "column", problems, name) or "")
            if column is None:
                continue
            if (name, column.name) in seen:
                problems.append(_wrong("answered-twice", f"{name}.{column.name} is answered twice", name, column.name))
            seen.add((name, column.name))
            generator = _read_generator(item.generator, name, column, problems)
            if generator is not None:
                entries[name, column.name] = ColumnEntry(generator=generator, by=Author.LLM)
    for open_table in portion:
        for place in open_table.places():
            if place not in seen:
                what = f"the rows of {place[0]}" if place[1] is None else f"{place[0]}.{place[1]}"
                problems.append(_wrong("not-answered", f"{what} is missing", *place))
    return entries, problems


def _read_rows(said: str | int, table: str, problems: list[Diagnostic]) -> Rows | None:
    try:
        rows: Rows = _ROWS.validate_python(said)
    except ValidationError as error:
        problems.append(_wrong("invalid-rows", spoken_errors(error), table))
        return None
    if not isinstance(rows, FixedRows | RowsPer):
        problems.append(
            _wrong("invalid-rows", f"{table} is no table of days", table, None, "write a number or per ...")
        )
        return None
    return rows


_ROWS: TypeAdapter[Any] = TypeAdapter(Rows)


def _read_generator(text: str, table: str, column: Column, problems: list[Diagnostic]) -> kinds.Generator | None:
    try:
        generator = parse_generator(text)
    except GeneratorError as error:
        problems.append(_wrong("invalid-generator", str(error), table, column.name, error.hint))
        return None
    if not isinstance(generator, OFFERED):
        message = f"{generator.kind} is for keys and processes, which are decided already"
        hint = f"use one of {', '.join(cls.kind for cls in OFFERED)}"
        problems.append(_wrong("not-offered", message, table, column.name, hint))
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


# --- small things --------------------------------------------------------------------------------------------


def _find(said: str, known: Mapping[str, str], what: str, problems: list[Diagnostic], table: str = "") -> str | None:
    """The name that the answer means, spelled as the project spells it."""
    folded = {shown.casefold(): name for shown, name in known.items()}
    found = folded.get(clean(said).casefold())
    if found is None:
        hint = closest(said, known) or f"{what}s to decide are {', '.join(known) or 'none'}"
        problems.append(
            _wrong(f"unasked-{what}", f'the {what} "{clean(said)}" was not asked for', table or said, None, hint)
        )
    return found


def _listed(names: Mapping[str, object]) -> str:
    return "\n".join(
        f"{json.dumps(name, ensure_ascii=False)}: {json.dumps(said, ensure_ascii=False)}"
        for name, said in names.items()
    )


def _misshapen(error: ValidationError) -> Diagnostic:
    return Diagnostic("answer-format", f"the answer does not follow its JSON Schema: {spoken_errors(error)}")


def _wrong(code: str, message: str, table: str, column: str | None = None, hint: str | None = None) -> Diagnostic:
    return Diagnostic(code, message, Location(path=path_of((table, column))), hint=hint)


def _at_most(expected: int) -> int:
    """How long an answer may be: more than expected, since some LLMs think aloud."""
    return 4_000 + 3 * expected
