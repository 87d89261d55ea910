"""Rows outright for one table: asked of an LLM, held against the project and the seeds that are there, and written.

For a table that is wanted quickly. What is to be made again and again, or in numbers, is for the plan.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from seedbed import api
from seedbed.authoring.client.by_hand import Prompt, Unanswered
from seedbed.authoring.client.calls import Request
from seedbed.authoring.client.conversation import REPAIRS, converse
from seedbed.authoring.client.ledger import Total
from seedbed.authoring.llm.prompts import read_templates
from seedbed.authoring.llm.rows import MOST_KEYS, Listing, read_rows, rows_request
from seedbed.authoring.llm.survey import Survey
from seedbed.authoring.llm.untrusted import clean
from seedbed.errors import Diagnostic, Location, ProjectError, Severity, SinkError, closest
from seedbed.plan.files import write_together
from seedbed.plan.resolve import file_name
from seedbed.plan.sheets import Parent, Sheet, check_sheet, read_sheet, type_of_texts, write_sheet
from seedbed.schema import ForeignKey, Schema, Table
from seedbed.sinks.manifest import read_manifest

MANY = 50
"""From so many rows on, the plan is the better way."""
_TOLD_ROWS = 50
_AS_LONG_AS_IT_TAKES = 1_000
"""Repairs by hand: a person who has had enough stops, and nothing else waits for the rows."""


@dataclass(frozen=True, slots=True)
class RowsWanted:
    """A question for rows, ready to be asked, and what its answer is held against.

    `before` is the text of the file that the rows are added to, None for a new file. `notes` say what was not
    looked at, and when another way would be better.
    """

    schema: Schema
    table: Table
    listing: Listing
    request: Request
    path: Path
    there: Sheet
    before: str | None = None
    parents: tuple[Parent, ...] = ()
    notes: tuple[Diagnostic, ...] = ()

    def read(self, value: object) -> str | list[Diagnostic]:
        """The rows of an answer as the text of a CSV file, or what is wrong with them."""
        written, problems = read_rows(value, [self.listing])
        if problems:
            return problems
        sheet, _ = read_sheet(written[self.listing.table], self.path.name)
        first = len(self.there.rows)
        # Lines count on behind those that are there, so that what repeats one of them is a problem of the new rows.
        behind = max(self.there.lines, default=1)
        whole = replace(
            sheet,
            rows=(*self.there.rows, *sheet.rows),
            lines=(*self.there.lines, *(behind + 1 + number for number in range(len(sheet.rows)))),
        )
        known = {name: type_of_texts(whole.column(name)[:first]) for name in sheet.header}
        declared = {column.name: column.data_type.value for column in self.table.columns if column.data_type}
        types = known | {name: found for name, found in declared.items() if name in known}
        found = check_sheet(whole, self.table, types, self.parents)
        return [item for item in found if (item.location.line or 0) > behind] or written[self.listing.table]


@dataclass(frozen=True, slots=True)
class RowsAnswered:
    """Rows that hold, as the text of a CSV file; `prompts` wait for a person's answer where there is none yet."""

    text: str = ""
    total: Total = field(default_factory=Total)
    prompts: tuple[Prompt, ...] = ()


def want_rows(
    schema: Schema,
    name: str,
    count: int,
    *,
    today: dt.date,
    output: Path | None = None,
    append: bool = False,
    force: bool = False,
) -> RowsWanted:
    """The question for rows of one table. Nothing is asked, and nothing written.

    Args:
        schema: what the project says.
        name: the table.
        count: how many rows.
        today: the as-of date of the plan that the question quotes, where there is none.
        output: the CSV file; in the project's seed folder by default.
        append: add to the file that is there.
        force: replace it.

    Raises:
        ProjectError: there is no such table, or it has no columns.
        SinkError: the file is there, or is no file that rows can be added to.
        PlanError: the plan that there is cannot be read.
    """
    table = schema.table(name)
    if table is None or not table.columns:
        names = [item.name for item in schema if item.columns]
        hint = closest(name, names) or f"there are {', '.join(names)}"
        reason = f"the project documents no columns of {name}" if table else f"the project has no table {name}"
        raise ProjectError(diagnostics=[Diagnostic("unknown-table", reason, hint=hint)])
    path = output or table.data_file or schema.project.seed_paths[0] / f"{file_name(table)}.csv"
    before, there = _what_is_there(schema, path, append=append, force=force)
    columns = _columns(table, path, there) if append else table.column_names
    parents, notes = [], list(_notes(table, path, count))
    for key in table.foreign_keys:
        found = _parent(schema, key) if set(key.columns) <= set(columns) else None
        if found is not None:
            parents.append(found)
        else:
            message = f"{', '.join(key.columns)} refer to {key.parent}, of which there is no seed: not checked"
            notes.append(Diagnostic("keys-unknown", message, key.origin, Severity.WARNING))
    listing = Listing(
        table.name,
        columns,
        count,
        {"+".join(parent.columns): _told_keys(parent) for parent in parents},
        [[text and clean(text, 100) for text in row] for row in there.rows[-_TOLD_ROWS:]],
        exact=True,
    )
    planned = api.plan_project(schema, today=today)
    request = rows_request(schema, planned.plan, read_templates(schema.project.root), Survey(), [listing])
    spelled = replace(there, header=columns) if append else Sheet(path.name)
    return RowsWanted(schema, table, listing, request, path, spelled, before, tuple(parents), tuple(notes))


