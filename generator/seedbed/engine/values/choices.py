"""Chooses one of some values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.engine.arrow import as_text, dictionary
from seedbed.engine.cells import Cells, Maker
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
    deciding = pc.dictionary_encode(as_text(cells.value(generator.column)))
    cases = {_spoken(value): weights for value, weights in generator.cases.items()}
    weights_of = [cases.get(value, generator.otherwise) for value in deciding.dictionary.to_pylist()]
    for value, weights in zip(deciding.dictionary.to_pylist(), weights_of, strict=True):
        if weights is None:
            raise ValueError(f"{generator.column} is {value!r}, which has no case; add it, or `otherwise`")
    place: dict[Scalar, int] = {}
    for weights in (*generator.cases.values(), generator.otherwise or {}):
        for value in weights:
            place.setdefault(value, len(place))
    words = cells.bits()
    case_of = pc.fill_null(deciding.indices, len(weights_of)).to_numpy(zero_copy_only=False)
    codes = np.full(len(cells), -1, np.int64)
    for case, weights in enumerate([*weights_of, generator.otherwise]):  # the last one is for null
        at = np.flatnonzero(case_of == case)
        if len(at) and weights is not None:
            places = np.array([place[value] for value in weights], np.int64)
            codes[at] = places[weighted(tuple(weights.values())).choose(words[at])]
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, _scalars(place))


def _boolean(cells: Cells, generator: kinds.Boolean) -> pa.Array:
    words = cells.bits()
    # Small words make it true, but true comes after false where the order matters.
    return pa.array(happens(words if cells.words is None else ~words, generator.p))


def _scalars(values: Iterable[Scalar]) -> pa.Array:
    """Values of one type as they are, of several as text."""
    listed = list(values)
    types = {type(value) for value in listed}
    if len(types) == 1 or types == {int, float}:
        return pa.array([float(value) for value in listed] if float in types else listed)
    return pa.array([_spoken(value) for value in listed])


def _spoken(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


MAKERS: Mapping[type[kinds.Generator], Maker] = {
    kinds.Constant: _constant,
    kinds.Each: _each,
    kinds.Choice: _choice,
    kinds.ChoiceBy: _choice_by,
    kinds.Boolean: _boolean,
}
