"""Every kind of generator keeps its distribution, or has none; and makes the same values in whatever batches."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels import values_of
from limits import NORMAL, RARE, ROWS, STREAM, N, assert_shares, ks_distance, ks_limit

from seedbed.engine.batches import ALONE
from seedbed.engine.distributions import normal_probability
from seedbed.engine.rhythms import draw_days, draw_moments
from seedbed.engine.workers import Workers
from seedbed.plan.generators import parse_generator
from seedbed.plan.kinds import KINDS
from seedbed.plan.resolved import ResolvedPlan
from seedbed.plan.rhythm import DAY, Rhythm
from worlds import make, resolve_text, schema_from, seeds, values

Cumulative = Callable[[float], float]

FEW: dict[str, dict[object, float]] = {
    "choice({'a': 70, 'b': 25, 'c': 5, 'd': 0})": {"a": 70, "b": 25, "c": 5},
    "choice(['a', 'b', 'c'])": {"a": 1, "b": 1, "c": 1},
    "choice_by('code', {'a': {'x': 3, 'y': 1}, 'b': {'y': 1, 'z': 1}})": {"x": 3, "y": 3, "z": 2},
    "case_by('code', {'a': integer(1, 2), 'b': boolean(0.25)})": {"1": 2, "2": 2, "true": 1, "false": 3},
    "integer(-2, 3)": dict.fromkeys(range(-2, 4), 1),
    "boolean(0.1)": {True: 1, False: 9},
    "poisson(1, max=3)": {0: 6, 1: 6, 2: 3, 3: 1},
    "zipf(2, 4)": {1: 144, 2: 36, 3: 16, 4: 9},
    "uniform(0, 1, decimals=1)": {f"0.{k}" if k < 10 else "1.0": 1 for k in range(11)},
    "each(['a', 'b'])": {"a": 1, "b": 1},
    "pattern('{letters}')": dict.fromkeys("abcdefghijklmnopqrstuvwxyz", 1),
    "uuid()": {},
    "date('2024-02-27', '2024-03-02')": dict.fromkeys(range(19780, 19785), 1),
    "after('day', min='2d', max='4d')": {2: 1, 3: 1, 4: 1},
}
"""Generators of few values, and their weights; of the first hexadecimal digit where none are given."""
SMOOTH: dict[str, tuple[float, Cumulative]] = {
    "uniform(-3, 9, decimals=6)": (1e6, lambda x: (x + 3) / 12),
    "normal(50, 7, decimals=6)": (1e6, lambda x: normal_probability((x - 50) / 7)),
    "normal(50, 7, min=50, decimals=6)": (1e6, lambda x: 2 * normal_probability((x - 50) / 7) - 1),
    "lognormal(120, 0.6, decimals=6)": (1e6, lambda x: normal_probability(math.log(x / 120) / 0.6)),
    "exponential(4, decimals=6)": (1e6, lambda x: 1 - math.exp(-x / 4)),
    "empirical([0, 10, 25, 60, 400], decimals=6)": (
        1e6, lambda x: float(np.interp(x, [0, 10, 25, 60, 400], [0, 0.25, 0.5, 0.75, 1])),
    ),
    "empirical({0: -5, 0.1: 0, 0.9: 60, 0.99: 400, 1: 10000}, decimals=6)": (
        1e6, lambda x: float(np.interp(x, [-5, 0, 60, 400, 10_000], [0, 0.1, 0.9, 0.99, 1])),
    ),
    "timestamp('1970-01-01', '1970-04-10')": (1, lambda x: x / (100 * DAY)),
    "time()": (1, lambda x: x / DAY),
    "after('moment', median='9h', sigma=0.7)": (1, lambda x: normal_probability(math.log(x / 32_400) / 0.7)),
    "after('moment', mean='9h')": (1, lambda x: 1 - math.exp(-x / 32_400)),
    "after('moment', min='1h', max='9h')": (1, lambda x: (x - 3_600) / 28_800),
}  # fmt: skip
"""Generators of many values: how many whole steps make one, and their distribution function."""
ELSEWHERE = {
    "foreign_key": "test_foreign_keys_are_drawn_as_they_say, below",
    "during": "test_moments_during_a_life_lie_evenly_in_it, below",
    "lifecycle": "its rates: tests/invariants/test_histories.py",
    "hash_key": "as uuid, of the same words",
    "pool": "tests/unit/engine/test_pools.py",
    "fake": "from the lists and weights of Faker: tests/unit/engine/test_people.py",
    "constant": "nothing is drawn",
    "sequence": "nothing is drawn",
    "ordinal": "nothing is drawn",
    "template": "follows from the row",
    "sql": "follows from the row",
    "calendar": "follows from the row",
    "date_key": "follows from the row",
    "copy": "follows from a parent's row",
    "version": "follows from the history",
    "rollup": "follows from the children",
    "changed_at": "follows from what happened to the row",
    "loaded_at": "follows from what happened to the row",
    "deleted_at": "shares and delays of tables: tests/unit/engine/test_records.py",
    "is_deleted": "shares and delays of tables: tests/unit/engine/test_records.py",
}
"""Where else the distribution of a kind is tested, or why it has none."""


def test_the_distribution_of_every_kind_is_tested_or_it_has_none() -> None:
    tested = {parse_generator(text).kind for text in (*FEW, *SMOOTH)}
    assert tested.isdisjoint(ELSEWHERE)
    assert tested | set(ELSEWHERE) == set(KINDS)


BESIDE = {
    "code": pa.array(["a", "b"]).take(pa.array(ROWS % 2)),
    "day": pa.array(np.zeros(N, np.int32)).view(pa.date32()),
    "moment": pa.array(np.zeros(N, np.int64)).view(pa.timestamp("s")),
}


@pytest.mark.parametrize("generator", FEW)
def test_values_have_the_shares_of_their_kind(generator: str) -> None:
    drawn = values_of(generator, N, BESIDE)
    if pa.types.is_date(drawn.type):
        drawn = drawn.view(pa.int32())
    elif pa.types.is_decimal(drawn.type):
        drawn = drawn.cast(pa.string())
    weights = FEW[generator] or dict.fromkeys("0123456789abcdef", 1)
    if not FEW[generator]:
        drawn = pc.utf8_slice_codeunits(drawn, 0, 1)
    counts = {item["values"]: item["counts"] for item in pc.value_counts(drawn).to_pylist()}
    assert counts.keys() == weights.keys()
    shares = np.array(list(weights.values())) / sum(weights.values())
    assert_shares(np.array([counts[value] for value in weights]), shares)


@pytest.mark.parametrize("generator", SMOOTH)
def test_values_have_the_distribution_of_their_kind(generator: str) -> None:
    steps, cumulative = SMOOTH[generator]
    drawn = values_of(generator, N, BESIDE)
    if pa.types.is_decimal(drawn.type):
        numbers = drawn.cast(pa.float64()).to_numpy()
    else:
        numbers = drawn.view(pa.int32() if pa.types.is_time32(drawn.type) else pa.int64()).to_numpy() / steps
    # A value stands for all that are rounded to it.
    assert ks_distance(numbers, lambda x: np.clip([cumulative(value) for value in x], 0, 1)) < ks_limit(N) + 2e-5


@pytest.mark.parametrize("share", [0.001, 0.25, 0.9])
def test_nulls_have_their_share_and_leave_the_other_values_alone(tmp_path: Path, share: float) -> None:
    schema = schema_from(tmp_path, seeds(t="id integer unique, x decimal(9,2), y decimal(9,2)"))
    columns = f"{{id: sequence(), x: 'normal(0, 1)', y: 'normal(0, 1, null={share})'}}"
    resolved = resolve_text(schema, f"tables: {{t: {{rows: 50000, columns: {columns}}}}}")
    filled = make(resolved, "t")["y"]
    limit = NORMAL.inv_cdf(1 - RARE / 2) * math.sqrt(50_000 * share * (1 - share))
    assert abs(filled.null_count - 50_000 * share) < limit
    present = filled.drop_null().cast(pa.float64()).to_numpy()
    distance = ks_distance(present, lambda x: np.array([normal_probability(value) for value in x]))
    assert distance < ks_limit(len(present)) + 2e-3  # for the width of a hundredth


# --- foreign keys and lives ----------------------------------------------------------------------------------

KEYS = """
tables:
  parents: {rows: 40, columns: {id: sequence()}}
  children:
    rows: 60000
    columns:
      id: sequence()
      even: foreign_key('parents', role='even')
      busy: foreign_key('parents', role='busy', zipf=1.3)
      some: foreign_key('parents', role='some', null=0.2)
      their: {generator: "foreign_key('parents', role='their')", varies_by: id}
