"""dbt 2.x builds on what Seedbed writes: sources as Parquet files, and seeds with their properties and tests.

`make test-dbt-2` installs that dbt, and says where it is.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from seedbed import api, demonstration
from shop import ALL_WELL, resolve_shop, statuses, write_shop

Run = Callable[[Path], subprocess.CompletedProcess[str]]


@pytest.fixture
def build() -> Run:
    """Runs `dbt build` of 2.x in a project."""
    dbt = os.environ.get("SEEDBED_DBT_2")
    if not dbt:
        pytest.skip("dbt 2.x is not installed; `make test-dbt-2` installs it")

    def run(project: Path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "DBT_PROFILES_DIR": str(project), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
        return subprocess.run([dbt, "build"], cwd=project, env=environment, capture_output=True, text=True, check=False)

    return run


def test_it_builds_on_parquet_files(build, tmp_path):
    project = write_shop(tmp_path)
    with (project / "dbt_project.yml").open("a", encoding="utf-8") as file:
        file.write('sources: {shop: {+meta: {external_location: "seedbed/data/{schema}_{identifier}.parquet"}}}\n')
    resolved = resolve_shop(project)
    api.write(resolved, api.parquet_sink(resolved))
    done = build(project)
    assert done.returncode == 0, done.stdout
    assert sorted(statuses(project)) == ALL_WELL


def test_it_builds_the_demonstration(build, tmp_path):
    written = demonstration.prepare(tmp_path).written
    done = build(tmp_path)
    assert done.returncode == 0, done.stdout
    found = statuses(tmp_path)
    assert set(found) == {"pass", "success"}
    assert found.count("success") == len(written) + len(list((tmp_path / "models").rglob("*.sql")))
