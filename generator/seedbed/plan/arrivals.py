"""How many entities have begun, when more time goes by than was planned."""

from __future__ import annotations

import itertools
import math

from seedbed.plan.resolved import DAY, ResolvedLifecycle


def count_entities(lifecycle: ResolvedLifecycle, planned: int, planned_end: int, end: int) -> int:
    """How many entities there are by `end`, when `planned` are to have begun by `planned_end`.

    Both are last seconds of a day. After the planned as-of date entities go on arriving at the planned rate and
    in its rhythm, unless they were planned to stop arriving before it. Before it there are as many as were planned,
    some of which have not begun.
    """
    first, last = (moment // DAY for moment in lifecycle.arrivals)
    days_late = (end - planned_end) // DAY
    if days_late <= 0 or last < planned_end // DAY:
        return planned
    if lifecycle.rhythm:
        return planned + newcomers(lifecycle, planned, days_late)[-1]
    return planned + days_late * planned // (last - first + 1)


def newcomers(lifecycle: ResolvedLifecycle, planned: int, days: int) -> list[int]:
    """How many entities have begun after the planned ones by the end of each of the first days after their last day.

    For a lifecycle with a rhythm. More days only make the list longer.
    """
    assert lifecycle.rhythm is not None
    first, last = lifecycle.arrivals
    whole = math.fsum(lifecycle.rhythm.masses(first, last + lifecycle.granularity - 1))
    known = last // DAY - first // DAY + 1
    later = itertools.islice(lifecycle.rhythm.days(first // DAY), known, known + days)
    return [int(planned * (mass / whole)) for mass in itertools.accumulate(later)]
