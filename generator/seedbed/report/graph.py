"""A lifecycle as a drawing: states from left to right, moves as arrows with declared and observed shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from seedbed.plan.resolved import HistoryPromise, ResolvedLifecycle
from seedbed.report.profile import spoken

Point = tuple[float, float]
_HIGH, _ROW = 36, 92
_BETWEEN = 92
"""From the right side of a box to the left side of the next."""
_LETTER = 7.6
"""About how wide a letter is."""
_MARGIN = 12
_SHOWN = 22
"""Letters of a state's name that a box has room for at most."""


@dataclass(frozen=True, slots=True)
class Move:
    """A move from one state to another. `declared` are its lowest and highest share over all cases."""

    source: str
    target: str
    declared: tuple[float, float]
    observed: float | None
    count: int

    @property
    def spoken(self) -> str:
        """The declared share in words."""
        low, high = self.declared
        return f"{low:.0%}" if round(low, 2) == round(high, 2) else f"{low:.0%} to {high:.0%}"


@dataclass(frozen=True, slots=True)
class Node:
    """A state, by the middle of its box; `share` is the share of entities that are in it at the end."""

    name: str
    x: float
    y: float
    first: bool
    last: bool
    share: float | None


@dataclass(frozen=True, slots=True)
class Arrow:
    """A move as a curve (an SVG path), and where its label stands."""

    move: Move
    path: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Graph:
    """The drawing, in pixels. Without `counted` walks nothing was observed."""

    name: str
    width: float
    height: float
    box: float
    """The width of a state's box."""
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    counted: int
    above: float
    """How far down everything is to be moved."""


def draw(lifecycle: ResolvedLifecycle, rows: pa.Table | None, history: HistoryPromise | None) -> Graph:
    """The drawing of a lifecycle.

    Args:
        lifecycle: the process.
        rows: those of the history that records it, if one does.
        history: which of its columns hold what.
    """
    moves, ends, walks = _observe(rows, history) if rows is not None and history else (Counter(), Counter(), 0)
    found = list(_moves(lifecycle, moves))
    names = [spoken(state) for state in lifecycle.states]
    box = max(104.0, _LETTER * min(_SHOWN, max(map(len, names))) + 26)
    layers = _layers(lifecycle)
    first = {index for shares in lifecycle.initial for index, share in enumerate(shares) if share}
    nodes = tuple(
        Node(name, *place, index in first, index in lifecycle.terminal, ends[name] / walks if walks else None)
        for index, (name, place) in enumerate(zip(names, _places(layers, box), strict=True))
    )
    by_name = dict(zip(names, zip(nodes, layers, strict=True), strict=True))
    arrows = [_arrow(move, by_name[move.source], by_name[move.target], box) for move in found]
    # What hangs above the topmost box moves everything down.
    above = _MARGIN + _HIGH / 2 - min([node.y for node in nodes] + [arrow.y - 14 for arrow in arrows])
    width = max(node.x for node in nodes) + box / 2 + _MARGIN
    height = max([node.y for node in nodes] + [arrow.y for arrow in arrows]) + above + _HIGH / 2 + _MARGIN
    return Graph(lifecycle.name, width, height, box, nodes, tuple(arrows), walks, above)


def _observe(rows: pa.Table, history: HistoryPromise) -> tuple[Counter[tuple[str, str]], Counter[str], int]:
    """How often each move was made, in which state walks ended, and how many walks there are."""
    names = [*history.entity, history.valid_from]
    ordered = rows.select(list(dict.fromkeys([*names, history.state]))).sort_by([(name, "ascending") for name in names])
    entities = list(zip(*(ordered[name].to_pylist() for name in history.entity), strict=True))
    states = [spoken(state) for state in ordered[history.state].to_pylist()]
    moves: Counter[tuple[str, str]] = Counter()
    ends: Counter[str] = Counter()
    for place, (entity, state) in enumerate(zip(entities, states, strict=True)):
        if place + 1 < len(states) and entities[place + 1] == entity:
            moves[state, states[place + 1]] += 1
        else:
            ends[state] += 1
    return moves, ends, sum(ends.values())


