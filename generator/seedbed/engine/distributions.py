"""Continuous distributions, sampled by inverting their distribution function: one uniform number per value.

A cut distribution is the distribution inside the cut, not one heaped up at its ends: the uniform number is sent
into [F(low), F(high)] first. Results lie on a grid (whole numbers of 10**-decimals, of seconds or of days): a grid
point has the probability of its cell, half a step to each side. Rounding to the grid also makes the values the
same on every machine, although `exp` and `log` differ between processors in the last bit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import numpy as np
import numpy.typing as npt

from seedbed.engine.rng import BLOCK, Words, fractions, scaled_down
from seedbed.plan.kinds import Exponential, Lognormal, Normal, Number, Uniform

Int64s = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Quantile = Callable[[Floats, float, float], Floats]
"""Values for uniform numbers, of a distribution that is cut to [low, high]."""

LARGEST = 10**18
"""Steps of its grid that a value may be away from 0; what lies beyond is cut off, where it is next to nothing."""
_RARE = 2.0**-30
_NEAREST_TO_ONE = 1 - 2.0**-53


def draw_numbers(generator: Number, words: Words) -> Int64s:
    """The numbers that a generator describes, one for each word, times `10 ** generator.decimals`.

    Raises:
        ValueError: no number with so many decimals lies between the bounds, or one can have more than 18 digits.
    """
    low = _scaled(generator.min, generator.decimals, ROUND_CEILING)
    high = _scaled(generator.max, generator.decimals, ROUND_FLOOR)
    if low is not None and high is not None and low > high:
        raise ValueError(
            f"no number with {generator.decimals} decimals lies between {generator.min} and {generator.max}"
        )
    if isinstance(generator, Uniform):
        assert low is not None
        assert high is not None
        return low + scaled_down(words, _checked(high) - _checked(low) + 1)
    return draw_on_grid(quantile_of(generator), fractions(words), 10.0**-generator.decimals, low, high)


def quantile_of(generator: Number) -> Quantile:
    """The quantile function of a generator's distribution, without its own bounds."""
    match generator:
        case Normal(mean=mean, sd=sd):
            return normal(mean, sd)
        case Lognormal(median=median, sigma=sigma):
            return lognormal(median, sigma)
        case Exponential(mean=mean):
            return exponential(mean)
    raise ValueError(f"{generator.kind} has no quantile function")


def draw_on_grid(quantile: Quantile, u: Floats, step: float, low: int | None = None, high: int | None = None) -> Int64s:
    """Values as whole numbers of steps, from `low` to `high` steps where those are given.

    Args:
        quantile: the distribution.
        u: one uniform number for each value.
        step: width of the grid, in the distribution's unit.
        low: the least number of steps.
        high: the largest number of steps.

    Raises:
        ValueError: the distribution has no mass between the bounds, or values there do not fit 64 bits.
    """
    least = -math.inf if low is None else (low - 0.5) * step
    most = math.inf if high is None else (high + 0.5) * step
    for end in (_RARE, 1 - _RARE):
        extreme = float(quantile(np.array([end]), least, most)[0])
        if not abs(extreme) < LARGEST * step:
            raise ValueError(f"numbers such as {extreme:.6g} have more than 18 digits in steps of {step:g}")
    least, most = max(least, -LARGEST * step), min(most, LARGEST * step)
    steps = np.empty(len(u), np.int64)
    for start in range(0, len(u), BLOCK):
        values = _coarsen(quantile(u[start : start + BLOCK], least, most))
        values /= step
        steps[start : start + BLOCK] = np.rint(values, out=values)
    return steps if low is None and high is None else np.clip(steps, low, high, out=steps)


def normal(mean: float, sd: float) -> Quantile:
    """The normal distribution of that mean and standard deviation."""

    def quantile(u: Floats, low: float, high: float) -> Floats:
        z = _cut_normal(u, (low - mean) / sd, (high - mean) / sd)
        z *= sd
        z += mean
        return z

    return quantile


def lognormal(median: float, sigma: float) -> Quantile:
    """The distribution whose logarithm is normal, with mean log(`median`) and standard deviation `sigma`."""

    def standardised(value: float) -> float:
        return (math.log(value) - math.log(median)) / sigma if value > 0 else -math.inf

    def quantile(u: Floats, low: float, high: float) -> Floats:
        z = _cut_normal(u, standardised(low), standardised(high))
        z *= sigma
        with np.errstate(over="ignore"):
            np.exp(z, out=z)
            z *= median
        return z

    return quantile


def exponential(mean: float) -> Quantile:
    """The exponential distribution of that mean."""

    def quantile(u: Floats, low: float, high: float) -> Floats:
        # It has no memory: cut from below, it only begins later. So nothing is lost far out.
        start = max(low, 0.0)
        if high < start:
            raise ValueError(f"an exponential distribution has no values below {high:g}")
        share = -math.expm1(-(high - start) / mean)
        values = np.log1p(u * -share)
        values *= -mean
        values += start
        return values

    return quantile


def uniform(least: float, most: float) -> Quantile:
    """All values from `least` to `most`, as likely as each other."""

    def quantile(u: Floats, low: float, high: float) -> Floats:
        start, end = max(low, least), min(high, most)
        return start + u * (end - start)

    return quantile


