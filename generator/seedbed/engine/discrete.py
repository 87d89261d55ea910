"""Discrete distributions: weighted choices, counts and ranks, each from one 64-bit word."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seedbed.engine.rng import BLOCK, Stream
from seedbed.plan.kinds import Boolean, Choice, Constant, Generator, Integer, Poisson, Zipf

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]

WORDS = 1 << 64
NEGLIGIBLE = 2.0**-40
"""Where no `max` is given, a Poisson distribution is cut where less than this share of it is left."""
_GUIDE_BITS = 14
_HEAD = 1 << 15
"""Ranks of a zipf distribution that have a threshold each; those after them are found by a formula."""


@dataclass(frozen=True, slots=True)
class Weighted:
    """A choice among k things by weight, exact to 2**-64.

    A word chooses the thing whose threshold is the first above it. The guide gives the answer by the word's
    leading bits alone, where no threshold falls between those that share them.
    """

    thresholds: Words
    guide: Int32s
    """By leading bits: the thing, or ~thing where thresholds have to be compared, from that thing on."""

    @classmethod
    def of(cls, weights: Sequence[float]) -> Weighted:
        """The choice by these weights, at least one of which is more than 0."""
        ratios = [float(weight).as_integer_ratio() for weight in weights]
        denominator = max(below for _, below in ratios)  # all are powers of 2
        sums = list(itertools.accumulate(above * (denominator // below) for above, below in ratios))
        # A threshold of 2**64 is one that no word reaches: nothing of any weight comes after it.
        limits = [limit for part in sums if (limit := (part << 64) // sums[-1]) < WORDS]
        thresholds = np.array(limits, np.uint64)
        cells = np.arange(1 << _GUIDE_BITS, dtype=np.uint64) << np.uint64(64 - _GUIDE_BITS)
        first = np.searchsorted(thresholds, cells, side="right")
        last = np.searchsorted(thresholds, cells | np.uint64((1 << (64 - _GUIDE_BITS)) - 1), side="right")
        return cls(thresholds, np.where(first == last, first, ~first).astype(np.int32))

    def choose(self, words: Words) -> Int32s:
        """The index of the thing that each word chooses."""
        chosen = np.empty(len(words), np.int32)
        for start in range(0, len(words), BLOCK):
            part = words[start : start + BLOCK]
            codes = self.guide.take((part >> np.uint64(64 - _GUIDE_BITS)).view(np.int64))
            unsure = np.flatnonzero(codes < 0)
            if len(unsure):
                codes[unsure] = np.searchsorted(self.thresholds, part[unsure], side="right")
            chosen[start : start + BLOCK] = codes
        return chosen

    def place(self, words: Words) -> tuple[Int32s, Floats]:
        """The index of the thing that each word chooses, and how far within that thing's share it lies: [0, 1]."""
        chosen = self.choose(words)
        ends = np.append(self.thresholds, np.uint64(WORDS - 1))
        starts = np.concatenate([np.zeros(1, np.uint64), self.thresholds])
        widths = (ends - starts).astype(np.float64)
        share = (words - starts.take(chosen)).astype(np.float64)
        share /= widths.take(chosen)
        return chosen, share


@functools.lru_cache(maxsize=256)
def weighted(weights: tuple[float, ...]) -> Weighted:
    """`Weighted.of`, made once for the same weights."""
    return Weighted.of(weights)


def happens(words: Words, p: float) -> Bools:
    """Which words fall into the share `p`, from 0 to 1, exact to 2**-64."""
    above, below = p.as_integer_ratio()
    limit = (above << 64) // below
    return words < np.uint64(limit) if limit < WORDS else np.ones(len(words), np.bool_)


@dataclass(frozen=True, slots=True)
class _Table:
    """A distribution over the whole numbers from `least` on."""

    least: int
    choice: Weighted

    def draw(self, words: Words) -> Int64s:
        return self.choice.choose(words).astype(np.int64) + self.least

    @property
    def most(self) -> int:
        return self.least + len(self.choice.thresholds)


def poisson(generator: Poisson, words: Words) -> Int64s:
    """Counts with that mean, cut to its bounds."""
    return _poisson_table(generator.mean, generator.min, generator.max).draw(words)


