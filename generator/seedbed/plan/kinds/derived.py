"""Kinds whose values follow from the row, its parents or its children."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from seedbed.plan.beside import DEVICES
from seedbed.plan.kinds.base import Generator


def _names(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


class Template(Generator):
    """Text with the row's other columns in braces: `'{first_name} {last_name}'`; null when one of them is null."""

    kind = "template"
    positional = ("template",)
    template: Annotated[str, Field(min_length=1, max_length=500)]

    FIELDS: ClassVar[re.Pattern[str]] = re.compile(r"\{([^{}]+)\}")

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.FIELDS.findall(self.template)))


class Pool(Generator):
    """A text of the file `seedbed/pools/<name>.jsonl`, from the lines for the row's values of the columns `by`.

    `by` names columns of the row or paths to a parent's, such as `product_id.category`. A row for whose values the
    file has no line takes one without a stratum. `{column}` and `{foreign_key.column}` in a text are filled from the
    row; null when one of them is null.
    """

    kind = "pool"
    positional = ("name",)
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
    by: Annotated[tuple[str, ...], BeforeValidator(_names), Field(max_length=4)] = ()

    def check(self) -> None:
        if self.name in DEVICES:
            raise ValueError(f"no file can be called {self.name} on Windows; take another name")


class Sql(Generator):
    """A row-local DuckDB expression over the row's columns: `sql('quantity * unit_price')`."""

    kind = "sql"
    positional = ("expression",)
    expression: Annotated[str, Field(min_length=1, max_length=2_000)]


class Copy(Generator):
    """A value of the row that a foreign key refers to: `copy('customer_id.country')`.

    The part before the dot is the foreign key's column, or the parent table where only one key leads there.
    """

    kind = "copy"
    positional = ("path",)
    path: Annotated[str, Field(pattern=r"^[^.]+(\.[^.]+)+$")]


class Ordinal(Generator):
    """The row's place among its siblings, the rows of one driving parent row: `start`, `start + 1`, ..."""

    kind = "ordinal"
    positional = ("start",)
    start: int = 1


class Rollup(Generator):
    """An aggregate over the children of the row: `rollup('order_line', 'sum', 'line_total')`; 0 where there are none.

    With `count`, no column is given; `min`, `max` and `mean` are null where there are no children.
    """

    kind = "rollup"
    positional = ("table", "aggregate", "column")
    table: str
    aggregate: Literal["sum", "count", "min", "max", "mean"]
    column: str | None = None

    def check(self) -> None:
        if (self.column is None) != (self.aggregate == "count"):
            raise ValueError("count takes no column; sum, min, max and mean take one")
