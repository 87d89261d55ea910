"""Builds small dbt projects for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

from seedbed.errors import Diagnostic
from seedbed.parsers import read_schema
from seedbed.schema import Column, Schema, Table


def write_project(root: Path, files: Mapping[str, str | bytes]) -> Path:
    """Writes the files, dedented, and a `dbt_project.yml` unless one is among them."""
    for name, text in {"dbt_project.yml": "name: shop\n", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else dedent(text).lstrip("\n").encode())
    return root


def read(root: Path, files: Mapping[str, str | bytes], **options: Any) -> tuple[Schema, list[Diagnostic]]:
    """The Schema of a project with these files."""
    return read_schema(write_project(root, files), **options)


def table_of(schema: Schema, name: str) -> Table:
    """The table, which must be there."""
    table = schema.table(name)
    assert table is not None, f"{name} is not among {[known.name for known in schema]}"
    return table


def column_of(schema: Schema, table: str, name: str) -> Column:
    """The column, which must be there."""
    column = table_of(schema, table).column(name)
    assert column is not None
    return column


def only(diagnostics: list[Diagnostic], code: str) -> Diagnostic:
    """The one diagnostic of that code."""
    found = [diagnostic for diagnostic in diagnostics if diagnostic.code == code]
    assert len(found) == 1, [str(diagnostic) for diagnostic in diagnostics]
    return found[0]
