"""What holds of every history: P3, P5, P7 and P8, for processes that nobody thought of."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.engine.history import OPEN, Walk, Walker, version_at
from seedbed.engine.rng import Stream
from seedbed.plan.resolved import DAY, DwellTime, ResolvedLifecycle
from seedbed.plan.rhythm import Rhythm

FIRST = 19_000 * DAY
PLANNED_END = 19_400 * DAY - 1
SOME = 60


def shares(weights: list[int]) -> tuple[float, ...]:
    total = sum(weights)
    return tuple(weight / total if total else 0.0 for weight in weights)


seconds = st.floats(60, 90 * DAY)
dwell_times = st.one_of(
    st.builds(DwellTime, st.just("lognormal"), seconds, st.floats(0.1, 2), st.just(0.0)),
    st.builds(DwellTime, st.just("exponential"), seconds),
    st.builds(lambda mean: DwellTime("exponential", mean, minimum=mean / 3, maximum=mean * 2), seconds),
    st.builds(lambda low, more: DwellTime("uniform", low, low + more), seconds, seconds),
    st.builds(DwellTime, st.just("fixed"), seconds),
)


@st.composite
def lifecycles(draw: st.DrawFn, most_states: int = 6) -> ResolvedLifecycle:
    """Any process: states that nothing leads to, loops, moves to itself, no last state, nothing but last states."""
    size = draw(st.integers(1, most_states))
    cases = draw(st.integers(1, 3))
    weights = st.lists(st.sampled_from([0, 0, 0, 1, 2, 7]), min_size=size, max_size=size)
    some_weight = weights.filter(any)
    revisit = draw(st.booleans())
    granularity = draw(st.sampled_from([1, DAY]))
    times = draw(st.lists(dwell_times, min_size=1, max_size=4))
    last = draw(st.integers(FIRST, PLANNED_END)) // granularity * granularity
    return ResolvedLifecycle(
        name="process",
        entity="case",
        states=tuple(f"s{index}" for index in range(size)),
        initial=tuple(shares(draw(some_weight)) for _ in range(cases)),
        matrices=tuple(tuple(shares(draw(weights)) for _ in range(size)) for _ in range(cases)),
        dwell=tuple(tuple(draw(st.sampled_from(times)) for _ in range(size)) for _ in range(size)),
        revisit=revisit,
        granularity=granularity,
        arrivals=(FIRST, last),
        max_versions=draw(st.integers(1, 40)),
    )


ends = st.integers(-50, 400).map(lambda days: PLANNED_END + days * DAY)


def walk_of(lifecycle: ResolvedLifecycle, end: int, entities: np.ndarray, planned: int = SOME) -> Walk:
    walker = Walker(lifecycle, Stream(7, "process"), end, PLANNED_END, planned)
    return walker.walk(entities, entities % len(lifecycle.matrices))


def versions_of(walk: Walk, position: int) -> list[tuple[int, int, int]]:
    """State, start and end of each version of one entity."""
    here = slice(int(walk.first[position]), int(walk.first[position + 1]))
    return list(zip(walk.state[here].tolist(), walk.start[here].tolist(), walk.until[here].tolist(), strict=True))


@given(lifecycles(), ends)
@settings(max_examples=150, deadline=None)
def test_histories_are_legal(lifecycle: ResolvedLifecycle, end: int) -> None:
    assert_legal(lifecycle, end)


@given(lifecycles(most_states=20), ends)
@settings(max_examples=25, deadline=None)
def test_histories_of_many_states_are_legal(lifecycle: ResolvedLifecycle, end: int) -> None:
    assert_legal(lifecycle, end)


@pytest.mark.parametrize("size", [13, 70])
def test_no_state_comes_twice_though_all_may_follow(size: int) -> None:
    """More sets of seen states than a table can hold, and more states than a word has bits."""
    row = (1 / size,) * size
    time = DwellTime("fixed", 60.0)
    lifecycle = simple(
        states=tuple(f"s{index}" for index in range(size)),
        initial=(row,),
        matrices=((row,) * size,),
        dwell=((time,) * size,) * size,
        revisit=False,
        max_versions=size,
    )
    assert_legal(lifecycle, NEVER)
    walk = walk_of(lifecycle, NEVER, np.arange(3_000), 3_000)
    assert (walk.counts == size).all()
    for ordinal in (0, 1, size // 2, size - 1):
        assert_shares(Counter(walk.state[walk.first[:-1] + ordinal].tolist()), row)


def assert_legal(lifecycle: ResolvedLifecycle, end: int) -> None:
    """P5, checked one entity at a time."""
    entities = np.arange(2 * SOME)
    walk = walk_of(lifecycle, end, entities)
    assert len(walk.first) == len(entities) + 1
    for number in range(len(entities)):
        case = number % len(lifecycle.matrices)
        matrix = lifecycle.matrices[case]
        versions = versions_of(walk, number)
        begin, ended, upcoming, life_end = (
            int(array[number]) for array in (walk.begin, walk.ended, walk.upcoming, walk.life_end)
        )
        assert (begin <= end) == bool(versions)
        assert begin <= life_end < OPEN
        assert life_end % lifecycle.granularity == 0
        if not versions:
            assert begin == upcoming
            continue
        states = [state for state, _, _ in versions]
        assert begin == versions[0][1]
        assert lifecycle.initial[case][states[0]] > 0
        assert all(matrix[before][after] > 0 for before, after in pairwise(states))
        assert [until for _, _, until in versions] == [start for _, start, _ in versions[1:]] + [OPEN]
        assert all(until - start >= lifecycle.granularity for _, start, until in versions)
        assert all(start % lifecycle.granularity == 0 and start <= end for _, start, _ in versions)
        assert not any(sum(matrix[state]) == 0 for state in states[:-1])
        assert lifecycle.revisit or len(set(states)) == len(states)
        assert len(states) <= lifecycle.max_versions
        over = sum(matrix[states[-1]]) == 0
        assert ended == (versions[-1][1] if over else OPEN)
        assert upcoming > end
        if over:
            assert life_end == ended
            assert upcoming == OPEN
        if upcoming == OPEN and not over:
            left = [after for after, share in enumerate(matrix[states[-1]]) if share and after not in states]
            assert len(states) == lifecycle.max_versions or (not lifecycle.revisit and not left)


@given(lifecycles(), ends, ends)
@settings(max_examples=100, deadline=None)
def test_a_later_as_of_date_changes_only_what_is_open(lifecycle: ResolvedLifecycle, one: int, other: int) -> None:
    early, late = min(one, other), max(one, other)
    entities = np.arange(2 * SOME)
    before, after = walk_of(lifecycle, early, entities), walk_of(lifecycle, late, entities)
    for number in range(len(entities)):
        was, now = versions_of(before, number), versions_of(after, number)
        closed = [version for version in was if version[2] != OPEN]
        assert now[: len(closed)] == closed
        assert now[len(closed) : len(was)] == [
            (state, start, now[len(closed)][2]) for state, start, _ in was[len(closed) :]
        ]
        assert all(start > early for _, start, _ in now[len(was) :])
        if len(now) > len(was):
            assert now[len(was)][1] == before.upcoming[number]
    np.testing.assert_array_equal(before.begin, after.begin)
    np.testing.assert_array_equal(before.life_end, after.life_end)


@given(lifecycles(), ends, st.permutations(range(SOME)), st.integers(1, SOME))
@settings(max_examples=60, deadline=None)
def test_company_does_not_matter(lifecycle: ResolvedLifecycle, end: int, order: list[int], size: int) -> None:
    """Each entity has the same walk whether it is asked for in order, alone, or among others."""
    whole = walk_of(lifecycle, end, np.arange(SOME))
    for begin in range(0, SOME, size):
        part = np.array(order[begin : begin + size], dtype=np.int64)
        walk = walk_of(lifecycle, end, part)
        for position, number in enumerate(part.tolist()):
            assert versions_of(walk, position) == versions_of(whole, number)
        for name in ("begin", "upcoming", "ended", "life_end"):
            np.testing.assert_array_equal(getattr(walk, name), getattr(whole, name)[part])


@given(lifecycles(), st.integers(1, SOME), st.integers(0, 1_000))
@settings(max_examples=40, deadline=None)
def test_more_entities_leave_the_others_alone(lifecycle: ResolvedLifecycle, planned: int, more: int) -> None:
    few = walk_of(lifecycle, PLANNED_END, np.arange(planned), planned)
    many = walk_of(lifecycle, PLANNED_END, np.arange(planned + more), planned + more)
    assert [versions_of(few, n) for n in range(planned)] == [versions_of(many, n) for n in range(planned)]


RHYTHMS = (
    None,
    Rhythm((1.0,) * 5 + (0.0,) * 2, hours=(0.0,) * 8 + (1.0,) * 10 + (0.0,) * 6),
    Rhythm(months=(0.5,) * 11 + (4.0,), growth=0.6),
    Rhythm((0.0, 1.0, 3.0, 1.0, 1.0, 0.2, 0.0), growth=-0.4, hours=(1.0,) * 12 + (3.0,) * 12),
)


@given(
    st.integers(FIRST + 3 * DAY, PLANNED_END),
    st.integers(0, 5_000),
    ends,
    st.sampled_from([1, DAY]),
    st.sampled_from(RHYTHMS),
)
def test_newcomers_follow_one_another_in_time(
    last: int, planned: int, end: int, granularity: int, rhythm: Rhythm | None
) -> None:
    lifecycle = simple(granularity=granularity, arrivals=(FIRST, last // granularity * granularity), rhythm=rhythm)
    walker = Walker(lifecycle, Stream(3, "process"), end, PLANNED_END, planned)
    count = walker.count_entities()
    begin = walker.arrivals(np.arange(count + 50))
    # Nobody moves when time goes on, and each is found alone as among the others.
    later = Walker(lifecycle, Stream(3, "process"), end + 400 * DAY, PLANNED_END, planned)
    np.testing.assert_array_equal(later.arrivals(np.arange(count)), begin[:count])
    np.testing.assert_array_equal(walker.arrivals(np.arange(count)[::-7]), begin[:count][::-7])
    assert begin[:planned].min(initial=FIRST) >= FIRST
    assert begin[:planned].max(initial=FIRST) <= last
    assert (begin[planned:count] <= end).all()
    if planned and count > planned:
        assert begin[planned:count].min() > PLANNED_END
        assert begin[count:].min() > end
        days = np.diff(begin[planned:] // DAY)
        assert (days >= 0).all()


@given(lifecycles(), st.lists(st.tuples(st.integers(0, SOME - 1), st.integers(-10, 900)), max_size=40))
@settings(max_examples=60, deadline=None)
def test_every_moment_has_one_version(lifecycle: ResolvedLifecycle, asked: list[tuple[int, int]]) -> None:
    walk = walk_of(lifecycle, PLANNED_END, np.arange(SOME))
    # Moments at, just before and just after the starts of versions are the ones that go wrong.
    edges = [(n, start + d) for n in range(SOME) for _, start, _ in versions_of(walk, n) for d in (-1, 0, 1)]
    asked = [(number, FIRST + days * DAY) for number, days in asked] + edges
    positions = np.array([number for number, _ in asked], dtype=np.int64)
    found = version_at(walk, positions, np.array([moment for _, moment in asked], dtype=np.int64)).tolist()
    for (number, moment), ordinal in zip(asked, found, strict=True):
        valid = [k for k, (_, start, until) in enumerate(versions_of(walk, number)) if start <= moment < until]
        assert ([ordinal] if ordinal >= 0 else []) == valid


@pytest.mark.parametrize("rhythm", RHYTHMS[1:])
@pytest.mark.parametrize("granularity", [1, DAY])
def test_arrivals_keep_their_rhythm(rhythm: Rhythm, granularity: int) -> None:
    """Day by day, planned entities and newcomers in one sequence of weights."""
    count = 60_000
    lifecycle = simple(
        granularity=granularity, arrivals=(FIRST, PLANNED_END // granularity * granularity), rhythm=rhythm
    )
    walker = Walker(lifecycle, Stream(5, "process"), PLANNED_END + 400 * DAY, PLANNED_END, count)
    begin = walker.arrivals(np.arange(walker.count_entities())) // DAY - FIRST // DAY
    days = PLANNED_END // DAY - FIRST // DAY + 1
    weights = np.array(list(itertools.islice(rhythm.days(FIRST // DAY), days + 400)))
    share = weights / weights[:days].sum()
    assert_shares(Counter(begin[:count].tolist()), tuple(share[:days]))
    # Newcomers are not drawn, but come when they are due.
    due = np.floor(np.cumsum(share[days:]) * count + 1e-6)
    np.testing.assert_allclose(np.cumsum(np.bincount(begin[count:] - days, minlength=400)), due, atol=1)


# --- rates ---------------------------------------------------------------------------------------------------

NEVER = 30_000 * DAY


def simple(**changes: object) -> ResolvedLifecycle:
    """Open, review (which may fall back), and two ways out; moves depend on one of two cases."""
    day, steady = DwellTime("exponential", 9.0 * DAY), DwellTime("lognormal", 4.0 * DAY, 0.7)
    cut = DwellTime("exponential", 6.0 * DAY, minimum=2.0 * DAY, maximum=15.0 * DAY)
    return replace(
        ResolvedLifecycle(
            name="process",
            entity="case",
            states=("open", "review", "approved", "rejected"),
            initial=((0.9, 0.1, 0, 0), (0.5, 0.25, 0.25, 0)),
            matrices=(
                ((0, 0.8, 0.05, 0.15), (0.2, 0.1, 0.4, 0.3), (0,) * 4, (0,) * 4),
                ((0, 0.5, 0, 0.5), (0.001, 0, 0.999, 0), (0,) * 4, (0,) * 4),
            ),
            dwell=((day, steady, day, day), (cut,) * 4, (day,) * 4, (day,) * 4),
            revisit=True,
            granularity=1,
            arrivals=(FIRST, PLANNED_END),
            max_versions=200,
        ),
        **changes,
    )


def chi_square_limit(freedom: int) -> float:
    """What a chi-square number exceeds once in a million (Wilson and Hilferty's approximation)."""
    z = NormalDist().inv_cdf(1 - 1e-6)
    return freedom * (1 - 2 / (9 * freedom) + z * math.sqrt(2 / (9 * freedom))) ** 3


def assert_shares(counts: Counter[int], declared: tuple[float, ...]) -> None:
    total = counts.total()
    assert all(declared[index] > 0 for index in counts)
    terms = [(counts[index] - total * share) ** 2 / (total * share) for index, share in enumerate(declared) if share]
    assert sum(terms) <= chi_square_limit(max(len(terms) - 1, 1)) or len(terms) == 1


@pytest.mark.parametrize("seed", [1, 2])
def test_first_states_and_moves_have_their_shares(seed: int) -> None:
    lifecycle = simple()
    entities = np.arange(100_000)
    case_of = entities % 2
    walk = Walker(lifecycle, Stream(seed, "x"), NEVER, PLANNED_END, len(entities)).walk(entities, case_of)
    followed = np.flatnonzero(walk.until != OPEN)
    for case in (0, 1):
        firsts = walk.state[walk.first[:-1]][case_of == case]
        assert_shares(Counter(firsts.tolist()), lifecycle.initial[case])
        for state in (0, 1):
            here = followed[(walk.state[followed] == state) & (case_of[walk.owner[followed]] == case)]
            # By step as well: a step that shared its numbers with another would still be right on the whole.
            for ordinal in (None, 0, 1, 2):
                some = here if ordinal is None else here[walk.ordinal[here] == ordinal]
                if len(some) > 5_000:
                    assert_shares(Counter(walk.state[some + 1].tolist()), lifecycle.matrices[case][state])


@pytest.mark.parametrize("revisit", [True, False])
def test_a_state_is_the_end_for_its_share(revisit: bool) -> None:
    """Of those that come to be rejected, 70% stay; a third of those that are opened stays there too."""
    lifecycle = simple(
        states=("open", "rejected", "again"),
        initial=((0.4, 0.6, 0),),
        matrices=(((0, 2 / 3, 0), (0.1, 0, 0.2), (0, 1, 0)),),
        dwell=((DwellTime("exponential", 9.0 * DAY),) * 3,) * 3,
        revisit=revisit,
    )
    entities = np.arange(80_000)
    walk = Walker(lifecycle, Stream(3, "x"), NEVER, PLANNED_END, len(entities)).walk(entities)
    last = walk.first[1:] - 1
    first = walk.first[:-1]
    for state, stay in ((0, 1 / 3), (1, 0.7)):
        begun = walk.state[first] == state
        stayed = int((last[begun] == first[begun]).sum())
        assert_shares(Counter({0: stayed, 1: int(begun.sum()) - stayed}), (stay, 1 - stay))
    # Whoever stays has ended when it came there, and nobody else has.
    came = walk.start[last]
    if revisit:
        assert (walk.ended == came).all()
        assert set(walk.state[last].tolist()) == {0, 1}
        moves = Counter(walk.state[np.flatnonzero((walk.state == 1) & (walk.until != OPEN)) + 1].tolist())
        assert_shares(moves, (1 / 3, 0, 2 / 3))
    assert (walk.ended[walk.ended != OPEN] == came[walk.ended != OPEN]).all()


def test_steps_do_not_depend_on_each_other() -> None:
    """A move of the same entity one step on, and the time before it, are drawn anew."""
    even = (0.5, 0.5, 0, 0)
    loop = simple(initial=(even,), matrices=((even, even, (0,) * 4, (0,) * 4),), max_versions=4)
    entities = np.arange(40_000)
    walk = Walker(loop, Stream(5, "x"), NEVER, PLANNED_END, len(entities)).walk(entities)
    assert (walk.counts == 4).all()
    states = walk.state.reshape(-1, 4)
    assert_shares(Counter((states @ [8, 4, 2, 1]).tolist()), (1 / 16,) * 16)
    stays = np.diff(walk.start.reshape(-1, 4), axis=1).astype(float)
    for one, other in ((0, 1), (1, 2), (0, 2)):
        ranks = [np.argsort(np.argsort(stays[:, column])) for column in (one, other)]
        assert abs(np.corrcoef(*ranks)[0, 1]) < 5 / math.sqrt(len(entities))


def test_renormalised_shares_when_no_state_comes_twice() -> None:
    lifecycle = simple(revisit=False, max_versions=4)
    entities = np.arange(60_000)
    walk = Walker(lifecycle, Stream(9, "x"), NEVER, PLANNED_END, len(entities)).walk(entities, entities * 0)
    path = [walk.state[walk.first[:-1] + k] for k in (0, 1)]
    third = walk.first[:-1] + 2
    from_open = (path[0] == 0) & (path[1] == 1)
    # After open and review, neither open (0.2) nor review (0.1) is left: 0.4 and 0.3 of 0.7.
    assert_shares(Counter(walk.state[third[from_open]].tolist()), (0, 0, 4 / 7, 3 / 7))


def distribution(time: DwellTime, stay: np.ndarray) -> np.ndarray:
    """The declared distribution function, from its textbook form."""

    def uncut(x: np.ndarray) -> np.ndarray:
        if time.distribution == "exponential":
            return 1 - np.exp(-x / time.location)
        return np.array([NormalDist(math.log(time.location), time.spread).cdf(math.log(value)) for value in x])

    low, high = (uncut(np.array([bound]))[0] if 0 < bound < math.inf else float(bound > 0) for bound in
                 (time.minimum, time.maximum))  # fmt: skip
    return np.clip((uncut(stay) - low) / (high - low), 0, 1)


@pytest.mark.parametrize("granularity", [1, DAY])
def test_stays_have_their_distribution(granularity: int) -> None:
    lifecycle = simple(granularity=granularity, arrivals=(FIRST, PLANNED_END // DAY * DAY))
    entities = np.arange(40_000)
    walk = Walker(lifecycle, Stream(11, "x"), NEVER, PLANNED_END, len(entities)).walk(entities, entities * 0)
    left = np.flatnonzero(walk.until != OPEN)
    for before, after in ((0, 1), (0, 3), (1, 0), (1, 2)):
        moved = left[(walk.state[left] == before) & (walk.state[left + 1] == after)]
        stays = np.sort(walk.until[moved] - walk.start[moved])
        assert len(stays) > 3_000
        values, counts = np.unique(stays, return_counts=True)
        # Seconds are rounded to the nearest, days up.
        expected = distribution(lifecycle.dwell[before][after], values + (0.5 if granularity == 1 else 0.0))
        distance = np.abs(np.cumsum(counts) / len(stays) - expected).max()
        assert distance < math.sqrt(-math.log(1e-6 / 2) / 2 / len(stays)) + 1e-4
