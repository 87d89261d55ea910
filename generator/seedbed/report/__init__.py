"""One page of HTML: what a plan's tables look like, or how those of two plans differ. It needs no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import pyarrow as pa

from seedbed import __version__
from seedbed.check import Finding, Status
from seedbed.engine.arrow import conform
from seedbed.explanation import spoken_how, spoken_rows
from seedbed.plan import kinds
from seedbed.plan.resolved import ResolvedColumn, ResolvedPlan, ResolvedTable
from seedbed.plan.rulings import RulePromise
from seedbed.report.graph import Graph, draw
from seedbed.report.profile import Profile, profile, spoken
from seedbed.schema import DataType, TypeKind

SAMPLE = 10
"""Rows of a table that are shown."""
_TEMPLATE = "page.html.jinja"
_DATE = DataType(TypeKind.DATE, "date")
_FILLER = ("word", "sentence", "paragraph")


@dataclass(frozen=True, slots=True)
class Made:
    """A plan and what came of it: the first rows of its tables, and what a check of all rows found."""

    name: str
    resolved: ResolvedPlan
    tables: Mapping[str, pa.Table]
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class ShownRule:
    """A business rule, how it is held, and which of the plans that are shown hold it."""

    says: str
    table: str
    rule: str
    how: str
    place: str
    held: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """A column: how it arises, who decided so and where, and what its values look like."""

    name: str
    data_type: str
    how: str
    by: str
    place: str
    description: str
    profile: Profile
    filler: bool
    """Whether its text would be the same in any other project."""
    key: str


@dataclass(frozen=True, slots=True)
class ShownTable:
    """A table, with the rows that are shown of it as text; None stands for null."""

    name: str
    description: str
    rows: str
    count: int
    columns: tuple[ShownColumn, ...]
    sample: tuple[tuple[str | None, ...], ...]
    findings: tuple[Finding, ...]

    @property
    def violations(self) -> int:
        """How many rows break a promise."""
        return sum(finding.violations for finding in self.findings)

    @property
    def broken(self) -> tuple[Finding, ...]:
        """The promises that do not hold."""
        return tuple(finding for finding in self.findings if finding.status is Status.FAILED)

    @property
    def filler(self) -> int:
        """How many columns hold filler."""
        return sum(column.filler for column in self.columns)

    @property
    def distinct(self) -> int:
        """How many different values its columns hold, added up."""
        return sum(column.profile.distinct for column in self.columns)

    @property
    def null_share(self) -> float:
        """Which share of its values is null."""
        return sum(column.profile.nulls for column in self.columns) / max(self.count * len(self.columns), 1)

    @property
    def top_share(self) -> float:
        """The share of the commonest value, on average over the columns that are no keys."""
        shares = [column.profile.top_share for column in self.columns if not column.key and self.count]
        return sum(shares) / len(shares) if shares else 0.0

    def column(self, name: str) -> ShownColumn | None:
        """The column of that name."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class Pair:
    """A table in two plans; None where one of them does not have it."""

    name: str
    sides: tuple[ShownTable | None, ShownTable | None]
    changed: tuple[str, ...] = field(default=())
    """The columns that arise differently."""
    same_rows: bool = True

    @property
    def differs(self) -> bool:
        """Whether anything about it is decided differently."""
        return bool(self.changed) or not self.same_rows or None in self.sides


def render_report(made: Made) -> str:
    """The page of one plan: tables, columns, promises, histories, and where each decision came from."""
    shown = _shown(made)
    return _render(
        title=made.resolved.project.name,
        plan=made.resolved,
        tables=shown,
        rules=_rules(made),
        graphs=[graph for _, graph in _graphs(made)],
        holding=sum(finding.status is Status.PASSED for finding in made.findings),
        broken=[finding for finding in made.findings if finding.status is Status.FAILED],
        deciders=_deciders(shown),
    )


def render_comparison(one: Made, other: Made) -> str:
    """The page of two plans side by side."""
    pairs = list(_pairs(_shown(one), _shown(other)))
    return _render(
        title=other.resolved.project.name,
        plan=other.resolved,
        names=(one.name, other.name),
        rules=_rules(one, other),
        pairs=[*(pair for pair in pairs if pair.differs), *(pair for pair in pairs if not pair.differs)],
        differing=sum(pair.differs for pair in pairs),
        changed=sum(len(pair.changed) for pair in pairs),
        filler=[sum(table.filler for pair in pairs if (table := pair.sides[side])) for side in (0, 1)],
    )


