"""The resolved plan: the plan with nothing left to decide. Past it there is no default and no choice.

The engine carries it out, the sinks and the checks read its promises. Moments are seconds since 1970-01-01
00:00:00 (no time zone) as integers, lengths of time are seconds.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar, Literal

import pyarrow as pa

from seedbed.errors import NOWHERE, Location
from seedbed.plan.kinds import Generator
from seedbed.plan.rhythm import Rhythm
from seedbed.plan.rulings import RulePromise
from seedbed.plan.text_pools import TextPool
from seedbed.schema import Cardinality, DataType, Project, Resource, Scalar, SourceTable

DAY = 86_400

# --- rows ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fixed:
    """`count` rows, of which the plan itself asks for `planned`: what lies beyond only adds to them."""

    count: int
    planned: int


@dataclass(frozen=True, slots=True)
class Days:
    """One row for each day from `start`, `count` of them, then one for each of the `extra` days.

    `planned` are the days that the plan itself asks for, where the table goes on with a later as-of date; else 0.
    """

    start: dt.date
    count: int
    extra: tuple[dt.date, ...] = ()
    planned: int = 0

    def at(self, as_of: dt.date) -> Days:
        """The days that there are at another as-of date: to the end of its year, where it lies past the plan's."""
        last = self.start + dt.timedelta(days=self.planned - 1)
        if not self.planned:
            return self
        end = last if as_of <= last else dt.date(as_of.year, 12, 31)
        return replace(self, count=(end - self.start).days + 1)


@dataclass(frozen=True, slots=True)
class Limit:
    """How many rows a driving parent has at least and at most, if `when` holds for it; null counts as not holding."""

    minimum: int
    maximum: int | None
    when: str | None = None


@dataclass(frozen=True, slots=True)
class Concentration:
    """The busiest part `of` of the parents have the part `share` of the rows; both between 0 and 1."""

    share: float
    of: float


@dataclass(frozen=True, slots=True)
class PerParent:
    """Rows for every row of the parent that `reference` leads to and for which `where` holds.

    `stride` is at least any parent's number of rows. Tables whose rows can appear later, as time goes on,
    number them `parent's number * stride + place among siblings` (`dense` false), so that old numbers stay.
    With a `concentration` only the mean of `counts` and their least count.
    """

    reference: str
    counts: Generator
    stride: int
    where: str | None = None
    dense: bool = True
    concentration: Concentration | None = None
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of each entity that `reference` leads to, as `lifecycle` makes them."""

    reference: str
    lifecycle: str
    stride: int
    dense: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Given:
    """The rows of a CSV file, read as they are: of a hand-written seed, or of a file beside the plan.

    `values` are its columns as text, an empty field as null. `lines` are those on which the rows begin, for messages;
    of a hand-written seed they are not kept.
    """

    name: str
    """The file as messages name it."""
    file: Path
    values: pa.RecordBatch
    lines: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        return len(self.values)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.values.schema.names)


Rows = Fixed | Days | PerParent | Versions | Given

# --- references: how a row finds the row that a foreign key refers to ----------------------------------------


@dataclass(frozen=True, slots=True)
class Driving:
    """The row's driving parent."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A parent drawn at random: evenly, by rank with weight rank ** -zipf, or by a concentration."""

    zipf: float | None = None
    concentration: Concentration | None = None


@dataclass(frozen=True, slots=True)
class Covering:
    """Parents drawn so that each has at least `minimum` and at most `maximum` children."""

    minimum: int
    maximum: int | None


@dataclass(frozen=True, slots=True)
class DistinctAmongSiblings:
    """A different parent for each of the children of one driving row.

    With `covering`, every parent has at least one child, provided that the driving rows have children enough.
    """

    covering: bool = False


@dataclass(frozen=True, slots=True)
class OneToOne:
    """A different parent for each row of the table."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A row of the same table with a lower number; the first `roots` rows have none."""

    roots: int


@dataclass(frozen=True, slots=True)
class Via:
    """The parent that the row behind another reference refers to: `path` are reference names, in order."""

    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OnDay:
    """The row of a `Days` table for the day of column `of`."""

    of: str


