"""Finds the pages that say in words what process the rows of a table go through.

A page belongs to a table when the table's annotation names it (`history: {workflow: docs/claims.md}`, or the same
under `lifecycle:`), or when it stands in `workflows/` below the project's root under the table's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from seedbed.errors import Diagnostic, Location, Severity, closest
from seedbed.parsers.project import DbtProject
from seedbed.schema import PAGE_ENDINGS, Fact, Table, is_page

FOLDER = "workflows"
MAX_PAGE = 12_000
"""Characters of a page that are read: some four pages of a book."""


def add_pages(tables: Iterable[Table], project: DbtProject) -> list[Table]:
    """The tables with the pages that tell of them; a page that tells of none is reported."""
    found = list(tables)
    beside = {PurePosixPath(name).stem.casefold(): name for name in project.files.find(FOLDER, PAGE_ENDINGS)}
    used: set[str] = set()
    finished = []
    for table in found:
        names = {table.name.casefold(), table.name.casefold().rpartition(".")[2]}
        files = [beside[name] for name in beside if name in names]
        files += [name for name in _named(table, project) if name not in files]
        used.update(files)
        pages = [page for name in files if (page := _read(name, project)) is not None]
        finished.append(replace(table, pages=tuple(pages)) if pages else table)
    for stem, name in beside.items():
        if name not in used:
            hint = closest(stem, [table.name for table in found])
            project.diagnostics.append(
                Diagnostic(
                    "workflow-page-unused",
                    "this page tells of no table: a page is named like the table whose rows go through the process",
                    Location(name),
                    Severity.WARNING,
                    hint or f"rename it, or name it in the table's annotation: lifecycle: {{workflow: {name}}}",
                )
            )
    return finished


def _named(table: Table, project: DbtProject) -> Iterator[str]:
    """The pages that a table's annotation names."""
    for key in ("history", "lifecycle"):
        said = table.annotation.at(key, "workflow").value if table.annotation else None
        if table.annotation is None or not isinstance(said, str) or not is_page(said):
            continue
        place = table.annotation.location(key, "workflow")
        path = PurePosixPath(said.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in said:
            message = f'"{said}" is not below the project\'s root, and is not read'
            project.diagnostics.append(
                Diagnostic("page-outside", message, place, hint="move the page into the project")
            )
        elif not (project.root / path).is_file():
            message = f'there is no file "{said}" below the project\'s root'
            known = [name for folder in (FOLDER, "docs") for name in project.files.find(folder, PAGE_ENDINGS)]
            project.diagnostics.append(
                Diagnostic("unknown-page", message, place, hint=closest(said, known) or "write its path from there")
            )
        else:
            yield str(path)


def _read(name: str, project: DbtProject) -> Fact[str] | None:
    if not (project.root / name).resolve().is_relative_to(project.root.resolve()):
        # It would be sent to an LLM: a link must not carry anything else there.
        message = "this link leads out of the project, and is not read"
        project.diagnostics.append(
            Diagnostic("page-outside", message, Location(name), hint="copy the page into the project")
        )
        return None
    text = (project.files.read(name) or "").strip()
    if len(text) > MAX_PAGE:
        message = f"only the first {MAX_PAGE:,} of this page's {len(text):,} characters are read"
        project.diagnostics.append(
            Diagnostic("page-too-long", message, Location(name), Severity.WARNING, "let it tell of the process only")
        )
    return Fact(text[:MAX_PAGE], Location(name, 1)) if text else None
