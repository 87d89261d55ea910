"""`seedbed load --since`: deltas and feeds in a real database, as a pipeline would merge them."""

import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from click.testing import CliRunner

from postgres import Server, running_postgres
from seedbed.cli import main

DAY_1, DAY_2, DAY_3 = "2026-03-31", "2026-04-03", "2026-04-06"
SOURCES = """
    sources:
      - name: raw
        schema: landing
        tables:
          - name: orders
            columns:
              - {name: order_id, data_type: integer, data_tests: [unique, not_null]}
              - name: status
                data_type: varchar(20)
                data_tests: [accepted_values: {arguments: {values: [placed, shipped, delivered]}}]
              - {name: placed_at, data_type: timestamp, data_tests: [not_null]}
              - {name: delivered_at, data_type: timestamp}
    """
PLAN = """
    version: 1
    random_seed: 5
    start: 2026-01-01
    as_of: 2026-03-31
    tables:
      raw.orders:
        rows: 60
        lifecycle:
          initial: placed
          transitions: {placed: {shipped: 1}, shipped: {delivered: 1}}
          dwell: {placed: 2d, shipped: 3d}
        columns:
          order_id: sequence()
          status: lifecycle('raw.orders', 'state')
          placed_at: lifecycle('raw.orders', 'started')
          delivered_at: lifecycle('raw.orders', 'ended')
    """

Rows = list[tuple[Any, ...]]
Database = tuple[Path, Callable[[str], Rows]]
"""The project, and what answers a query to its database."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_postgres() as running:
        yield running


@pytest.fixture(params=["duckdb", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "duckdb":
        file = tmp_path / "shop.duckdb"

        def ask(query: str) -> Rows:
            with duckdb.connect(str(file), read_only=True) as connection:
                return connection.sql(query).fetchall()

        yield _project(tmp_path, {"type": "duckdb", "path": str(file)}), ask
        return
    server: Server = request.getfixturevalue("server")
    yield _project(tmp_path, server.settings), server.rows
    server.run("drop schema if exists landing cascade")


def _project(folder: Path, target: Mapping[str, Any]) -> Path:
    profile = {"shop": {"target": "dev", "outputs": {"dev": {**target, "schema": "analytics", "threads": 1}}}}
    texts = {
        "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\n",
        "profiles.yml": yaml.safe_dump(profile),
        "models/sources.yml": textwrap.dedent(SOURCES),
        "seedbed.yml": textwrap.dedent(PLAN),
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def _load(project: Path, *arguments: str) -> str:
    options = ["--project-dir", str(project), "--profiles-dir", str(project)]
    done = CliRunner().invoke(main, ["load", *arguments, *options], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def _orders(ask: Callable[[str], Rows], columns: str = "*", order: str = "order_id") -> Rows:
    return ask(f"select {columns} from landing.orders order by {order}")


def test_a_delta_merged_into_the_earlier_state_is_the_later_one(database: Database) -> None:
    project, ask = database
    _load(project)
    merged = {row[0]: row for row in _orders(ask)}
    assert len(merged) == 60
    said = _load(project, "--as-of", DAY_2, "--since", DAY_1)
    delta = {row[0]: row for row in _orders(ask)}
    assert f"{len(delta):,}  landing.orders" in said
    assert 0 < len(delta) < 60
    assert all(merged.get(key) != row for key, row in delta.items()), "a row that did not change is no change"
    _load(project, "--as-of", DAY_2)
    assert sorted((merged | delta).values()) == _orders(ask)


def test_a_feed_replayed_on_the_earlier_state_is_the_later_one(database: Database) -> None:
    project, ask = database
    _load(project)
    state = {row[0]: row for row in _orders(ask)}
    _load(project, "--as-of", DAY_3, "--since", DAY_1, "--changes", "feed")
    names = "order_id, status, placed_at, delivered_at"
    for op, changed_at, *row in _orders(ask, f"_op, _changed_at, {names}", "_sequence"):
        assert op == ("update" if row[0] in state else "insert")
        assert str(changed_at) > DAY_1
        state[row[0]] = tuple(row)
    _load(project, "--as-of", DAY_3)
    assert sorted(state.values()) == _orders(ask)


def test_dates_that_do_not_follow_on_are_warned_of(database: Database) -> None:
    project, _ = database
    assert "as-of" not in _load(project)
    said = _load(project, "--as-of", DAY_3, "--since", DAY_2)
    assert f"the database held the state as of {DAY_1}; what changed until {DAY_2} is not told" in said
    assert f"the database held the state as of {DAY_3}; this run goes back to {DAY_1}" in _load(project)
    assert "as-of" not in _load(project, "--as-of", DAY_2, "--since", DAY_1)
