"""Tables of a database: which relation a `source()` or `ref()` means, and whether Seedbed may replace it."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from seedbed.errors import Diagnostic, SinkError
from seedbed.plan.resolved import ResolvedColumn, ResolvedPlan, ResolvedTable
from seedbed.schema import Project, TypeKind
from seedbed.sinks.base import check_batch
from seedbed.sinks.data_tests import column_quoter
from seedbed.sinks.dialect import quoted, type_name
from seedbed.sinks.manifest import check_dates

MARK = "Written by Seedbed"
"""How the comment on a table begins that a later run may replace: as in a run manifest, the proof of ownership."""

_AS_OF = re.compile(r"as of (\d{4}-\d\d-\d\d)")
_BINARY = {"postgres": "bytea"}


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation of the target database, as dbt spells it."""

    database_schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.database_schema}.{self.name}"

    def sql(self, adapter: str) -> str:
        return f"{quoted(self.database_schema, adapter)}.{quoted(self.name, adapter)}"


@dataclass(frozen=True, slots=True)
class Existing:
    """What stands in a relation's place: a `table`, a `view` or a `materialized view`, and the comment on it."""

    kind: str
    comment: str | None


def relations(plan: ResolvedPlan) -> dict[str, Relation]:
    """Where the written tables belong, by name: a source where `source()` looks, others in the target's schema.

    Raises:
        SinkError: the target's schema is not known, or two tables belong into one place.
    """
    found: dict[str, Relation] = {}
    problems = []
    for table in plan:
        if not table.written:
            continue
        if table.source:
            place = Relation(table.source.database_schema, table.source.identifier)
        elif plan.project.target_schema:
            place = Relation(plan.project.target_schema, table.file)
        else:
            problems.append(_no_schema(table, plan.project))
            continue
        taken = next((name for name, other in found.items() if str(other).casefold() == str(place).casefold()), None)
        if taken:
            message = f"{table.name} and {taken} would both be the relation {place}"
            problems.append(Diagnostic("same-relation", message, hint="load one of them (--select)"))
        found[table.name] = place
    if problems:
        raise SinkError("Nothing was loaded.", problems)
    return found


def comment(plan: ResolvedPlan) -> str:
    """The comment that marks a table as Seedbed's."""
    since = f", changes since {plan.extract.since}" if plan.extract and plan.extract.since else ""
    return f"{MARK} (random seed {plan.random_seed}, as of {plan.as_of}{since}); it may replace the table."


def check_ownership(found: Iterable[tuple[ResolvedTable, Relation, Existing | None]]) -> None:
    """Makes sure that everything that is in the way is Seedbed's to replace.

    Only sources are guarded: dbt itself replaces what stands where a seed or a model belongs, and never a source.

    Raises:
        SinkError: some tables are not known to be Seedbed's.
    """
    problems = [
        Diagnostic(
            "foreign-relation",
            f"{table.name}: the {existing.kind} {relation} is there already and was not written by Seedbed, so it is "
            "left alone",
            hint="it may hold real data: load into another target; or drop it, or replace it with --force (in the "
            "plugin's config, force: true)",
        )
        for table, relation, existing in found
        if table.source and existing and not (existing.comment or "").startswith(MARK)
    ]
    if problems:
        raise SinkError("Nothing was loaded.", problems)


def check_load(existing: Iterable[Existing | None], plan: ResolvedPlan) -> list[Diagnostic]:
    """Warns of dates that do not follow on from those of the tables that Seedbed loaded before."""
    found = (_AS_OF.search(item.comment or "") for item in existing if item and (item.comment or "").startswith(MARK))
    held = max((dt.date.fromisoformat(match[1]) for match in found if match), default=None)
    return check_dates(held, plan, "the database")


def declared(table: ResolvedTable, adapter: str) -> Iterator[tuple[ResolvedColumn, str, str]]:
    """The written columns, each with its name as SQL spells it and the declared type.

    Names stand between quotes where the seed's would: without them, a warehouse folds the case as it does in the
    models that read them.
    """
    spell = column_quoter(table, adapter)
    for column in table.written_columns:
        binary = column.data_type.kind is TypeKind.BINARY
        kind = _BINARY.get(adapter, "blob") if binary else type_name(column.data_type, adapter)
        yield column, spell(column.name), kind


def casts(table: ResolvedTable, adapter: str) -> Sequence[str]:
    """The select list that turns rows in Arrow's types into columns of the declared ones."""
    return [f"cast({quoted(column.name, adapter)} as {to}) as {name}" for column, name, to in declared(table, adapter)]


class Rows:
    """Batches on their way into a database, counted and checked; `reader` hands them out once."""

    def __init__(self, table: ResolvedTable, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
        self.count = 0
        self.failure: BaseException | None = None
        self._table, self._schema, self._batches = table, schema, batches
        self.reader = pa.RecordBatchReader.from_batches(schema, self._checked())

    def _checked(self) -> Iterator[pa.RecordBatch]:
        try:
            for batch in self._batches:
                check_batch(self._table.name, self._schema, batch)
                self.count += batch.num_rows
                yield batch
        except BaseException as error:
            self.failure = error
            raise


@contextlib.contextmanager
def streamed(table: ResolvedTable, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[Rows]:
    """The batches as a stream that a database's library can read.

    Such a library reports an error of the batches in words of its own; out of the block it comes as it was raised.
    """
    rows = Rows(table, schema, batches)
    try:
        yield rows
    except BaseException as error:
        if rows.failure is not None and rows.failure is not error:
            raise rows.failure from None
        raise


def _no_schema(table: ResolvedTable, project: Project) -> Diagnostic:
    return Diagnostic(
        "no-profile",
        f"{table.name} belongs into the schema of the profile's target, but the profile of {project.name} was not "
        "found",
        hint="pass --profiles-dir, or set DBT_PROFILES_DIR",
    )
