"""Kinds that draw numbers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from seedbed.plan.kinds.base import Decimals, Drawn, Positive, check_order


class Integer(Drawn):
    """Whole numbers from `min` to `max`, both included, all as likely."""

    kind = "integer"
    positional = ("min", "max")
    min: Annotated[int, Field(ge=-(2**62), le=2**62)]
    max: Annotated[int, Field(ge=-(2**62), le=2**62)]

    def check(self) -> None:
        check_order(self.min, self.max)


class _Number(Drawn):
    decimals: Decimals = 2
    """Digits after the point; the value is rounded to them."""
    min: float | None = None
    """Lower bound; the distribution is cut there, not heaped up."""
    max: float | None = None
    """Upper bound; the distribution is cut there, not heaped up."""

    def check(self) -> None:
        if self.min is not None and self.max is not None:
            check_order(self.min, self.max)


class Uniform(_Number):
    """Numbers between `min` and `max`, all as likely."""

    kind = "uniform"
    positional = ("min", "max")
    min: float
    max: float


class Normal(_Number):
    """Normally distributed numbers with mean `mean` and standard deviation `sd`."""

    kind = "normal"
    positional = ("mean", "sd")
    mean: float
    sd: Positive


class Lognormal(_Number):
    """Numbers whose logarithm is normal: `median` in the column's unit, `sigma` of the logarithm."""

    kind = "lognormal"
    positional = ("median", "sigma")
    median: Positive
    sigma: Annotated[float, Field(gt=0, le=5)]


class Exponential(_Number):
    """Exponentially distributed numbers with mean `mean`."""

    kind = "exponential"
    positional = ("mean",)
    mean: Positive


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
