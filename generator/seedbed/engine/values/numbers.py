"""Draws numbers."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from seedbed.engine.arrow import decimals
from seedbed.engine.cells import Cells, Maker
from seedbed.engine.discrete import poisson, zipf_ranks
from seedbed.engine.distributions import draw_numbers, draw_on_grid, empirical
from seedbed.plan import kinds


def _integer(cells: Cells, generator: kinds.Integer) -> pa.Array:
    return pa.array(generator.min + cells.below(generator.max - generator.min + 1))


def _number(cells: Cells, generator: kinds.Uniform | kinds.Normal | kinds.Lognormal | kinds.Exponential) -> pa.Array:
    return decimals(draw_numbers(generator, cells.bits()), generator.decimals)


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
