"""Correlated columns have the rank correlations that were asked for, and their own distributions."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from limits import NORMAL, RARE, ROWS, STREAM, assert_shares, ks_distance, ks_limit

from seedbed.engine.distributions import normal_probabilities, normal_probability
from seedbed.engine.rng import fractions, words_of
from worlds import make, resolve_text, schema_from, seeds


def test_probabilities_of_normal_numbers_are_those_of_the_standard_library() -> None:
    z = np.linspace(-7, 7, 5_001)
    assert np.allclose(normal_probabilities(z), [normal_probability(value) for value in z], rtol=1e-9, atol=1e-15)
    assert (np.diff(normal_probabilities(z)) > 0).all()


def test_words_of_numbers_are_read_back() -> None:
    words = STREAM.bits(ROWS)
    assert np.array_equal(fractions(words_of(fractions(words))), fractions(words))
    assert (fractions(words_of(np.array([0.0, 1.0]))) == [2.0**-53, 1 - 2.0**-53]).all()


CORRELATED = """
tables:
  t:
    rows: 40000
    columns:
      id: sequence()
      age: integer(18, 80000)
      income: "lognormal(40000, 0.5, correlated={'age': 0.5})"
      spend: "exponential(400, min=20, correlated={'income': 0.8, 'age': 0.3})"
      since: "date('1920-01-01', '2019-12-31', growth=0.01, correlated={'spend': -0.9})"
      seg: "choice({'a': 1, 'b': 2, 'c': 3}, correlated={'spend': 0.6})"
      act: "boolean(0.3, correlated={'spend': 0.6})"
      busy: "poisson(4000, correlated={'act': 0.5})"
"""
IMPLIED = {
    ("age", "income"): 0.5, ("income", "spend"): 0.8, ("age", "spend"): 0.3, ("spend", "since"): -0.9,
}  # fmt: skip


@pytest.fixture(scope="module")
def correlated(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    columns = "id integer unique, age integer, income decimal(14,2), spend decimal(14,2), since date, seg varchar, "
    schema = schema_from(tmp_path_factory.mktemp("p"), seeds(t=columns + "act boolean, busy integer"))
    return make(resolve_text(schema, CORRELATED), "t")


def ranks(table: pa.Table, name: str) -> np.ndarray:
    """The rank of each value, ties in their middle."""
    _, place, count = np.unique(table[name].to_numpy(), return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


def rank_correlation(table: pa.Table, one: str, other: str) -> float:
    return float(np.corrcoef(ranks(table, one), ranks(table, other))[0, 1])


@pytest.mark.parametrize(("one", "other"), IMPLIED, ids=" ".join)
def test_rank_correlations_are_those_that_were_asked_for(correlated: pa.Table, one: str, other: str) -> None:
    rho = IMPLIED[one, other]
    error = math.sqrt((1 + rho**2 / 2) / (len(correlated) - 3))  # of Fisher's z (Bonett and Wright 2000)
    seen = rank_correlation(correlated, one, other)
    assert abs(math.atanh(seen) - math.atanh(rho)) < NORMAL.inv_cdf(1 - RARE / 2) * error


def test_what_is_not_said_follows_from_what_is(correlated: pa.Table) -> None:
    """`since` is correlated with `age` only through `spend`: the normal scores' correlations are multiplied."""
    scores = [2 * math.sin(math.pi / 6 * rho) for rho in (0.3, -0.9)]
    expected = 6 / math.pi * math.asin(scores[0] * scores[1] / 2)
    assert rank_correlation(correlated, "age", "since") == pytest.approx(expected, abs=0.025)
    assert rank_correlation(correlated, "id", "spend") == pytest.approx(0, abs=0.025)


def test_few_values_are_correlated_as_far_as_their_ties_allow(correlated: pa.Table) -> None:
    """Against the same number without ties, cut where the shares say."""
    assert 0.45 < rank_correlation(correlated, "seg", "spend") < 0.6
    assert 0.4 < rank_correlation(correlated, "act", "spend") < 0.6
    assert 0.3 < rank_correlation(correlated, "act", "busy") < 0.5


def test_correlated_columns_keep_their_own_distribution(correlated: pa.Table) -> None:
    spend = correlated["spend"].cast(pa.float64()).to_numpy()
    assert ks_distance(spend, lambda x: 1 - np.exp(-(x - 20) / 400)) < ks_limit(len(spend)) + 1e-4
    income = correlated["income"].cast(pa.float64()).to_numpy()
    lognormal_probability = [normal_probability(math.log(x / 40_000) / 0.5) for x in np.sort(income)]
    assert ks_distance(income, lambda _: np.array(lognormal_probability)) < ks_limit(len(income)) + 1e-4
    segments = np.array([correlated["seg"].to_pylist().count(name) for name in "abc"])
    assert_shares(segments, np.array([1, 2, 3]) / 6)
    act = correlated["act"].to_numpy()
    assert_shares(np.array([act.sum(), len(act) - act.sum()]), [0.3, 0.7])


def test_columns_stay_correlated_when_one_of_them_is_drawn_again(tmp_path: Path) -> None:
    """Only one row in ten satisfies the rule at first, so that most ages are those of a later attempt."""
    properties = seeds(t="id integer unique, age integer, pay decimal(12,2)")
    rule = "\n    data_tests: [dbt_utils.expression_is_true: {expression: age > 90}]"
    schema = schema_from(tmp_path, properties.replace("name: t\n", f"name: t{rule}\n", 1))
    columns = "{id: sequence(), age: 'integer(1, 100)', pay: \"normal(0, 1, correlated={'age': 0.9})\"}"
    table = make(resolve_text(schema, f"tables: {{t: {{rows: 5000, columns: {columns}}}}}"), "t")
    assert min(table["age"].to_pylist()) > 90
    # Where ages lie within a tenth of all, pay follows them less closely, but still does.
    assert rank_correlation(table, "age", "pay") > 0.25
    assert np.mean(table["pay"].cast(pa.float64()).to_numpy()) > 1.2
