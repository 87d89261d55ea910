"""What descriptions say; the cases are data."""

import dataclasses
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from seedbed.authoring.baseline.prose import MOST_READ, NOTHING, read_dependency, read_prose
from seedbed.plan.kinds import Pattern

CASES = Path(__file__).parents[3] / "cases" / "prose"
DESCRIPTIONS = yaml.safe_load((CASES / "descriptions.yml").read_text(encoding="utf-8"))
RULES = yaml.safe_load((CASES / "rules.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("text", "expected"), DESCRIPTIONS, ids=[text[:50] for text, _ in DESCRIPTIONS])
def test_a_description_says_this_and_no_more(text, expected):
    said = dataclasses.asdict(read_prose(text))
    silent = dataclasses.asdict(NOTHING)
    found = {name: value for name, value in said.items() if value != silent[name]}
    listed = {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}
    assert listed == expected


@pytest.mark.parametrize(("rule", "expected"), RULES)
def test_a_rule_says_what_depends_on_what(rule, expected):
    assert read_dependency(rule) == (tuple(expected) if expected else None)


@given(st.text(max_size=300))
def test_any_text_can_be_read(text):
    said = read_prose(text)
    if said.template:
        Pattern(template=said.template)
    assert said.minimum is None or said.maximum is None or said.minimum <= said.maximum


@pytest.mark.parametrize(
    "piece", ["a, ", "(a|", "one of: ", "1 x, ", "between 1 ", "- a\n", "'a", "e.g. A1-", "null if "]
)
def test_long_texts_are_read_quickly(piece):
    read_prose(piece * (2 * MOST_READ // len(piece)))
