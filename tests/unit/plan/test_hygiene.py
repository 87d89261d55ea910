"""Texts that an LLM wrote for cells: refused is what a spreadsheet, dbt or a browser would take for more."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.errors import Location
from seedbed.plan.hygiene import find_unclean, is_formula

CASES = yaml.safe_load((Path(__file__).parents[2] / "cases" / "llm" / "texts.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case["text"])[:40])
def test_texts(case):
    found = list(find_unclean(case["text"], max_length=case.get("length"), lines=case.get("lines", False)))
    assert sorted(problem.code for problem in found) == sorted(case["wrong"])


def test_half_a_pair():
    assert [problem.code for problem in find_unclean("\ud800")] == ["text-surrogate"]


def test_a_problem_shows_the_text_and_its_place():
    (problem,) = find_unclean("bad\x07" + "x" * 100, location=Location(path="pools.reviews[3]"))
    assert problem.location.path == "pools.reviews[3]"
    assert r"bad\x07xxx" in problem.message
    assert len(problem.message) < 150


@given(st.text(max_size=30), st.booleans())
@settings(max_examples=400, deadline=None)
def test_a_problem_can_always_be_shown(text, lines):
    for problem in find_unclean(text, lines=lines, max_length=10):
        assert problem.message.isprintable()


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_numbers_are_no_formulas(number):
    assert not is_formula(str(number))


@given(st.text(alphabet=st.characters(categories=["L", "Nd"]), max_size=20))
def test_words_and_digits_are_no_formulas(text):
    assert not is_formula(text)
