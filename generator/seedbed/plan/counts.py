"""How many children the counts of a plan can give: fewest, usually, most."""

from __future__ import annotations

import math

from seedbed.plan import kinds


def bounded(counts: kinds.Generator) -> kinds.Generator:
    """The counts with an upper bound.

    A Poisson count without a maximum is cut 12 standard deviations above its mean, which is less likely than
    one in 10**12 for every mean (Chernoff bound).
    """
    if isinstance(counts, kinds.Poisson) and counts.max is None:
        bound = math.ceil(counts.mean + 12 * math.sqrt(counts.mean) + 24)
        return counts.model_copy(update={"max": max(bound, counts.min)})
    return counts


def _spread(counts: kinds.Generator) -> tuple[float, float, float]:
    """The fewest, the usual (mean) and the most children that these counts, once checked, can give."""
    match counts:
        case kinds.Poisson(mean=usual, min=low, max=high):
            return low, min(max(usual, low), high or usual), high or 0
        case kinds.Integer(min=low, max=high):
            return low, (low + high) / 2, high
        case kinds.Zipf(exponent=exponent, max=high):
            weights = [rank**-exponent for rank in range(1, min(high, 10_000) + 1)]
            return 1, sum(rank * weight for rank, weight in enumerate(weights, 1)) / sum(weights), high
        case kinds.Choice(values=weights):
            likely = {float(value): weight for value, weight in weights.items() if weight}
            usual = sum(value * weight for value, weight in likely.items()) / sum(likely.values())
            return min(likely), usual, max(likely)
        case kinds.Constant(value=value):
            return (float(value or 0),) * 3
        case kinds.Boolean(p=share):
            return float(share == 1), share, float(share > 0)
    raise AssertionError(f"{counts} counts nothing")


def fewest(counts: kinds.Generator) -> int:
    """The smallest number of children that these counts can give."""
    return int(_spread(counts)[0])


def mean(counts: kinds.Generator) -> float:
    """About how many children these counts give on average."""
    return _spread(counts)[1]


def most(counts: kinds.Generator) -> int:
    """The largest number of children that these counts, bounded, can give."""
    return int(_spread(counts)[2])
