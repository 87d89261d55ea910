"""Reads a whole dbt project into one Schema: property files, CSV seeds, diagrams and workflows, merged."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from seedbed.errors import Diagnostic, Location, Severity
from seedbed.parsers.drafts import TableDraft
from seedbed.parsers.erd import ErdMerger
from seedbed.parsers.files import read_doc_blocks
from seedbed.parsers.lookup import Lookup
from seedbed.parsers.mermaid_text import find_diagrams
from seedbed.parsers.model_sql import add_columns_of_models
from seedbed.parsers.project import DbtProject, fqn_folders, read_project, walk_files
from seedbed.parsers.properties import PropertyReader
from seedbed.parsers.rules import read_rules
from seedbed.parsers.upstream import tell_upstream
from seedbed.parsers.workflow_pages import add_pages
from seedbed.schema import Resource, Schema, Table, Workflow

if TYPE_CHECKING:
    from seedbed.parsers.mermaid_er import ErDiagram

_SNAPSHOT = re.compile(r"\{%-?\s*snapshot\s+(\w+)\s*-?%\}")
_DISABLED = re.compile(r"\{\{-?\s*config\s*\([^{}]*?\benabled\s*=\s*false\b", re.IGNORECASE)
_DIAGRAM_FILES = (".mmd", ".mermaid", ".md")
MAX_HEADER = 1_000_000


def read_schema(
    project_dir: Path,
    *,
    profile: str | None = None,
    target: str | None = None,
    profiles_dir: Path | None = None,
    vars: Mapping[str, Any] | None = None,
) -> tuple[Schema, list[Diagnostic]]:
    """Reads a dbt project into a Schema, without dbt.

    Args:
        project_dir: the folder that holds `dbt_project.yml`.
        profile: a profile instead of the project's own.
        target: a target instead of the profile's own.
        profiles_dir: where `profiles.yml` is, instead of where dbt looks.
        vars: the variables of `--vars`, which win over those of the project.

    Returns:
        The Schema, and everything that was found wrong or is not used. Errors among the diagnostics mean that
        a part of the project could not be read; the caller raises them.

    Raises:
        ProjectError: there is no project here, or no two readings of its tables agree.
    """
    project = read_project(project_dir, profile=profile, target=target, profiles_dir=profiles_dir, variables=vars)
    model_files, disabled_code = _find_code(project)
    seed_files = _find_seeds(project)
    docs = read_doc_blocks(project.files, project.paths["docs-paths"] or project.resource_folders)
    reader = PropertyReader(project, docs, model_files, seed_files, disabled=disabled_code)
    for name in _property_files(project):
        reader.read_file(name)
    reader.report_unused()
    tables = _join_tables(reader, project.diagnostics)
    _add_csv_seeds(tables, reader, project)
    code = {name: file for name, file in model_files.items() if name not in reader.disabled}
    lookup = Lookup(tables, code, project.diagnostics)
    diagrams, workflows = _read_diagrams(project)
    merger = ErdMerger(lookup, project.diagnostics, {})
    for diagram in diagrams:
        merger.add_entities(diagram)
    add_columns_of_models(lookup, project)
    _require_columns(lookup)
    lookup.resolve_keys()
    merger.add_relationships(diagrams)
    tell_upstream(lookup, project)
    _report_duplicates(lookup.tables, project.diagnostics)
    finished = tuple(add_pages((table.freeze(project.diagnostics) for table in lookup.tables), project))
    project.diagnostics.extend(_tables_without_columns(finished))
    annotated = [replace(said, table=table.name) for table in lookup.tables for said in table.rules]
    rules = read_rules(annotated, finished, project.files)
    schema = Schema(project.as_schema_project(), finished, tuple(workflows), rules)
    return schema, _without_repeats(project.diagnostics)


def _find_code(project: DbtProject) -> tuple[dict[str, str], set[str]]:
    """Models and snapshots that have code, by folded name; and the names of those that switch themselves off."""
    found: dict[str, str] = {}
    disabled: set[str] = set()
    for file in walk_files(project, "model-paths", (".sql", ".py")):
        name = PurePosixPath(file).stem.casefold()
        if file.lower().endswith(".sql") and _DISABLED.search(project.files.read(file) or ""):
            disabled.add(name)
        else:
            found[name] = file
    for file in walk_files(project, "snapshot-paths", (".sql",)):
        for name in _SNAPSHOT.findall(project.files.read(file) or ""):
            found[name.casefold()] = file
    return found, disabled - set(found)


def _find_seeds(project: DbtProject) -> dict[str, str]:
    """The CSV files below the seed paths, by folded seed name."""
    found: dict[str, str] = {}
    for file in walk_files(project, "seed-paths", (".csv",)):
        name = PurePosixPath(file).stem.casefold()
        if name in found:
            project.diagnostics.append(_duplicate(PurePosixPath(file).stem, Location(file), Location(found[name])))
        found.setdefault(name, file)
    return found


def _property_files(project: DbtProject) -> Iterable[str]:
    """The YAML files in which dbt looks for properties, but not those that Seedbed wrote."""
    skipped = tuple(f"{folder}/" for folder in project.skipped_folders)
    seen: set[str] = set()
    for folder in project.resource_folders:
        for file in project.files.find(folder, (".yml", ".yaml")):
            if file not in seen and file not in project.written and not file.startswith(skipped):
                seen.add(file)
                yield file


def _join_tables(reader: PropertyReader, diagnostics: list[Diagnostic]) -> list[TableDraft]:
    """One draft for each table: a seed stands for the model or the source that it fills."""
    tables: list[TableDraft] = []
    by_name: dict[str, TableDraft] = {}
    for table in sorted(reader.tables, key=lambda table: table.resource is not Resource.SEED):
        before = by_name.get(table.name.casefold())
        if before is None:
            by_name[table.name.casefold()] = table
            tables.append(table)
        elif before.resource is Resource.SEED and table.resource is Resource.MODEL and not table.built:
            before.absorb(table, diagnostics)
        else:
            diagnostics.append(_duplicate(table.name, table.origin, before.origin))
    seeds = {table.relation.casefold(): table for table in tables if table.resource is Resource.SEED}
    for name in reader.seed_files:
        if f"{name}" not in reader.disabled and reader.seed_files[name] not in reader.project.written:
            seeds.setdefault(name, TableDraft("", Resource.SEED, Location(), name))
    return _join_sources(tables, seeds, reader, diagnostics)


def _join_sources(
    tables: list[TableDraft], seeds: Mapping[str, TableDraft], reader: PropertyReader, diagnostics: list[Diagnostic]
) -> list[TableDraft]:
    sources = [table for table in tables if table.source is not None]
    joined: set[int] = set()
    for relation, seed in seeds.items():
        matching = [table for table in sources if table.relation.casefold() == relation]
        if len(matching) > 1:
            matching = [table for table in matching if table.database_schema == seed.database_schema]
        if len(matching) != 1:
            continue
        source = matching[0]
        if not seed.name:
            # A CSV without properties: it is the seed that dbt names after its file.
            file = reader.seed_files[relation]
            seed.name, seed.origin = PurePosixPath(file).stem, Location(file, 1)
            tables.append(seed)
        seed.absorb(source, diagnostics)
        joined.add(id(source))
    return [table for table in tables if id(table) not in joined]


def _add_csv_seeds(tables: list[TableDraft], reader: PropertyReader, project: DbtProject) -> None:
    """Hand-written seeds hold their rows already; their header lists columns that nothing else may list."""
    by_name = {table.name.casefold(): table for table in tables if table.resource is Resource.SEED}
    for name, file in reader.seed_files.items():
        if file in project.written or name in reader.disabled:
            continue
        stem = PurePosixPath(file).stem
        table = by_name.get(name)
        if table is None:
            config = project.configured("seeds", (*fqn_folders(file, project.paths["seed-paths"]), stem))
            if not config.enabled:
                continue
            table = TableDraft(stem, Resource.SEED, Location(file, 1), config.text("alias") or stem)
            tables.append(table)
        table.data_file = project.root / file
        for column in _header(project, file, reader.delimiters.get(name, ",")):
            table.declare(column, Location(file, 1))


def _header(project: DbtProject, file: str, delimiter: str) -> list[str]:
    """The column names of a CSV; only its beginning is read, because seeds may be large."""
    try:
        with (project.root / file).open(encoding="utf-8-sig", errors="replace", newline="") as stream:
            text = stream.read(MAX_HEADER)
        row = next(csv.reader(text.splitlines(keepends=True), delimiter=delimiter), [])
    except (OSError, csv.Error, TypeError) as error:
        project.diagnostics.append(
            Diagnostic("csv-unreadable", f"the header of this seed cannot be read: {error}", Location(file, 1))
        )
        return []
    return [name.strip() for name in row if name.strip()]


def _read_diagrams(project: DbtProject) -> tuple[list[ErDiagram], list[Workflow]]:
    diagrams: list[ErDiagram] = []
    workflows: list[Workflow] = []
    for file in project.files.find_everywhere(_DIAGRAM_FILES, project.skipped_folders):
        text = project.files.read(file)
        for diagram in find_diagrams(text, file) if text else ():
            if diagram.kind == "er":
                # Few projects have diagrams, and lark takes as long to load as all else that reads them.
                from seedbed.parsers.mermaid_er import parse_er  # noqa: PLC0415

                read, found = parse_er(diagram)
                diagrams.append(read)
                project.diagnostics.extend(found)
            elif diagram.kind == "state":
                from seedbed.parsers.mermaid_state import parse_state  # noqa: PLC0415

                workflow, found = parse_state(diagram)
                workflows.append(workflow)
                project.diagnostics.extend(found)
    return diagrams, workflows


def _require_columns(lookup: Lookup) -> None:
    """Keys may name columns that nothing else does; only now, with all diagrams read, can that be told."""
    for table in lookup.tables:
        for key in (*([table.primary_key] if table.primary_key else []), *table.unique_keys, *table.never_null):
            lookup.require(table, key.value, key.origin)
        table.spread_keys()


def _tables_without_columns(tables: Iterable[Table]) -> Iterator[Diagnostic]:
    """One warning for each file; many projects list the names of their sources, and nothing more."""
    by_file: dict[str | None, list[Table]] = {}
    for table in tables:
        if not (table.columns or table.built or table.data_file):
            by_file.setdefault(table.origin.file, []).append(table)
    for found in by_file.values():
        names = ", ".join(table.name for table in found)
        yield Diagnostic(
            "no-columns",
            f"nothing says which columns {names} {'has' if len(found) == 1 else 'have'}, so "
            f"{'it is' if len(found) == 1 else 'they are'} not generated",
            found[0].origin,
            Severity.WARNING,
            "list the columns here, under `columns:` of each table, or draw them in an erDiagram; models that select "
            "them by name say them too",
        )


def _report_duplicates(tables: Iterable[TableDraft], diagnostics: list[Diagnostic]) -> None:
    seen: dict[str, TableDraft] = {}
    for table in tables:
        before = seen.setdefault(table.name.casefold(), table)
        if before is not table:
            diagnostics.append(_duplicate(table.name, table.origin, before.origin))


def _duplicate(name: str, here: Location, there: Location) -> Diagnostic:
    return Diagnostic(
        "duplicate-table",
        f'two tables are called "{name}": here and in {there.short}',
        here,
        hint="rename one of them, or merge the two entries",
    )


def _without_repeats(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    return list(dict.fromkeys(diagnostics))