@functools.lru_cache(maxsize=256)
def _poisson_table(mean: float, least: int, most: int | None) -> _Table:
    """Weights relative to the likeliest count's, by p(k) = p(k - 1) * mean / k: the same on every machine.

    Counts are left out from where the ratio to the next falls fast enough to leave less than `NEGLIGIBLE` beyond.
    """
    peak = max(least, math.floor(mean))
    peak = peak if most is None else min(peak, most)
    up = [1.0]
    for k in itertools.count(peak + 1):
        following = up[-1] * (mean / k)
        # What is left is at most a geometric series in mean / k.
        if (most is not None and k > most) or (k > mean and following / (1 - mean / k) < NEGLIGIBLE * up[0]):
            break
        up.append(following)
    down = [1.0]
    for k in range(peak, least, -1):
        following = down[-1] * (k / mean)
        if following * k < NEGLIGIBLE:
            break
        down.append(following)
    return _Table(peak - len(down) + 1, Weighted.of([*reversed(down), *up[1:]]))


def zipf_ranks(exponent: float, ranks: int, words: Words) -> Int64s:
    """Ranks from 1 to `ranks`, of any number, rank k with weight k ** -exponent.

    The first 32,768 are exact. After them the weight of rank k is taken as the integral of x ** -exponent from
    k - 1/2 to k + 1/2, which for exponents up to 10 is right to 5e-9 of itself.
    """
    head = min(ranks, _HEAD)
    choice = _zipf_head(exponent, ranks)
    chosen = choice.choose(words)
    result = chosen.astype(np.int64) + 1
    beyond = np.flatnonzero(chosen == head)
    if len(beyond):
        # Where between the last threshold and the end a word lies is a uniform number again.
        start = choice.thresholds[-1]
        share = np.minimum((words[beyond] - start) / float(WORDS - int(start)), 1 - 2.0**-53)
        x = _power_law_quantile(exponent, head + 0.5, ranks + 0.5, share)
        result[beyond] = np.clip(np.rint(x).astype(np.int64), head + 1, ranks)
    return result


@functools.lru_cache(maxsize=64)
def _zipf_head(exponent: float, ranks: int) -> Weighted:
    """The first ranks, and all the others as one more thing."""
    head = min(ranks, _HEAD)
    weights = [math.pow(k, -exponent) for k in range(1, head + 1)]
    if ranks > head:
        weights.append(_power_law_mass(exponent, head + 0.5, ranks + 0.5))
    return Weighted.of(weights)


def _power_law_mass(exponent: float, low: float, high: float) -> float:
    """The integral of x ** -exponent from `low` to `high`."""
    power, width = 1 - exponent, math.log(high / low)
    return math.pow(low, power) * (math.expm1(power * width) / power if power else width)


def _power_law_quantile(exponent: float, low: float, high: float, share: Floats) -> Floats:
    """Where that integral reaches `share` of its whole."""
    power, width = 1 - exponent, math.log(high / low)
    return low * np.exp(np.log1p(share * math.expm1(power * width)) / power if power else share * width)


def draw_counts(generator: Generator, stream: Stream, rows: Int64s) -> Int64s:
    """How many each row has, by one of the kinds in `COUNT_KINDS`; the generator's `null` and `when` play no part.

    Raises:
        ValueError: the generator makes no counts.
    """
    match generator:
        case Constant():
            return np.full(len(rows), _count(generator.value), np.int64)
        case Integer(min=least, max=most):
            return _count(least) + stream.below(rows, most - least + 1)
        case Boolean(p=p):
            return happens(stream.bits(rows), p).astype(np.int64)
        case Choice(values=weights):
            counts = np.array([_count(value) for value in weights], np.int64)
            return counts.take(weighted(tuple(weights.values())).choose(stream.bits(rows)))
        case Poisson():
            return poisson(generator, stream.bits(rows))
        case Zipf(exponent=exponent, max=most):
            return zipf_ranks(exponent, most, stream.bits(rows))
    raise ValueError(f"{generator} makes no counts")


def max_count(generator: Generator) -> int:
    """The largest number that `draw_counts` can give for the generator.

    Raises:
        ValueError: the generator makes no counts.
    """
    match generator:
        case Constant():
            return _count(generator.value)
        case Integer(min=least, max=most):
            return max(_count(least), most)
        case Boolean(p=p):
            return int(p > 0)
        case Choice(values=weights):
            return _largest(value for value, weight in weights.items() if weight > 0)
        case Poisson():
            return _poisson_table(generator.mean, generator.min, generator.max).most
        case Zipf(max=most):
            return most
    raise ValueError(f"{generator} makes no counts")


def _largest(values: Iterable[object]) -> int:
    return max(_count(value) for value in values)


def _count(value: object) -> int:
    if isinstance(value, int | float) and value >= 0 and float(value).is_integer():
        return int(value)
    raise ValueError(f"{value!r} is not a number of rows")
