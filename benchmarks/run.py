"""Measures Seedbed against limits and peers, and writes results.md: `python benchmarks/run.py --help`."""

from __future__ import annotations

import argparse
import compileall
import datetime as dt
import json
import os
import platform
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from measuring import HERE, Subject, Unavailable, compare, measure
from report import render

RESULTS = HERE / "results.json"
SUBJECTS, PLANS = HERE / "subjects", HERE / "plans"
CASE_STAR, STRINGS = PLANS / "case_star", PLANS / "strings"

Part = Callable[[float, int], dict[str, Any]]
"""From scale and rounds to the runs of each subject."""


def subject(name: str, script: str, *arguments: object, environment: str | None = None) -> Subject:
    """A subject whose command is a script below subjects/, the folder for its files, and these arguments."""
    return Subject(name, lambda folder: [SUBJECTS / script, folder, *arguments], environment)


def seedbed(name: str, scale: float, form: str, workers: int = 1, project: Path = CASE_STAR) -> Subject:
    return subject(name, "seedbed_run.py", project, scale, form, workers)


def ready_made(scale: float, folder: Path, *writers: str) -> list[Subject]:
    """Writers of the case star's rows, which are made once and read from memory."""
    measure(subject("the rows, ready-made", "seedbed_run.py", CASE_STAR, scale, "arrow", 1, folder))
    return [subject(f"ready-made, {name}", "ready_made.py", folder, name, environment="tools") for name in writers]


def csv(scale: float, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="seedbed-arrow-") as arrow:
        limits = ready_made(scale, Path(arrow), "csv-pyarrow", "csv-polars", "csv-duckdb")
        mine = [seedbed("seedbed, rows only", scale, "rows"), seedbed("seedbed, CSV", scale, "csv")]
        return compare([*mine, *limits], rounds)


def parquet(scale: float, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="seedbed-arrow-") as arrow:
        limits = ready_made(scale, Path(arrow), "parquet-pyarrow", "parquet-pyarrow-chosen")
        return compare([seedbed("seedbed, Parquet", scale, "parquet"), *limits], rounds)


def workers(scale: float, rounds: int) -> dict[str, Any]:
    forms = [("Parquet", "parquet"), ("CSV", "csv"), ("rows only", "rows")]
    return compare([seedbed(f"seedbed, {name}, {k}", scale, form, k) for name, form in forms for k in (1, 2)], rounds)


def peers(scale: float, rounds: int) -> dict[str, Any]:
    """Each peer gets a share of the rows that keeps it to seconds; what is compared is values per CPU second."""
    tools = partial(subject, environment="tools")
    return compare(
        [
            seedbed("seedbed, CSV", scale, "csv"),
            seedbed("seedbed, Parquet", scale, "parquet"),
            subject("tpchgen-cli, CSV", "tpch.py", "tpchgen-csv", scale, environment="tpchgen"),
            subject("tpchgen-cli, Parquet", "tpch.py", "tpchgen-parquet", scale, environment="tpchgen"),
            subject("DuckDB dbgen, in memory", "tpch.py", "dbgen", scale, environment="dbgen"),
            tools("a careful script, histories in a loop", "script_vectorised.py", scale * 0.2, "loop"),
            tools("a careful script, no loop at all", "script_vectorised.py", scale * 0.2, "steps"),
            tools("a script that loops over cases", "script_loop.py", scale * 0.02),
            tools("mimesis, persons", "mimesis_rows.py", "persons", int(100_000 * scale)),
            tools("mimesis, transactions", "mimesis_rows.py", "transactions", int(200_000 * scale)),
            tools("Faker, persons", "faker_rows.py", "persons", int(5_000 * scale)),
            tools("Faker, transactions", "faker_rows.py", "transactions", int(30_000 * scale)),
            subject("Snowfakery", "snowfakery_run.py", max(1, int(500 * scale)), environment="snowfakery"),
        ],
        rounds,
    )


def strings(scale: float, rounds: int) -> dict[str, Any]:
    return compare(
        [
            seedbed("seedbed, CSV", scale, "csv", project=STRINGS),
            subject("mimesis", "mimesis_rows.py", "strings", int(100_000 * scale), environment="tools"),
            subject("Faker", "faker_rows.py", "strings", int(4_000 * scale), environment="tools"),
        ],
        rounds,
    )


def wide(scale: float, rounds: int) -> dict[str, Any]:
    imports = Subject("import pandas, pyarrow, duckdb", lambda _: ["-c", "import pandas, pyarrow, duckdb"])
    return compare([subject("seedbed generate", "wide.py"), imports], rounds)


def growth(scale: float, rounds: int) -> dict[str, Any]:
    """The case star at 10**5 to 10**8 transactions, each size by itself; the largest only once."""
    found: dict[str, Any] = {}
    for transactions in (10**5, 10**6, 10**7, 10**8):
        size = transactions / 5_000_000 * scale
        often = rounds if size < 1 else min(rounds, 3) if size < 10 else 1
        for round_ in range(often):
            name = f"{round(transactions * scale):,} transactions"
            try:
                run = measure(seedbed(name, size, "parquet"))
            except Unavailable as error:
                found[name] = str(error)
                break
            print(f"  round {round_ + 1:2} {name:34} {run['job_cpu']:.2f} s, {run['peak']:.0f} MB", flush=True)
            found.setdefault(name, []).append(run)
    return found


