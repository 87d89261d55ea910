"""Chooses one of some values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.engine.arrow import as_text, dictionary
from seedbed.engine.cells import Cells, Int64s, Maker
from seedbed.engine.discrete import happens, weighted
from seedbed.plan import kinds
from seedbed.schema import Scalar


def _constant(cells: Cells, generator: kinds.Constant) -> pa.Array:
    if generator.value is None:
        return pa.nulls(len(cells))
    return dictionary(np.zeros(len(cells), np.int64), _scalars([generator.value]))


def _each(cells: Cells, generator: kinds.Each) -> pa.Array:
    return dictionary(cells.rows % len(generator.values), _scalars(generator.values))


def _choice(cells: Cells, generator: kinds.Choice) -> pa.Array:
    codes = weighted(tuple(generator.values.values())).choose(cells.bits())
    return dictionary(codes, _scalars(generator.values))


def _choice_by(cells: Cells, generator: kinds.ChoiceBy) -> pa.Array:
    """One word chooses in every case, so that a row whose case alone changes keeps its place in the order."""
    place: dict[Scalar, int] = {}
    for weights in (*generator.cases.values(), generator.otherwise or {}):
        for value in weights:
            place.setdefault(value, len(place))
    words = cells.bits()
    codes = np.full(len(cells), -1, np.int64)
    for weights, at in by_case(cells, generator):
        places = np.array([place[value] for value in weights], np.int64)
        codes[at] = places[weighted(tuple(weights.values())).choose(words[at])]
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, _scalars(place))


def by_case(cells: Cells, generator: kinds.ChoiceBy | kinds.CaseBy) -> Iterator[tuple[Any, Int64s]]:
    """Each case that rows have, and the positions of those rows. Rows without a deciding value may have none.

    Raises:
        ValueError: a value has no case, and there is none for the rest.
    """
    deciding = pc.dictionary_encode(as_text(cells.value(generator.column)))
    cases: dict[str, Any] = {_spoken(value): case for value, case in generator.cases.items()}
    values = deciding.dictionary.to_pylist()
    found = [cases.get(value, generator.otherwise) for value in values]
    if None in found:
        value = values[found.index(None)]
        raise ValueError(f"{generator.column} is {value!r}, which has no case; add it, or `otherwise`")
    case_of = pc.fill_null(deciding.indices, len(found)).to_numpy(zero_copy_only=False)
    for number, case in enumerate([*found, generator.otherwise]):  # the last one is for null
        at = np.flatnonzero(case_of == number)
        if len(at) and case is not None:
            yield case, at


def _boolean(cells: Cells, generator: kinds.Boolean) -> pa.Array:
    words = cells.bits()
    # Small words make it true, but true comes after false where the order matters.
    return pa.array(happens(words if cells.words is None else ~words, generator.p))


_ARROW = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def _scalars(values: Iterable[Scalar]) -> pa.Array:
    """Values of one type as they are, of several as text."""
    listed = list(values)
    types = {type(value) for value in listed}
    if types == {int, float}:
        return pa.array(map(float, listed), pa.float64())
    if len(types) == 1:
        return pa.array(listed, _ARROW[types.pop()])
    return pa.array(map(_spoken, listed), pa.string())


def _spoken(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


MAKERS: Mapping[type[kinds.Generator], Maker] = {
    kinds.Constant: _constant,
    kinds.Each: _each,
    kinds.Choice: _choice,
    kinds.ChoiceBy: _choice_by,
    kinds.Boolean: _boolean,
}
