"""Drawn values follow the distributions that were asked for."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limits import NORMAL, RARE, ROWS, STREAM, N, assert_shares, ks_distance, ks_limit

from seedbed.engine.discrete import _HEAD, Weighted, _zipf_head, draw_counts, happens, max_count, zipf_ranks
from seedbed.engine.distributions import (
    _coarsen,
    draw_numbers,
    draw_on_grid,
    exponential,
    lognormal,
    normal,
    normal_probability,
    normal_quantile,
    uniform,
)
from seedbed.engine.rng import Stream
from seedbed.plan.generators import parse_generator

# --- the words behind all of them ----------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [ROWS, ROWS * 1_000, ROWS[::-1] + 2**61, ROWS * 2**40], ids=str)
def test_uniform_numbers_are_uniform_over_any_rows(rows: np.ndarray) -> None:
    assert ks_distance(STREAM.uniform(rows), lambda x: x) < ks_limit(N)
    assert_shares(np.bincount(STREAM.below(rows, 1_000), minlength=1_000), np.full(1_000, 1e-3))


def test_each_bit_of_a_word_is_set_in_half_of_the_rows() -> None:
    words = STREAM.bits(ROWS)
    shares = [(words >> np.uint64(place) & np.uint64(1)).mean() for place in range(64)]
    limit = NORMAL.inv_cdf(1 - RARE / 64) * 0.5 / math.sqrt(N)
    assert max(abs(share - 0.5) for share in shares) < limit


def test_columns_of_one_table_are_independent() -> None:
    """No two of many streams are correlated, at the same rows or at neighbouring ones."""
    columns = np.array([Stream(1, "t", f"c{i}").uniform(ROWS[:50_000]) - 0.5 for i in range(30)]) * math.sqrt(12)
    pairs = 30 * 30 * 3
    limit = NORMAL.inv_cdf(1 - RARE / pairs)
    for lag in (0, 1, 2):
        ahead = columns[:, lag:]
        z = columns[:, : ahead.shape[1]] @ ahead.T / math.sqrt(ahead.shape[1])
        if lag == 0:
            np.fill_diagonal(z, 0)
        assert np.abs(z).max() < limit


def test_pairs_of_columns_fill_the_square_evenly() -> None:
    x, y = (Stream(1, "t", name).below(ROWS, 20) for name in ("x", "y"))
    assert_shares(np.bincount(x * 20 + y, minlength=400), np.full(400, 1 / 400))
    neighbours = Stream(1, "t", "x").below(ROWS, 20)
    assert_shares(np.bincount(neighbours[:-1] * 20 + neighbours[1:], minlength=400), np.full(400, 1 / 400))


@pytest.mark.parametrize("n", [2, 3, 4, 5, 7, 12])
def test_permutations_send_a_number_anywhere(n: int) -> None:
    """Over many keys, every number goes to every place alike, and so do pairs of neighbours."""
    sent = np.array([Stream(seed, "p").permute(np.arange(n), n) for seed in range(3_000)])
    for number in range(n):
        assert_shares(np.bincount(sent[:, number], minlength=n), np.full(n, 1 / n))
    gaps = np.bincount((sent[:, 1] - sent[:, 0]) % n, minlength=n)[1:]
    assert_shares(gaps, np.full(n - 1, 1 / (n - 1))) if n > 2 else None


def test_a_permutation_scatters_neighbours() -> None:
    sent = STREAM.permute(ROWS, N) / N
    first, second = (sent[:-1] * 20).astype(int), (sent[1:] * 20).astype(int)
    assert_shares(np.bincount(first * 20 + second, minlength=400), np.full(400, 1 / 400))


# --- continuous ----------------------------------------------------------------------------------------------


def test_the_normal_quantile_is_that_of_the_standard_library() -> None:
    u = np.concatenate([10.0 ** -np.arange(1, 300), 1 - 2.0 ** -np.arange(2, 53), np.linspace(0.001, 0.999, 999)])
    expected = np.array([NORMAL.inv_cdf(float(value)) for value in u])
    assert np.allclose(normal_quantile(u), expected, rtol=1e-13, atol=1e-15)


GRID = 1e-6
CONTINUOUS = {
    "normal": (normal(50, 7), None, None, lambda x: normal_probability((x - 50) / 7)),
    "normal above": (normal(50, 7), 60, None, lambda x: normal_probability((x - 50) / 7)),
    "normal between": (normal(50, 7), 45, 52, lambda x: normal_probability((x - 50) / 7)),
    "lognormal": (lognormal(120, 0.6), None, None, lambda x: normal_probability(math.log(x / 120) / 0.6)),
    "lognormal between": (lognormal(120, 0.6), 20, 150, lambda x: normal_probability(math.log(x / 120) / 0.6)),
    "exponential": (exponential(4), None, None, lambda x: 1 - math.exp(-x / 4)),
    "exponential above": (exponential(4), 3, None, lambda x: 1 - math.exp(-x / 4)),
    "exponential between": (exponential(4), 1, 5, lambda x: 1 - math.exp(-x / 4)),
    "uniform": (uniform(-3, 9), None, None, lambda x: (x + 3) / 12),
    "uniform between": (uniform(-3, 9), 2, 7, lambda x: (x + 3) / 12),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_distributions_inside_their_cut(name: str) -> None:
    quantile, low, high, whole = CONTINUOUS[name]
    low_steps, high_steps = (None if end is None else round(end / GRID) for end in (low, high))
    values = draw_on_grid(quantile, STREAM.uniform(ROWS), GRID, low_steps, high_steps) * GRID
    assert low is None or values.min() >= low
    assert high is None or values.max() <= high
    below = 0.0 if low is None else whole(low)
    above = 1.0 if high is None else whole(high)
    assert ks_distance(values, lambda x: (np.array([whole(v) for v in x]) - below) / (above - below)) < ks_limit(N)


def test_a_far_tail_keeps_its_shape() -> None:
    """Nine deviations out a normal distribution falls almost like an exponential one, by its own hazard."""
    values = draw_on_grid(normal(0, 1), STREAM.uniform(ROWS), GRID, round(9 / GRID)) * GRID
    survival = [math.erfc(v / math.sqrt(2)) / math.erfc(9 / math.sqrt(2)) for v in np.sort(values)[:: N // 2_000]]
    expected = 1 - np.arange(0, N, N // 2_000) / N
    assert np.abs(np.array(survival) - expected).max() < ks_limit(N) + 1e-4


@pytest.mark.parametrize(
    ("generator", "cumulative"),
    [
        ("normal(2, 1, decimals=0, min=0, max=4)", lambda x: normal_probability(x - 2)),
        ("exponential(3, decimals=0, max=12)", lambda x: 1 - math.exp(-max(x, 0) / 3)),
        ("lognormal(3, 0.5, decimals=0, min=1, max=9)", lambda x: normal_probability(math.log(x / 3) / 0.5)),
        ("uniform(0, 5, decimals=0)", lambda x: (x + 0.5) / 6),
    ],
)
def test_each_point_of_a_coarse_grid_has_the_share_of_its_cell(
    generator: str, cumulative: Callable[[float], float]
) -> None:
    """No point is heaped up, the ends no more than the others."""
    parsed = parse_generator(generator)
    values = draw_numbers(parsed, STREAM.bits(ROWS))
    low, high = int(parsed.min or 0), int(parsed.max)
    cells = np.array([cumulative(k + 0.5) - cumulative(k - 0.5) for k in range(low, high + 1)])
    assert_shares(np.bincount(values - low, minlength=high - low + 1), cells / cells.sum())


def test_the_ends_of_a_grid_hold_at_the_last_bit() -> None:
    ends = np.array([2.0**-53, 1 - 2.0**-53])
    assert draw_on_grid(uniform(0, 10), ends, 1.0, 0, 5).tolist() == [0, 5]


@given(st.floats(1e-6, 1e6), st.integers(-400, 400))
def test_the_last_bits_of_a_value_do_not_matter(value: float, ulps: int) -> None:
    """`exp` and `log` may differ in them between processors. Most values have no rounding edge so near."""
    near = value + ulps * math.ulp(value)
    kept = [draw_on_grid(lambda u, low, high, v=v: np.full(len(u), v), np.array([0.5]), 1.0)[0] for v in (value, near)]
    assert kept[0] == kept[1] or abs(value % 1 - 0.5) < 1e-9 * value
    whole = round(value) + 1.0
    assert _coarsen(np.array([whole + ulps * math.ulp(whole)])).tolist() == [whole]


CHECKSUM = """
import hashlib, sys
sys.path.insert(0, sys.argv[1])
import numpy as np
from kernels import values_of
from seedbed.engine.distributions import draw_numbers, normal_probabilities, normal_quantile
from seedbed.engine.rng import Stream, words_of
from seedbed.plan.generators import parse_generator
def told(name, values):
    print(name, hashlib.sha256(str(values).encode()).hexdigest())
