"""Seedbed itself: `seedbed_run.py FOLDER PROJECT SCALE (rows|csv|parquet) WORKERS` or `... arrow 1 OTHER`.

`rows` throws the rows away; `arrow` keeps them ready-made in OTHER, an Arrow file for each table, for the limits.
"""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from collections import deque
from pathlib import Path

import pyarrow as pa
from job import job

from seedbed import api
from seedbed.engine.batches import generate_batches, schema_of, workers_on
from seedbed.engine.world import World
from seedbed.plan.resolved import ResolvedPlan
from seedbed.without_pandas import WithoutPandas


def read(project: Path, scale: float) -> ResolvedPlan:
    """The project's plan, with nothing left to decide."""
    schema, _ = api.read_project(project)
    planned = api.plan_project(schema, today=dt.date(2026, 1, 1))
    return api.resolve_plan(schema, planned, scale=scale)[0]


def main(folder: Path, project: Path, scale: float, form: str, workers: int, other: Path | None) -> None:
    if other:
        keep(read(project, scale), other)
        return
    shutil.copytree(project, folder, dirs_exist_ok=True)
    sys.meta_path.insert(0, WithoutPandas)  # as the command line does
    pa.set_cpu_count(workers)
    with job(folder, "dbt-seedbed", "numpy", "pyarrow") as done:
        resolved = read(folder, scale)
        if form == "rows":
            world = World(resolved)
            with workers_on(world, workers) as shared:
                for table in resolved:
                    for batch in generate_batches(world, table, workers=shared):
                        done.add(batch.num_rows, batch.num_columns)
        else:
            sink = api.csv_sink(resolved) if form == "csv" else api.parquet_sink(resolved, Path("data"))
            for written in api.write(resolved, sink, workers=workers).written:
                done.add(written.rows, len(resolved.table(written.table).written_columns))


def keep(resolved: ResolvedPlan, folder: Path) -> None:
    """Writes every table as an Arrow file, in the engine's batches and types; text of few values as dictionaries."""
    folder.mkdir(parents=True, exist_ok=True)
    world = World(resolved)
    for table in resolved:
        schema = schema_of(table)
        with pa.OSFile(str(folder / f"{table.name}.arrow"), "wb") as file, pa.ipc.new_file(file, schema) as writer:
            deque(map(writer.write_batch, generate_batches(world, table)), maxlen=0)


if __name__ == "__main__":
    folder, project, scale, form, workers, *other = sys.argv[1:]
    main(Path(folder), Path(project), float(scale), form, int(workers), Path(other[0]) if other else None)
