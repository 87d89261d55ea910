"""Tables whose rows stand in a file: a hand-written seed, or a CSV file beside the plan."""

from __future__ import annotations

import pyarrow as pa

from seedbed.errors import Severity
from seedbed.plan import kinds
from seedbed.plan.beside import BesideError, read_beside
from seedbed.plan.columns import Types
from seedbed.plan.draft import Draft, Drafts
from seedbed.plan.resolved import FromFile, Given, LookedUp
from seedbed.plan.sheets import Parent, Sheet, check_sheet, fit_header, read_sheet, type_of_texts
from seedbed.plan.spec import Author, FileRows
from seedbed.plan.types import TEXT
from seedbed.schema import Column

MAX_GIVEN_BYTES = 200_000_000
"""Of a hand-written seed."""
_OF_PROCESSES = (kinds.Version, kinds.During, kinds.Lifecycle)


def start_by_hand(drafts: Drafts, draft: Draft) -> None:
    """A hand-written seed: its rows are read as they stand, so that foreign keys can refer to them."""
    file = draft.table.data_file
    assert file is not None
    if file.stat().st_size > MAX_GIVEN_BYTES:
        drafts.warn(
            "seed-too-large", f"{file.name} is not read: it has more than {MAX_GIVEN_BYTES:,} bytes", draft.place()
        )
        return
    with file.open(encoding="utf-8-sig", newline="") as lines:
        sheet, _ = read_sheet(lines.read(), file.name, strict=False)
    draft.rows = Given(file.name, file, _values(sheet))
    draft.written = False
    draft.generators = {name: _from_file(draft.rows, name) for name in sheet.header}
    drafts.tables[draft.name] = draft


def start_from_file(drafts: Drafts, draft: Draft, said: FileRows) -> None:
    """Takes a table's rows from a file beside the plan; what is wrong with its form is reported."""
    try:
        text = read_beside(drafts.schema.project.root, said.file, drafts.files)
    except BesideError as error:
        drafts.error("no-rows-file", f"{draft.name} has its rows from a file: {error}", draft.place())
        return
    sheet, problems = read_sheet(text, said.file)
    sheet, misnamed = fit_header(sheet, draft.table)
    drafts.diagnostics += [*problems, *misnamed]
    if not (problems or misnamed):
        draft.rows = Given(said.file, drafts.schema.project.root / said.file, _values(sheet), sheet.lines)


def generator_from_file(drafts: Drafts, draft: Draft, column: Column) -> kinds.Generator:
    """How a column of the table's file arises: from there, or as the key of the parent whose key stands there."""
    assert isinstance(draft.rows, Given)
    said = draft.said.columns.get(column.name)
    written = said.generator if said else None
    if isinstance(written, kinds.ForeignKey):
        return kinds.ForeignKey(parent=written.parent, column=written.column, role=written.role)
    if isinstance(written, kinds.DateKey):
        return kinds.ForeignKey(parent=written.parent)
    if isinstance(written, _OF_PROCESSES):
        drafts.error(
            "not-from-file",
            f"{draft.name}.{column.name} is {written}, so that it cannot stand in {draft.rows.name}",
            draft.place(column.name),
            "take the column out of the file",
        )
    elif written is not None and said and said.decided_by in ("annotation", f"plan ({Author.USER})"):
        drafts.warn(
            "not-used",
            f"{draft.name}.{column.name} stands in {draft.rows.name}, so that {written} is not used",
            draft.place(column.name),
            "take one of the two out",
        )
    for key in draft.table.foreign_keys:
        parent = drafts.schema.table(key.parent)
        if column.name in key.columns and parent and (parent.generated or parent.data_file):
            return kinds.ForeignKey(parent=key.parent, column=key.parent_columns[key.columns.index(column.name)])
    return _from_file(draft.rows, column.name)


def check_given(drafts: Drafts, draft: Draft, types: Types) -> None:
    """Reports what is wrong with the rows of a file beside the plan."""
    if not isinstance(draft.rows, Given) or not draft.written:
        return
    given = draft.rows
    columns = [given.values.column(name).to_pylist() for name in given.columns]
    sheet = Sheet(given.name, given.columns, tuple(zip(*columns, strict=True)), given.lines)
    declared = {name: types.of(draft, name) or TEXT for name in given.columns}
    parents = [parent for name in draft.references if (parent := _parent(drafts, draft, name)) is not None]
    by_user = drafts.plan.tables[draft.name].by is Author.USER if draft.name in drafts.plan.tables else True
    unclean = Severity.WARNING if by_user else Severity.ERROR
    drafts.diagnostics += check_sheet(sheet, draft.table, declared, parents, unclean=unclean)


def _parent(drafts: Drafts, draft: Draft, name: str) -> Parent | None:
    """The keys that a reference of the file may have, where the parent's stand in a file too."""
    reference = draft.references[name]
    rows = drafts.tables[reference.parent].rows
    if not isinstance(reference.finding, LookedUp) or not isinstance(rows, Given):
        return None
    targets = tuple(reference.columns.values())
    if not set(targets) <= set(rows.columns):
        return None
    fields = [rows.values.column(target).to_pylist() for target in targets]
    return Parent(tuple(reference.columns), reference.parent, frozenset(zip(*fields, strict=True)))


def _values(sheet: Sheet) -> pa.RecordBatch:
    columns = list(zip(*sheet.rows, strict=True)) if sheet.rows else [()] * len(sheet.header)
    return pa.record_batch([pa.array(column, pa.string()) for column in columns], names=list(sheet.header))


def _from_file(rows: Given, name: str) -> FromFile:
    texts = rows.values.column(rows.columns.index(name)).to_pylist()
    present = [text for text in texts if text is not None]
    return FromFile(
        data_type=type_of_texts(texts), distinct=len(set(present)) == len(present), gaps=len(present) < len(texts)
    )
