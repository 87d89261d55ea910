"""Generator strings are read, checked, and written back."""

import pytest

from seedbed.plan.calls import CallError
from seedbed.plan.generators import parse_generator
from seedbed.plan.kinds import KINDS, parse_duration

STRINGS = [
    "constant('x')",
    "constant(null)",
    "sequence()",
    "sequence(100, 10)",
    "uuid()",
    "pattern('CASE-{yyyy}-{n:06}')",
    "each(['a', 'b'])",
    "choice(['a', 'b'])",
    "choice({'a': 70, 'b': 30}, null=0.1)",
    "choice({1: 1, 2: 3})",
    "choice_by('country', {'DE': ['a'], 'SE': {'b': 2, 'c': 3}}, otherwise=['d'])",
    "integer(1, 9, when=\"status = 'open'\")",
    "lognormal(120, 0.6, decimals=3, min=1.5)",
    "date('2024-01-31', '2025-12-31')",
    "timestamp('2024-01-31', '2025-12-31 10:30:00', hours='business')",
    "after('order_id.ordered_at', median='26h', known=true)",
    "foreign_key('customers', 'id', zipf=1.1)",
    "template('{first_name} {last_name}')",
    "sql('quantity * unit_price')",
    "rollup('lines', 'sum', 'price')",
    "lifecycle('orders', 'state')",
]


@pytest.mark.parametrize("text", STRINGS)
def test_a_string_comes_back_as_it_was(text):
    assert str(parse_generator(text)) == text


def test_every_kind_is_written_without_its_defaults():
    for name, cls in KINDS.items():
        assert cls.kind == name
        assert cls.__doc__


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "empty", "integer(1, 10)"),
        ("sequenc()", 'no generator "sequenc"', "did you mean sequence?"),
        ("lognormal(median=-1, sigma=1)", "greater than 0", None),
        ("lognormal(120, sigm=1)", 'no argument "sigm"', "did you mean sigma?"),
        ("integer(9, 1)", "lower bound 9 is above", None),
        ("integer(1, 2, 3)", "2 arguments without a name, not 3", None),
        ("integer(1, min=2)", "given twice", None),
        ("choice({'a': 1, 'a': 2})", "stands twice", None),
        ("choice({'a': -1})", "greater than or equal to 0", None),
        ("choice({'a': 0})", "every weight is 0", None),
        ("pattern('{x}')", "starts no known token", None),
        ("after('a')", "give the delay", None),
        ("after('a', median='soon')", "not a duration", None),
        ("date('2024-13-01', '2025-01-01')", "not a date", None),
        ("foreign_key('a', zipf=1, distinct=true)", "exclude each other", None),
        ("rollup('a', 'count', 'b')", "count takes no column", None),
        ("constant(__import__('os'))", "only literal values", None),
        ("constant(9**9)", "only literal values", None),
        ("constant(1e999)", "out of range", None),
        ("choice(**{'a': 1})", "**", None),
        ("[x for x in y]", "not a generator", None),
        ("lambda: 1", "not a generator", None),
        ("constant(" + "(" * 50 + "1" + ")" * 50 + ")", "nested", None),
        ("constant('" + "x" * 5000 + "')", "characters", None),
        ("os.system('x')", "not a generator", None),
        ("constant(1", "cannot be read", None),
    ],
)
def test_what_is_wrong_is_said(text, message, hint):
    with pytest.raises(CallError) as raised:
        parse_generator(text)
    assert message in str(raised.value)
    if hint:
        assert hint in (raised.value.hint or "")


def test_durations():
    assert [parse_duration(text) for text in ("45s", "90m", "36h", "3d", "2w", 1.5)] == [
        45,
        5400,
        129_600,
        259_200,
        1_209_600,
        129_600,
    ]
