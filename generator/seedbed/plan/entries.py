"""What is said about each table and column, from the plan and from the project's annotations, as one entry.

An annotation below `config.meta.seedbed` stands over what an author wrote into the plan, and under what a
person wrote there (`by: user`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from seedbed.documents import Document
from seedbed.errors import NOWHERE, Diagnostic, Location, Severity, closest
from seedbed.plan.kinds import Share
from seedbed.plan.problems import spoken_problems
from seedbed.plan.spec import (
    Arrives,
    Author,
    Deletes,
    GeneratorText,
    History,
    Lifecycle,
    Plan,
    Rows,
    read_history,
    rename_by,
)
from seedbed.schema import Column, Schema, Table

A = TypeVar("A", bound=BaseModel)


class TableAnnotation(BaseModel):
    """What may stand below a table's `config.meta.seedbed`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    rows: Rows | None = None
    history: dict[str, Any] | None = None
    lifecycle: Annotated[Lifecycle, BeforeValidator(rename_by)] | None = None
    arrives: Arrives | None = None
    deletes: Deletes | None = None
    rules: Any = None
    """Business rules; they stand in the Schema."""
    primary_key: Any = None
    foreign_keys: Any = None
    generate: bool = True


class ColumnAnnotation(BaseModel):
    """What may stand below a column's `config.meta.seedbed`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    generator: GeneratorText | None = None
    varies_by: str | None = None
    null: Share | None = None


@dataclass(frozen=True, slots=True)
class ColumnSaid:
    """All that is said about how one column arises."""

    generator: GeneratorText | None = None
    varies_by: str | None = None
    decided_by: str = ""
    origin: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class TableSaid:
    """All that is said about how one table arises."""

    rows: Rows | None = None
    columns: Mapping[str, ColumnSaid] = field(default_factory=dict)
    history: History | None = None
    lifecycle: Lifecycle | None = None
    arrives: Arrives | None = None
    deletes: Deletes | None = None
    history_document: Document | None = None
    """Where the history or lifecycle is written, for messages about it."""
    origin: Location = NOWHERE


def gather(schema: Schema, plan: Plan, document: Document) -> tuple[dict[str, TableSaid], list[Diagnostic]]:
    """One `TableSaid` for each table that is to be generated, by the table's name."""
    diagnostics: list[Diagnostic] = []
    said = {}
    for table in schema:
        if table.generated:
            said[table.name] = _gather_table(table, plan, document, diagnostics)
    known = {table.name.casefold() for table in schema}
    for name in plan.tables:
        if name.casefold() not in known:
            diagnostics.append(
                Diagnostic(
                    "unknown-table",
                    f'the plan has a table "{name}", but the project documents none of that name',
                    document.location("tables", name),
                    hint=closest(name, (table.name for table in schema)) or "run `seedbed plan` to bring it up to date",
                )
            )
    return said, diagnostics