def postgres(scale: float, rounds: int) -> dict[str, Any]:
    """`dbt seed` takes minutes for 50,000 rows: two rounds of it must do."""
    few, many = scale * 0.01, scale
    against_dbt = [
        subject("seedbed load, few rows", "postgres.py", CASE_STAR, few, "seedbed"),
        subject("dbt seed, few rows", "postgres.py", CASE_STAR, few, "dbt"),
    ]
    against_copy = [
        subject("seedbed load, many rows", "postgres.py", CASE_STAR, many, "seedbed"),
        subject("COPY of a ready-made CSV, many rows", "postgres.py", CASE_STAR, many, "copy"),
    ]
    return compare(against_dbt, min(rounds, 2)) | compare(against_copy, rounds)


def bill(scale: float, rounds: int) -> dict[str, Any]:
    return {"planning fifty tables with an LLM": [measure(subject("the bill", "bill.py"))]}


def sdv(scale: float, rounds: int) -> dict[str, Any]:
    rows = int(100_000 * scale)
    return compare(
        [
            seedbed("seedbed, CSV", scale * 0.1, "csv"),
            subject("SDV, Gaussian copula, transactions", "sdv_rows.py", rows, environment="sdv"),
        ],
        rounds,
    )


def spark(scale: float, rounds: int) -> dict[str, Any]:
    """With two cores each. dbldatagen's newer core, which is faster, is not released."""
    on_spark = partial(subject, environment="spark")
    return compare(
        [
            seedbed("seedbed, CSV, 2", scale, "csv", 2),
            on_spark("seedbed on Spark, CSV", "spark_rows.py", CASE_STAR, scale, "csv"),
            on_spark("dbldatagen on Spark, CSV", "dbldatagen_rows.py", scale),
            on_spark("seedbed on Spark, rows only", "spark_rows.py", CASE_STAR, scale, "rows"),
            on_spark("ready-made rows on Spark, rows only", "spark_rows.py", CASE_STAR, scale, "ready"),
        ],
        rounds,
    )


PARTS: dict[str, tuple[Part, str]] = {
    "csv": (csv, "W1 to CSV against writers of ready-made rows, 4 min"),
    "parquet": (parquet, "W1 to Parquet, likewise, 3 min"),
    "workers": (workers, "W1 on two workers against one, 5 min"),
    "peers": (peers, "values per CPU second against other generators, 12 min"),
    "strings": (strings, "W2 against mimesis and Faker, 2 min"),
    "wide": (wide, "W3, cold start to written seeds, 1 min"),
    "growth": (growth, "W4, to 10**8 transactions, 11 min and 6 GB of disk"),
    "postgres": (postgres, "`seedbed load` against `dbt seed` and COPY, 10 min"),
    "bill": (bill, "W5, the tokens to plan W3, from recorded replies, seconds"),
    "sdv": (sdv, "SDV, 1.5 GB to install, 4 min"),
    "spark": (spark, "Seedbed and dbldatagen on local Spark, 1 GB to install and Java, 25 min"),
}
OPTIONAL = ("sdv", "spark")


def main() -> None:
    shown = "\n".join(f"  {name:10} {about}" for name, (_, about) in PARTS.items())
    parser = argparse.ArgumentParser(
        description="Measures Seedbed against limits and peers. Parts that are measured replace their earlier "
        "results; results.md shows all.",
        epilog=f"parts (times at scale 1 and 5 rounds on two quiet cores):\n{shown}\n"
        f"{' and '.join(OPTIONAL)} are large and run only when named or with --all",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help="measure these parts only")
    parser.add_argument("--all", action="store_true", help="measure the optional parts too")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count, after a warm-up (5)")
    parser.add_argument("--scale", type=float, default=1.0, help="factor for all rows (1)")
    parser.add_argument("--report", action="store_true", help="measure nothing, write results.md again")
    arguments = parser.parse_args()
    chosen = arguments.only or [name for name in PARTS if arguments.all or name not in OPTIONAL]
    if not arguments.report:
        compileall.compile_dir(HERE.parent / "generator", quiet=1)  # as pip does when it installs
        for name in chosen:
            print(f"{name}: {PARTS[name][1]}", flush=True)
            keep(name, run_part(PARTS[name][0], arguments.scale, arguments.rounds))
    print(f"{render(json.loads(RESULTS.read_text()))} is written", flush=True)


def run_part(part: Part, scale: float, rounds: int) -> dict[str, Any]:
    try:
        runs = part(scale, rounds)
    except Unavailable as error:
        print(f"  {error}", flush=True)
        runs = {"": str(error)}
    return {"runs": runs, "scale": scale, "rounds": rounds, "when": f"{dt.datetime.now():%Y-%m-%d}", **machine()}


def machine() -> dict[str, Any]:
    """Where it ran, and how busy that was with other things."""
    return {"cores": os.cpu_count(), "python": platform.python_version(), "load": round(os.getloadavg()[1], 1)}


def keep(name: str, found: dict[str, Any]) -> None:
    """Puts one part among the results, whole or not at all."""
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    results[name] = found
    new = RESULTS.with_suffix(".new")
    new.write_text(json.dumps(results, indent=1) + "\n")
    new.replace(RESULTS)


if __name__ == "__main__":
    main()
