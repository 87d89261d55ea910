"""What cannot be correlated is refused, with what would go."""

import pytest

from seedbed.plan.correlations import _room
from worlds import resolve_text, schema_from, seeds, try_resolve

PLAN = """
tables:
  o: {rows: 5, columns: {id: sequence(), size: "uniform(0, 1)"}}
  t:
    rows: 50
    columns:
      id: sequence()
      o_id: foreign_key('o')
      a: integer(1, 100)
      b: "normal(0, 1, correlated={'A': 0.9})"
      c: {generator: "uniform(0, 1)", varies_by: o_id}
      name: fake('city')
      x: GENERATOR
"""


@pytest.fixture
def schema(tmp_path):
    columns = "id integer unique, o_id integer, a integer, b decimal(9,2), c decimal(9,2), name varchar, x decimal(9,2)"
    return schema_from(tmp_path, seeds(o="id integer unique, size decimal(9,2)", t=columns))


@pytest.mark.parametrize(
    ("generator", "code", "speaks_of"),
    [
        ("normal(0, 1, correlated={'a': 0.9, 'b': -0.9})", "impossible-correlation", ["-0.9 with b", "0.9 with a"]),
        ("normal(0, 1, correlated={'a': 0.9, 'b': 0.5})", "impossible-correlation", ["room between 0.63 and 1.00"]),
        ("normal(0, 1, correlated={'name': 0.2})", "not-drawn", ["fake('city')"]),
        ("normal(0, 1, correlated={'o_id': 0.2})", "not-drawn", ["foreign_key"]),
        ("normal(0, 1, correlated={'o_id.size': 0.2})", "not-beside", ["not in the same row"]),
        ("normal(0, 1, correlated={'aa': 0.2})", "unknown-column", ["did you mean a?"]),
        ("normal(0, 1, correlated={'x': 0.2})", "circle", ["x needs t.x"]),
    ],
)
def test_what_cannot_be_correlated_is_refused(schema, generator, code, speaks_of):
    resolved, diagnostics = try_resolve(schema, PLAN.replace("GENERATOR", f'"{generator}"'))
    assert resolved is None
    (found,) = [item for item in diagnostics if item.severity == "error"]
    assert found.code == code
    assert found.location.line is not None
    assert all(text in f"{found.message} {found.hint}" for text in speaks_of), found


def test_a_column_that_varies_by_another_is_correlated_with_such_columns_only(schema):
    by_order = "{generator: \"normal(0, 1, correlated={'NAME': 0.5})\", varies_by: o_id}"
    resolved, diagnostics = try_resolve(schema, PLAN.replace("GENERATOR", by_order.replace("NAME", "a")))
    assert resolved is None
    assert "varies-otherwise" in [found.code for found in diagnostics]
    mixed = (
        resolve_text(schema, PLAN.replace("GENERATOR", by_order.replace("NAME", "c"))).table("t").column("x").mixture
    )
    assert set(mixed) == {"c", "x"}


def test_the_squares_of_the_weights_sum_to_one(schema):
    table = resolve_text(schema, PLAN.replace("GENERATOR", "\"normal(0, 1, correlated={'b': 0.7, 'a': 0.5})\"")).table(
        "t"
    )
    assert set(table.column("x").mixture) == {"a", "b", "x"}
    assert sum(weight**2 for weight in table.column("x").mixture.values()) == pytest.approx(1)
    assert table.column("a").mixture == {}


def test_room_is_left_for_what_the_others_allow():
    """Two that are independent leave the third what Pythagoras leaves, in normal scores."""
    low, high = _room([[1, 0], [0, 1]], [0.6, 0.0], 1)
    assert low == pytest.approx(-high)
    assert high == pytest.approx(0.78595, abs=1e-4)
    assert _room([[1]], [0.5], 0) == pytest.approx((-1, 1))
