"""Rows that are added, by more rows or by time, leave those that were there; and traits that only few plans have."""

import datetime as dt
from itertools import pairwise

import pytest

from seedbed.engine.batches import generate_batches
from seedbed.engine.world import World
from seedbed.errors import GenerationError, Severity
from worlds import make, resolve_text, schema_from, seeds, try_resolve, values

MOVES = "{transitions: {new: {done: 1}}, initial: new, dwell: 40d}"
LATER = dt.date(2026, 6, 30)


def test_the_driving_key_may_be_null_and_the_row_is_there_all_the_same(tmp_path):
    schema = schema_from(
        tmp_path, seeds(a="id integer unique, n integer", b="id bigint unique, a_id integer, n integer, at timestamp")
    )
    plan = f"""
    tables:
      a: {{rows: 300, lifecycle: {MOVES}, columns: {{id: sequence(), n: "integer(1, 9)"}}}}
      b:
        rows: per a, constant(2)
        columns: {{id: sequence(), a_id: "foreign_key('a', null=0.3)", n: copy('a_id.n'), at: during('a')}}
    """
    rows = values(resolve_text(schema, plan), "b")
    missing = rows["a_id"].count(None)
    assert 100 < missing < 260
    assert [value is None for value in rows["n"]] == [value is None for value in rows["a_id"]]
    assert None not in rows["at"]


def test_a_fact_drawn_freely_lies_in_the_life_of_its_entity_and_appears_with_time(tmp_path):
    """Rows of a table with a number of rows, of which those are left out that have not happened yet."""
    schema = schema_from(
        tmp_path, seeds(a="id integer unique, begun timestamp", b="id bigint unique, a_id integer, at timestamp")
    )
    plan = f"""
    tables:
      a: {{rows: 50, lifecycle: {MOVES}, columns: {{id: sequence(), begun: "lifecycle('a', 'started')"}}}}
      b: {{rows: 400, columns: {{id: sequence(), a_id: "foreign_key('a', null=0.1)", at: during('a')}}}}
    """
    early, late = (values(resolve_text(schema, plan, **more), "b") for more in ({}, {"as_of": LATER}))
    begun = dict(zip(*values(resolve_text(schema, plan), "a").values(), strict=True))
    assert len(early["id"]) < len(late["id"]) <= 400
    assert early["a_id"].count(None) > 10
    known = {row[0]: row for row in zip(*late.values(), strict=True)}
    for row in zip(*early.values(), strict=True):
        assert known[row[0]] == row
        _, entity, at = row
        assert (at is None) == (entity is None)
        assert at is None or begun[entity] <= at < dt.datetime(2026, 1, 1)


def test_an_entity_is_there_once_it_has_begun_in_each_of_its_processes(tmp_path):
    schema = schema_from(
        tmp_path,
        seeds(
            a="id integer unique, one varchar not_null, two varchar not_null",
            h="a_id integer, state varchar, since date", g="a_id integer, state varchar, since date",
        ),
    )  # fmt: skip
    moves = "entity: a_id, state: state, valid_from: since, transitions: {new: {done: 1}}, initial: new"
    plan = f"""
    tables:
      a:
        rows: 200
        columns: {{id: sequence(), one: "lifecycle('h', 'state')", two: "lifecycle('g', 'state')"}}
      h: {{history: {{{moves}}}, columns: {{a_id: foreign_key('a')}}}}
      g: {{history: {{{moves}, arrivals: {{start: 2025-12-01}}}}, columns: {{a_id: foreign_key('a')}}}}
    """
    resolved = resolve_text(schema, plan, as_of=LATER)
    tables = {name: values(resolved, name) for name in "ahg"}
    assert len(tables["a"]["id"]) > 200
    assert set(tables["a"]["id"]) == set(tables["h"]["a_id"]) == set(tables["g"]["a_id"])
    for name, column in (("h", "one"), ("g", "two")):
        last = dict(zip(tables[name]["a_id"], tables[name]["state"], strict=True))
        assert [last[number] for number in tables["a"]["id"]] == tables["a"][column]


def test_bounds_hold_however_unevenly_tables_grow(tmp_path):
    schema = schema_from(tmp_path, seeds(a="id integer unique", b="id integer unique, a_id integer"))
    plan = """
    tables:
      a: {rows: 40, columns: {id: sequence()}}
      b: {rows: 100, columns: {id: sequence(), a_id: "foreign_key('a', min=1, max=4)"}}
    """
    for rows in ({"b": 160}, {"a": 55, "b": 150}, {"a": 100, "b": 260}, {"a": 90, "b": 360}):
        resolved = resolve_text(schema, plan, rows=rows)
        keys = values(resolved, "b")["a_id"]
        children = [keys.count(number) for number in values(resolved, "a")["id"]]
        assert min(children) >= 1
        assert max(children) <= 4
        assert keys[:100] == values(resolve_text(schema, plan), "b")["a_id"]
    for rows in ({"b": 161}, {"a": 100}):
        with pytest.raises(GenerationError, match=r"each row of a is to have 1 to 4 rows of b.*ask for other numbers"):
            make(resolve_text(schema, plan, rows=rows), "b")


