"""Tells the tables that are generated what the project says of the models that are built on them.

Many projects document and test their staging models, and join those, but say little of the sources themselves. What
a source's rows look like decides whether these tests pass, so that each is followed to the column it is about.

A model that has all rows of a table, each once, speaks for the table: what it says of a column holds there. A model
that leaves rows out or joins them says less, and that becomes a hint. Joined columns are told to both tables, and
nothing is concluded: which is a key, and what speaks against it, is for an author to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from seedbed.documents import Document
from seedbed.errors import Diagnostic, Location, Severity
from seedbed.parsers.drafts import ColumnDraft, TableDraft, same_names
from seedbed.parsers.lineage import MAX_SQL_IN_ALL, Models, Origin, Relation
from seedbed.parsers.lookup import Lookup
from seedbed.parsers.project import DbtProject
from seedbed.schema import DataTest, Fact, Join, TypeKind

_JOIN = re.compile(r"\bjoin\b", re.IGNORECASE)
_LIKE_A_REFERENCE = re.compile(r"(?:_(?:id|sk|key|fk|uuid|guid|hk|ref|nk|code|number|no)|[a-z](?:Id|ID|Key))$")
_FACTS = ("description", "data_type", "not_null", "unique", "accepted_values", "value_range", "matches")
_HARMLESS = ("not_null", "accepted_values")
"""Tests that a source may pass in all rows, although the model that they are of has fewer."""
_NOT_MADE = (TypeKind.JSON, TypeKind.BINARY)


def tell_upstream(lookup: Lookup, project: DbtProject) -> None:
    """Tells the tables that are generated what is said of models built on them, and which of their columns are joined.

    What a table says of itself stays.
    """
    if not any(_is_generated(table) for table in lookup.tables):
        return
    models = Models(lookup, project)
    read = [(model, models.read(file)) for model, file in _documented_models(lookup)]
    # What holds in all rows comes before hints.
    for model, relation in sorted(read, key=lambda pair: pair[1].rows_of is None):
        for name, said in model.columns.items():
            source = _source_of(lookup, relation.look(name)[1])
            if source is not None:
                _hand_on(model, said, *source, whole=relation.rows_of is source[0])
    if any(_leaves_references_open(table) for table in lookup.tables):
        _tell_joins(lookup, project, models)
    if models.left_out:
        told = (
            f"{len(models.left_out)} models are not followed to the tables that they come from, this one first: of all "
            f"models, {MAX_SQL_IN_ALL:,} characters are"
        )
        hint = "document and test the sources that they come from"
        project.diagnostics.append(
            Diagnostic("models-not-read", told, Location(models.left_out[0], 1), Severity.NOTE, hint)
        )


def _is_generated(table: TableDraft) -> bool:
    return bool(table.columns) and not (table.built or table.data_file)


def _documented_models(lookup: Lookup) -> Iterator[tuple[TableDraft, str]]:
    """The models that are built and of whose columns something is said, with their files."""
    for table in list(lookup.tables):
        file = lookup.model_files.get(table.name.casefold())
        if table.built and file is not None and table.columns:
            yield table, file


def _source_of(lookup: Lookup, origin: Origin | None) -> tuple[TableDraft, ColumnDraft] | None:
    """The generated table and the column that a value comes from unchanged."""
    table = lookup.by_name(origin.table) if origin is not None and not origin.through else None
    column = table.column(origin.column) if table is not None and origin is not None else None
    return (table, column) if table is not None and column is not None and _is_generated(table) else None


def _hand_on(model: TableDraft, said: ColumnDraft, table: TableDraft, column: ColumnDraft, *, whole: bool) -> None:
    """Gives a column of a table what is said of the model's column that shows it."""
    for fact in _FACTS if whole else ():
        if getattr(column, fact) is None and _holds_uncast(fact, said, column):
            setattr(column, fact, getattr(said, fact))
    key = model.primary_key
    if whole and table.primary_key is None and key is not None and same_names(key.value, [said.name]):
        table.primary_key = Fact((column.name,), key.origin)
    hints = [test for test in model.data_tests if test.column == said.name and test.name in _HARMLESS]
    if said.not_null is not None and column.not_null is None:
        hints.append(_hint("not_null", column, {}, said.not_null.origin))
    if said.accepted_values is not None and _holds_uncast("accepted_values", said, column):
        values = list(said.accepted_values.value)
        hints.append(_hint("accepted_values", column, {"values": values}, said.accepted_values.origin))
    known = {(test.name, test.column) for test in table.data_tests}
    for test in hints:
        if getattr(column, test.name) is None and (test.name, column.name) not in known:
            table.data_tests.append(DataTest(test.name, column.name, test.arguments, conditional=True))


