"""Days and moments by the weights of a rhythm, each from one 64-bit word: a larger word, a later moment."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seedbed.engine.discrete import Weighted
from seedbed.plan.rhythm import DAY, Rhythm

Int64s = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Words = npt.NDArray[np.uint64]


def draw_days(rhythm: Rhythm, first: int, last: int, words: Words) -> Int64s:
    """Days since 1970, between the moments `first` and `last` (seconds since 1970, both included)."""
    return _days(rhythm, first, last).choose(words).astype(np.int64) + first // DAY


def draw_moments(rhythm: Rhythm, first: int, last: int, words: Words) -> Int64s:
    """Seconds since 1970, from `first` to `last`.

    The day is chosen by its weight; where in the day's share of all words the word lies says when on that day.
    """
    days, share = _days(rhythm, first, last).place(words)
    before, until = rhythm.passed(first % DAY), rhythm.passed(last % DAY + 1)
    final = last // DAY - first // DAY
    if before > 0:
        share = np.where(days == 0, before + share * ((until if final == 0 else 1.0) - before), share)
    if until < 1 and (final > 0 or before == 0):
        share = np.where(days == final, share * until, share)
    seconds = draw_seconds(rhythm.hours, share)
    seconds += days.astype(np.int64) * DAY
    seconds += first // DAY * DAY
    # What a share that was rounded up leads past.
    return np.clip(seconds, first, last, out=seconds)


def draw_seconds(hours: tuple[float, ...], share: Floats) -> Int64s:
    """Seconds of a day, by the weights of its hours; `share` says how much of their weight lies before each."""
    profile = _profile(hours)
    at = np.searchsorted(profile.passed, share, side="right") - 1 if len(profile.passed) > 1 else 0
    seconds = profile.start[at] + (share - profile.passed[at]) * profile.slowness[at]
    return np.minimum(seconds.astype(np.int64), profile.end[at] - 1)


@functools.lru_cache(maxsize=64)
def _days(rhythm: Rhythm, first: int, last: int) -> Weighted:
    return Weighted.of(rhythm.masses(first, last))


@dataclass(frozen=True, slots=True)
class _Profile:
    """The hours of a day that have a weight, neighbours of the same weight taken together."""

    start: Int64s
    """The first second of each stretch."""
    end: Int64s
    """The second after its last one."""
    passed: Floats
    """The share of the day's weight that lies before it."""
    slowness: Floats
    """Seconds in which the whole of the day's weight would pass, were all hours like these."""


@functools.lru_cache(maxsize=64)
def _profile(hours: tuple[float, ...]) -> _Profile:
    rhythm = Rhythm(hours=hours)
    starts = [hour for hour in range(24) if hours[hour] and (hour == 0 or hours[hour] != hours[hour - 1])]
    ends = [next((later for later in range(hour, 24) if hours[later] != hours[hour]), 24) for hour in starts]
    start, end = np.array(starts) * 3600, np.array(ends) * 3600
    passed = np.array([rhythm.passed(int(second)) for second in start])
    return _Profile(start, end, passed, 3600 * sum(hours) / np.array([hours[hour] for hour in starts]))
