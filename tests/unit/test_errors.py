"""What was meant is guessed from what was written."""

import pytest

from seedbed.errors import closest


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("custommers", ["orders", "customers"], "did you mean customers?"),
        ("REPAIRS", ["fct_repairs", "repair", "workshop.Repairs"], "did you mean workshop.Repairs?"),
        ("airs", ["workshop.repairs"], None),
    ],
)
def test_the_closest_word(word, known, hint):
    assert closest(word, known) == hint