"""


def test_foreign_keys_are_drawn_as_they_say(tmp_path: Path) -> None:
    columns = "id integer unique, even integer, busy integer, some integer, their integer"
    schema = schema_from(tmp_path, seeds(parents="id integer unique", children=columns))
    children = make(resolve_text(schema, KEYS), "children")
    for name in ("even", "some", "their"):
        assert_shares(np.bincount(children[name].drop_null().to_numpy() - 1, minlength=40), np.full(40, 1 / 40))
    ranks = np.arange(1, 41) ** -1.3
    assert_shares(np.bincount(children["busy"].to_numpy() - 1, minlength=40), ranks / ranks.sum())
    missing = children["some"].null_count
    assert_shares(np.array([missing, len(children) - missing]), [0.2, 0.8])
    pairs = (children["even"].to_numpy() - 1) * 40 + children["their"].to_numpy() - 1
    assert_shares(np.bincount(pairs, minlength=1_600), np.full(1_600, 1 / 1_600))


def test_moments_during_a_life_lie_evenly_in_it(tmp_path: Path) -> None:
    schema = schema_from(
        tmp_path,
        seeds(cases="id integer unique, opened timestamp", facts="id integer unique, case_id integer, at timestamp"),
    )
    plan = """
    tables:
      cases:
        rows: 5000
        lifecycle:
          {transitions: {new: {done: 1}}, initial: new, dwell: {new: {fixed: 100d}}, arrivals: {end: 2024-12-31}}
        columns: {id: sequence(), opened: "lifecycle('cases', 'started')"}
      facts:
        rows: per cases, poisson(4)
        columns: {id: sequence(), case_id: foreign_key('cases'), at: during('cases')}
    """
    resolved = resolve_text(schema, plan)
    opened = make(resolved, "cases")["opened"].cast(pa.int64()).to_numpy()
    facts = make(resolved, "facts")
    share = (facts["at"].cast(pa.int64()).to_numpy() - opened[facts["case_id"].to_numpy() - 1]) / (100 * DAY)
    assert len(share) > 15_000
    assert ks_distance(share, lambda x: x) < ks_limit(len(share)) + 1e-6


# --- days and moments ----------------------------------------------------------------------------------------


def test_days_keep_the_weights_of_their_rhythm() -> None:
    """Each day of three years with a leap day, against weights worked out from the calendar."""
    parsed = parse_generator(
        "date('2023-01-01', '2025-12-31', weekdays={'sat': 0.3, 'sun': 0}, months={'feb': 2.5, 'dec': 1.8}, growth=0.4)"
    )
    days = np.arange("2023-01-01", "2026-01-01", dtype="datetime64[D]")
    weekday = (days.astype(int) + 3) % 7
    month = days.astype("datetime64[M]").astype(int) % 12
    weights = np.array([1, 1, 1, 1, 1, 0.3, 0])[weekday] * np.array([1, 2.5, *[1] * 9, 1.8])[month]
    weights *= 1.4 ** (np.arange(len(days)) / 365.2425)
    drawn = draw_days(parsed.rhythm, *parsed.ends, STREAM.bits(ROWS)) - days.astype(int)[0]
    assert_shares(np.bincount(drawn, minlength=len(days)), weights / weights.sum())


@pytest.mark.parametrize("generator", [
    "timestamp('2024-02-26 09:30:00', '2024-03-03 18:10:59', hours={8: 1, 9: 2, 12: 0.5, 18: 4}, weekdays={'sun': 3})",
    "timestamp('2024-02-29 08:59:59', '2024-02-29 09:00:01', hours={8: 1, 9: 2})",
    "timestamp('2024-02-26', '2024-03-03', weekdays={'sat': 0.1}, growth=10)",
    "time('09:59:30', '20:00:29', hours={9: 1, 10: 3, 20: 5})",
    "time()",
])  # fmt: skip
def test_moments_keep_the_weights_of_days_and_hours(generator: str) -> None:
    """Minute by minute: a minute that is cut by an end has only what is left of it."""
    parsed = parse_generator(generator)
    first, last = parsed.ends
    drawn = draw_moments(parsed.rhythm, first, last, STREAM.bits(ROWS))
    assert drawn.min() >= first
    assert drawn.max() <= last
    seconds = np.arange(first, last + 1)
    days = np.fromiter(parsed.rhythm.days(first // DAY), float, last // DAY - first // DAY + 1)
    weights = days[seconds // DAY - first // DAY] * np.array(parsed.rhythm.hours)[seconds % DAY // 3600]
    minutes = seconds // 60 - first // 60
    shares = np.bincount(minutes, weights=weights) / weights.sum()
    assert_shares(np.bincount(drawn // 60 - first // 60, minlength=len(shares)), shares)


@given(st.integers(0, 2**64 - 2), st.integers(0, 86_399), st.integers(0, 3 * 86_400))
def test_a_larger_word_is_a_later_moment(word: int, start: int, length: int) -> None:
    rhythm = Rhythm((1.0, 0.0, 2.0, 0.5, 1.0, 1.0, 3.0), growth=0.3, hours=(1.0, 0.0, 3.0, 3.0) * 6)
    try:
        rhythm.masses(start, start + length)
    except ValueError:
        return
    words = np.array([0, word, word + 1, 2**64 - 1], np.uint64)
    drawn = draw_moments(rhythm, start, start + length, words)
    assert (np.diff(drawn) >= 0).all()
    assert drawn[0] >= start
    assert drawn[-1] <= start + length


# --- batches -------------------------------------------------------------------------------------------------

ALL_KINDS = """
tables:
  days: {rows: "dates('2023-12-01', '2026-12-31')", columns: {day: calendar('key')}}
  products: {rows: 30, columns: {id: uuid(), name: "each(['Lamp', 'Chair', 'Desk'])"}}
  cases:
    rows: 50
    columns:
      id: hash_key()
      person: fake('full_name')
      state: lifecycle('steps', 'state')
      total: rollup('lines', 'sum', 'price')
  steps:
    history:
      {entity: case_id, state: state, valid_from: since, transitions: {new: {done: 1}}, initial: new, dwell: 90d,
       arrivals: {weekdays: {sun: 0}, growth: 0.5, hours: business}}
    columns: {id: sequence(), case_id: foreign_key('cases')}
  lines:
    rows: per cases, poisson(4)
    columns:
      id: pattern('{n}-{letters:3}')
      case_id: foreign_key('cases')
      product_id: foreign_key('products')
      place: ordinal()
      at: during('steps')
      step_id: version('steps', 'at')
      due: after('at', median='3d', null=0.2)
      day_id: date_key('days', 'due')
      price: "lognormal(50, 0.8, correlated={'size': 0.7})"
      size: integer(1, 100)
      rating: "normal(3, 1, min=1, max=5, correlated={'price': -0.4, 'size': 0.2})"
      hits: zipf(1.2, 50)
      visits: "poisson(3, correlated={'hits': 0.5})"
      waited: exponential(4)
      share: uniform(0, 1, decimals=4)
      spend: empirical([0, 10, 25, 60, 400])
      paid: boolean(0.7)
      channel: {generator: "choice({'web': 70, 'shop': 30})", varies_by: case_id}
      partner: "choice_by('channel', {'web': ['a', 'b'], 'shop': ['c']})"
      fee: "case_by('channel', {'web': uniform(1, 5), 'shop': lognormal(9, 1)}, when='paid')"
      born: "date('1950-01-01', '2005-12-31', growth=0.01)"
      seen: "timestamp('2024-01-01', '2025-12-31', months={'dec': 3}, hours={9: 1, 20: 2})"
      clock: time('08:00', '17:59:59')
      fixed: constant('x')
      person: copy('case_id.person')
      doubled: sql('size * 2')
      label: template('{channel} {size}')
      note: pool('notes', by='channel')
  shipments:
    rows: 200
    deletes: {share: 0.5, delay: 100d, of: shipped}
    columns:
      id: sequence()
      shipped: date('2025-01-01', '2025-12-31')
      changed: changed_at('shipped')
      loaded: loaded_at('shipped')
      deleted: deleted_at()
      is_deleted: is_deleted()
  reviews:
    rows: 80
    columns:
      id: sequence()
      line_id: foreign_key('lines')
      product_id: foreign_key('products', via='line_id')
      case_id: foreign_key('cases', via='line_id')
      chosen: copy('line_id.product_id')
      whose: copy('line_id.case_id')
