"""Makes the values of one column, for the kinds of generator that need no other table's rows.

`make_values` finds the maker of a kind in one dictionary. Shares of nulls and conditions are the caller's, as is
the conversion to the column's declared type (`arrow.conform`).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.engine.arrow import arrow_type, conform
from seedbed.engine.cells import Cells, Maker
from seedbed.engine.values import choices, keys, moments, numbers, text
from seedbed.errors import GenerationError
from seedbed.plan import kinds


def _case_by(cells: Cells, generator: kinds.CaseBy) -> pa.Array:
    """Each case makes its rows, as the column's type, from the words that the rows have in any case."""
    order = np.full(len(cells), -1, np.int64)
    parts, count = [], 0
    for case, at in choices.by_case(cells, generator):
        inside = cells.take(at, case)
        values = conform(_MAKERS[type(case)](inside, case), cells.column.data_type, cells.column.name)
        if case.null:
            absent = inside.stream.child("null").uniform(inside.rows) < case.null
            values = pc.if_else(pa.array(absent), pa.scalar(None, values.type), values)
        parts.append(values)
        order[at] = np.arange(count, count + len(at))
        count += len(at)
    if not parts:
        return pa.nulls(len(cells), arrow_type(cells.column.data_type))
    return pa.concat_arrays(parts).take(pa.array(order, mask=order < 0))


_MAKERS: Mapping[type[kinds.Generator], Maker] = {
    **keys.MAKERS,
    **choices.MAKERS,
    **numbers.MAKERS,
    **moments.MAKERS,
    **text.MAKERS,
    kinds.CaseBy: _case_by,
}


def make_values(cells: Cells) -> pa.Array:
    """The values of a column, of the type that its generator makes by itself; choices as a dictionary.

    Raises:
        GenerationError: the generator cannot make values for these rows.
    """
    generator = cells.column.generator
    maker = _MAKERS.get(type(generator))
    if maker is None:
        raise GenerationError(f"{cells.column.name}: {generator.kind} needs more than its own row")
    try:
        return maker(cells, generator)
    except ValueError as error:
        raise GenerationError(f"{cells.column.name}: {generator.kind}: {error}") from error