def _holds_uncast(fact: str, said: ColumnDraft, column: ColumnDraft) -> bool:
    """Whether what is said of a model's column can hold of the table's, although the model may cast its type."""
    kind = column.data_type.value.kind if column.data_type is not None else None
    match fact:
        case "data_type":
            return said.data_type is None or said.data_type.value.kind not in _NOT_MADE
        case "value_range":
            return kind is not TypeKind.TEXT
        case "matches":
            return kind in (None, TypeKind.TEXT)
        case "accepted_values" if kind is TypeKind.TEXT and said.accepted_values is not None:
            return all(isinstance(value, str) for value in said.accepted_values.value)
    return True


def _hint(name: str, column: ColumnDraft, arguments: dict[str, object], origin: Location) -> DataTest:
    said = Document(arguments, origin.file or "", (), {(): (origin.line or 1, 1)})
    return DataTest(name, column.name, said, conditional=True)


# --- what is joined ------------------------------------------------------------------------------------------


def _tell_joins(lookup: Lookup, project: DbtProject, models: Models) -> None:
    """Tells both tables of each pair of columns that a model joins, or that a model is tested to refer by."""
    for file in dict.fromkeys(lookup.model_files.values()):
        text = project.files.read(file) if file.lower().endswith(".sql") else None
        if text is not None and _JOIN.search(text):
            models.read(file)
    for ours, theirs, place in (*_tested(lookup, models), *models.joins):
        alike = ours.through == theirs.through and (ours.table, ours.column) != (theirs.table, theirs.column)
        if alike and not (_refers(lookup, ours, theirs) or _refers(lookup, theirs, ours)):
            _tell(lookup, ours, theirs, place)
            _tell(lookup, theirs, ours, place)


def _leaves_references_open(table: TableDraft) -> bool:
    """Whether a column is named like a reference, and nothing says to which table."""
    explained = {name.casefold() for key in table.foreign_keys for name in key.columns}
    return _is_generated(table) and any(
        _LIKE_A_REFERENCE.search(column.name) and name not in explained and table.is_key([name]) is not True
        for name, column in table.columns.items()
    )


def _tested(lookup: Lookup, models: Models) -> Iterator[tuple[Origin, Origin, Location]]:
    """The pairs of columns by which `relationships` tests of models say that one refers to the other."""
    for child in list(lookup.tables):
        for key in child.foreign_keys if child.built else ():
            parent = lookup.by_name(key.parent)
            if parent is not None and len(key.columns) == 1:
                ours = _relation(lookup, models, child).look(key.columns[0].casefold())[1]
                theirs = _relation(lookup, models, parent).look(key.parent_columns[0].casefold())[1]
                if ours is not None and theirs is not None:
                    yield ours, theirs, key.origin


def _relation(lookup: Lookup, models: Models, table: TableDraft) -> Relation:
    file = lookup.model_files.get(table.name.casefold()) if table.built else None
    return models.read(file) if file is not None else Relation(None if table.built else table, unknown=table.built)


def _refers(lookup: Lookup, ours: Origin, theirs: Origin) -> bool:
    """Whether the project says itself that the one column refers to the other."""
    child = lookup.by_name(ours.table)
    keys = child.foreign_keys if child is not None else []
    return any(
        key.parent == theirs.table and (ours.column, theirs.column) in zip(key.columns, key.parent_columns, strict=True)
        for key in keys
    )


def _tell(lookup: Lookup, ours: Origin, theirs: Origin, place: Location) -> None:
    table = lookup.by_name(ours.table)
    told = [(join.column, join.table, join.other) for join in table.joins] if table is not None else []
    if table is not None and (ours.column, theirs.table, theirs.column) not in told:
        table.joins.append(Join(ours.column, theirs.table, theirs.column, place))
