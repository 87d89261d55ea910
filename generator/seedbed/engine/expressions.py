"""Works out checked SQL expressions over a batch of rows, in DuckDB's locked connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.errors import GenerationError
from seedbed.flow import unpacked
from seedbed.plan.expressions import Expression, first_line
from seedbed.plan.sandbox import locked_connection

_ROWS = "seedbed_rows"


@dataclass(frozen=True, slots=True)
class Evaluator:
    """An expression, ready to be worked out; may be shared between threads."""

    expression: Expression

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return self.expression.names

    def evaluate(self, columns: Mapping[str, pa.Array], rows: int | None = None) -> pa.Array:
        """The value of the expression in each row.

        Args:
            columns: at least those in `names`.
            rows: how many rows there are; needed where the expression reads no column.

        Returns:
            Values of whatever type the expression has.

        Raises:
            GenerationError: it fails in some row, or a value there is infinite or not a number.
        """
        arrays = [_plain(columns[name]) for name in self.names]
        length = len(arrays[0]) if arrays else rows
        assert length is not None, f"{self.expression.text} reads no column, so that rows have to be given"
        table = pa.table([*arrays, pa.nulls(length)], names=[*self.names, f"{_ROWS} number"])
        connection = locked_connection()
        try:
            connection.register(_ROWS, table)
            try:
                found = connection.sql(f"SELECT {self.expression.canonical} AS value FROM {_ROWS}").to_arrow_table()
            finally:
                connection.unregister(_ROWS)
        except duckdb.Error as error:
            raise GenerationError(f"{self.expression.text!r} failed: {first_line(error)}") from error
        return self._finite(found.column(0).combine_chunks())

    def _finite(self, values: pa.Array) -> pa.Array:
        if isinstance(values, pa.ChunkedArray):
            values = values.chunk(0)
        if pa.types.is_floating(values.type) and pc.all(pc.is_finite(values)).as_py() is False:
            raise GenerationError(
                f"{self.expression.text!r} is infinite or not a number in some row; a divisor may be 0: "
                f"write for example a / nullif(b, 0)"
            )
        return values


def _plain(array: pa.Array) -> pa.Array:
    """Dictionaries unpacked, and moments as DuckDB's TIMESTAMP, without a time zone."""
    array = unpacked(array)
    return pc.cast(array, pa.timestamp("us")) if pa.types.is_timestamp(array.type) else array
