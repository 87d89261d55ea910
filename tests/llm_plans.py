"""The LLM author run against the scripted server, on projects that stand in cases or are written here."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from llm_server import LlmServer, Received
from seedbed.authoring.baseline.author import author_plan
from seedbed.authoring.client.calls import Limits
from seedbed.authoring.client.client import Client
from seedbed.authoring.client.endpoint import Endpoint
from seedbed.authoring.client.ledger import Ledger
from seedbed.authoring.client.replies import NoReplies, Replies
from seedbed.authoring.llm.author import author_with_llm
from seedbed.authoring.llm.prompts import read_templates
from seedbed.plan.merge import merge_plans
from seedbed.plan.spec import Plan
from seedbed.schema import Schema
from worlds import schema_from

TODAY = dt.date(2026, 7, 14)
CASES = yaml.safe_load((Path(__file__).parent / "cases" / "llm_chain" / "answers.yml").read_text(encoding="utf-8"))


def shop(folder: Path) -> tuple[Schema, Plan]:
    """The small shop of the cases, with its baseline plan."""
    schema = schema_from(folder, yaml.safe_dump(CASES["project"], sort_keys=False))
    return schema, baseline(schema)


def baseline(schema: Schema) -> Plan:
    """The keyless author's plan, as it is merged before an LLM is asked."""
    authored, _ = author_plan(schema, today=TODAY)
    return merge_plans(None, authored, schema)[0]


def answer(changes: Mapping[str, str | None] | None = None, only: list[str] | None = None) -> str:
    """The good answer for the shop with some changes, as JSON; `only` some tables and columns."""
    wanted = {table: {"rows": part["rows"], "columns": dict(part["columns"])} for table, part in CASES["good"].items()}
    for path, text in (changes or {}).items():
        table, _, column = path.partition(".")
        if not column:
            wanted[table]["rows"] = text
        elif text is None:
            del wanted[table]["columns"][column]
        else:
            wanted[table]["columns"][column] = text
    tables = [
        {
            "table": table,
            "rows": part["rows"] if only is None or table in only else "",
            "columns": [
                {"column": name, "generator": text}
                for name, text in part["columns"].items()
                if only is None or f"{table}.{name}" in only
            ],
        }
        for table, part in wanted.items()
    ]
    return json.dumps({"tables": [part for part in tables if part["columns"] or part["rows"]]})


def reply(said: Mapping[str, Any]) -> Mapping[str, Any]:
    """A reply of the server's script: as it stands, or the good answer with changes."""
    scripted = {"say", "status", "events", "json", "text", "break"} & set(said)
    return said if scripted else {"say": answer(said)}


def run(server: LlmServer, schema: Schema, plan: Plan, replies: Replies | None = None, **options: Any):
    """The plan and the summary of a run against the server."""
    ledger = Ledger(options.pop("max_tokens", None))
    limits = Limits(backoff=0.001, retries=1)
    with Client(Endpoint(server.url, "m"), replies or NoReplies(), ledger, limits) as client:
        return author_with_llm(schema, plan, client, read_templates(schema.project.root), **options)


def asked_columns(received: Received) -> list[str]:
    """The tables and columns that a request asks for, as `table` for rows and `table.column`."""
    text = received.body["messages"][1]["content"]
    columns, rows = text.partition("# Data to generate")[2].split("For these tables give rows")
    found = []
    for line in columns.splitlines():
        if line.startswith('"'):
            table, names = json.loads("{" + line + "}").popitem()
            found += [f"{table}.{name}" for name in names]
    return found + [json.loads(line.partition(": ")[0]) for line in rows.splitlines() if line.startswith('"')]
