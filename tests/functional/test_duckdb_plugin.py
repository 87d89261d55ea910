"""Sources that come into being when dbt opens its database."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
from dbt_common.exceptions import DbtRuntimeError

from seedbed import api
from seedbed.duckdb_plugin import Plugin
from shop import ALL_WELL, DUCKDB, resolve_shop, run_dbt, statuses, write_shop

# More than the plan's, which stay the first of them.
ORDERS = 1500


def _write_shop(root: Path, path: str) -> Path:
    plugin = {"module": "seedbed.duckdb_plugin", "config": {"rows": {"raw.orders": ORDERS}}}
    # dbt-duckdb hands the target's settings to its plugins as well.
    return write_shop(root, {**DUCKDB, "path": path, "settings": {"TimeZone": "UTC"}, "plugins": [plugin]})


@pytest.fixture
def in_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that this process works in, as dbt would."""
    monkeypatch.chdir(write_shop(tmp_path))
    return tmp_path


def test_dbt_builds_on_four_threads(tmp_path):
    project = _write_shop(tmp_path, "shop.duckdb")
    for _ in range(2):
        done = run_dbt(project, "build")
        assert done.returncode == 0, done.stdout
        assert sorted(statuses(project)) == ALL_WELL
        assert re.findall(r"Seedbed filled (\S+): (\S+) rows", done.stdout) == [
            ("raw.customers", "300"),
            ("raw.order_lines", "1,500"),
        ]
    made = api.generate_tables(resolve_shop(project))
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        found = connection.execute("from raw.order_lines").fetchall()
        assert connection.execute("select sum(orders) from report_0").fetchall() == [(ORDERS,)]
    assert found[: made["raw.orders"].num_rows] == [tuple(row.values()) for row in made["raw.orders"].to_pylist()]
    assert not (project / "seeds").exists()
    assert not (project / "seedbed").exists()


def test_dbt_builds_in_memory(tmp_path):
    project = _write_shop(tmp_path, ":memory:")
    done = run_dbt(project, "build")
    assert done.returncode == 0, done.stdout
    assert sorted(statuses(project)) == ALL_WELL


def test_dbt_says_what_is_wrong(tmp_path):
    project = _write_shop(tmp_path, "shop.duckdb")
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        connection.execute("create schema raw; create table raw.order_lines as select 1 as real")
    done = run_dbt(project, "build")
    assert done.returncode != 0
    assert "raw.orders: the table raw.order_lines is there already and was not written by Seedbed" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_sources_are_filled_once(in_shop):
    plugin = Plugin("seedbed", {"rows": {"raw.orders": ORDERS}})
    with duckdb.connect() as connection:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(plugin.configure_connection, [connection] * 4))
        assert connection.execute("select count(*) from raw.order_lines").fetchall() == [(ORDERS,)]
        connection.execute("drop table raw.order_lines")
        plugin.configure_connection(connection)
        assert connection.execute("select table_name from duckdb_tables()").fetchall() == [("customers",)]


def test_tables_can_be_chosen(in_shop):
    with duckdb.connect() as connection:
        Plugin("seedbed", {"select": "source:raw.customers", "scale": 0.1}).configure_connection(connection)
        assert connection.execute("select table_name from duckdb_tables()").fetchall() == [("customers",)]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"scael": 2}, "scael: .*known are project_dir, select"),
        ({"scale": -1}, "scale: "),
        ({"rows": {"raw.orders": "many"}}, r"rows\.raw\.orders: "),
    ],
)
def test_a_wrong_config_is_refused(config, said):
    with pytest.raises(DbtRuntimeError, match=said):
        Plugin("seedbed", config)


def test_a_project_that_is_not_there_is_an_error_of_dbt(tmp_path):
    plugin = Plugin("seedbed", {"project_dir": str(tmp_path)})
    with duckdb.connect() as connection, pytest.raises(DbtRuntimeError, match=r"there is no dbt_project\.yml"):
        plugin.configure_connection(connection)