@dataclass(frozen=True, slots=True)
class ValidAt:
    """The version, in a `Versions` table, that is valid for the entity behind `entity` at the moment of `at`."""

    entity: str
    at: str


@dataclass(frozen=True, slots=True)
class LookedUp:
    """The parent whose key stands in the table's file; there is none where that is empty, if `gaps`."""

    gaps: bool


Finding = Driving | Drawn | Covering | DistinctAmongSiblings | OneToOne | Tree | Via | OnDay | ValidAt | LookedUp


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key as the engine sees it: which parent row, found how, and which columns carry its key.

    `columns` maps the child's column to the parent's. `null` is the share of rows without a parent, `when` a
    predicate outside which there is none. With `varies_by` the parent depends on that reference or column
    instead of on the row.
    """

    name: str
    parent: str
    columns: Mapping[str, str]
    finding: Finding
    stream: tuple[str, ...]
    null: float = 0.0
    when: str | None = None
    varies_by: str | None = None


# --- lifecycles ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DwellTime:
    """A distribution of seconds, cut to [`minimum`, `maximum`].

    `location` is the median (lognormal), the mean (exponential), the lower end (uniform) or the value (fixed);
    `spread` is sigma (lognormal) or the upper end (uniform).
    """

    distribution: Literal["lognormal", "exponential", "uniform", "fixed"]
    location: float
    spread: float = 0.0
    minimum: float = 0.0
    maximum: float = float("inf")


@dataclass(frozen=True, slots=True)
class ResolvedLifecycle:
    """A process, ready to walk.

    `matrices[m][i][j]` is the probability of state j after state i in case m. What a row lacks to 1 is the share of
    those who stay in i for good: all of them in a terminal state, whose row is 0. `initial[m]` sums to 1.
    `dwell[i][j]` is the time in state i before moving to j. Where the moves depend on the entity's column
    `depends_on`, `cases` maps its value to m.
    """

    name: str
    entity: str
    states: tuple[Scalar, ...]
    initial: tuple[tuple[float, ...], ...]
    matrices: tuple[tuple[tuple[float, ...], ...], ...]
    dwell: tuple[tuple[DwellTime, ...], ...]
    revisit: bool
    granularity: int
    """Seconds: 86400 when versions begin on days, 1 when they begin at any second."""
    arrivals: tuple[int, int]
    """First and last moment at which the planned entities begin."""
    max_versions: int
    rhythm: Rhythm | None = None
    """Of the days and hours at which entities begin; None when all are alike."""
    depends_on: str | None = None
    cases: Mapping[Scalar, int] = field(default_factory=dict)
    otherwise: int | None = None
    """The case of every value that `cases` does not hold, null included; None when there must be none."""
    because: Mapping[str, str] = field(default_factory=dict)
    """The sentence that each number comes from, as the plan has it."""
    origin: Location = NOWHERE

    @property
    def terminal(self) -> tuple[int, ...]:
        """The states that no case leaves."""
        indices = range(len(self.states))
        return tuple(i for i in indices if all(sum(matrix[i]) == 0 for matrix in self.matrices))


class Part(enum.StrEnum):
    """What a version of a history can say."""

    STATE = "state"
    VALID_FROM = "valid_from"
    VALID_TO = "valid_to"
    CURRENT = "current"
    VERSION = "version"


class VersionPart(Generator):
    """A part of the version that a row of a history records. It comes from `history:`, never from a string."""

    kind = "version_part"
    positional = ("part",)
    part: Part
    open_end: dt.datetime | None = None


class Delayed(Generator):
    """A moment some time after that of column `of`, in a share of the rows: when a late row arrives, or one is deleted.

    In the other rows it is the moment of `of` itself, or null where `otherwise` is "never".
    """

    kind = "delayed"
    positional = ("of",)
    of: str
    share: float
    delay: DwellTime
    otherwise: Literal["at once", "never"]


class FeedPart(Generator):
    """What a change feed says of a change: a column that `take_extract` adds, never read from a string."""

    kind = "feed_part"
    positional = ("part",)
    part: Literal["op", "sequence", "changed_at"]


class FromFile(Generator):
    """The value that stands in the table's file. It comes from there, never from a string.

    `data_type` is what the values look like; `distinct` and `gaps` say whether each stands there once, and whether
    some are missing.
    """

    kind = "from_file"
    data_type: DataType
    distinct: bool
    gaps: bool


# --- tables --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ResolvedColumn:
    """One column, with the stream that it draws from and where the decision came from.

    `needs` are what the generator reads: columns of the same row, or paths such as `order_id.status` to a
    parent's. `reference` is set on a foreign-key column: the value is then `parent_column` of that reference.
    A hidden column is computed but not written; `moment` names the hidden column that holds the moment of
    which this column holds a key.
    """

    name: str
    data_type: DataType
    generator: Generator
    stream: tuple[str, ...]
    needs: tuple[str, ...] = ()
    varies_by: str | None = None
    reference: str | None = None
    parent_column: str | None = None
    hidden: bool = False
    moment: str | None = None
    mixture: Mapping[str, float] = field(default_factory=dict)
    """Weights of the columns, itself one of them, whose normal scores make up this one's; empty if its own do."""
    description: str = ""
    decided_by: str = ""
    """In words, for `explain`: `plan (baseline)`, `annotation`, `foreign key in the ERD`, ..."""
    origin: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class ForeignKeyPromise:
    """Every value of `columns` stands in the parent's `parent_columns`; null only if `nullable`."""

    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    children: Cardinality
    nullable: bool


