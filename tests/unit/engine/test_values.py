"""The values of each kind of generator."""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import uuid
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels import AS_OF, PLAN, listed, values_of

from seedbed.engine.cells import Cells
from seedbed.engine.rng import Stream
from seedbed.engine.values import _MAKERS, make_values
from seedbed.errors import GenerationError
from seedbed.plan.generators import parse_generator
from seedbed.plan.kinds import KINDS
from seedbed.plan.resolved import Days, ResolvedColumn, ResolvedTable
from seedbed.plan.text_pools import parse_pool
from seedbed.plan.types import DATE
from seedbed.schema import Resource

HUGE = np.array([0, 2**40, 2**61 + 12_345, 2**62 - 1], np.int64)
BY_BATCHES = (
    "pattern('{yyyy}-{n}', of='day')",
    "constant('x')", "constant(null)", "sequence(5, step=3)", "uuid", "hash_key", "pattern('A-{n}-{digits:3}')",
    "pattern('{shuffled}')", "pattern('{n:03}/{yyyy}{hex:20}{alnum:2}{letters:1}{LETTERS}')", "each(['a', 'b', 'c'])",
    "choice({'a': 3, 'b': 1})", "choice_by('code', {'a': ['x', 'y'], 'b': {'z': 1}}, otherwise=['o'])",
    "integer(-5, 5)", "uniform(0, 1)", "normal(0, 1)", "lognormal(10, 1, decimals=0)", "exponential(3, min=1, max=4)",
    "poisson(2.5)", "zipf(1.2, 100000)", "empirical([0, 10, 400])",
    "case_by('code', {'a': integer(1, 9, null=0.3), 'b': boolean(0.5)}, otherwise=template('{number}'))",
    "case_by('code', {'a': choice(['x', 'y']), 'b': after('day', median='3d'), 'c': fake('city')})",
    "boolean(0.4)", "date('2024-01-01', '2024-12-31')",
    "timestamp('2024-01-01', '2024-02-01')", "timestamp('2024-01-01', '2024-02-01', hours='business')",
    "timestamp('2024-01-01 07:00:00', '2026-02-01', hours={7: 1, 20: 3}, months={'dec': 2}, growth=0.5)",
    "date('2024-01-01', '2024-12-31', weekdays={'sun': 0}, growth=-0.2)", "time('08:00', '17:59:59')",
    "after('day', median='3d')", "after('moment', min='1h', max='3h')", "calendar('text', 'day')",
    "calendar('week', 'moment')", "template('{code}/{number}')", "fake('full_name')", "fake('email', unique=true)",
    "fake('phone')", "fake('company', unique=true)", "fake('domain')", "fake('url')", "fake('ipv4')", "fake('iban')",
    "fake('address')", "fake('latitude')", "fake('sentence')", "fake('city')", "fake('username')",
    "pool('remarks', by=['code'])",
)  # fmt: skip


def columns_of(rows: np.ndarray) -> dict[str, pa.Array]:
    """Other columns of the same rows."""
    return {
        "code": pa.array(["a", "b", "c", None]).take(pa.array(rows % 4)),
        "number": pa.array(rows),
        "day": pa.array((rows % 900 + 19_000).astype(np.int32), mask=rows % 7 == 3).view(pa.date32()),
        "moment": pa.array(rows % 10**7 + 1_700_000_000).view(pa.timestamp("s")),
    }


def test_every_kind_that_needs_no_other_row_has_a_maker() -> None:
    elsewhere = {"sql", "copy", "ordinal", "rollup", "foreign_key", "date_key", "version", "during", "lifecycle"}
    elsewhere |= {"changed_at", "loaded_at", "deleted_at", "is_deleted"}
    assert {cls.kind for cls in _MAKERS} == set(KINDS) - elsewhere
    assert {parse_generator(text).kind for text in BY_BATCHES} == set(KINDS) - elsewhere


@pytest.mark.parametrize("generator", BY_BATCHES)
def test_values_do_not_depend_on_the_batch(generator: str) -> None:
    rows = np.concatenate([np.arange(400), np.array([5, 5, 1_000_000, 3])])
    whole = values_of(generator, rows, columns_of(rows))
    whole.validate(full=True)
    listed_whole = whole.to_pylist()
    for cut in (1, 57, 399):
        parts = [rows[:cut], rows[cut:]]
        assert [v for part in parts for v in values_of(generator, part, columns_of(part)).to_pylist()] == listed_whole
    backwards = rows[::-1]
    assert values_of(generator, backwards, columns_of(backwards)).to_pylist() == listed_whole[::-1]


