"""What a plan only guesses: the entries that an LLM, which knows the world, can decide better than a rule can."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass

from seedbed.plan import kinds
from seedbed.plan.fingerprints import text_of
from seedbed.plan.merge import TABLE
from seedbed.plan.spec import Author, ColumnEntry, FixedRows, Plan, RowsPer, TableEntry
from seedbed.schema import Column, Schema, Table

Place = tuple[str, str | None]
"""A table and one of its columns; None stands for the table's rows."""

_ANY_TEXT = ("word", "sentence", "paragraph", "product")
"""What the baseline takes for texts of which it knows nothing."""
_LETTERS = re.compile(r"\{(?:letters|LETTERS):\d+\}|[A-Z][\w ]+ \{(?:n|digits:2)\}")
"""Patterns of which the baseline knows no more than their length, or than what they are: `Team {n}`."""
_EVEN = 0.5
_NUMBERS = (
    kinds.Integer, kinds.Uniform, kinds.Normal, kinds.Lognormal, kinds.Exponential, kinds.Poisson, kinds.Zipf,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Undecided:
    """The open entries of one table: columns by name, and whether its number of rows is one of them."""

    table: str
    columns: tuple[str, ...]
    rows: bool

    def places(self) -> Iterator[Place]:
        """Every open entry."""
        if self.rows:
            yield self.table, None
        yield from ((self.table, column) for column in self.columns)

    def only(self, places: Container[Place]) -> Undecided | None:
        """Those of the entries that are among some places; None if there is none."""
        columns = tuple(column for column in self.columns if (self.table, column) in places)
        rows = self.rows and (self.table, None) in places
        return Undecided(self.table, columns, rows) if columns or rows else None


def undecided(schema: Schema, plan: Plan) -> tuple[Undecided, ...]:
    """The entries of a plan that nothing but a rule of thumb stands behind, table by table.

    These are the baseline author's, untouched by a person: numbers of rows, texts without meaning, plain ranges,
    weights, and moments spread over the whole simulated time. Keys, references, processes, whatever the project
    settles itself, and what a name says clearly (an e-mail address) are not among them.
    """
    found = []
    for table in schema:
        entry = plan.tables.get(table.name)
        if entry is None or not table.generated:
            continue
        columns = tuple(
            column.name
            for column in table.columns
            if column.name in entry.columns and _is_open(plan, table, column, entry.columns[column.name])
        )
        rows = _are_rows_open(plan, table, entry)
        if columns or rows:
            found.append(Undecided(table.name, columns, rows))
    return tuple(found)


def _is_open(plan: Plan, table: Table, column: Column, entry: ColumnEntry) -> bool:
    if plan.author(table.name, column.name) is not Author.BASELINE or not is_untouched(
        plan, table.name, column.name, entry
    ):
        return False
    keys = [table.primary_key, *table.unique_keys]
    if column.unique or column.matches or any(key and column.name in key.value for key in keys):
        return False
    return _is_guess(plan, entry.generator)


def _is_guess(plan: Plan, generator: kinds.Generator) -> bool:
    match generator:
        case kinds.Fake(what=what, unique=unique):
            return what in _ANY_TEXT and not unique
        case kinds.Pattern(template=template):
            return _LETTERS.fullmatch(template) is not None
        case kinds.Choice() | kinds.Each() | kinds.Time():
            return True
        case kinds.Boolean(p=p):
            return p == _EVEN
        case kinds.Date(start=start, end=end) | kinds.Timestamp(start=start, end=end):
            return (str(start)[:10], str(end)[:10]) == (str(plan.start), str(plan.as_of))
    return isinstance(generator, _NUMBERS)


def _are_rows_open(plan: Plan, table: Table, entry: TableEntry) -> bool:
    if entry.by is not Author.BASELINE or not is_untouched(plan, table.name, TABLE, entry):
        return False
    if isinstance(entry.rows, RowsPer):
        return not isinstance(entry.rows.counts, kinds.Constant)  # one for each: that is what the table means
    return isinstance(entry.rows, FixedRows)


def is_untouched(plan: Plan, table: str, name: str, entry: TableEntry | ColumnEntry) -> bool:
    """Whether the entry is as its author wrote it. A plan that was not merged yet has no fingerprints to tell."""
    prints = plan.fingerprints.get(table)
    return prints is None or prints.get(name, "").endswith(f".{text_of(entry)}")