def test_ranks_stay_though_tables_grow(tmp_path):
    """Ranks of a table for each row's own domain would be as many tables as rows."""
    schema = schema_from(tmp_path, seeds(a="id integer unique", b="id integer unique, a_id integer"))
    plan = """
    tables:
      a: {rows: 40, columns: {id: sequence()}}
      b: {rows: 100, columns: {id: sequence(), a_id: "foreign_key('a', zipf=1.2)"}}
    """
    small, large, largest = (values(resolve_text(schema, plan, scale=s), "b")["a_id"] for s in (1, 30, 400))
    assert large[:100] == small
    assert largest[:3000] == large
    assert max(small) <= 40 < max(large) < max(largest)


def test_what_varies_by_an_entity_agrees_in_a_larger_run(tmp_path):
    schema = schema_from(
        tmp_path, seeds(a="id integer unique", p="id integer unique", b="id integer unique, a_id integer, p_id integer")
    )
    plan = """
    tables:
      a: {rows: 5, columns: {id: sequence()}}
      p: {rows: 50, columns: {id: sequence()}}
      b:
        rows: 200
        columns:
          id: sequence()
          a_id: foreign_key('a', null=0.2)
          p_id: {generator: "foreign_key('p', null=0.3)", varies_by: a_id}
    """
    rows = values(resolve_text(schema, plan, scale=4), "b")
    pairs = set(zip(rows["a_id"], rows["p_id"], strict=True))
    assert len(pairs) == len({a for a, _ in pairs}) >= 20
    assert 1 <= [p for _, p in pairs].count(None) <= 14


def test_batches_stay_small_under_parents_with_many_children(tmp_path):
    schema = schema_from(tmp_path, seeds(a="id integer unique", b="id integer unique"))
    plan = """
    tables:
      a: {rows: 200, columns: {id: sequence()}}
      b: {rows: "per a, constant(500)", columns: {id: sequence()}}
    """
    world = World(resolve_text(schema, plan))
    sizes = [batch.num_rows for batch in generate_batches(world, world.plan.table("b"), batch_rows=2_000)]
    assert sum(sizes) == 100_000
    assert max(sizes) <= 2_000


def test_a_comment_in_a_rule_ends_with_its_line(tmp_path):
    schema = schema_from(
        tmp_path,
        """
        seeds:
          - name: t
            data_tests: [{dbt_utils.expression_is_true: {arguments: {expression: "n > 5 -- not few"}}}]
            columns: [{name: n, data_type: integer}]
        """,
    )
    assert min(values(resolve_text(schema, 'tables: {t: {rows: 99, columns: {n: "integer(1, 9)"}}}'), "t")["n"]) == 6


def test_a_key_that_a_file_leaves_empty_cannot_be_referred_to(tmp_path):
    schema = schema_from(
        tmp_path,
        """
        seeds:
          - {name: codes, columns: [{name: code}]}
          - {name: t, columns: [{name: code}]}
        """,
        **{"seeds/codes.csv": 'code,name\n"a, b",x\n,y\n'},
    )
    plan = "tables: {t: {rows: 9, columns: {code: \"foreign_key('codes', 'code')\"}}}"
    resolved, diagnostics = try_resolve(schema, plan)
    assert resolved is None
    assert [found.code for found in diagnostics if found.severity is Severity.ERROR] == ["null-key"]
    named = plan.replace("'code')", "'name')")
    assert set(values(resolve_text(schema, named), "t")["code"]) == {"x", "y"}


def test_parts_of_a_row_do_not_move_parents(tmp_path):
    """Half a row more is a whole one, which must find its parent as in a run that has room for it."""
    schema = schema_from(tmp_path, seeds(a="id integer unique", b="id integer unique, a_id integer"))
    plan = """
    tables:
      a: {rows: 1000, columns: {id: sequence()}}
      b: {rows: 3, columns: {id: sequence(), a_id: foreign_key('a')}}
    """
    keys = [values(resolve_text(schema, plan, scale=scale), "b")["a_id"] for scale in (1, 1.4, 1.5, 2, 2.2, 7)]
    assert all(larger[: len(smaller)] == smaller for smaller, larger in pairwise(keys))