@pytest.mark.parametrize("generator", BY_BATCHES)
def test_no_rows(generator: str) -> None:
    rows = np.array([], np.int64)
    assert len(values_of(generator, rows, columns_of(rows))) == 0


@pytest.mark.parametrize("generator", [text for text in BY_BATCHES if "shuffled" not in text and "step" not in text])
def test_rows_with_large_numbers(generator: str) -> None:
    assert len(values_of(generator, HUGE, columns_of(HUGE))) == len(HUGE)


# --- keys ----------------------------------------------------------------------------------------------------


def test_sequence() -> None:
    assert listed("sequence(10, step=5)", np.array([0, 1, 7])) == [10, 15, 45]


def test_a_sequence_that_leaves_64_bits_is_refused() -> None:
    with pytest.raises(GenerationError, match=r"c: sequence.*64 bits"):
        listed("sequence(step=5)", HUGE)


def test_uuids_are_version_4_and_differ() -> None:
    found = [uuid.UUID(text) for text in listed("uuid", 5_000)]
    assert {(value.version, value.variant) for value in found} == {(4, uuid.RFC_4122)}
    assert len(set(found)) == 5_000
    assert [str(value) for value in found] == listed("uuid", 5_000)
    # Each of the 122 free bits is set in about half of them: 6 standard deviations are 0.042.
    bits = np.array([[value.int >> place & 1 for place in range(128)] for value in found]).mean(axis=0)
    free = [place for place in range(128) if place not in (62, 63, 76, 77, 78, 79)]
    assert np.abs(bits[free] - 0.5).max() < 0.043


def test_hash_keys_are_32_digits_and_differ_in_their_first_half() -> None:
    found = listed("hash_key", 5_000)
    assert all(re.fullmatch("[0-9a-f]{32}", text) for text in found)
    assert len({text[:16] for text in found}) == 5_000


@pytest.mark.parametrize(
    ("template", "row", "expected"),
    [
        ("CASE-{yyyy}-{n:06}", 0, r"CASE-2026-000001"),
        ("{n}", 41, r"42"),
        ("{n:2}", 8, r"09"),
        ("{n:2}", 998, r"999"),
        ("{n:05}x", 10**7, r"10000001x"),
        ("{letters:2}{digits:6}", 3, r"[a-z]{2}\d{6}"),
        ("{LETTERS:3}-{hex:40}", 3, r"[A-Z]{3}-[0-9a-f]{40}"),
        ("{alnum:12}", 3, r"[0-9A-Z]{12}"),
        ("{digits}", 3, r"\d"),
        ("{shuffled:06}", 3, r"\d{6}"),
        ("{shuffled:30}", 3, r"0{12}\d{18}"),
        ("{shuffled}", 3, r"[1-9]\d{0,8}|0"),
        ("no token, ä", 3, r"no token, ä"),
    ],
)
def test_patterns(template: str, row: int, expected: str) -> None:
    (text,) = listed(f"pattern('{template}')", np.array([row]))
    assert re.fullmatch(expected, text)


def test_patterns_of_rows_with_numbers_of_different_length() -> None:
    assert listed("pattern('<{n:2}>')", np.array([0, 98, 99, 12_344])) == ["<01>", "<99>", "<100>", "<12345>"]


def test_the_characters_of_a_pattern_are_independent() -> None:
    size = 20_000
    lines = np.array([list(text.encode()) for text in listed("pattern('{hex:40}{hex:8}')", size)], float)
    correlation = np.corrcoef(lines, rowvar=False)
    np.fill_diagonal(correlation, 0)
    assert np.abs(correlation).max() < 6 / np.sqrt(size)


def test_shuffled_numbers_meet_each_number_once() -> None:
    found = listed("pattern('{shuffled:3}')", 1_000)
    assert sorted(found) == [f"{number:03}" for number in range(1_000)]
    assert found != sorted(found)


def test_shuffled_numbers_that_run_out_are_refused() -> None:
    with pytest.raises(GenerationError, match="row 1000 is beyond the 1000 numbers"):
        listed("pattern('{shuffled:3}')", 1_001)


