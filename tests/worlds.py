"""Small projects written as text, for tests that go from a plan to rows."""

import datetime as dt
import re
import textwrap
from pathlib import Path
from typing import Any

import pyarrow as pa

from seedbed.engine.batches import generate_batches, schema_of
from seedbed.engine.world import World
from seedbed.errors import Diagnostic, Severity
from seedbed.parsers import read_schema
from seedbed.plan.resolve import resolve
from seedbed.plan.resolved import ResolvedPlan
from seedbed.plan.spec import Plan
from seedbed.schema import Schema
from seedbed.yaml_text import read_yaml

HEAD = "version: 1\nrandom_seed: 7\nstart: 2024-01-01\nas_of: 2025-12-31\n"


def write_project(folder: Path, files: dict[str, str]) -> Path:
    """A dbt project with these files; dbt_project.yml is added when it is not among them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"dbt_project.yml": "name: shop\nversion: '1'\n", **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return folder


def schema_from(folder: Path, properties: str, **files: str) -> Schema:
    """The Schema of a project whose seeds are documented by `properties`."""
    write_project(folder, {"seeds/_seeds.yml": properties, **files})
    schema, diagnostics = read_schema(folder)
    assert not [found for found in diagnostics if found.severity is Severity.ERROR], diagnostics
    return schema


def try_resolve(schema: Schema, plan: str, **options: object) -> tuple[ResolvedPlan | None, list[Diagnostic]]:
    """Resolves a plan given as YAML; the head of the file is added."""
    document = read_yaml(HEAD + textwrap.dedent(plan), "seedbed.yml", strict=True)
    return resolve(schema, Plan.model_validate(document.value), document, **options)


def resolve_text(schema: Schema, plan: str, **options: object) -> ResolvedPlan:
    """As `try_resolve`, for a plan that has no error."""
    resolved, diagnostics = try_resolve(schema, plan, **options)
    assert resolved is not None, "\n".join(map(str, diagnostics))
    return resolved


def make(resolved: ResolvedPlan, name: str, *, world: World | None = None, **options: Any) -> pa.Table:
    """All rows of one table."""
    table = resolved.table(name)
    batches = generate_batches(world or World(resolved), table, **options)
    return pa.Table.from_batches(batches, schema=schema_of(table))


def values(resolved: ResolvedPlan, name: str, **options: Any) -> dict[str, list[object]]:
    """All rows of one table, as lists by column."""
    return make(resolved, name, **options).to_pydict()


def seeds(**tables: str) -> str:
    """Property YAML for seeds whose columns are given as `name type, name type`."""
    lines = ["version: 2", "seeds:"]
    for table, columns in tables.items():
        lines += [f"  - name: {table}", "    columns:"]
        for column in re.split(r",(?![^(]*\))", columns):
            name, _, rest = column.strip().partition(" ")
            kind, *tests = rest.split() or ["integer"]
            lines.append(f"      - {{name: {name}, data_type: '{kind}', data_tests: [{', '.join(tests)}]}}")
    return "\n".join(lines) + "\n"


AS_OF = dt.date(2025, 12, 31)
