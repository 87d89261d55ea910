"""Histories, the entity's own columns and facts come from one walk."""

import datetime as dt
from bisect import bisect_right
from collections import defaultdict
from itertools import islice

import numpy as np
import pytest

from seedbed.engine.batches import generate_batches
from seedbed.engine.world import World
from worlds import make, resolve_text, schema_from, values

PROPERTIES = """
seeds:
  - name: cases
    columns:
      - {name: id, data_type: integer, data_tests: [unique]}
      - {name: priority, data_type: varchar}
      - {name: status, data_type: varchar}
      - {name: opened, data_type: VALID}
      - {name: closed, data_type: VALID}
  - name: history
    config:
      meta:
        seedbed:
          history:
            entity: case_id
            state: status
            valid_from: valid_from
            valid_to: valid_to
            current: is_current
            version: version_no
            transitions: {new: {open: 0.9, closed: 0.1}, open: {waiting: 0.5, closed: 0.5}, waiting: {open: 1}}
            dwell: {new: 5d, open: {lognormal: {median: 20d}}, waiting: 10d}
    columns:
      - {name: id, data_type: integer, data_tests: [unique]}
      - name: case_id
        data_type: integer
      - {name: status, data_type: varchar}
      - {name: version_no, data_type: integer}
      - {name: valid_from, data_type: VALID}
      - {name: valid_to, data_type: VALID}
      - {name: is_current, data_type: boolean}
      - {name: handler, data_type: integer}
  - name: events
    columns:
      - {name: id, data_type: integer, data_tests: [unique]}
      - {name: case_id, data_type: integer}
      - {name: history_id, data_type: integer}
      - {name: happened_at, data_type: timestamp}
"""

PLAN = """
tables:
  cases:
    rows: 400
    columns:
      id: sequence()
      priority: choice(['low', 'high'])
      status: lifecycle('history', 'state')
      opened: lifecycle('history', 'started')
      closed: lifecycle('history', 'ended')
  history:
    columns:
      id: sequence()
      case_id: foreign_key('cases')
      handler: integer(1, 9)
  events:
    rows: per cases, poisson(mean=4)
    columns:
      id: sequence()
      case_id: foreign_key('cases')
      happened_at: during('history')
      history_id: version('history', 'happened_at')
"""


@pytest.fixture(params=["date", "timestamp", "integer"])
def written(request, tmp_path):
    schema = schema_from(tmp_path, PROPERTIES.replace("VALID", request.param))
    resolved = resolve_text(schema, PLAN)
    return {name: values(resolved, name) for name in ("cases", "history", "events")}, request.param


def rows_of(columns):
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def moment(value):
    if isinstance(value, int):
        value = dt.date(value // 10000, value // 100 % 100, value % 100)
    return value if isinstance(value, dt.datetime) else dt.datetime(value.year, value.month, value.day)


def by_case(history):
    versions = defaultdict(list)
    for row in rows_of(history):
        versions[row["case_id"]].append(row)
    return versions


def test_the_entity_agrees_with_its_history(written):
    tables, _ = written
    versions = by_case(tables["history"])
    assert set(versions) == set(tables["cases"]["id"])
    for case in rows_of(tables["cases"]):
        walk = versions[case["id"]]
        assert [row["version_no"] for row in walk] == list(range(1, len(walk) + 1))
        assert case["opened"] == walk[0]["valid_from"]
        assert case["status"] == walk[-1]["status"]
        assert case["closed"] == (walk[-1]["valid_from"] if walk[-1]["status"] == "closed" else None)
        assert [row["is_current"] for row in walk] == [False] * (len(walk) - 1) + [True]
        assert [row["valid_to"] for row in walk] == [*(row["valid_from"] for row in walk[1:]), None]
        assert all(row["valid_from"] < row["valid_to"] for row in walk[:-1])


def test_facts_fall_into_the_version_that_they_name(written):
    tables, _ = written
    versions, names = by_case(tables["history"]), {row["id"]: row for row in rows_of(tables["history"])}
    events = rows_of(tables["events"])
    assert len(events) > 800
    for event in events:
        starts = [moment(row["valid_from"]) for row in versions[event["case_id"]]]
        valid = versions[event["case_id"]][bisect_right(starts, event["happened_at"]) - 1]
        assert event["happened_at"] >= starts[0]
        assert names[event["history_id"]] == valid
        assert event["happened_at"] < dt.datetime(2026, 1, 1)


def test_a_later_date_changes_only_what_was_open(tmp_path):
    schema = schema_from(tmp_path, PROPERTIES.replace("VALID", "timestamp"))
    days = [None, dt.date(2026, 2, 14), dt.date(2026, 6, 30)]
    runs = [resolve_text(schema, PLAN, **({"as_of": day} if day else {})) for day in days]
    histories = [{row["id"]: row for row in rows_of(values(run, "history"))} for run in runs]
    events = [{row["id"]: row for row in rows_of(values(run, "events"))} for run in runs]
    cases = [values(run, "cases")["id"] for run in runs]
    for earlier, later in zip(range(2), range(1, 3), strict=True):
        assert cases[later][: len(cases[earlier])] == cases[earlier]
        assert len(cases[later]) > len(cases[earlier])
        for number, row in histories[earlier].items():
            after = histories[later][number]
            if not row["is_current"]:
                assert after == row
            else:
                kept = set(row) - {"valid_to", "is_current"}
                assert {name: after[name] for name in kept} == {name: row[name] for name in kept}
        assert {number: events[later][number] for number in events[earlier]} == events[earlier]
        assert len(events[later]) > len(events[earlier])


@pytest.mark.parametrize("walked", [1, None])
def test_what_is_kept_of_earlier_walks_changes_no_fact(tmp_path, walked):
    resolved = resolve_text(schema_from(tmp_path, PROPERTIES.replace("VALID", "date")), PLAN)
    world = World(resolved)
    for _ in islice(generate_batches(world, resolved.table("history"), batch_rows=300), walked):
        pass
    lives = world.lives("history")
    assert lives.lengths(np.arange(64)) is not None
    assert (lives.lengths(np.arange(400)) is None) == (walked is not None)
    assert make(resolved, "events", world=world, batch_rows=100).equals(make(resolved, "events"))