def test_the_year_of_a_pattern_is_that_of_another_column() -> None:
    days = {"opened": pa.array([dt.date(2019, 5, 1), None, dt.date(2024, 12, 31)])}
    found = listed("pattern('{yyyy}', of='opened')", 3, days)
    assert found == ["2019", str(AS_OF.year), "2024"]


def test_the_year_of_a_pattern_stays_when_time_goes_on() -> None:
    later = dataclasses.replace(PLAN, as_of=dt.date(2031, 1, 1))
    assert values_of("pattern('{yyyy}')", 1, plan=later).to_pylist() == [str(AS_OF.year)]


# --- choices -------------------------------------------------------------------------------------------------


def test_each() -> None:
    assert listed("each([3, 1, 2])", np.array([0, 1, 2, 3, 7])) == [3, 1, 2, 3, 1]


@pytest.mark.parametrize(
    ("generator", "expected"),
    [
        ("choice(['a'])", {"a"}),
        ("choice({'a': 1, 'b': 0})", {"a"}),
        ("choice({'b': 0, 'a': 1, 'c': 0})", {"a"}),
        ("choice([1, 2])", {1, 2}),
        ("choice([1, 2.5])", {1.0, 2.5}),
        ("choice([true, false])", {True, False}),
        ("choice(['a', 2, true])", {"a", "2", "true"}),
    ],
)
def test_choice(generator: str, expected: set[object]) -> None:
    assert set(listed(generator)) == expected


@pytest.mark.parametrize(
    ("deciding", "cases", "expected"),
    [
        (pa.array(["DE", "US"]), "{'DE': ['EUR'], 'US': ['USD']}", ["EUR", "USD"]),
        (pa.array([1, 2]), "{1: ['a'], 2: ['b']}", ["a", "b"]),
        (pa.array([True, False]), "{true: [1], false: [0]}", [1, 0]),
        (pa.array(["DE", None]), "{'DE': ['EUR']}", ["EUR", None]),
        (pa.array(["DE", None]), "{'DE': ['EUR']}, otherwise=['XXX']", ["EUR", "XXX"]),
        (pa.array(["DE", "FR"]).dictionary_encode(), "{'DE': ['EUR']}, otherwise=['XXX']", ["EUR", "XXX"]),
    ],
)
def test_choice_by(deciding: pa.Array, cases: str, expected: list[object]) -> None:
    assert listed(f"choice_by('by', {cases})", 2, {"by": deciding}) == expected


def test_a_value_without_a_case_is_told() -> None:
    with pytest.raises(GenerationError, match="by is 'FR', which has no case"):
        listed("choice_by('by', {'DE': ['EUR']})", 2, {"by": pa.array(["DE", "FR"])})


DAY_TIME = ("2024-02-29", "08:00:00")


@pytest.mark.parametrize(
    ("deciding", "cases", "expected"),
    [
        (["a", "b", "a"], "{'a': constant('x'), 'b': constant(2)}", ["x", "2", "x"]),
        (["a", None, "b"], "{'a': constant('x')}, otherwise=constant('y')", ["x", "y", "y"]),
        (["a", None, "a"], "{'a': constant('x')}", ["x", None, "x"]),
        ([None, None, None], "{'a': constant('x')}", [None, None, None]),
        (["a", "b", "b"], "{'a': constant('x', null=1), 'b': template('<{by}>')}", [None, "<b>", "<b>"]),
        ([1, 2, 1], "{1: date('2024-02-29', '2024-02-29'), 2: time('08:00', '08:00')}", [*DAY_TIME, DAY_TIME[0]]),
    ],
)
def test_case_by(deciding: list[object], cases: str, expected: list[object]) -> None:
    assert listed(f"case_by('by', {cases})", 3, {"by": pa.array(deciding)}) == expected


def test_a_case_is_drawn_as_it_would_be_alone() -> None:
    rows = np.arange(1_000)
    columns = columns_of(rows)
    alone = {"a": listed("normal(0, 1)", rows), "b": listed("integer(1, 9)", rows), "c": listed("zipf(1, 9)", rows)}
    found = listed("case_by('code', {'a': normal(0, 1), 'b': integer(1, 9), 'c': zipf(1, 9)})", rows, columns)
    codes = columns["code"].to_pylist()
    assert found == [None if code is None else str(alone[code][row]) for row, code in enumerate(codes)]


