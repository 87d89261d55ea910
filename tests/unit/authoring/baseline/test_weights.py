"""How often listed values occur; the cases are data."""

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seedbed.authoring.baseline import stages
from seedbed.authoring.baseline.names import read_name, subject
from seedbed.authoring.baseline.stages import shares_of_old
from seedbed.authoring.baseline.weights import weigh

CASES = Path(__file__).parents[3] / "cases" / "names"
with (CASES / "weights.tsv").open(encoding="utf-8", newline="") as lines:
    LISTED = [tuple(row.values()) for row in csv.DictReader(lines, delimiter="\t")]
ROLES = (stages._GOOD, stages._FAILED, stages._UNDONE, stages._BACK, stages._HELD, stages._STAYS, {"abc", "x"})
WORDS = sorted(set().union(*ROLES))


def weights_of(column, table, values):
    return weigh(column, subject(table), values, read_name(column, table))


@pytest.mark.parametrize(("column", "table", "listed", "most", "fewest"), LISTED)
def test_some_values_are_frequent_and_others_few(column, table, listed, most, fewest):
    values = tuple(int(value) if value.isdigit() else value for value in listed.split("|"))
    weights = weights_of(column, table, values)
    assert tuple(weights) == values
    named = {str(value): weight for value, weight in weights.items()}
    assert named[most] == max(named.values())
    assert named[fewest] == min(named.values()) < named[most] or set(named.values()) == {named[most]}


def test_two_values_of_which_nothing_is_known_are_alike():
    assert weights_of("network", "cards", ("abc", "xyz")) == {"abc": 1, "xyz": 1}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12, unique=True), st.booleans(), st.booleans())
def test_no_state_is_without_a_share(values, lasting, named):
    shares = shares_of_old(values, lasting=lasting, named=named)
    assert list(shares) in ([], values)
    assert all(share >= 1 for share in shares.values())


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sets(st.sampled_from(sorted(stages._FAILED | stages._HELD | stages._UNDONE)), max_size=8), st.randoms())
def test_most_are_paid_wherever_that_is_listed(others, random):
    values = ["pending", "paid", *sorted(others)]
    random.shuffle(values)
    shares = shares_of_old(values)
    assert max(shares, key=lambda value: shares[value]) == "paid"
