"""The tables while a plan is being authored: what is known of each, and what has been decided."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from seedbed.authoring.baseline.names import read_name, snake, subject
from seedbed.authoring.baseline.prose import NOTHING, Prose, read_prose
from seedbed.errors import Diagnostic, Location, Severity
from seedbed.plan import kinds
from seedbed.plan.entries import ColumnAnnotation, TableAnnotation
from seedbed.plan.generators import parse_generator
from seedbed.plan.spec import History, Lifecycle, Rows, RowsPer, read_history
from seedbed.schema import Column, ForeignKey, Scalar, Schema, Table, TypeKind

TEMPORAL = (TypeKind.DATE, TypeKind.TIMESTAMP, TypeKind.TIMESTAMP_TZ)


@dataclass(frozen=True, slots=True)
class Window:
    """The simulated time, both days included."""

    start: dt.date
    as_of: dt.date

    @property
    def days(self) -> int:
        """How many days lie between its ends."""
        return (self.as_of - self.start).days

    def fill(self, text: str) -> kinds.Generator:
        """The generator that a text of `column_names.txt` describes, with the bounds of the time put in."""
        marks = {
            "<start>": str(self.start),
            "<as_of>": str(self.as_of),
            "<synced>": str(self.as_of - dt.timedelta(days=1)),
            "<epoch_start>": str(_epoch(self.start)),
            "<epoch_as_of>": str(_epoch(self.as_of)),
            "<start_year>": str(self.start.year),
            "<year>": str(self.as_of.year),
            **{
                f"<minus_{years}y>": str(self.as_of.replace(day=1, year=self.as_of.year - years))
                for years in (6, 15, 18)
            },
        }
        for mark, value in marks.items():
            text = text.replace(mark, value)
        return parse_generator(text)


def _epoch(day: dt.date) -> int:
    return (day - dt.date(1970, 1, 1)).days * 86_400


@dataclass(frozen=True, slots=True)
class Link:
    """A foreign key, declared or taken from names or prose: `columns` refer to the parent's `targets`, pairwise."""

    columns: tuple[str, ...]
    parent: str
    targets: tuple[str, ...]
    declared: ForeignKey | None = None

    @property
    def least(self) -> int:
        """The fewest children that a parent row may have."""
        return self.declared.children.minimum if self.declared else 0

    @property
    def most(self) -> int | None:
        """The most children that a parent row may have."""
        return self.declared.children.maximum if self.declared else None