def _gather_table(table: Table, plan: Plan, document: Document, diagnostics: list[Diagnostic]) -> TableSaid:
    key = next((name for name in plan.tables if name.casefold() == table.name.casefold()), table.name)
    entry = plan.tables.get(key)
    place = document.at("tables", key)
    annotation = _annotation(table.annotation, TableAnnotation, diagnostics) or TableAnnotation()
    if entry is None:
        diagnostics.append(
            Diagnostic(
                "not-planned",
                f'the plan says nothing about the table "{table.name}"',
                table.origin,
                hint="run `seedbed plan` to add it",
            )
        )
    history, lifecycle, process_place = None, None, None
    if annotation.history is not None and table.annotation is not None:
        process_place = table.annotation.at("history")
        try:
            history = read_history(annotation.history)
        except ValidationError as error:
            diagnostics.extend(spoken_problems(error, process_place, History, "invalid-history"))
    elif annotation.lifecycle is not None and table.annotation is not None:
        lifecycle, process_place = annotation.lifecycle, table.annotation.at("lifecycle")
    annotated = history or lifecycle
    if process_place is None or (annotated and not annotated.declares_moves):
        # An annotation that leaves the moves open leaves the process to the plan, which holds what the annotation says.
        if entry and entry.history:
            history, lifecycle, process_place = entry.history, None, place.at("history")
        elif entry and entry.lifecycle:
            history, lifecycle, process_place = None, entry.lifecycle, place.at("lifecycle")
        if entry and entry.process and table.pages and entry.process_author is Author.BASELINE:
            files = ", ".join(page.origin.file or "" for page in table.pages)
            diagnostics.append(
                Diagnostic(
                    "words-not-read",
                    f"{files} tells in words how {table.name} moves from state to state; the moves in the plan are "
                    "assumed without it",
                    process_place.location() if process_place else table.origin,
                    Severity.WARNING,
                    "`seedbed plan --author llm` has them read, `seedbed prompt` does so by hand; or edit them",
                )
            )
    columns = {}
    for column in table.columns:
        columns[column.name] = _gather_column(table, column, plan, key, place, diagnostics)
    if entry:
        for name in entry.columns:
            if table.column(name) is None:
                diagnostics.append(
                    Diagnostic(
                        "unknown-column",
                        f'the plan has a column "{name}" in {table.name}, but the project documents none of that name',
                        place.location("columns", name),
                        hint=closest(name, table.column_names) or "run `seedbed plan` to bring it up to date",
                    )
                )
    rows = annotation.rows if annotation.rows is not None and (entry is None or entry.by is not Author.USER) else None
    if rows is None and entry is not None:
        rows = entry.rows
    if rows is None:
        rows = annotation.rows
    user = entry is not None and entry.by is Author.USER
    return TableSaid(
        rows,
        columns,
        history,
        lifecycle,
        arrives=_first(user, entry.arrives if entry else None, annotation.arrives),
        deletes=_first(user, entry.deletes if entry else None, annotation.deletes),
        history_document=process_place,
        origin=place.location() if entry else table.origin,
    )


def _first(by_user: bool, planned: A | None, annotated: A | None) -> A | None:
    """What a person wrote into the plan, else the annotation, else what an author planned."""
    return (planned or annotated) if by_user else (annotated or planned)


def _gather_column(
    table: Table, column: Column, plan: Plan, key: str, place: Document, diagnostics: list[Diagnostic]
) -> ColumnSaid:
    entry = plan.tables.get(key)
    written = None
    if entry:
        name = next((name for name in entry.columns if name.casefold() == column.name.casefold()), None)
        written = entry.columns[name] if name else None
    annotation = _annotation(column.annotation, ColumnAnnotation, diagnostics)
    by_user = written is not None and entry is not None and plan.author(key, name) is Author.USER
    if annotation and annotation.generator and not by_user and column.annotation:
        generator = annotation.generator
        decided_by, origin = "annotation", column.annotation.location()
        varies_by = annotation.varies_by
    elif written is not None:
        generator, varies_by = written.generator, written.varies_by
        decided_by, origin = f"plan ({plan.author(key, name)})", place.location("columns", column.name)
        if annotation and varies_by is None:
            varies_by = annotation.varies_by
    else:
        return ColumnSaid(None, annotation.varies_by if annotation else None, "", column.origin)
    if annotation and annotation.null is not None:
        generator = generator.model_copy(update={"null": annotation.null})
    return ColumnSaid(generator, varies_by, decided_by, origin)


def _annotation(document: Document | None, model: type[A], diagnostics: list[Diagnostic]) -> A | None:
    if document is None or document.value is None:
        return None
    if not isinstance(document.value, dict):
        diagnostics.append(
            Diagnostic(
                "invalid-annotation",
                f"config.meta.seedbed holds {document.value!r}; a mapping was expected",
                document.location(),
            )
        )
        return None
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        diagnostics.extend(spoken_problems(error, document, model, "invalid-annotation"))
        return None


def note(code: str, message: str, origin: Location, hint: str | None = None) -> Diagnostic:
    """A diagnostic that only informs."""
    return Diagnostic(code, message, origin, Severity.NOTE, hint)
