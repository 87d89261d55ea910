"""Tables made by Spark on a cluster of two worker processes: the rows of one machine, in Spark's types."""

import datetime as dt
import os
import sys
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinic import resolve_clinic
from dbt_targets import SPARK, check_spark
from seedbed import api
from seedbed.engine.ranges import RowRanges
from seedbed.engine.world import world_of
from seedbed.errors import PlanError
from seedbed.plan.resolved import ResolvedPlan
from seedbed.spark import tables

# Said by Spark of every use of Arrow, where no pandas is used.
pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")

# Far from UTC: moments without time zone must not move.
HERE = ZoneInfo("America/Los_Angeles")


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    check_spark()
    from pyspark.sql import SparkSession  # noqa: PLC0415

    builder = SparkSession.builder.config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
    for key, value in SPARK.items():
        builder = builder.config(key, value)
    builder = builder.config("spark.sql.session.timeZone", HERE.key)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYSPARK_PYTHON", sys.executable)
        session = builder.getOrCreate()
        yield session
        session.stop()


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> ResolvedPlan:
    return resolve_clinic(tmp_path_factory.mktemp("project"))


def _shown(value: Any) -> Any:
    """A value as Spark shows it to a person in Los Angeles."""
    if isinstance(value, dt.datetime):
        return str((value.astimezone(HERE) if value.tzinfo else value).replace(tzinfo=None))
    return str(value) if isinstance(value, dt.time) else value


def _collected(frame: Any) -> list[dict[str, Any]]:
    # Python would move timestamps into its own time zone; Spark's text of them is in the session's.
    columns = []
    for field in frame.schema:
        name = f"`{field.name.replace('`', '``')}`"
        moment = field.dataType.typeName() == "timestamp"
        columns.append(f"date_format({name}, 'yyyy-MM-dd HH:mm:ss') as {name}" if moment else name)
    return [row.asDict() for row in frame.selectExpr(*columns).collect()]


def test_rows_are_those_of_one_machine(spark, clinic):
    frames = tables(spark, clinic, partitions=3)
    expected = api.generate_tables(clinic)
    assert list(frames) == list(expected)
    for name, whole in expected.items():
        rows = [{column: _shown(value) for column, value in row.items()} for row in whole.to_pylist()]
        assert _collected(frames[name]) == rows, name


def test_types_are_those_of_seeds_on_spark(spark, clinic):
    (patients, visits) = tables(spark, clinic, ["patients", "visits"]).values()
    assert {field.name: field.dataType.simpleString() for field in patients.schema} == {
        "id": "int",
        "code": "string",
        "tag": "string",
        "born": "date",
        "seen `at": "timestamp",
        "zoned": "timestamp",
        "hour": "string",
        "weight": "decimal(9,3)",
        "score": "double",
        "steps": "smallint",
        "active": "boolean",
        "document": "string",
        "ward": "string",
    }
    assert visits.schema["fee"].dataType.simpleString() == "decimal(38,9)"


def test_several_processes_make_the_rows_and_each_makes_the_world_once(spark, clinic):
    rows = RowRanges(clinic, "stays", batch_rows=10)

    def make(batches):  # in the workers, which do not know this module
        for batch in batches:
            for part in batch.column(0).to_pylist():
                rows.batch(part % len(rows))
                seen = [os.getpid(), world_of.cache_info().misses]
                yield pa.record_batch([pa.array([number], pa.int32()) for number in seen], ["process", "worlds"])

    made = spark.range(0, 64, 1, 8).mapInArrow(make, "process int, worlds int").collect()
    assert len({row.process for row in made}) == 2
    assert len(made) == 64
    assert {row.worlds for row in made} <= {1, 2}


def test_tables_can_be_written_as_files(spark, clinic, tmp_path):
    frame = tables(spark, clinic, ["stays"])["stays"]
    frame.write.parquet(str(tmp_path / "stays"))
    written = pq.read_table(tmp_path / "stays")
    expected = api.generate_tables(clinic)["stays"]
    assert sorted(written.column("patient_id").to_pylist()) == sorted(expected.column("patient_id").to_pylist())


def test_a_table_that_there_is_not_is_named(spark, clinic):
    with pytest.raises(PlanError, match="the plan has no table nurses"):
        tables(spark, clinic, ["nurses"])
