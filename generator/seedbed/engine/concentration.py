"""Parents some of whom are busier than others: "80% of the orders come from 20% of the customers".

Of n parents the busy ones are k = round(`of` * n), at least one and not all; together they have exactly `share`
of the weight. Within both groups the weight falls evenly from (1 + d) times the group's mean to (1 - d) times, with
the greatest d up to 1/2 for which the least busy of the busy has no less weight than the busiest of the others:
d = (p - q) / (p + q) for the means p and q of the two. So there is one formula for every n, which needs no solving:
of a group, the first part x of its members has the part F(x) = (1 + d) x - d x**2 of its weight.
"""

from __future__ import annotations

import numpy as np

from seedbed.engine.discrete import Floats, Int64s
from seedbed.engine.rng import Stream
from seedbed.plan.counts import fewest, mean
from seedbed.plan.kinds import Generator
from seedbed.plan.resolved import Concentration


def busy_of(wanted: Concentration, n: int) -> int:
    """How many of n parents are the busy ones."""
    return min(max(round(wanted.of * n), 1), max(n - 1, 1))


def _slope(wanted: Concentration, n: int) -> float:
    """The d of the formula."""
    busy = busy_of(wanted, n)
    p, q = wanted.share / busy, (1 - wanted.share) / max(n - busy, 1)
    return min(max((p - q) / (p + q), 0.0), 0.5)


def concentrated_ranks(wanted: Concentration, n: int, shares: Floats) -> Int64s:
    """The rank, from 0, of the parent that each uniform number chooses; the first ranks are the busy ones."""
    busy, slope = busy_of(wanted, n), _slope(wanted, n)
    if n <= busy:
        return np.minimum((shares * n).astype(np.int64), n - 1)
    inside = shares < wanted.share
    within = np.where(inside, shares / wanted.share, (shares - wanted.share) / (1 - wanted.share))
    # The x for which F(x) is that part of the group's weight, in the form that loses no digits for a small d.
    x = 2 * within / (1 + slope + np.sqrt((1 + slope) ** 2 - 4 * slope * within))
    ranks = np.where(inside, x * busy, busy + x * (n - busy)).astype(np.int64)
    return np.where(inside, np.minimum(ranks, busy - 1), np.clip(ranks, busy, n - 1))


def concentrated_counts(wanted: Concentration, counts: Generator, stream: Stream, parents: Int64s, unit: int) -> Int64s:
    """How many rows each parent has: its weight times their number, rounded up or down by chance.

    Parents come in parts of `unit`, in each of which the weights are spread anew; every parent has at least the
    least of `counts`, and all of them together about the mean for each.
    """
    least, usual = fewest(counts), mean(counts)
    busy, slope = busy_of(wanted, unit), _slope(wanted, unit)
    ranks = stream.child("rank").permute(parents % unit, unit)
    inside = ranks < busy
    size = np.where(inside, busy, max(unit - busy, 1))
    place = np.where(inside, ranks, ranks - busy)
    low, high = place / size, (place + 1) / size
    part = (high - low) * ((1 + slope) - slope * (high + low))
    weight = part * np.where(inside, wanted.share, 1 - wanted.share) if unit > busy else part
    expected = (usual - least) * unit * weight
    return least + np.floor(expected + stream.uniform(parents)).astype(np.int64)
