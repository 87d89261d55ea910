"""A promise as two SQL queries: how many rows it is about, and which of them break it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from seedbed.plan.resolved import ResolvedTable
from seedbed.schema import Scalar


@dataclass(frozen=True, slots=True)
class EachRow:
    """What a promise asks of single rows: those of `source` where `applies` keep it, unless `broken` holds as well.

    Many such can be counted in one statement.
    """

    source: str
    applies: str
    broken: str


@dataclass(frozen=True, slots=True)
class Probe:
    """`about` selects one number; `guilty` selects the rows, groups or parents that break the promise.

    `reads` are the other tables that it needs. `each` says the same of a promise about single rows.
    """

    promise: str
    columns: tuple[str, ...]
    about: str
    guilty: str
    reads: tuple[str, ...] = ()
    each: EachRow | None = None


def name(identifier: str) -> str:
    """A table's or column's name as SQL takes it."""
    return '"' + identifier.replace('"', '""') + '"'


def names(identifiers: Iterable[str], of: str | None = None) -> str:
    """Several columns, with commas between, of the table or alias `of`."""
    return ", ".join((f"{of}." if of else "") + name(identifier) for identifier in identifiers)


def literal(value: Scalar) -> str:
    """A value as SQL; a text takes on the type of what it is compared with."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return "'" + str(value).replace("'", "''") + "'"


def literals(values: Iterable[Scalar]) -> str:
    """Several values, with commas between; null, which equals nothing, where there are none.

    Numbers among texts are texts too: DuckDB would take the texts for numbers.
    """
    found = list(values)
    mixed = any(isinstance(value, str) for value in found)
    return ", ".join(literal(str(value) if mixed and type(value) is int else value) for value in found) or "null"


def known(columns: Iterable[str], of: str | None = None) -> str:
    """The condition that none of the columns is null."""
    return " and ".join((f"{of}." if of else "") + f"{name(column)} is not null" for column in columns) or "true"


def equal(left: str, left_columns: Sequence[str], right: str, right_columns: Sequence[str]) -> str:
    """The condition that the columns of two tables are equal, pairwise."""
    pairs = zip(left_columns, right_columns, strict=True)
    return " and ".join(f"{left}.{name(first)} = {right}.{name(second)}" for first, second in pairs)


def each_row(
    table: ResolvedTable, promise: str, columns: Sequence[str], applies: str, broken: str, source: str | None = None
) -> Probe:
    """A promise about single rows: about those where `applies`, broken by those where `broken` holds as well.

    They are the table's rows, unless they are those of another `source`, which then has the table's columns.
    """
    each = EachRow(name(source or table.name), applies, broken)
    shown = names(columns if source else dict.fromkeys((*table.promises.primary_key, *columns)))
    return Probe(
        promise,
        tuple(columns),
        f"select count(*) from {each.source} where {applies}",
        f"select rowid + 1 as row{', ' if shown else ''}{shown} from {each.source} where ({applies}) and ({broken})",
        each=each,
    )
