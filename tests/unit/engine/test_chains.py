from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seedbed.engine.chains import RESOLUTION, Chain, compile_chain
from seedbed.engine.rng import Stream
from seedbed.plan.resolved import DAY, DwellTime, ResolvedLifecycle


def lifecycle(matrix: list[list[float]], initial: list[float], revisit: bool) -> ResolvedLifecycle:
    size = len(matrix)
    return ResolvedLifecycle(
        name="process",
        entity="case",
        states=tuple(range(size)),
        initial=(tuple(initial),),
        matrices=(tuple(map(tuple, matrix)),),
        dwell=((DwellTime("fixed", float(DAY)),) * size,) * size,
        revisit=revisit,
        granularity=DAY,
        arrivals=(0, 0),
        max_versions=size,
    )


def path(chain: Chain, steps: int, states: int, entities: int = 200) -> np.ndarray:
    """The states of each entity, -1 once nothing follows."""
    stream = Stream(1, "path")
    found = np.full((entities, steps), -1)
    node = np.full(entities, chain.roots[0])
    who = np.arange(entities)
    seen = np.zeros((entities, states), dtype=np.bool_)
    for step in range(steps):
        edge = chain.choose(node, stream.child(str(step)).bits(who), seen[who])
        node = chain.target[edge]
        found[who, step] = chain.state[node]
        seen[who, chain.state[node]] = True
        goes_on = ~chain.over(node, seen[who])
        who, node = who[goes_on], node[goes_on]
    return found


@given(st.integers(1, 6), st.data())
@settings(max_examples=40, deadline=None)
def test_a_table_of_seen_states_and_carrying_them_choose_alike(size: int, data: st.DataObject) -> None:
    row = st.lists(st.sampled_from([0, 0.125, 0.25, 1.0]), min_size=size, max_size=size)
    matrix = data.draw(st.lists(row, min_size=size, max_size=size))
    process = lifecycle(matrix, data.draw(row.filter(any)), revisit=False)
    table, carried = compile_chain(process), compile_chain(process, max_nodes=1)
    assert table.carried is None
    assert carried.carried is not None
    np.testing.assert_array_equal(path(table, size, size), path(carried, size, size))


def test_every_word_falls_on_an_edge_of_its_own_node() -> None:
    """Shares of a third round, and the largest word must still not belong to the next node."""
    third = 1 / 3
    chain = compile_chain(lifecycle([[third] * 3] * 3, [third] * 3, revisit=True))
    extreme = np.array([0, 2**64 - 1], dtype=np.uint64)
    for node, state in enumerate(chain.state.tolist()):
        edges = chain.choose(np.array([node, node]), extreme, None)
        assert chain.state[chain.target[edges]].tolist() == [0, 2]
        if state >= 0:
            assert chain.move[edges].tolist() == [state * 3, state * 3 + 2]


def test_shares_are_kept_to_the_resolution() -> None:
    chain = compile_chain(lifecycle([[0, 0.7, 0.3], [0] * 3, [0] * 3], [1, 0, 0], revisit=True))
    node = int(chain.target[chain.choose(chain.roots, np.zeros(1, np.uint64), None)][0])
    edge = int(np.searchsorted(chain.bound, node << RESOLUTION, side="right"))
    assert chain.bound[edge] - (node << RESOLUTION) == round(0.7 * 2**RESOLUTION)


@pytest.mark.parametrize(
    ("matrix", "endless"),
    [
        ([[0, 1, 0], [1, 0, 0], [0, 0, 0]], {0, 1}),
        ([[0, 0.5, 0.5], [0, 1, 0], [0, 0, 0]], {1}),
        ([[0, 0.5, 0.5], [1, 0, 0], [0, 0, 0]], set()),
    ],
)
def test_states_that_lead_to_no_end_are_endless(matrix: list[list[float]], endless: set[int]) -> None:
    chain = compile_chain(lifecycle(matrix, [1, 0, 0], revisit=True))
    assert {int(chain.state[node]) for node in np.flatnonzero(chain.endless)} - {-1} == endless


def test_an_end_is_a_state_that_nothing_leaves_even_where_returning_is_forbidden() -> None:
    """Going back is all that review allows: a walk is stuck there, but has not ended."""
    chain = compile_chain(lifecycle([[0, 0.5, 0.5], [1, 0, 0], [0, 0, 0]], [1, 0, 0], revisit=False))
    stuck = {int(chain.state[node]) for node in np.flatnonzero(chain.stuck)}
    ends = {int(chain.state[node]) for node in np.flatnonzero(chain.ends)}
    assert (stuck, ends) == ({1, 2}, {2})
