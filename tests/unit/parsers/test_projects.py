"""Whole projects: the Schema that is read from each, as text, compared with what was reviewed.

After a wanted change, `UPDATE_EXPECTED=1 pytest tests/unit/parsers/test_projects.py` writes the files anew, for
review with `git diff`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from schema_text import render_schema

from seedbed.parsers import read_schema

CASES = Path(__file__).parents[2] / "cases" / "projects"


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.iterdir() if path.is_dir()))
def test_schema_of_project(name: str) -> None:
    schema, diagnostics = read_schema(CASES / name)
    text = render_schema(schema, diagnostics)
    expected = CASES / name / "expected.txt"
    if os.environ.get("UPDATE_EXPECTED"):
        expected.write_text(text, encoding="utf-8")
    assert text == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(path.name for path in CASES.iterdir() if path.is_dir()))
def test_every_diagnostic_of_a_file_has_its_line(name: str) -> None:
    _, diagnostics = read_schema(CASES / name)
    assert all(found.location.line for found in diagnostics if found.location.file)
    assert all(found.location.file for found in diagnostics)