@dataclass(slots=True)
class Sketch:
    """One table, partly planned.

    `annotated` are the generators that the project's annotations give, and `generators` those decided here.
    `recorded` are columns that a history fills by itself. `per` is the driving parent's name.
    """

    table: Table
    about: str
    prose: Mapping[str, Prose]
    annotation: TableAnnotation
    annotated: dict[str, kinds.Generator] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    links: list[Link] = field(default_factory=list)
    rows: Rows | None = None
    history: History | None = None
    lifecycle: Lifecycle | None = None
    process_annotated: bool = False
    recorded: set[str] = field(default_factory=set)
    generators: dict[str, kinds.Generator] = field(default_factory=dict)
    varies: dict[str, str] = field(default_factory=dict)
    is_dates: bool = False
    one_each: bool = False
    """Whether the project says in words how many rows there are for each of the driving parent's."""
    targets: set[str] = field(default_factory=set)
    """Columns that foreign keys of other tables refer to."""
    expected: float = 0.0
    """About how many rows there will be."""

    @property
    def name(self) -> str:
        return self.table.name

    @property
    def per(self) -> str | None:
        rows = self.said_rows
        return rows.parent if isinstance(rows, RowsPer) else None

    @property
    def said_rows(self) -> Rows | None:
        """The annotation's rows, else those decided here."""
        return self.annotation.rows or self.rows

    def link(self, column: str) -> Link | None:
        """The link that a column is part of."""
        return next((link for link in self.links if column in link.columns), None)

    def links_to(self, parent: str) -> Iterator[Link]:
        return (link for link in self.links if link.parent == parent)

    def free(self) -> Iterator[Column]:
        """The columns that still have to be decided, in order."""
        for column in self.table.columns:
            name = column.name
            if name not in self.generators and name not in self.annotated and name not in self.recorded:
                yield column

    def decide(self, name: str, generator: kinds.Generator | str) -> None:
        """Settles a column, unless an annotation or a history does."""
        if name not in self.annotated and name not in self.recorded:
            self.generators[name] = parse_generator(generator) if isinstance(generator, str) else generator

    def generator(self, name: str) -> kinds.Generator | None:
        """How a column arises, as far as is known."""
        return self.annotated.get(name) or self.generators.get(name)

    def known(self) -> list[tuple[str, kinds.Generator]]:
        """The columns of which is known how they arise."""
        return [(c.name, item) for c in self.table.columns if (item := self.generator(c.name)) is not None]

    def kind(self, name: str) -> TypeKind | None:
        column = self.table.column(name)
        return column.data_type.value.kind if column and column.data_type else None

    def read(self, name: str, kind: TypeKind | None) -> tuple[str, str] | None:
        """What a column's name says, beside the others of the table; see `read_name`."""
        beside = frozenset(snake(other.name) for other in self.table.columns if other.name != name)
        return read_name(name, self.table.name, kind, beside)

    def listed(self, name: str) -> tuple[Scalar, ...]:
        """The values that a test lists for a column, be it a conditional one, or else its description."""
        column = self.table.column(name)
        if column is not None and column.accepted_values:
            return column.accepted_values.value
        for test in self.table.data_tests:
            values = test.arguments.value.get("values") or test.arguments.value.get("value_set")
            inclusive = test.name.endswith(("accepted_values", "values_to_be_in_set"))
            if inclusive and test.column == name and isinstance(values, list):
                return tuple(value for value in values if isinstance(value, str | int | float))
        return self.prose.get(name, NOTHING).values

    def must_be_filled(self, name: str) -> bool:
        """Whether the project says that the column is never null."""
        return (
            not self.table.nullable(name)
            or self.prose.get(name, NOTHING).required
            or self._is_tested(name, "not_null")
            or name in (*self.key, *self.targets)
        )

    def _is_tested(self, name: str, test: str) -> bool:
        """Whether a conditional test is of the column: what it asks of some rows does no harm to the others."""
        return any(found.name == test and found.column == name for found in self.table.data_tests)

    def is_unique(self, name: str) -> bool:
        """Whether the project says, or the key needs, that the column alone tells rows apart."""
        column = self.table.column(name)
        declared = column is not None and (column.unique is not None or self.prose[column.name].unique)
        return (
            declared
            or self._is_tested(name, "unique")
            or self.key == (name,)
            or name in self.targets
            or any(key.value == (name,) for key in self.table.unique_keys)
        )


