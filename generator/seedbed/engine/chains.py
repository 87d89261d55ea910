"""A lifecycle's moves as one flat table, from which many entities draw their next state at once.

A node is what decides the next move: the case and the state, whether the entity stays there for good, and, where no
state may be entered again, also the states seen so far. So a process that forbids returning, or a state that is the
end for some and not for others, makes an ordinary Markov chain over more nodes. Where they
would be too many, the walk carries what each entity has seen, and the weights of seen states are left out at
every move.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from seedbed.plan.resolved import ResolvedLifecycle

Int64s = npt.NDArray[np.int64]
UInt64s = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]

MAX_NODES = 8_192
"""More nodes than this, and the walk carries the states seen instead: enough for ten states, all connected."""
RESOLUTION = 40
"""Probabilities are whole multiples of 2 ** -40, so that a draw is a comparison of integers."""

_NEVER_LEFT = 1e-12
"""What a row of shares may lack to 1 by rounding; more than that is a share of entities that stay."""
_GUIDE_BITS = 8

_Node = tuple[int, int, int, bool]
"""Case, set of the states seen as bits (0 where it does not matter), state (-1 before the first), stays there."""


@dataclass(frozen=True, slots=True)
class _Carried:
    """What a walk needs that carries the states seen: by node and next state, its weight and its edge.

    Each state has two columns, first that of those who go on from there, then that of those who stay.
    """

    weight: npt.NDArray[np.float64]
    edge: Int64s

    @staticmethod
    def of(edges: dict[_Node, dict[_Node, float]], states: int) -> _Carried:
        weight = np.zeros((len(edges), 2 * states))
        edge = np.zeros((len(edges), 2 * states), dtype=np.int64)
        count = 0
        for position, leaving in enumerate(edges.values()):
            for (_, _, after, stays), share in leaving.items():
                column = 2 * after + stays
                weight[position, column], edge[position, column] = share, count
                count += 1
        return _Carried(weight, edge)


@dataclass(frozen=True, slots=True)
class Chain:
    """The nodes that can be reached, each with its edges: those of one node are neighbours in the edge arrays."""

    roots: Int64s
    """Per case: the node of an entity that has not begun; its edges lead to the first states."""
    state: npt.NDArray[np.int32]
    """Per node: index into the lifecycle's states."""
    ends: Bools
    """Per node: the entity stays in its state for good."""
    stuck: Bools
    """Per node: no edge leaves it."""
    endless: Bools
    """Per node: an edge leaves it, and every node that can follow."""
    bound: Int64s
    """Per edge: `node << RESOLUTION` plus the probability of this edge and the node's earlier ones."""
    target: Int64s
    """Per edge: the node that it leads to."""
    move: Int64s
    """Per edge: `state before * number of states + state after`, of no meaning where nothing was before."""
    guide: Int64s
    """Per node and the leading `_GUIDE_BITS` of a draw: the edge, or ~edge where bounds lie between such draws."""
    carried: _Carried | None = None

    def choose(self, node: Int64s, bits: UInt64s, seen: Bools | None) -> Int64s:
        """The edge by which each of n entities leaves its node, from which something can follow.

        Args:
            node: length n.
            bits: a random word for each.
            seen: n rows, a flag for each state; needed where the walk carries the states seen.
        """
        if self.carried is None or seen is None:
            drawn = (node << RESOLUTION) | (bits >> np.uint64(64 - RESOLUTION)).astype(np.int64)
            edge: Int64s = self.guide.take(drawn >> (RESOLUTION - _GUIDE_BITS))
            unsure = np.flatnonzero(edge < 0)
            if len(unsure):
                edge[unsure] = np.searchsorted(self.bound, drawn[unsure], side="right")
            return edge
        # A share below 1 of the total stays below the total in floating point, so that a state is always found.
        reached = np.cumsum(np.where(np.repeat(seen, 2, axis=1), 0.0, self.carried.weight[node]), axis=1)
        share = (bits >> np.uint64(11)) * 2.0**-53
        column = np.argmax(reached > (share * reached[:, -1])[:, None], axis=1)
        chosen: Int64s = self.carried.edge[node, column]
        return chosen

    def over(self, node: Int64s, seen: Bools | None) -> Bools:
        """Per entity: nothing can follow."""
        if self.carried is None or seen is None:
            return self.stuck[node]
        left: Bools = np.any((self.carried.weight[node] > 0) & ~np.repeat(seen, 2, axis=1), axis=1)
        return ~left


