"""Prints what each sink costs to write the same ready-made Arrow, as a multiple of the plainest way to write it.

    python benchmarks/sinks.py [rows in millions]

CPU seconds of all threads, medians of interleaved rounds. The floors: for Parquet, pyarrow's writer with its own
defaults; for DuckDB, `create table as` from the same batches; for CSV, pyarrow's writer.
"""

from __future__ import annotations

import datetime as dt
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from seedbed.plan.kinds import Constant
from seedbed.plan.resolved import Fixed, ResolvedColumn, ResolvedPlan, ResolvedTable
from seedbed.schema import Project, Resource, SourceTable, parse_data_type
from seedbed.sinks.base import Sink
from seedbed.sinks.duckdb import DuckDBFileSink
from seedbed.sinks.parquet import ParquetSink
from seedbed.sinks.seeds import CsvSink

BATCH, ROUNDS = 1 << 16, 5
TYPES = {
    "order_id": "bigint",
    "customer_id": "bigint",
    "date_key": "integer",
    "status": "varchar",
    "name": "varchar",
    "code": "varchar",
    "amount": "decimal(12,2)",
    "ordered_at": "timestamp",
    "shipped_on": "date",
    "returned": "boolean",
}


def make_batches(rows: int) -> list[pa.RecordBatch]:
    """An orders table as the engine would hand it out."""
    random = np.random.default_rng(1)
    states = pa.array(["placed", "paid", "shipped", "returned", "closed"])
    names = pa.array([f"Name {number}" for number in range(2000)])
    made = []
    for low in range(0, rows, BATCH):
        count = min(BATCH, rows - low)
        numbers = np.arange(low, low + count)
        cents = pa.array(random.integers(0, 10**7, count)).cast(pa.decimal128(21, 2)).cast(pa.decimal128(12, 2))
        columns = [
            pa.array(numbers),
            pa.array(random.integers(0, 200_000, count)),
            pa.array(20_240_000 + random.integers(0, 4000, count)),
            states.take(pa.array(random.integers(0, 5, count))),
            names.take(pa.array(random.integers(0, 2000, count))),
            pa.array([f"ORD-{number:09}" for number in numbers]),
            cents,
            pa.array(random.integers(1_600_000_000, 1_700_000_000, count)).view(pa.timestamp("s")),
            pa.array(random.integers(18_000, 20_000, count).astype(np.int32)).view(pa.date32()),
            pa.array(random.random(count) < 0.1),
        ]
        made.append(pa.record_batch(columns, names=list(TYPES)))
    return made


def make_plan(root: Path) -> ResolvedPlan:
    columns = []
    for name, text in TYPES.items():
        data_type = parse_data_type(text)
        assert data_type is not None
        columns.append(ResolvedColumn(name, data_type, Constant(value=1), (name,)))
    source = SourceTable("raw", "orders", "raw", "orders")
    table = ResolvedTable("raw.orders", "raw__orders", Resource.SOURCE, Fixed(0, 0), tuple(columns), source=source)
    project = Project(root, "benchmark", (root / "seeds",), adapter="duckdb", target_schema="main")
    day = dt.date(2025, 12, 31)
    return ResolvedPlan(project, 1, dt.date(2024, 1, 1), day, day, "en_US", (table,))


def main(millions: float) -> None:
    batches = make_batches(int(millions * 1e6))
    schema = batches[0].schema

    def through(make: Callable[[ResolvedPlan], Sink]) -> Callable[[Path], None]:
        def write(root: Path) -> None:
            plan = make_plan(root)
            with make(plan) as sink:
                sink.write(plan.table("raw.orders"), schema, iter(batches))
                sink.commit()

        return write

    def plain_parquet(root: Path) -> None:
        with pq.ParquetWriter(root / "plain.parquet", schema) as writer:
            for batch in batches:
                writer.write_batch(batch)

    def plain_duckdb(root: Path) -> None:
        with duckdb.connect(str(root / "plain.duckdb")) as connection:
            reader = pa.RecordBatchReader.from_batches(schema, _fresh())
            connection.register("reader", reader)
            connection.execute("create table orders as select * from reader")

    def plain_csv(root: Path) -> None:
        options = pyarrow.csv.WriteOptions(batch_size=BATCH)
        with pyarrow.csv.CSVWriter(root / "plain.csv", schema, write_options=options) as writer:
            for batch in batches:
                writer.write_batch(batch)

    def _fresh() -> Iterator[pa.RecordBatch]:
        yield from batches

    works = {
        "parquet, plain": plain_parquet,
        "parquet": through(ParquetSink),
        "parquet, snappy": through(lambda plan: ParquetSink(plan, compression="snappy")),
        "duckdb, plain": plain_duckdb,
        "duckdb": through(lambda plan: DuckDBFileSink(plan, plan.project.root / "shop.duckdb")),
        "csv, plain": plain_csv,
        "csv": through(CsvSink),
    }
    taken: dict[str, list[float]] = {name: [] for name in works}
    sizes: dict[str, int] = {}
    for _ in range(ROUNDS):
        for name, work in works.items():
            with tempfile.TemporaryDirectory() as folder:
                start = time.process_time()
                work(Path(folder))
                taken[name].append(time.process_time() - start)
                sizes[name] = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    values = sum(batch.num_rows for batch in batches) * len(schema)
    for name in works:
        floor = next(other for other in works if other.endswith("plain") and other.split(",")[0] == name.split(",")[0])
        ratio = statistics.median(mine / its for mine, its in zip(taken[name], taken[floor], strict=True))
        cost = statistics.median(taken[name]) / values * 1e9
        print(f"{name:18} {cost:7.1f} ns a value {ratio:6.2f} x {sizes[name] / 1e6:8.1f} MB")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 2.0)
