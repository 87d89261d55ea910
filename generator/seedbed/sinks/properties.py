"""The property file for the seeds that Seedbed makes: types, descriptions, where they land, and their data tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import yaml

from seedbed.errors import NOWHERE, Diagnostic, Severity
from seedbed.plan.resolved import ResolvedPlan, ResolvedTable
from seedbed.schema import Project, Resource
from seedbed.sinks.data_tests import PACKAGE, DataTest, column_quoter, data_tests, is_declared, jinja_safe
from seedbed.sinks.dialect import needs_quotes, type_name
from seedbed.sinks.placement import placement

PROPERTY_FILE = "_seedbed.yml"

_YAML_HEAD = """\
# Written by Seedbed, and written again by every run of `seedbed generate`: do not edit.
# To describe a seed yourself, give it an entry in a property file of your own, and it leaves this one.

"""
_SQL_HEAD = "-- Written by Seedbed, and written again by every run of `seedbed generate`: do not edit.\n"


@dataclass(frozen=True, slots=True)
class Properties:
    """What dbt is told about the seeds. `tests` are singular tests: names without extension, with table and text."""

    yaml: str | None
    tests: tuple[tuple[str, str, str], ...]
    notes: tuple[Diagnostic, ...]


def render_properties(plan: ResolvedPlan, available: Callable[[str], bool]) -> Properties:
    """Describes the plan's seeds to dbt.

    A seed that the project documents itself cannot be described a second time: what its own file does not test
    is tested by singular tests.

    Args:
        plan: the resolved plan.
        available: whether the seed of the table of that name exists; others are left out.
    """
    notes: list[Diagnostic] = []
    entries: list[dict[str, Any]] = []
    singular: list[tuple[str, str, str]] = []
    missing: list[str] = []
    for table in plan:
        if not (table.written or table.kept) or not available(table.name):
            continue
        tests = list(data_tests(table, plan, available))
        if not plan.project.has_dbt_package:
            missing += [f"{table.name}: {test.name}" for test in tests if test.packaged]
            tests = [test for test in tests if not test.packaged]
        if table.resource is Resource.MODEL or is_documented(table):
            # dbt runs the tests of a `models:` entry on a seed of that name, and refuses a test that stands twice.
            tests = [test for test in tests if not is_declared(test, table.declared_tests)]
        if is_documented(table):
            singular += _singular(table, plan.project, tests)
        else:
            entry, found = _entry(table, plan.project, tests)
            entries.append(entry)
            notes += found
    if missing:
        notes.append(_package_missing(missing))
    sources = [table for table in plan if (table.written or table.kept) and table.source and available(table.name)]
    if sources:
        notes.append(_sources(sources, plan.project))
    text = _YAML_HEAD + _dump({"version": 2, "seeds": entries}) if entries else None
    return Properties(text, tuple(singular), tuple(notes))


def is_documented(table: ResolvedTable) -> bool:
    """Whether the project describes the seed itself; what an earlier run of Seedbed wrote does not count."""
    return table.property_file is not None and PurePath(table.property_file).name != PROPERTY_FILE


def _entry(
    table: ResolvedTable, project: Project, tests: Sequence[DataTest]
) -> tuple[dict[str, Any], list[Diagnostic]]:
    notes: list[Diagnostic] = []
    config: dict[str, Any] = {}
    if project.name == PACKAGE:
        # The demonstration's seeds are built in its own project only, never in that of somebody who installs it.
        config["enabled"] = f"{{{{ project_name == '{PACKAGE}' }}}}"
    # Without a full refresh dbt keeps the old table, and loads columns that moved into the wrong place.
    config["full_refresh"] = True
    config |= placement(table, project).config
    if table.resource is Resource.MODEL:
        notes.append(_documented_as_model(table))
    must_quote = needs_quotes(column.name for column in table.written_columns)
    if must_quote:
        config["quote_columns"] = True
        notes.append(_quoting(table, must_quote))
    config["column_types"] = {
        jinja_safe(column.name): type_name(column.data_type, project.adapter) for column in table.written_columns
    }
    entry: dict[str, Any] = {"name": table.file}
    if table.description:
        entry["description"] = jinja_safe(table.description)
    entry["config"] = config
    of_table = [test.as_property() for test in tests if test.column is None]
    if of_table:
        entry["data_tests"] = of_table
    entry["columns"] = []
    for column in table.written_columns:
        described: dict[str, Any] = {"name": jinja_safe(column.name)}
        if column.description:
            described["description"] = jinja_safe(column.description)
        if must_quote:
            described["quote"] = True
        of_column = [test.as_property() for test in tests if test.column == column.name]
        if of_column:
            described["data_tests"] = of_column
        entry["columns"].append(described)
    return entry, notes


def _singular(table: ResolvedTable, project: Project, tests: Sequence[DataTest]) -> list[tuple[str, str, str]]:
    gate = f"{{{{ config(enabled=(project_name == '{PACKAGE}')) }}}}\n" if project.name == PACKAGE else ""
    written: list[tuple[str, str, str]] = []
    names: set[str] = set()
    spell = column_quoter(table, project.adapter)
    for test in tests:
        stem = "__".join(part for part in (table.file, test.name, test.column) if part)
        stem = "".join(character if character.isascii() and character.isalnum() else "_" for character in stem)
        name, count = stem, 1
        while name.lower() in names:
            count += 1
            name = f"{stem}_{count}"
        names.add(name.lower())
        body = test.as_sql(table.file, spell(test.column) if test.column else None)
        written.append((name, table.name, f"{_SQL_HEAD}{gate}{body}\n"))
    return written


def _dump(value: Any) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)


class _Dumper(yaml.SafeDumper):
    """Lists stand below their key with an indent, as people write property files; nothing becomes an alias."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _quoting(table: ResolvedTable, names: Sequence[str]) -> Diagnostic:
    spelled = ", ".join(f'"{name}"' for name in names)
    return Diagnostic(
        "quoted-columns",
        f"{table.name}: SQL takes {spelled} only between quotes, so all columns of this seed are created with quotes",
        table.column(names[0]).origin,
        Severity.NOTE,
        "models must quote this table's columns, exactly as they are spelled",
    )


def _sources(tables: Sequence[ResolvedTable], project: Project) -> Diagnostic:
    views = [view for table in tables if (view := placement(table, project).view)]
    reached = f"; {', '.join(views)} as views, because dbt puts no seed into their schemas" if views else ""
    return Diagnostic(
        "sources-as-seeds",
        f"{', '.join(table.name for table in tables)} stand as seeds where their sources are looked for{reached}",
        severity=Severity.NOTE,
        hint="models on sources do not wait for seeds: run `dbt build --select resource_type:seed`, "
        "then `dbt build --exclude resource_type:seed`",
    )


def _documented_as_model(table: ResolvedTable) -> Diagnostic:
    return Diagnostic(
        "documented-as-model",
        f"{table.name} is documented under `models:` and is a seed for now, of which dbt warns on every run",
        table.columns[0].origin if table.columns else NOWHERE,
        Severity.NOTE,
        "nothing to do until its SQL is written; the seed is then removed",
    )


def _package_missing(missing: Sequence[str]) -> Diagnostic:
    shown = "; ".join(missing[:5]) + ("; ..." if len(missing) > 5 else "")
    return Diagnostic(
        "dbt-package-missing",
        f"the project does not use the seedbed dbt package: {len(missing)} promises have no data test ({shown})",
        severity=Severity.NOTE,
        hint="add the package to packages.yml (`seedbed init` does), run `dbt deps`, and generate again; "
        "`seedbed check` verifies them in any case",
    )
