"""Kinds that lead to rows of other tables, or to the life of an entity."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from seedbed.plan.kinds.base import Generator, check_order


class ForeignKey(Generator):
    """The key of a row of `parent`.

    All columns of a composite foreign key name the same `parent` and `role`. `column` is the parent's column,
    when it is not the key's only one. How the parent is found: as the driving row, when the table's rows are
    `per` that parent; else drawn, evenly or by `zipf`; with `min`/`max` children for every parent row;
    `distinct` among the siblings of one driving row, so that pairs are unique; `unique` over the table;
    `roots` top rows of a tree (a table that refers to itself); `via` a foreign key of this row that leads to
    a row which has the wanted parent.
    """

    kind = "foreign_key"
    positional = ("parent", "column")
    parent: str
    column: str | None = None
    role: str | None = None
    """Names the reference, when two of them lead to the same parent."""
    zipf: Annotated[float, Field(gt=0, le=5)] | None = None
    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int, Field(ge=1)] | None = None
    distinct: bool = False
    unique: bool = False
    roots: Annotated[int, Field(ge=1)] | None = None
    via: str | None = None

    def check(self) -> None:
        if self.max is not None:
            check_order(self.min, self.max)
        chosen = [self.zipf, self.distinct, self.unique, self.roots, self.via, self.min or self.max]
        if sum(map(bool, chosen)) > 1:
            raise ValueError("zipf, distinct, unique, roots, via and min/max exclude each other")


class DateKey(Generator):
    """The key of the day that `of` falls on, in the date table `parent`; null where `of` is null.

    `of` is another column of the row: a date, a timestamp or, in a history, one of its ends.
    """

    kind = "date_key"
    positional = ("parent", "of")
    parent: str
    of: str


class Version(Generator):
    """The version of history `table` that is valid at the row's moment `at`, by its key `column`.

    The entity is the row that the table's own foreign key to the history's entity refers to.
    """

    kind = "version"
    positional = ("table", "at", "column")
    table: str
    at: str
    column: str | None = None


class During(Generator):
    """A moment in the life of the entity of a lifecycle: after its start, not after its end or the as-of date.

    A row whose moment lies past the as-of date does not exist yet; it appears in a later run.
    """

    kind = "during"
    positional = ("lifecycle",)
    lifecycle: str


class Lifecycle(Generator):
    """What a lifecycle says of the entity in this row: its current `state`, when it `started`, when it `ended`
    (null while under way), since when it `entered` the current state, or how many `versions` it has.
    """

    kind = "lifecycle"
    positional = ("lifecycle", "part")
    lifecycle: str
    part: Literal["state", "started", "ended", "entered", "versions"]
