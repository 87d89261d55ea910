"""Seedbed on local Spark, on two cores: `spark_rows.py FOLDER PROJECT SCALE (csv|rows|ready)`.

`csv` writes all tables as Spark's CSV; `rows` makes them and throws them away, and `ready` does so with rows that
are there already, which the same function of the same `mapInArrow` reads from memory. What is measured begins when
the session is up.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pyarrow as pa
from job import job
from pyspark.sql import SparkSession
from seedbed_run import keep, read

from seedbed import spark as on_spark


class Ready:
    """One table's ready-made rows in the parts that Seedbed would make: what `seedbed.spark` asks of a table."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        file = self._opened()
        self.schema, self._parts = file.schema, file.num_record_batches
        self.rows = sum(file.get_batch(part).num_rows for part in range(self._parts))

    def __len__(self) -> int:
        return self._parts

    def batch(self, part: int) -> pa.RecordBatch:
        return self._opened().get_batch(part)

    def _opened(self) -> pa.ipc.RecordBatchFileReader:
        return pa.ipc.open_file(pa.memory_map(self._path))


def main(folder: Path, project: Path, scale: float, form: str) -> None:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    arrow = folder.with_name("arrow")  # not among the files that are counted
    keep(read(project, scale), arrow)
    ready = {path.stem: Ready(path) for path in arrow.glob("*.arrow")}
    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    with job(folder, "dbt-seedbed", "pyspark", "pyarrow") as done:
        resolved = read(project, scale)
        frames = on_spark.tables(session, resolved, partitions=2)
        for name, frame in frames.items():
            table = resolved.table(name)
            if form == "ready":
                frame = on_spark.table_frame(session, table, ready[name], 2)
            if form == "csv":
                frame.write.csv(str(folder / name), header=True)
            else:
                frame.write.format("noop").mode("overwrite").save()
            done.add(ready[name].rows, len(table.written_columns))
    session.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4])