def _moves(lifecycle: ResolvedLifecycle, counted: Counter[tuple[str, str]]) -> Iterator[Move]:
    names = [spoken(state) for state in lifecycle.states]
    left: Counter[str] = Counter()
    for (source, _), count in counted.items():
        left[source] += count
    for i, source in enumerate(names):
        for j, target in enumerate(names):
            declared = [matrix[i][j] for matrix in lifecycle.matrices]
            count = counted[source, target]
            if max(declared) > 0 or count:
                observed = count / left[source] if left[source] else None
                yield Move(source, target, (min(declared), max(declared)), observed, count)


def _layers(lifecycle: ResolvedLifecycle) -> list[int]:
    """How far to the right each state stands: as far as its longest way from a first state, loops left out."""
    count = len(lifecycle.states)
    follows = [[j for j in range(count) if any(matrix[i][j] for matrix in lifecycle.matrices)] for i in range(count)]
    first = [index for index in range(count) if any(shares[index] for shares in lifecycle.initial)]
    kept: dict[int, list[int]] = {}
    ordered: list[int] = []

    def visit(index: int, above: frozenset[int]) -> None:
        kept[index] = [other for other in follows[index] if other not in above and other != index]
        for other in kept[index]:
            if other not in kept:
                visit(other, above | {index})
        ordered.append(index)

    for index in (*first, *range(count)):
        if index not in kept:
            visit(index, frozenset())
    layer = [0] * count
    for index in reversed(ordered):
        for other in kept[index]:
            layer[other] = max(layer[other], layer[index] + 1)
    return layer


def _places(layers: Sequence[int], box: float) -> Iterator[Point]:
    """The middle of each state's box."""
    most = max(layers.count(layer) for layer in layers)
    seen: Counter[int] = Counter()
    for layer in layers:
        row = seen[layer] + (most - layers.count(layer)) / 2
        seen[layer] += 1
        yield _MARGIN + box / 2 + layer * (box + _BETWEEN), row * _ROW


def _arrow(move: Move, source: tuple[Node, int], target: tuple[Node, int], box: float) -> Arrow:
    (one, layer), (other, beyond) = source, target
    if one is other:
        top = one.y - _HIGH / 2
        path = (
            f"M{one.x - 18:g},{top:g} C{one.x - 34:g},{top - 40:g} {one.x + 34:g},{top - 40:g} {one.x + 18:g},{top:g}"
        )
        return Arrow(move, path, one.x, top - 30)
    far = abs(beyond - layer)
    if beyond == layer + 1:
        bend = _BETWEEN * 0.55
        return _curve(move, (one.x + box / 2, one.y), (other.x - box / 2, other.y), (bend, 0), (-bend, 0))
    if beyond == layer:
        sign = 1 if other.y > one.y else -1
        start, end = (one.x + 22 * sign, one.y + sign * _HIGH / 2), (other.x + 22 * sign, other.y - sign * _HIGH / 2)
        return _curve(move, start, end, (26 * sign, 0), (26 * sign, 0))
    # Over or under what lies between: onwards above, back below.
    sign = -1 if beyond > layer else 1
    deep, lean = sign * (30 + far * 26), -sign * box / 4
    start, end = (one.x + lean, one.y + sign * _HIGH / 2), (other.x - lean, other.y + sign * _HIGH / 2)
    return _curve(move, start, end, (lean, deep), (-lean, deep))


def _curve(
    move: Move,
    start: tuple[float, float],
    end: tuple[float, float],
    out: tuple[float, float],
    into: tuple[float, float],
) -> Arrow:
    """A cubic curve; `out` and `into` lead from its ends to the points that bend it."""
    points = (start, (start[0] + out[0], start[1] + out[1]), (end[0] + into[0], end[1] + into[1]), end)
    path = "M{:g},{:g} C{:g},{:g} {:g},{:g} {:g},{:g}".format(*(part for point in points for part in point))
    # The label stands nearer to where the arrow ends, so that those of two that leave one state do not meet.
    t = 0.56
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
    x, y = (sum(w * point[axis] for w, point in zip(weights, points, strict=True)) for axis in (0, 1))
    return Arrow(move, path, x, y)