def ask_rows(wanted: RowsWanted, llm: api.LlmOptions) -> RowsAnswered:
    """Asks for the rows, with repairs. Nothing is written.

    Raises:
        AuthoringError: there is no endpoint, or no answer that can be used.
    """
    with api.open_client(llm) as (client, hand):
        try:
            repairs = _AS_LONG_AS_IT_TAKES if hand else REPAIRS
            text = converse(client, wanted.request, wanted.read, repairs=repairs)
        except Unanswered:
            return RowsAnswered(total=client.ledger.total, prompts=tuple(hand.open if hand else ()))
        return RowsAnswered(text, client.ledger.total)


def save_rows(wanted: RowsWanted, answered: RowsAnswered) -> int:
    """Writes the rows, whole or not at all; what the file held stays byte for byte. Returns how many rows were written.

    Raises:
        SinkError: the file cannot be written, or was changed meanwhile.
    """
    text = answered.text
    if wanted.before is not None:
        if _read(wanted.path) != wanted.before:
            raise SinkError(f"{wanted.path} was changed meanwhile; nothing was written. Run the command again.")
        newline = "\r\n" if "\r\n" in wanted.before else "\n"
        rows, _ = read_sheet(text, wanted.path.name)
        body = write_sheet(rows.header, rows.rows).partition("\n")[2].replace("\n", newline)
        text = wanted.before + ("" if wanted.before.endswith(("\n", "\r")) else newline) + body
    write_together(wanted.schema.project.root, {wanted.path: text})
    return len(read_sheet(answered.text, wanted.path.name)[0].rows)


def _what_is_there(schema: Schema, path: Path, *, append: bool, force: bool) -> tuple[str | None, Sheet]:
    """The file that rows are to be added to, as text and as rows; neither where a new one is written."""
    shown = os.path.relpath(path, schema.project.root)
    manifest = read_manifest(path.parent)
    if manifest and path.name in manifest.files:
        raise _refused(
            "generated-file",
            f"{shown} is made by `seedbed generate`, which would take added rows for an edit",
            shown,
            f"write to seedbed/rows/{path.name} with --output, and name it in the plan: "
            f"`rows: from('seedbed/rows/{path.name}')`",
        )
    if append:
        if not path.exists():
            raise _refused("no-file", f"{shown} is not there, so that nothing can be added to it", shown, None)
        text = _read(path)
        sheet, problems = read_sheet(text.removeprefix("\ufeff"), shown)
        if problems:
            raise SinkError("Nothing can be added.", problems)
        return text, sheet
    if path.exists() and not force:
        raise _refused("file-exists", f"{shown} is there already", shown, "--append adds to it, --force replaces it")
    return None, Sheet(path.name)


def _refused(code: str, message: str, shown: str, hint: str | None) -> SinkError:
    return SinkError("Nothing was asked or written.", [Diagnostic(code, message, Location(shown), hint=hint)])


def _read(path: Path) -> str:
    """The text of a file, from which its bytes can be made again."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SinkError(f"{path} cannot be read: {error}") from None


def _columns(table: Table, path: Path, there: Sheet) -> tuple[str, ...]:
    """The file's columns as the project spells them."""
    unknown = [name for name in there.header if table.column(name) is None]
    if unknown:
        found = [
            Diagnostic("unknown-column", f'{table.name} has no column "{name}"', Location(path.name, 1),
                       hint=closest(name, table.column_names))
            for name in unknown
        ]  # fmt: skip
        raise SinkError("Nothing was asked or written.", found)
    return tuple(column.name for name in there.header if (column := table.column(name)))


def _notes(table: Table, path: Path, count: int) -> Iterator[Diagnostic]:
    if count > MANY:
        message = f"{count} rows are many to write one by one: a plan makes any number, at no cost for each"
        yield Diagnostic("better-planned", message, severity=Severity.WARNING, hint="seedbed plan --author llm")
    if table.generated and path.parent.name != "rows":
        yield Diagnostic(
            "no-longer-generated",
            f"{table.name} is covered by the plan; once {path.name} is there, it is a seed that a person wrote, and is "
            "no longer generated",
            severity=Severity.WARNING,
            hint=f"to keep both, write it with --output seedbed/rows/{path.name} and name it in the plan: "
            f"`rows: from('seedbed/rows/{path.name}')`",
        )


def _parent(schema: Schema, key: ForeignKey) -> Parent | None:
    """The keys that stand in the parent's seed, written by hand or generated."""
    parent = schema.table(key.parent)
    if parent is None:
        return None
    path = parent.data_file or schema.project.seed_paths[0] / f"{file_name(parent)}.csv"
    try:
        sheet, problems = read_sheet(path.read_text(encoding="utf-8-sig"), path.name)
    except (OSError, UnicodeDecodeError):
        return None
    names = {name.casefold(): name for name in sheet.header}
    targets = [names.get(name.casefold()) for name in key.parent_columns]
    if problems or None in targets:
        return None
    fields = [sheet.column(target) for target in targets if target]
    keys = dict.fromkeys(row for row in zip(*fields, strict=True) if None not in row)
    return Parent(key.columns, key.parent, keys)


def _told_keys(parent: Parent) -> Sequence[str]:
    return [", ".join(clean(str(part), 60) for part in key) for key in list(parent.keys)[:MOST_KEYS]]