"""
NOTES = "".join(
    f'{{"stratum": {{"channel": "{by}"}}, "text": "Note {n} for {{size}}"}}\n'
    for n in range(3)
    for by in ("web", "shop")
)
LINES = (
    "id varchar unique, case_id varchar, product_id varchar, place integer, at timestamp, step_id integer",
    "due timestamp, day_id integer, price decimal(9,2), size integer, rating decimal(9,2), hits integer",
    "visits integer, waited decimal(9,2), share decimal(9,4), spend decimal(9,2), paid boolean, channel varchar",
    "partner varchar, fee decimal(9,2), born date, seen timestamp, clock time, fixed varchar, person varchar",
    "doubled integer, label varchar, note varchar",
)


@pytest.fixture(scope="module")
def all_kinds(tmp_path_factory: pytest.TempPathFactory) -> ResolvedPlan:
    tables = {
        "days": "day integer unique",
        "products": "id varchar unique, name varchar",
        "cases": "id varchar unique, person varchar, state varchar, total decimal(12,2)",
        "steps": "id integer unique, case_id varchar, state varchar, since timestamp",
        "lines": ", ".join(LINES),
        "shipments": "id integer unique, shipped date, changed timestamp, loaded timestamp, deleted timestamp, "
        "is_deleted boolean",
        "reviews": "id integer unique, line_id varchar, product_id varchar, case_id varchar, chosen varchar, "
        "whose varchar",
    }
    folder = tmp_path_factory.mktemp("all")
    schema = schema_from(folder, seeds(**tables), **{"seedbed/pools/notes.jsonl": NOTES})
    resolved = resolve_text(schema, ALL_KINDS)
    used = {column.generator.kind for table in resolved for column in table.columns}
    assert set(KINDS) <= used
    return resolved


@given(st.integers(1, 400), st.booleans())
@settings(max_examples=8, deadline=None)
def test_values_of_every_kind_do_not_depend_on_batches(
    all_kinds: ResolvedPlan, elsewhere: Workers, batch_rows: int, away: bool
) -> None:
    workers = elsewhere if away else ALONE
    for table in all_kinds:
        whole = make(all_kinds, table.name)
        assert whole.num_rows
        assert make(all_kinds, table.name, batch_rows=batch_rows, workers=workers) == whole, table.name


def test_two_keys_lead_through_the_same_row(all_kinds: ResolvedPlan) -> None:
    """A review has the product and the case of one line, the one that it names."""
    reviews, lines = values(all_kinds, "reviews"), values(all_kinds, "lines")
    of_line = {line: pair for line, *pair in zip(lines["id"], lines["product_id"], lines["case_id"], strict=True)}
    assert len(set(map(tuple, of_line.values()))) > 50
    for line, product, case in zip(reviews["line_id"], reviews["product_id"], reviews["case_id"], strict=True):
        assert [product, case] == of_line[line]
    assert (reviews["product_id"], reviews["case_id"]) == (reviews["chosen"], reviews["whose"])
