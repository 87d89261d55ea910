"""Sources as Parquet files, read in place by dbt on DuckDB."""

from pathlib import Path

import duckdb
import pytest
import yaml

from seedbed import api
from seedbed.sinks.base import Outcome
from shop import ALL_WELL, CUSTOMERS, ORDERS, resolve_shop, run_dbt, statuses, write_shop

FILES = ("seedbed/data/raw__customers.parquet", "seedbed/data/raw__orders.parquet")


def _generate(project: Path) -> Outcome:
    resolved = resolve_shop(project)
    return api.write(resolved, api.parquet_sink(resolved), workers=2)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with its files, and with the lines in its property file that Seedbed asks for."""
    project = write_shop(tmp_path_factory.mktemp("shop"))
    outcome = _generate(project)
    assert outcome.changed == FILES
    (note,) = outcome.notes
    asked = yaml.safe_load(note.message.partition("\n")[2])
    path = project / "models" / "sources.yml"
    properties = yaml.safe_load(path.read_text(encoding="utf-8"))
    for table in properties["sources"][0]["tables"]:
        (found,) = (entry for entry in asked["sources"][0]["tables"] if entry["name"] == table["name"])
        table |= found
    path.write_text(yaml.safe_dump(properties, sort_keys=False), encoding="utf-8")
    return project


def test_dbt_builds_on_the_files(shop):
    done = run_dbt(shop, "build")
    assert done.returncode == 0, done.stdout
    assert sorted(statuses(shop)) == ALL_WELL
    with duckdb.connect(str(shop / "shop.duckdb")) as connection:
        assert connection.execute("select schema_name, table_name from duckdb_tables()").fetchall() == []
    with duckdb.connect() as connection:
        query = "select (select count(*) from '{}'), (select count(*) from '{}')".format(
            *(shop / name for name in FILES)
        )
        assert connection.execute(query).fetchall() == [(CUSTOMERS, ORDERS)]


def test_the_files_stay_seedbeds_own(shop):
    # A file that a source names holds hand-written rows, unless it is in the run manifest.
    outcome = _generate(shop)
    assert outcome.unchanged == FILES
    assert outcome.notes == ()


def test_one_line_in_the_project_file_serves_all_sources(tmp_path):
    project = write_shop(tmp_path)
    with (project / "dbt_project.yml").open("a", encoding="utf-8") as file:
        file.write('sources: {shop: {+meta: {external_location: "landing/{schema}_{identifier}.parquet"}}}\n')
    assert _generate(project).changed == ("landing/raw_customers.parquet", "landing/raw_order_lines.parquet")
    done = run_dbt(project, "build")
    assert done.returncode == 0, done.stdout
    assert sorted(statuses(project)) == ALL_WELL
