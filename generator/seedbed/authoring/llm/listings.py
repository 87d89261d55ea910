"""The stage that has rows written outright: which tables are short enough, and which answers hold."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from seedbed.authoring.baseline.names import names_a_list, singular, snake
from seedbed.authoring.client.calls import Request
from seedbed.authoring.llm.kept import kept_for
from seedbed.authoring.llm.prompts import Templates, references
from seedbed.authoring.llm.rows import Listing, read_rows, rows_request
from seedbed.authoring.llm.run import LEFT_OUT, Outcome, Run, spoken
from seedbed.authoring.llm.survey import Survey
from seedbed.authoring.llm.trial import Entry, keep_what_holds, problems_of, put_in
from seedbed.authoring.llm.undecided import Place, is_untouched, undecided
from seedbed.errors import Diagnostic
from seedbed.plan import kinds
from seedbed.plan.beside import FOLDER, is_authors
from seedbed.plan.merge import columns_of_file, without_columns_of_file
from seedbed.plan.spec import Author, ColumnEntry, FileRows, FixedRows, Plan
from seedbed.schema import Schema, Table, TypeKind

TABLES_AT_ONCE = 8
_MOST_OF_A_LIST = 20
"""Up to so many rows the baseline author plans for what it takes for a list of kinds."""
_LEFT_TO_THE_PROGRAM = (
    kinds.Sequence, kinds.Uuid, kinds.HashKey, kinds.ForeignKey, kinds.DateKey, kinds.Version, kinds.During,
    kinds.Lifecycle, kinds.Rollup, kinds.Copy, kinds.Sql, kinds.Ordinal, kinds.Calendar, kinds.After,
    kinds.Timestamp, kinds.Template,
)  # fmt: skip
"""Kinds that say nothing about the world, or follow from other values."""


def listings_of(schema: Schema, plan: Plan, survey: Survey) -> list[list[Listing]]:
    """The short tables whose rows an LLM is to write, in portions of one call each; those that refer to each other
    stand together.

    Short is what the survey calls a reference, or, without one, what the baseline author took for a list of kinds.
    The plan must leave its rows open, and some of its columns be the baseline's own; a file that a person wrote or
    edited is left alone.
    """
    root, prints = schema.project.root, plan.file_fingerprints
    found = {item.table for item in undecided(schema, plan) if item.rows}
    open_tables = (table for table in schema if table.name in found and any(_own_columns(plan, table)))
    short = [table for table in open_tables if _is_short(plan, table, survey)]
    chosen = [table for table in short if is_authors(root, file_of(table.name), prints)]
    portions: list[list[Table]] = []
    for table in chosen:
        near = {parent for _, parent in references(table, plan)}
        together = next(
            (portion for portion in portions if any(other.name in near for other in portion)),
            portions[-1] if portions else None,
        )
        if together is None or len(together) >= TABLES_AT_ONCE:
            together = []
            portions.append(together)
        together.append(table)
    return [list(_listings(plan, portion)) for portion in portions]


def _is_short(plan: Plan, table: Table, survey: Survey) -> bool:
    entry = plan.tables[table.name]
    if not isinstance(entry.rows, FixedRows) or entry.history or entry.lifecycle:
        return False
    if survey.tables:
        return table.name in survey.references
    return entry.rows.count <= _MOST_OF_A_LIST or names_a_list(singular(snake(table.name.rpartition(".")[2])))


def _listings(plan: Plan, tables: Sequence[Table]) -> Iterator[Listing]:
    filled = {table.name: frozenset(_own_columns(plan, table)) for table in tables}
    for table in tables:
        keys = {
            key.columns[0]
            for key in table.foreign_keys
            if len(key.columns) == 1 and key.parent_columns[0] in filled.get(key.parent, ())
        }
        columns = tuple(name for name in table.column_names if name in filled[table.name] or name in keys)
        rows = plan.tables[table.name].rows
        yield Listing(table.name, columns, min(rows.count, _MOST_OF_A_LIST) if isinstance(rows, FixedRows) else 0)


def _own_columns(plan: Plan, table: Table) -> Iterator[str]:
    """The columns that an LLM fills, foreign keys aside: the baseline author's, untouched, that say something."""
    entry = plan.tables[table.name]
    for column in table.columns:
        planned = entry.columns.get(column.name)
        binary = column.data_type is not None and column.data_type.value.kind is TypeKind.BINARY
        if planned is None or binary or isinstance(planned.generator, _LEFT_TO_THE_PROGRAM) or planned.varies_by:
            continue
        by_baseline = plan.author(table.name, column.name) is Author.BASELINE
        if by_baseline and column.annotation is None and is_untouched(plan, table.name, column.name, planned):
            yield column.name


