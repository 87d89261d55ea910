"""The limits: rows that are in memory already, written by a library: `ready_made.py FOLDER ARROW WRITER`.

Each writer gets what is best for it: one thread, its fastest options, the batches as they are.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from job import job


def csv_pyarrow(table: pa.Table, path: Path) -> None:
    options = pyarrow.csv.WriteOptions(batch_size=65_536)
    pyarrow.csv.write_csv(table, path.with_suffix(".csv"), options)


def csv_duckdb(table: pa.Table, path: Path) -> None:
    duckdb = importlib.import_module("duckdb")

    with duckdb.connect(config={"threads": 1, "preserve_insertion_order": True}) as connection:
        connection.register("ready", table)
        connection.execute(f"copy ready to '{path.with_suffix('.csv')}' (format csv, header)")


def csv_polars(table: pa.Table, path: Path) -> None:
    frame = importlib.import_module("polars").from_arrow(table)
    frame.write_csv(path.with_suffix(".csv"), batch_size=16_384)


def parquet_pyarrow(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path.with_suffix(".parquet"))


def parquet_pyarrow_chosen(table: pa.Table, path: Path) -> None:
    """As Seedbed writes: zstd 1, small dictionaries or none."""
    _, *others = table.schema  # but the key
    may_repeat = (pa.types.is_string, pa.types.is_integer, pa.types.is_date, pa.types.is_timestamp)
    pq.write_table(
        table, path.with_suffix(".parquet"), compression="zstd", compression_level=1, row_group_size=1 << 17,
        use_dictionary=[field.name for field in others if any(is_kind(field.type) for is_kind in may_repeat)],
        dictionary_pagesize_limit=1 << 15,
    )  # fmt: skip


WRITERS: dict[str, tuple[Callable[[pa.Table, Path], None], str]] = {
    "csv-pyarrow": (csv_pyarrow, "pyarrow"),
    "csv-duckdb": (csv_duckdb, "duckdb"),
    "csv-polars": (csv_polars, "polars"),
    "parquet-pyarrow": (parquet_pyarrow, "pyarrow"),
    "parquet-pyarrow-chosen": (parquet_pyarrow_chosen, "pyarrow"),
}


def main(folder: Path, arrow: Path, name: str) -> None:
    pa.set_cpu_count(1)
    write, package = WRITERS[name]
    tables = {}
    for file in sorted(arrow.glob("*.arrow")):
        with pa.OSFile(str(file)) as source:
            tables[file.stem] = pa.ipc.open_file(source).read_all()
    with job(folder, package) as done:
        for stem, table in tables.items():
            write(table, folder / stem)
            done.add(table.num_rows, table.num_columns)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
