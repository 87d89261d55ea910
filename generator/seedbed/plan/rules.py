"""The kinds of business rule: what can be held, checked and tested, with the parameters of each.

A closed set: the classes of this module, in `RULES`. A rule stands in a plan as a short string, as a generator
does, beside the sentence that it says in SQL: `row('premium >= 0.05 * sum_insured')`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Field

from seedbed.plan.calls import Call, read_call
from seedbed.plan.kinds.base import Predicate


def _names(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len({name.casefold() for name in names}) < len(names):
        raise ValueError("a column is named twice")
    return names


Names = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    BeforeValidator(_names),
    Field(min_length=1, max_length=16),
    AfterValidator(_each_once),
]
"""One column, or a list of columns."""
Part = Annotated[float, Field(gt=0, lt=1)]
"""A share that is neither none nor all."""
Bound = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[str, BeforeValidator(lambda value: str(value) if type(value) in (int, float) else value)]
"""A row-local SQL expression, or a number."""


class Rule(Call):
    """What every kind of rule has: it is about the rows of one table, which the plan names beside it."""

    of_any_rows: ClassVar[bool] = False
    """Whether any part of the rows keeps it when all of them do, such as those that a delta tells."""

    def literal(self, name: str) -> Any:
        value = getattr(self, name)
        return value[0] if isinstance(value, tuple) and len(value) == 1 else value


class Row(Rule):
    """No row makes the predicate false; it may read the row's parents: `row("payment_id.status = 'captured'")`.

    As in a CHECK constraint, a predicate that is null, because a column is, counts as holding.
    """

    kind = "row"
    of_any_rows = True
    positional = ("predicate",)
    predicate: Predicate


class Depends(Rule):
    """Rows that agree in `on` agree in `columns`: `depends('case_id', ['person_id', 'adjuster'])`.

    Rows without a value in `on` are not looked at.
    """

    kind = "depends"
    of_any_rows = True
    positional = ("on", "columns")
    on: Names
    columns: Names

    def check(self) -> None:
        both = {name.casefold() for name in self.on} & {name.casefold() for name in self.columns}
        if both:
            raise ValueError(f"{sorted(both)[0]} stands on both sides")


class Concentration(Rule):
    """The busiest `of` of the parents have `share` of the rows: `concentration('customer_id', share=0.8, of=0.2)`."""

    kind = "concentration"
    positional = ("column",)
    column: str
    """The foreign key to the parents."""
    share: Part
    """Their part of the rows, between 0 and 1."""
    of: Part
    """The busiest parents' part of all parents, between 0 and 1."""

    def check(self) -> None:
        if self.share < self.of:
            raise ValueError(f"the busiest {self.of:.0%} have at least {self.of:.0%} of the rows, not {self.share:.0%}")


class Children(Rule):
    """How many rows of another table each row has: `children('payments', min=1, when="status = 'closed'")`."""

    kind = "children"
    positional = ("table",)
    table: str
    """The table whose foreign key leads here."""
    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int, Field(ge=0)] | None = None
    when: Predicate | None = None
    """A predicate over this table's row; other rows may have any number."""
    key: str | None = None
    """The foreign key's column, where several lead here."""

    def check(self) -> None:
        if self.min == 0 and self.max is None:
            raise ValueError("give min=, max= or both")
        if self.max is not None and self.min > self.max:
            raise ValueError(f"min={self.min} is above max={self.max}")


class SumOfChildren(Rule):
    """A column of another table's rows, summed for each row: `sum_of_children('refunds', 'amount', at_most='paid')`.

    The sum is held against a row-local SQL expression over this table's row, or a number; it is 0 where there are
    no children.
    """

    kind = "sum_of_children"
    positional = ("table", "column")
    table: str
    """The table whose foreign key leads here."""
    column: str
    """Its column that is summed."""
    at_most: Amount | None = None
    at_least: Amount | None = None
    equals: Amount | None = None
    key: str | None = None
    """The foreign key's column, where several lead here."""

    def check(self) -> None:
        if not (self.at_most or self.at_least or self.equals):
            raise ValueError("give at_most=, at_least= or equals=")
        if self.equals and (self.at_most or self.at_least):
            raise ValueError("equals leaves nothing to at_most and at_least")


class Increasing(Rule):
    """For each `per`, in the order of `by`, the column never falls: `increasing('reading', 'meter_id', 'read_at')`."""

    kind = "increasing"
    of_any_rows = True
    positional = ("column", "per", "by")
    column: str
    per: Names
    by: str
    """The column that puts the rows in order; of rows that are equal there, nothing is said."""


class Proportion(Rule):
    """The share of rows that meet a predicate lies between two bounds: `share("status = 'cancelled'", max=0.1)`."""

    kind = "share"
    positional = ("predicate",)
    predicate: Predicate
    min: Bound = 0.0
    max: Bound = 1.0

    def check(self) -> None:
        if (self.min, self.max) == (0.0, 1.0):
            raise ValueError("give min=, max= or both")
        if self.min > self.max:
            raise ValueError(f"min={self.min} is above max={self.max}")


class Unique(Rule):
    """No two rows agree in all of the columns: `unique(['room_id', 'night'])`. Rows with a null there may."""

    kind = "unique"
    of_any_rows = True
    positional = ("columns",)
    columns: Names


class Cannot(Rule):
    """The sentence cannot be said in any other kind: `cannot('no column says who approves')`. It is not enforced."""

    kind = "cannot"
    positional = ("reason",)
    reason: Annotated[str, Field(min_length=1, max_length=500)]


RULES: Mapping[str, type[Rule]] = {
    cls.kind: cls
    for cls in (Row, Depends, Concentration, Children, SumOfChildren, Increasing, Proportion, Unique, Cannot)
}
"""Every kind of rule by the name that it has in a plan."""


def parse_rule(text: str) -> Rule:
    """The rule that a string such as `depends('case_id', 'person_id')` describes.

    Raises:
        CallError: with what is wrong, and the nearest thing that is right.
    """
    return read_call(text, RULES, "rule")
