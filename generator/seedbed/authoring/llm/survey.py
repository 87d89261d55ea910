"""The first call: what the LLM makes of the whole project before its columns are decided, some tables at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, Field, ValidationError

from seedbed.authoring.client.calls import Message, Request
from seedbed.authoring.llm.answer import TEXT, at_most, find_name, misshapen, wire_object, wrong
from seedbed.authoring.llm.prompts import Templates, render_model, render_processes, render_rules
from seedbed.authoring.llm.trial import MOST_ROWS
from seedbed.authoring.llm.untrusted import clean
from seedbed.errors import Diagnostic, closest
from seedbed.plan.spec import Plan
from seedbed.schema import Schema

ROLES = ("entity", "event", "reference", "bridge", "dimension", "history", "log")
_TOKENS_PER_TABLE = 40

SURVEY_FORMAT = wire_object(
    domain=TEXT,
    tables={
        "type": "array",
        "items": wire_object(
            table=TEXT, role={"type": "string", "enum": list(ROLES)}, rows={"type": "integer"}, about=TEXT
        ),
    },
)


class _SurveyedTable(BaseModel):
    table: str
    role: str
    rows: Annotated[int, Field(ge=0, le=MOST_ROWS)]
    about: str


class _SurveyAnswer(BaseModel):
    domain: str
    tables: list[_SurveyedTable]


@dataclass(frozen=True, slots=True)
class Survey:
    """What the LLM made of the whole project: the domain in a few sentences, and a line on each table."""

    domain: str = ""
    tables: Mapping[str, str] = field(default_factory=dict)
    references: frozenset[str] = frozenset()
    """The short tables: lists of kinds of things."""


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
    expected = 120 + _TOKENS_PER_TABLE * len(names)
    return Request(
        "survey",
        (Message("system", templates.fill("role")), Message("user", said)),
        SURVEY_FORMAT,
        answer_tokens=expected,
        max_tokens=at_most(expected),
    )


def read_survey(value: object, schema: Schema, plan: Plan) -> Survey | list[Diagnostic]:
    """The survey that an answer holds, or what is wrong with it."""
    try:
        answer = _SurveyAnswer.model_validate(value)
    except ValidationError as error:
        return [misshapen(error)]
    problems: list[Diagnostic] = []
    names = {clean(table.name): table.name for table in schema if table.name in plan.tables}
    lines: dict[str, str] = {}
    for found in answer.tables:
        name = find_name(found.table, names, "table", problems)
        if name is None:
            continue
        if found.role not in ROLES:
            hint = closest(found.role, ROLES) or f"roles are {', '.join(ROLES)}"
            problems.append(wrong("unknown-role", f'there is no role "{found.role}"', found.table, None, hint))
        if name in lines:
            problems.append(wrong("answered-twice", f"{name} is answered twice", found.table))
        lines[name] = f"{found.role}, about {found.rows} rows: {clean(found.about, 120)}"
    problems += [wrong("not-answered", f"{name} is missing", name) for name in names.values() if name not in lines]
    references = frozenset(name for name, line in lines.items() if line.startswith("reference,"))
    return problems or Survey(clean(answer.domain, 600), lines, references)