def _render(**values: object) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["spoken"] = spoken
    return environment.get_template(_TEMPLATE).render(version=__version__, SAMPLE=SAMPLE, **values)


def _shown(made: Made) -> list[ShownTable]:
    return [_table(made, table) for table in made.resolved if table.name in made.tables]


def _table(made: Made, table: ResolvedTable) -> ShownTable:
    rows = made.tables[table.name]
    cells = [column.to_pylist() for column in rows.slice(0, SAMPLE).columns]
    return ShownTable(
        name=table.name,
        description=table.description,
        rows=spoken_rows(made.resolved, table),
        count=rows.num_rows,
        columns=tuple(_column(table, column, rows[column.name]) for column in table.written_columns),
        sample=tuple(tuple(None if cell is None else spoken(cell) for cell in row) for row in zip(*cells, strict=True)),
        findings=tuple(finding for finding in made.findings if finding.table == table.name),
    )


def _column(table: ResolvedTable, column: ResolvedColumn, values: pa.ChunkedArray) -> ShownColumn:
    key = _key(table, column.name)
    return ShownColumn(
        name=column.name,
        data_type=column.data_type.text,
        how=spoken_how(table, column),
        by=column.decided_by,
        place=column.origin.short,
        description=column.description,
        profile=profile(_days(column, values), key=bool(key)),
        filler=isinstance(column.generator, kinds.Fake) and column.generator.what in _FILLER,
        key=key,
    )


def _days(column: ResolvedColumn, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Keys such as 20260131 as the days that they stand for, between which there are no gaps."""
    is_key = column.moment is not None or isinstance(column.generator, kinds.DateKey)
    if not is_key or not pa.types.is_integer(values.type):
        return values
    return pa.chunked_array([conform(chunk, _DATE) for chunk in values.chunks], pa.date32())


def _key(table: ResolvedTable, column: str) -> str:
    if column in table.promises.primary_key:
        return "primary key"
    if (column,) in table.promises.unique:
        return "unique"
    return "foreign key" if any(column in key.columns for key in table.promises.foreign_keys) else ""


def _rules(*made: Made) -> list[ShownRule]:
    held: list[dict[tuple[str, str], RulePromise]] = [
        {(table.name, str(rule.rule)): rule for table in each.resolved for rule in table.promises.rules}
        for each in made
    ]
    first = {key: rule for rules in reversed(held) for key, rule in rules.items()}
    return [
        ShownRule(
            says="" if rule.says == key[1] else rule.says,
            table=key[0],
            rule=key[1],
            how=f"{rule.standing}: {rule.how}" if rule.how else str(rule.standing),
            place=rule.origin.short,
            held=tuple(key in rules for rules in held),
        )
        for key, rule in first.items()
    ]


def _graphs(made: Made) -> Iterable[tuple[str, Graph]]:
    for lifecycle in made.resolved.lifecycles:
        recorded = [table for table in made.resolved if getattr(table.rows, "lifecycle", None) == lifecycle.name]
        table = next((table for table in recorded if table.name in made.tables), None)
        rows = made.tables[table.name] if table else None
        yield lifecycle.name, draw(lifecycle, rows, table.promises.history if table else None)


def _deciders(tables: Iterable[ShownTable]) -> list[tuple[str, int]]:
    counts: dict[str, int] = {}
    for table in tables:
        for column in table.columns:
            counts[column.by] = counts.get(column.by, 0) + 1
    return sorted(counts.items(), key=lambda item: -item[1])


def _pairs(ones: Sequence[ShownTable], others: Sequence[ShownTable]) -> Iterable[Pair]:
    by_name = [{table.name: table for table in tables} for tables in (ones, others)]
    for name in dict.fromkeys([*by_name[1], *by_name[0]]):
        one, other = by_name[0].get(name), by_name[1].get(name)
        if one is None or other is None:
            yield Pair(name, (one, other))
            continue
        changed = tuple(
            column.name
            for column in other.columns
            if (before := one.column(column.name)) is None or before.how != column.how
        )
        yield Pair(name, (one, other), changed, one.rows == other.rows)