@dataclass(slots=True)
class Sketches:
    """All tables that a plan can speak of: those to generate, and the hand-written seeds."""

    schema: Schema
    window: Window
    default_rows: int
    tables: Mapping[str, Sketch]
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _by_name: dict[str, Sketch] = field(init=False, default_factory=dict)
    _by_short_name: dict[str, list[Sketch]] = field(init=False, default_factory=dict)
    _nearest: dict[str, list[Sketch]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for sketch in self.tables.values():
            folded = sketch.name.casefold()
            self._by_name.setdefault(folded, sketch)
            self._by_short_name.setdefault(folded.rpartition(".")[2], []).append(sketch)

    def __iter__(self) -> Iterator[Sketch]:
        """The tables that are to be generated."""
        return (sketch for sketch in self.tables.values() if sketch.table.generated)

    def find(self, name: str | None) -> Sketch | None:
        """The table of that name, compared without case; a source table also by its name alone."""
        folded = (name or "").casefold()
        short = self._by_short_name.get(folded, ())
        return self._by_name.get(folded) or (short[0] if len(short) == 1 else None)

    def nearest(self, sketch: Sketch) -> Sequence[Sketch]:
        """All tables that one can refer to: of the same source first, then with the same prefix, then the rest."""
        if sketch.name not in self._nearest:
            source, prefix = _origin(sketch)

            def distance(other: Sketch) -> tuple[bool, bool, bool]:
                its_source, its_prefix = _origin(other)
                return (source != its_source, prefix != its_prefix, other.history is not None)

            self._nearest[sketch.name] = sorted(self.tables.values(), key=distance)
        return self._nearest[sketch.name]

    def note(
        self, code: str, message: str, origin: Location, hint: str | None = None, severity: Severity = Severity.NOTE
    ) -> None:
        self.diagnostics.append(Diagnostic(code, message, origin, severity, hint))

    def entity_of(self, history: Sketch) -> str | None:
        """The table whose rows go through a history, or the name of the hidden one if no table holds them."""
        if history.history is None:
            return None
        entity = history.history.entity
        first = entity if isinstance(entity, str) else entity[0]
        link = history.link(first)
        return link.parent if link else f"{history.name}:{first}"


def start_sketches(schema: Schema, window: Window, default_rows: int, wanted: frozenset[str] | None) -> Sketches:
    """A sketch of every table that is generated or holds a hand-written seed, with its annotations read.

    An annotation that cannot be read says nothing here; `resolve` reports it.
    """
    sketches: dict[str, Sketch] = {}
    for table in schema:
        planned = table.generated and (wanted is None or table.name in wanted)
        if not planned and table.data_file is None:
            continue
        said = {column.name: column.description.value if column.description else None for column in table.columns}
        prose = {name: read_prose(text) for name, text in said.items()}
        sketch = Sketch(
            table, subject(table.name), prose, _read(table.annotation, TableAnnotation) or TableAnnotation()
        )
        for column in table.columns:
            annotated = _read(column.annotation, ColumnAnnotation)
            if annotated is not None and annotated.generator is not None:
                sketch.annotated[column.name] = annotated.generator
        sketch.lifecycle = sketch.annotation.lifecycle
        if sketch.annotation.history is not None:
            sketch.history = _history(sketch.annotation.history)
        annotated = sketch.history or sketch.lifecycle
        broken = bool(sketch.annotation.history) and annotated is None
        sketch.process_annotated = broken or (annotated is not None and annotated.declares_moves)
        if sketch.history:
            sketch.recorded = set(recorded_columns(sketch.history, table))
        sketches[table.name] = sketch
    return Sketches(schema, window, default_rows, sketches)


def _origin(sketch: Sketch) -> tuple[str | None, str]:
    """The source that a table belongs to, and the first word of its name."""
    source = sketch.table.source
    return source.source_name if source else None, snake(sketch.name.rpartition(".")[2]).split("_")[0]


def recorded_columns(history: History, table: Table) -> Iterator[str]:
    """The columns that a history fills by itself, as they are spelled in the table; not its entity."""
    for name in (history.state, history.valid_from, history.valid_to, history.current, history.version):
        column = table.column(name) if name else None
        if column:
            yield column.name


def tokens(name: str) -> tuple[str, ...]:
    """The words of a column's name."""
    return tuple(snake(name).split("_"))


def quoted(name: str) -> str:
    """A column's name in SQL."""
    plain = re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in (
        "order",
        "group",
        "end",
        "select",
        "from",
        "to",
        "table",
    )
    return name if plain else '"' + name.replace('"', '""') + '"'


def _read(document: Any, model: type[Any]) -> Any:
    if document is None or not isinstance(document.value, dict):
        return None
    try:
        return model.model_validate(document.value)
    except ValidationError:
        return None


def _history(value: dict[str, Any]) -> History | None:
    try:
        return read_history(value)
    except ValidationError:
        return None
