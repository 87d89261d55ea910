"""Kinds that draw numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from seedbed.plan.kinds.base import Decimals, Drawn, Positive, Share, check_order


class Integer(Drawn):
    """Whole numbers from `min` to `max`, both included, all as likely."""

    kind = "integer"
    positional = ("min", "max")
    min: Annotated[int, Field(ge=-(2**62), le=2**62)]
    max: Annotated[int, Field(ge=-(2**62), le=2**62)]

    def check(self) -> None:
        check_order(self.min, self.max)


class Number(Drawn):
    """What kinds of numbers with decimals share."""

    decimals: Decimals = 2
    """Digits after the point; the value is rounded to them."""
    min: float | None = None
    """Lower bound; the distribution is cut there, not heaped up."""
    max: float | None = None
    """Upper bound; the distribution is cut there, not heaped up."""
    times: str | None = None
    """A column of numbers of the row, or `key.column` of a parent, that the number drawn is multiplied with: for what
    is a varying part of something else. Bounds are those of the number drawn; null where the column is."""

    def check(self) -> None:
        if self.min is not None and self.max is not None:
            check_order(self.min, self.max)


class Uniform(Number):
    """Numbers between `min` and `max`, all as likely; with `times='list_price'`, as multiples of that column."""

    kind = "uniform"
    positional = ("min", "max")
    min: float
    max: float


class Normal(Number):
    """Normally distributed numbers with mean `mean` and standard deviation `sd`."""

    kind = "normal"
    positional = ("mean", "sd")
    mean: float
    sd: Positive


class Lognormal(Number):
    """Numbers whose logarithm is normal: `median` in the column's unit, `sigma` of the logarithm."""

    kind = "lognormal"
    positional = ("median", "sigma")
    median: Positive
    sigma: Annotated[float, Field(gt=0, le=5)]


class Exponential(Number):
    """Exponentially distributed numbers with mean `mean`."""

    kind = "exponential"
    positional = ("mean",)
    mean: Positive


def _by_share(value: Any) -> Any:
    """Quantiles by share; a list gives them at even shares."""
    if isinstance(value, list | tuple):
        if len(value) < 2:
            raise ValueError("at least two are needed: the least value and the largest")
        value = {at / (len(value) - 1): quantile for at, quantile in enumerate(value)}
    if isinstance(value, dict) and len(set(map(repr, value.values()))) == 1 and {0, 1} <= value.keys():
        value = {0: value[0], 1: value[0]}
    return value


class Empirical(Drawn):
    """Numbers with these quantiles, at even shares: `empirical([0, 10, 25, 60, 400])`, a quarter of them below 10.

    Or at shares of your own, from 0 to 1: `empirical({0: 5, 0.9: 60, 1: 400})`. Evenly between two quantiles.
    """

    kind = "empirical"
    positional = ("quantiles",)
    quantiles: Annotated[
        dict[Share, Annotated[float, Field(ge=-1e15, le=1e15)]], BeforeValidator(_by_share), Field(max_length=1_001)
    ]
    decimals: Decimals = 2
    """Digits after the point; the value is rounded to them."""

    def check(self) -> None:
        shares, values = list(self.quantiles), list(self.quantiles.values())
        if len(shares) < 2 or shares[0] != 0 or shares[-1] != 1:
            raise ValueError("quantiles run from the share 0, the least value, to 1, the largest")
        for given, spoken in ((shares, "shares"), (values, "values")):
            fall = next((pair for pair in pairwise(given) if pair[0] > pair[1]), None)
            if fall:
                raise ValueError(f"the {spoken} fall from {fall[0]:g} to {fall[1]:g}; write them in ascending order")

    def literal(self, name: str) -> Any:
        """The quantiles as a list where their shares are even."""
        shares = list(self.quantiles)
        if name == "quantiles" and shares == [at / (len(shares) - 1) for at in range(len(shares))]:
            return list(self.quantiles.values())
        return super().literal(name)


class Poisson(Drawn):
    """Counts with mean `mean` (Poisson); `min` and `max` cut the distribution."""

    kind = "poisson"
    positional = ("mean",)
    mean: Annotated[float, Field(gt=0, le=1_000_000)]
    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int, Field(ge=0)] | None = None

    def check(self) -> None:
        if self.max is not None:
            check_order(self.min, self.max)


class Zipf(Drawn):
    """Ranks 1..`max`, rank k with weight k ** -`exponent`."""

    kind = "zipf"
    positional = ("exponent", "max")
    exponent: Annotated[float, Field(gt=0, le=10)]
    max: Annotated[int, Field(ge=1, le=10_000_000)]
