"""The strings of business rules: what they say, what is wrong with them, and how they come back."""

import pytest

from seedbed.plan.calls import CallError
from seedbed.plan.rules import RULES, parse_rule

STRINGS = [
    "row('premium >= 0.05 * sum_insured')",
    "depends('case_sk', 'person_sk')",
    "depends(['country', 'site'], ['name', 'opened_on'])",
    "concentration('customer_id', share=0.8, of=0.2)",
    "children('payments', min=1, when=\"status = 'closed'\")",
    "children('payments', max=0, key='claim_id')",
    "sum_of_children('refunds', 'amount', at_most='amount - fee')",
    "sum_of_children('lines', 'share', equals='1')",
    "increasing('reading', 'meter_id', 'read_at')",
    "share(\"status = 'cancelled'\", max=0.1)",
    "unique(['room_id', 'night'])",
    "cannot('no column says who approves')",
]


@pytest.mark.parametrize("text", STRINGS)
def test_a_string_comes_back_as_it_was(text):
    assert str(parse_rule(text)) == text


def test_every_kind_is_shown_above():
    assert {text.partition("(")[0] for text in STRINGS} == set(RULES)
    assert all(cls.kind == name and cls.__doc__ for name, cls in RULES.items())


def test_one_name_and_a_list_of_one_are_the_same():
    assert parse_rule("depends(['a'], ['b'])") == parse_rule("depends('a', 'b')")
    assert parse_rule("sum_of_children('t', 'x', equals=1)") == parse_rule("sum_of_children('t', 'x', equals='1')")


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "the rule is empty", "row('amount > 0')"),
        ("depend('a', 'b')", 'no rule "depend"', "did you mean depends?"),
        ("row()", "predicate is missing", None),
        ("row('  ')", "must not be empty", None),
        ("depends('a', ['b', 'A'])", "a stands on both sides", None),
        ("depends('a', [])", "must not be empty", None),
        ("unique(['a', 'A'])", "named twice", None),
        ("concentration('a', share=0.2, of=0.8)", "at least 80% of the rows, not 20%", None),
        ("concentration('a', share=1, of=0.2)", "less than 1", None),
        ("children('t')", "give min=, max= or both", None),
        ("children('t', min=3, max=2)", "min=3 is above max=2", None),
        ("sum_of_children('t', 'x')", "give at_most=", None),
        ("sum_of_children('t', 'x', equals='a', at_most='b')", "equals leaves nothing", None),
        ("share('a')", "give min=, max= or both", None),
        ("share('a', min=0.5, max=0.4)", "min=0.5 is above max=0.4", None),
        ("share('a', minimum=0.5)", 'no argument "minimum"', "did you mean min?"),
        ("row(open('x'))", "only literal values", None),
    ],
)
def test_what_is_wrong_is_said(text, message, hint):
    with pytest.raises(CallError) as raised:
        parse_rule(text)
    assert message in str(raised.value)
    if hint:
        assert hint in (raised.value.hint or "")
