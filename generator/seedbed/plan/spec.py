"""The plan as it stands in `seedbed.yml`: what is generated, and how.

These classes validate text from outside: the plan file, an annotation below `config.meta.seedbed`, an LLM's
reply. They hold what was written and nothing more; `resolve` settles what was left open.
"""

from __future__ import annotations

import datetime as dt
import enum
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, field_validator, model_validator

from seedbed.plan.beside import check_path
from seedbed.plan.calls import CallError, build_validators, parse_call
from seedbed.plan.generators import parse_generator
from seedbed.plan.kinds import COUNT_KINDS, KINDS, Drawn, Generator, MomentRhythm, Share, Temporal, parse_duration
from seedbed.plan.rules import RULES, Cannot, Rule, parse_rule
from seedbed.schema import is_page, sentence_key

PLAN_FILE = "seedbed.yml"

build_validators((*KINDS.values(), *RULES.values()))


class Author(enum.StrEnum):
    """Who wrote an entry of the plan. Re-planning never touches what a user wrote."""

    BASELINE = "baseline"
    LLM = "llm"
    USER = "user"


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _reader(parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return parse(value)
        except CallError as error:
            raise ValueError(f"{error}" + (f" ({error.hint})" if error.hint else "")) from None

    return read


GeneratorText = Annotated[Generator, BeforeValidator(_reader(parse_generator)), PlainSerializer(str)]
RuleText = Annotated[Rule, BeforeValidator(_reader(parse_rule)), PlainSerializer(str)]


# --- rows ----------------------------------------------------------------------------------------------------


class FixedRows(_Entry):
    """A number of rows: `rows: 40`."""

    count: Annotated[int, Field(ge=0, le=100_000_000_000)]

    def __str__(self) -> str:
        return str(self.count)


class RowsPer(_Entry):
    """Rows for every row of a driving parent: `rows: per orders where status = 'paid', poisson(mean=2)`."""

    parent: str
    counts: GeneratorText
    where: str | None = None
    """A row-local SQL predicate over the parent's columns; other parents have no rows."""

    def __str__(self) -> str:
        where = f" where {self.where}" if self.where else ""
        counts = "" if str(self.counts) == "constant(1)" else f", {self.counts}"
        return f"per {self.parent}{where}{counts}"


class DateRows(_Entry):
    """One row for every day from `start` to `end`, both included: `rows: dates('2024-01-01', '2026-12-31')`."""

    start: dt.date
    end: dt.date

    @model_validator(mode="after")
    def _ordered(self) -> DateRows:
        if self.start > self.end:
            raise ValueError(f"the dates run backwards: {self.start} is after {self.end}")
        if (self.end - self.start).days > 200_000:
            raise ValueError("more than 200,000 days")
        return self

    def __str__(self) -> str:
        return f"dates('{self.start}', '{self.end}')"


class FileRows(_Entry):
    """The rows of a CSV file beside the plan, with the columns that it has: `rows: from('seedbed/rows/x.csv')`."""

    file: str

    @field_validator("file")
    @classmethod
    def _safe(cls, value: str) -> str:
        check_path(value)
        if not value.endswith(".csv"):
            raise ValueError(f"{value!r} is no CSV file; its name ends in .csv")
        return value

    def __str__(self) -> str:
        return f"from('{self.file}')"


_PER = re.compile(
    r"^per\s+(?P<parent>[^\s,]+)(?:\s+where\s+(?P<where>.+?))?(?:\s*,\s*(?P<counts>[a-z_]+(?:\(.*\))?))?\s*$", re.S
)
ROWS_FORMS = (
    "write a number, \"per <table>, poisson(mean=2)\", \"dates('2024-01-01', '2026-12-31')\" or "
    "\"from('seedbed/rows/branches.csv')\""
)


def parse_rows(value: Any) -> Any:
    """The rows that a plan's `rows:` describes.

    Raises:
        ValueError: it is none of the four forms.
    """
    if isinstance(value, bool) or not isinstance(value, int | str):
        return value
    if isinstance(value, int):
        return FixedRows(count=value)
    text = value.strip()
    if text.replace("_", "").replace(",", "").isdigit():
        return FixedRows(count=int(text.replace("_", "").replace(",", "")))
    match = _PER.match(text)
    if match:
        try:
            counts = parse_generator(match["counts"] or "constant(1)")
        except CallError as error:
            raise ValueError(str(error)) from None
        if counts.kind not in COUNT_KINDS:
            raise ValueError(f"{counts.kind} cannot count rows; use one of {', '.join(COUNT_KINDS)}")
        if isinstance(counts, Drawn) and counts.correlated:
            raise ValueError("counts of rows are correlated with nothing; take out correlated=")
        return RowsPer(parent=match["parent"], where=match["where"], counts=counts)
    if text.startswith("dates"):
        try:
            _, positional, named = parse_call(text)
            return DateRows(**dict(zip(("start", "end"), positional, strict=False)), **named)
        except (CallError, TypeError) as error:
            raise ValueError(f"{text!r} cannot be read: {error}") from None
    file = _FROM.match(text)
    if file:
        return FileRows(file=file["double"] if file["single"] is None else file["single"])
    raise ValueError(f"{text!r} does not say how many rows; {ROWS_FORMS}")


_FROM = re.compile(
    r"""^from\(\s*(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)")\s*\)$"""
)  # no call: `from` is Python's word
Rows = Annotated[FixedRows | RowsPer | DateRows | FileRows, BeforeValidator(parse_rows)]


# --- lifecycles and histories --------------------------------------------------------------------------------


class Dwell(_Entry):
    """How long an entity stays in a state.

    Written `{lognormal: {median: 3d, sigma: 0.8}}`, `{exponential: {mean: 9d}}`, `{uniform: {min: 1d, max: 5d}}`,
    `{fixed: {value: 2d}}`, as the string `lognormal(median='3d', sigma=0.8)`, or `9d` for an exponential one.
    """

    distribution: Literal["lognormal", "exponential", "uniform", "fixed"]
    median: float | None = None
    """Seconds."""
    sigma: Annotated[float, Field(gt=0, le=5)] = 0.8
    mean: float | None = None
    """Seconds."""
    min: float | None = None
    """Seconds."""
    max: float | None = None
    """Seconds."""
    value: float | None = None
    """Seconds."""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, data: Any) -> Any:
        if isinstance(data, str) and "(" in data:
            try:
                name, positional, named = parse_call(data)
            except CallError as error:
                raise ValueError(str(error)) from None
            if positional:
                raise ValueError(f"name the arguments of {name}, for example {name}(mean='9d')")
            data = {name: named}
        if isinstance(data, str | int | float) and not isinstance(data, bool):
            data = {"exponential": {"mean": data}}
        if isinstance(data, dict) and "distribution" not in data:
            if len(data) != 1:
                raise ValueError("one distribution is expected: lognormal, exponential, uniform or fixed")
            name, arguments = next(iter(data.items()))
            if not isinstance(arguments, dict):
                first = {"lognormal": "median", "exponential": "mean", "fixed": "value"}.get(str(name))
                if first is None:
                    raise ValueError(f"{name} takes arguments, for example {{uniform: {{min: 1d, max: 5d}}}}")
                arguments = {first: arguments}
            data = {"distribution": name, **arguments}
        return data

    @field_validator("median", "mean", "min", "max", "value", mode="before")
    @classmethod
    def _seconds(cls, value: Any) -> Any:
        return value if value is None else parse_duration(value)

    @model_validator(mode="after")
    def _complete(self) -> Dwell:
        wanted = {"lognormal": "median", "exponential": "mean", "uniform": "max", "fixed": "value"}[self.distribution]
        if getattr(self, wanted) is None:
            raise ValueError(f"{self.distribution} needs {wanted}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("min is above max")
        return self


Probabilities = dict[str, float]
Transitions = dict[str, Probabilities]


class Arrivals(MomentRhythm, _Entry):
    """When entities begin: from `start` to `end` (the plan's `start` and `as_of` where left out).

    Evenly, or in a rhythm. Those that begin after the plan's `as_of` follow in the same rhythm.
    """

    start: Temporal | None = None
    end: Temporal | None = None


class Process(_Entry):
    """A process that an entity goes through: states, moves with their probabilities, and times.

    The moves come from `transitions` (from: {to: probability}), from a bare `matrix` with `states`, or from a
    state diagram named by `workflow`. Numbers are checked by `resolve`, which can say where they stand.
    """

    states: tuple[str, ...] | None = None
    workflow: str | None = None
    initial: Probabilities | str | None = None
    """Shares of the first state; one name means all of them."""
    transitions: dict[str, Any] | list[list[float]] | None = None
    """From-state to to-states; with `depends_on`, one such mapping for each value of that column."""
    matrix: list[list[float]] | dict[str, list[list[float]]] | None = None
    dwell: dict[str, Dwell] | Dwell | None = None
    """By state, or by edge as `A -> B`; `default` for the rest."""
    arrivals: Arrivals = Arrivals()
    revisit: bool = True
    """Whether a state may be entered again. If not, states seen are left out and the rest renormalised."""
    depends_on: str | None = None
    """The entity's column that the moves depend on."""
    max_versions: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Most versions of one entity; a walk that long stops where it is."""
    entities: Annotated[int, Field(ge=0)] | None = None
    """How many entities there are, when no table holds them."""
    because: dict[str, str] = {}
    """The sentence that each number comes from, by `initial`, `A -> B` for a share and `dwell A` for a time."""
    by: Author | None = None
    """Who wrote the process; the table's author when left out."""

    @property
    def declares_moves(self) -> bool:
        """Whether it says by itself which state follows which; a page in words has yet to be read."""
        drawn = self.workflow is not None and not is_page(self.workflow)
        return drawn or self.transitions is not None or self.matrix is not None


class RecordedIn(_Entry):
    """Which columns of a Type-2 table record the process, one row for each version."""

    entity: str | tuple[str, ...]
    """The column (or columns) that say whose version a row is."""
    state: str
    valid_from: str
    valid_to: str | None = None
    current: str | None = None
    version: str | None = None
    """The column that numbers an entity's versions from 1."""
    open_end: Temporal | None = None
    """What `valid_to` holds while a version is current; null when left out."""


class History(Process, RecordedIn):
    """A Type-2 slowly changing dimension: a process and the columns that record it."""


class Lifecycle(Process):
    """A process of which only the latest state is kept, in columns of the entity's own table."""


def read_history(value: Mapping[str, Any]) -> History:
    """The history that stands in an annotation, where `by` names the column that the moves depend on.

    Raises:
        pydantic.ValidationError: it is not one.
    """
    return History.model_validate(rename_by(value))


def rename_by(value: Any) -> Any:
    """A process as the plan writes it, where `by` is the author, from one of an annotation."""
    if not isinstance(value, Mapping):
        return value
    return {("depends_on" if key == "by" else key): item for key, item in value.items()}


# --- records ------------------------------------------------------------------------------------------------


class Arrives(_Entry):
    """When rows can be read that happened earlier: `arrives: {share: 0.05, delay: lognormal(median='2d')}`.

    Without a share, every row can be read from the moment at which it happened, and not before.
    """

    of: str | None = None
    """The column with the moment at which a row happened; by default that of `during(...)`, else the start of its
    lifecycle."""
    share: Share = 0.0
    """Share of the rows that come late."""
    delay: Dwell | None = None
    """How late they come."""

    @model_validator(mode="after")
    def _complete(self) -> Arrives:
        if self.share and self.delay is None:
            raise ValueError("say how late the rows come: delay: lognormal(median='2d')")
        return self


class Deletes(_Entry):
    """Rows that are deleted some time after they came to be: `deletes: {share: 0.02, delay: 30d}`.

    Where a column is `deleted_at()` or `is_deleted()`, the row stays and the column says so; else it is removed.
    """

    share: Share
    """Share of the rows that are deleted sooner or later."""
    delay: Dwell
    """How long after the moment of `of`."""
    of: str | None = None
    """The column with the moment from which to count; by default that of `arrives:`."""


# --- the plan ------------------------------------------------------------------------------------------------


class ColumnEntry(_Entry):
    """How one column arises. Written as a plain generator string when nothing else is said."""

    generator: GeneratorText
    varies_by: str | None = None
    """The column whose value, not the row, decides: equal there means equal here."""
    by: Author | None = None
    """Who wrote the entry; the table's author when left out."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        return {"generator": data} if isinstance(data, str | Generator) else data


class TableEntry(_Entry):
    """How one table arises."""

    rows: Rows | None = None
    by: Author = Author.USER
    columns: dict[str, ColumnEntry] = {}
    history: History | None = None
    lifecycle: Lifecycle | None = None
    arrives: Arrives | None = None
    deletes: Deletes | None = None

    @property
    def process(self) -> History | Lifecycle | None:
        """The history or the lifecycle."""
        return self.history or self.lifecycle

    @property
    def process_author(self) -> Author:
        """Who wrote the process."""
        return (self.process and self.process.by) or self.by


class RuleEntry(_Entry):
    """A business rule: the sentence, and what it means. A sentence may have several of them."""

    says: str | None = None
    """The rule in the project's own words."""
    table: str | None = None
    """The table whose rows it is about."""
    rule: RuleText
    by: Author = Author.USER

    @model_validator(mode="after")
    def _complete(self) -> RuleEntry:
        if isinstance(self.rule, Cannot):
            if self.says is None:
                raise ValueError("`says:` is missing: the sentence that could not be turned into a rule")
        elif self.table is None:
            raise ValueError("`table:` is missing: the table whose rows the rule is about")
        return self

    @property
    def key(self) -> str:
        """Which sentence it stands for, as `Sentence.key`."""
        return sentence_key(self.says or str(self))

    def __str__(self) -> str:
        return f"{self.table}: {self.rule}" if self.table else str(self.rule)


class Plan(_Entry):
    """A whole plan."""

    version: Literal[1] = 1
    random_seed: Annotated[int, Field(ge=0, lt=2**63)] = 1
    start: dt.date
    """First day of the simulated time."""
    as_of: dt.date
    """Last day of the simulated time: nothing in a history is later."""
    locale: Annotated[str, Field(pattern=r"^[a-z]{2,3}_[A-Z]{2}$")] = "en_US"
    tables: dict[str, TableEntry] = {}
    rules: tuple[RuleEntry, ...] = ()
    fingerprints: dict[str, dict[str, str]] = {}
    """For each table and column, what the schema said and what was written when the entry was made."""
    rule_fingerprints: tuple[str, ...] = ()
    """Of each rule that an author wrote, as it was written: one that is not among them is a person's."""
    file_fingerprints: dict[str, str] = {}
    """For each file beside the plan that an author wrote, what it held: one that holds something else is a person's."""

    @model_validator(mode="after")
    def _ordered(self) -> Plan:
        if self.start >= self.as_of:
            raise ValueError(f"start {self.start} must be before as_of {self.as_of}")
        return self

    @property
    def head(self) -> Plan:
        """The plan's first lines alone: the random seed, the dates, the locale."""
        return self.unmarked.model_copy(update={"tables": {}, "rules": ()})

    @property
    def unmarked(self) -> Plan:
        """The plan without fingerprints: as if a person had written all of it."""
        return self.model_copy(update={"fingerprints": {}, "rule_fingerprints": (), "file_fingerprints": {}})

    def author(self, table: str, column: str | None = None) -> Author:
        """Who wrote the entry of a table or of one of its columns."""
        entry = self.tables[table]
        return (column and entry.columns[column].by) or entry.by