for text in ("lognormal(120, 0.6)", "normal(0, 1, decimals=6, min=0.5)", "exponential(7)", "zipf(1.3, 5000000)",
             "poisson(40)", "fake('latitude')", "timestamp('2024-01-01', '2024-12-31')", "empirical([0, 3, 400])",
             "timestamp('2020-01-01', '2024-12-31', growth=0.3, months={'dec': 1.8}, hours={9: 1.5, 20: 0.7})"):
    told(text, values_of(text, 30_000).to_pylist())
scores = normal_quantile(Stream(1, "a").uniform(np.arange(30_000)))
told("correlated", draw_numbers(parse_generator("lognormal(9, 1)"), words_of(normal_probabilities(scores))).tolist())
"""


def test_values_do_not_depend_on_the_processor() -> None:
    """The same with every extension of the instruction set that numpy can do without."""
    umath = np._core._multiarray_umath
    optional = [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name)]
    if not optional:
        pytest.skip("numpy uses no optional instructions on this machine")
    told = []
    for disabled in ("", " ".join(optional)):
        environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": disabled}
        folder = Path(__file__).parents[1] / "unit" / "engine"
        run = subprocess.run(
            [sys.executable, "-c", CHECKSUM, str(folder)], env=environment, capture_output=True, text=True, check=True
        )
        told.append(run.stdout)
    assert told[0] == told[1]
    assert told[0].count("\n") == 10


def test_more_decimals_only_refine_a_value() -> None:
    rough, fine = (
        draw_numbers(parse_generator(f"lognormal(120, 0.6, decimals={d})"), STREAM.bits(ROWS)) for d in (2, 6)
    )
    assert np.abs(fine / 1e4 - rough).max() <= 0.5


# --- discrete ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "weights",
    [
        [1],
        [70, 30],
        [0, 1, 0],
        [1e-9, 1],
        [0.1] * 10,
        list(range(1, 400)),
        [1 / k for k in range(1, 1_001)],
        [5e-324, 1e14],
    ],
    ids=lambda weights: f"{len(weights)} from {weights[0]}",
)
def test_weighted_choices(weights: list[float]) -> None:
    chosen = Weighted.of(weights).choose(STREAM.bits(ROWS))
    assert_shares(np.bincount(chosen, minlength=len(weights)), np.array(weights) / math.fsum(weights))


@given(st.lists(st.floats(0, 1e14), min_size=1, max_size=40).filter(any))
@settings(max_examples=60)
def test_thresholds_are_exact(weights: list[float]) -> None:
    """A word chooses what exact arithmetic says, at the thresholds and on both sides of them."""
    total = sum(map(Fraction, weights))
    reached, limits = Fraction(0), []
    for weight in weights:
        reached += Fraction(weight)
        limits.append(reached * 2**64 / total)
    near = {math.floor(limit) + step for limit in limits for step in (-1, 0, 1)}
    words = sorted({0, 2**64 - 1} | {word for word in near if 0 <= word < 2**64})
    chosen = Weighted.of(weights).choose(np.array(words, np.uint64))
    for word, index in zip(words, chosen.tolist(), strict=True):
        assert index == next(
            i for i, limit in enumerate(limits) if word < math.floor(limit) or (i == index and weights[i])
        )
        assert weights[index] > 0


@pytest.mark.parametrize("p", [0.0, 1e-5, 0.3, 0.5, 0.999, 1.0])
def test_shares(p: float) -> None:
    hits = int(happens(STREAM.bits(ROWS), p).sum())
    limit = NORMAL.inv_cdf(1 - RARE) * math.sqrt(N * p * (1 - p)) + 3
    assert abs(hits - N * p) < limit if 0 < p < 1 else hits == N * p


def poisson_shares(mean: float, counts: range) -> np.ndarray:
    logs = [k * math.log(mean) - mean - math.lgamma(k + 1) for k in counts]
    top = max(logs)
    shares = np.array([math.exp(value - top) for value in logs])
    return shares / shares.sum()


@pytest.mark.parametrize("generator", [
    "poisson(0.01)", "poisson(0.7)", "poisson(2)", "poisson(37.5)", "poisson(4000)", "poisson(1000000)",
    "poisson(3, min=2)", "poisson(3, max=2)", "poisson(3, min=20)", "poisson(3, min=1, max=6)",
])  # fmt: skip
def test_poisson_counts(generator: str) -> None:
    parsed = parse_generator(generator)
    drawn = draw_counts(parsed, STREAM, ROWS)
    most = max_count(parsed)
    assert drawn.min() >= parsed.min
    assert drawn.max() <= most
    least = max(parsed.min, int(parsed.mean - 12 * math.sqrt(parsed.mean)) - 1)
    assert_shares(
        np.bincount(drawn - least, minlength=most - least + 1), poisson_shares(parsed.mean, range(least, most + 1))
    )


def test_the_cut_of_poisson_counts_leaves_out_next_to_nothing() -> None:
    for mean in (0.001, 0.5, 3.0, 60.0, 5_000.0):
        most = max_count(parse_generator(f"poisson({mean})"))
        beyond = poisson_shares(mean, range(most + 1 + int(20 * math.sqrt(mean)) + 40))[most + 1 :].sum()
        assert beyond < 1e-11
        assert most < mean + 9 * math.sqrt(mean) + 20


@pytest.mark.parametrize(
    ("exponent", "ranks"),
    [
        (1.0, 1),
        (1.0, 2),
        (1.2, 1_000),
        (0.5, 20_000),
        (1.0, 100_000),
        (0.3, 400_000),
        (1.0001, 10**7),
        (3.0, 10**7),
        (10, 10**7),
    ],
)
def test_zipf_ranks(exponent: float, ranks: int) -> None:
    drawn = zipf_ranks(exponent, ranks, STREAM.bits(ROWS))
    assert drawn.min() >= 1
    assert drawn.max() <= ranks
    weights = np.arange(1, ranks + 1, dtype=float) ** -exponent
    # Ranks are pooled into cells of growing width, so that the far ones are looked at too.
    edges = np.unique(np.geomspace(1, ranks + 1, 200).astype(np.int64))
    cumulative = np.concatenate([[0.0], np.cumsum(weights)])
    shares = np.diff(cumulative[edges - 1]) / cumulative[-1]
    cell = np.searchsorted(edges, drawn, side="right") - 1
    assert_shares(np.bincount(cell, minlength=len(edges) - 1), shares)


@pytest.mark.parametrize("exponent", [0.2, 1.0, 1.7, 10.0])
def test_the_ranks_beyond_the_table_have_the_share_that_is_theirs(exponent: float) -> None:
    ranks = 2_000_000
    weights = np.arange(1, ranks + 1, dtype=float) ** -exponent
    share = int(_zipf_head(exponent, ranks).thresholds[-1]) / 2**64
    assert share == pytest.approx(math.fsum(weights[:_HEAD]) / math.fsum(weights), abs=1e-9)


def test_zipf_ranks_beyond_any_table() -> None:
    drawn = zipf_ranks(1.0, 10**15, STREAM.bits(ROWS))
    assert drawn.max() <= 10**15
    # The logarithm of the rank is nearly uniform: the share above the root of n is one half.
    assert abs((drawn > 10**7.5).mean() - 0.5) < 0.02


@pytest.mark.parametrize(
    ("generator", "expected"),
    [
        ("constant(3)", {3: 1}),
        ("integer(2, 4)", {2: 1, 3: 1, 4: 1}),
        ("choice({0: 60, 1: 25, 7: 15, 9: 0})", {0: 60, 1: 25, 7: 15}),
        ("boolean(0.25)", {0: 3, 1: 1}),
        ("zipf(1, 3)", {1: 6, 2: 3, 3: 2}),
    ],
)
def test_counts(generator: str, expected: dict[int, int]) -> None:
    parsed = parse_generator(generator)
    drawn = draw_counts(parsed, STREAM, ROWS)
    assert set(drawn.tolist()) == set(expected)
    assert max_count(parsed) == max(expected)
    observed = np.array([np.count_nonzero(drawn == count) for count in expected])
    assert_shares(observed, np.array(list(expected.values())) / sum(expected.values()))


@pytest.mark.parametrize(
    "generator", ["constant('x')", "constant(-1)", "integer(-1, 3)", "choice(['a'])", "uniform(0, 3)"]
)
def test_what_makes_no_counts_is_told(generator: str) -> None:
    for work in (max_count, lambda parsed: draw_counts(parsed, STREAM, ROWS)):
        with pytest.raises(ValueError, match=r"number of rows|no counts"):
            work(parse_generator(generator))


@given(st.integers(0, 2**62 - 1), st.sampled_from(["poisson(2)", "zipf(1.1, 50)", "integer(0, 9)", "boolean(0.5)"]))
def test_no_row_exceeds_the_largest_count(row: int, generator: str) -> None:
    parsed = parse_generator(generator)
    assert draw_counts(parsed, STREAM, np.array([row]))[0] <= max_count(parsed)