def test_a_value_without_a_generator_is_told() -> None:
    with pytest.raises(GenerationError, match="c: case_by: by is 'FR', which has no case"):
        listed("case_by('by', {'DE': integer(1, 2)})", 2, {"by": pa.array(["DE", "FR"])})


# --- numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("generator", "low", "high"),
    [
        ("integer(3, 3)", 3, 3),
        ("integer(-4611686018427387904, 4611686018427387904)", -(2**62), 2**62),
        ("uniform(2.5, 2.5)", Decimal("2.50"), Decimal("2.50")),
        ("uniform(0.29, 0.29)", Decimal("0.29"), Decimal("0.29")),
        ("uniform(0, 0.004)", 0, 0),
        ("uniform(0.001, 0.019)", Decimal("0.01"), Decimal("0.01")),
        ("normal(0, 1, min=3, max=3)", 3, 3),
        ("normal(0, 1, min=9)", 9, 12),
        ("normal(0, 1, max=-9)", -12, -9),
        ("lognormal(1, 1, min=50)", 50, 10**6),
        ("exponential(1, min=100, max=101)", 100, 101),
        ("poisson(3, min=2, max=4)", 2, 4),
        ("poisson(1000000, max=10)", 8, 10),
        ("zipf(1, 1)", 1, 1),
        ("boolean(1)", True, True),
        ("empirical([3, 3])", 3, 3),
        ("empirical([-2, 0, 7], decimals=0)", -2, 7),
        ("empirical({0: 1, 0.999: 1, 1: 1000000000})", 1, 10**9),
        ("boolean(0)", False, False),
    ],
)
def test_bounds(generator: str, low: object, high: object) -> None:
    found = listed(generator)
    assert low <= min(found)
    assert max(found) <= high


@pytest.mark.parametrize(
    ("generator", "told"),
    [
        ("uniform(0.001, 0.004)", "no number with 2 decimals lies between"),
        ("normal(0, 1, min=60)", "standard deviations out"),
        ("exponential(1, max=-1)", "no values below"),
        ("lognormal(1000000000, 1, decimals=12)", "18 digits"),
        ("uniform(0, 10000000000, decimals=12)", "18 digits"),
        ("timestamp('2026-01-31', '2026-02-01', hours='business')", "no business hour"),
    ],
)
def test_what_cannot_be_drawn_is_told(generator: str, told: str) -> None:
    with pytest.raises(GenerationError, match=told):
        listed(generator)


def test_numbers_without_decimals_are_integers() -> None:
    assert values_of("normal(10, 2, decimals=0)").type == pa.int64()
    assert values_of("normal(10, 2, decimals=3)").type == pa.decimal128(19, 3)


# --- dates ---------------------------------------------------------------------------------------------------


def test_dates_reach_both_ends() -> None:
    assert {day.isoformat() for day in listed("date('2024-02-28', '2024-03-01')")} == {
        "2024-02-28",
        "2024-02-29",
        "2024-03-01",
    }


def test_timestamps_of_a_day_end_with_it() -> None:
    found = listed("timestamp('2024-02-29', '2024-02-29')", 200_000)
    assert {moment.date() for moment in found} == {dt.date(2024, 2, 29)}
    assert max(found).hour == 23
    assert listed("timestamp('2024-02-29 10:00:00', '2024-02-29 10:00:00')", 1) == [dt.datetime(2024, 2, 29, 10)]


def test_business_hours() -> None:
    found = listed("timestamp('2024-02-29 17:00:00', '2024-03-04 08:59:59', hours='business')", 20_000)
    assert {(moment.day, moment.hour) for moment in found} == {
        (29, 17),
        *((1, hour) for hour in range(8, 18)),
        (4, 8),
    }


def test_a_rhythm_leaves_out_what_weighs_nothing() -> None:
    generator = "timestamp('2024-02-28 12:00:00', '2024-03-04 08:29:59', hours={8: 1, 9: 0, 11: 2, 17: 1}, weekdays="
    found = listed(generator + "{'sat': 0, 'sunday': 0})", 20_000)
    assert {(moment.day, moment.hour) for moment in found} == {
        (28, 17), *((day, hour) for day in (29, 1) for hour in (8, 11, 17)), (4, 8),
    }  # fmt: skip
    assert max(moment for moment in found if moment.day == 4).minute == 29


