"""The demonstration: its committed seeds are what is generated, and dbt builds it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from seedbed.demonstration import DATABASE, build, prepare
from seedbed.errors import SinkError

ROOT = Path(__file__).parents[2]
DBT = Path(sys.executable).with_name("dbt")
SEEDS = ("case_dim", "case_status_dim", "date_dim", "fact", "person_dim", "transaction_type_dim")


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demonstration") / "star"
    prepare(folder)
    return folder


def test_the_committed_seeds_are_what_is_generated(demonstration):
    for name in SEEDS:
        made = (demonstration / "seeds" / f"{name}.csv").read_bytes()
        assert made == (ROOT / "seeds" / f"{name}.csv").read_bytes(), f"{name}: run `seedbed generate` and commit it"


def test_a_changed_seed_would_be_made_again(demonstration, tmp_path):
    copy = tmp_path / "star"
    shutil.copytree(demonstration, copy)
    (copy / "seeds" / "fact.csv").unlink()
    prepare(copy)
    assert (copy / "seeds" / "fact.csv").read_bytes() == (ROOT / "seeds" / "fact.csv").read_bytes()


@pytest.fixture(scope="module")
def built(demonstration):
    assert build(demonstration, str(DBT)) == 0
    return demonstration


def test_dbt_builds_it_and_every_test_passes(built):
    results = json.loads((built / "target" / "run_results.json").read_text())["results"]
    assert {result["status"] for result in results} == {"success", "pass"}
    assert len(results) > 100


@pytest.mark.parametrize(
    "report", ["case_funnel", "case_ageing", "time_in_state", "backlog_per_month", "transactions_per_month"]
)
def test_reports_return_rows(built, report):
    with duckdb.connect(str(built / DATABASE), read_only=True) as database:
        assert database.sql(f"select count(*) from {report}").fetchall() > [(0,)]


def test_another_project_is_not_taken_for_it(tmp_path):
    (tmp_path / "dbt_project.yml").write_text("name: other\nversion: '1.0'\n")
    with pytest.raises(SinkError, match="another dbt project"):
        prepare(tmp_path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    with pytest.raises(SinkError, match="not empty"):
        prepare(tmp_path / "full")


def test_without_dbt_it_says_how_to_get_it(demonstration):
    with pytest.raises(SinkError, match="pip install"):
        build(demonstration, "no-such-dbt")


def test_installed_elsewhere_it_leaves_nothing_there(tmp_path, demonstration):
    consumer = tmp_path / "consumer"
    (consumer / "models").mkdir(parents=True)
    (consumer / "dbt_project.yml").write_text("name: consumer\nversion: '1.0'\nprofile: p\n")
    (consumer / "profiles.yml").write_text("p: {target: d, outputs: {d: {type: duckdb, path: ':memory:'}}}\n")
    (consumer / "packages.yml").write_text(f"packages: [{{local: '{demonstration.as_posix()}'}}]\n")
    (consumer / "models" / "m.sql").write_text("select 1 as x")
    for command in (["deps"], ["ls", "--output", "name"]):
        done = subprocess.run(
            [DBT, "--quiet", *command, "--project-dir", consumer, "--profiles-dir", consumer],
            cwd=consumer,
            capture_output=True,
            text=True,
            check=True,
        )
    assert done.stdout.split() == ["m"]
