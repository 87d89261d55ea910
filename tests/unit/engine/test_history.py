from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from seedbed.engine.history import LONGEST, OPEN, Lives, Walk, Walker, version_at
from seedbed.engine.rng import Stream
from seedbed.errors import GenerationError
from seedbed.plan.resolved import DAY, DwellTime, ResolvedLifecycle

START = 20_000 * DAY
END = 20_100 * DAY - 1
TWO_DAYS = DwellTime("fixed", 2.0 * DAY)

LINE = ResolvedLifecycle(
    name="ticket",
    entity="ticket",
    states=("open", "working", "done"),
    initial=((1.0, 0.0, 0.0),),
    matrices=(((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0)),),
    dwell=((TWO_DAYS,) * 3,) * 3,
    revisit=True,
    granularity=DAY,
    arrivals=(START, START),
    max_versions=16,
)
CIRCLE = replace(LINE, matrices=(((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (1.0, 0.0, 0.0)),), max_versions=1_000)


def walker(lifecycle: ResolvedLifecycle, end: int = END, planned: int = 100) -> Walker:
    return Walker(lifecycle, Stream(1, "ticket"), end, END, planned)


def walk_one(lifecycle: ResolvedLifecycle, end: int = END) -> Walk:
    return walker(lifecycle, end).walk(np.array([5]))


def test_a_walk_that_is_over() -> None:
    walk = walk_one(LINE)
    assert walk.state.tolist() == [0, 1, 2]
    assert walk.start.tolist() == [START, START + 2 * DAY, START + 4 * DAY]
    assert walk.until.tolist() == [START + 2 * DAY, START + 4 * DAY, OPEN]
    assert (walk.ended[0], walk.life_end[0], walk.upcoming[0]) == (START + 4 * DAY, START + 4 * DAY, OPEN)
    assert (walk.counts.tolist(), walk.owner.tolist(), walk.ordinal.tolist()) == ([3], [0, 0, 0], [0, 1, 2])


def test_a_walk_that_is_under_way_knows_what_will_come() -> None:
    walk = walk_one(LINE, end=START + 2 * DAY)
    assert walk.state.tolist() == [0, 1]
    assert walk.until.tolist() == [START + 2 * DAY, OPEN]
    assert (walk.ended[0], walk.life_end[0], walk.upcoming[0]) == (OPEN, START + 4 * DAY, START + 4 * DAY)


def test_a_walk_that_has_not_begun_has_no_version() -> None:
    walk = walk_one(LINE, end=START - 1)
    assert (walk.counts.tolist(), walk.state.tolist(), walk.upcoming.tolist()) == ([0], [], [START])
    assert version_at(walk, np.array([0]), np.array([START])).tolist() == [-1]


def test_no_entity_at_all() -> None:
    walk = walker(LINE).walk(np.array([], dtype=np.int64))
    assert (walk.first.tolist(), len(walk.state), len(walk.life_end)) == ([0], 0, 0)


def test_a_life_without_end_lasts_as_long_as_the_planned_time() -> None:
    for end in (START + DAY, END, END + 500 * DAY):
        walk = walk_one(CIRCLE, end)
        assert walk.life_end[0] == END + 1
        assert walk.ended[0] == OPEN
        assert walk.upcoming[0] > end
    assert len(walk.state) == 300


def test_at_the_most_versions_a_walk_stays_where_it_is() -> None:
    walk = walk_one(replace(LINE, max_versions=2))
    assert walk.state.tolist() == [0, 1]
    assert (walk.ended[0], walk.upcoming[0], walk.life_end[0]) == (OPEN, OPEN, END + 1)


def test_a_walk_that_is_stuck_stays_open() -> None:
    back = replace(LINE, matrices=(((0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 0.0)),), revisit=False)
    walk = walk_one(back)
    assert walk.state.tolist() == [0, 1]
    assert (walk.ended[0], walk.upcoming[0], walk.life_end[0]) == (OPEN, OPEN, END + 1)


@pytest.mark.parametrize(
    ("granularity", "seconds", "stay"),
    [(DAY, 1.0, DAY), (DAY, DAY + 60.0, 2 * DAY), (DAY, 2.0 * DAY, 2 * DAY), (1, 0.2, 1), (1, 90.4, 90)],
)
def test_stays_are_whole_and_never_nothing(granularity: int, seconds: float, stay: int) -> None:
    lifecycle = replace(LINE, granularity=granularity, dwell=((DwellTime("fixed", seconds),) * 3,) * 3)
    assert np.diff(walk_one(lifecycle).start).tolist() == [stay, stay]


def test_a_stay_belongs_to_its_edge() -> None:
    time = [DwellTime("fixed", float(days * DAY)) for days in range(1, 10)]
    lifecycle = replace(LINE, dwell=(tuple(time[0:3]), tuple(time[3:6]), tuple(time[6:9])))
    assert (np.diff(walk_one(lifecycle).start) // DAY).tolist() == [2, 6]


def test_moments_cannot_overflow() -> None:
    endless = replace(CIRCLE, dwell=((DwellTime("lognormal", float(LONGEST), 5.0),) * 3,) * 3, max_versions=50)
    walk = walker(endless, end=OPEN - 1).walk(np.arange(200))
    assert (np.diff(walk.start.reshape(200, 50), axis=1) > 0).all()


def test_arrivals_cover_their_days_evenly() -> None:
    lifecycle = replace(LINE, arrivals=(START, START + 9 * DAY))
    days = (walker(lifecycle, planned=20_000).arrivals(np.arange(20_000)) - START) / DAY
    counts = np.unique_counts(days)
    assert counts.values.tolist() == list(range(10))
    assert abs(counts.counts - 2_000).max() < 250


def test_newcomers_arrive_at_the_planned_rate() -> None:
    lifecycle = replace(LINE, arrivals=(START, END // DAY * DAY))
    assert [walker(lifecycle, END + days * DAY, 50).count_entities() for days in (-30, 0, 1, 2, 3, 100)] == [
        50, 50, 50, 51, 51, 100,
    ]  # fmt: skip
    # Where arrivals were to stop before the as-of date, nobody comes afterwards.
    assert walker(replace(lifecycle, arrivals=(START, START)), END + 100 * DAY, 50).count_entities() == 50
    begin = walker(lifecycle, END + 100 * DAY, 50).arrivals(np.arange(50, 100))
    assert ((begin - END - 1) // DAY).tolist() == list(range(1, 100, 2))


BY_PRIORITY = replace(
    LINE,
    initial=LINE.initial * 2,
    matrices=(LINE.matrices[0], ((0.0, 0.0, 1.0), (0.0,) * 3, (0.0,) * 3)),
    depends_on="priority",
    cases={"low": 0, "high": 1},
)


def test_moves_follow_the_case_of_the_entity() -> None:
    ticket = walker(BY_PRIORITY)
    cases = ticket.cases_of(pa.array(["high", "low", "high"]).dictionary_encode())
    walk = ticket.walk(np.array([1, 2, 3]), cases)
    assert walk.state.tolist() == [0, 2, 0, 1, 2, 0, 2]
    with pytest.raises(GenerationError, match="priority"):
        ticket.walk(np.array([1, 2, 3]))


def test_a_value_without_a_case_takes_the_rest_or_is_an_error() -> None:
    values = pa.array(["low", None, "medium"])
    assert walker(replace(BY_PRIORITY, otherwise=1)).cases_of(values).tolist() == [0, 1, 1]
    with pytest.raises(GenerationError, match="ticket: priority is None"):
        walker(BY_PRIORITY).cases_of(values)


@pytest.mark.parametrize(
    ("cases", "values"), [({True: 0, False: 1}, pa.array([True, False])), ({1: 0, 2: 1}, pa.array([1, 2]))]
)
def test_cases_may_be_of_any_type(cases: dict[int, int], values: pa.Array) -> None:
    assert walker(replace(BY_PRIORITY, cases=cases)).cases_of(values).tolist() == [0, 1]


def test_too_many_entities_for_one_search_are_refused() -> None:
    walk = walk_one(LINE)
    far = replace(walk, start=np.array([0, 1, OPEN // 2]))
    with pytest.raises(GenerationError, match="too many"):
        version_at(far, np.array([0]), np.array([1]))


def test_of_lives_that_are_too_long_to_be_kept_nothing_is_known() -> None:
    most = 2**32 - 2
    for seconds, kept in ((0, 0), (3 * DAY, 3 * DAY), (most, most), (most + 1, None), (OPEN - START, None)):
        walk = replace(walk_one(LINE), life_end=np.array([START + seconds]))
        lives = Lives(8)
        lives.note(np.array([5]), walk)
        found = lives.lengths(np.array([5]))
        assert (None if found is None else found.tolist()) == (None if kept is None else [kept])
    assert lives.lengths(np.array([4])) is None
    assert lives.lengths(np.array([8])) is None
