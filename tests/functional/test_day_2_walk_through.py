"""docs/day-2.md, done as it says: its project, three days of it with dbt on DuckDB, and what it says is true then."""

import datetime as dt
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from seedbed.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "day-2.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w./-]+)`:\n\n```\w+\n(.*?)```", PAGE, re.S | re.M))
COMMANDS = [
    re.findall(r"^\$ seedbed (.*?)(?: && dbt build)?$", block, re.M)
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.S)
]
WHOLE, DELTAS = COMMANDS
FIRST_NIGHT = dt.datetime(2026, 4, 1)
Table = set[tuple[Any, ...]]


@dataclass(frozen=True)
class Day:
    """What stands in the database after dbt ran: seeds, models and snapshots, by name."""

    tables: dict[str, Table]
    columns: dict[str, list[str]]

    def rows(self, name: str) -> list[dict[str, Any]]:
        return [dict(zip(self.columns[name], row, strict=True)) for row in self.tables[name]]


def a_day(shop: Path, command: str) -> Day:
    done = CliRunner().invoke(main, [*command.split(), "--project-dir", str(shop)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    environment = {**os.environ, "DBT_PROFILES_DIR": str(shop), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    dbt = [sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "build"]
    built = subprocess.run(dbt, cwd=shop, env=environment, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout
    tables, columns = {}, {}
    with duckdb.connect(str(shop / "shop.duckdb"), read_only=True) as database:
        for (name,) in database.execute("select table_name from information_schema.tables").fetchall():
            found = database.execute(f"select * from {name}")
            columns[name] = [column[0] for column in found.description]
            tables[name] = set(found.fetchall())
    return Day(tables, columns)


def write(folder: Path) -> Path:
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """The three days of whole states."""
    shop = write(tmp_path_factory.mktemp("whole") / "shop")
    return [a_day(shop, command) for command in WHOLE]


@pytest.fixture(scope="module")
def landed(tmp_path_factory):
    """The first day, and then only what changed."""
    shop = write(tmp_path_factory.mktemp("deltas") / "shop")
    return [a_day(shop, command) for command in (WHOLE[0], *DELTAS)]


def test_the_page_has_a_project_and_three_days():
    assert len(FILES) == 8
    assert len(WHOLE) == 3
    assert len(DELTAS) == 2


def test_the_incremental_model_with_a_look_back_equals_the_whole_state(days):
    for day in days:
        assert day.tables["payments_kept"] == day.tables["payments"]
    assert len({frozenset(day.tables["payments"]) for day in days}) == 3


def test_without_a_look_back_it_misses_what_came_late(days):
    missed = days[-1].tables["payments"] - days[-1].tables["payments_missed"]
    assert missed
    known = {row["payment_id"] for day in days[:-1] for row in day.rows("payments")}
    paid = {row["payment_id"]: row["paid_at"].date().isoformat() for row in days[-1].rows("payments")}
    new = [payment for payment in paid if payment not in known]
    assert any(paid[payment] <= "2026-04-02" for payment in new), "none came late"


def test_payments_are_marked_as_deleted_as_time_goes_on(days):
    deleted = [{row["payment_id"] for row in day.rows("payments") if row["is_deleted"]} for day in days]
    assert deleted[0] <= deleted[1] <= deleted[2]
    assert deleted[0] < deleted[2]


def test_the_snapshots_hold_the_versions_that_were_current_at_the_end_of_a_day(days):
    for count in range(1, 4):
        seen = {
            (row["order_id"], row["status"], row["valid_from"])
            for day in days[:count]
            for row in day.rows("order_statuses")
            if row["valid_to"] is None
        }
        taken = days[count - 1].rows("orders_by_timestamp")
        assert {(row["order_id"], row["status"], row["dbt_valid_from"]) for row in taken} == seen
        assert len(taken) == len(seen)
        by_check = days[count - 1].rows("orders_by_check")
        assert sorted((row["order_id"], row["status"]) for row in by_check) == sorted(row[:2] for row in seen)
    # Some states were entered and left between two runs: no snapshot can hold them.
    versions = {(row["order_id"], row["status"], row["valid_from"]) for row in days[-1].rows("order_statuses")}
    assert {row for row in versions - seen if row[2] > FIRST_NIGHT}


def test_each_version_of_the_snapshot_ends_where_the_next_begins(days):
    rows = sorted(days[-1].rows("orders_by_timestamp"), key=lambda row: (row["order_id"], row["dbt_valid_from"]))
    lengths = set()
    for _, versions in groupby(rows, key=lambda row: row["order_id"]):
        found = list(versions)
        lengths.add(len(found))
        assert [row["dbt_valid_to"] for row in found] == [*(row["dbt_valid_from"] for row in found[1:]), None]
    assert lengths == {1, 2, 3}


def test_closed_rows_never_change(days):
    for earlier, later in pairwise(days):
        closed = {row for row in earlier.tables["order_statuses"] if row[-1] is not None}
        assert closed
        assert closed <= later.tables["order_statuses"]


def test_deltas_land_as_the_whole_state(days, landed):
    for whole, changed in zip(days, landed, strict=True):
        assert changed.tables["orders_landed"] == whole.tables["orders"]
    assert 0 < len(landed[-1].tables["orders"]) < len(days[-1].tables["orders"])