def test_parents_that_time_adds_move_no_row_of_newcomers(tmp_path):
    schema = schema_from(tmp_path, seeds(a="id integer unique", p="id integer unique", b="a_id integer, p_id integer"))
    plan = f"""
    tables:
      a: {{rows: 100, lifecycle: {MOVES}, columns: {{id: sequence()}}}}
      p:
        rows: 50
        lifecycle: {{transitions: {{new: {{done: 1}}}}, arrivals: {{start: 2025-11-01}}}}
        columns: {{id: sequence()}}
      b: {{rows: "per a, constant(2)", columns: {{a_id: foreign_key('a'), p_id: foreign_key('p')}}}}
    """
    days = (dt.date(2025, 12, 31), dt.date(2026, 3, 31), dt.date(2026, 12, 31))
    runs = [make(resolve_text(schema, plan, as_of=day), "b") for day in days]
    for earlier, later in pairwise(runs):
        assert len(earlier) < len(later)
        assert later.slice(0, len(earlier)) == earlier


def test_what_varies_by_a_plain_column_agrees_in_a_larger_run(tmp_path):
    schema = schema_from(tmp_path, seeds(p="id integer unique", b="id integer unique, k varchar, p_id integer"))
    plan = """
    tables:
      p: {rows: 50, columns: {id: sequence()}}
      b:
        rows: 100
        columns:
          id: sequence()
          k: choice(['a', 'b', 'c', 'd', 'e'])
          p_id: {generator: foreign_key('p'), varies_by: k}
    """
    rows = values(resolve_text(schema, plan, scale=4), "b")
    assert len(set(zip(rows["k"], rows["p_id"], strict=True))) == 5


def test_nothing_is_promised_of_what_a_condition_decides_anew(tmp_path):
    schema = schema_from(tmp_path, seeds(b="id integer unique, k varchar, n integer, x integer, y integer"))
    plan = """
    tables:
      b:
        rows: 100
        columns:
          id: sequence()
          k: choice(['a', 'b'])
          n: integer(1, 9)
          x: {generator: "integer(1, 99)", varies_by: k}
          y: {generator: "integer(1, 99, when='n > 5')", varies_by: k}
    """
    assert resolve_text(schema, plan).table("b").promises.functional_dependencies == ((("k",), ("x",)),)


def test_pairs_are_the_same_in_any_batch_when_owners_need_more_parents_than_were_planned(tmp_path):
    schema = schema_from(tmp_path, seeds(a="id integer unique", p="id integer unique", b="a_id integer, p_id integer"))
    plan = """
    tables:
      a: {rows: 300, columns: {id: sequence()}}
      p: {rows: 5, columns: {id: sequence()}}
      b:
        rows: "per a, choice({1: 400, 8: 1})"
        columns: {a_id: foreign_key('a'), p_id: "foreign_key('p', distinct=true)"}
    """
    resolved = resolve_text(schema, plan, scale=3)
    whole = make(resolved, "b")
    assert make(resolved, "b", batch_rows=64) == whole
    pairs = list(zip(*whole.to_pydict().values(), strict=True))
    assert len(pairs) == len(set(pairs)) > 900


def test_rows_that_are_drawn_again_and_rows_that_are_not_there_yet(tmp_path):
    """Whether a row has an entity, and so when it appears, follows from a column that a rule draws again."""
    schema = schema_from(
        tmp_path,
        """
        seeds:
          - {name: a, columns: [{name: id, data_type: integer, data_tests: [unique]}]}
          - name: b
            data_tests: [{dbt_utils.expression_is_true: {arguments: {expression: "n <> m"}}}]
            columns:
              - {name: id, data_type: integer, data_tests: [unique]}
              - {name: a_id, data_type: integer}
              - {name: n, data_type: integer}
              - {name: m, data_type: integer}
              - {name: at, data_type: timestamp}
        """,
    )
    plan = f"""
    tables:
      a: {{rows: 50, lifecycle: {MOVES}, columns: {{id: sequence()}}}}
      b:
        rows: 400
        columns:
          id: sequence()
          a_id: foreign_key('a', when='n > 2')
          n: integer(1, 4)
          m: integer(1, 4)
          at: during('a')
    """
    resolved = resolve_text(schema, plan)
    rows = make(resolved, "b")
    assert 200 < len(rows) < 400
    assert make(resolved, "b", batch_rows=64) == rows
    for row in rows.to_pylist():
        assert row["n"] != row["m"]
        assert (row["a_id"] is None) == (row["at"] is None) == (row["n"] <= 2)
