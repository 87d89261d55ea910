"""Generator strings are read, checked, and written back."""

import gc
import time
from concurrent.futures import ThreadPoolExecutor

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
    "pattern('CASE-{yyyy}-{n:06}', of='opened_at')",
    "each(['a', 'b'])",
    "choice(['a', 'b'])",
    "choice({'a': 70, 'b': 30}, null=0.1)",
    "choice({1: 1, 2: 3})",
    "choice_by('country', {'DE': ['a'], 'SE': {'b': 2, 'c': 3}}, otherwise=['d'])",
    "integer(1, 9, when=\"status = 'open'\")",
    "lognormal(120, 0.6, decimals=3, min=1.5)",
    "date('2024-01-31', '2025-12-31')",
    "timestamp('2024-01-31', '2025-12-31 10:30:00', hours='business')",
    "date('2024-01-31', '2025-12-31', weekdays={'sat': 0.3, 'sun': 0}, months={'dec': 1.8}, growth=0.2)",
    "timestamp('2024-01-31', '2025-12-31', hours=[9, 17])",
    "time('08:00:00', '17:59:59', hours={9: 2, 10: 1})",
    "normal(0, 1, correlated={'age': 0.5, 'income': -0.25})",
    "empirical([0, 10, 25.5, 60, 400])",
    "empirical([1, 1])",
    "empirical({0: 5, 0.9: 60, 1: 400}, decimals=0)",
    "case_by('type', {'fee': uniform(1, 5), 'sale': lognormal(90, 0.6, null=0.1)}, otherwise=constant(null))",
    "case_by('ok', {true: choice(['a', 'b']), false: choice_by('x', {1: ['c']})})",
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
        ("lognormal(median=-1, sigma=1)", "median must be more than 0", None),
        ("lognormal(120, sigm=1)", 'no argument "sigm"', "did you mean sigma?"),
        ("lognormal()", "median is missing", None),
        ("choice([])", "must not be empty", None),
        ("integer('many', 9)", "min must be a whole number, not 'many'", None),
        ("integer(1.5, 9)", "min must be a whole number, not 1.5", None),
        ("normal('a', 1)", "mean must be a number, not 'a'", None),
        ("fake('emial')", "not 'emial'; did you mean email?", None),
        ("calendar('quartr')", "not 'quartr'; did you mean quarter?", None),
        ("integer(9, 1)", "lower bound 9 is above", None),
        ("integer(1, 2, 3)", "2 arguments without a name, not 3", None),
        ("integer(1, min=2)", "given twice", None),
        ("choice({'a': 1, 'a': 2})", "stands twice", None),
        ("choice({'a': -1})", "must be at least 0", None),
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
        ("date('2024-01-01', '2024-02-01', weekdays={'someday': 1})", "'someday' is no day of the week", None),
        ("date('2024-01-01', '2024-02-01', weekdays={'sunnyday': 0})", "'sunnyday' is no day of the week; did", None),
        ("date('2024-01-01', '2024-02-01', months={'decoy': 2.0})", "'decoy' is no month; ", None),
        ("date('2024-01-01', '2024-02-01', weekdays={'sat': 0, 'Saturday': 2})", "stands twice", None),
        ("date('2024-01-06', '2024-01-07', weekdays={'sat': 0, 'sun': 0})", "no day or hour", None),
        ("date('1800-01-01', '2024-01-01', growth=0.1)", "81,815 days are too many", None),
        ("date('2024-01-05', '2024-01-01 10:00:00')", "2024-01-05 is after", None),
        ("timestamp('2024-01-01', '2024-02-01', hours='night')", "'night' are no hours", None),
        ("timestamp('2024-01-01', '2024-02-01', hours={24: 1})", "24 is no hour", None),
        ("time('08:00', '09:00', hours={9: 0, 12: 1})", "no day or hour", None),
        ("time('8 o clock')", "is no time of day", None),
        ("integer(1, 9, correlated={'a': 1})", "must be at most 0.99", None),
        ("empirical([1])", "at least two", None),
        ("empirical([1, 3, 2])", "values fall from 3 to 2", None),
        ("empirical({0: 1, 0.5: 2})", "to 1, the largest", None),
        ("empirical({0: 1, 0.5: 2, 0.4: 3, 1: 4})", "shares fall from 0.5 to 0.4", None),
        ("case_by('type', {'fee': 'uniform(1, 5)'})", "write one without quotes", None),
        ("case_by('type', {'fee': unifom(1, 5)})", 'no generator "unifom"', "did you mean uniform?"),
        ("case_by('type', {'fee': uniform(5, 1)})", "lower bound 5.0 is above", None),
        ("case_by('type', {'fee': sequence()})", "sequence cannot be a case", None),
        ("case_by('type', {'fee': case_by('x', {'a': integer(1, 2)})})", "case_by cannot be a case", None),
        ("case_by('type', {'fee': integer(1, 2, when='x')})", "belong to case_by", None),
        ("choice([uuid()])", "only literal values", None),
    ],
)
def test_what_is_wrong_is_said(text, message, hint):
    with pytest.raises(CallError) as raised:
        parse_generator(text)
    assert message in str(raised.value)
    if hint:
        assert hint in (raised.value.hint or "")


def test_names_of_days_and_months_may_be_written_out():
    short = "date('2024-01-01', '2024-12-31', weekdays={'sat': 0.5, 'wed': 2}, months={'sep': 2})"
    written_out = short.replace("sat", "Saturday").replace("wed", "wednesday").replace("sep", "SEPTEMBER")
    assert parse_generator(written_out) == parse_generator(short)


def test_durations():
    assert [parse_duration(text) for text in ("45s", "90m", "36h", "3d", "2w", 1.5)] == [
        45,
        5400,
        129_600,
        259_200,
        1_209_600,
        129_600,
    ]


def test_threads_may_read_at_once():
    # Where the collector's callbacks let another thread go on, Python's own parser fails in some versions.
    def yield_to_others(*_):
        time.sleep(1e-4)

    text = f"choice({ {f'value {number}': number + 1 for number in range(60)} })"
    before = gc.get_threshold()
    gc.callbacks.append(yield_to_others)
    gc.set_threshold(5)
    try:
        with ThreadPoolExecutor(8) as threads:
            found = set(threads.map(lambda _: str(parse_generator(text)), range(40)))
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(yield_to_others)
    assert len(found) == 1
