"""Draws numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seedbed.engine.arrow import decimals
from seedbed.engine.cells import Cells, Maker
from seedbed.engine.discrete import poisson, zipf_ranks
from seedbed.engine.distributions import draw_numbers, draw_on_grid, empirical
from seedbed.plan import kinds

FACTOR_DECIMALS = 9
LARGEST_WHOLE = 2.0**63
"""What no longer fits into 64 bits."""


def _integer(cells: Cells, generator: kinds.Integer) -> pa.Array:
    return pa.array(generator.min + cells.below(generator.max - generator.min + 1))


def _number(cells: Cells, generator: kinds.Number) -> pa.Array:
    if generator.times:
        return _multiples(cells, generator, generator.times)
    return decimals(draw_numbers(generator, cells.bits()), generator.decimals)


def _multiples(cells: Cells, generator: kinds.Number, of: str) -> pa.Array:
    """The column `of`, each value times a number drawn to nine digits after the point."""
    factors = draw_numbers(generator.model_copy(update={"decimals": FACTOR_DECIMALS}), cells.bits())
    column = pc.cast(cells.value(of), pa.float64())
    known = np.asarray(column.is_valid())
    values = column.fill_null(0.0).to_numpy(zero_copy_only=False)
    scaled = np.rint(values * factors * 10.0 ** (generator.decimals - FACTOR_DECIMALS))
    if len(scaled) and not np.abs(scaled).max() < LARGEST_WHOLE:
        raise ValueError(f"a multiple of {of} has more digits than {generator.decimals} decimals leave room for")
    made = decimals(scaled.astype(np.int64), generator.decimals)
    return made if known.all() else pc.if_else(pa.array(known), made, pa.scalar(None, made.type))


def _empirical(cells: Cells, generator: kinds.Empirical) -> pa.Array:
    quantile = empirical(list(generator.quantiles), list(generator.quantiles.values()))
    return decimals(draw_on_grid(quantile, cells.uniform(), 10.0**-generator.decimals), generator.decimals)


def _poisson(cells: Cells, generator: kinds.Poisson) -> pa.Array:
    return pa.array(poisson(generator, cells.bits()))


def _zipf(cells: Cells, generator: kinds.Zipf) -> pa.Array:
    return pa.array(zipf_ranks(generator.exponent, generator.max, cells.bits()))


MAKERS: Mapping[type[kinds.Generator], Maker] = {
    kinds.Integer: _integer,
    kinds.Uniform: _number,
    kinds.Normal: _number,
    kinds.Lognormal: _number,
    kinds.Exponential: _number,
    kinds.Empirical: _empirical,
    kinds.Poisson: _poisson,
    kinds.Zipf: _zipf,
}
