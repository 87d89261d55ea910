"""Columns that dbt would read as another type when their seed's property file does not name their types.

dbt then infers types from all values of a column, as agate does: text of digits becomes a number, a decimal a
float, and what has no values an integer; an integer is one of 32 bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seedbed.documents import Document
from seedbed.errors import Diagnostic, Location, ProjectError, Severity
from seedbed.plan.resolved import ResolvedTable
from seedbed.schema import Project, TypeKind
from seedbed.sinks.dialect import type_name
from seedbed.sinks.looks import Looks
from seedbed.sinks.properties import is_documented
from seedbed.yaml_text import read_yaml


class DeclaredTypes:
    """Which columns of a project's seeds `column_types` covers. Each file is read once.

    A file that cannot be read says nothing here; whoever reads the project reports it.
    """

    def __init__(self, project: Project) -> None:
        self._root = project.root
        self._seeds: dict[str, dict[str, set[str]]] = {}
        self._everywhere: set[str] | None = None

    def columns(self, table: ResolvedTable) -> set[str]:
        """Their names, in lower case: those of the seed's own entry and of dbt_project.yml."""
        file = str(table.property_file)
        if file not in self._seeds:
            self._seeds[file] = {}
            for document in _read(self._root / file):
                for entry in document.at("seeds").elements():
                    found = self._seeds[file].setdefault(str(entry.at("name").value).casefold(), set())
                    _collect(entry.at("config").value, found)
        if self._everywhere is None:
            self._everywhere = set()
            for document in _read(self._root / "dbt_project.yml"):
                _collect(document.at("seeds").value, self._everywhere)
        return self._everywhere | self._seeds[file].get(table.file.casefold(), set())


class InferenceWatch:
    """Knows what a seed's rows look like as they are written, and says what dbt would get wrong.

    It watches only the columns whose types nothing names, in a seed that the project documents itself.
    """

    def __init__(self, table: ResolvedTable, project: Project, declared: DeclaredTypes) -> None:
        typed = declared.columns(table) if is_documented(table) else None
        self._table, self._project = table, project
        self._watched = [
            column.name for column in table.written_columns if typed is not None and column.name.casefold() not in typed
        ]
        self.looks = Looks.of(self._watched)
        """What is known of them; add to it what was seen."""

    def notes(self) -> list[Diagnostic]:
        """One note with the lines to add to the property file; nothing where dbt infers the right types."""
        reasons = {name: reason for name in self._watched if (reason := self._reason(name))}
        if not reasons:
            return []
        types = {name: type_name(self._table.column(name).data_type, self._project.adapter) for name in reasons}
        lines = "".join(f"\n          {name}: {text}" for name, text in types.items())
        said = ", ".join(f"{name} ({reason})" for name, reason in reasons.items())
        return [
            Diagnostic(
                "column-types",
                f"dbt would read columns of the seed {self._table.file} as other types: {said}",
                Location(self._table.property_file),
                Severity.NOTE,
                f"add to its entry:\n      config:\n        full_refresh: true\n        column_types:{lines}",
            )
        ]

    def _reason(self, name: str) -> str | None:
        kind = self._table.column(name).data_type.kind
        if name in self.looks.empty:
            return None if kind is TypeKind.INTEGER else "it has no values, which is read as integer"
        if name in self.looks.too_wide:
            return "it needs more than 32 bits"
        if kind in (TypeKind.TEXT, TypeKind.UUID, TypeKind.JSON) and name in self.looks.typed:
            return "its texts look like numbers, dates or booleans"
        if kind is TypeKind.DECIMAL:
            return "decimals are read as floating-point numbers"
        return "the time zone is dropped" if kind is TypeKind.TIMESTAMP_TZ else None


def _collect(value: Any, found: set[str]) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if str(key).removeprefix("+") == "column_types" and isinstance(item, Mapping):
                found.update(str(name).casefold() for name in item)
            else:
                _collect(item, found)


def _read(path: Path) -> list[Document]:
    try:
        text = path.read_text(encoding="utf-8")
        return [read_yaml(text, path.name)] if "column_types" in text else []
    except (OSError, UnicodeDecodeError, ProjectError):
        return []