@pytest.mark.parametrize(
    ("generator", "only"),
    [
        ("timestamp('2024-02-29 10:00:00', '2024-02-29 10:00:00', growth=1)", dt.datetime(2024, 2, 29, 10)),
        ("timestamp('2024-02-29 23:59:59', '2024-02-29', hours={23: 1})", dt.datetime(2024, 2, 29, 23, 59, 59)),
        ("date('2024-02-29', '2024-02-29', growth=1)", dt.date(2024, 2, 29)),
        ("date('2024-03-01', '2024-03-03', weekdays={'fri': 0, 'sun': 0})", dt.date(2024, 3, 2)),
        ("time('23:59:59', '23:59:59')", dt.time(23, 59, 59)),
        ("time('08:59:59', '12:00', hours={8: 5, 12: 0})", dt.time(8, 59, 59)),
    ],
)
def test_where_only_one_moment_is_left(generator: str, only: object) -> None:
    assert set(listed(generator, HUGE)) == {only}


def test_business_hours_are_the_same_with_weights_of_their_own() -> None:
    """Two ways to say the same thing: one by counting business seconds, one by weights of days and hours."""
    generator = "timestamp('2024-02-29 17:00:00', '2024-03-04 08:59:59', hours="
    days = "weekdays={'sat': 0, 'sun': 0}"
    by_weight = values_of(f"{generator}{list(range(8, 18))}, {days})", 5_000).view(pa.int64()).to_numpy()
    counted = values_of(f"{generator}'business')", 5_000).view(pa.int64()).to_numpy()
    assert np.abs(by_weight - counted).max() <= 1


DELAYS = ("median='2d'", "mean='2d'", "min='12h', max='4d'", "median='2d', min='1d', max='3d'", "min='1h', max='2h'")


@pytest.mark.parametrize("delay", DELAYS)
def test_later_is_later(delay: str) -> None:
    rows = np.arange(2_000)
    columns = columns_of(rows)
    for name, unit in (("day", dt.timedelta(days=1)), ("moment", dt.timedelta(seconds=1))):
        before = columns[name].to_pylist()
        for start, end in zip(before, listed(f"after('{name}', {delay})", rows, columns), strict=True):
            assert (start is None) == (end is None)
            assert start is None or end - start >= unit


def test_delays_keep_their_bounds() -> None:
    start = {
        "moment": pa.array([0] * 5_000).view(pa.timestamp("s")),
        "day": pa.array([0] * 5_000, pa.int32()).view(pa.date32()),
    }
    seconds = values_of("after('moment', mean='1h', min='30m', max='2h')", 5_000, start).view(pa.int64()).to_numpy()
    assert (seconds.min() >= 1_800, seconds.max() <= 7_200) == (True, True)
    days = values_of("after('day', min='36h', max='60h')", 5_000, start).view(pa.int32()).to_numpy()
    assert set(days.tolist()) == {2}
    days = values_of("after('day', min='2d', max='4d')", 5_000, start).view(pa.int32()).to_numpy()
    assert set(days.tolist()) == {2, 3, 4}


def test_what_has_not_happened_yet_is_not_known() -> None:
    last = pa.array([AS_OF - dt.timedelta(days=2)] * 500)
    known = listed("after('day', median='2d', known=true)", 500, {"day": last})
    everything = listed("after('day', median='2d')", 500, {"day": last})
    assert known == [day if day <= AS_OF else None for day in everything]
    assert None in known
    assert any(known)
    moments = pa.array([dt.datetime.combine(AS_OF, dt.time(23, 59, 50))] * 500, pa.timestamp("s"))
    known = listed("after('moment', min='5s', max='15s', known=true)", 500, {"moment": moments})
    assert {moment for moment in known if moment} == {
        dt.datetime.combine(AS_OF, dt.time(23, 59, second)) for second in range(55, 60)
    }


def test_after_a_date_key() -> None:
    assert listed("after('key', min='1d', max='1d')", 2, {"key": pa.array([20240228, None])}) == [
        dt.date(2024, 2, 29),
        None,
    ]


def test_calendar_of_the_row_itself() -> None:
    column = ResolvedColumn("name", DATE, parse_generator("calendar('date')"), ("days", "name"))
    rows = Days(dt.date(2024, 2, 28), 2, (dt.date(9999, 12, 31), dt.date(1900, 1, 1)))
    table = ResolvedTable("days", "days", Resource.SEED, rows, (column,))
    cells = Cells(
        dataclasses.replace(PLAN, tables=(table,)), column, Stream(1), np.array([3, 0, 1, 2]), lambda _: pa.nulls(4)
    )
    expected = [dt.date(1900, 1, 1), dt.date(2024, 2, 28), dt.date(2024, 2, 29), dt.date(9999, 12, 31)]
    assert make_values(cells).to_pylist() == expected


