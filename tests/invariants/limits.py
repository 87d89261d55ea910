"""How far right values may lie from their distribution.

Each statistic is held against a limit that a right implementation passes with a probability of more than
1 - 1e-6, whatever the number of rows; seeds are fixed, so that a test that passes once passes always. The limits
are closed formulas: Kolmogorov's distribution for the largest distance between two distribution functions, and
Wilson and Hilferty's approximation of chi-square.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np

from seedbed.engine.rng import Stream

N = 200_000
ROWS = np.arange(N, dtype=np.int64)
STREAM = Stream(20260101, "distributions")
RARE = 1e-6
NORMAL = NormalDist()


def ks_distance(values: np.ndarray, cumulative: Callable[[np.ndarray], np.ndarray]) -> float:
    """The largest distance between the values' distribution function and the given one."""
    ordered = np.sort(values)
    expected = cumulative(ordered)
    steps = np.arange(len(ordered) + 1) / len(ordered)
    return float(max((steps[1:] - expected).max(), (expected - steps[:-1]).max()))


def ks_limit(n: int) -> float:
    """What the distance of n right values exceeds with the probability RARE (Kolmogorov's tail, first term)."""
    return math.sqrt(math.log(2 / RARE) / (2 * n))


def chi_square(observed: np.ndarray, probabilities: np.ndarray) -> tuple[float, float]:
    """The statistic and its limit, with neighbours merged until each cell expects at least 10 values."""
    expected = np.asarray(probabilities) * observed.sum()
    cells: list[list[float]] = []
    room = [0.0, 0.0]
    for seen, wanted in zip(observed, expected, strict=True):
        room = [room[0] + seen, room[1] + wanted]
        if room[1] >= 10:
            cells.append(room)
            room = [0.0, 0.0]
    cells[-1] = [cells[-1][0] + room[0], cells[-1][1] + room[1]]
    freedom = len(cells) - 1
    statistic = sum((seen - wanted) ** 2 / wanted for seen, wanted in cells)
    z = NORMAL.inv_cdf(1 - RARE)
    limit = freedom * (1 - 2 / (9 * freedom) + z * math.sqrt(2 / (9 * freedom))) ** 3 if freedom else 1e-9
    return statistic, limit


def assert_shares(observed: np.ndarray, probabilities: Sequence[float] | np.ndarray) -> None:
    statistic, limit = chi_square(observed, np.asarray(probabilities, dtype=float))
    assert statistic < limit
