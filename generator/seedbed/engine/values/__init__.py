"""Makes the values of one column, for the kinds of generator that need no other table's rows.

`make_values` finds the maker of a kind in one dictionary. Shares of nulls and conditions are the caller's, as is
the conversion to the column's declared type (`arrow.conform`).
"""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from seedbed.engine.cells import Cells, Maker
from seedbed.engine.values import choices, keys, moments, numbers, text
from seedbed.errors import GenerationError
from seedbed.plan.kinds import Generator

_MAKERS: Mapping[type[Generator], Maker] = {
    **keys.MAKERS,
    **choices.MAKERS,
    **numbers.MAKERS,
    **moments.MAKERS,
    **text.MAKERS,
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