def test_calendar_of_null_is_null() -> None:
    days = {"day": pa.array([dt.date(2024, 2, 29), None])}
    assert listed("calendar('day_name', 'day')", 2, days) == ["Thursday", None]
    assert listed("calendar('is_weekend', 'day')", 2, days) == [False, None]


def test_calendar_without_a_date_is_told() -> None:
    with pytest.raises(GenerationError, match="give the column that holds the date"):
        listed("calendar('year')", 2)


# --- text ----------------------------------------------------------------------------------------------------


def test_templates() -> None:
    columns = {
        "name": pa.array(["Ann", None]),
        "total": pa.array([Decimal("12.50"), Decimal("1.00")]),
        "key": pa.array([20240229, 1]),
        "day": pa.array([dt.date(2024, 2, 29), dt.date(2024, 3, 1)]),
        "at": pa.array([dt.datetime(2024, 2, 29, 8), None], pa.timestamp("s")),
        "paid": pa.array([True, False]),
    }
    found = listed("template('{name}: {total} ({key}, {day}, {paid})')", 2, columns)
    assert found == ["Ann: 12.50 (20240229, 2024-02-29, true)", None]
    assert listed("template('at {at}')", 2, columns) == ["at 2024-02-29 08:00:00", None]
    assert listed("template('no field')", 2) == ["no field"] * 2


@pytest.mark.parametrize("generator", ["template('{code} {number} {code}')", "pool('calls', by=['code'])"])
def test_texts_are_the_same_however_the_columns_that_they_name_are_held(generator: str) -> None:
    calls = '{"stratum": {"code": "a"}, "text": "{code} at {number}"}\n{"text": "{code}, {number} and {code}"}'
    plan, columns = (
        dataclasses.replace(PLAN, pools={"calls": parse_pool(calls, "calls")[0]}),
        columns_of(np.arange(400)),
    )
    packed = {**columns, "code": columns["code"].dictionary_encode()}
    found = values_of(generator, 400, packed, plan=plan).to_pylist()
    assert found == values_of(generator, 400, columns, plan=plan).to_pylist()
    assert [found[place] is None for place in range(4)] == [False, False, False, True]


def test_kinds_that_need_other_rows_are_told() -> None:
    with pytest.raises(GenerationError, match="c: copy needs more than its own row"):
        listed("copy('customer_id.name')")


@given(st.integers(0, 2**62 - 1), st.integers(0, 2**62 - 1))
def test_unique_keys_of_any_two_rows_differ(one: int, other: int) -> None:
    for generator in ("uuid", "hash_key", "pattern('{n}')", "sequence", "fake('email', unique=true)"):
        first, second = listed(generator, np.array([one, other]))
        assert (first == second) == (one == other)


def test_multiples_of_another_column() -> None:
    rows = 20_000
    prices = pa.array([Decimal("80.00"), None, Decimal("0.00"), Decimal("-200.00")] * (rows // 4))
    found = listed("uniform(0.5, 0.75, decimals=3, times='price')", rows, {"price": prices})
    assert found[1::4] == [None] * (rows // 4)
    assert found[2] == Decimal("0.000")
    costs = [float(value) for value in found[0::4]]
    assert 40 <= min(costs) < 40.05
    assert 59.95 < max(costs) <= 60
    assert abs(np.mean(costs) - 50) < 5 * 20 / np.sqrt(12 * len(costs))
    assert all(-150 <= value <= -100 for value in found[3::4])
    whole = listed("lognormal(2, 0.1, decimals=0, times='n')", 3, {"n": pa.array([10, 100, 1_000])})
    assert [len(str(value)) for value in whole] == [2, 3, 4]
    # The factor is drawn as it is without times, so that a bound cuts it and not the product.
    assert max(listed("exponential(1, max=2, times='n')", 500, {"n": pa.array([7.0] * 500)})) <= 14
    with pytest.raises(GenerationError, match="has more digits"):
        listed("uniform(1, 2, decimals=12, times='n')", 1, {"n": pa.array([10**12])})