def expected_listings(schema: Schema, plan: Plan, templates: Templates, survey: Survey) -> list[Request]:
    """One call for each portion."""
    portions = listings_of(schema, plan, survey)
    return [rows_request(schema, plan, templates, survey, portion, batch) for batch, portion in enumerate(portions)]


def decide_listings(run: Run, plan: Plan, survey: Survey) -> Outcome:
    """The plan with the tables whose rows hold, and their files; the others keep their generators."""
    portions = listings_of(run.schema, plan, survey)

    def ask(numbered: tuple[int, list[Listing]]) -> tuple[_Judge, str]:
        batch, portion = numbered
        judge = _Judge(run, plan, portion)
        if run.stopped:
            return judge, run.stopped
        names = ", ".join(listing.table for listing in portion)
        run.tell(f"writing rows of {names} ({batch + 1} of {len(portions)})")
        request = rows_request(run.schema, plan, run.templates, survey, portion, batch)
        return judge, run.ask(request, judge)[1]

    with ThreadPoolExecutor(max(1, run.at_once)) as pool:
        judged = list(pool.map(ask, enumerate(portions)))
    entries = {place: entry for judge, _ in judged for place, entry in judge.held.items()}
    files = {path: text for judge, _ in judged for path, text in judge.files.items()}
    # Each portion holds by itself; together, two of them may still disagree.
    held, rejected = keep_what_holds(run.schema, plan, entries, run.proof, run.files | files)
    kept: dict[str, list[Place]] = {}
    for portion, (judge, why_not) in zip(portions, judged, strict=True):
        for listing in portion:
            place = (listing.table, None)
            if place not in held:
                problem = judge.rejected.get(place) or rejected.get(place)
                reason = spoken(problem) if problem else why_not or LEFT_OUT
                kept.setdefault(reason, []).append(place)
    files = {entry.file: files[entry.file] for entry in held.values() if isinstance(entry, FileRows)}
    return Outcome(
        _with_rows(run.schema, plan, held, files),
        sum(map(len, portions)),
        len(held),
        tuple(kept_for(places, reason) for reason, places in kept.items()),
        files,
    )


def file_of(table: str) -> str:
    """The file beside the plan that holds the rows of a table."""
    name = re.sub(r"[^A-Za-z0-9_]+", "_", table.replace(".", "__")).strip("_")
    return f"{FOLDER}/rows/{name or 'table'}.csv"


def _with_rows(schema: Schema, plan: Plan, held: Mapping[Place, Entry], files: Mapping[str, str]) -> Plan:
    filled = put_in(plan, held)
    tables = dict(filled.tables)
    for name, _ in held:
        table, entry = schema.table(name), tables[name]
        if table is not None:
            tables[name] = without_columns_of_file(entry, columns_of_file(schema, table, entry.rows, files))
    return filled.model_copy(update={"tables": tables})


class _Judge:
    """Validates the answers to one call, and remembers the tables of the best one that hold."""

    def __init__(self, run: Run, plan: Plan, portion: Sequence[Listing]) -> None:
        self._run, self._plan, self._portion = run, plan, portion
        self.held: Mapping[Place, Entry] = {}
        self.files: Mapping[str, str] = {}
        self.rejected: Mapping[Place, Diagnostic] = {}

    def __call__(self, value: object) -> Mapping[Place, Entry] | list[Diagnostic]:
        run = self._run
        written, problems = read_rows(value, self._portion)
        files = {file_of(table): text for table, text in written.items()}
        entries: dict[Place, ColumnEntry | FileRows] = {
            (table, None): FileRows(file=file_of(table)) for table in written
        }
        with run.judging:
            held, rejected = keep_what_holds(run.schema, self._plan, entries, run.proof, run.files | files)
            if rejected:
                # All that is wrong, not only the first of each table.
                tried = put_in(self._plan, entries)
                problems += problems_of(run.schema, tried, run.proof, set(written), run.files | files)
        if len(held) >= len(self.held):
            self.held, self.files, self.rejected = held, files, rejected
        return problems or held