def empirical(shares: Sequence[float], quantiles: Sequence[float]) -> Quantile:
    """The distribution with these quantiles, even between two of them. It takes no cut."""

    def quantile(u: Floats, low: float, high: float) -> Floats:
        return np.interp(u, shares, quantiles)

    return quantile


def normal_probability(z: float) -> float:
    """The probability that a standard normal number is at most `z`."""
    return 0.5 * math.erfc(-z / math.sqrt(2))


def _cut_normal(u: Floats, low: float, high: float) -> Floats:
    """Standard normal numbers from `low` to `high`, in these units."""
    if low == -math.inf and high == math.inf:
        return normal_quantile(u)
    if low > 0:  # in the upper tail probabilities lie too near to 1 to be told apart
        mirrored = _cut_normal(u, -high, -low)
        return np.negative(mirrored, out=mirrored)
    start, end = normal_probability(low), normal_probability(high)
    if not end > start:
        raise ValueError(f"the bounds lie {min(abs(low), abs(high)):.3g} standard deviations out, where no values are")
    inside = u * (end - start)
    inside += start
    # A sum can round up to the end itself, which is 1 when there is no upper bound.
    np.minimum(inside, _NEAREST_TO_ONE, out=inside)
    return normal_quantile(inside)


# Coefficients of algorithm AS 241 (PPND16; Wichura, Applied Statistics 37, 1988), highest power first.
_CENTRE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4, 4.5921953931549871457e4,
     1.3731693765509461125e4, 1.9715909503065514427e3, 1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4, 2.1213794301586595867e4,
     5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0),
)  # fmt: skip
_MIDDLE = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258e0,
     3.64784832476320460504e0, 5.76949722146069140550e0, 4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1,
     6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0),
)  # fmt: skip
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2,
     2.96560571828504891230e-1, 1.78482653991729133580e0, 5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4,
     1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
)  # fmt: skip


def normal_quantile(u: Floats) -> Floats:
    """Standard normal numbers for probabilities in (0, 1), right to about 16 digits; algorithm AS 241."""
    z = np.empty(len(u), np.float64)
    for start in range(0, len(u), BLOCK):
        z[start : start + BLOCK] = _as241(u[start : start + BLOCK])
    return z


def _as241(u: Floats) -> Floats:
    distance = u - 0.5
    z = distance * _ratio(_CENTRE, 0.180625 - distance * distance)
    outer = np.flatnonzero(np.abs(distance) > 0.425)
    if len(outer):
        side = distance[outer]
        nearest_end = np.where(side < 0, u[outer], 1 - u[outer])
        root = np.sqrt(-np.log(nearest_end))
        size = _ratio(_MIDDLE, root - 1.6)
        far = np.flatnonzero(root > 5)
        if len(far):
            size[far] = _ratio(_TAIL, root[far] - 5)
        z[outer] = np.copysign(size, side)
    return z


def _ratio(coefficients: tuple[tuple[float, ...], tuple[float, ...]], x: Floats) -> Floats:
    above, below = (_polynomial(part, x) for part in coefficients)
    above /= below
    return above


def _polynomial(coefficients: tuple[float, ...], x: Floats) -> Floats:
    first, second, *others = coefficients
    value = x * first
    value += second
    for coefficient in others:
        value *= x
        value += coefficient
    return value


# Coefficients of Hart's approximation (Computer Approximations, 1968, index 5666) as West gives them (Better
# approximations to cumulative normal functions, Wilmott 2005), highest power first.
_BODY = (
    (3.52624965998911e-2, 0.700383064443688, 6.37396220353165, 33.912866078383, 112.079291497871, 221.213596169931,
     220.206867912376),
    (8.83883476483184e-2, 1.75566716318264, 16.064177579207, 86.7807322029461, 296.564248779674, 637.333633378831,
     793.826512519948, 440.413735824752),
)  # fmt: skip


def normal_probabilities(z: Floats) -> Floats:
    """The probability that a standard normal number is at most `z`, for each z; right to about 15 digits after the
    point. Beyond 7 it is taken as at 7, where what is left is less than 2e-12.
    """
    size = np.minimum(np.abs(z), 7.0)
    beyond = _ratio(_BODY, size)
    size *= size
    size *= -0.5
    beyond *= np.exp(size, out=size)
    return np.where(z < 0, beyond, 1 - beyond)


def _coarsen(values: Floats) -> Floats:
    """Rounds to 41 significant bits, twelve digits, so that large numbers of steps lose their last bits too."""
    bits = values.view(np.int64)
    bits += 1 << 11
    bits &= ~((1 << 12) - 1)
    return values


def _scaled(bound: float | None, decimals: int, rounding: str) -> int | None:
    # Decimal's, for 0.29 * 100 is 28.999... in binary.
    return None if bound is None else int(Decimal(repr(bound)).scaleb(decimals).to_integral_value(rounding))


def _checked(scaled: int) -> int:
    if abs(scaled) > LARGEST:
        raise ValueError(f"a number has more than 18 digits: {scaled}")
    return scaled
