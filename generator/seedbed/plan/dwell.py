"""Settles how long an entity stays in a state: by the edge it leaves by, by the state, or by default."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist

from seedbed.documents import Path
from seedbed.plan.resolved import DAY, DwellTime
from seedbed.plan.spec import Dwell, Process
from seedbed.plan.transitions import Problems, Rows, States

DEFAULT_DWELL = DwellTime("lognormal", 3.0 * DAY, 0.8)
"""The time in a state of which nothing is said."""
LEAST_SHARE = 1e-6
"""Bounds that leave less than this of a distribution are a mistake."""


def resolve_dwell(
    process: Process, states: States, matrices: list[Rows], granularity: int, problems: Problems
) -> tuple[tuple[DwellTime, ...], ...]:
    """The time before each move: that of the edge, of the state, of `default`, or the built-in one."""
    written = process.dwell if isinstance(process.dwell, dict) else {}
    default = process.dwell if isinstance(process.dwell, Dwell) else None
    by_state: dict[int, DwellTime] = {}
    by_edge: dict[tuple[int, int], DwellTime] = {}
    allowed = {(source, after) for rows in matrices for source, row in enumerate(rows) for after in row if after >= 0}
    for key, dwell in written.items():
        place: Path = ("dwell", key)
        source, arrow, target = (part.strip() for part in key.replace("-->", "->").partition("->"))
        if key == "default" and states.index(key) is None:
            default = dwell
            continue
        time = dwell_time(dwell, granularity, place, problems)
        before = states.find(source, problems, place)
        after = states.find(target, problems, place) if arrow else None
        if before is None or (arrow and after is None):
            continue
        if after is None:
            by_state[before] = time
            if all(before != left for left, _ in allowed):
                problems.warn("dwell-unused", f'"{key}" is never left, so that its dwell time is not used', place)
        else:
            by_edge[before, after] = time
            if (before, after) not in allowed:
                problems.warn("dwell-unused", f'"{key}" never happens, so that its dwell time is not used', place)
    place = ("dwell",) if isinstance(process.dwell, Dwell) else ("dwell", "default")
    rest = dwell_time(default, granularity, place, problems) if default else None
    if rest is None:
        assumed = {source for source, after in allowed if source not in by_state and (source, after) not in by_edge}
        if assumed:
            names = ", ".join(states.names[index] for index in sorted(assumed))
            problems.note(
                "dwell-assumed", f"how long entities stay is not said of {names}: lognormal(median='3d', sigma=0.8)",
                ("dwell",), "write dwell: {<state>: lognormal(median='3d', sigma=0.8)}",
            )  # fmt: skip
    size = range(len(states))
    rest = rest or DEFAULT_DWELL
    return tuple(tuple(by_edge.get((i, j)) or by_state.get(i) or rest for j in size) for i in size)


_USED: Mapping[str, tuple[str, ...]] = {
    "lognormal": ("median", "sigma", "min", "max"),
    "exponential": ("mean", "min", "max"),
    "uniform": ("min", "max"),
    "fixed": ("value",),
}


def dwell_time(dwell: Dwell, granularity: int, place: Path, problems: Problems) -> DwellTime:
    used = _USED[dwell.distribution]
    for given in sorted(dwell.model_fields_set - {"distribution", *used}):
        if getattr(dwell, given) is not None:
            hint = f"it takes {', '.join(used)}"
            problems.warn("dwell-argument", f"{dwell.distribution} does not use {given}", place, hint)
    low, high = dwell.min or 0.0, dwell.max if dwell.max is not None else math.inf
    match dwell.distribution:
        case "lognormal":
            time = DwellTime("lognormal", dwell.median or 0.0, dwell.sigma, low, high)
        case "exponential":
            time = DwellTime("exponential", dwell.mean or 0.0, 0.0, low, high)
        case "uniform":
            return DwellTime("uniform", low, high)
        case _:
            return DwellTime("fixed", dwell.value or 0.0)
    if _share_below(time, high) - _share_below(time, low) < LEAST_SHARE:
        problems.error(
            "dwell-bounds", f"min and max leave next to nothing of this {dwell.distribution} distribution",
            place, "bounds must leave most of it",
        )  # fmt: skip
    if time.location < granularity / 2:
        problems.note(
            "dwell-rounded", f"versions begin on days, so that about {time.location / 3600:.3g} h becomes a day", place,
        )  # fmt: skip
    return time


def _share_below(time: DwellTime, seconds: float) -> float:
    """The share of a lognormal or exponential distribution, before it is cut, that is at most `seconds`."""
    if seconds <= 0 or math.isinf(seconds):
        return float(seconds > 0)
    if time.distribution == "exponential":
        return -math.expm1(-seconds / time.location)
    return NormalDist().cdf(math.log(seconds / time.location) / time.spread)
