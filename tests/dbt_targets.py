"""The databases that dbt runs on in the tests: DuckDB always, PostgreSQL and Spark where they are installed."""

import contextlib
import importlib.util
import os
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from postgres import running_postgres

ADAPTERS = ("duckdb", "postgres", "spark")

SPARK = {
    "spark.master": "local[2]",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.session.timeZone": "UTC",
    # A value that its type cannot hold is then null: the harder case for whoever loads exactly.
    "spark.sql.ansi.enabled": "false",
}
"""A cluster of one machine with two worker processes."""


@contextlib.contextmanager
def running_target(adapter: str) -> Iterator[Mapping[str, Any]]:
    """A target of `profiles.yml` for a database that runs; skips the test where that is not installed.

    DuckDB and Spark keep their data in the folder that dbt is run in.
    """
    if not _installed(f"dbt.adapters.{adapter}"):
        pytest.skip(f"dbt-{adapter} is not installed")
    if adapter == "duckdb":
        yield {"type": "duckdb", "path": "target.duckdb", "threads": 2}
    elif adapter == "postgres":
        with running_postgres() as server:
            yield {**server.settings, "pass": "", "schema": "analytics", "threads": 2}
    else:
        check_spark()
        yield {"type": "spark", "method": "session", "host": "NA", "schema": "analytics", "threads": 1} | {
            "server_side_parameters": SPARK
        }


def check_spark() -> None:
    """Skips the test where Spark cannot run."""
    if not _installed("pyspark"):
        pytest.skip("pyspark is not installed; `make test-spark` installs it")
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        pytest.skip("Spark needs Java, which is not installed; apt-get install openjdk-17-jre-headless")


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