@dataclass(frozen=True, slots=True)
class RangePromise:
    """Bounds of a column's values, as `schema.Range`."""

    column: str
    minimum: Scalar | None
    maximum: Scalar | None
    minimum_included: bool = True
    maximum_included: bool = True


@dataclass(frozen=True, slots=True)
class HistoryPromise:
    """What is true of a Type-2 table. `allowed` maps a state to those that may follow it."""

    entity: tuple[str, ...]
    state: str
    valid_from: str
    valid_to: str | None
    current: str | None
    version: str | None
    open_end: Scalar | None
    """What `valid_to` holds in a current version, as it is written; None for null."""
    allowed: Mapping[Scalar, tuple[Scalar, ...]]
    initial: tuple[Scalar, ...]
    terminal: tuple[Scalar, ...]
    revisit: bool
    as_of: Scalar
    """The last moment, as `valid_from` is written."""


@dataclass(frozen=True, slots=True)
class ValidityPromise:
    """Each row falls into exactly one version of `history` for its entity at its moment `at`.

    `entity` are this table's columns, paired with the history's entity columns. `version_key` pairs a column
    of this table with the history's key column, where the row also carries the version's key.
    """

    history: str
    entity: tuple[str, ...]
    at: str
    version_key: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Predicate:
    """Row-local SQL that no row makes false.

    `needs` are the columns that it reads, and paths to parents' columns; `redrawn` those columns, of the row and
    of what they follow from, and `references` those references, that are drawn again in a row for which it is
    false. Without any, the predicate holds by construction or cannot be met.
    """

    text: str
    needs: tuple[str, ...]
    redrawn: tuple[str, ...] = ()
    origin: Location = NOWHERE
    references: tuple[str, ...] = ()
    says: str | None = None
    """The sentence that it stands for; its own text when None."""
    sentence: Location = NOWHERE
    """Where the sentence stands, if not at `origin`."""
    moment: str | None = None
    """The column, drawn during a life, that is all that can be drawn again: a short life may have no such moment."""

    @property
    def is_redrawn(self) -> bool:
        """Whether drawing again can help."""
        return bool(self.redrawn or self.references)

    @property
    def spoken(self) -> str:
        """As messages name it."""
        told = f'"{self.says}" ({self.text})' if self.says and self.says != self.text else repr(self.text)
        return f"{told} of {self.sentence.short}" if self.sentence.short else told


@dataclass(frozen=True, slots=True)
class Promises:
    """What the written rows of one table will satisfy: data for the checks and for dbt's tests."""

    primary_key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    not_null: tuple[str, ...] = ()
    accepted_values: Mapping[str, tuple[Scalar, ...]] = field(default_factory=dict)
    ranges: tuple[RangePromise, ...] = ()
    matches: Mapping[str, str] = field(default_factory=dict)
    foreign_keys: tuple[ForeignKeyPromise, ...] = ()
    functional_dependencies: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    """(determinant columns, dependent columns)."""
    predicates: tuple[Predicate, ...] = ()
    rules: tuple[RulePromise, ...] = ()
    history: HistoryPromise | None = None
    validity: tuple[ValidityPromise, ...] = ()


