"""The eight tables of TPC-H from programs that make nothing else, as fast as they can: `tpch.py FOLDER HOW FACTOR`.

HOW is `tpchgen-csv` or `tpchgen-parquet` (tpchgen-cli, on one thread), or `dbgen` (DuckDB 1.0, into memory, no output).
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

from job import job

TABLES = {
    "lineitem": (6_001_215, 16), "orders": (1_500_000, 9), "partsupp": (800_000, 5), "part": (200_000, 9),
    "customer": (150_000, 8), "supplier": (10_000, 7),
}  # fmt: skip
"""Rows at scale factor 1, and columns; nation and region are too small to count."""


def tpchgen(folder: Path, form: str, factor: float) -> None:
    program = Path(sys.executable).with_name("tpchgen-cli")
    command = [program, form, "-s", factor, "--num-threads", 1, "--output-dir", folder]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)


def dbgen(factor: float) -> None:
    with importlib.import_module("duckdb").connect(config={"threads": 1}) as connection:
        connection.execute("load tpch")
        connection.execute(f"call dbgen(sf={factor})")


if __name__ == "__main__":
    folder, how, factor = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    with job(folder, "duckdb" if how == "dbgen" else "tpchgen-cli") as done:
        if how == "dbgen":
            dbgen(factor)
        else:
            tpchgen(folder, how.removeprefix("tpchgen-"), factor)
        for rows, columns in TABLES.values():
            done.add(int(rows * factor), columns)