def compile_chain(lifecycle: ResolvedLifecycle, max_nodes: int = MAX_NODES) -> Chain:
    """The chain of a lifecycle. Past `max_nodes`, a process without returns carries the states seen instead."""
    edges = _explore(lifecycle, lifecycle.revisit, max_nodes) or _explore(lifecycle, True, None)
    assert edges is not None
    nodes = {node: position for position, node in enumerate(edges)}
    states = len(lifecycle.states)
    bound: list[int] = []
    target: list[int] = []
    move: list[int] = []
    for position, (node, leaving) in enumerate(edges.items()):
        reached = list(accumulate(leaving.values()))
        # The last edge takes what rounding left over, so that every draw falls on an edge of its own node.
        within = [round(share / reached[-1] * 2**RESOLUTION) for share in reached[:-1]] + [2**RESOLUTION]
        bound += [(position << RESOLUTION) + share for share, _ in zip(within, leaving, strict=False)]
        target += [nodes[after] for after in leaving]
        move += [max(node[2], 0) * states + after[2] for after in leaving]
    carried = not lifecycle.revisit and all(node[1] == 0 for node in nodes)
    stuck = np.array([not leaving for leaving in edges.values()])
    return Chain(
        roots=np.array([nodes[case, 0, -1, False] for case in range(len(lifecycle.matrices))], dtype=np.int64),
        state=np.array([state for _, _, state, _ in nodes], dtype=np.int32),
        ends=np.array([stays for *_, stays in nodes]),
        stuck=stuck,
        endless=_endless(edges) if lifecycle.revisit else np.zeros_like(stuck),
        bound=np.array(bound, dtype=np.int64),
        guide=_guide(np.array(bound, dtype=np.int64), len(nodes)),
        target=np.array(target, dtype=np.int64),
        move=np.array(move, dtype=np.int64),
        carried=_Carried.of(edges, states) if carried else None,
    )


def _guide(bound: Int64s, nodes: int) -> Int64s:
    width = RESOLUTION - _GUIDE_BITS
    first_draw = np.arange(nodes << _GUIDE_BITS, dtype=np.int64) << width
    first = np.searchsorted(bound, first_draw, side="right")
    last = np.searchsorted(bound, first_draw + (1 << width) - 1, side="right")
    return np.where(first == last, first, ~first)


def _explore(
    lifecycle: ResolvedLifecycle, revisit: bool, max_nodes: int | None
) -> dict[_Node, dict[_Node, float]] | None:
    """Every node that can be reached, with the weights of those that follow it; None when they are too many."""
    edges: dict[_Node, dict[_Node, float]] = {}
    staying = [[_share_staying(row) for row in matrix] for matrix in lifecycle.matrices]
    waiting: list[_Node] = [(case, 0, -1, False) for case in range(len(lifecycle.matrices))]
    while waiting:
        node = waiting.pop()
        if node in edges:
            continue
        if not revisit and max_nodes is not None and len(edges) >= max_nodes:
            return None
        case, seen, state, stays = node
        row = lifecycle.matrices[case][state] if state >= 0 else lifecycle.initial[case]
        edges[node] = {
            (case, 0 if revisit else seen | 1 << after, after, for_good): share * part
            for after, share in enumerate(() if stays else row)
            if share > 0 and not seen >> after & 1
            for for_good, part in ((False, 1 - staying[case][after]), (True, staying[case][after]))
            if part
        }
        waiting.extend(edges[node])
    return edges


def _share_staying(row: tuple[float, ...]) -> float:
    """The share of the entities that come to a state and stay there: 1 in a terminal state."""
    missing = 1 - sum(row)
    return missing if missing > _NEVER_LEFT else 0.0


def _endless(edges: dict[_Node, dict[_Node, float]]) -> Bools:
    """The nodes from which no node without edges can be reached."""
    before: dict[_Node, list[_Node]] = {node: [] for node in edges}
    for node, leaving in edges.items():
        for after in leaving:
            before[after].append(node)
    waiting = [node for node, leaving in edges.items() if not leaving]
    finite = set(waiting)
    while waiting:
        new = [node for node in before[waiting.pop()] if node not in finite]
        finite.update(new)
        waiting.extend(new)
    return np.array([node not in finite for node in edges])