@dataclass(frozen=True, slots=True)
class ResolvedTable:
    """One table. `columns` stand in the order in which they are written, hidden ones last. `file` is the name of
    its seed, without `.csv`.
    """

    name: str
    file: str
    resource: Resource
    rows: Rows
    columns: tuple[ResolvedColumn, ...]
    references: tuple[Reference, ...] = ()
    promises: Promises = Promises()
    written: bool = True
    """Whether this run writes the table."""
    kept: bool = False
    """Whether it is left out of this run only, so that the seed that it has stays."""
    appears_at: str | None = None
    """A column that holds the moment from which a row is there; one past the as-of date is not there yet."""
    gone_at: str | None = None
    """A column that holds the moment from which a row is no longer there."""
    description: str = ""
    source: SourceTable | None = None
    property_file: str | None = None
    """The file that documents this table as a seed, when the project has one; Seedbed then writes no other."""
    declared_tests: frozenset[tuple[str, str | None]] = frozenset()

    @property
    def seed(self) -> Path | None:
        """The seed that a person wrote and to which others may refer, if this table is one."""
        return self.rows.file if isinstance(self.rows, Given) and not self.written and not self.kept else None

    @property
    def written_columns(self) -> tuple[ResolvedColumn, ...]:
        return tuple(column for column in self.columns if not column.hidden)

    def column(self, name: str) -> ResolvedColumn:
        return next(column for column in self.columns if column.name == name)

    def reference(self, name: str) -> Reference:
        return next(reference for reference in self.references if reference.name == name)

    def lead(self, head: str) -> Reference | None:
        """The reference that the first part of a path such as `order_id.status` means.

        It is a reference's name, a column that carries its key, or its parent where only one leads there.
        """
        for reference in self.references:
            if head == reference.name or head in reference.columns:
                return reference
        to_parent = [reference for reference in self.references if reference.parent == head]
        return to_parent[0] if len(to_parent) == 1 else None


class Form(enum.StrEnum):
    """What an extract tells of the rows that changed."""

    DELTA = "delta"
    """New and changed rows, as they are at the as-of date."""
    FEED = "feed"
    """Every insert, update and delete, day by day."""


@dataclass(frozen=True, slots=True)
class Extract:
    """Which part of the state is written: what changed after the day `since`; everything when None."""

    form: Form
    since: dt.date | None


@dataclass(frozen=True, slots=True)
class ResolvedPlan:
    """Everything the engine and the sinks need. `as_of` is the last day, included; `planned_as_of` the plan's own.

    Without an `extract`, the whole state at the as-of date is written.
    """

    project: Project
    random_seed: int
    start: dt.date
    as_of: dt.date
    planned_as_of: dt.date
    locale: str
    tables: tuple[ResolvedTable, ...]
    lifecycles: tuple[ResolvedLifecycle, ...] = ()
    pools: Mapping[str, TextPool] = field(default_factory=dict)
    extract: Extract | None = None
    _tables: Mapping[str, ResolvedTable] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tables", {table.name: table for table in self.tables})

    def __iter__(self) -> Iterator[ResolvedTable]:
        return iter(self.tables)

    def table(self, name: str) -> ResolvedTable:
        return self._tables[name]

    @property
    def by_name(self) -> Mapping[str, ResolvedTable]:
        return self._tables

    def lifecycle(self, name: str) -> ResolvedLifecycle:
        return next(lifecycle for lifecycle in self.lifecycles if lifecycle.name == name)

    def lifecycles_of(self, entity: str) -> list[ResolvedLifecycle]:
        """The lifecycles that the rows of a table go through."""
        return [lifecycle for lifecycle in self.lifecycles if lifecycle.entity == entity]

    @property
    def end(self) -> int:
        """The last second of the as-of date."""
        return (self.as_of - dt.date(1970, 1, 1)).days * DAY + DAY - 1
